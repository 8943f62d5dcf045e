"""The convolutions of both networks, with derivatives that are computed as fast as they are.

Strided and 1x1 convolutions each are one of three functions that are the derivatives of a form <convolution(x, k), y>, linear in each
of its three arguments: by y the convolution itself, by x its transpose, by k the gradient of its kernel. So each one's derivatives are
the other two, to any order (the gradient penalty needs the second), and each is computed in the way that is fastest, whichever way the
others are. Autodiff would take the derivative of that way instead: of a convolution written as four, four gradients to be added up.

Enlarging (nearest) before a 3x3 convolution and reducing (mean of 2x2) after one are 4x4 convolutions of stride 2 too, with 2.25 times
fewer multiplications than the two steps apart.

Shapes: kernels are [d, k, k, c], the layout of the fastest GPU convolutions, so that neither they nor what Adam keeps of them is ever
rearranged. x [n, h, w, c] and y [n, h', w', d] are images before and after.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

_NUMBERS = ("NHWC", "OHWI", "NHWC")
FEW_CHANNELS = 4  # colours: too few for convolutions to be efficient


def wide(x: Array) -> Array:
    """Returns float32, if it was narrower."""
    return x.astype(jnp.float32) if x.dtype.itemsize < 4 else x


def conv(x: Array, k: Array) -> Array:
    """Convolves 3x3, stride 1, padded by one: [n, h, w, c] by [d, 3, 3, c] to [n, h, w, d]. XLA's own derivatives are fast here."""
    return jax.lax.conv_general_dilated(x, k, (1, 1), ((1, 1), (1, 1)), dimension_numbers=_NUMBERS)


def _derivatives(function: jax.custom_vjp, by_first: Callable, by_second: Callable) -> None:
    def forward(a: Array, b: Array) -> tuple[Array, tuple[Array, Array]]:
        return function(a, b), (a, b)

    def backward(arguments: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
        return by_first(*arguments, g), by_second(*arguments, g)

    function.defvjp(forward, backward)


# 4x4, stride 2, padded by one: y[i] = sum over taps t of k[t] x[2i + t - 1], zero outside of x.


@jax.custom_vjp
def strided_conv(x: Array, k: Array) -> Array:
    """Convolves x [n, 2h, 2w, c] by k [d, 4, 4, c] to [n, h, w, d]."""
    small, few = x.shape[1] <= 8, x.shape[3] <= FEW_CHANNELS
    cpu, default = _gathered_product if small else _strided, _strided_by_parts if few else _strided
    return jax.lax.platform_dependent(x, k, cpu=cpu, default=default)


@jax.custom_vjp
def transposed_conv(y: Array, k: Array) -> Array:
    """Takes y [n, h, w, d] by k [d, 4, 4, c] to [n, 2h, 2w, c]; what comes in is the first axis of k."""
    small = y.shape[1] <= 8 or k.shape[3] <= FEW_CHANNELS
    return jax.lax.platform_dependent(y, k, cpu=_spread_products if small else _depth_to_space, default=_depth_to_space)


@jax.custom_vjp
def kernel_gradient(x: Array, y: Array) -> Array:
    """Takes x [n, 2h, 2w, c] with y [n, h, w, d] to [d, 4, 4, c]: the gradient of <strided_conv(x, k), y> by k."""
    small, few = y.shape[1] <= 4, x.shape[3] <= FEW_CHANNELS
    cpu, default = _kernel_product if small else _kernel, _kernel_by_parts if few else _kernel
    return jax.lax.platform_dependent(x, y, cpu=cpu, default=default)


_derivatives(strided_conv, lambda x, k, g: transposed_conv(g, k), lambda x, k, g: kernel_gradient(x, g))
_derivatives(transposed_conv, lambda y, k, g: strided_conv(g, k), lambda y, k, g: kernel_gradient(g, y))
_derivatives(kernel_gradient, lambda x, y, g: transposed_conv(y, g), lambda x, y, g: strided_conv(x, g))


def _strided(x: Array, k: Array) -> Array:
    return jax.lax.conv_general_dilated(x, k, (2, 2), ((1, 1), (1, 1)), dimension_numbers=_NUMBERS)


def _kernel(x: Array, y: Array) -> Array:
    return jax.linear_transpose(lambda k: _strided(x, k), jnp.zeros((y.shape[3], 4, 4, x.shape[3]), x.dtype))(y)[0]


def _parted(x: Array) -> Array:
    """Converts [n, 2h, 2w, c] to [n, h + 1, w + 1, 4c]: each pixel has the 2x2 of x, padded by one, that begins at twice its place less
    one."""
    n, h, w, c = x.shape
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))).reshape(n, h // 2 + 1, 2, w // 2 + 1, 2, c)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, h // 2 + 1, w // 2 + 1, 4 * c)


def _conv_of_parts(parts: Array, k: Array) -> Array:
    return jax.lax.conv_general_dilated(parts, k, (1, 1), "VALID", dimension_numbers=_NUMBERS)


def _strided_by_parts(x: Array, k: Array) -> Array:
    """As 2x2 over the four pixels of `_parted`: four times as many channels."""
    d, c = k.shape[0], k.shape[3]
    return _conv_of_parts(_parted(x), k.reshape(d, 2, 2, 2, 2, c).transpose(0, 1, 3, 2, 4, 5).reshape(d, 2, 2, 4 * c))


def _kernel_by_parts(x: Array, y: Array) -> Array:
    c, d = x.shape[3], y.shape[3]
    parts = _parted(x)
    (k,) = jax.linear_transpose(lambda k: _conv_of_parts(parts, k), jnp.zeros((d, 2, 2, 4 * c), x.dtype))(y)
    return k.reshape(d, 2, 2, 2, 2, c).transpose(0, 1, 3, 2, 4, 5).reshape(d, 4, 4, c)


def _depth_to_space(y: Array, k: Array) -> Array:
    """As 2x2 that makes four pixels at once, in four times as many channels; the transpose of `_strided_by_parts`."""
    n, h, w, d = y.shape
    c = k.shape[3]
    k = k.reshape(d, 2, 2, 2, 2, c)[:, ::-1, :, ::-1].transpose(2, 4, 5, 1, 3, 0).reshape(4 * c, 2, 2, d)
    z = jax.lax.conv_general_dilated(y, k, (1, 1), ((1, 1), (1, 1)), dimension_numbers=_NUMBERS)
    z = z.reshape(n, h + 1, w + 1, 2, 2, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, 2 * h + 2, 2 * w + 2, c)
    return z[:, 1:-1, 1:-1]


def _gathered(x: Array) -> Array:
    """Converts [n, 2h, 2w, c] to [n h w, 16c]: the 4x4 that each pixel of the result sees, side by side."""
    n, h, w, c = x.shape
    h, w = h // 2, w // 2
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))).reshape(n, h + 1, 2, w + 1, 2 * c)
    taps = jnp.concatenate([x[:, a : a + h, p, b : b + w] for a in (0, 1) for p in (0, 1) for b in (0, 1)], axis=-1)
    # In memory once, for the convolution and for the gradient of its kernel.
    return jax.lax.optimization_barrier(taps.reshape(n * h * w, 16 * c))


def _gathered_product(x: Array, k: Array) -> Array:
    """As one product of matrices: few pixels, large kernels."""
    n, h, w, c = x.shape
    return (_gathered(x) @ k.reshape(-1, 16 * c).T).reshape(n, h // 2, w // 2, -1)


def _kernel_product(x: Array, y: Array) -> Array:
    """As one product of matrices: few pixels, large kernels."""
    d = y.shape[3]
    return (y.reshape(-1, d).T @ _gathered(x)).reshape(d, 4, 4, x.shape[3])


def _spread_products(y: Array, k: Array) -> Array:
    """Every pixel's 4x4 of the result as one product of matrices, then added up where they overlap: few pixels, large kernels."""
    n, h, w, d = y.shape
    c = k.shape[3]
    z = (y.reshape(-1, d) @ k.reshape(d, 16 * c)).reshape(n, h, w, 2, 2, 2, 2, c)
    overlapping = [
        jnp.pad(z[:, :, :, a, :, b], ((0, 0), (a, 1 - a), (b, 1 - b), (0, 0), (0, 0), (0, 0))) for a in (0, 1) for b in (0, 1)
    ]  # [n, h + 1, w + 1, 2, 2, c]
    return sum(overlapping, jnp.zeros((), z.dtype)).transpose(0, 1, 3, 2, 4, 5).reshape(n, 2 * h + 2, 2 * w + 2, c)[:, 1:-1, 1:-1]


# 1x1: y = k x at every pixel.


@jax.custom_vjp
def conv_1x1(x: Array, k: Array) -> Array:
    """Convolves x [n, h, w, c] by k [d, c] to [n, h, w, d]."""
    if x.shape[3] > FEW_CHANNELS:
        return jnp.einsum("nhwc,dc->nhwd", x, k)
    # Written out, it is fused with what follows; as a product of matrices it would pass through memory.
    a, b = wide(x), wide(k)
    terms = (a[..., i : i + 1] * b[:, i].reshape(1, 1, 1, -1) for i in range(x.shape[3]))
    return sum(terms, jnp.zeros((), a.dtype)).astype(x.dtype)


@jax.custom_vjp
def _transposed_1x1(y: Array, k: Array) -> Array:
    return jnp.einsum("nhwd,dc->nhwc", y, k)


@jax.custom_vjp
def _kernel_gradient_1x1(x: Array, y: Array) -> Array:
    return jnp.einsum("nhwc,nhwd->dc", x, y)


_derivatives(conv_1x1, lambda x, k, g: _transposed_1x1(g, k), lambda x, k, g: _kernel_gradient_1x1(x, g))
_derivatives(_transposed_1x1, lambda y, k, g: conv_1x1(g, k), lambda y, k, g: _kernel_gradient_1x1(g, y))
_derivatives(_kernel_gradient_1x1, lambda x, y, g: _transposed_1x1(y, g), lambda x, y, g: conv_1x1(x, g))
