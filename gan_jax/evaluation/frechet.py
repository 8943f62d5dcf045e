"""Fréchet distance between two sets of features, as if both were normally distributed.

Dowson and Landau 1982; Heusel et al. 2017, https://arxiv.org/abs/1706.08500, equation 6: with Inception features this is FID.
"""

import numpy as np


def _root(covariance: np.ndarray) -> np.ndarray:
    """Symmetric square root of a covariance [d, d]. Eigenvalues within rounding of zero count as zero: their roots would not be
    small (the root of 1e-16 is 1e-8), and with fewer points than features there are many."""
    values, vectors = np.linalg.eigh(covariance)
    values = np.where(values > _rounding(values), values, 0.0)
    return (vectors * np.sqrt(values)) @ vectors.T


def _rounding(values: np.ndarray) -> float:
    return len(values) * np.finfo(np.float64).eps * float(np.abs(values).max(initial=0.0))


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """|mean_a - mean_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2) of features `a` [n, d] and `b` [m, d], in float64.

    The covariances A and B are those with n - 1. Safe where they are singular (n <= d), because only symmetric matrices are
    decomposed. It is biased upwards, and more so the fewer the points: compare only figures from equally many.

    Raises ValueError for fewer than two points in a set, or features of different sizes.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"features must be [n, d] and [m, d] with the same d, not {list(a.shape)} and {list(b.shape)}")
    if min(len(a), len(b)) < 2:
        raise ValueError(f"the Fréchet distance needs at least 2 points a set, not {len(a)} and {len(b)}")
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    cov_a, cov_b = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    root = _root(cov_a)
    product = root @ cov_b @ root
    values = np.linalg.eigvalsh((product + product.T) / 2)
    shared = np.sqrt(np.where(values > _rounding(values), values, 0.0)).sum()
    means = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    # The distance is never below zero; what is left of rounding may be.
    return max(0.0, float(means + np.trace(cov_a) + np.trace(cov_b) - 2.0 * shared))
