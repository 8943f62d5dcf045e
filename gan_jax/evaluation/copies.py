"""Whether generated pictures are copies of the works that were trained on."""

import dataclasses

import numpy as np

from gan_jax.evaluation.manifold import distances
from gan_jax.pictures import shrunk

SIDE = 16  # pixels at which pictures are compared: composition and colour, not brushwork
EXPECTED = 0.05  # part of the real works that are as near to another real work as the threshold
MINIMUM = 8
CHUNK = 4096  # pictures at once


@dataclasses.dataclass(frozen=True)
class Nearest:
    """Of each of n pictures the training work that is most like it."""

    work: np.ndarray  # [n], its place among the training works
    distance: np.ndarray  # [n], root mean square difference of colours in 0 to 1, at 16 pixels, the work mirrored or not
    relative: np.ndarray  # [n], the same in parts of that work's own distance to the work nearest to it


class Copies:
    """Compares with the training works, uint8 [n, r, r, 3]. Raises ValueError for fewer than eight.

    Dark pictures are all near each other and bright ones are not, so what counts is the relative distance. `threshold` is the one that
    5 % of the works lie below from their nearest other: nearer pictures are called near copies. Training shows works mirrored as well,
    so a mirrored copy is a copy.
    """

    def __init__(self, works: np.ndarray):
        if len(works) < MINIMUM:
            raise ValueError(f"{len(works)} works, at least {MINIMUM} are needed")
        self._works, self._mirrored = _points(works), _points(works[:, :, ::-1])
        own = self._apart(self._works)
        np.fill_diagonal(own, np.inf)  # nor is a symmetric work a copy of itself
        order = np.argsort(own, axis=1, kind="stable")[:, :2]
        first, second = np.take_along_axis(own, order, axis=1).T
        self._radius = np.maximum(first, 1e-6)
        # Of a work's nearest, the distance to the work nearest to that, other than the first.
        nearest = order[:, 0]
        beside = np.where(order[nearest, 0] == np.arange(len(works)), second[nearest], first[nearest])
        self.threshold = float(np.quantile(first / np.maximum(beside, 1e-6), EXPECTED))

    def __call__(self, images: np.ndarray) -> Nearest:
        work, distance = [np.zeros(0, int)], [np.zeros(0)]
        for start in range(0, len(images), CHUNK):
            apart = self._apart(_points(images[start : start + CHUNK]))
            work.append(apart.argmin(axis=1))
            distance.append(apart.min(axis=1))
        works, far = np.concatenate(work), np.concatenate(distance)
        return Nearest(works, far, far / self._radius[works])

    def near(self, found: Nearest) -> np.ndarray:
        """Which pictures [n] are near copies."""
        return found.relative < self.threshold

    def _apart(self, points: np.ndarray) -> np.ndarray:
        return np.minimum(distances(points, self._works), distances(points, self._mirrored))


def _points(images: np.ndarray) -> np.ndarray:
    """[n, d] so that the Euclidean distance is the root mean square difference."""
    points = shrunk(images, SIDE).reshape(len(images), -1)
    return points / np.sqrt(points.shape[1])
