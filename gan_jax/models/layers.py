"""Layers of both networks, as functions and thin Linen modules.

Images and activations are [n, h, w, c]; kernels are [c_out, k, k, c_in]. Convolutions take the precision of their images; biases,
norms and statistics are float32.
"""

import math
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from gan_jax.models.convolutions import conv, conv_1x1, strided_conv, transposed_conv, wide

# "Progressive Growing of GANs" (Karras et al., ICLR 2018), section 4.2 and table 2.
PIXEL_NORM_EPSILON = 1e-8
STDDEV_EPSILON = 1e-8
STDDEV_GROUP = 4
# Of `local_contrast`: times that `smooth` is applied, for what is fine and for how strong it is around a pixel; and the strength, of pixels
# in [-1, 1], far below which what is fine fades instead of being raised to the strength of the rest.
FINE, AROUND, FAINT = 3, 4, 0.02
CONTRAST = 0.5  # of local contrast, beside an image in [-1, 1]
LEAKY_SLOPE = 0.2

# What a layer multiplies for one image, (pixels, taps, near, far): `taps` products of a vector by a matrix [far, near] at each of `pixels`,
# where `near` are the channels on the side of the image, at its size, and `far` those on the side of the latents.
Layer = tuple[int, int, int, int]


def leaky_relu(x: Array) -> Array:
    return jax.nn.leaky_relu(x, LEAKY_SLOPE)


def add_bias(x: Array, bias: Array) -> Array:
    """Returns [..., c] by [c]."""
    return (wide(x) + _row(bias, x)).astype(x.dtype)


# The next two have derivatives from their results alone: neither what came in nor a mask has to be kept.


@jax.custom_vjp
def leaky_relu_of(x: Array, bias: Array) -> Array:
    """Returns leaky_relu(x + bias), of [..., c] and [c]."""
    return leaky_relu(wide(x) + _row(bias, x)).astype(x.dtype)


def _leaky_relu_backward(y: Array, g: Array) -> tuple[Array, Array]:
    g = _through_leaky_relu(y, g)
    return g, _bias_gradient(g)


def _through_leaky_relu(y: Array, g: Array) -> Array:
    return (wide(g) * jnp.where(y >= 0, 1.0, LEAKY_SLOPE)).astype(y.dtype)  # y has the sign of what came in


def _bias_gradient(g: Array) -> Array:
    return wide(g).sum(axis=tuple(range(g.ndim - 1)))


def _leaky_relu_forward(x: Array, bias: Array) -> tuple[Array, Array]:
    y = leaky_relu_of(x, bias)
    return y, y


leaky_relu_of.defvjp(_leaky_relu_forward, _leaky_relu_backward)


@jax.custom_vjp
def normalised_leaky_relu_of(x: Array, bias: Array) -> Array:
    """Returns pixel_norm(leaky_relu(x + bias)), of [..., c] and [c]."""
    return _normalised_forward(x, bias)[0]


def _normalised_forward(x: Array, bias: Array) -> tuple[Array, tuple[Array, Array]]:
    y = leaky_relu(wide(x) + _row(bias, x))
    scale = jax.lax.rsqrt(jnp.mean(y**2, axis=-1, keepdims=True) + PIXEL_NORM_EPSILON)
    y = (y * scale).astype(x.dtype)
    return y, (y, scale)


def _normalised_backward(kept: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
    y, scale = kept
    z, g = wide(y), wide(g)
    # d(v s)/dv, where s = (mean v^2 + epsilon)^(-1/2) and y = v s: s (g - y mean(g y)).
    g = scale * (g - z * jnp.mean(g * z, axis=-1, keepdims=True))
    # Once in memory, and rounded: the compiler would keep it in float32 for the sum.
    g = jax.lax.optimization_barrier(_through_leaky_relu(y, g))
    return g, _bias_gradient(g)


normalised_leaky_relu_of.defvjp(_normalised_forward, _normalised_backward)


def _row(bias: Array, x: Array) -> Array:
    return bias.reshape((1,) * (x.ndim - 1) + (-1,))


def pixel_norm(x: Array) -> Array:
    """Scales every [..., c] vector to a mean square of 1, in float32 (section 4.2)."""
    y = wide(x)
    return (y * jax.lax.rsqrt(jnp.mean(y**2, axis=-1, keepdims=True) + PIXEL_NORM_EPSILON)).astype(x.dtype)


def pixel_noise(seeds: Array, sides: Sequence[int]) -> list[Array]:
    """Returns N(0, 1) [n, side, side, 1] for each layer, by the seeds uint32 [n] of the images.

    It is threefry's: the same on every kind of device, as trained weights expect.
    """
    if not sides:
        return []
    ends = np.cumsum([side**2 for side in sides])
    drawn = jax.vmap(lambda seed: jax.random.normal(jax.random.key(seed, impl="threefry2x32"), (ends[-1],)))(seeds)
    return [part.reshape(-1, side, side, 1) for part, side in zip(jnp.split(drawn, ends[:-1], axis=1), sides)]


def modulated(x: Array, labels: Array, kernel: Array) -> Array:
    """Scales and shifts each channel of [n, h, w, c] by what labels [n, l] say through a kernel [l, 2c]; one of zeros changes nothing.

    Conditional normalisation (Dumoulin et al. 2017, "A Learned Representation for Artistic Style", https://arxiv.org/abs/1610.07629).
    """
    scale, shift = jnp.split((wide(labels) @ wide(kernel))[:, None, None], 2, axis=-1)
    return (wide(x) * (1 + scale) + shift).astype(x.dtype)


def upscale_conv(x: Array, kernel: Array) -> Array:
    """Enlarges [n, h, w, c] by two (nearest), then convolves with [d, 3, 3, c]: [n, 2h, 2w, d]."""
    return transposed_conv(x, _spread(kernel[:, ::-1, ::-1]).transpose(3, 1, 2, 0).astype(x.dtype))


def conv_downscale(x: Array, kernel: Array) -> Array:
    """Convolves [n, 2h, 2w, c] with [d, 3, 3, c], then takes the mean of each 2x2: [n, h, w, d]."""
    return strided_conv(x, (_spread(kernel) / 4).astype(x.dtype))


@jax.custom_vjp
def smooth(x: Array) -> Array:
    """Returns [1, 2, 1] / 4 along both sides of [n, h, w, c], zero beyond the border, as in StyleGAN (https://arxiv.org/abs/1812.04948)."""
    return jax.lax.platform_dependent(x, cpu=_smooth_by_products, default=_smooth_by_sums)


def _smooth_by_sums(x: Array) -> Array:
    y = wide(x)
    for axis in (1, 2):
        size = y.shape[axis]
        padded = jnp.pad(y, [(1, 1) if i == axis else (0, 0) for i in range(4)])
        before, here, after = (jax.lax.slice_in_dim(padded, i, i + size, axis=axis) for i in range(3))
        y = (before + after + 2 * here) / 4
    return y.astype(x.dtype)


def _smooth_by_products(x: Array) -> Array:
    """As products of matrices, whose results lie in memory: sums are taken anew by everything that comes after them."""
    rows, columns = ((2 * jnp.eye(n) + jnp.eye(n, k=1) + jnp.eye(n, k=-1)) / 4 for n in x.shape[1:3])
    return jnp.einsum("ij,njwc->niwc", rows, jnp.einsum("ij,nhjc->nhic", columns, wide(x))).astype(x.dtype)


# It is its own transpose.
smooth.defvjp(lambda x: (smooth(x), None), lambda _, g: (smooth(g),))


def local_contrast(images: Array) -> Array:
    """Returns images [n, h, w, c] without all that is coarse, and what is fine as strong in dark and even parts as elsewhere: float32.

    An image less what it is when smoothed, divided by the standard deviation of that around each pixel, over all channels (Jarrett et al.
    2009, "What is the Best Multi-Stage Architecture for Object Recognition?", section 3.1). What lies beyond the border does not count.
    """
    x = wide(images)
    inside = jnp.ones((1, *x.shape[1:3], 1))

    def mean(x: Array, times: int) -> Array:
        weight = inside
        for _ in range(times):
            x, weight = smooth(x), smooth(weight)
        return x / weight

    fine = x - mean(x, FINE)
    return fine * jax.lax.rsqrt(mean((fine**2).mean(axis=-1, keepdims=True), AROUND) + FAINT**2)


def with_local_contrast(images: Array) -> Array:
    """Appends local contrast to images [n, h, w, 3] in [-1, 1], as three more channels."""
    return jnp.concatenate([images, CONTRAST * local_contrast(images)], axis=-1)


def _spread(kernel: Array) -> Array:
    """Converts [d, 3, 3, c] to [d, 4, 4, c]: the sum of the kernel in its four places, what a 2x2 of equal pixels makes of it."""
    kernel = jnp.pad(kernel, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return kernel[:, 1:, 1:] + kernel[:, :-1, 1:] + kernel[:, 1:, :-1] + kernel[:, :-1, :-1]


def enlarge(images: Array, times: int = 2) -> Array:
    """Enlarges [n, h, w, c] by an integer, each pixel to times x times equal ones."""
    n, h, w, c = images.shape
    return jnp.broadcast_to(images[:, :, None, :, None, :], (n, h, times, w, times, c)).reshape(n, h * times, w * times, c)


def reduce(images: Array, times: int = 2) -> Array:
    """Reduces [n, h, w, c] by an integer: every output pixel is the mean of times x times."""
    if times == 1:
        return images
    n, h, w, c = images.shape
    return images.reshape(n, h // times, times, w // times, times, c).mean(axis=(2, 4))


def lerp(a: Array, b: Array, t: Array) -> Array:
    """Returns `a` where t [] is 0, `b` where it is 1."""
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
    groups = wide(x).reshape(batches, group, n // group, h, w, c)
    deviation = jnp.sqrt(jnp.var(groups, axis=1) + STDDEV_EPSILON).mean(axis=(2, 3, 4))  # [batches, n / group]
    deviation = jnp.broadcast_to(deviation[:, None, :, None, None, None], (batches, group, n // group, h, w, 1)).reshape(total, h, w, 1)
    return jnp.concatenate([x, deviation.astype(x.dtype)], axis=-1)


class EqualizedConv(nn.Module):
    """A convolution whose weights are N(0, 1) and are scaled at run time by gain / sqrt(fan in) (section 4.1).

    `scaling` is None, "up" (enlarge before) or "down" (reduce after); the weight scale is that of the plain kernel in every case.
    `smoothing` lets no more detail through than the smaller side can hold. `activation` takes the bias too.
    """

    features: int
    kernel_size: int = 3
    gain: float = math.sqrt(2)
    scaling: str | None = None
    smoothing: bool = False
    activation: Callable[[Array, Array], Array] = leaky_relu_of
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.features, self.kernel_size, self.kernel_size, x.shape[-1])
        kernel = self.param("kernel", nn.initializers.normal(1.0), shape) * (self.gain / math.sqrt(math.prod(shape[1:])))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        x = x.astype(self.dtype)
        if self.scaling == "up":
            # Once in memory: what follows reads it more than once, and would gather the pixels anew each time.
            x = jax.lax.optimization_barrier(upscale_conv(x, kernel))
            x = smooth(x) if self.smoothing else x
        elif self.scaling == "down":
            x = conv_downscale(smooth(x) if self.smoothing else x, kernel)
        elif self.kernel_size == 1:
            x = conv_1x1(x, kernel[:, 0, 0].astype(self.dtype))
        else:
            x = conv(x, kernel.astype(self.dtype))
        return self.activation(x, bias)


class EqualizedDense(nn.Module):
    """A dense layer [n, c] to [n, features] with the run-time weight scale of `EqualizedConv`."""

    features: int
    gain: float = math.sqrt(2)
    activation: Callable[[Array, Array], Array] = leaky_relu_of
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.normal(1.0), (x.shape[-1], self.features)) * (self.gain / math.sqrt(x.shape[-1]))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return self.activation(x.astype(self.dtype) @ kernel.astype(self.dtype), bias)
