"""A step in as many microbatches as a device's memory needs: decided from the compiler's account of the memory before anything runs, and
once more if the first step fails all the same."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.errors import UserError
from gan_jax.training import devices
from gan_jax.training.devices import Program
from gan_jax.training.state import TrainState

HEADROOM = 0.95  # of a device's memory; allocators lose a few percent between blocks


@dataclasses.dataclass(frozen=True)
class Microbatching:
    """Describes in how many microbatches a device takes its share of a batch, and how it may be divided further."""

    batch_size: int  # over all devices
    resolution: int
    group: int  # images that the discriminator's minibatch statistics need together
    paintings: int  # of those with latents of their own, how many beside the batch, over all devices
    count: int = 1

    @property
    def images(self) -> int:
        """Returns how many images a device takes at once."""
        return self.batch_size // devices.count() // self.count

    def halved(self, reason: str) -> "Microbatching":
        """Returns twice as many microbatches. Raises UserError where they can't be divided any more."""
        paintings = self.paintings // devices.count() // self.count
        if paintings % 2 or self.images % 2 or (self.images // 2) % math.gcd(self.group, self.images):
            beside = f" and {paintings} paintings" if paintings else ""
            raise UserError(
                f"config.training.batch_size: {self.batch_size} images at {self.resolution} px don't fit into a device's memory, "
                f"in microbatches of {self.images}{beside} ({reason}); fewer channels, a lower resolution or more devices would"
            )
        return dataclasses.replace(self, count=2 * self.count)


class FittedStep:
    """The steps with and without a penalty, in microbatches that fit into memory."""

    def __init__(self, compiled: Callable[[int], Mapping[bool, Program]], whole: Microbatching):
        """Compiles.

        Args:
          compiled: makes the programs for a number of microbatches, by whether they have the penalty.
          whole: what a device takes at once where memory suffices.

        Raises UserError where not even the smallest microbatches fit.
        """
        self._compiled, self.microbatching = compiled, whole
        self._ran: set[bool] = set()  # kinds of steps whose memory sufficed
        self._compile()

    def __call__(self, with_penalty: bool, state: TrainState, *replicated: Any) -> tuple[TrainState, dict[str, jax.Array]]:
        """Takes a step; `state` is donated. Raises UserError where memory runs out in the first step, in the smallest microbatches."""
        if with_penalty in self._ran:
            return self._programs[with_penalty](state, *replicated)
        # A step that fails has used its state up.
        kept = jax.tree.map(lambda x: np.array(x.addressable_data(0)), state)
        while True:
            try:
                state, metrics = self._programs[with_penalty](state, *replicated)
                jax.block_until_ready(metrics)
                self._ran.add(with_penalty)
                return state, metrics
            except jax.errors.JaxRuntimeError as error:
                if not _is_memory(error):
                    raise
            del state
            self.microbatching = self.microbatching.halved("a step ran out of memory")
            self._compile()
            state = devices.replicate(kept)

    def _compile(self) -> None:
        limit = devices.memory_limit()
        while True:
            try:
                self._programs = self._compiled(self.microbatching.count)
                needed = max(program.memory for program in self._programs.values())
                if limit is None or needed <= HEADROOM * limit:
                    return
                reason = f"{needed / 2**30:.1f} GiB are needed of {limit / 2**30:.1f}"
            except jax.errors.JaxRuntimeError as error:
                if not _is_memory(error):
                    raise
                reason = "compiling ran out of memory"
            self.microbatching = self.microbatching.halved(reason)


def _is_memory(error: Exception) -> bool:
    return "RESOURCE_EXHAUSTED" in str(error) or "out of memory" in str(error).lower()
