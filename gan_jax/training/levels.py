"""What a level needs before its first step, made while the level before it trains: its compiled programs, and its images on the devices.

Compiling a level takes tens of seconds on a GPU. It is done in threads, level after level, ahead of the training, so that a level begins
without a pause unless those before were shorter than the compiling.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import flax.linen as nn
import jax
import numpy as np

from gan_jax.errors import UserError
from gan_jax.models import projected
from gan_jax.training import devices, hosts, losses
from gan_jax.training.fitting import FittedStep, Microbatching
from gan_jax.training.schedule import Phase
from gan_jax.training.settings import StepSettings, projected_side
from gan_jax.training.state import TrainState
from gan_jax.training.step import make_step
from gan_jax.training.stream import Blocks, Images, Stream, budget


class Level:
    """The steps of one level and batch size, with the images that they draw from. Phases that differ in nothing else share it."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        settings: StepSettings,
        phase: Phase,
        like: TrainState,
        images: Images,
        labels: np.ndarray,
        seed: int,
        begin: int = 0,
        resident_gib: float = 0.0,
    ):
        """Places the first images and compiles.

        Args:
          like: the abstract state, its shapes and its placement.
          images: uint8 [n, resolution, resolution, 3], at the full resolution.
          labels: float32 [n, label_size].
          seed: of all that is drawn.
          begin: images that will have been seen at the first step.
          resident_gib: of images on each device; see `stream.budget`.

        Raises UserError where not even the smallest microbatches fit, and where paintings have latents of their own and don't fit.
        """
        # Steps without the penalty are a program of their own: a branch would make the devices wait for the host.
        self._phase, self._penalty_every = phase, max(1, losses.penalty_every(settings.loss, settings.r1, settings.r1_every))
        space = budget(resident_gib, devices.memory_limit())
        n, size = images.shape[:2]
        blocks = Blocks.of((n, size), phase.resolution, space, seed, hosts.index(), hosts.count())
        if settings.paintings and blocks.span:
            raise UserError(
                f"config.training.paintings={settings.paintings:g}: {n:,} paintings are more than a device holds at once; 0 trains "
                "them without latents of their own, a larger config.training.resident_gib may hold them"
            )
        second = projected_side(settings) > 0
        frozen = projected.frozen() if second else {}
        self._stream = stream = Stream(images, labels, phase.resolution, blocks, begin, devices.replicate, frozen)
        kinds = (True, False) if self._penalty_every > 1 else (True,)

        # Without a reference to this level: when it is let go, so are its images.
        def compiled(microbatches: int) -> dict[bool, devices.Program]:
            made = dict(level=phase.level, batch_size=phase.batch_size, devices=devices.count(), microbatches=microbatches)
            inputs = (stream.here, np.float32(0), devices.replicate(np.float32(0)))
            steps = {with_r1: make_step(generator, discriminator, settings, with_r1=with_r1, **made) for with_r1 in kinds}
            return {with_r1: devices.Program(step, like, *inputs, library_products=second) for with_r1, step in steps.items()}

        own = settings.paintings_batch if settings.paintings else 0
        whole = Microbatching(phase.batch_size, phase.resolution, discriminator.group, own)
        self._step = FittedStep(compiled, whole)

    def __call__(self, state: TrainState, seen: int, alpha: float, learning_rate: Any) -> tuple[TrainState, dict[str, jax.Array]]:
        """Takes a step; `state` is donated. Raises UserError where memory runs out in the first step, in the smallest microbatches."""
        with_penalty = (seen // self._phase.batch_size) % self._penalty_every == 0
        return self._step(with_penalty, state, self._stream(seen), np.float32(alpha), learning_rate)

    @property
    def microbatches(self) -> int:
        """Returns in how many a device takes its share of a batch."""
        return self._step.microbatching.count


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
        """Returns the level of a phase, when it is ready. Those before it, with their images, are let go."""
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
