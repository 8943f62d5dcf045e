"""What a picture looks like in numbers that people have words for: colour, contrast, strokes, scales.

Built in and quick, so that a study can be judged without a download. Not comparable with figures from Inception features.
"""

import dataclasses
import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import skimage.color
import skimage.feature
from scipy import ndimage

from gan_jax.errors import UserError
from gan_jax.evaluation import pretrained
from gan_jax.models.generator import Critic
from gan_jax.pictures import to_float

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

MINIMUM_RESOLUTION = 8  # below, a picture has no bands to speak of
CHUNK = 1 << 18  # pixels of one chunk of images: 3 MB a float32 array of three channels, which stays in a cache
MOST_THREADS = 16
GREY = 1.0  # CIELAB units: chroma, or slope of lightness, at which a hue or a direction begins to count
STROKE_SIGMA = 1.5  # pixels over which the direction of a stroke is averaged
CONTRAST_SIGMA = 2.0  # pixels around which local contrast is taken
NO_ENERGY = 1e-4  # keeps the logarithm of an empty band finite; half a grey level of rounding is about 1e-2


def texture(images: np.ndarray) -> np.ndarray:
    """Colour and texture of images uint8 [n, h, w, 3], from 8 pixels up: float64 [n, len(TEXTURE_NAMES)].

    Columns are in their own units (see TEXTURE_NAMES); put them on one footing with a Standardiser. Where features are in
    pixels (strokes, scales, patterns), only images of one resolution compare. Raises UserError for other shapes or types.
    """
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise UserError(f"images must be uint8 [n, height, width, 3], not {images.dtype} {list(images.shape)}")
    if min(images.shape[1:3]) < MINIMUM_RESOLUTION:
        raise UserError(f"texture features need images of {MINIMUM_RESOLUTION} pixels or more, not {min(images.shape[1:3])}")
    size = max(1, CHUNK // (images.shape[1] * images.shape[2]))
    chunks = (images[i : i + size] for i in range(0, len(images), size))
    # NumPy, SciPy and scikit-image let other threads run while they work on a chunk.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as pool:
        parts = list(pool.map(_chunk, chunks))
    return np.concatenate(parts) if parts else np.zeros((0, len(TEXTURE_NAMES)))


def _chunk(images: np.ndarray) -> np.ndarray:
    lab = skimage.color.rgb2lab(images.astype(np.float32) / np.float32(255))  # [n, h, w, 3]
    lightness = np.ascontiguousarray(lab[..., 0])
    columns = [*_colour(lab), *_strokes(lightness), *_scales(lightness), *_patterns(lightness)]
    return np.stack(columns, axis=1).astype(np.float64)


def _mean(x: np.ndarray) -> np.ndarray:
    return x.mean(axis=(1, 2), dtype=np.float64)


def _std(x: np.ndarray) -> np.ndarray:
    return x.std(axis=(1, 2), dtype=np.float64)


def _shares(angle: np.ndarray, period: float, weight: np.ndarray, bins: int, least: float) -> list[np.ndarray]:
    """Histogram of an angle [n, h, w] over its period, weighted: `bins` columns [n]. A pixel counts for the two bins whose
    centres it lies between. The shares add to less than 1 where the mean weight is not well above `least`, and to 0 at 0."""
    n = len(angle)
    position = np.mod(angle * (bins / period), bins)
    below = np.minimum(position.astype(np.int64), bins - 1)
    part = position - below
    row = np.arange(n)[:, None, None] * bins
    total = np.bincount((row + below).ravel(), (weight * (1 - part)).ravel(), n * bins)
    total += np.bincount((row + (below + 1) % bins).ravel(), (weight * part).ravel(), n * bins)
    return list((total.reshape(n, bins) / (weight.sum(axis=(1, 2), dtype=np.float64) + least * weight[0].size)[:, None]).T)


def _colour(lab: np.ndarray) -> list[np.ndarray]:
    lightness, a, b = lab[..., 0], lab[..., 1], lab[..., 2]
    chroma = np.hypot(a, b)
    flat = lightness.reshape(len(lab), -1)
    return [
        *(_mean(lightness), _std(lightness), *np.percentile(flat, [5, 50, 95], axis=1)),
        *(_mean(a), _std(a), _mean(b), _std(b)),
        *(_mean(chroma), _std(chroma), np.percentile(chroma.reshape(len(lab), -1), 95, axis=1)),
        *_shares(np.arctan2(b, a), 2 * np.pi, chroma, len(HUES), GREY),
    ]


def _blur(x: np.ndarray, sigma: float) -> np.ndarray:
    return ndimage.gaussian_filter(x, sigma, axes=(1, 2), mode="nearest")


def _slope(x: np.ndarray, along: int, across: int) -> np.ndarray:
    """Change a pixel along one axis, by the Sobel filter. SciPy's own would smooth over the axis of the images as well."""
    x = ndimage.correlate1d(x, np.array([-0.5, 0, 0.5]), axis=along, mode="nearest")
    return ndimage.correlate1d(x, np.array([0.25, 0.5, 0.25]), axis=across, mode="nearest")


def _strokes(lightness: np.ndarray) -> list[np.ndarray]:
    """Structure tensor (Bigun and Granlund 1987): which way edges run, how strong they are and how much they agree."""
    down, right = _slope(lightness, 1, 2), _slope(lightness, 2, 1)
    yy, xx, xy = _blur(down * down, STROKE_SIGMA), _blur(right * right, STROKE_SIGMA), _blur(down * right, STROKE_SIGMA)
    energy = xx + yy
    agreement = np.hypot(xx - yy, 2 * xy)
    # Twice the angle of the slope, which a stroke crosses at a right angle; rows count downwards, angles upwards.
    stroke = (np.pi - np.arctan2(2 * xy, xx - yy)) / 2
    contrast = _blur(np.square(lightness - _blur(lightness, CONTRAST_SIGMA)), CONTRAST_SIGMA)
    return [
        _mean(np.sqrt(contrast)),
        _mean(np.hypot(down, right)),
        _mean(agreement) / (_mean(energy) + GREY**2),
        *_shares(stroke, np.pi, agreement, len(STROKES), GREY**2),
    ]


def _scales(lightness: np.ndarray) -> list[np.ndarray]:
    """Energy of the bands of the spectrum, an octave each, finest first."""
    n, h, w = lightness.shape
    # A Hann window, so that the jump from one border to the other is not taken for detail.
    window = np.outer(np.hanning(h + 2)[1:-1], np.hanning(w + 2)[1:-1]).astype(np.float32)
    window /= np.sqrt(np.mean(window**2))
    mean = lightness.mean(axis=(1, 2), keepdims=True)
    power = np.square(np.abs(np.fft.fft2((lightness - mean) * window))) / (h * w)
    frequency = 2 * np.hypot(np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[None, :])  # 1 is the highest along an axis
    band = np.digitize(frequency, [0.5, 0.25, 0.125])  # 0 to 3, finest first
    # Images of 8 pixels have nothing in one of the bands.
    energy = [power[:, band == k].sum(axis=1, dtype=np.float64) / max(1, np.count_nonzero(band == k)) for k in range(len(BANDS))]
    return [np.log10(one + NO_ENERGY) for one in energy]


def _patterns(lightness: np.ndarray) -> list[np.ndarray]:
    # Whole numbers: on fractions, rounding would decide between neighbours of equal lightness.
    levels = np.clip(np.rint(lightness * 2.55), 0, 255).astype(np.uint8)
    codes = (skimage.feature.local_binary_pattern(one, P=8, R=1, method="uniform") for one in levels)
    counts = [np.bincount(code.astype(np.int64).ravel(), minlength=len(PATTERNS)) for code in codes]
    return list((np.array(counts) / levels[0].size).T)


@dataclasses.dataclass(frozen=True)
class Standardiser:
    """Puts feature columns on one footing: each is shifted and scaled by a reference set's mean and standard deviation."""

    mean: np.ndarray  # [d]
    std: np.ndarray  # [d]

    # So that one odd picture cannot carry the whole of a cubic kernel. Among 256 Van Goghs one value in 700 lies beyond.
    LIMIT = 5.0
    CONSTANT = 1e-6  # a column that varies by less is constant, and keeps its own units

    @classmethod
    def fit(cls, features: np.ndarray) -> "Standardiser":
        """From the features [n, d] of real works. Raises ValueError for fewer than two works."""
        if len(features) < 2:
            raise ValueError(f"a standard deviation needs at least 2 works, not {len(features)}")
        std = features.std(axis=0, ddof=1)
        return cls(mean=features.mean(axis=0), std=np.where(std > cls.CONSTANT, std, 1.0))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """[n, d] to [n, d], float64, in standard deviations from the reference set's mean, limited to -5..5."""
        return np.clip((features - self.mean) / self.std, -self.LIMIT, self.LIMIT)


Extractor = Callable[[np.ndarray], np.ndarray]
BATCH = 64  # images at once; the last batch is filled up, so that there is one program


def extractor(name: str, critic: Critic | None = None) -> Extractor:
    """What measures images uint8 [n, h, w, 3] as features float64 [n, d].

    name: "texture"; "discriminator", of `critic`; "inception", "inception:FOLDER"; or "keras:NAME". Raises UserError for another name,
    where there is no discriminator, and where a network's weights can't be had.
    """
    if name == "texture":
        return texture
    if name == "discriminator":
        if critic is None:
            raise UserError("evaluation.features=discriminator: the generator has no discriminator")
        return functools.partial(discriminator, critic)
    kind, _, of = name.partition(":")
    if kind == "inception":
        return pretrained.inception(of)
    if kind == "keras" and of:
        return pretrained.application(of)
    raise UserError(f"evaluation.features={name}: no such features; there are texture, discriminator, inception and keras:NAME")


def discriminator(critic: Critic, images: np.ndarray) -> np.ndarray:
    """The critic's layers, each averaged over its places: mean and standard deviation of every channel.

    The mean says how much of something there is in a picture, the deviation whether it is in one place or all over.
    """
    look = _summary_of(critic.features)
    padded = np.concatenate([images, images[-1:].repeat(-len(images) % BATCH, axis=0)])
    parts = [np.asarray(look(critic.params, to_float(padded[i : i + BATCH]))) for i in range(0, len(padded), BATCH)]
    return np.concatenate(parts)[: len(images)].astype(np.float64) if parts else np.zeros((0, 0))


@functools.lru_cache(maxsize=4)
def _summary_of(features: Callable) -> Callable:
    @jax.jit
    def look(params: Any, images: jax.Array) -> jax.Array:
        layers = [layer.astype(jnp.float32) for layer in features(params, images)]
        return jnp.concatenate([f(layer, axis=(1, 2)) for layer in layers for f in (jnp.mean, jnp.std)], axis=1)

    return look
