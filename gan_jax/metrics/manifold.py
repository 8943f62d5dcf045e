"""Whether the images of one set lie among those of another: precision, recall, density and coverage.

Precision and recall: Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models",
https://arxiv.org/abs/1904.06991. Density and coverage: Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative
Models", https://arxiv.org/abs/2002.09797.
"""

import dataclasses

import numpy as np

NEIGHBOURS = 3  # whose distance is the radius around an image, for precision and recall
DENSITY_NEIGHBOURS = 5  # the same for density and coverage
MINIMUM = DENSITY_NEIGHBOURS + 1


@dataclasses.dataclass(frozen=True)
class Manifold:
    precision: float  # part of the generated images that lie among the real ones
    recall: float  # part of the real ones that lie among the generated ones
    density: float  # how many real neighbourhoods hold a generated image, 1 where it is as many as of a real one
    coverage: float  # part of the real ones with a generated one in their neighbourhood


def manifold(real: np.ndarray, generated: np.ndarray) -> Manifold:
    """Compares features [n, d] and [m, d]. Raises ValueError for fewer than six of either."""
    if min(len(real), len(generated)) < MINIMUM:
        raise ValueError(f"precision and recall need at least {MINIMUM} images a set, not {len(real)} and {len(generated)}")
    apart = distances(generated, real)  # [m, n]
    within_real, within_generated = (np.sort(distances(x, x), axis=1) for x in (real, generated))  # column 0 is the image itself
    wide = within_real[:, DENSITY_NEIGHBOURS]
    inside = apart <= wide
    return Manifold(
        precision=float((apart <= within_real[:, NEIGHBOURS]).any(axis=1).mean()),
        recall=float((apart <= within_generated[:, NEIGHBOURS, None]).any(axis=0).mean()),
        density=float(inside.sum(axis=1).mean() / DENSITY_NEIGHBOURS),
        coverage=float(inside.any(axis=0).mean()),
    )


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns euclidean distances [n, m] of points [n, d] and [m, d], float64; of a point from itself exactly 0 where `a` is `b`."""
    squares = (a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1)[None]
    if a is b:
        np.fill_diagonal(squares, 0.0)
    return np.sqrt(np.maximum(squares, 0.0))
