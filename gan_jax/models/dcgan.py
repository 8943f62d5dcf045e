"""The networks of "Unsupervised Representation Learning with Deep Convolutional GANs" (Radford et al., ICLR 2016).

At 64 px they are the paper's; at another power of two the same rule holds: widths halve from layer to layer down to `width`.
They have one level. The signatures are those of `pggan`, so that whatever trains or uses the one can use the other.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from gan_jax.models.layers import leaky_relu, strided_conv, transposed_conv

WEIGHT_STDDEV = 0.02  # section 4
BATCH_NORM_MOMENTUM = 0.9
BATCH_NORM_EPSILON = 1e-5


def _batch_norm(train: bool, axis_name: str | None, dtype: DTypeLike, name: str) -> nn.BatchNorm:
    def scale_init(key: Array, shape, dtype=jnp.float32) -> Array:
        return 1.0 + WEIGHT_STDDEV * jax.random.normal(key, shape, dtype)

    return nn.BatchNorm(
        use_running_average=not train,
        momentum=BATCH_NORM_MOMENTUM,
        epsilon=BATCH_NORM_EPSILON,
        axis_name=axis_name if train else None,
        scale_init=scale_init,
        dtype=dtype,
        name=name,
    )


def _kernel(module: nn.Module, name: str, shape: tuple[int, ...]) -> Array:
    return module.param(name, nn.initializers.normal(WEIGHT_STDDEV), shape)


class Generator(nn.Module):
    """Latents [n, latent_size] to images [n, resolution, resolution, 3], float32 in [-1, 1]."""

    resolution: int
    latent_size: int = 100
    width: int = 64
    axis_name: str | None = None  # devices over which batch statistics are taken together in training
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, latents: Array, *, level: int, alpha: Array, train: bool = False) -> Array:
        """`level` and `alpha` [] change nothing: these networks don't grow."""
        del level, alpha
        layers = int(math.log2(self.resolution)) - 2
        channels = self.width * 2 ** (layers - 1)
        kernel = _kernel(self, "project", (latents.shape[-1], 4, 4, channels))
        x = jnp.einsum("nl,lhwc->nhwc", latents.astype(self.dtype), kernel.astype(self.dtype))
        x = nn.relu(_batch_norm(train, self.axis_name, self.dtype, "norm_project")(x))
        for i in range(layers - 1):
            channels //= 2
            x = transposed_conv(x, _kernel(self, f"conv_{i}", (4, 4, x.shape[-1], channels)))
            x = nn.relu(_batch_norm(train, self.axis_name, self.dtype, f"norm_{i}")(x))
        x = transposed_conv(x, _kernel(self, "to_rgb", (4, 4, x.shape[-1], 3)))
        return jnp.tanh(x.astype(jnp.float32))

    def active(self, level: int) -> None:
        """None: every parameter is always in use."""
        del level


class Discriminator(nn.Module):
    """Images [n, resolution, resolution, 3] to scores [n], float32."""

    resolution: int
    width: int = 64
    axis_name: str | None = None
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, images: Array, *, level: int, alpha: Array, train: bool = False) -> Array:
        """`level` and `alpha` [] change nothing: these networks don't grow."""
        del level, alpha
        layers = int(math.log2(self.resolution)) - 2
        x = images.astype(self.dtype)
        for i in range(layers):
            x = strided_conv(x, _kernel(self, f"conv_{i}", (4, 4, x.shape[-1], self.width * 2**i)))
            if i > 0:
                x = _batch_norm(train, self.axis_name, self.dtype, f"norm_{i}")(x)
            x = leaky_relu(x)
        kernel = _kernel(self, "score", (*x.shape[1:], 1))  # a 4x4 convolution over a 4x4 image
        return jnp.einsum("nhwc,hwco->no", x, kernel.astype(self.dtype))[:, 0].astype(jnp.float32)

    def active(self, level: int) -> None:
        """None: every parameter is always in use."""
        del level
