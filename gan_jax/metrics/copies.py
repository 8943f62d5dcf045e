"""Whether generated images are copies of the paintings that were trained on."""

import dataclasses

import numpy as np
from scipy import stats

from gan_jax.metrics.alignment import Compositions
from gan_jax.metrics.image_set import MINIMUM

EXPECTED = 0.05  # part of the real paintings that stand out from the others as much as the threshold
CHUNK = 4096  # images at once
SAME = 0.9999  # correlations above this are this


@dataclasses.dataclass(frozen=True)
class Nearest:
    """Says which training painting is most like each of n images."""

    painting: np.ndarray  # [n], its place among the training paintings
    distance: np.ndarray  # [n], 1 less the correlation of light and dark, where the two lie best: 0 is the same, 1 has nothing in common
    stands_out: np.ndarray  # [n], the likeness above that to the other paintings, in standard deviations of theirs


class Copies:
    """Compares with the training paintings, uint8 [n, r, r, 3]. Raises ValueError for fewer than eight.

    A copy is near to one painting as to no other; a blur, or a mean of images, is about as near to many, and one of few and large patches
    is nearer to some and further from others. So what counts is how far the nearest stands out from the same image's likeness to all
    others. `threshold` is how far 5 % of the paintings stand out among themselves: images beyond it are called near copies. Colours and
    contrast don't count, and a copy may be mirrored, moved by a sixteenth of a side or two pixels, or cropped by an eighth (see
    `alignment`).
    """

    def __init__(self, paintings: np.ndarray):
        if len(paintings) < MINIMUM:
            raise ValueError(f"{len(paintings)} paintings, at least {MINIMUM} are needed")
        self._paintings = Compositions(paintings)
        own = self._paintings.likeness(paintings)
        others = ~np.eye(len(paintings), dtype=bool)  # nor is a symmetric painting a copy of itself
        self._beyond = int(np.ceil(EXPECTED * len(paintings)))
        self.threshold = float(np.sort(_stands_out(own[others].reshape(len(paintings), -1)))[-self._beyond])

    def __call__(self, images: np.ndarray) -> Nearest:
        painting, distance, stands_out = [np.zeros(0, int)], [np.zeros(0)], [np.zeros(0)]
        for start in range(0, len(images), CHUNK):
            likeness = self._paintings.likeness(images[start : start + CHUNK])
            painting.append(likeness.argmax(axis=1))
            distance.append(1 - likeness.max(axis=1).astype(np.float64))
            stands_out.append(_stands_out(likeness))
        return Nearest(*(np.concatenate(each) for each in (painting, distance, stands_out)))

    def near(self, found: Nearest) -> np.ndarray:
        """Returns which images [n] are near copies."""
        return found.stands_out > self.threshold

    def chance(self, found: Nearest) -> float:
        """Returns how often as large a part of new paintings, or a larger one, would be near copies.

        Images that are most like one painting may be one image over and over, so they count as no more images than there are paintings that
        are the nearest of any. Beta-binomial, for the threshold is the place of one painting among the others.
        """
        images = len(np.unique(found.painting))
        near = np.floor(images * self.near(found).mean() + 1e-9)
        return float(stats.betabinom.sf(near - 1, images, self._beyond, len(self._paintings) + 1 - self._beyond))


def _stands_out(likeness: np.ndarray) -> np.ndarray:
    """Returns how far the largest of correlations [m, n] lies above the others [m], by Fisher's transformation in standard deviations."""
    spread = np.sort(np.arctanh(np.minimum(likeness.astype(np.float64), SAME)), axis=1)
    return (spread[:, -1] - spread[:, :-1].mean(axis=1)) / np.maximum(spread[:, :-1].std(axis=1), 1e-6)
