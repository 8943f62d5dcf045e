"""Layers of both networks, as functions and thin Linen modules.

Images and activations are [n, h, w, c]; kernels are [k, k, c_in, c_out], except where a docstring says otherwise.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from gan_jax.models.scaling import strided_conv, transposed_conv

# "Progressive Growing of GANs" (Karras et al., ICLR 2018), section 4.2 and table 2.
PIXEL_NORM_EPSILON = 1e-8
STDDEV_EPSILON = 1e-8
STDDEV_GROUP = 4
LEAKY_SLOPE = 0.2

# A 3-tap kernel, then the mean of two: a 4-tap kernel of stride 2. [tap of 4, tap of 3]
_REDUCE = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]], np.float32) / 2
# Every pixel twice, then a 3-tap kernel: a transposed 4-tap kernel of stride 2. [tap of 4, tap of 3]
_ENLARGE = 2 * _REDUCE[:, ::-1]


def leaky_relu(x: Array) -> Array:
    return jax.nn.leaky_relu(x, LEAKY_SLOPE)


def pixel_norm(x: Array) -> Array:
    """Scales every [..., c] vector to a mean square of 1, in float32 (section 4.2)."""
    wide = x.astype(jnp.float32)
    return (wide * jax.lax.rsqrt(jnp.mean(wide**2, axis=-1, keepdims=True) + PIXEL_NORM_EPSILON)).astype(x.dtype)


def conv(x: Array, kernel: Array) -> Array:
    """A convolution of stride 1 whose output has the size of its input."""
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def conv_1x1(x: Array, kernel: Array) -> Array:
    """[n, h, w, c] by [c, d]."""
    return jnp.einsum("nhwc,cd->nhwd", x, kernel)


def upscale_conv(x: Array, kernel: Array) -> Array:
    """Enlarges [n, h, w, c] by two (nearest), then convolves with [3, 3, c, d]: [n, 2h, 2w, d]."""
    return transposed_conv(x, jnp.einsum("ak,bl,klio->aboi", _ENLARGE, _ENLARGE, kernel).astype(x.dtype))


def conv_downscale(x: Array, kernel: Array) -> Array:
    """Convolves [n, 2h, 2w, c] with [3, 3, c, d], then takes the mean of each 2x2: [n, h, w, d]."""
    return strided_conv(x, jnp.einsum("ak,bl,klio->abio", _REDUCE, _REDUCE, kernel).astype(x.dtype))


def enlarge(images: Array, times: int = 2) -> Array:
    """Nearest enlargement of [n, h, w, c] by an integer."""
    n, h, w, c = images.shape
    return jnp.broadcast_to(images[:, :, None, :, None, :], (n, h, times, w, times, c)).reshape(n, h * times, w * times, c)


def reduce(images: Array, times: int = 2) -> Array:
    """Box reduction of [n, h, w, c] by an integer: every output pixel is the mean of times x times."""
    if times == 1:
        return images
    n, h, w, c = images.shape
    return images.reshape(n, h // times, times, w // times, times, c).mean(axis=(2, 4))


def lerp(a: Array, b: Array, t: Array) -> Array:
    """`a` where t [] is 0, `b` where it is 1."""
    return a + (b - a) * t.astype(a.dtype)


def minibatch_stddev(x: Array, group: int = STDDEV_GROUP, batches: int = 1) -> Array:
    """Appends one channel with the standard deviation within groups of images (section 3).

    Image i of a batch of n belongs to group i mod (n / group). The deviation over the group is averaged over pixels and channels.

    Args:
      x: activations [batches * n, h, w, c], batch after batch; n must divide by `group`, or be smaller than it and then is the group.
      batches: how many batches x holds; no group has images of two.
    Returns:
      [batches * n, h, w, c + 1]
    """
    total, h, w, c = x.shape
    n = total // batches
    group = min(group, n)
    if n * batches != total or n % group:
        raise ValueError(f"{total} images can't be put into {batches} batches with groups of {group}")
    groups = x.astype(jnp.float32).reshape(batches, group, n // group, h, w, c)
    deviation = jnp.sqrt(jnp.var(groups, axis=1) + STDDEV_EPSILON).mean(axis=(2, 3, 4))  # [batches, n / group]
    deviation = jnp.broadcast_to(deviation[:, None, :, None, None, None], (batches, group, n // group, h, w, 1)).reshape(total, h, w, 1)
    return jnp.concatenate([x, deviation.astype(x.dtype)], axis=-1)


class EqualizedConv(nn.Module):
    """A convolution whose weights are N(0, 1) and are scaled at run time by gain / sqrt(fan in) (section 4.1).

    `scaling` is None, "up" (enlarge before) or "down" (reduce after); the weight scale is that of the plain kernel in every case.
    """

    features: int
    kernel_size: int = 3
    gain: float = math.sqrt(2)
    scaling: str | None = None
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.normal(1.0), shape) * (self.gain / math.sqrt(math.prod(shape[:3])))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        x = x.astype(self.dtype)
        if self.scaling is None:
            kernel = kernel.astype(self.dtype)
            x = conv(x, kernel) if self.kernel_size > 1 else conv_1x1(x, kernel[0, 0])
        else:
            x = {"up": upscale_conv, "down": conv_downscale}[self.scaling](x, kernel)
        return x + bias.astype(self.dtype).reshape(1, 1, 1, -1)


class EqualizedDense(nn.Module):
    """A dense layer [n, c] to [n, features] with the run-time weight scale of `EqualizedConv`."""

    features: int
    gain: float = math.sqrt(2)
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.normal(1.0), (x.shape[-1], self.features)) * (self.gain / math.sqrt(x.shape[-1]))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return x.astype(self.dtype) @ kernel.astype(self.dtype) + bias.astype(self.dtype).reshape(1, -1)
