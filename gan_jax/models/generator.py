"""The one face of everything that turns latents into images.

What comes after training takes a `Generator` and never asks where it is from.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gan_jax import compiler
from gan_jax.pictures import whole_batches

FEW_PIXELS = 64 * 128 * 128  # of a batch that takes a GPU hardly any time to paint


@dataclasses.dataclass(frozen=True)
class Critic:
    """What a discriminator sees: `features(params, images [n, r, r, 3])` gives arrays [n, h, w, c], from fine to coarse."""

    params: Any
    features: Callable[[Any, Array], tuple[Array, ...]]


@dataclasses.dataclass(frozen=True)
class Apply:
    """The images of one of our generators, grown as far as `level` and `alpha` say. Equal ones share what is compiled of them."""

    network: nn.Module
    level: int
    alpha: float

    def __call__(self, variables: Any, latents: Array) -> Array:
        images: Any = self.network.apply(variables, latents, level=self.level, alpha=jnp.float32(self.alpha))
        return images


@dataclasses.dataclass(frozen=True)
class First:
    """What the first layer of one of our generators makes of latents [n, latent_size]: [n, 4, 4, c]."""

    network: nn.Module
    level: int
    alpha: float

    def __call__(self, variables: Any, latents: Array) -> Array:
        _, seen = self.network.apply(
            variables,
            latents,
            level=self.level,
            alpha=jnp.float32(self.alpha),
            capture_intermediates=lambda module, method: module.name == self.network.FIRST and method == "__call__",
            mutable=["intermediates"],
        )
        (made,) = jax.tree.leaves(seen["intermediates"])
        layer: Array = made.astype(jnp.float32)
        return layer


@dataclasses.dataclass(frozen=True)
class Features:
    """The layers of one of our discriminators, grown as far as `level` and `alpha` say, from fine to coarse."""

    network: nn.Module
    level: int
    alpha: float

    def __call__(self, variables: Any, images: Array) -> tuple[Array, ...]:
        _, seen = self.network.apply(variables, images, level=self.level, alpha=jnp.float32(self.alpha), mutable=["features"])
        return tuple(layer[0] for layer in sorted(seen["features"].values(), key=lambda layer: -layer[0].shape[1]))


@dataclasses.dataclass(frozen=True)
class Years:
    """How a network that knows the year counts: in standard deviations from the mean year of the paintings that it was trained on."""

    mean: float
    deviation: float  # years
    seen: tuple[float, ...]  # years of paintings that it was trained on, MOST_YEARS at most, as often as they come

    MOST_YEARS = 65

    @classmethod
    def of(cls, years: np.ndarray) -> "Years":
        """Counts by the paintings' years [m], at least one."""
        seen = np.sort(years)[np.linspace(0, len(years) - 1, min(len(years), cls.MOST_YEARS)).round().astype(int)]
        deviation = float(years.std())
        return cls(float(years.mean()), deviation if deviation > 1e-6 else 1.0, tuple(seen.tolist()))

    def labels(self, years: np.ndarray) -> np.ndarray:
        """Returns float32 [n, 1] of years [n]."""
        return ((np.asarray(years, np.float64) - self.mean) / self.deviation).astype(np.float32)[:, None]

    def of_labels(self, labels: np.ndarray) -> np.ndarray:
        """Returns years [n] of labels [n, 1]: the inverse of `labels`."""
        return self.mean + self.deviation * np.asarray(labels, np.float64)[:, 0]


@dataclasses.dataclass(frozen=True)
class Generator:
    """Turns latents into images.

    `apply(params, latents [n, latent_size]) -> images [n, resolution, resolution, 3]`, float32, about [-1, 1], can be differentiated
    and jitted. The parameters are an argument, so that they are not copied into every program.
    """

    name: str  # what it was opened from
    latent_size: int
    resolution: int
    params: Any
    apply: Callable[[Any, Array], Array]
    label_size: int = 0  # of the latents, how many at their end are the label: one-hot in training, or the year
    years: Years | None = None  # where the label is the year
    painting_latents: np.ndarray | None = (
        None  # [m, latent_size - label_size], of the paintings trained on, where they have some of their own
    )
    critic: Critic | None = None  # of the discriminator that it was trained with
    divisible: bool = True  # whether a batch may be divided among devices
    first: Callable[[Any, Array], Array] | None = None  # of parameters and latents, what its first layer makes, where that can be seen

    def __call__(self, latents: Array) -> Array:
        return self.apply(self.params, latents)

    @property
    def labels(self) -> np.ndarray:
        """Returns float32 [k, label_size]: those that training had, of which each latent drawn by chance gets one."""
        return self.years.labels(np.array(self.years.seen)) if self.years else np.eye(self.label_size, dtype=np.float32)

    def draw(self, key: Array, n: int) -> Array:
        """Returns latents [n, latent_size] like those of training, on the sphere where nearly all of them lie; labels are random ones."""
        latents = on_sphere(jax.random.normal(key, (n, self.latent_size - self.label_size)))
        if not self.label_size:
            return latents
        chosen = jax.random.randint(jax.random.fold_in(key, 1), (n,), 0, len(self.labels))
        return jnp.concatenate([latents, jnp.asarray(self.labels)[chosen]], axis=1)

    def images(self, latents: Array | np.ndarray, batch_size: int = 64, count: Callable[[int], None] = lambda n: None) -> np.ndarray:
        """Returns uint8 [n, resolution, resolution, 3] of any number of latents, a batch at a time; `count` is told of each."""
        latents, n = np.asarray(latents, np.float32), len(latents)
        power_of_two = 1 << max(0, n - 1).bit_length()  # so that few sizes are compiled
        batch_size = min(batch_size, max(power_of_two, _least(self.resolution)))
        padded = whole_batches(latents, batch_size)
        made = np.empty((len(padded), self.resolution, self.resolution, 3), np.uint8)
        for start in range(0, n, batch_size):
            made[start : start + batch_size] = _quantised(self.apply)(self.params, padded[start : start + batch_size])
            count(min(batch_size, n - start))
        return made[:n]


def on_sphere(latents: Array, label_size: int = 0) -> Array:
    """Returns [..., latent_size] scaled to length sqrt(latent_size), the length that N(0, 1) latents have but for a few percent.

    Labels, the last `label_size` of them, stay as they are. Progressive GAN normalises its latents itself and so knows nothing else.
    """
    if label_size:
        return jnp.concatenate([on_sphere(latents[..., :-label_size]), latents[..., -label_size:]], axis=-1)
    length = jnp.linalg.norm(latents, axis=-1, keepdims=True)
    return latents * (math.sqrt(latents.shape[-1]) / jnp.maximum(length, 1e-12))


def _least(resolution: int) -> int:
    """Returns the least number of images that are painted at once.

    On a GPU or a TPU each further size takes seconds to compile, while a few more images take hardly any time to paint. On a CPU painting
    takes long.
    """
    return 1 if jax.default_backend() == "cpu" else FEW_PIXELS // resolution**2


@functools.cache
def _quantised(apply: Callable) -> Callable[[Any, Array | np.ndarray], Array]:
    def images(params: Any, latents: Array | np.ndarray) -> Array:
        return jnp.clip(jnp.rint((apply(params, latents) + 1) * 127.5), 0, 255).astype(jnp.uint8)

    return jax.jit(images, compiler_options=compiler.options())
