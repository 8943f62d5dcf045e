"""What several stages need of a study."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax.collection.aspect import matted
from gan_jax.collection.collection import Collection
from gan_jax.errors import UserError
from gan_jax.generators import open_generator
from gan_jax.latents import inversion, tuning
from gan_jax.latents.likeness import Weights
from gan_jax.models.generator import Generator
from gan_jax.models.networks import LABELS

PERIODS = LABELS  # what is trained on and inverted; "between" is held out


def generator_of(config: ConfigDict, workdir: pathlib.Path) -> Generator:
    """What paints in this study."""
    return open_generator(config.generator or workdir, config.training.precision)


def trained_on(collection: Collection) -> np.ndarray:
    """Indices of the works of both periods, in order of date."""
    return np.sort(np.concatenate([collection.period(period) for period in PERIODS]))


def check_resolution(generator: Generator, collection: Collection, config: ConfigDict) -> None:
    size = collection.images.shape[1]
    if generator.resolution != size:
        paints = f"{generator.name}: paints {generator.resolution} px, the paintings are {size} px"
        advice = f"prepare them with --config.collection.resolution={generator.resolution}" if config.generator else "let `train` end first"
        raise UserError(f"{paints}; {advice}")


def aspects(collection: Collection) -> np.ndarray:
    """[n], width over height of the works as they were found."""
    return np.array([painting.width / painting.height for painting in collection.paintings])


def in_own_shapes(collection: Collection, fit: str) -> Collection:
    """The same works with pictures to look at, each in its own shape."""
    return dataclasses.replace(collection, images=matted(collection.images, aspects(collection), fit))


def describe(collection: Collection, index: int) -> dict[str, Any]:
    painting = collection.paintings[index]
    return {"index": index, "file": painting.file, "title": painting.title, "year": f"{painting.year:.3f}", "period": painting.period}


def search_settings(config: ConfigDict) -> inversion.Settings:
    """`config.inversion`."""
    names = inversion.Settings.__dataclass_fields__.keys() - {"weights"}
    return inversion.Settings(weights=weights(config.inversion), **{name: config.inversion[name] for name in names})


def tuning_settings(config: ConfigDict) -> tuning.Settings:
    """`config.tuning`."""
    names = tuning.Settings.__dataclass_fields__.keys() - {"weights"}
    return tuning.Settings(weights=weights(config.tuning), **{name: config.tuning[name] for name in names})


def weights(section: ConfigDict) -> Weights:
    return Weights(section.pixels, section.structure, section.features)
