"""What several stages need of a study."""

import pathlib
import re
from collections.abc import Sequence

import numpy as np
from ml_collections import ConfigDict

from gan_jax.collection.paintings import Collection
from gan_jax.errors import UserError
from gan_jax.fields import taken
from gan_jax.generators import open_generator
from gan_jax.latents import search, tuning
from gan_jax.models.generator import Generator
from gan_jax.models.likeness import Weights
from gan_jax.models.networks import LABELS

MOST_NUMBERS = 100_000  # that a flag may name
PERIODS = LABELS  # what is trained on and inverted; "between" is held out


def generator_of(config: ConfigDict, workdir: pathlib.Path) -> Generator:
    """Returns what paints in this study."""
    return open_generator(config.generator or workdir, config.training.precision)


def collection_of(workdir: pathlib.Path) -> Collection:
    """Returns the paintings of this study."""
    return Collection.load(workdir / "collection")


def trained_on(collection: Collection) -> np.ndarray:
    """Returns indices of the paintings of both periods, in order of date."""
    return np.sort(np.concatenate([collection.period(period) for period in PERIODS]))


def learnt_paintings(collection: Collection, config: ConfigDict) -> np.ndarray:
    """Returns indices of the paintings that `train` learns, in its order."""
    return collection.period(config.training.period) if config.training.period else trained_on(collection)


def labels_of(generator: Generator, collection: Collection, indices: Sequence[int] | np.ndarray) -> np.ndarray:
    """Returns float32 [n, label_size], the labels of paintings: their years or their periods, as the generator was trained."""
    paintings = [collection.paintings[index] for index in indices]
    if generator.years:
        return generator.years.labels(np.array([painting.year for painting in paintings]))
    if generator.label_size != len(PERIODS):
        return np.zeros((len(paintings), 0), np.float32)
    return np.eye(len(PERIODS), dtype=np.float32)[[PERIODS.index(painting.period) for painting in paintings]]


def own_latents(generator: Generator, collection: Collection, config: ConfigDict) -> dict[int, np.ndarray]:
    """Returns the latents [latent_size], by place in the collection, of paintings that training gave some of their own.

    Networks that are not of this study have learnt other paintings: there are none of theirs.
    """
    if generator.painting_latents is None or config.generator:
        return {}
    indices = learnt_paintings(collection, config)
    return dict(zip(indices.tolist(), np.concatenate([generator.painting_latents, labels_of(generator, collection, indices)], axis=1)))


def check_resolution(generator: Generator, collection: Collection, config: ConfigDict) -> None:
    size = collection.images.shape[1]
    if generator.resolution != size:
        paints = f"{generator.name}: paints {generator.resolution} px, the paintings are {size} px"
        advice = f"prepare them with --config.collection.resolution={generator.resolution}" if config.generator else "let `train` end first"
        raise UserError(f"{paints}; {advice}")


def search_settings(config: ConfigDict) -> search.Settings:
    """Returns `config.inversion`."""
    return taken(search.Settings, config.inversion, weights=taken(Weights, config.inversion))


OWN = ("steps", "restarts", "candidates", "batch_size")  # of a baseline's searches: with them the study's own are not made again


def baseline_search_settings(config: ConfigDict) -> search.Settings:
    """Returns `config.inversion`, but for what `config.baseline` says itself. Nothing is told by a baseline's errors, so no calibration."""
    own = {name: config.baseline[name] or config.inversion[name] for name in OWN}
    return taken(search.Settings, config.inversion, weights=taken(Weights, config.inversion), calibration=0, **own)


def tuning_settings(config: ConfigDict) -> tuning.Settings:
    """Returns `config.tuning`."""
    return taken(tuning.Settings, config.tuning, weights=taken(Weights, config.tuning))


def numbers(text: str, flag: str) -> np.ndarray:
    """Reads "0-3,7" as [0, 1, 2, 3, 7]. Raises UserError that names the flag."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise UserError(f"{flag}={text}: {part!r} is neither a number nor a span like 0-15")
        if len(found) + last - first >= MOST_NUMBERS:
            raise UserError(f"{flag}={text}: more than {MOST_NUMBERS:,}")
        found += range(first, last + 1)
    return np.array(found)
