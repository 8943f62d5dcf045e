"""Layers of both networks, as functions and thin Linen modules.

Images and activations are [n, h, w, c]; kernels are [k, k, c_in, c_out].

A change of scale by two beside a convolution is done in one convolution with 2x2 kernels: enlarging as four of them, one for each
phase of the output; reducing as one over pixels rearranged into channels. It is the same mathematics as enlarging or reducing apart,
with 2.25 times fewer multiplications, and without the dilated convolutions that XLA runs slowly on every backend.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

# "Progressive Growing of GANs" (Karras et al., ICLR 2018), section 4.2 and table 2.
PIXEL_NORM_EPSILON = 1e-8
STDDEV_EPSILON = 1e-8
STDDEV_GROUP = 4
LEAKY_SLOPE = 0.2

# Nearest enlargement, then a 3-tap kernel: output 2i sees inputs (i-1, i), output 2i+1 sees (i, i+1). [phase, tap of 2, tap of 3]
_ENLARGE = np.array([[[1, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]], np.float32)
# A transposed 4-tap kernel of stride 2, y[2i + k - 1] += w[k] x[i], in the same two phases. [phase, tap of 2, tap of 4]
_TRANSPOSE = np.array([[[0, 0, 0, 1], [0, 1, 0, 0]], [[0, 0, 1, 0], [1, 0, 0, 0]]], np.float32)
# A 3-tap kernel, then the mean of two: a 4-tap kernel of stride 2. [tap of 4, tap of 3]
_REDUCE = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]], np.float32) / 2


def leaky_relu(x: Array) -> Array:
    return jax.nn.leaky_relu(x, LEAKY_SLOPE)


def pixel_norm(x: Array) -> Array:
    """Scales every [..., c] vector to a mean square of 1, in float32 (section 4.2)."""
    wide = x.astype(jnp.float32)
    return (wide * jax.lax.rsqrt(jnp.mean(wide**2, axis=-1, keepdims=True) + PIXEL_NORM_EPSILON)).astype(x.dtype)


def conv(x: Array, kernel: Array) -> Array:
    """A convolution of stride 1 whose output has the size of its input."""
    return _conv(x, kernel, "SAME")


def _conv(x: Array, kernel: Array, padding) -> Array:
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _conv_phases(x: Array, phases: Array) -> Array:
    """[n, h, w, c] by [2, 2, 2, 2, c, d] (phase, phase, tap, tap, in, out) to [n, 2h, 2w, d]."""
    n, h, w, _ = x.shape
    rows = [
        jnp.stack([_conv(x, phases[p, q], ((1 - p, p), (1 - q, q))) for q in (0, 1)], axis=3)  # [n, h, w, 2, d]
        for p in (0, 1)
    ]
    return jnp.stack(rows, axis=2).reshape(n, 2 * h, 2 * w, phases.shape[-1])


def upscale_conv(x: Array, kernel: Array) -> Array:
    """Enlarges [n, h, w, c] by two (nearest), then convolves with [3, 3, c, d]: [n, 2h, 2w, d]."""
    return _conv_phases(x, jnp.einsum("pak,qbl,klio->pqabio", _ENLARGE, _ENLARGE, kernel).astype(x.dtype))


def transposed_conv(x: Array, kernel: Array) -> Array:
    """The transposed 4x4 convolution of stride 2: [n, h, w, c] by [4, 4, c, d] to [n, 2h, 2w, d]."""
    return _conv_phases(x, jnp.einsum("pak,qbl,klio->pqabio", _TRANSPOSE, _TRANSPOSE, kernel).astype(x.dtype))


def strided_conv(x: Array, kernel: Array) -> Array:
    """A 4x4 convolution of stride 2, padded by one: [n, 2h, 2w, c] by [4, 4, c, d] to [n, h, w, d]."""
    n, h, w, c = x.shape
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    x = x.reshape(n, h // 2 + 1, 2, w // 2 + 1, 2, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, h // 2 + 1, w // 2 + 1, 4 * c)
    d = kernel.shape[-1]
    kernel = kernel.reshape(2, 2, 2, 2, c, d).transpose(0, 2, 1, 3, 4, 5).reshape(2, 2, 4 * c, d)
    return _conv(x, kernel.astype(x.dtype), "VALID")


def conv_downscale(x: Array, kernel: Array) -> Array:
    """Convolves [n, 2h, 2w, c] with [3, 3, c, d], then takes the mean of each 2x2: [n, h, w, d]."""
    return strided_conv(x, jnp.einsum("ak,bl,klio->abio", _REDUCE, _REDUCE, kernel))


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


def minibatch_stddev(x: Array, group: int = STDDEV_GROUP) -> Array:
    """Appends one channel with the standard deviation within groups of images (section 3).

    Image i belongs to group i mod (n / group). The deviation over the group is averaged over pixels and channels.

    Args:
      x: activations [n, h, w, c]; n must divide by `group`, or be smaller than it and then is the group.
    Returns:
      [n, h, w, c + 1]
    """
    n, h, w, c = x.shape
    group = min(group, n)
    if n % group:
        raise ValueError(f"{n} images can't be put into groups of {group}")
    groups = x.astype(jnp.float32).reshape(group, n // group, h, w, c)
    deviation = jnp.sqrt(jnp.var(groups, axis=0) + STDDEV_EPSILON).mean(axis=(1, 2, 3))  # [n / group]
    deviation = jnp.broadcast_to(jnp.tile(deviation, group)[:, None, None, None], (n, h, w, 1))
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
            x = conv(x, kernel.astype(self.dtype))
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
