"""Multi-scale structural similarity, and the diversity of a set by it.

Wang, Simoncelli and Bovik 2003; windows that shrink with the image, and the averaging, as in the TensorFlow models' version,
which the Progressive GAN paper used (Karras et al. 2018, https://arxiv.org/abs/1710.10196, section 5).
"""

import dataclasses
import functools

import numpy as np

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # one a scale, finest first; Wang et al. 2003, section 3.2
FILTER_SIZE = 11
FILTER_SIGMA = 1.5
LUMINANCE = (0.01 * 255) ** 2  # (k1 max)^2
CONTRAST = (0.03 * 255) ** 2  # (k2 max)^2
BLOCK = 64  # places of a window that are taken in one product
CHUNK = 1 << 17  # values of one chunk of images: what is computed of them stays in a cache


@dataclasses.dataclass(frozen=True)
class Diversity:
    """Mean MS-SSIM over `pairs` random pairs of one set's `n` images, and its standard error. Lower is more diverse."""

    value: float
    error: float
    n: int
    pairs: int


def _window(size: int) -> np.ndarray:
    """Returns gaussian window [size], which sums to 1."""
    sigma = size * FILTER_SIGMA / FILTER_SIZE
    place = np.arange(size) - (size - 1) / 2
    window = np.exp(-np.square(place) / (2 * sigma**2))
    return window / window.sum()


@functools.lru_cache(maxsize=32)
def _places(length: int, size: int) -> np.ndarray:
    """Returns the window at each place along a side where it fits whole: [length - size + 1, length]."""
    return np.stack([np.pad(_window(size), (place, length - size - place)) for place in range(length - size + 1)])


def _smooth(x: np.ndarray) -> np.ndarray:
    """Smooths [..., h, w] to [..., h - size + 1, w - size + 1], as products of matrices, which take half the time of sliding.

    Some places at a time: a product for a whole side would take as much longer as the side is longer than the window.
    """
    size = min(FILTER_SIZE, *x.shape[-2:])
    columns = [part @ _places(part.shape[-1], size).T for part in _overlapping(x, size, -1)]
    rows = [np.matmul(_places(part.shape[-2], size), part) for part in _overlapping(np.concatenate(columns, axis=-1), size, -2)]
    return np.concatenate(rows, axis=-2)


def _overlapping(x: np.ndarray, size: int, axis: int) -> list[np.ndarray]:
    """Returns the parts of x along an axis in which a window has `BLOCK` places, the last one fewer."""
    places = x.shape[axis] - size + 1
    ends = [(first, min(first + BLOCK, places) + size - 1) for first in range(0, places, BLOCK)]
    return [x[..., first:last] if axis == -1 else x[..., first:last, :] for first, last in ends]


def _ssim(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns SSIM and its contrast-structure part at one scale of [n, c, h, w], each averaged over places and channels: [n], [n]."""
    mean_a, mean_b = _smooth(a), _smooth(b)
    var_a = _smooth(a * a) - mean_a**2
    var_b = _smooth(b * b) - mean_b**2
    cov = _smooth(a * b) - mean_a * mean_b
    structure = (2 * cov + CONTRAST) / (var_a + var_b + CONTRAST)
    ssim = (2 * mean_a * mean_b + LUMINANCE) / (mean_a**2 + mean_b**2 + LUMINANCE) * structure
    return ssim.mean(axis=(1, 2, 3)), structure.mean(axis=(1, 2, 3))


def _halve(x: np.ndarray) -> np.ndarray:
    """Averages blocks of 2x2 of [n, c, h, w]; a last odd row or column is averaged with itself, as a reflecting filter does."""
    x = np.pad(x, ((0, 0), (0, 0), (0, x.shape[2] % 2), (0, x.shape[3] % 2)), mode="edge")
    return (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4


def ms_ssim(images_a: np.ndarray, images_b: np.ndarray) -> np.ndarray:
    """Returns MS-SSIM of each image in `images_a` with the same one in `images_b`, both [n, h, w, c] in 0..255: [n], float64, 0 to 1.

    Negative similarities count as 0, as the product over scales asks. Raises ValueError for shapes that differ.
    """
    if images_a.shape != images_b.shape or images_a.ndim != 4:
        raise ValueError(f"images must be two [n, h, w, c] of one shape, not {list(images_a.shape)} and {list(images_b.shape)}")
    size = max(1, CHUNK // max(1, int(np.prod(images_a.shape[1:]))))
    parts = [_chunk(images_a[i : i + size], images_b[i : i + size]) for i in range(0, len(images_a), size)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _chunk(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = (np.ascontiguousarray(np.moveaxis(each, 3, 1), np.float64) for each in (a, b))
    result = np.ones(len(a))
    for scale, weight in enumerate(WEIGHTS):
        if scale:
            a, b = _halve(a), _halve(b)
        ssim, structure = _ssim(a, b)
        # Luminance counts at the coarsest scale only (equation 7).
        result *= np.maximum(ssim if scale == len(WEIGHTS) - 1 else structure, 0.0) ** weight
    return result


def diversity(images: np.ndarray, pairs: int, seed: int) -> Diversity:
    """Returns mean MS-SSIM over random pairs of different images of one set, [n, h, w, c] in 0..255.

    The pairs come from random matchings of the set, one after the other, so every image is used equally often (to within one).
    At most n // 2 pairs have no image in common, so the standard error counts no more than that: it errs on the large side.

    Raises ValueError for fewer than 4 images (a standard error needs two pairs) or fewer than 2 pairs.
    """
    n = len(images)
    if n < 4 or pairs < 2:
        raise ValueError(f"diversity needs at least 4 images and 2 pairs, not {n} and {pairs}")
    rng = np.random.default_rng(seed)
    matchings = -(-pairs // (n // 2))
    places = np.concatenate([rng.permutation(n)[: n // 2 * 2].reshape(-1, 2) for _ in range(matchings)])[:pairs]
    values = ms_ssim(images[places[:, 0]], images[places[:, 1]])
    error = values.std(ddof=1) / np.sqrt(min(len(values), n // 2))
    return Diversity(float(values.mean()), float(error), n, len(values))
