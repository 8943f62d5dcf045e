"""How unlike two images are: by pixels, by structure at several scales, by what the discriminator sees."""

import dataclasses
from collections.abc import Sequence
from typing import Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gan_jax.models.generator import Critic
from gan_jax.models.layers import reduce

WINDOW = 7  # pixels: side of the square over which SSIM takes its statistics
# Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004, with images in [-1, 1].
C1, C2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
COARSEST = 16  # pixels: the last scale at which structure is compared

Kind = TypeVar("Kind", Array, np.ndarray)  # of an array: on a device, or on the host


@dataclasses.dataclass(frozen=True)
class Weights:
    """Weights of the parts of a distance."""

    pixels: float
    structure: float
    features: float


@dataclasses.dataclass(frozen=True)
class Parts(Generic[Kind]):
    """Distances of n pairs of images, each [n]."""

    pixels: Kind  # mean absolute difference of colours in [-1, 1]
    structure: Kind  # 1 - SSIM, mean over scales
    features: Kind  # mean squared difference of the critic's features, each pixel's of length 1; 0 without a critic

    def total(self, weights: Weights) -> Kind:
        return weights.pixels * self.pixels + weights.structure * self.structure + weights.features * self.features


jax.tree_util.register_dataclass(Parts, ("pixels", "structure", "features"), ())


def distance(images: Array, target: Array, seen: Sequence[Array] = (), target_features: Sequence[Array] = ()) -> Parts[Array]:
    """Compares images [n, r, r, 3] with their targets.

    Args:
      seen: of `features_of` the images; () where there is no critic.
      target_features: of `features_of` the targets.
    """
    pixels = jnp.abs(images - target).mean(axis=(1, 2, 3))
    scales = []
    a, b = images, target
    while True:
        scales.append(1 - ssim(a, b))
        if a.shape[1] // 2 < COARSEST:
            break
        a, b = reduce(a), reduce(b)
    features = jnp.zeros_like(pixels)
    if seen:
        features = sum((_apart(x, y) for x, y in zip(seen, target_features)), features) / len(seen)
    return Parts(pixels, sum(scales, jnp.zeros_like(pixels)) / len(scales), features)


def features_of(critic: Critic | None, params, images: Array) -> list[Array]:
    """Returns the critic's features, float32, each pixel's scaled to length 1 (as in Zhang et al., LPIPS, 2018, without its weights).

    `params` are the critic's, given apart so that a program does not hold a copy. Without a critic there are no features.
    """
    return [_unit(layer) for layer in critic.features(params, images)] if critic else []


def unlike_statistics(seen: Sequence[Array], wanted: Sequence[Array]) -> Array:
    """Compares what two sets of n images have of each feature, wherever it is.

    Strokes that can't be painted one by one can still be as many and as strong as they should be, where a comparison pixel by pixel
    paints their mean (statistics as in Huang and Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance
    Normalization", 2017).

    Args:
      seen, wanted: of `features_of`, a layer after another, [n, h, w, c].

    Returns:
      Difference of the means and of the standard deviations over each image, in parts of their mean size in `wanted`: [n].
    """
    total = jnp.zeros(len(seen[0]))
    for a, b in zip(seen, wanted):
        for of in (_mean, _deviation):
            of_a, of_b = of(a), of(b)
            total += jnp.abs(of_a - of_b).mean(axis=-1) / (jnp.abs(of_b).mean() + 1e-6)
    return total / (2 * len(seen))


def difference_of_features(a: Array, b: Array) -> Array:
    """Returns the mean squared difference [n] of a discriminator's layers [n, h, w, c], each pixel's features scaled to length 1."""
    return _apart(_unit(a), _unit(b))


def _unit(layer: Array) -> Array:
    layer = layer.astype(jnp.float32)
    return layer * jax.lax.rsqrt((layer**2).sum(axis=-1, keepdims=True) + 1e-8)


def _mean(layer: Array) -> Array:
    return layer.mean(axis=(1, 2))


def _deviation(layer: Array) -> Array:
    return jnp.sqrt(layer.var(axis=(1, 2)) + 1e-8)  # whose slope is finite where a feature is the same all over


def _apart(a: Array, b: Array) -> Array:
    return ((a - b) ** 2).sum(axis=-1).mean(axis=(1, 2))


def ssim(a: Array, b: Array) -> Array:
    """Returns structural similarity [n] of images [n, h, w, c] in [-1, 1]: mean over channels and all windows that lie inside."""
    mean_a, mean_b = _windows(a), _windows(b)
    var_a, var_b = _windows(a * a) - mean_a**2, _windows(b * b) - mean_b**2
    covariance = _windows(a * b) - mean_a * mean_b
    similarity = (2 * mean_a * mean_b + C1) * (2 * covariance + C2) / ((mean_a**2 + mean_b**2 + C1) * (var_a + var_b + C2))
    return similarity.mean(axis=(1, 2, 3))


def _windows(x: Array) -> Array:
    """Returns means over windows."""
    side = min(WINDOW, x.shape[1])
    for shape in ((1, side, 1, 1), (1, 1, side, 1)):
        x = jax.lax.reduce_window(x, 0.0, jax.lax.add, shape, (1, 1, 1, 1), "VALID")
    return x / side**2
