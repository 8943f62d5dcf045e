"""The training loop: phases of a schedule, one after the other, with what people want to see of it along the way."""

import dataclasses
import functools
import pathlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gan_jax.errors import UserError
from gan_jax.fields import taken
from gan_jax.models import efficientnet, networks
from gan_jax.models.generator import Years
from gan_jax.progress import Progress
from gan_jax.training import augmentation, devices, hosts, schedule
from gan_jax.training.checkpoints import Checkpoints
from gan_jax.training.health import Diverged
from gan_jax.training.interruptions import Asked, Clock, stop_requests
from gan_jax.training.keeper import Keeper, Task
from gan_jax.training.levels import Level, Levels
from gan_jax.training.log import Log, NoLog
from gan_jax.training.meter import Meter
from gan_jax.training.sample_grid import SampleGrid
from gan_jax.training.schedule import Phase
from gan_jax.training.settings import StepSettings, projected_side
from gan_jax.training.state import TrainState, init_state, restart_adam
from gan_jax.training.stream import Images
from gan_jax.training.trained import init_from
from gan_jax.training.watch import Watch

MOST_RETURNS = 4  # to the latest checkpoint, of a training that goes wrong; each halves the learning rate


def make_schedule(training: ConfigDict, model: ConfigDict, resolution: int) -> tuple[Phase, ...]:
    """Returns the phases of `config.training` for the networks of `config.model`.

    Raises UserError where a batch doesn't divide by the devices.
    """

    def at(name: str, size: int):
        return training[f"{name}_by_resolution"][f"r{size}"] or training[name]

    network = networks.of(model.name)
    if not network.GROWS:
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
        group = _group(model, resolution)
        if each > group and each % group:
            raise UserError(
                f"config.training.batch_size: {batch} images on {devices.count()} devices are {each} each, which don't divide into "
                f"groups of {group} (minibatch standard deviation)"
            )
    return phases


def few_together(phases: Sequence[Phase], model: ConfigDict) -> str:
    """Returns what to say where a device has fewer images than the discriminator compares with each other; "" where it has as many."""
    each, group = min(phase.batch_size for phase in phases) // devices.count(), _group(model, phases[-1].resolution)
    if each >= group:
        return ""
    return (
        f"config.training.batch_size: {each} on each device; the discriminator looks at how {group} images differ, or at as many as a "
        "device has, so with other numbers of devices this training would go another way"
    )


def _group(model: ConfigDict, resolution: int) -> int:
    """Returns how many images of a batch the discriminator has to see together."""
    group: int = networks.build(model, resolution, jnp.float32)[1].group
    return group


def step_settings(training: ConfigDict) -> StepSettings:
    if training.paintings and training.paintings_batch % devices.count():
        raise UserError(f"config.training.paintings_batch={training.paintings_batch}: doesn't divide by {devices.count()} devices")
    if training.projected_discriminator:
        efficientnet.weights()  # which may not be there: better known before anything is compiled
    kinds = tuple(kind for kind in augmentation.KINDS if kind in training.augment_kinds)
    return taken(StepSettings, training, augment_kinds=kinds)


def train(
    config: ConfigDict,
    images: Images,
    labels: np.ndarray,
    workdir: pathlib.Path,
    about: Mapping[str, Any],
    watch: Callable[[], Watch] | None = None,
    years: Years | None = None,
) -> int:
    """Trains to the end of the schedule, from the latest whole checkpoint in `workdir` if there is one.

    Args:
      config: the whole config of the study.
      images: uint8 [n, resolution, resolution, 3], what to learn; they may lie on a disk.
      labels: float32 [n, label_size], one-hot or the year; label_size is 0 for networks without labels.
      workdir: gets checkpoints/, samples/ and log/.
      about: JSON to keep with each checkpoint: the config and the versions that wrote it, and under "collection" a checksum of what
        was learnt; a checkpoint of another checksum is refused.
      years: how a network with `config.model.year` counts them.
      watch: returns what looks at `config.training.watch_images` images of each checkpoint, once the networks have grown up.
    Returns:
      Images seen.

    Raises Stopped where it was asked to stop, by a signal or `config.training.time_limit_hours`, and has saved; UserError where the
    training went wrong and `config.training.on_divergence` says to stop, or going back did not help.
    """
    task = Task(config, images, labels, workdir, about, watch, years)
    began, lr_scale = time.monotonic(), None
    for attempt in range(MOST_RETURNS + 1):
        run = _Run(task, began, lr_scale)
        try:
            return run.train()
        except Diverged as diverged:
            said = f"training went wrong at {run.seen / 1000:.1f} kimg: {diverged}"
            if config.training.on_divergence == "stop" or attempt == MOST_RETURNS:
                advice = "a lower config.training.learning_rate may help, or config.training.on_divergence=rollback"
                raise UserError(f"{said}; the checkpoints are from before. {advice}") from None
            lr_scale = run.lr_scale / 2
            print(f"gan_jax: {said}; back to the latest checkpoint, with {lr_scale:g} of the learning rate", file=sys.stderr)
    raise AssertionError("not reached")


class _Run:
    """A training from its latest checkpoint on, until it ends, is stopped or goes wrong."""

    def __init__(self, task: Task, began: float, lr_scale: float | None):
        """`began`: the clock when the time that is given began. `lr_scale`: of the learning rates; None: what the checkpoint had."""
        self._task, self._began, self._wanted = task, began, lr_scale
        self.lr_scale, self.seen = 1.0 if lr_scale is None else lr_scale, 0

    def train(self) -> int:
        """Trains; returns the images seen at the end."""
        task, config, training = self._task, self._task.config, self._task.config.training
        phases = make_schedule(training, config.model, task.resolution)
        if hosts.is_primary() and self._wanted is None and (said := few_together(phases, config.model)):
            print(f"gan_jax: {said}", file=sys.stderr)
        dtype = networks.compute_dtype(training.precision)
        generator, discriminator = networks.build(config.model, task.resolution, dtype, devices.AXIS)
        settings = step_settings(training)
        if task.years:
            settings = dataclasses.replace(settings, year_width=settings.year_width / task.years.deviation)
        level = networks.full_level(task.resolution)

        begin = functools.partial(
            init_state,
            generator,
            discriminator,
            level,
            config.seed,
            settings.augment,
            settings.augment_strength,
            task.own_latents,
            projected_side(settings),
        )
        like = devices.replicated(jax.eval_shape(begin))
        milestones = int(training.keep_every_kimg * 1000)
        with Checkpoints(task.workdir / "checkpoints", keep=training.keep_checkpoints, milestones=milestones) as checkpoints:
            state = self._resumed(checkpoints, like, begin)
            begun, total = self.seen, phases[-1].end
            if begun >= total:
                return begun

            def prepare(phase: Phase) -> Level:
                first = max(phase.start, begun)
                data = task.images, task.labels, config.seed
                return Level(generator, discriminator, settings, phase, like, *data, first, training.resident_gib)

            phases = tuple(dataclasses.replace(phase, learning_rate=phase.learning_rate * self.lr_scale) for phase in phases)
            ahead = [phase for phase in phases if phase.end > begun]
            grid = SampleGrid(generator, config.seed, like, task.years)
            with (
                Log(task.workdir / "log", begun) if hosts.is_primary() else NoLog() as log,
                Progress("train", schedule.images_at_end(phases, begun), initial=begun, unit=" images", scale=True) as progress,
                stop_requests() as stopping,
                Levels(ahead, prepare, grid.compile) as levels,
            ):
                meter, clock = Meter(log, progress, phases, config), Clock(training, self._began, stopping)
                # A new state has a program of its own, which is compiled beside the step.
                self._state = devices.replicate(begin() if state is None else state)
                del state
                with Keeper(task, phases, grid, checkpoints, log) as keeper:
                    for phase in ahead:
                        # After a change of the batch size a phase may begin in the middle of a batch.
                        if phase.start >= begun and self.seen:
                            self._state = devices.replicate(restart_adam(devices.unreplicate(self._state)))
                        meter.begin(phase)
                        self._phase(phase, levels.take(phase), total, meter, clock, keeper)
                checkpoints.wait()  # here, where a signal does not end it
                if signal := stopping():
                    Asked(signal, over=False, late=False).stop(self.seen, total)
        return self.seen

    def _resumed(self, checkpoints: Checkpoints, like: TrainState, begin: Callable[[], TrainState]) -> TrainState | None:
        """Returns the state of the latest checkpoint, and takes note of how far it is; else that of networks trained elsewhere, where the
        config names some; else None. With several processes it is never None: what `begin` makes is what the others receive."""
        task = self._task
        found = checkpoints.open_latest(like) if hosts.is_primary() else None
        state: TrainState | None = None
        if found:
            self.seen, state, before = found
            if before.get("collection") != task.about.get("collection"):
                raise UserError(
                    f"{task.workdir / 'checkpoints'}: trained on other paintings; give another --workdir, or delete the checkpoints"
                )
            self.lr_scale = before.get("learning_rate_factor", 1.0) if self._wanted is None else self._wanted
        elif task.config.training.init_from:
            state = init_from(task.config.training.init_from, begin())
        if hosts.count() > 1:
            state = jax.tree.map(np.asarray, begin() if state is None else state)
            seen, lr_scale, state = hosts.of_primary((np.int32(self.seen), np.float32(self.lr_scale), state))
            self.seen, self.lr_scale = int(seen), float(lr_scale)
        return state

    def _phase(self, phase: Phase, step: Level, total: int, meter: Meter, clock: Clock, keeper: Keeper) -> None:
        """Trains to the end of a phase. Raises Stopped where that is asked for, and Diverged where the training goes wrong."""
        training, left, rate = self._task.config.training, 0.0, None
        while self.seen < phase.end:
            alpha = phase.alpha(self.seen)
            if left != (left := schedule.decay(self.seen, total, training.learning_rate_decay)):
                rate = devices.replicate(np.float32(left * phase.learning_rate))
            self._state, metrics = step(self._state, self.seen, alpha, rate)
            before, self.seen = self.seen, self.seen + phase.batch_size

            def due(every_kimg: float, before: int = before) -> bool:
                return schedule.due(every_kimg, before, self.seen)

            log_now, ended = due(training.log_every_kimg), self.seen >= total
            meter.count(metrics, alpha, left * phase.learning_rate, self.seen, step.microbatches, log_now=log_now)
            asked = clock.asked(together=log_now)  # not in every step: all processes would wait for each other
            show, save = due(training.sample_every_kimg) or ended, asked.to_save or ended or due(training.checkpoint_every_kimg)
            if save:
                meter.flush()  # what the log leaves out could not be told after a resume, and what has diverged is not saved
            if show or save:
                keeper.keep(self._state, self.seen, phase, self.lr_scale, show=show, save=save)
            if save:
                clock.saved()
            if asked.to_save and not ended:
                keeper.wait()
                asked.stop(self.seen, total)
