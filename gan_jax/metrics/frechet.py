"""Fréchet distance between two sets of features, as if both were normally distributed.

Dowson and Landau 1982; Heusel et al. 2017, https://arxiv.org/abs/1706.08500, equation 6: with Inception features this is FID.
"""

import dataclasses

import numpy as np


def _root(covariance: np.ndarray) -> np.ndarray:
    """Returns symmetric square root of a covariance [d, d]. Eigenvalues within rounding of zero count as zero: their roots would not be
    small (the root of 1e-16 is 1e-8), and with fewer points than features there are many."""
    values, vectors = np.linalg.eigh(covariance)
    values = np.where(values > _rounding(values), values, 0.0)
    return (vectors * np.sqrt(values)) @ vectors.T


def _rounding(values: np.ndarray) -> float:
    return len(values) * np.finfo(np.float64).eps * float(np.abs(values).max(initial=0.0))


@dataclasses.dataclass
class Moments:
    """Mean and covariance of features that come in parts, in float64 (Chan et al. 1979: parts of any size, no loss)."""

    n: int
    mean: np.ndarray  # [d]
    scatter: np.ndarray  # [d, d], the sum of the products of deviations from the mean

    @classmethod
    def of(cls, features: np.ndarray) -> "Moments":
        """Measures one part [n, d]."""
        features = np.asarray(features, np.float64)
        mean = features.mean(axis=0)
        off = features - mean
        return cls(len(features), mean, off.T @ off)

    def __add__(self, other: "Moments") -> "Moments":
        n = self.n + other.n
        apart = other.mean - self.mean
        mean = self.mean + apart * (other.n / n)
        return Moments(n, mean, self.scatter + other.scatter + np.outer(apart, apart) * (self.n * other.n / n))

    @property
    def covariance(self) -> np.ndarray:
        return self.scatter / (self.n - 1)


def frechet(a: np.ndarray | Moments, b: np.ndarray | Moments) -> float:
    """Returns |mean_a - mean_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2) of features `a` [n, d] and `b` [m, d] or their moments, in float64.

    The covariances A and B are those with n - 1. Safe where they are singular (n <= d), because only symmetric matrices are
    decomposed. It is biased upwards, and more so the fewer the points: compare only figures from equally many.

    Raises ValueError for fewer than two points in a set, or features of different sizes.
    """
    for x in (a, b):
        if not isinstance(x, Moments) and x.ndim != 2:
            raise ValueError(f"features must be [n, d], not {list(x.shape)}")
    points = [x for x in (a, b) if not isinstance(x, Moments)]
    a, b = (x if isinstance(x, Moments) else Moments.of(x) if len(x) else Moments(0, np.zeros(x.shape[1]), np.zeros(0)) for x in (a, b))
    if len(a.mean) != len(b.mean):
        raise ValueError(f"features must be [n, d] and [m, d] with the same d, not {len(a.mean)} and {len(b.mean)}")
    if min(a.n, b.n) < 2:
        raise ValueError(f"the Fréchet distance needs at least 2 points a set, not {a.n} and {b.n}")
    if len(points) == 2 and min(a.n, b.n) < len(a.mean):
        # With fewer points than features: where A = F'F and B = G'G, the trace is the sum of the singular values of FG'.
        f, g = ((x - x.mean(axis=0)) / np.sqrt(len(x) - 1) for x in (np.asarray(x, np.float64) for x in points))
        shared = np.linalg.svd(f @ g.T, compute_uv=False).sum()
    else:
        root = _root(a.covariance)
        product = root @ b.covariance @ root
        values = np.linalg.eigvalsh((product + product.T) / 2)
        shared = np.sqrt(np.where(values > _rounding(values), values, 0.0)).sum()

    means = np.square(a.mean - b.mean).sum()
    # The distance is never below zero; what is left of rounding may be.
    return max(0.0, float(means + np.trace(a.covariance) + np.trace(b.covariance) - 2.0 * shared))
