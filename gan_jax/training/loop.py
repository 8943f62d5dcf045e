"""The training loop: phases of a schedule, one after the other, with what people want to see of it along the way."""

import contextlib
import dataclasses
import pathlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax import pictures
from gan_jax.errors import Stopped, UserError
from gan_jax.fields import taken
from gan_jax.models import networks
from gan_jax.models.generator import Years
from gan_jax.models.layers import STDDEV_GROUP
from gan_jax.progress import Progress
from gan_jax.training import augmentation, devices, health, hosts, schedule
from gan_jax.training.checkpoints import Checkpoints
from gan_jax.training.health import Diverged
from gan_jax.training.levels import Level, Levels
from gan_jax.training.log import Log, NoLog
from gan_jax.training.meter import Meter
from gan_jax.training.sample_grid import SampleGrid
from gan_jax.training.schedule import Phase
from gan_jax.training.settings import StepSettings
from gan_jax.training.state import init_state, restart_adam
from gan_jax.training.stream import Images
from gan_jax.training.trained import init_from
from gan_jax.training.watch import Watch

INTERRUPTED = 130  # the exit code of what Ctrl-C has ended
MOST_RETURNS = 4  # to the latest checkpoint, of a training that goes wrong; each halves the learning rate


def make_schedule(training: ConfigDict, model: str, resolution: int) -> tuple[Phase, ...]:
    """The phases of `config.training`. Raises UserError where a batch doesn't divide by the devices."""

    def at(name: str, size: int):
        return training[f"{name}_by_resolution"][f"r{size}"] or training[name]

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
    if training.works and training.works_batch % devices.count():
        raise UserError(f"config.training.works_batch={training.works_batch}: doesn't divide by {devices.count()} devices")
    kinds = tuple(kind for kind in augmentation.KINDS if kind in training.augment_kinds)
    return taken(StepSettings, training, seed=seed, augment_kinds=kinds)


def own_latents(training: ConfigDict, works: int) -> int:
    """Of so many works, how many have latents of their own."""
    return works if training.works else 0


def train(
    config: ConfigDict,
    images: Images,
    labels: np.ndarray,
    workdir: pathlib.Path,
    about: Mapping[str, Any],
    watch: Watch | None = None,
    years: Years | None = None,
) -> int:
    """Trains to the end of the schedule, from the latest whole checkpoint in `workdir` if there is one.

    Args:
      config: the whole config of the study.
      images: uint8 [n, resolution, resolution, 3], what to learn; they may lie on a disk.
      labels: float32 [n, label_size], one-hot or the year; label_size is 0 for networks without labels.
      workdir: gets checkpoints/, samples/ and log/.
      about: JSON to keep with each checkpoint: the config and the versions that wrote it, and under "collection" a digest of what
        was learnt; a checkpoint of another digest is refused.
      years: how a network with `config.model.year` counts them.
      watch: looks at `config.training.watch_images` pictures of each checkpoint, once the networks have grown up.
    Returns:
      Images seen.

    Raises Stopped where it was asked to stop, by a signal or `config.training.time_limit_hours`, and has saved; UserError where the
    training went wrong and `config.training.on_divergence` says to stop, or going back did not help.
    """
    began, lr_scale = time.monotonic(), None
    for attempt in range(MOST_RETURNS + 1):
        run = _Run(config, images, labels, workdir, about, watch, years, began, lr_scale)
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

    def __init__(
        self,
        config: ConfigDict,
        images: Images,
        labels: np.ndarray,
        workdir: pathlib.Path,
        about: Mapping[str, Any],
        watch: Watch | None,
        years: Years | None,
        began: float,
        lr_scale: float | None,
    ):
        """`began`: the clock when the time that is allowed began. `lr_scale`: of the learning rates; None: what the checkpoint had."""
        self.config, self.images, self.labels, self.workdir = config, images, labels, workdir
        self.about, self.watch, self.years, self.began = about, watch, years, began
        self.lr_scale, self.seen, self.diversity = lr_scale, 0, 0.0

    def train(self) -> int:
        """Images seen at the end."""
        config, training, resolution = self.config, self.config.training, self.images.shape[1]
        phases = make_schedule(training, config.model.name, resolution)
        dtype = networks.compute_dtype(training.precision)
        generator, discriminator = networks.build(config.model, resolution, dtype, devices.AXIS)
        settings = step_settings(training, config.seed)
        if self.years:
            settings = dataclasses.replace(settings, year_width=settings.year_width / self.years.deviation)
        total = phases[-1].end

        milestones = int(training.keep_every_kimg * 1000)
        with Checkpoints(self.workdir / "checkpoints", keep=training.keep_checkpoints, milestones=milestones) as checkpoints:
            level, works = networks.full_level(resolution), own_latents(training, self.images.shape[0])
            state = init_state(generator, discriminator, level, config.seed, settings.augment, settings.augment_strength, works)
            like = devices.abstract(devices.replicate(state))
            found = checkpoints.open_latest(like) if hosts.is_primary() else None
            if found:
                self.seen, state, before = found
                if before.get("collection") != self.about.get("collection"):
                    raise UserError(
                        f"{self.workdir / 'checkpoints'}: trained on other paintings; give another --workdir, or delete the checkpoints"
                    )
                self.lr_scale = before.get("learning_rate_factor", 1.0) if self.lr_scale is None else self.lr_scale
            elif training.init_from:
                state = init_from(training.init_from, state)
            self.lr_scale = 1.0 if self.lr_scale is None else self.lr_scale
            if hosts.count() > 1:
                state = jax.tree.map(np.asarray, state)
                self.seen, self.lr_scale, state = hosts.of_primary((np.int32(self.seen), np.float32(self.lr_scale), state))
                self.seen, self.lr_scale = int(self.seen), float(self.lr_scale)
            if self.seen >= total:
                return self.seen
            self.state = devices.replicate(state)
            self.grid, self.checkpoints = SampleGrid(generator, config.seed, like, self.years), checkpoints

            begun = self.seen

            def prepare(phase: Phase) -> Level:
                begin = max(phase.start, begun)
                return Level(generator, discriminator, settings, phase, like, self.images, self.labels, begin, training.resident_gib)

            phases = tuple(dataclasses.replace(phase, learning_rate=phase.learning_rate * self.lr_scale) for phase in phases)
            ahead, self.phases = [phase for phase in phases if phase.end > self.seen], phases
            with (
                Log(self.workdir / "log", self.seen) if hosts.is_primary() else NoLog() as self.log,
                Progress("train", total, initial=self.seen, unit=" images", scale=True) as progress,
                stop_requests() as stopping,
                Levels(ahead, prepare, self.grid.compile) as levels,
            ):
                self.meter = Meter(self.log, progress, phases, config.model)
                self.saved = time.monotonic()
                for phase in ahead:
                    self._phase(phase, levels, total, stopping)
        return self.seen

    def _phase(self, phase: Phase, levels: Levels, total: int, stopping: Callable[[], int | None]) -> None:
        training = self.config.training
        if self.seen == phase.start and self.seen:
            self.state = devices.replicate(restart_adam(devices.unreplicate(self.state)))
        self.meter.begin(phase)
        step = levels.take(phase)
        left, rate = 0.0, None
        while self.seen < phase.end:
            alpha = phase.alpha(self.seen)
            if left != (left := schedule.decay(self.seen, total, training.learning_rate_decay)):
                rate = devices.replicate(np.float32(left * phase.learning_rate))
            self.state, metrics = step(self.state, self.seen, alpha, rate)
            before, self.seen = self.seen, self.seen + phase.batch_size

            def due(every_kimg: float, before: int = before) -> bool:
                return schedule.due(every_kimg, before, self.seen)

            learning_rate = left * phase.learning_rate
            self.meter.count(metrics, alpha, learning_rate, self.seen, step.microbatches, log_now=due(training.log_every_kimg))
            if due(training.sample_every_kimg) or self.seen >= total:
                self._show(phase)
            now = time.monotonic()
            over = bool(training.time_limit_hours) and now - self.began >= 3600 * training.time_limit_hours
            signalled = stopping()  # asked once: a signal between saving and stopping would lose what is not saved
            late = bool(training.checkpoint_every_minutes) and now - self.saved >= 60 * training.checkpoint_every_minutes
            if hosts.count() > 1:  # clocks and signals are each one's own, and all must stop at the same step
                asking = due(training.log_every_kimg)  # not in every step: all would wait for each other
                signalled, over, late = hosts.agree(signalled or 0, over, late) if asking else (0, 0, 0)
            if signalled or over or late or self.seen >= total or due(training.checkpoint_every_kimg):
                self.meter.flush()  # what the log leaves out could not be told after a resume, and what has diverged is not saved
                self._save()
                self.saved = time.monotonic()
            if (signalled or over) and self.seen < total:
                why = "stopped" if signalled else "out of time (config.training.time_limit_hours)"
                done = f"{self.seen / 1000:.1f} of {total / 1000:.1f} kimg"
                raise Stopped(f"{why} at {done}; the same command goes on from there", INTERRUPTED if signalled == signal.SIGINT else 0)

    def _save(self) -> None:
        training, phase = self.config.training, schedule.phase_at(self.phases, self.seen)
        alpha = phase.alpha(min(self.seen, phase.end))
        kid = None
        if self.watch and training.watch_images and phase.resolution == self.images.shape[1] and alpha == 1:
            figures = self.watch(self.grid.images(self.state, phase.level, alpha, training.watch_images))
            if training.works:
                middles = self.grid.middles(self.state, self.labels, phase.level, alpha, training.watch_images)
                figures["kid_ways"] = self.watch.distance(middles)
            kid = health.merit(figures)
            self.log.write(self.seen, {f"watch/{name}": value for name, value in figures.items()})
            self.diversity = health.check_diversity(self.diversity, figures.get("diversity", 0.0))
        about = {"images_seen": self.seen, "level": phase.level, "alpha": alpha, "learning_rate_factor": self.lr_scale}
        about |= {"works": own_latents(training, self.images.shape[0])}
        about |= {"years": dataclasses.asdict(self.years) | {"seen": list(self.years.seen)}} if self.years else {}
        if hosts.is_primary():
            self.checkpoints.save(self.seen, self.state, {**self.about, **about}, kid=kid)

    def _show(self, phase: Phase) -> None:
        """Grids of pictures, and once the networks have grown up of the works that are most like them."""
        if not hosts.is_primary():
            return
        folder, resolution = self.workdir / "samples", self.images.shape[1]
        made = self.grid.images(self.state, phase.level, phase.alpha(self.seen))
        pictures.write_png(folder / f"kimg_{self.seen // 1000:06d}.png", pictures.grid(pictures.enlarged(made, resolution)))
        if self.watch and phase.resolution == resolution:
            pairs = np.stack([made, self.watch.nearest(made)], axis=1)
            pictures.write_png(folder / "nearest.png", pictures.grid(pictures.enlarged(np.concatenate(pairs), 64), 8))


@contextlib.contextmanager
def stop_requests() -> Iterator[Callable[[], int | None]]:
    """Yields a function that says which signal came, Ctrl-C's, SIGTERM or that of a terminal that is gone, or None.

    Between two steps is the only place to stop: within one the old state is given away and the new one is not there yet. A second
    signal acts as ever.
    """
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # where Python delivers no signals
        yield lambda: None
        return

    def ask(number: int, _) -> None:
        asked.append(number)
        signal.signal(number, before[number])

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield lambda: asked[0] if asked else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
