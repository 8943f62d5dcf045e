"""Sliced Wasserstein distance between the neighbourhoods of two sets of images, scale by scale.

Karras et al. 2018, https://arxiv.org/abs/1710.10196, section 5, by the protocol of the authors' code: a Laplacian pyramid down to
16x16, 128 neighbourhoods of 7x7 an image and level, normalised per channel over the set, four times 128 random directions.

    neighbourhoods(images) ──▶ describe(patches) ──▶ swd(descriptors, descriptors)

A set is described once, with directions that depend on the seed alone, and compared many times. What is kept of it is the
distribution along each direction at `QUANTILES` places, 4 MB a level whatever the number of images. Comparing quantiles instead
of sorted points lets the two sets differ in size, and is the same mean |difference| where they do not. The distance is biased
upwards as a set gets smaller, so compare only figures of like sizes.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

SIZE = 7  # pixels along a neighbourhood
PER_IMAGE = 128  # neighbourhoods of an image at each level
MINIMUM_RESOLUTION = 16
REPEATS = 4
DIRECTIONS = 128  # a repeat
SCALE = 1e3  # distances are given times 1,000, as in the paper
BLUR = np.array([1, 4, 6, 4, 1], np.float32) / 16
QUANTILES = 2048
MAX_NEIGHBOURHOODS = 1 << 17  # a level, 77 MB: sets of more than 1,024 images give fewer an image
FLAT = 1e-3  # grey levels of 255: a channel that varies by less has no structure to normalise, only rounding
CHUNK = 1 << 22  # values of one chunk of images
MOMENTS = 8  # images whose moments are taken at once


@dataclasses.dataclass(frozen=True)
class Descriptors:
    """The neighbourhoods of one set of `n` images, seen along the random directions that `seed` gives.

    repeats: which of the four sets of 128 directions.
    levels: for each resolution of the pyramid, finest first, the quantiles along each direction [128 * repeats, 2048], float32.
    """

    n: int
    seed: int
    repeats: tuple[int, ...]
    levels: Mapping[int, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Swd:
    """Distance times 1,000: the mean over levels, the standard deviation of that mean over the sets of directions (None if there is
    but one), and each level by its resolution. The spread says nothing about which paintings were drawn: random halves tell that."""

    value: float
    spread: float | None
    by_level: Mapping[int, float]


def _blur(x: np.ndarray, gain: float = 1.0) -> np.ndarray:
    for axis in (1, 2):
        x = ndimage.convolve1d(x, BLUR * np.float32(gain), axis=axis, mode="mirror")
    return x


def _down(x: np.ndarray) -> np.ndarray:
    return _blur(x)[:, ::2, ::2]


def _up(x: np.ndarray, height: int, width: int) -> np.ndarray:
    spread = np.zeros((x.shape[0], height, width, x.shape[3]), np.float32)
    spread[:, ::2, ::2] = x
    return _blur(spread, 2.0)


def pyramid(images: np.ndarray) -> list[np.ndarray]:
    """Returns laplacian pyramid of images [n, h, w, c]: float32 levels, finest first, each half the size, down to 16 pixels.

    Enlarging a level and adding the one above it, from the last to the first, gives the images back.
    """
    levels = [images.astype(np.float32)]
    while (min(levels[-1].shape[1:3]) + 1) // 2 >= MINIMUM_RESOLUTION:
        below = _down(levels[-1])
        levels[-1] = levels[-1] - _up(below, *levels[-1].shape[1:3])
        levels.append(below)
    return levels


def neighbourhoods(images: np.ndarray, seed: int | list[int]) -> dict[int, np.ndarray]:
    """Returns random neighbourhoods of images [n, h, w, 3] in 0..255, for each level of the pyramid by its resolution.

    Returns {resolution: [n, neighbourhoods an image, 3, 7, 7] float32}. `seed` decides the places, and is any seed that
    `numpy.random.default_rng` takes. Raises ValueError for an empty set or images under 16 pixels.
    """
    if images.ndim != 4 or images.shape[3] != 3 or not len(images):
        raise ValueError(f"images must be [n, h, w, 3] with n above 0, not {list(images.shape)}")
    if min(images.shape[1:3]) < MINIMUM_RESOLUTION:
        raise ValueError(f"the sliced Wasserstein distance needs {MINIMUM_RESOLUTION} pixels, not {min(images.shape[1:3])}")
    rng = np.random.default_rng(seed)
    n = len(images)
    each = max(1, min(PER_IMAGE, MAX_NEIGHBOURHOODS // n))
    chunk = max(1, CHUNK // int(np.prod(images.shape[1:])))
    result: dict[int, np.ndarray] = {}
    for start in range(0, n, chunk):
        for level in pyramid(images[start : start + chunk]):
            count, h, w, _ = level.shape
            taken = result.setdefault(min(h, w), np.empty((n, each, 3, SIZE, SIZE), np.float32))
            y = rng.integers(0, h - SIZE + 1, (count, each))
            x = rng.integers(0, w - SIZE + 1, (count, each))
            windows = sliding_window_view(level, (SIZE, SIZE), axis=(1, 2))  # [count, h - 6, w - 6, 3, 7, 7]
            taken[start : start + count] = windows[np.arange(count)[:, None], y, x]
    return result


def _directions(seed: int, repeat: int, size: int) -> np.ndarray:
    """128 random directions of unit length [128, size], float32."""
    rng = np.random.default_rng([seed, repeat])
    directions = rng.standard_normal((DIRECTIONS, size))
    return (directions / np.linalg.norm(directions, axis=1, keepdims=True)).astype(np.float32)


def _moments(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and standard deviation of each channel over all else of [n, k, 3, 7, 7]: float64 [3], [3]."""
    mean = patches.mean(axis=(0, 1, 3, 4), dtype=np.float64)
    # Some images at a time, so that no copy of the set in float64 is needed.
    parts = (patches[i : i + MOMENTS] for i in range(0, len(patches), MOMENTS))
    square = sum(np.square(part - mean[:, None, None]).sum(axis=(0, 1, 3, 4)) for part in parts) * (mean.size / patches.size)
    std = np.sqrt(square)
    return mean, np.where(std > FLAT, std, 1.0)


def describe(patches: Mapping[int, np.ndarray], seed: int, repeats: Sequence[int] = range(REPEATS)) -> Descriptors:
    """Normalises the neighbourhoods of a set per channel and projects them on the directions of `seed`.

    patches: as from `neighbourhoods`, or a part of its images. repeats: the sets of directions to use; all four are the protocol.
    Only Descriptors of one seed and the same repeats can be compared.
    """
    # Sorting takes nearly all the time, on one core; NumPy lets other threads run meanwhile.
    with ThreadPoolExecutor(len(repeats)) as pool:
        levels = {resolution: _project(taken, seed, repeats, pool) for resolution, taken in patches.items()}
    return Descriptors(n=len(next(iter(patches.values()))), seed=seed, repeats=tuple(repeats), levels=levels)


def _project(taken: np.ndarray, seed: int, repeats: Sequence[int], pool: ThreadPoolExecutor) -> np.ndarray:
    """Returns quantiles of one level's neighbourhoods [n, k, 3, 7, 7] along each direction: [128 * repeats, 2048]."""
    mean, std = (np.repeat(value, SIZE * SIZE).astype(np.float32) for value in _moments(taken))  # [147], [147]
    points = taken.reshape(-1, mean.size)  # [n * k, 147]
    places = ((np.arange(QUANTILES) + 0.5) / QUANTILES * len(points)).astype(np.int64)

    def quantiles(repeat: int) -> np.ndarray:
        # The directions are normalised instead of the points: the same projections, and no second copy of the set.
        directions = _directions(seed, repeat, mean.size) / std
        projected = directions @ points.T - (directions @ mean)[:, None]
        projected.sort(axis=1)
        return projected[:, places]

    return np.concatenate(list(pool.map(quantiles, repeats)))


def descriptors(images: np.ndarray, *, seed: int, draw: int = 0) -> Descriptors:
    """Describes images [n, h, w, 3] in 0..255. `seed` gives the directions, `seed` and `draw` the places of the neighbourhoods:
    give each set its own draw, so that equal places do not make two sets look more alike than they are."""
    return describe(neighbourhoods(images, [seed, draw]), seed)


def swd(a: Descriptors, b: Descriptors) -> Swd:
    """Returns the sliced Wasserstein distance between two described sets. Raises ValueError if their seeds, repeats or levels differ."""
    if (a.seed, a.repeats, a.levels.keys()) != (b.seed, b.repeats, b.levels.keys()):
        raise ValueError(f"described differently: seeds {a.seed} and {b.seed}, levels {list(a.levels)} and {list(b.levels)}")
    count = len(a.repeats)
    levels = {
        resolution: np.abs(quantiles - b.levels[resolution]).reshape(count, -1).mean(axis=1, dtype=np.float64) * SCALE
        for resolution, quantiles in a.levels.items()
    }
    repeats = np.mean(list(levels.values()), axis=0)  # [repeats]
    by_level = {resolution: float(values.mean()) for resolution, values in levels.items()}
    return Swd(float(repeats.mean()), float(repeats.std(ddof=1)) if count > 1 else None, by_level)
