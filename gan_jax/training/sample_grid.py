"""A grid of pictures to see the training by."""

import threading

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import keys, pictures
from gan_jax.models import networks
from gan_jax.training.step import TrainState

GRID = 36  # pictures


class SampleGrid:
    """What the averaged generator makes of the same latents each time, with each label where there are labels."""

    def __init__(self, generator: nn.Module, seed: int, like: TrainState):
        rows = max(1, generator.label_size)
        latents = jnp.tile(jax.random.normal(keys.key(seed), (GRID // rows, generator.latent_size)), (rows, 1))
        labels = jnp.repeat(jnp.eye(rows, generator.label_size), GRID // rows, axis=0)
        self._latents = jnp.concatenate([latents, labels], axis=1)
        self._generator, self._programs, self._compiling = generator, {}, threading.Lock()
        self._like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), networks.variables(like.ema_params, like.ema_stats))

    def compile(self, level: int) -> None:
        """Makes the program of a level, in any thread."""

        def images(variables, alpha):
            return self._generator.apply(variables, self._latents, level=level, alpha=alpha)

        # Two threads at the same program would read its entry in the compilation cache while it is written.
        with self._compiling:
            if level not in self._programs:
                self._programs[level] = jax.jit(images).lower(self._like, np.float32(0)).compile()

    def __call__(self, state: TrainState, level: int, alpha: float) -> np.ndarray:
        """uint8 [h, w, 3]."""
        self.compile(level)
        here = jax.tree.map(lambda x: x.addressable_data(0), networks.variables(state.ema_params, state.ema_stats))
        made = pictures.to_uint8(self._programs[level](here, np.float32(alpha)))
        return pictures.grid(pictures.enlarged(made, self._generator.resolution))
