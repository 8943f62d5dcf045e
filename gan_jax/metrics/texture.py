"""What an image looks like in numbers that people have words for: colour, contrast, strokes, scales.

Built in and quick, so that a study can be judged without a download. Not comparable with figures from Inception features.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import skimage.color
from jax import Array, lax

from gan_jax.errors import UserError
from gan_jax.pictures import whole_batches

HUES = ("rose", "orange", "yellow", "green", "teal", "azure", "blue", "violet")  # CIELAB hue angles 0, 45, ..., 315 degrees
STROKES = ("0", "22", "45", "67", "90", "112", "135", "157")  # degrees against the horizontal, counter-clockwise
BANDS = ("fine", "medium", "coarse", "broad")  # half to all of the highest frequency, a quarter to half, an eighth, and below
# Local binary patterns of 8 neighbours (Ojala et al. 2002, uniform): how many of them, side by side, are as light as the centre.
PATTERNS = ("bright_spot", "1_of_8", "2_of_8", "3_of_8", "4_of_8", "5_of_8", "6_of_8", "7_of_8", "dark_or_flat", "irregular")

TEXTURE_NAMES = (
    *("lightness_mean", "lightness_std", "lightness_p5", "lightness_p50", "lightness_p95"),  # CIELAB L, 0 to 100
    *("green_red_mean", "green_red_std", "blue_yellow_mean", "blue_yellow_std"),  # CIELAB a and b
    *("chroma_mean", "chroma_std", "chroma_p95"),  # distance from grey in CIELAB
    *(f"hue_{name}" for name in HUES),  # shares of the chroma
    *("local_contrast", "edge_strength", "stroke_coherence"),
    *(f"stroke_{name}" for name in STROKES),  # shares of the edge energy by the direction in which strokes run
    *(f"scale_{name}" for name in BANDS),  # log10 of the mean energy of the band, in units of lightness
    *(f"pattern_{name}" for name in PATTERNS),  # shares of the pixels
)

MINIMUM_RESOLUTION = 8  # below, an image has no bands to speak of
BATCH = 64  # images at once
CHUNK = 1 << 18  # pixels at once: fewer images where they are large, so that what is computed stays in a cache
MOST_THREADS = 16
GREY = 1.0  # CIELAB units: chroma, or slope of lightness, at which a hue or a direction begins to count
STROKE_SIGMA = 1.5  # pixels over which the direction of a stroke is averaged
CONTRAST_SIGMA = 2.0  # pixels around which local contrast is taken
NO_ENERGY = 1e-4  # keeps the logarithm of an empty band finite; half a grey level of rounding is about 1e-2
LIGHTEST, HIGHEST_CHROMA = 128.0, 256.0  # bounds of the search for percentiles; sRGB reaches 100 and 134
HALVINGS = 24  # of that search: to 1e-5


def texture(images: np.ndarray) -> np.ndarray:
    """Measures colour and texture of images uint8 [n, h, w, 3], from 8 pixels up: float64 [n, len(TEXTURE_NAMES)], to float32's digits.

    Columns are in their own units (see TEXTURE_NAMES); put them on one footing with a Standardiser. Where features are in pixels
    (strokes, scales, patterns), only images of one resolution compare. The first call with a resolution compiles for seconds.
    Raises UserError for other shapes or types.
    """
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise UserError(f"images must be uint8 [n, height, width, 3], not {images.dtype} {list(images.shape)}")
    n, height, width, _ = images.shape
    if min(height, width) < MINIMUM_RESOLUTION:
        raise UserError(f"texture features need images of {MINIMUM_RESOLUTION} pixels or more, not {min(height, width)}")
    if not n:
        return np.zeros((0, len(TEXTURE_NAMES)))
    size = max(1, min(BATCH, CHUNK // (height * width)))

    def measured(start: int) -> np.ndarray:
        batch = images[start : start + size]
        return np.asarray(_measured(*_lab(whole_batches(batch, size))))[: len(batch)]

    first = measured(0)  # alone, so that no two threads compile the programs
    # XLA computes a batch on one core of a CPU.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as pool:
        return np.concatenate([first, *pool.map(measured, range(size, n, size))]).astype(np.float64)


@jax.jit
def _measured(lightness: Array, a: Array, b: Array) -> Array:
    """Returns CIELAB [n, h, w] each to float32 [n, len(TEXTURE_NAMES)]"""
    return jnp.concatenate([_colour(lightness, a, b), _strokes(lightness), _scales(lightness), _patterns(lightness)], axis=1)


# A program of its own: within the other, XLA would compute it anew for each of its uses.
@jax.jit
def _lab(images: Array) -> tuple[Array, Array, Array]:
    """Returns CIELAB (D65, 2 degrees) of sRGB, three times [n, h, w]. Sums are written out: as a product of matrices, GPUs would round
    them."""
    levels = np.arange(256) / 255
    linear = jnp.asarray(np.where(levels > 0.04045, ((levels + 0.055) / 1.055) ** 2.4, levels / 12.92).astype(np.float32))
    rgb = [linear[images[..., i].astype(jnp.int32)] for i in range(3)]
    white = np.array(skimage.color.xyz_tristimulus_values(illuminant="D65", observer="2"))
    weights = skimage.color.colorconv.xyz_from_rgb / white[:, None]
    x, y, z = (_lightness_of(sum((float(weight) * one for weight, one in zip(row, rgb)), jnp.float32(0))) for row in weights)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _lightness_of(share: Array) -> Array:
    """CIELAB's cube root, which is straight near black; `share` is of the white's. jnp.cbrt takes five times as long on CPUs."""
    bounded = jnp.maximum(share, 0.008856)
    root = jnp.exp(jnp.log(bounded) / 3)
    root = root - (root - bounded / (root * root)) / 3  # Newton's step gives back the digits that the logarithm lost
    return jnp.where(share > 0.008856, root, 7.787 * share + 16 / 116)


def _sum(x: Array) -> Array:
    """Sums [..., h, w] to [...]. As a product with ones, so that XLA on CPUs keeps what is summed out of the loop, where it would be
    slow."""
    return jnp.dot(x, jnp.ones(x.shape[-1], x.dtype), precision=lax.Precision.HIGHEST).sum(axis=-1)


def _mean(x: Array) -> Array:
    return _sum(x) / (x.shape[-2] * x.shape[-1])


def _std(x: Array) -> Array:
    return jnp.sqrt(_mean(jnp.square(x - _mean(x)[:, None, None])))


def _percentiles(x: Array, percents: tuple[int, ...], most: float) -> Array:
    """Returns [n, len(percents)] of values [n, h, w] from 0 to `most`, between neighbours in order as NumPy has it.

    Halving the range, with counts, is ten times as fast as sorting on CPUs.
    """
    n, h, w = x.shape
    x = x[:, None]
    last = h * w - 1
    rank = np.array([percent * last // 100 for percent in percents], np.float32)[None, :]
    part = np.array([percent * last % 100 / 100 for percent in percents], np.float32)[None, :]

    def count(limit: Array) -> Array:
        return _sum((x <= limit[:, :, None, None]).astype(jnp.float32))

    def next_above(limit: Array) -> Array:
        return jnp.where(x > limit[:, :, None, None], x, most).min(axis=(2, 3))

    def halve(_, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        up = count(middle) <= rank
        return jnp.where(up, middle, low), jnp.where(up, high, middle)

    ends = jnp.full((n, len(percents)), -1, jnp.float32), jnp.full((n, len(percents)), most, jnp.float32)
    low, _ = lax.fori_loop(0, HALVINGS, halve, ends)
    value = next_above(low)
    after = jnp.where(count(value) > rank + 1, value, next_above(value))
    return value + part * (after - value)


def _shares(angle: Array, period: float, weight: Array, bins: int, least: float) -> Array:
    """Returns histogram of an angle [n, h, w] over its period, weighted: [n, bins]. A pixel counts for the two bins whose centres it lies
    between. The shares add to less than 1 where the mean weight is not well above `least`, and to 0 at 0."""
    position = jnp.mod(angle * (bins / period), bins)
    away = jnp.abs(position[:, None] - np.arange(bins, dtype=np.float32)[None, :, None, None])  # [n, bins, h, w]
    part = jnp.maximum(0, 1 - jnp.minimum(away, bins - away))
    return _mean(weight[:, None] * part) / (_mean(weight)[:, None] + least)


def _colour(lightness: Array, a: Array, b: Array) -> Array:
    chroma = jnp.sqrt(a * a + b * b)
    columns = [
        *(_mean(lightness), _std(lightness), *_percentiles(lightness, (5, 50, 95), LIGHTEST).T),
        *(_mean(a), _std(a), _mean(b), _std(b)),
        *(_mean(chroma), _std(chroma), *_percentiles(chroma, (95,), HIGHEST_CHROMA).T),
    ]
    return jnp.concatenate([jnp.stack(columns, axis=1), _shares(jnp.arctan2(b, a), 2 * np.pi, chroma, len(HUES), GREY)], axis=1)


def _filter(x: Array, weights: np.ndarray, axis: int) -> Array:
    """Correlation along one axis; beyond the border, its pixels go on."""
    reach, size = len(weights) // 2, x.shape[axis]
    padded = jnp.pad(x, [(reach, reach) if i == axis else (0, 0) for i in range(x.ndim)], mode="edge")
    terms = (float(weight) * lax.slice_in_dim(padded, i, i + size, axis=axis) for i, weight in enumerate(weights) if weight)
    return sum(terms, jnp.zeros((), x.dtype))


def _blur(x: Array, sigma: float) -> Array:
    """Returns gaussian, out to four standard deviations."""
    reach = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    return _filter(_filter(x, weights, 1), weights, 2)


def _slope(x: Array, along: int, across: int) -> Array:
    """Change a pixel along one axis, by the Sobel filter."""
    return _filter(_filter(x, np.array([-0.5, 0, 0.5]), along), np.array([0.25, 0.5, 0.25]), across)


def _strokes(lightness: Array) -> Array:
    """Structure tensor (Bigun and Granlund 1987): which way edges run, how strong they are and how much they agree."""
    down, right = _slope(lightness, 1, 2), _slope(lightness, 2, 1)
    tensor = jnp.concatenate([down * down, right * right, down * right])
    yy, xx, xy = jnp.split(_blur(tensor, STROKE_SIGMA), 3)
    agreement = jnp.sqrt(jnp.square(xx - yy) + jnp.square(2 * xy))
    # Twice the angle of the slope, which a stroke crosses at a right angle; rows count downwards, angles upwards.
    stroke = (np.pi - jnp.arctan2(2 * xy, xx - yy)) / 2
    contrast = _blur(jnp.square(lightness - _blur(lightness, CONTRAST_SIGMA)), CONTRAST_SIGMA)
    columns = [
        _mean(jnp.sqrt(contrast)),
        _mean(jnp.sqrt(down * down + right * right)),
        _mean(agreement) / (_mean(xx + yy) + GREY**2),
    ]
    return jnp.concatenate([jnp.stack(columns, axis=1), _shares(stroke, np.pi, agreement, len(STROKES), GREY**2)], axis=1)


def _scales(lightness: Array) -> Array:
    """Returns energy of the bands of the spectrum, an octave each, finest first: [n, len(BANDS)]."""
    _, h, w = lightness.shape
    # A Hann window, so that the jump from one border to the other is not taken for detail.
    window = np.outer(np.hanning(h + 2)[1:-1], np.hanning(w + 2)[1:-1])
    window = (window / np.sqrt(np.mean(window**2) * h * w)).astype(np.float32)
    power = _power((lightness - _mean(lightness)[:, None, None]) * window[None])
    column = np.arange(w // 2 + 1)
    twice = 1 + ((column > 0) & (2 * column < w))  # columns that stand for those left out as well
    frequency = 2 * np.hypot(np.fft.fftfreq(h)[:, None], column[None, :] / w)  # 1 is the highest along an axis
    band = np.digitize(frequency, [0.5, 0.25, 0.125])  # 0 to 3, finest first
    weights = np.stack([np.where(band == k, twice, 0) for k in range(len(BANDS))])  # [4, h, w // 2 + 1]
    # Images of 8 pixels have nothing in one of the bands.
    weights = (weights / np.maximum(1, weights.sum(axis=(1, 2), keepdims=True))).astype(np.float32)
    return jnp.log10(_sum(power[:, None] * weights[None]) + NO_ENERGY)


def _power(x: Array) -> Array:
    """Returns squared magnitudes [n, h, w // 2 + 1] of the Fourier transform of [n, h, w], its columns from frequency 0 up.

    Written as products of matrices. XLA's transform for CPUs waits for other threads while it holds one of theirs: two programs at a
    time would wait for each other for ever.
    """
    _, h, w = x.shape
    cos_w, sin_w = _waves(w, w // 2 + 1)
    cos_h, sin_h = _waves(h, h)

    def product(terms: str, *factors: Array | np.ndarray) -> Array:
        return jnp.einsum(terms, *factors, precision=lax.Precision.HIGHEST)

    a, b = product("nhw,wk->nhk", x, cos_w), product("nhw,wk->nhk", x, sin_w)
    real = product("hj,nhk->njk", cos_h, a) - product("hj,nhk->njk", sin_h, b)
    imaginary = product("hj,nhk->njk", sin_h, a) + product("hj,nhk->njk", cos_h, b)
    return jnp.square(real) + jnp.square(imaginary)


def _waves(size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns cosines and sines [size, count] of so many frequencies from 0 up."""
    turns = np.outer(np.arange(size), np.arange(count)) % size / size  # whole turns are taken off before anything is rounded
    return np.cos(2 * np.pi * turns).astype(np.float32), np.sin(2 * np.pi * turns).astype(np.float32)


def _patterns(lightness: Array) -> Array:
    """Returns shares [n, len(PATTERNS)] of the patterns a pixel away, with interpolation between diagonal neighbours; 0 beyond the border.

    The same as scikit-image's. In whole numbers: on fractions, rounding would decide between neighbours of equal lightness.
    """
    levels = jnp.clip(jnp.rint(lightness * 2.55), 0, 255).astype(jnp.int32)
    _, h, w = levels.shape
    padded = jnp.pad(levels, [(0, 0), (1, 1), (1, 1)])

    def lighter_by(down: int, right: int) -> Array:
        return padded[:, 1 + down : 1 + down + h, 1 + right : 1 + right + w] - levels

    sides = [lighter_by(*at) for at in ((0, 1), (-1, 0), (0, -1), (1, 0))]
    corners = [lighter_by(*at) for at in ((-1, 1), (-1, -1), (1, -1), (1, 1))]
    bits = []
    for side, corner, following in zip(sides, corners, sides[1:] + sides[:1]):
        # Bilinear, s = 0.70711 of a pixel both ways: s(1 - s) of each side and s^2 of the corner, here over s.
        bits += [side >= 0, 29289 * (side + following) + 70711 * corner >= 0]
    changes = sum((one ^ other).astype(jnp.int32) for one, other in zip(bits, bits[1:] + bits[:1]))
    code = jnp.where(changes <= 2, sum(bit.astype(jnp.int32) for bit in bits), len(PATTERNS) - 1)
    return _mean((code[:, None] == np.arange(len(PATTERNS), dtype=np.int32)[None, :, None, None]).astype(jnp.float32))
