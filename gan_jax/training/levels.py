"""What a level needs before its first step, made while the level before it trains: its compiled programs, and its images on the devices.

Compiling a level takes tens of seconds on a GPU. It is done in threads, level after level, ahead of the training, so that a level begins
without a pause unless those before were shorter than the compiling.
"""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import flax.linen as nn
import jax
import numpy as np

from gan_jax.errors import UserError
from gan_jax.models.layers import STDDEV_GROUP
from gan_jax.training import devices, hosts, losses
from gan_jax.training.schedule import Phase
from gan_jax.training.settings import StepSettings
from gan_jax.training.state import TrainState
from gan_jax.training.step import make_step
from gan_jax.training.stream import Images, Stream, budget

HEADROOM = 0.95  # of a device's memory; allocators lose a few percent between blocks


class Level:
    """The steps of one level and batch size. Phases that differ in nothing else share it.

    Where a device's memory is too small for its share of a batch, the share is taken in two microbatches, or four, and so on: decided from
    the compiler's account of the memory before anything runs, and once more if the first step fails all the same.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        settings: StepSettings,
        phase: Phase,
        like: TrainState,
        images: Images,
        labels: np.ndarray,
        begin: int = 0,
        resident_gib: float = 0.0,
    ):
        """Compiles.

        Args:
          like: the abstract state, its shapes and its placement.
          images: uint8 [n, resolution, resolution, 3], at the full resolution.
          labels: float32 [n, label_size].
          begin: images that will have been seen at the first step.
          resident_gib: of images on each device; see `stream.budget`.

        Raises UserError where not even the smallest microbatches fit.
        """
        self._make = lambda microbatches, with_r1: make_step(
            generator,
            discriminator,
            settings,
            level=phase.level,
            batch_size=phase.batch_size,
            devices=devices.count(),
            microbatches=microbatches,
            with_r1=with_r1,
        )
        # Steps without the penalty are a program of their own: a branch would make the devices wait for the host.
        self._penalty_every = max(1, losses.penalty_every(settings.loss, settings.r1, settings.r1_every))
        self._phase, self._kinds = phase, (True, False) if self._penalty_every > 1 else (True,)
        self._works = settings.works_batch if settings.works else 0
        self._group = STDDEV_GROUP if generator.active(phase.level) else 1
        space = budget(resident_gib, devices.memory_limit())
        self._stream = Stream(
            images, labels, phase.resolution, space, settings.seed, begin, devices.replicate, hosts.index(), hosts.count()
        )
        if self._works and self._stream.span:
            raise UserError(
                f"config.training.works={settings.works:g}: {images.shape[0]:,} works are more than a device holds at once; 0 trains them "
                "without latents of their own, a larger config.training.resident_gib may hold them"
            )
        self._like = like
        self._ran: set[bool] = set()  # kinds of steps whose memory sufficed
        self.microbatches = 1
        self._compile()

    def __call__(self, state: TrainState, seen: int, alpha: float, learning_rate: Any) -> tuple[TrainState, dict[str, jax.Array]]:
        """A step; `state` is donated. Raises UserError where memory runs out in the first step, in the smallest microbatches."""
        with_r1 = (seen // self._phase.batch_size) % self._penalty_every == 0
        if with_r1 in self._ran:
            return self._programs[with_r1](state, self._stream(seen), np.float32(alpha), learning_rate)
        # A step that fails has used its state up.
        kept = jax.tree.map(lambda x: np.array(x.addressable_data(0)), state)
        while True:
            try:
                state, metrics = self._programs[with_r1](state, self._stream(seen), np.float32(alpha), learning_rate)
                jax.block_until_ready(metrics)
                self._ran.add(with_r1)
                return state, metrics
            except jax.errors.JaxRuntimeError as error:
                if not _is_memory(error):
                    raise
            state = None
            self._halve("a step ran out of memory")
            self._compile()
            state = devices.replicate(kept)

    @property
    def share(self) -> int:
        """Images that a device takes at once."""
        return self._phase.batch_size // devices.count() // self.microbatches

    def _compile(self) -> None:
        limit = devices.memory_limit()
        while True:
            try:
                rate, data = devices.replicate(np.float32(0)), self._stream.here
                self._programs = {
                    kind: devices.Program(self._make(self.microbatches, kind), self._like, data, np.float32(0), rate)
                    for kind in self._kinds
                }
                needed = max(program.memory for program in self._programs.values())
                if limit is None or needed <= HEADROOM * limit:
                    return
                reason = f"{needed / 2**30:.1f} GiB are needed of {limit / 2**30:.1f}"
            except jax.errors.JaxRuntimeError as error:
                if not _is_memory(error):
                    raise
                reason = "compiling ran out of memory"
            self._halve(reason)

    def _halve(self, reason: str) -> None:
        smaller = self.share // 2
        works = self._works // devices.count() // self.microbatches  # painted at once
        if works % 2 or self.share % 2 or smaller % math.gcd(self._group, self.share):
            raise UserError(
                f"config.training.batch_size: {self._phase.batch_size} images at {self._phase.resolution} px don't fit into a device's "
                f"memory, in microbatches of {self.share} ({reason}); fewer channels, a lower resolution or more devices would"
            )
        self.microbatches *= 2


class Levels:
    """The levels of a schedule, compiled in threads of their own in the order in which they come."""

    def __init__(self, phases: Sequence[Phase], prepare: Callable[[Phase], Level], show: Callable[[int], None]):
        """`prepare` makes the level of a phase, `show(level)` whatever else should be ready with it."""
        # Compiling takes a few processors, and whatever is left over for the training must suffice for it.
        self._threads = ThreadPoolExecutor(2 if (os.cpu_count() or 1) >= 8 else 1, "compile")
        self._levels: dict[tuple[int, int], Future[Level]] = {}
        for phase in phases:
            if _kind(phase) not in self._levels:
                self._levels[_kind(phase)] = self._threads.submit(prepare, phase)
                self._threads.submit(show, phase.level)

    def __enter__(self) -> "Levels":
        return self

    def __exit__(self, *_) -> None:
        self._threads.shutdown(cancel_futures=True)

    def take(self, phase: Phase) -> Level:
        """The level of a phase, when it is ready. Those before it, with their images, are let go."""
        for kind in list(self._levels):
            if kind == _kind(phase):
                break
            del self._levels[kind]
        for level in self._levels.values():
            if level.done():
                level.result()  # what is wrong with a later level is better known now than hours later
        return self._levels[_kind(phase)].result()


def _kind(phase: Phase) -> tuple[int, int]:
    return phase.level, phase.batch_size


def _is_memory(error: Exception) -> bool:
    return "RESOURCE_EXHAUSTED" in str(error) or "out of memory" in str(error).lower()
