"""Assigns early paintings to late ones by similarity of colour, composition and subject."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import scipy.optimize

from gan_jax.pictures import shrunk

LAYOUT = 8  # pixels: compositions are compared at this size
PALETTE = 2  # colours are compared as means of this many by this many parts of the image
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # ITU-R BT.709


@dataclasses.dataclass(frozen=True)
class Pair:
    early: int
    late: int
    distance: float  # 1 is the mean of all early-late pairs


@dataclasses.dataclass(frozen=True)
class Unmatched:
    painting: int
    reason: str


def distances(early: np.ndarray, late: np.ndarray, colour: float, subjects: np.ndarray | None = None, subject: float = 0.0) -> np.ndarray:
    """Returns how far paintings are from each other: [n, m], 1 on average.

    Args:
      early, late: uint8 [n, r, r, 3] and [m, r, r, 3].
      colour: weight of colour, 0 to 1; composition has the rest.
      subjects: of `disagreement`, [n, m], or None where no column says anything.
      subject: its weight, 0 to 1, against colour and composition together.

    Colours are taken relative to those of the painting's own set: late paintings are brighter as a whole, and that must not decide which of
    them is like an early one. Compositions are luminances at 8x8 pixels without their mean and contrast.
    """
    colours = [_relative(shrunk(images, PALETTE).reshape(len(images), -1)) for images in (early, late)]
    layouts = []
    for images in (early, late):
        layout = (shrunk(images, LAYOUT) @ LUMINANCE).reshape(len(images), -1)
        layout = layout - layout.mean(axis=1, keepdims=True)
        layouts.append(layout / np.maximum(np.linalg.norm(layout, axis=1, keepdims=True), 1e-6))

    def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        squares = (a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1)[None]
        apart = np.sqrt(np.maximum(squares, 0))
        return apart / max(apart.mean(), 1e-12)

    seen = colour * between(*colours) + (1 - colour) * between(*layouts)
    if subjects is None or subjects.mean() < 1e-12:
        return seen
    return (1 - subject) * seen + subject * subjects / subjects.mean()


def disagreement(early: Sequence[Mapping[str, str]], late: Sequence[Mapping[str, str]], columns: Sequence[str]) -> np.ndarray | None:
    """Returns the part [n, m] of the columns in which two paintings say different things, of those in which both say something.

    Names of columns and what stands there are compared without case. Paintings that share no column are counted as halfway. None where the
    table has none of the columns.
    """
    wanted = [column.strip().casefold() for column in columns if column.strip()]

    def said(rows: Sequence[Mapping[str, str]]) -> list[list[str]]:
        plain = [{name.strip().casefold(): text.strip().casefold() for name, text in row.items()} for row in rows]
        return [[row.get(column, "") for column in wanted] for row in plain]

    a, b = (np.array(said(rows), dtype=object).reshape(len(rows), len(wanted)) for rows in (early, late))
    if not (a.astype(bool).any() and b.astype(bool).any()):
        return None
    both = np.zeros((len(a), len(b)))
    differ = np.zeros((len(a), len(b)))
    for column in range(len(wanted)):
        x, y = a[:, column][:, None], b[:, column][None]
        known = (x != "") & (y != "")
        both += known
        differ += known & (x != y)
    return np.where(both > 0, differ / np.maximum(both, 1), 0.5)


def assign(
    distance: np.ndarray, max_quantile: float, assignment: str = "one-to-one"
) -> tuple[list[Pair], list[Unmatched], list[Unmatched]]:
    """Returns pairs of early and late paintings by their distances [n, m].

    Pairs further apart than the `max_quantile` quantile of all distances are not made. "one-to-one": as many of the others as can be, and
    of those the ones that make the sum of distances smallest (scipy's linear_sum_assignment). "many-to-one": each early painting with the
    late one nearest to it, which several may share.

    Returns:
      pairs, nearest first; early paintings without one; late paintings without one, each with its reason.
    """
    limit = float(np.quantile(distance, max_quantile))
    if assignment == "one-to-one":
        # One pair less that may be made is worse than all the others at their furthest.
        far = (np.abs(distance).max() + 1) * (min(distance.shape) + 1)
        rows, columns = scipy.optimize.linear_sum_assignment(np.where(distance <= limit, distance, far))
        rest = "every counterpart is taken by a nearer painting"
    else:
        rows, columns = np.arange(len(distance)), distance.argmin(axis=1)
        rest = "no early painting is nearest to it"
    pairs: list[Pair] = []
    too_far_early: dict[int, str] = {}
    too_far_late: dict[int, str] = {}
    for i, j in zip(rows.tolist(), columns.tolist()):
        if distance[i, j] <= limit:
            pairs.append(Pair(i, j, float(distance[i, j])))
        else:
            for too_far, painting, nearest in ((too_far_early, i, distance[i].min()), (too_far_late, j, distance[:, j].min())):
                if nearest > limit:
                    too_far[painting] = f"its nearest counterpart is too far: {nearest:.2f}, the limit is {limit:.2f}"

    def unmatched(n: int, taken: set[int], too_far: dict[int, str]) -> list[Unmatched]:
        return [Unmatched(i, too_far.get(i, rest)) for i in range(n) if i not in taken]

    pairs.sort(key=lambda pair: pair.distance)
    return (
        pairs,
        unmatched(distance.shape[0], {pair.early for pair in pairs}, too_far_early),
        unmatched(distance.shape[1], {pair.late for pair in pairs}, too_far_late),
    )


def chain(images: np.ndarray, years: np.ndarray, stations: int) -> list[int]:
    """Returns paintings to travel by, from the first years to the last: places in `images`, in order of date, of dates that rise.

    The years are cut into as many spans as there are stations, each with as many paintings; from each is taken the painting whose
    composition and colours are most like those of the one before, which was taken from the span before it.

    Args:
      images: uint8 [n, r, r, 3].
      years: [n].
    """
    order = np.argsort(years, kind="stable")
    if stations < 2 or len(order) < 2:
        return []
    spans = [span for span in np.array_split(order, min(stations, len(order))) if len(span)]
    apart = distances(images, images, 0.5)
    # Of the first span the painting that has the nearest neighbour in the next, so that the way begins well.
    taken = [int(spans[0][apart[np.ix_(spans[0], spans[1])].min(axis=1).argmin()])]
    for span in spans[1:]:
        later = span[years[span] > years[taken[-1]]]
        if len(later):
            taken.append(int(later[apart[taken[-1], later].argmin()]))
    return taken


def _relative(features: np.ndarray) -> np.ndarray:
    return (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-6)
