"""What a training tells of itself as it goes: its figures over intervals, its speed, the time left."""

import time

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from gan_jax.models import networks, projected
from gan_jax.progress import Progress
from gan_jax.training import health
from gan_jax.training.log import Log, NoLog
from gan_jax.training.schedule import Phase
from gan_jax.training.settings import projected_side

Sums = dict[tuple[str, ...], tuple[dict[str, jax.Array], int]]  # by the names of the metrics, their sums and the number of steps


class Meter:
    """Means of metrics over an interval, its speed, and the time that the rest of the schedule will take.

    Metrics are added up on the devices, and an interval's sums are fetched when the next one ends: by then they are computed, so the
    devices never wait for the log, and the time between two fetches is the devices' time for an interval. A fetch that the devices do
    wait for (before a checkpoint, at a new phase) comes earlier in the interval after it, so a speed is taken only between two fetches of
    one kind.
    """

    def __init__(self, log: Log | NoLog, progress: Progress, phases: tuple[Phase, ...], config: ConfigDict):
        self._log, self._progress, self._phases, self._config = log, progress, phases, config
        self._phase: Phase | None = None
        self._sums: Sums = {}
        self._images = 0  # in the interval that goes on
        self._waiting: tuple[int, int, dict[str, float], Sums] | None = None  # images seen and in it, values, metrics
        self._clock, self._idle = time.monotonic(), True  # the last fetch, and whether the devices were idle then
        self._paused: float | None = None  # when the level before had done its last step
        self._rate = 0.0  # images per second
        self._later = 0.0  # images of the phases to come, each as many as its work is of those of this one
        self._first = True

    def begin(self, phase: Phase) -> None:
        """Begins a phase. At a new level the speed is another, and the time until its first step is done is logged."""
        jax.block_until_ready(self._sums)
        self.flush()
        self._images = 0  # those before the pause are not in the time after it
        if self._phase and self._phase.level != phase.level:
            self._paused, self._rate = time.monotonic(), 0.0
        self._first, self._phase = not self._phase or self._phase.level != phase.level, phase
        here = self._work(phase)
        self._later = sum((p.end - p.start) * self._work(p) / here for p in self._phases if p.start >= phase.end)

    def _work(self, phase: Phase) -> float:
        """Returns how much work an image is at a phase, in comparison with others."""
        training = self._config.training
        side = projected_side(training)
        second = training.projected_share * projected.work(0, side) if side else 0.0
        return sum(networks.work(self._config.model, phase.level)) + second

    def count(
        self, metrics: dict[str, jax.Array], alpha: float, learning_rate: float, seen: int, microbatches: int, *, log_now: bool
    ) -> None:
        """Counts a step, whose batch was taken in so many microbatches. With `log_now` the interval ends with it."""
        phase = self._phase
        assert phase is not None, "a phase begins before its steps are counted"
        if microbatches > 1 and self._first:
            self._progress.say(
                f"{phase.resolution} px: short of memory, so each batch is taken in {microbatches} microbatches, their gradients averaged"
            )
        if self._first:  # a level's first step is not like the others
            jax.block_until_ready(metrics)
            now = time.monotonic()
            if self._paused is not None:
                self._log.write(seen, {"level": phase.level, "resolution": phase.resolution, "pause_seconds": now - self._paused})
            self._clock, self._idle, self._images, self._sums, self._first, self._paused = now, True, 0, {}, False, None
        else:
            self._images += phase.batch_size
        names = tuple(sorted(metrics))  # the penalty of lazy R1 is not in every step
        sums, steps = self._sums.get(names, (None, 0))
        self._sums[names] = (_add(sums, metrics) if steps else metrics, steps + 1)
        if log_now:
            self._fetch(idle=False)
            values = {"level": phase.level, "resolution": phase.resolution, "alpha": alpha, "learning_rate": learning_rate}
            if microbatches > 1:
                values["parts"] = microbatches  # the name that logs have had from the beginning
            self._waiting = seen, self._images, values, self._sums
            self._sums, self._images = {}, 0
        note = f"{phase.resolution}px {self._rate:,.0f}/s" if self._rate else f"{phase.resolution}px"
        self._progress.advance(phase.batch_size, note, self._left(phase, seen))

    def flush(self) -> None:
        """Writes the interval that waits, when it is computed. Raises Diverged where its figures tell of a training gone wrong; so does
        `count`."""
        self._fetch(idle=True)

    def _fetch(self, idle: bool) -> None:
        seen, images, values, sums = self._waiting or (0, 0, {}, {})
        fetched = jax.device_get(sums)
        now = time.monotonic()
        if images and idle == self._idle:
            self._rate = values["images_per_second"] = images / (now - self._clock)
        if self._waiting:
            values |= _means(fetched)
            self._log.write(seen, values)
        if self._waiting or idle:
            self._clock, self._idle, self._waiting = now, idle, None
        health.check(values)

    def _left(self, phase: Phase, seen: int) -> float | None:
        """Returns seconds to the end of the schedule: images at later levels take longer, as their networks are larger."""
        # After a change of the batch size the last batch goes past the end.
        return max(0.0, phase.end - seen + self._later) / self._rate if self._rate else None


@jax.jit
def _add(a: dict[str, jax.Array], b: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return jax.tree.map(jnp.add, a, b)


def _means(sums: Sums) -> dict[str, float]:
    names = sorted({name for kind in sums for name in kind})
    having = {name: [(total[name], steps) for kind, (total, steps) in sums.items() if name in kind] for name in names}
    return {name: float(sum(total for total, _ in parts)) / sum(steps for _, steps in parts) for name, parts in having.items()}
