"""4x4 convolutions of stride 2 and their transposes: every change of scale in both networks.

Three functions, `strided_conv`, `transposed_conv` and `kernel_gradient`, are the derivatives of one form that is linear in each of its
three arguments, <strided_conv(x, k), y>, by y, by x and by k. So each one's derivatives are the other two, to any order (the gradient
penalty needs the second), and each is computed in the way that is fastest on a backend, whichever way the others are. What autodiff
makes of a convolution written as several ones is slower: gradients by parts, to be added up.

Enlarging (nearest) before a 3x3 convolution and reducing (mean of 2x2) after one are such convolutions too, with 2.25 times fewer
multiplications than the two steps apart.

Shapes: x [n, 2h, 2w, c], y [n, h, w, d], k [4, 4, c, d]; y[i] = sum over taps t of k[t] x[2i + t - 1], zero outside of x.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

_NUMBERS = ("NHWC", "HWIO", "NHWC")


@jax.custom_vjp
def strided_conv(x: Array, k: Array) -> Array:
    """x [n, 2h, 2w, c] by k [4, 4, c, d] to [n, h, w, d]."""
    return jax.lax.platform_dependent(x, k, cpu=_strided, default=_strided)


@jax.custom_vjp
def transposed_conv(y: Array, k: Array) -> Array:
    """y [n, h, w, d] by k [4, 4, c, d] to [n, 2h, 2w, c]; note the order of channels in k."""
    return jax.lax.platform_dependent(y, k, cpu=_four_phases, default=_depth_to_space)


@jax.custom_vjp
def kernel_gradient(x: Array, y: Array) -> Array:
    """x [n, 2h, 2w, c] with y [n, h, w, d] to [4, 4, c, d]: the gradient of <strided_conv(x, k), y> by k."""
    return jax.lax.platform_dependent(x, y, cpu=_kernel_of_parts, default=_kernel)


def _derivatives(function: Callable, by_first: Callable, by_second: Callable) -> None:
    def forward(a: Array, b: Array) -> tuple[Array, tuple[Array, Array]]:
        return function(a, b), (a, b)

    def backward(arguments: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
        return by_first(*arguments, g), by_second(*arguments, g)

    function.defvjp(forward, backward)


_derivatives(strided_conv, lambda x, k, g: transposed_conv(g, k), lambda x, k, g: kernel_gradient(x, g))
_derivatives(transposed_conv, lambda y, k, g: strided_conv(g, k), lambda y, k, g: kernel_gradient(g, y))
_derivatives(kernel_gradient, lambda x, y, g: transposed_conv(y, g), lambda x, y, g: strided_conv(x, g))


def _strided(x: Array, k: Array) -> Array:
    return jax.lax.conv_general_dilated(x, k, (2, 2), ((1, 1), (1, 1)), dimension_numbers=_NUMBERS)


def _parted(x: Array) -> Array:
    """[n, 2h, 2w, c] to [n, h + 1, w + 1, 4c]: each pixel has the 2x2 of x, padded by one, that begins at twice its place less one."""
    n, h, w, c = x.shape
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))).reshape(n, h // 2 + 1, 2, w // 2 + 1, 2, c)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, h // 2 + 1, w // 2 + 1, 4 * c)


def _strided_by_parts(x: Array, k: Array) -> Array:
    c, d = k.shape[2:]
    k = k.reshape(2, 2, 2, 2, c, d).transpose(0, 2, 1, 3, 4, 5).reshape(2, 2, 4 * c, d)
    return jax.lax.conv_general_dilated(_parted(x), k, (1, 1), "VALID", dimension_numbers=_NUMBERS)


def _depth_to_space(y: Array, k: Array) -> Array:
    """One 2x2 convolution whose channels are the 2x2 pixels of the result."""
    n, h, w, d = y.shape
    c = k.shape[2]
    k = k.reshape(2, 2, 2, 2, c, d)[::-1, :, ::-1].transpose(0, 2, 5, 1, 3, 4).reshape(2, 2, d, 4 * c)
    z = jax.lax.conv_general_dilated(y, k, (1, 1), ((1, 1), (1, 1)), dimension_numbers=_NUMBERS)
    z = z.reshape(n, h + 1, w + 1, 2, 2, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, 2 * h + 2, 2 * w + 2, c)
    return z[:, 1:-1, 1:-1]


def _four_phases(y: Array, k: Array) -> Array:
    """A 2x2 convolution for the even and the odd rows and columns of the result each."""
    n, h, w, d = y.shape
    c = k.shape[2]
    k = k.reshape(2, 2, 2, 2, c, d)[::-1, :, ::-1].transpose(0, 2, 5, 1, 3, 4)  # [tap, tap, d, odd, odd, c], odd: as z above

    def phase(p: int, q: int) -> Array:
        padding = ((1 - p, p), (1 - q, q))
        return jax.lax.conv_general_dilated(y, k[:, :, :, 1 - p, 1 - q], (1, 1), padding, dimension_numbers=_NUMBERS)

    rows = [jnp.stack([phase(p, q) for q in (0, 1)], axis=3) for p in (0, 1)]  # [n, h, w, 2, c]
    return jnp.stack(rows, axis=2).reshape(n, 2 * h, 2 * w, c)


def _dilated(y: Array, k: Array) -> Array:
    return jax.linear_transpose(lambda x: _strided(x, k), jnp.zeros((y.shape[0], 2 * y.shape[1], 2 * y.shape[2], k.shape[2]), y.dtype))(y)[0]


def _kernel(x: Array, y: Array) -> Array:
    return jax.linear_transpose(lambda k: _strided(x, k), jnp.zeros((4, 4, x.shape[3], y.shape[3]), x.dtype))(y)[0]


def _kernel_of_parts(x: Array, y: Array) -> Array:
    c, d = x.shape[3], y.shape[3]
    parts = _parted(x)

    def conv(k: Array) -> Array:
        return jax.lax.conv_general_dilated(parts, k, (1, 1), "VALID", dimension_numbers=_NUMBERS)

    (k,) = jax.linear_transpose(conv, jnp.zeros((2, 2, 4 * c, d), x.dtype))(y)
    return k.reshape(2, 2, 2, 2, c, d).transpose(0, 2, 1, 3, 4, 5).reshape(4, 4, c, d)
