"""Kernel Inception Distance: unbiased squared MMD with a cubic kernel, with an interval.

Bińkowski et al. 2018, "Demystifying MMD GANs", https://arxiv.org/abs/1801.01401, section 4. The features may be any; with
features other than Inception's the figures compare only among themselves.
"""

import dataclasses

import numpy as np

from gan_jax.metrics.intervals import students_factor

COVERAGE = 95.0  # percent
MINIMUM = 4  # points a set: halves of two are the smallest that still have an unbiased estimate


@dataclasses.dataclass(frozen=True)
class Kid:
    """The estimate and the ends of its 95 % interval. The estimate is unbiased, so it is below zero about every other time that
    the two sets have the same distribution."""

    value: float
    low: float
    high: float


def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns the cubic kernel (a.b / d + 1)^3 of features [n, d] and [m, d]: [n, m], float64."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return (a @ b.T / a.shape[1] + 1.0) ** 3


def _mmd2(kaa: np.ndarray, kbb: np.ndarray, kab: np.ndarray, in_a: np.ndarray, in_b: np.ndarray) -> np.ndarray:
    """Returns unbiased MMD^2 of each of r subsets; `in_a` [r, n] and `in_b` [r, m] are 1.0 for the points that are in.

    The diagonals of `kaa` and `kbb` must be zero: that is what makes the estimate unbiased (equation 4).
    """
    n, m = in_a.sum(axis=1), in_b.sum(axis=1)
    within_a = ((in_a @ kaa) * in_a).sum(axis=1) / (n * (n - 1))
    within_b = ((in_b @ kbb) * in_b).sum(axis=1) / (m * (m - 1))
    return within_a + within_b - 2.0 * ((in_a @ kab) * in_b).sum(axis=1) / (n * m)


def _halves(rng: np.random.Generator, subsets: int, n: int) -> np.ndarray:
    """`subsets` random halves of n points, drawn without replacement: [subsets, n] of 0.0 and 1.0."""
    return (rng.permuted(np.tile(np.arange(n), (subsets, 1)), axis=1) < n // 2).astype(np.float64)


def _kernels(a: np.ndarray, b: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns kernels within `a`, within `b` (both with a zero diagonal) and between them."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"features must be [n, d] and [m, d] with the same d, not {list(a.shape)} and {list(b.shape)}")
    if min(len(a), len(b)) < least:
        raise ValueError(f"KID needs at least {least} points a set, not {len(a)} and {len(b)}")
    within_a, within_b = kernel(a, a), kernel(b, b)
    np.fill_diagonal(within_a, 0.0)
    np.fill_diagonal(within_b, 0.0)
    return within_a, within_b, kernel(a, b)


def estimate(a: np.ndarray, b: np.ndarray) -> float:
    """Returns unbiased KID between features `a` [n, d] and `b` [m, d], without an interval.

    Raises ValueError for fewer than two points in a set, or features of different sizes.
    """
    return float(_mmd2(*_kernels(a, b, 2), np.ones((1, len(a))), np.ones((1, len(b))))[0])


def kid(a: np.ndarray, b: np.ndarray, *, seed: int, subsets: int = 400) -> Kid:
    """Returns unbiased KID between features `a` [n, d] and `b` [m, d], with a 95 % interval over which points were drawn.

    What is resampled: in each of `subsets` rounds a random half of `a` and, independently, a random half of `b`, both without
    replacement; the interval is the middle 95 % of their KIDs. A half drawn without replacement scatters around the whole with
    variance (1/(n/2) - 1/n) s^2 = s^2/n, which is that of the whole around the truth, so no rescaling is needed (the delete-half
    jackknife, Shao and Wu 1989). The usual bootstrap would not do: a point drawn twice meets itself with the kernel's largest
    value, which the unbiased estimate leaves out on purpose, and moves every resampled KID upwards. Near equality the KID
    scatters as 1/n instead of 1/sqrt(n), and there the interval is too wide (by about 1.7) rather than too narrow. Measured on
    normal, correlated and heavy-tailed features of 20 dimensions with 20 to 100 points a set, it held the truth 95 to 100 % of the
    time; with a single feature, whose cubic kernel is very skewed, 83 % at 30 points.

    Points are taken to be independent of each other. Memory grows as (n + m)^2: about 100 MB at n = m = 2,000.

    Raises ValueError for fewer than four points in a set, or features of different sizes.
    """
    kernels = _kernels(a, b, MINIMUM)
    n, m = len(a), len(b)
    value = _mmd2(*kernels, np.ones((1, n)), np.ones((1, m)))[0]
    rng = np.random.default_rng(seed)
    resampled = _mmd2(*kernels, _halves(rng, subsets, n), _halves(rng, subsets, m))
    low, high = np.percentile(resampled, [(100.0 - COVERAGE) / 2, (100.0 + COVERAGE) / 2])
    return Kid(float(value), float(low), float(high))


def difference(a: np.ndarray, b: np.ndarray, real: np.ndarray, *, seed: int, paired: bool, subsets: int = 400) -> Kid:
    """Returns KID(a, real) - KID(b, real) with its 95 % interval: below zero where `a` [n, d] is nearer to `real` [m, d] than `b` [k, d].

    The same halves of `real` stand on both sides, so what they have in common goes out. paired: row i of `a` and of `b` belong
    together (n = k) and are in the same halves too. The interval is wider by Student's factor: verdicts rest on it, and few points scatter
    less around their own mean than around the true one. Raises ValueError as `kid` does.
    """
    if paired and len(a) != len(b):
        raise ValueError(f"pairs need as many points in both sets, not {len(a)} and {len(b)}")
    kernels = [_kernels(x, real, MINIMUM) for x in (a, b)]
    whole = [_mmd2(*each, np.ones((1, len(x))), np.ones((1, len(real))))[0] for each, x in zip(kernels, (a, b))]
    rng = np.random.default_rng(seed)
    in_real, in_a = _halves(rng, subsets, len(real)), _halves(rng, subsets, len(a))
    in_b = in_a if paired else _halves(rng, subsets, len(b))
    resampled = _mmd2(*kernels[0], in_a, in_real) - _mmd2(*kernels[1], in_b, in_real)
    low, high = np.percentile(resampled, [(100.0 - COVERAGE) / 2, (100.0 + COVERAGE) / 2])
    value, fewest = whole[0] - whole[1], min(len(a), len(b), len(real))
    wider = students_factor(fewest)
    return Kid(float(value), float(value + wider * (low - value)), float(value + wider * (high - value)))
