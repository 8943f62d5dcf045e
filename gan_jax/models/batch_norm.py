"""Batch norm of several batches in one pass."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from gan_jax.models.convolutions import wide

MOMENTUM = 0.9
EPSILON = 1e-5
SCALE_STDDEV = 0.02  # that of weights in Radford et al. 2016, section 4

# Batches one after the other, [batches * n, c]. XLA takes fifteen times as long on a CPU for the derivatives of sums over the second of
# three axes as of the first of two, so there each batch is by itself.


def moments(x: Array, batches: int) -> Array:
    """Returns the mean of each batch of x [batches * n, c] and that of its squares: [2, batches, c]."""
    one_by_one, at_once = (functools.partial(way, batches=batches) for way in (_moments_one_by_one, _moments_at_once))
    return jax.lax.platform_dependent(x, cpu=one_by_one, default=at_once)


def normalised(x: Array, mean: Array, factor: Array, bias: Array) -> Array:
    """Returns x [batches * n, c] less the mean of its batch [batches, c], times its factor [batches, c], and a bias [c]."""
    return jax.lax.platform_dependent(x, mean, factor, bias, cpu=_normalised_one_by_one, default=_normalised_at_once)


def _moments_at_once(x: Array, batches: int) -> Array:
    parts = x.reshape(batches, -1, x.shape[1])
    return jnp.stack([parts.mean(axis=1), (parts**2).mean(axis=1)])


def _moments_one_by_one(x: Array, batches: int) -> Array:
    parts = jnp.split(x, batches)
    return jnp.stack([jnp.stack([part.mean(axis=0) for part in parts]), jnp.stack([(part**2).mean(axis=0) for part in parts])])


def _normalised_at_once(x: Array, mean: Array, factor: Array, bias: Array) -> Array:
    parts = x.reshape(len(mean), -1, x.shape[1])
    return ((parts - mean[:, None]) * factor[:, None] + bias[None, None]).reshape(x.shape)


def _normalised_one_by_one(x: Array, mean: Array, factor: Array, bias: Array) -> Array:
    parts = zip(jnp.split(x, len(mean)), mean, factor)
    return jnp.concatenate([(part - m[None]) * f[None] + bias[None] for part, m, f in parts])


class BatchNorm(nn.Module):
    """Normalises [batches * n, h, w, c] by the statistics of each batch alone, in float32 (Ioffe and Szegedy 2015).

    Unlike `nn.BatchNorm`, which it otherwise equals, it takes several batches in one pass, as if they came one after the other.
    """

    axis_name: str | None  # devices whose batches are taken as one
    dtype: DTypeLike
    biased: bool = True  # whether it has a bias of its own

    @nn.compact
    def __call__(self, x: Array, train: bool, batches: int = 1) -> Array:
        c = x.shape[-1]
        scale = self.param("scale", lambda key, shape: 1.0 + SCALE_STDDEV * jax.random.normal(key, shape), (c,))
        bias = self.param("bias", nn.initializers.zeros, (c,)) if self.biased else jnp.zeros(c)
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, (c,))
        running_var = self.variable("batch_stats", "var", jnp.ones, (c,))
        y = wide(x).reshape(-1, c)
        if train:
            found = moments(y, batches)  # [2, batches, c]
            if self.axis_name and not self.is_initializing():
                found = jax.lax.pmean(found, self.axis_name)
            mean, var = found[0], jnp.maximum(found[1] - found[0] ** 2, 0.0)
            if not self.is_initializing():
                for i in range(batches):
                    running_mean.value = MOMENTUM * running_mean.value + (1 - MOMENTUM) * mean[i]
                    running_var.value = MOMENTUM * running_var.value + (1 - MOMENTUM) * var[i]
        else:
            mean, var = running_mean.value[None], running_var.value[None]
        factor = jax.lax.rsqrt(var + EPSILON) * scale[None]  # [batches, c]
        y = normalised(y, mean, factor, bias)
        return y.astype(self.dtype).reshape(x.shape)
