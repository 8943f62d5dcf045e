"""Which paintings of two periods compare like with like, and why the others don't.

Early and late paintings that differ in what they show teach a network, and a discriminator, the difference of subjects and not that of
years.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from gan_jax.morphing import pairing

FEW = 8  # paintings of a kind in either period: fewer say nothing of their period
COMMON = 0.02  # part of a period's paintings, at either end, that don't count for the shapes it has in common with the other
ALONE = 3  # the neighbour that says how much a painting stands alone
FAR = 4.0  # deviations above the median at which it does
MAD = 1.4826  # of a normal distribution, its standard deviation in parts of its median absolute deviation


@dataclasses.dataclass(frozen=True)
class Period:
    """n paintings of one period."""

    images: np.ndarray  # uint8 [n, r, r, 3]
    features: np.ndarray  # [n, d]
    aspects: np.ndarray  # [n], width over height
    kinds: Sequence[str]  # genre, subject or the like; "" where nothing is said


@dataclasses.dataclass(frozen=True)
class Narrowed:
    pairs: list[pairing.Pair]  # that are kept, nearest first
    reasons: tuple[dict[int, str], dict[int, str]]  # of the early and the late paintings that are left out
    alone: tuple[np.ndarray, np.ndarray]  # [n] distance to the third nearest painting of the same period, in parts of what counts as alone


def narrow(early: Period, late: Period, distance: np.ndarray, paintings: int, kind: str) -> Narrowed:
    """Proposes as many paintings of each period, or fewer, where each has a counterpart.

    Left out, in this order: paintings of a kind that one of the periods has next to none of; paintings of a shape that one of them does not
    have; paintings that stand alone in their period; and those whose counterparts are furthest.

    Args:
      distance: [n, m] between early and late paintings, as `pairing.distances` gives them.
      paintings: of each period, at most.
      kind: what the kinds are called, for the reasons.
    """
    both = early, late
    reasons: tuple[dict[int, str], dict[int, str]] = ({}, {})
    counts = [{name: list(period.kinds).count(name) for name in set(early.kinds) | set(late.kinds)} for period in both]
    low, high = _common_shapes(early.aspects, late.aspects)
    alone = _solitude(early.features), _solitude(late.features)
    for period, said, lonely in zip(both, reasons, alone):
        for i in range(len(period.images)):
            name, aspect = period.kinds[i], period.aspects[i]
            a, b = (count.get(name, 0) for count in counts)
            if name and min(a, b) < FEW:
                said[i] = f"{kind}: {name} is the {kind} of {a} early and {b} late paintings; {FEW} of each are needed"
            elif not low <= aspect <= high:
                said[i] = f"shape: {aspect:.2f} times as wide as high; paintings of both periods have {low:.2f} to {high:.2f}"
            elif lonely[i] > 1:
                said[i] = f"alone: the paintings most like it are {lonely[i]:.2f} times as far as the limit"
    rows, columns = (np.array([i for i in range(len(period.images)) if i not in said]) for period, said in zip(both, reasons))
    kept: list[pairing.Pair] = []
    if len(rows) and len(columns):
        pairs, early_rest, late_rest = pairing.assign(distance[np.ix_(rows, columns)], 1.0)
        pairs = [pairing.Pair(int(rows[pair.early]), int(columns[pair.late]), pair.distance) for pair in pairs]
        kept = pairs[:paintings]
        for pair in pairs[paintings:]:
            text = f"unlike: {pair.distance:.2f} from its counterpart, those kept are within {kept[-1].distance:.2f}"
            reasons[0][pair.early], reasons[1][pair.late] = text, text
        for places, said, rest in ((rows, reasons[0], early_rest), (columns, reasons[1], late_rest)):
            said |= {int(places[left.painting]): f"surplus: {left.reason}" for left in rest}
    else:
        for period, said in zip(both, reasons):
            said |= {i: "surplus: no painting of the other period is left" for i in range(len(period.images)) if i not in said}
    return Narrowed(kept, reasons, alone)


def _common_shapes(early: np.ndarray, late: np.ndarray) -> tuple[float, float]:
    """Returns the narrowest and the widest aspect that both periods have."""
    ends = [np.quantile(aspects, (COMMON, 1 - COMMON)) for aspects in (early, late)]
    rounding = 1.005  # so that a quantile between two equal aspects does not leave them out
    return max(low for low, _ in ends) / rounding, min(high for _, high in ends) * rounding


def _solitude(features: np.ndarray) -> np.ndarray:
    """Returns [n]: distance to the third nearest of the same paintings, 1 at the limit from which a painting stands alone."""
    if len(features) <= ALONE:
        return np.zeros(len(features))
    spread = features.std(axis=0)
    points = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    square = (points**2).sum(axis=1)
    apart = np.sqrt(np.maximum(0, square[:, None] + square[None] - 2 * points @ points.T))
    third = np.sort(apart, axis=1)[:, ALONE]  # the first is the painting itself
    middle = np.median(third)
    return third / (middle + FAR * MAD * np.median(np.abs(third - middle)) + 1e-12)
