"""Intervals that hold 95 % of what a figure would be with other paintings of the same kind."""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy import special

COVERAGE = 95.0  # percent
ENDS = ((100 - COVERAGE) / 2, (100 + COVERAGE) / 2)  # percentiles between which it lies
ROUNDS = 1000


@dataclasses.dataclass(frozen=True)
class Estimate:
    value: float
    low: float
    high: float


def students_factor(n: int) -> float:
    """Returns how much wider an interval is than what n points scatter around their own mean: they scatter more around the true one
    (Student)."""
    tail = 0.5 + COVERAGE / 200
    return special.stdtrit(n - 1, tail) / special.ndtri(tail) * np.sqrt(n / (n - 1))


def percentiles(values: np.ndarray) -> tuple[float, float]:
    """Returns the middle 95 % of values [rounds]."""
    low, high = np.percentile(values, ENDS)
    return float(low), float(high)


def bootstrap(values: np.ndarray, seed: int, statistic: Callable[[np.ndarray], np.ndarray] | None = None) -> Estimate:
    """Returns the mean of values [n, ...] over n, or another statistic of them, with the percentile interval over which n were drawn.

    statistic: [rounds, n, ...] to [rounds].
    """
    take = statistic or (lambda drawn: drawn.mean(axis=1))
    drawn = values[np.random.default_rng(seed).integers(0, len(values), (ROUNDS, len(values)))]
    return Estimate(float(take(values[None])[0]), *percentiles(take(drawn)))
