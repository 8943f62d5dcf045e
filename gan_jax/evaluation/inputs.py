"""What is judged: real paintings, generated images and frames of morphs, and the same with features."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gan_jax.metrics.image_set import ImageSet
from gan_jax.progress import Progress

PERIODS = ("early", "between", "late")
STUDY = "this study"
DIRECT = "random samples of the same year"

Extract = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Works:
    """The real paintings of a collection."""

    images: np.ndarray  # uint8 [n, r, r, 3]
    features: Mapping[str, np.ndarray]  # [n, d] by name, 'texture' among them
    years: np.ndarray  # [n], NaN for paintings without a date
    periods: Sequence[str]  # of each
    titles: Sequence[str]
    files: Sequence[str]
    parameters: Mapping[str, np.ndarray] | None = None  # of the built-in painter, each style parameter's true value [n]
    uncertainty: np.ndarray | None = None  # [n], years either way; None where every date is known
    named: Sequence[str] = ()  # of each the further period that it is shown under, '' for none; () where there is no such period

    def of(self, period: str) -> np.ndarray:
        """Returns places of the paintings of a period, in their order."""
        return np.flatnonzero(np.array(self.periods) == period)

    @property
    def further(self) -> list[str]:
        """Returns the periods that paintings are shown under beside early, between and late, in order of time."""
        named = np.array(self.named)
        return sorted({*self.named} - {""}, key=lambda name: self.years[named == name].min())


@dataclasses.dataclass(frozen=True)
class Competitors:
    """Frames of pairs of paintings: those of the study, and those that they are put beside."""

    frames: Mapping[str, np.ndarray]  # uint8 [pairs, T, r, r, 3] by competitor, STUDY first
    t: np.ndarray  # [T]
    years: np.ndarray  # [pairs, T]
    ends: np.ndarray  # [pairs, 2], places of the early and the late painting


@dataclasses.dataclass(frozen=True)
class Seen:
    """The same as Works, generated and Competitors, with features."""

    works: ImageSet
    generated: ImageSet
    frames: dict[str, ImageSet]


def look(works: Works, generated: np.ndarray, morphs: Competitors, extract: Extract, name: str) -> Seen:
    """Measures all images by `extract`, which is called `name`; of the paintings it is known what they are."""
    with Progress("look", 1 + len(morphs.frames)) as progress:
        looked = ImageSet.of(generated, extract)
        progress.advance(1, name)
        frames = {}
        for key, each in morphs.frames.items():
            frames[key] = ImageSet.of(each, extract)
            progress.advance(1, name)
    return Seen(ImageSet(works.images, works.features[name]), looked, frames)
