"""Pictures to see the training by."""

import threading

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import pictures
from gan_jax.models import networks
from gan_jax.models.generator import Years
from gan_jax.training.step import TrainState

GRID = 36  # pictures


class SampleGrid:
    """What the averaged generator makes of the same latents each time, with each label as often where there are labels."""

    def __init__(self, generator: nn.Module, seed: int, like: TrainState, years: Years | None = None):
        self._seed, self._years = seed, years
        self._generator, self._programs, self._compiling = generator, {}, threading.Lock()
        self._like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), networks.variables(like.ema_params, like.ema_stats))

    def compile(self, level: int) -> None:
        """Makes the program of a level, in any thread."""

        def images(variables, latents, alpha):
            return self._generator.apply(variables, latents, level=level, alpha=alpha)

        latents = jax.ShapeDtypeStruct((GRID, self._generator.latent_size + self._generator.label_size), jnp.float32)

        # Two threads at the same program would read its entry in the compilation cache while it is written.
        with self._compiling:
            if level not in self._programs:
                self._programs[level] = jax.jit(images).lower(self._like, latents, np.float32(0)).compile()

    def images(self, state: TrainState, level: int, alpha: float, n: int = GRID) -> np.ndarray:
        """uint8 [n, r, r, 3], r being the level's resolution. The first 36 are those of the grid."""
        self.compile(level)
        here = jax.tree.map(lambda x: x.addressable_data(0), networks.variables(state.ema_params, state.ema_stats))
        made = [self._programs[level](here, self._latents(batch), np.float32(alpha)) for batch in range(-(-n // GRID))]
        return np.concatenate([pictures.to_uint8(batch) for batch in made])[:n]

    def _latents(self, batch: int) -> np.ndarray:
        """float32 [36, latent_size + label_size]: the same latents with each label; with years, 36 latents in order of time."""
        if self._years:
            latents = np.random.default_rng([self._seed, batch]).standard_normal((GRID, self._generator.latent_size), np.float32)
            seen = np.array(self._years.seen)[np.linspace(0, len(self._years.seen) - 1, GRID).round().astype(int)]
            return np.concatenate([latents, self._years.labels(seen)], axis=1)
        labels = self._generator.label_size
        rows = max(1, labels)
        latents = np.random.default_rng([self._seed, batch]).standard_normal((GRID // rows, self._generator.latent_size), np.float32)
        each = np.repeat(np.eye(rows, labels, dtype=np.float32), GRID // rows, axis=0)
        return np.concatenate([np.tile(latents, (rows, 1)), each], axis=1)
