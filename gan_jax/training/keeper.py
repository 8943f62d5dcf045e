"""What is kept of a training along the way: checkpoints, with what their images are like, and grids of images to see it by."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gan_jax import pictures
from gan_jax.models.generator import Years
from gan_jax.training import devices, health, hosts, schedule
from gan_jax.training.checkpoints import Checkpoints
from gan_jax.training.log import Log, NoLog
from gan_jax.training.sample_grid import SampleGrid
from gan_jax.training.schedule import Phase
from gan_jax.training.settings import own_latents, projected_side
from gan_jax.training.state import TrainState
from gan_jax.training.stream import Images
from gan_jax.training.watch import Watch


@dataclasses.dataclass(frozen=True)
class Task:
    """What is to be learnt, and how: the arguments of `loop.train`."""

    config: ConfigDict
    images: Images
    labels: np.ndarray
    workdir: pathlib.Path
    about: Mapping[str, Any]
    watch: Callable[[], Watch] | None  # waits for it where it is not ready
    years: Years | None

    @property
    def resolution(self) -> int:
        """Returns the full resolution, pixels a side."""
        return self.images.shape[1]

    @property
    def own_latents(self) -> int:
        """Returns how many paintings have latents of their own."""
        return own_latents(self.config.training, self.images.shape[0])


def beside_training() -> bool:
    """Returns whether a training is shown and saved while it goes on, where memory suffices.

    On a CPU both would have the same cores. Of several processes all wait for each other in what they compute together.
    """
    return jax.default_backend() != "cpu" and hosts.count() == 1


class Keeper:
    """Saves and shows a training as it stands; from a copy, while the training goes on, where that is `beside_training`.

    What goes wrong then is raised by the next call, or where the block ends.
    """

    def __init__(self, task: Task, phases: tuple[Phase, ...], grid: SampleGrid, checkpoints: Checkpoints, log: Log | NoLog):
        self._task, self._phases, self._grid, self._checkpoints, self._log = task, phases, grid, checkpoints, log
        self._diversity = 0.0  # the greatest so far
        self._thread = ThreadPoolExecutor(1, "keep") if beside_training() else None
        self._work: Future[None] | None = None

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(self, kind: type | None, *_) -> None:
        if self._thread:
            self._thread.shutdown()
        if kind is None:  # else the first error says what happened
            self.wait()

    def keep(self, state: TrainState, seen: int, phase: Phase, lr_scale: float, *, show: bool, save: bool) -> None:
        """Writes samples of a training after so many images, saves its checkpoint, or both."""
        self.wait()  # one copy at a time
        if self._thread and self._fits(state, phase.level):
            self._work = self._thread.submit(self._keep, _copied(state), seen, phase, lr_scale, show, save)
        else:
            self._keep(state, seen, phase, lr_scale, show, save)

    def wait(self) -> None:
        """Waits for what is being shown and saved."""
        work, self._work = self._work, None
        if work:
            work.result()

    def _fits(self, state: TrainState, level: int) -> bool:
        """Returns whether a copy, and twice what its images need, can lie beside all that the training has needed so far."""
        unused, copy = devices.unused_memory(), sum(x.nbytes for x in jax.tree.leaves(state))
        return unused is None or copy + 2 * self._grid.memory(level) <= unused

    def _keep(self, state: TrainState, seen: int, phase: Phase, lr_scale: float, show: bool, save: bool) -> None:
        if show:
            self._show(state, seen, phase)
        if save:
            self._save(state, seen, lr_scale)

    def _save(self, state: TrainState, seen: int, lr_scale: float) -> None:
        """Saves a checkpoint. Raises Diverged, and saves none, where the images have become all alike."""
        task, phase = self._task, schedule.phase_at(self._phases, seen)
        alpha = phase.alpha(min(seen, phase.end))
        grown = phase.resolution == task.resolution and alpha == 1
        watch = task.watch if task.config.training.watch_images and grown else None
        kid = self._watched(watch(), state, seen, phase, alpha) if watch else None
        about: dict[str, Any] = {"images_seen": seen, "level": phase.level, "alpha": alpha, "learning_rate_factor": lr_scale}
        about |= {"works": task.own_latents}  # paintings that have some; so have checkpoints called it from the beginning
        about |= {"projected": projected_side(task.config.training)}
        about |= {"years": dataclasses.asdict(task.years) | {"seen": list(task.years.seen)}} if task.years else {}
        if hosts.is_primary():
            self._checkpoints.save(seen, state, {**task.about, **about}, kid=kid)

    def _watched(self, watch: Watch, state: TrainState, seen: int, phase: Phase, alpha: float) -> float:
        """Logs figures of samples; returns what the best checkpoint has the least of."""
        task, training = self._task, self._task.config.training
        figures = watch(self._grid.images(state, phase.level, alpha, training.watch_images))
        if training.paintings:
            middles = self._grid.middles(state, task.labels, phase.level, alpha, training.watch_images)
            figures["kid_ways"] = watch.distance(middles)
        merit = health.merit(figures)
        self._log.write(seen, {f"watch/{name}": value for name, value in figures.items()})
        self._diversity = health.check_diversity(self._diversity, figures.get("diversity", 0.0))
        return merit

    def _show(self, state: TrainState, seen: int, phase: Phase) -> None:
        """Writes a grid of samples, and once the networks have grown up one of the paintings that are most like them."""
        if not hosts.is_primary():
            return
        folder, resolution = self._task.workdir / "samples", self._task.resolution
        made = self._grid.images(state, phase.level, phase.alpha(seen))
        pictures.write_png(folder / f"kimg_{seen // 1000:06d}.png", pictures.grid(pictures.enlarged(made, resolution)))
        if self._task.watch and phase.resolution == resolution:
            pairs = np.stack([made, self._task.watch().nearest(made)], axis=1)
            pictures.write_png(folder / "nearest.png", pictures.grid(pictures.enlarged(np.concatenate(pairs), 64), 8))


@jax.jit
def _copied(state: TrainState) -> TrainState:
    """Returns the same in memory of its own: the next step is given the state's."""
    return jax.tree.map(jnp.copy, state)
