"""What is judged: real paintings, generated images and frames of morphs, and the same with features."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gan_jax.errors import UserError
from gan_jax.metrics.image_set import ImageSet
from gan_jax.progress import Progress

PERIODS = ("early", "between", "late")
STUDY = "this study"
CROSS_FADE = "cross-fade"
DIRECT = "random samples of the same year"

Extract = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Paintings:
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

    frames: Mapping[str, np.ndarray]  # uint8 [pairs, T, r, r, 3] by competitor, STUDY first; [p, T, r, r, 3] of those in `some`
    t: np.ndarray  # [T]
    years: np.ndarray  # [pairs, T]
    ends: np.ndarray  # [pairs, 2], places of the early and the late painting
    some: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)  # [p], numbers of the pairs of competitors without the others

    def of(self, name: str) -> np.ndarray:
        """Returns the numbers of the pairs that a competitor has."""
        return np.asarray(self.some[name], int) if name in self.some else np.arange(len(self.ends))

    def like_with_like(self) -> "Competitors":
        """Returns these and, before a competitor that has some of the pairs alone, the study and the cross-fade over the same pairs.

        Raises UserError for competitors whose frames are not of their pairs, or that have as many pairs as each other, and others.
        """
        frames: dict[str, np.ndarray] = {}
        some = dict(self.some)
        for name, each in self.frames.items():
            if name in self.some:
                numbers = self.of(name)
                if len(each) != len(numbers):
                    raise UserError(f"{name}: frames of {len(each)} pairs, they should be of {len(numbers)}")
                for whole in (next(iter(self.frames)), CROSS_FADE):
                    same = over(whole, len(numbers))
                    if not np.array_equal(some.setdefault(same, numbers), numbers):
                        raise UserError(f"{name}: has other pairs than another competitor with {len(numbers)} pairs")
                    frames.setdefault(same, self.frames[whole][numbers])
            frames[name] = each
        return dataclasses.replace(self, frames=frames, some=some)


def over(name: str, pairs: int) -> str:
    """Returns what a competitor is called that has so many of the pairs alone."""
    return f"{name} ({pairs} pairs)"


@dataclasses.dataclass(frozen=True)
class Seen:
    """The paintings, what was generated and the competitors, with features."""

    paintings: ImageSet
    generated: ImageSet
    frames: dict[str, ImageSet]


def look(paintings: Paintings, generated: np.ndarray, morphs: Competitors, extract: Extract, name: str) -> Seen:
    """Measures all images by `extract`, which is called `name`; of the paintings it is known what they are."""
    with Progress("look", 1 + len(morphs.frames)) as progress:
        looked = ImageSet.of(generated, extract)
        progress.advance(1, name)
        frames = {}
        for key, each in morphs.frames.items():
            frames[key] = ImageSet.of(each, extract)
            progress.advance(1, name)
    return Seen(ImageSet(paintings.images, paintings.features[name]), looked, frames)
