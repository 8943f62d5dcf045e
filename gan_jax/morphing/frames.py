"""Everything that a study's generators paint for its morphs: the frames of the pairs, the way through the years, the mean shift."""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gan_jax.collection.paintings import Collection
from gan_jax.latents import paths, sampling
from gan_jax.latents.tuning import Settings as TuningSettings
from gan_jax.latents.tuning import tuned
from gan_jax.models.generator import Generator
from gan_jax.models.networks import LABELS
from gan_jax.morphing.morph import Morph, hold
from gan_jax.morphing.morph import morph as travel
from gan_jax.morphing.morph import paint as by_both
from gan_jax.progress import Progress

SHIFTED = 16  # early paintings that the mean shift is shown on
FRAMES_A_STATION = 8  # on the way through the years, from one painting to the next
DIRECT_SEED = 10**6  # the first, far from those of samples

Ends = Sequence[tuple[int, int]]  # indices of early and late paintings in the collection


@dataclasses.dataclass(frozen=True)
class Tuning:
    """How generators are tuned to the ends of morphs."""

    settings: TuningSettings
    pairs: int  # that share a generator
    reach: float  # of a way, at either end, in which it gives way to the trained one


@dataclasses.dataclass(frozen=True)
class Painted:
    """Everything that the generators painted, as uint8 [..., r, r, 3]."""

    made: Morph
    before: np.ndarray  # [2 * pairs]: both ends of each pair, by the generator as it was trained
    after: np.ndarray  # [2 * pairs]: and tuned to them
    shift: np.ndarray  # [paintings, T]: of `shifted`
    years: np.ndarray  # [dates]: on the way through the years


def paint(
    generator: Generator,
    collection: Collection,
    latent_of: Mapping[int, np.ndarray],
    ends: Ends,
    stations: np.ndarray,
    dates: np.ndarray,
    t: np.ndarray,
    path: str,
    tuning: Tuning,
    seed: int,
) -> Painted:
    """Paints the morphs of a few pairs at a time, by a generator tuned to their ends; the way through the years by one tuned to its
    stations; and moves some early paintings with the generator of their pair.

    Args:
      latent_of: the latents [latent_size] of each painting trained on, by its index.
      stations: indices of the paintings that the way through the years passes, in order of date.
      dates: of its frames, of `dates_between`.
      t: places of the frames of a morph, [T].
      path: a key of `latents.paths.PATHS`.
    """

    def latents(paintings: Sequence[int]) -> np.ndarray:
        return np.stack([latent_of[index] for index in paintings])

    years = collection.years
    parts = [ends[first : first + tuning.pairs] for first in range(0, len(ends), tuning.pairs)]
    groups = [[index for pair in part for index in pair] for part in parts] + [stations.tolist()] * (len(stations) > 1)
    painters = tuned(generator, [(latents(paintings), collection.images[paintings]) for paintings in groups], tuning.settings, seed + 3)
    # Latents that a search found lie outside of what was learnt: between those, the tuned generator is the better one.
    reach = tuning.reach if generator.painting_latents is not None else 0.0
    early, late = (latents(collection.period(period).tolist()) for period in LABELS)
    moving, size = shifted(ends), collection.images.shape[1:]
    made: list[Morph] = []
    after: list[np.ndarray] = []
    shift: dict[int, np.ndarray] = {}
    # While they are tuned, that is what takes the time and has a line of its own.
    with contextlib.nullcontext() if tuning.settings.steps else Progress("morph", len(ends)) as progress:
        for part, paintings, painter in zip(parts, groups, painters):
            made.append(journeys(generator, latent_of, part, years, t, path, painter, reach))
            after.append(painter.images(latents(paintings)))
            for index in {first for first, _ in part} & set(moving) - set(shift):
                way = paths.mean_shift(latents([index]), early, late, t, generator.label_size)[0]
                shift[index] = by_both(generator, painter, way, hold(t / 2, reach))
            if progress:
                progress.advance(len(part))
        through = np.zeros((0, *size), np.uint8)
        if len(stations) > 1:
            way = paths.spline(latents(stations.tolist()), years[stations], dates, generator.label_size).astype(np.float32)
            near = hold(np.arange(len(dates)) % FRAMES_A_STATION / FRAMES_A_STATION, reach)  # each station is an end
            through = by_both(generator, next(painters), way, near)
    return Painted(
        Morph(t, np.concatenate([one.years for one in made]), np.concatenate([one.frames for one in made])),
        generator.images(latents([index for pair in ends for index in pair])),
        np.concatenate(after),
        np.stack([shift[index] for index in moving]),
        through,
    )


def directly(generator: Generator, years: np.ndarray, seed: int) -> np.ndarray:
    """Returns uint8 [pairs, T, r, r, 3]: for each pair one sample, which goes through the years [pairs, T] of its frames.

    Of a generator that knows the year.
    """
    assert generator.years
    latents = sampling.of_seeds(generator, DIRECT_SEED + seed * len(years) + np.arange(len(years)))[:, None, : -generator.label_size]
    latents = np.concatenate(
        [np.repeat(latents, years.shape[1], axis=1), generator.years.labels(years.ravel()).reshape(*years.shape, 1)], axis=2
    )
    return generator.images(latents.reshape(-1, latents.shape[-1])).reshape(*years.shape, *[generator.resolution] * 2, 3)


def shifted(ends: Ends) -> list[int]:
    """Returns early paintings that the mean shift is shown on."""
    return list(dict.fromkeys(first for first, _ in ends))[:SHIFTED]


def dates_between(dates: np.ndarray) -> np.ndarray:
    """Dates on a way by way of those of some paintings."""
    if len(dates) < 2:
        return np.zeros(0)
    return np.interp(np.arange((len(dates) - 1) * FRAMES_A_STATION + 1) / FRAMES_A_STATION, np.arange(len(dates)), dates)


def journeys(
    generator: Generator,
    latent_of: Mapping[int, np.ndarray],
    ends: Ends,
    years: np.ndarray,
    t: np.ndarray,
    path: str,
    tuned: Generator | None = None,
    reach: float = 0.0,
    count: Callable[[int], None] = lambda pairs: None,
) -> Morph:
    """Returns the morphs of pairs, by a generator and the one tuned to their ends; `count` is told of those that are done."""
    early, late = (np.stack([latent_of[pair[end]] for pair in ends]) for end in (0, 1))
    first, last = (years[[pair[end] for pair in ends]] for end in (0, 1))
    return travel(generator, early, late, first, last, t, path, count, tuned, reach)
