"""Images to see the training by."""

import collections
import threading
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import compiler, pictures
from gan_jax.models import networks
from gan_jax.models.generator import Years
from gan_jax.training import paintings
from gan_jax.training.state import TrainState

GRID = 36  # images
AHEAD = 4  # batches that are asked for before the first is fetched: each comes after the steps that the device has been given already


class SampleGrid:
    """What the averaged generator makes of the same latents each time, with each label as often where there are labels."""

    def __init__(self, generator: nn.Module, seed: int, like: TrainState, years: Years | None = None):
        self._seed, self._years = seed, years
        self._generator, self._compiling = generator, threading.Lock()
        self._programs: dict[int, jax.stages.Compiled] = {}
        self._like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), networks.variables(like.ema_params, like.ema_stats))

    def compile(self, level: int) -> None:
        """Makes the program of a level, in any thread."""

        def images(variables, latents, alpha):
            return self._generator.apply(variables, latents, level=level, alpha=alpha)

        latents = jax.ShapeDtypeStruct((GRID, self._generator.latent_size + self._generator.label_size), jnp.float32)

        # Two threads at the same program would read its entry in the compilation cache while it is written.
        with self._compiling:
            if level not in self._programs:
                self._programs[level] = (
                    jax.jit(images).lower(self._like, latents, np.float32(0)).compile(compiler_options=compiler.options())
                )

    def memory(self, level: int) -> int:
        """Returns the bytes that images of a level need on a device, beside the networks."""
        self.compile(level)
        sizes: Any = self._programs[level].memory_analysis()
        return int(sizes.temp_size_in_bytes + (AHEAD + 2) * sizes.output_size_in_bytes)

    def images(self, state: TrainState, level: int, alpha: float, n: int = GRID) -> np.ndarray:
        """Returns uint8 [n, r, r, 3], r being the level's resolution. The first 36 are those of the grid."""
        return self._painted(state, level, alpha, [self._latents(batch) for batch in range(-(-n // GRID))])[:n]

    def middles(self, state: TrainState, labels: np.ndarray, level: int, alpha: float, n: int) -> np.ndarray:
        """Returns uint8 [n, r, r, 3]: half-way between two paintings that have latents of their own, of labels [m, label_size], drawn by
        chance."""
        own = jax.tree.map(lambda x: x.addressable_data(0), state.works["ema"])
        first, last = np.random.default_rng(self._seed).integers(0, len(labels), (2, -(-n // GRID) * GRID))
        latents = paintings.on_ways(own, first, last, jnp.full((len(first), 1), 0.5))
        inputs = np.concatenate([latents, (labels[first] + labels[last]) / 2], axis=1, dtype=np.float32)
        return self._painted(state, level, alpha, np.split(inputs, len(inputs) // GRID))[:n]

    def _painted(self, state: TrainState, level: int, alpha: float, batches: Sequence[np.ndarray]) -> np.ndarray:
        """Returns uint8 [36 a batch, r, r, 3] of latents and labels."""
        self.compile(level)
        here = jax.tree.map(lambda x: x.addressable_data(0), networks.variables(state.ema_params, state.ema_stats))
        waiting: collections.deque[jax.Array] = collections.deque()
        made = []
        for batch in batches:
            waiting.append(self._programs[level](here, batch, np.float32(alpha)))
            if len(waiting) > AHEAD:
                made.append(pictures.to_uint8(waiting.popleft()))
        return np.concatenate([*made, *map(pictures.to_uint8, waiting)])

    def _latents(self, batch: int) -> np.ndarray:
        """Returns float32 [36, latent_size + label_size]: the same latents with each label; with years, 36 latents in order of time."""
        if self._years:
            latents = np.random.default_rng([self._seed, batch]).standard_normal((GRID, self._generator.latent_size), np.float32)
            seen = np.array(self._years.seen)[np.linspace(0, len(self._years.seen) - 1, GRID).round().astype(int)]
            return np.concatenate([latents, self._years.labels(seen)], axis=1)
        labels = self._generator.label_size
        rows = max(1, labels)
        latents = np.random.default_rng([self._seed, batch]).standard_normal((GRID // rows, self._generator.latent_size), np.float32)
        each = np.repeat(np.eye(rows, labels, dtype=np.float32), GRID // rows, axis=0)
        return np.concatenate([np.tile(latents, (rows, 1)), each], axis=1)
