"""What stands for a study where its stages are timed before they are done: the config's networks as they begin, and a few paintings of the
built-in painter. Beside it stand the clock, and what a timed piece of work counts for."""

import dataclasses
import functools
import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import default_config, pictures
from gan_jax.benchmark import speed
from gan_jax.benchmark.speed import quiet
from gan_jax.collection import collection as collections
from gan_jax.collection.paintings import Collection
from gan_jax.errors import UserError
from gan_jax.evaluation.verdicts import cross_fade
from gan_jax.forecast.counts import Paintings
from gan_jax.generators import open_generator
from gan_jax.latents import sampling
from gan_jax.models import networks
from gan_jax.models.generator import Generator
from gan_jax.morphing.morph import times
from gan_jax.morphing.morphs import Morphs
from gan_jax.stages.common import PERIODS

SHOWN = 112  # paintings that stand for those of the study
SIDE = 64  # pixels at which they are painted, at most
BATCH = 64  # images painted


class Unknown(Exception):
    """Says why nothing can be said yet about how long a stage takes."""


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a stage: so many pieces of work, and what is done once besides, such as compiling."""

    what: str
    count: float
    each: float  # seconds
    once: float = 0.0  # seconds
    note: str = ""

    @property
    def seconds(self) -> float:
        """Returns what all of it takes."""
        return self.count * self.each + self.once


class Rehearsal:
    """What the pieces are made of, made when the first of them needs it."""

    def __init__(self, config: ConfigDict, paintings: Paintings | None, seen: int = 0, unasked: frozenset[str] = frozenset()):
        """Takes the counts.

        Args:
          paintings: None where nobody knows yet how many there are.
          seen: images that the training has behind it.
          unasked: names of fields that this command does not name, and whose networks are therefore not opened.
        """
        self.config, self.seen, self._paintings, self._unasked = config, seen, paintings, unasked
        self.resolution = config.collection.resolution
        self.dtype = networks.compute_dtype(config.training.precision)

    @property
    def paintings(self) -> Paintings:
        """Returns how many there are. Raises Unknown where nobody knows."""
        if self._paintings is None:
            raise Unknown("how many paintings and pairs there are is known after `prepare`")
        return self._paintings

    def opened(self, field: str, source: str) -> Generator:
        """Opens the generator that a field of the config names. Raises Unknown where it can't be, or may not be."""
        if field in self._unasked:
            raise Unknown(f"config.{field} is named by the workdir alone, and is opened where the command names it too")
        try:
            return open_generator(source, self.config.training.precision)
        except UserError as error:
            raise Unknown(str(error)) from None

    @functools.cached_property
    def generator(self) -> Generator:
        """Returns what paints: new networks of the config, or those that it names. Raises Unknown where these can't be opened."""
        if self.config.generator:
            return self.opened("generator", self.config.generator)
        return speed.untrained(self.config, networks.full_level(self.resolution), self.dtype)

    @functools.cached_property
    def collection(self) -> Collection:
        """Paintings by the built-in painter, at the resolution of the study."""
        section = default_config.get_config().collection
        section.update(resolution=min(SIDE, self.resolution), min_paintings=8)
        section.painter.paintings = SHOWN
        with quiet():
            made = collections.prepare(section)
        return dataclasses.replace(made, images=pictures.enlarged(made.images, self.resolution))

    @functools.cached_property
    def morphs(self) -> Morphs:
        """Returns those of all paintings."""
        return self.between(self.collection)

    def between(self, collection: Collection) -> Morphs:
        """Returns cross-fades between early and late paintings, mirrored, and in the place of samples those of other pairs."""
        t = times(self.config.morphing.frames, self.config.morphing.easing)
        ends = list(zip(*(collection.period(period).tolist() for period in PERIODS)))
        early, late = np.array(ends).T
        frames = cross_fade(collection.images[early], collection.images[late], t)
        years = collection.years[early][:, None] + t * (collection.years[late] - collection.years[early])[:, None]
        direct = np.roll(frames, 1, axis=0) if self.config.model.year else None
        return Morphs(ends, [1.0] * len(ends), [], t, years, frames[:, :, :, ::-1], direct)

    def images(self, count: int) -> np.ndarray:
        """Returns uint8 [count, r, r, 3], paintings over and over."""
        return self.collection.images[np.arange(count) % SHOWN]

    def latents(self, count: int, generator: Generator | None = None) -> np.ndarray:
        """Returns [count, latent_size], of a generator or that of the study."""
        return sampling.of_seeds(generator or self.generator, np.arange(count))

    def painting(self, count: int, generator: Generator | None = None) -> Part:
        """Times a batch of images from latents."""
        generator = generator or self.generator
        again, once = twice(lambda: generator.images(self.latents(BATCH, generator)))
        return Part("images painted", count, again / BATCH, once)


def twice(action: Callable[[], Any]) -> tuple[float, float]:
    """Returns seconds of the second call, and what the first took more: compiling."""
    first, again = (speed.seconds_of(action) for _ in range(2))
    return again, max(0.0, first - again)


def in_folder(action: Callable[[pathlib.Path], Any]) -> float:
    """Returns seconds of what writes into a folder, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, quiet():
        return speed.seconds_of(lambda: action(pathlib.Path(folder)) and None)
