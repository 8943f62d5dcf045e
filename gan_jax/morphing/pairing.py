"""Assigns early works to late ones by similarity of colour and composition."""

import dataclasses

import numpy as np
import scipy.optimize

LAYOUT = 8  # pixels: compositions are compared at this size
PALETTE = 2  # colours are compared as means of this many by this many parts of the picture
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # ITU-R BT.709


@dataclasses.dataclass(frozen=True)
class Pair:
    early: int
    late: int
    distance: float  # 1 is the mean of all early-late pairs


@dataclasses.dataclass(frozen=True)
class Unmatched:
    work: int
    reason: str


def distances(early: np.ndarray, late: np.ndarray, colour: float) -> np.ndarray:
    """How far works are from each other: [n, m], 1 on average.

    Args:
      early, late: uint8 [n, r, r, 3] and [m, r, r, 3].
      colour: weight of colour, 0 to 1; composition has the rest.

    Colours are taken relative to those of the work's own set: late works are brighter as a whole, and that must not decide which of
    them is like an early one. Compositions are luminances at 8x8 pixels without their mean and contrast.
    """
    colours = [_relative(_shrunk(images, PALETTE).reshape(len(images), -1)) for images in (early, late)]
    layouts = []
    for images in (early, late):
        layout = (_shrunk(images, LAYOUT) @ LUMINANCE).reshape(len(images), -1)
        layout = layout - layout.mean(axis=1, keepdims=True)
        layouts.append(layout / np.maximum(np.linalg.norm(layout, axis=1, keepdims=True), 1e-6))

    def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        squares = (a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1)[None]
        apart = np.sqrt(np.maximum(squares, 0))
        return apart / max(apart.mean(), 1e-12)

    return colour * between(*colours) + (1 - colour) * between(*layouts)


def assign(distance: np.ndarray, max_quantile: float) -> tuple[list[Pair], list[Unmatched], list[Unmatched]]:
    """One-to-one pairs that make the sum of distances [n, m] smallest (scipy's linear_sum_assignment).

    Pairs further apart than the `max_quantile` quantile of all distances are not made.

    Returns:
      pairs, nearest first; early works without one; late works without one, each with its reason.
    """
    limit = float(np.quantile(distance, max_quantile))
    rows, columns = scipy.optimize.linear_sum_assignment(distance)
    pairs, too_far_early, too_far_late = [], {}, {}
    for i, j in zip(rows.tolist(), columns.tolist()):
        if distance[i, j] <= limit:
            pairs.append(Pair(i, j, float(distance[i, j])))
        else:
            reason = f"its counterpart is too far: {distance[i, j]:.2f}, the limit is {limit:.2f}"
            too_far_early[i], too_far_late[j] = reason, reason

    def unmatched(n: int, taken: set[int], too_far: dict[int, str]) -> list[Unmatched]:
        return [Unmatched(i, too_far.get(i, "every counterpart is taken by a nearer work")) for i in range(n) if i not in taken]

    pairs.sort(key=lambda pair: pair.distance)
    return (
        pairs,
        unmatched(distance.shape[0], {pair.early for pair in pairs}, too_far_early),
        unmatched(distance.shape[1], {pair.late for pair in pairs}, too_far_late),
    )


def _shrunk(images: np.ndarray, size: int) -> np.ndarray:
    """Box-filtered to [n, size, size, 3], float64 in [0, 1]."""
    n, r = images.shape[:2]
    times = r // size
    return images.reshape(n, size, times, size, times, 3).mean(axis=(2, 4)) / 255


def _relative(features: np.ndarray) -> np.ndarray:
    return (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-6)
