"""Batches, drawn on the device from uint8 images that live there.

What a step draws is a function of (seed, images seen) alone. Every device draws the whole batch and keeps its share, so the same
images meet the same latents on any number of devices.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gan_jax.models.layers import STDDEV_GROUP, enlarge, lerp, reduce


def at_resolution(images: np.ndarray, resolution: int) -> np.ndarray:
    """Box-filters uint8 [n, r, r, 3] to a lower resolution and rounds, as the reference stores its levels."""
    n, size = images.shape[:2]
    times = size // resolution
    if times == 1:
        return images
    sums = images.reshape(n, resolution, times, resolution, times, 3).sum(axis=(2, 4), dtype=np.uint32)
    return ((sums + times * times // 2) // (times * times)).astype(np.uint8)


def shares(batch: Array, count: int, index: Array | None = None) -> Array:
    """Splits [n, ...] into shares of whole groups of the minibatch standard deviation.

    Returns:
      All shares [count, n / count, ...], or with `index` [] only that one, [n / count, ...].
    """
    n = batch.shape[0]
    group = math.gcd(STDDEV_GROUP, n // count)
    parts = batch.reshape(group, count, n // (group * count), *batch.shape[1:])
    if index is None:
        return jnp.moveaxis(parts, 1, 0).reshape(count, n // count, *batch.shape[1:])
    return jax.lax.dynamic_index_in_dim(parts, index, axis=1, keepdims=False).reshape(n // count, *batch.shape[1:])


def of_about(years: Array, wanted: Array, width: float, uniform: Array) -> Array:
    """Draws for each of `wanted` [n, 1] a work of about that year: its place [n] in `years` [m, 1], all in the same units.

    The nearer, the likelier, by a normal density of that width; where no work is near, the nearest on both sides are left. The soft
    neighbourhoods of Ding et al. 2021, "CcGAN: Continuous Conditional GANs", https://arxiv.org/abs/2011.07466. `uniform` [n, 1],
    drawn from 0 to 1, decides.
    """
    likely = jax.nn.softmax(-0.5 * ((wanted - years[:, 0][None]) / width) ** 2, axis=1)
    return jnp.minimum((jnp.cumsum(likely, axis=1) < uniform).sum(axis=1), len(years) - 1)


def real_images(images: Array, indices: Array, mirrored: Array, alpha: Array) -> Array:
    """Takes images from uint8 [m, r, r, 3] by `indices` [n]: float32 [n, r, r, 3] in [-1, 1].

    Those `mirrored` [n] are flipped left to right. Where the newest level counts only for `alpha`, the rest is the image of the level
    below, enlarged: real images fade in like generated ones.
    """
    batch = images[indices].astype(jnp.float32) / 127.5 - 1
    batch = jnp.where(mirrored[:, None, None, None], batch[:, :, ::-1], batch)
    return lerp(enlarge(reduce(batch)), batch, alpha)
