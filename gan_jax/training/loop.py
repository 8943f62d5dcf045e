"""The training loop: phases of a schedule, one after the other, with what people want to see of it along the way."""

import contextlib
import pathlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gan_jax import keys, pictures
from gan_jax.errors import UserError
from gan_jax.models import networks
from gan_jax.models.layers import STDDEV_GROUP
from gan_jax.progress import Progress
from gan_jax.training import batches, devices, schedule
from gan_jax.training.checkpoints import Checkpoints
from gan_jax.training.log import Log
from gan_jax.training.schedule import Phase
from gan_jax.training.step import StepSettings, TrainState, init_state, make_step, restart_adam

GRID = 36  # latents whose images are shown as training goes on


def compute_dtype(precision: str) -> jnp.dtype:
    """The type of the convolutions. "auto" is bfloat16 where the device has it in hardware."""
    if precision == "auto":
        return jnp.dtype(jnp.float32 if jax.default_backend() == "cpu" else jnp.bfloat16)
    if precision not in ("float32", "bfloat16"):
        raise UserError(f"config.training.precision={precision!r}: there is 'auto', 'float32' and 'bfloat16'")
    return jnp.dtype(precision)


def make_schedule(training: ConfigDict, model: str, resolution: int) -> tuple[Phase, ...]:
    """The phases of `config.training`. Raises UserError where a batch doesn't divide by the devices."""

    def at(name: str, size: int):
        value = training[f"{name}_by_resolution"][f"r{size}"] or training[name]
        if not value > 0:
            raise UserError(f"config.training.{name}={value}: more than 0 is needed")
        return value

    if model == "dcgan":
        phases = schedule.constant(
            resolution=resolution,
            total_kimg=training.total_kimg,
            batch_size=at("batch_size", resolution),
            learning_rate=at("learning_rate", resolution),
        )
    else:
        if training.first_resolution not in [2**l for l in range(2, networks.full_level(resolution) + 1)]:
            raise UserError(
                f"config.training.first_resolution={training.first_resolution}: a power of two from 4 to {resolution} is needed"
            )
        phases = schedule.growing(
            resolution=resolution,
            first_resolution=training.first_resolution,
            total_kimg=training.total_kimg,
            stable_kimg=training.stable_kimg,
            fade_kimg=training.fade_kimg,
            batch_size=lambda size: at("batch_size", size),
            learning_rate=lambda size: at("learning_rate", size),
        )
    if not phases:
        raise UserError(f"config.training.total_kimg={training.total_kimg}: nothing to train")
    if phases[-1].resolution < resolution:
        raise UserError(
            f"config.training.total_kimg={training.total_kimg}: ends at {phases[-1].resolution} of {resolution} px; "
            "more of it, or less of stable_kimg and fade_kimg, is needed"
        )
    for batch in {phase.batch_size for phase in phases}:
        if batch % devices.count():
            raise UserError(f"config.training.batch_size: {batch} images don't divide by {devices.count()} devices")
        each = batch // devices.count()
        if model == "pggan" and each > STDDEV_GROUP and each % STDDEV_GROUP:
            raise UserError(
                f"config.training.batch_size: {batch} images on {devices.count()} devices are {each} each, which don't divide into "
                f"groups of {STDDEV_GROUP} (minibatch standard deviation)"
            )
    return phases


def step_settings(training: ConfigDict, seed: int) -> StepSettings:
    if training.loss not in ("wgan-gp", "non-saturating"):
        raise UserError(f"config.training.loss={training.loss!r}: there is 'wgan-gp' and 'non-saturating'")
    names = StepSettings.__dataclass_fields__.keys() - {"seed"}
    return StepSettings(seed=seed, **{name: training[name] for name in names})


def train(config: ConfigDict, images: np.ndarray, workdir: pathlib.Path, about: Mapping[str, Any]) -> int:
    """Trains to the end of the schedule, from the latest checkpoint in `workdir` if there is one.

    Args:
      config: the whole config of the study.
      images: uint8 [n, resolution, resolution, 3], what to learn.
      workdir: gets checkpoints/, samples/ and log/.
      about: JSON to keep with each checkpoint: the config and the versions that wrote it, and under "collection" a digest of what
        was learnt; a checkpoint of another digest is refused.
    Returns:
      Images seen.
    """
    training, resolution = config.training, images.shape[1]
    phases = make_schedule(training, config.model.name, resolution)
    dtype = compute_dtype(training.precision)
    generator, discriminator = networks.build(config.model, resolution, dtype, devices.AXIS)
    settings = step_settings(training, config.seed)
    state = devices.replicate(init_state(generator, discriminator, networks.full_level(resolution), config.seed))
    total = phases[-1].end

    with Checkpoints(workdir / "checkpoints", keep=training.keep_checkpoints) as checkpoints:
        seen = checkpoints.latest() or 0
        if seen:
            if checkpoints.about(seen).get("collection") != about.get("collection"):
                raise UserError(f"{workdir / 'checkpoints'}: trained on other paintings; give another --workdir, or delete the checkpoints")
            state = checkpoints.restore(seen, state)
        if seen >= total:
            return seen
        show = sample_grid(generator, config.seed)
        steps = {}  # of (level, batch size): a level's fading and stable phases share one program

        def save() -> None:
            phase = schedule.phase_at(phases, seen)
            alpha = phase.alpha(min(seen, phase.end))
            checkpoints.save(seen, state, {**about, "images_seen": seen, "level": phase.level, "alpha": alpha})

        with Log(workdir / "log", seen) as log, Progress("train", total, initial=seen, unit=" images", scale=True) as progress:
            meter = Meter(log, progress, phases, config.model)
            with stop_requests() as stopping:
                for phase in phases:
                    if seen >= phase.end:
                        continue
                    if seen == phase.start:
                        state = devices.replicate(restart_adam(state))
                    kind = phase.level, phase.batch_size
                    step = steps[kind] = steps.get(kind) or level_step(generator, discriminator, settings, phase)
                    data = devices.replicate(batches.at_resolution(images, phase.resolution))
                    rate = devices.replicate(np.float32(phase.learning_rate))
                    meter.flush()
                    while seen < phase.end:
                        alpha = phase.alpha(seen)
                        state, metrics = step(state, data, np.float32(alpha), rate)
                        before, seen = seen, seen + phase.batch_size
                        meter.count(metrics, phase, alpha, seen, log_now=schedule.due(training.log_every_kimg, before, seen))
                        if schedule.due(training.sample_every_kimg, before, seen) or seen >= total:
                            path = workdir / "samples" / f"kimg_{seen // 1000:06d}.png"
                            pictures.write_png(path, show(state, phase.level, phase.alpha(seen)))
                        stop = stopping()  # asked once: a signal between saving and stopping would lose what is not saved
                        if stop or seen >= total or schedule.due(training.checkpoint_every_kimg, before, seen):
                            meter.flush()  # what the log leaves out could not be told after a resume
                            save()
                        if stop and seen < total:
                            done = f"{seen / 1000:.1f} of {total / 1000:.1f} kimg"
                            raise UserError(f"stopped at {done}; the same command goes on from there")
    return seen


@contextlib.contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Yields a function that says whether Ctrl-C or SIGTERM came.

    Between two steps is the only place to stop: within one the old state is given away and the new one is not there yet. A second
    signal acts as ever.
    """
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # where Python delivers no signals
        yield lambda: False
        return

    def ask(number: int, _) -> None:
        asked.append(number)
        signal.signal(number, before[number])

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def level_step(generator: nn.Module, discriminator: nn.Module, settings: StepSettings, phase: Phase):
    """The compiled step of a phase's level, on all devices."""
    step = make_step(generator, discriminator, settings, level=phase.level, batch_size=phase.batch_size, devices=devices.count())
    return devices.data_parallel(step)


def sample_grid(generator: nn.Module, seed: int):
    """A function (state, level, alpha) -> uint8 [h, w, 3]: what the averaged generator makes of the same latents each time."""
    latents = jax.random.normal(keys.key(seed), (GRID, generator.latent_size))

    @jax.jit(static_argnames="level")
    def images(params, stats, level: int, alpha):
        variables = {"params": params, **({"batch_stats": stats} if stats else {})}
        return generator.apply(variables, latents, level=level, alpha=alpha)

    def show(state: TrainState, level: int, alpha: float) -> np.ndarray:
        params, stats = jax.tree.map(lambda x: x.addressable_data(0), (state.ema_params, state.ema_stats))
        made = pictures.to_uint8(images(params, stats, level, np.float32(alpha)))
        return pictures.grid(pictures.enlarged(made, generator.resolution))

    return show


class Meter:
    """Means of metrics over an interval, its speed, and the time that the rest of the schedule will take.

    An interval's metrics are fetched when the next one ends: by then they are computed, so the devices never wait for the log, and
    the time between two fetches is the devices' time for an interval.
    """

    def __init__(self, log: Log, progress: Progress, phases: tuple[Phase, ...], model: ConfigDict):
        self._log, self._progress, self._phases, self._model = log, progress, phases, model
        self._metrics: list[dict[str, jax.Array]] = []
        self._images = 0  # in the interval that goes on
        self._waiting: tuple[int, int, dict[str, float], list] | None = None  # images seen and in it, values, metrics
        self._clock = time.monotonic()
        self._rate = 0.0  # images per second
        self._level = -1

    def count(self, metrics: dict[str, jax.Array], phase: Phase, alpha: float, seen: int, *, log_now: bool) -> None:
        """Counts a step. With `log_now` the interval ends with it."""
        if self._level != phase.level:  # the first step of a level is compiled, which says nothing of its speed
            self.flush()
            jax.block_until_ready(metrics)
            self._level, self._clock, self._images, self._metrics, self._rate = phase.level, time.monotonic(), 0, [], 0.0
        else:
            self._images += phase.batch_size
        self._metrics.append(metrics)
        if log_now:
            self.flush()
            values = {"level": phase.level, "resolution": phase.resolution, "alpha": alpha, "learning_rate": phase.learning_rate}
            self._waiting = seen, self._images, values, self._metrics
            self._metrics, self._images = [], 0
        note = f"{phase.resolution}px {self._rate:,.0f}/s" if self._rate else f"{phase.resolution}px"
        self._progress.advance(phase.batch_size, note, self._left(phase, seen))

    def flush(self) -> None:
        """Writes the interval that waits."""
        if self._waiting:
            seen, images, values, metrics = self._waiting
            fetched = jax.device_get(metrics)
            now = time.monotonic()
            if images:
                self._rate = values["images_per_second"] = images / (now - self._clock)
            self._clock, self._waiting = now, None
            self._log.write(seen, values | {name: float(np.mean([m[name] for m in fetched])) for name in fetched[0]})

    def _left(self, phase: Phase, seen: int) -> float | None:
        """Seconds to the end of the schedule: images at later levels take longer, as their networks are larger."""
        if not self._rate:
            return None
        here = networks.work(self._model, phase.level)
        work = [(p.end - max(p.start, seen)) * networks.work(self._model, p.level) / here for p in self._phases if p.end > seen]
        return sum(work) / self._rate
