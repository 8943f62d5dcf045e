"""The training loop: phases of a schedule, one after the other, with what people want to see of it along the way."""

import contextlib
import pathlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gan_jax import pictures
from gan_jax.errors import UserError
from gan_jax.models import networks
from gan_jax.models.layers import STDDEV_GROUP
from gan_jax.progress import Progress
from gan_jax.training import augmentation, devices, losses, schedule
from gan_jax.training.checkpoints import Checkpoints
from gan_jax.training.levels import Level, Levels
from gan_jax.training.log import Log
from gan_jax.training.meter import Meter
from gan_jax.training.sample_grid import SampleGrid
from gan_jax.training.schedule import Phase
from gan_jax.training.step import StepSettings, init_state, restart_adam
from gan_jax.training.trained import init_from


class Watch(Protocol):
    """What looks at pictures, uint8 [n, r, r, 3], while the networks train."""

    def __call__(self, images: np.ndarray) -> dict[str, float]:
        """Figures by name; that of the best checkpoint has the least "kid_training"."""

    def nearest(self, images: np.ndarray) -> np.ndarray:
        """The work that is most like each."""


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
    if training.loss not in losses.PLAYERS:
        raise UserError(f"config.training.loss={training.loss!r}: there is {', '.join(losses.PLAYERS)}")
    if training.augment not in augmentation.MODES:
        raise UserError(f"config.training.augment={training.augment!r}: there is {', '.join(augmentation.MODES)}")
    if unknown := set(training.augment_kinds) - set(augmentation.KINDS):
        raise UserError(f"config.training.augment_kinds: {', '.join(sorted(unknown))}: there is {', '.join(augmentation.KINDS)}")
    names = StepSettings.__dataclass_fields__.keys() - {"seed", "augment_kinds"}
    kinds = tuple(kind for kind in augmentation.KINDS if kind in training.augment_kinds)
    return StepSettings(seed=seed, augment_kinds=kinds, **{name: training[name] for name in names})


def train(
    config: ConfigDict,
    images: np.ndarray,
    labels: np.ndarray,
    workdir: pathlib.Path,
    about: Mapping[str, Any],
    watch: Watch | None = None,
) -> int:
    """Trains to the end of the schedule, from the latest checkpoint in `workdir` if there is one.

    Args:
      config: the whole config of the study.
      images: uint8 [n, resolution, resolution, 3], what to learn.
      labels: float32 [n, label_size], one-hot; label_size is 0 for networks without labels.
      workdir: gets checkpoints/, samples/ and log/.
      about: JSON to keep with each checkpoint: the config and the versions that wrote it, and under "collection" a digest of what
        was learnt; a checkpoint of another digest is refused.
      watch: looks at `config.training.watch_images` pictures of each checkpoint, once the networks have grown up.
    Returns:
      Images seen.
    """
    training, resolution = config.training, images.shape[1]
    phases = make_schedule(training, config.model.name, resolution)
    dtype = compute_dtype(training.precision)
    generator, discriminator = networks.build(config.model, resolution, dtype, devices.AXIS)
    settings = step_settings(training, config.seed)
    total = phases[-1].end

    with Checkpoints(workdir / "checkpoints", keep=training.keep_checkpoints) as checkpoints:
        seen = checkpoints.latest() or 0
        if seen and checkpoints.about(seen).get("collection") != about.get("collection"):
            raise UserError(f"{workdir / 'checkpoints'}: trained on other paintings; give another --workdir, or delete the checkpoints")
        if seen >= total:
            return seen
        state = init_state(
            generator, discriminator, networks.full_level(resolution), config.seed, settings.augment, settings.augment_strength
        )
        if seen:
            state = checkpoints.restore(seen, devices.replicate(state))
        elif training.init_from:
            state = init_from(training.init_from, state)
        state = devices.replicate(state)
        like = devices.abstract(state)
        grid = SampleGrid(generator, config.seed, like)

        def prepare(phase: Phase) -> Level:
            return Level(generator, discriminator, settings, phase, like, images, labels)

        def save() -> None:
            phase = schedule.phase_at(phases, seen)
            alpha = phase.alpha(min(seen, phase.end))
            figures = {}
            if watch and training.watch_images and phase.resolution == resolution and alpha == 1:
                figures = watch(grid.images(state, phase.level, alpha, training.watch_images))
                log.write(seen, {f"watch/{name}": value for name, value in figures.items()})
            checkpoints.save(
                seen, state, {**about, "images_seen": seen, "level": phase.level, "alpha": alpha}, kid=figures.get("kid_training")
            )

        def show(phase: Phase) -> None:
            made = grid.images(state, phase.level, phase.alpha(seen))
            pictures.write_png(workdir / "samples" / f"kimg_{seen // 1000:06d}.png", pictures.grid(pictures.enlarged(made, resolution)))
            if watch and phase.resolution == resolution:
                pairs = np.stack([made, watch.nearest(made)], axis=1)
                pictures.write_png(workdir / "samples" / "nearest.png", pictures.grid(pictures.enlarged(np.concatenate(pairs), 64), 8))

        ahead = [phase for phase in phases if phase.end > seen]
        with (
            Log(workdir / "log", seen) as log,
            Progress("train", total, initial=seen, unit=" images", scale=True) as progress,
            stop_requests() as stopping,
            Levels(ahead, prepare, grid.compile) as levels,
        ):
            meter = Meter(log, progress, phases, config.model)
            for phase in ahead:
                if seen == phase.start and seen:
                    state = devices.replicate(restart_adam(state))
                meter.begin(phase)
                step = levels.take(phase)
                rate = devices.replicate(np.float32(phase.learning_rate))
                while seen < phase.end:
                    alpha = phase.alpha(seen)
                    state, metrics = step(state, seen, alpha, rate)
                    before, seen = seen, seen + phase.batch_size
                    meter.count(metrics, alpha, seen, step.parts, log_now=schedule.due(training.log_every_kimg, before, seen))
                    if schedule.due(training.sample_every_kimg, before, seen) or seen >= total:
                        show(phase)
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
