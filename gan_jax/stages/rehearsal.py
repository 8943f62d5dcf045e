"""How long each stage would take on this device: small pieces of it are timed, and counts of `work.py` say how many there are.

What is timed is the stages' own code, with the config's networks as they begin and a few works of the built-in painter. The first call of
a piece compiles; what it takes more than the second is counted once. A function a stage returns its parts, or raises Unknown.
"""

import dataclasses
import functools
import os
import pathlib
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax import benchmark, default_config, pictures
from gan_jax.benchmark import quiet
from gan_jax.collection import collection as collections
from gan_jax.collection.painter import paint_collection
from gan_jax.collection.paintings import Collection
from gan_jax.errors import UserError
from gan_jax.evaluation import evaluate as judging
from gan_jax.evaluation.evaluation import Evaluation
from gan_jax.evaluation.inputs import DIRECT, STUDY, Competitors, Works
from gan_jax.evaluation.verdicts import cross_fade
from gan_jax.generators import open_generator
from gan_jax.latents import inversion, sampling, tutorial
from gan_jax.latents.samples import Samples
from gan_jax.latents.tuning import tuned
from gan_jax.metrics.features import texture
from gan_jax.metrics.image_set import MINIMUM
from gan_jax.models import networks
from gan_jax.models.generator import Generator
from gan_jax.morphing import films
from gan_jax.morphing.morph import Morph, morph, times
from gan_jax.morphing.morphs import Morphs
from gan_jax.report.page import write_report
from gan_jax.stages import evaluate as evaluation
from gan_jax.stages import morph as morphing
from gan_jax.stages import sample as samples
from gan_jax.stages import work
from gan_jax.stages.common import PERIODS, search_settings, tuning_settings
from gan_jax.stages.work import Paintings
from gan_jax.training import devices, loop, losses
from gan_jax.training.watch import Watch

SECONDS = 0.5  # a training step is timed for
PAINTED = 4  # works of the painter that are timed
SHOWN = 60  # paintings, as many samples, and
PAIRED = 16  # pairs that stand for those of the study
SIDE = 64  # pixels at which they are painted, at most
IMAGES = 64  # painted in a batch, and looked at
SEARCHED = 64  # paintings at once, at most
SEARCH_STEPS, TUNING_STEPS = 20, 10
FRAMES = 4  # of a film


class Unknown(Exception):
    """Says why nothing can be said yet about how long a stage takes."""


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a stage: so many pieces of work, and what is done once besides, such as compiling."""

    what: str
    count: float
    each: float  # seconds
    once: float = 0.0  # seconds
    note: str = ""

    @property
    def seconds(self) -> float:
        return self.count * self.each + self.once


class Rehearsal:
    """What the pieces are made of, made when the first of them needs it."""

    def __init__(self, config: ConfigDict, paintings: Paintings | None, seen: int = 0, unasked: frozenset[str] = frozenset()):
        """Takes the counts.

        Args:
          paintings: None where nobody knows yet how many there are.
          seen: images that the training has behind it.
          unasked: names of fields that this command does not name, and whose networks are therefore not opened.
        """
        self.config, self.seen, self._paintings, self._unasked = config, seen, paintings, unasked
        self._compiled: set[int] = set()
        self.resolution = config.collection.resolution
        self.dtype = networks.compute_dtype(config.training.precision)

    @property
    def paintings(self) -> Paintings:
        if self._paintings is None:
            raise Unknown("how many paintings and pairs there are is known after `prepare`")
        return self._paintings

    def opened(self, field: str, source: str) -> Generator:
        """Opens the generator that a field of the config names."""
        if field in self._unasked:
            raise Unknown(f"config.{field} is named by the workdir alone, and is opened where the command names it too")
        try:
            return open_generator(source, self.config.training.precision)
        except UserError as error:
            raise Unknown(str(error)) from None

    @functools.cached_property
    def generator(self) -> Generator:
        if self.config.generator:
            return self.opened("generator", self.config.generator)
        return benchmark.untrained(self.config, networks.full_level(self.resolution), self.dtype)

    @functools.cached_property
    def collection(self) -> Collection:
        """Paintings by the built-in painter, at the resolution of the study."""
        section = default_config.get_config().collection
        section.update(resolution=min(SIDE, self.resolution), min_works=8)
        section.painter.works = SHOWN
        with quiet():
            made = collections.prepare(section)
        return dataclasses.replace(made, images=pictures.enlarged(made.images, self.resolution))

    @functools.cached_property
    def morphs(self) -> Morphs:
        """Cross-fades between the first of both periods."""
        collection, t = self.collection, times(self.config.morphing.frames, self.config.morphing.easing)
        early, late = (collection.period(period)[:PAIRED] for period in PERIODS)
        frames = cross_fade(collection.images[early], collection.images[late], t)
        years = collection.years[early][:, None] + t * (collection.years[late] - collection.years[early])[:, None]
        direct = np.roll(frames, 1, axis=0) if self.config.model.year else None
        return Morphs(list(zip(early.tolist(), late.tolist())), [1.0] * len(early), [], t, years, frames[:, :, :, ::-1], direct)

    def images(self, count: int) -> np.ndarray:
        """Returns uint8 [count, r, r, 3], paintings over and over."""
        return self.collection.images[np.arange(count) % SHOWN]

    def latents(self, count: int, generator: Generator | None = None) -> np.ndarray:
        return sampling.of_seeds(generator or self.generator, np.arange(count))

    def painting(self, count: int, generator: Generator | None = None) -> Part:
        """Times a batch of images from latents."""
        generator = generator or self.generator
        again, once = twice(lambda: generator.images(self.latents(IMAGES, generator)))
        return Part("images painted", count, again / IMAGES, once)


def prepare(here: Rehearsal) -> list[Part]:
    settings = here.config.collection
    if settings.source != "painter":
        raise Unknown("how many images there are, and how large they are, is known after it")
    years = dict(first_year=settings.painter.first_year, last_year=settings.painter.last_year)
    with quiet():
        seconds, _ = twice(lambda: paint_collection(PAINTED, seed=settings.painter.seed, resolution=here.resolution, **years))
    return [Part("paintings by the painter", settings.painter.works, seconds / PAINTED)]


def train(here: Rehearsal) -> list[Part]:
    config, training = here.config, here.config.training
    brief = config.copy_and_resolve_references()
    brief.benchmark.update(seconds=SECONDS, windows=1)
    schedule = loop.make_schedule(training, config.model.name, here.resolution)
    parts: list[Part] = []
    for phase in benchmark.asked_for(schedule, (), 0):
        count = work.steps([each for each in schedule if each.level == phase.level], here.seen)
        if not count:
            continue
        begin = time.perf_counter()
        timing, program, compiling = benchmark.time_step(brief, phase, here.dtype, devices.count())
        beside = time.perf_counter() - begin - SECONDS - 6 * timing.median
        step, every = timing.median, losses.penalty_every(training.loss, training.r1, training.r1_every)
        if every > 1:
            without, _, more = benchmark.time_step(brief, phase, here.dtype, devices.count(), with_r1=False)
            step, compiling, beside = (step + (every - 1) * without.median) / every, compiling + more, beside + more
        note = f"{phase.batch_size / step:,.0f} images a second, {program.memory / 2**30:.2f} GiB a device, compiled in {compiling:.0f} s"
        note += " while the level before trains" if parts else ""
        what = f"steps of {phase.batch_size} images at {phase.resolution} px"
        parts.append(Part(what, count, step, 0.0 if parts else max(compiling, beside), note))
    if count := work.looks(schedule, training, here.seen, sum(part.seconds for part in parts)):
        parts.append(look(here, count))
    return parts


def look(here: Rehearsal, count: int) -> Part:
    """What each checkpoint is measured by, of a few images."""
    shown, each = here.images(IMAGES), here.config.training.watch_images
    watch = Watch(here.collection.images, here.collection.images[:MINIMUM], texture)

    def measured() -> None:
        watch(shown)
        here.generator.images(here.latents(IMAGES))
        if here.config.training.works:
            here.generator.images(here.latents(IMAGES))
            watch.distance(shown)

    again, once = twice(measured)
    return Part(f"looks at {each} samples", count, again * each / IMAGES, once)


def sample(here: Rehearsal) -> list[Part]:
    parts = [here.painting(work.samples(here.config))]
    if frames := work.walk_frames(here.config):
        parts.append(start_of_processes())
        moving = films.moving_grid(
            np.resize(here.morphs.frames, (samples.WALKS, FRAMES, *here.morphs.frames.shape[2:])), samples.WALKS, samples.FILM
        )
        parts.append(filming("frames of the film of walks", here, frames, moving, "loop", workers=1))
    return parts


def invert(here: Rehearsal) -> list[Part]:
    return search(here, here.generator, work.searches(here.config, here.paintings))


def search(here: Rehearsal, generator: Generator, count: int) -> list[Part]:
    """So many searches with a generator, and what is painted before and after them."""
    settings, local = search_settings(here.config), jax.local_device_count() if generator.divisible else 1
    painted = 2 * settings.candidates * (count > 0) + 3 * here.paintings.of_periods
    parts = [here.painting(painted, generator)]
    if count:
        size = inversion.at_once(count, settings.batch_size, local)
        some = inversion.at_once(min(size, SEARCHED), SEARCHED, local)
        whole = dict(restarts=1, candidates=some, batch_size=some, patience=10**6, calibration=0)
        brief = dataclasses.replace(settings, steps=SEARCH_STEPS, **whole)
        targets = films.resized(here.images(some), generator.resolution)
        with quiet():
            again, once = twice(lambda: inversion.invert(generator, targets, brief, seed=0))
        each = again / SEARCH_STEPS * size / some
        parts.append(Part(f"search steps of {size} latents, at most", work.rounds(count, size) * settings.steps, each, once))
    return parts


def tune_and_travel(here: Rehearsal, generator: Generator, pairs: int) -> list[Part]:
    """The generator tuned to some pairs at a time, and their frames."""
    config, settings = here.config, tuning_settings(here.config)
    some = min(config.tuning.pairs, pairs)
    latents, images = here.latents(2 * some, generator), here.images(2 * some)
    parts, painter = [], generator
    if settings.steps and generator.params is not None:
        local = jax.local_device_count() if generator.divisible else 1
        brief = dataclasses.replace(settings, steps=TUNING_STEPS)
        with quiet():
            again, once = twice(lambda: [one.params for one in tuned(generator, [(latents, images)] * local, brief, seed=0)])
            painter = next(tuned(generator, [(latents, images)], brief, seed=0))
        count = work.rounds(work.tuning_groups(config, here.paintings), local) * settings.steps
        parts.append(Part(f"tuning steps of {local} groups" if local > 1 else "tuning steps", count, again / TUNING_STEPS, once))
    return [*parts, travelling(here, generator, painter, pairs, some)]


def travelling(here: Rehearsal, generator: Generator, painter: Generator, pairs: int, some: int) -> Part:
    settings = here.config.morphing
    early, late = np.split(here.latents(2 * some, generator), 2)
    t, reach = times(settings.frames, settings.easing), here.config.tuning.reach if here.config.training.works else 0.0
    years = np.zeros(some), np.ones(some)
    again, once = twice(lambda: morph(generator, early, late, *years, t, settings.path, tuned=painter, reach=reach).frames)
    return Part(f"frames of {pairs} pairs", pairs * settings.frames, again / (some * settings.frames), once)


def morphs(here: Rehearsal) -> list[Part]:
    config, paintings = here.config, here.paintings
    parts = tune_and_travel(here, here.generator, paintings.pairs)
    parts.append(here.painting(work.beside_the_pairs(config, paintings)))
    parts.append(start_of_processes())
    return parts + films_of_pairs(here, paintings)


def films_of_pairs(here: Rehearsal, paintings: Paintings) -> list[Part]:
    """Films, strips and single frames of pairs, and the films of all of them."""
    settings, made = here.config.morphing, Morph(here.morphs.t, here.morphs.years, here.morphs.frames)
    parts, moving = [], min(settings.films, paintings.pairs)
    for what, count, whether in (("films of pairs", moving, True), ("pairs without a film", paintings.pairs - moving, False)):
        if count:
            seconds = in_folder(
                lambda folder: morphing.film_pair(HERE, folder, here.collection, here.morphs.ends, made, settings, 0, whether)
            )
            parts.append(Part(what, count, seconds / workers(count)))
    grid = films.moving_grid(made.frames[:, :FRAMES], morphing.MOVING_PAIRS, morphing.MOVING_WIDTH)
    large = 2 * settings.frames + work.years_frames(here.config, paintings)
    return [*parts, filming("frames of the films of all", here, large, grid, settings.playback, workers(3))]


def baseline(here: Rehearsal) -> list[Part]:
    config, paintings = here.config, here.paintings
    if not config.baseline.generator:
        raise Unknown(f"it reads {paintings.pairs * config.morphing.frames:,} images")
    generator = here.opened("baseline.generator", config.baseline.generator)
    parts = search(here, generator, (paintings.of_periods + config.inversion.calibration) * config.inversion.restarts)
    if config.baseline.tutorial:
        targets = films.resized(here.images(min(tutorial.BATCH, paintings.of_periods)), generator.resolution)
        with quiet():
            again, once = twice(lambda: tutorial.search(generator, targets, 0, TUNING_STEPS))
        count = work.rounds(paintings.of_periods, tutorial.BATCH) * config.baseline.tutorial_steps
        parts.append(Part("steps of the published search", count, again / TUNING_STEPS, once))
    ways = 1 + bool(config.baseline.tutorial)
    return [*parts, travelling(here, generator, generator, ways * paintings.pairs, min(8, paintings.pairs))]


def evaluate(here: Rehearsal) -> list[Part]:
    config, competitors = here.config, work.competitors(here.config)
    again, once = twice(lambda: judge(here))
    timed = 2 * SHOWN + here.morphs.frames[..., 0, 0, 0].size * (2 + (here.morphs.direct is not None))
    left_out = [name for name in config.evaluation.features if name not in ("texture", "discriminator")]
    note = f"without {', '.join(left_out)}, which is not timed" if left_out else ""
    return [Part("images compared", work.judged(config, here.paintings, competitors), again / timed, once, note)]


def judge(here: Rehearsal) -> Evaluation:
    """An evaluation of what stands for the study's paintings, samples and morphs."""
    config, collection = default_config.get_config(), here.collection
    names = tuple(name for name in here.config.evaluation.features if name in ("texture", "discriminator")) or ("texture",)
    extractors, _ = evaluation.extractors_of(names, here.generator)
    features = {name: extract(collection.images) for name, extract in {"texture": texture, **extractors}.items()}
    works: Works = evaluation.works_of(collection, config, features)
    if here.config.collection.source != "painter":
        works = dataclasses.replace(works, parameters=None)
    competitors: Competitors = evaluation.competitors_of(here.morphs, None)
    assert {*competitors.frames} <= {STUDY, DIRECT}
    repeats = here.config.evaluation.repeats
    with quiet():
        figures, tables = judging.evaluate(works, here.images(SHOWN)[:, :, ::-1], competitors, extractors, seed=0, repeats=repeats)
    return Evaluation({**figures, "without": []}, tables, features)


def report(here: Rehearsal) -> list[Part]:
    collection = here.collection

    def written(folder: pathlib.Path) -> None:
        collection.save(folder / "collection")
        (folder / "samples").mkdir()
        Samples(here.images(SHOWN)).save(folder / "samples")
        (folder / "morphs").mkdir()
        here.morphs.save(folder / "morphs", collection.describe)
        write_report(folder)

    return [Part("page", 1, in_folder(written))]


STAGES: dict[str, Callable[[Rehearsal], list[Part]]] = {
    "prepare": prepare,
    "train": train,
    "sample": sample,
    "invert": invert,
    "morph": morphs,
    "baseline": baseline,
    "evaluate": evaluate,
    "report": report,
}


def twice(action: Callable[[], Any]) -> tuple[float, float]:
    """Returns seconds of the second call, and what the first took more: compiling."""
    first, again = (benchmark.seconds_of(action) for _ in range(2))
    return again, max(0.0, first - again)


def in_folder(action: Callable[[pathlib.Path], Any]) -> float:
    """Returns seconds of what writes into a folder, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, quiet():
        return benchmark.seconds_of(lambda: action(pathlib.Path(folder)) and None)


def filming(what: str, here: Rehearsal, count: int, frames: np.ndarray, playback: str, workers: int) -> Part:
    """Times a film of some frames uint8 [t, h, w, 3]; `count` are to be filmed."""
    rate, formats = here.config.morphing.frames / here.config.morphing.seconds, tuple(here.config.morphing.formats)
    # There and back shows each frame twice, but for both ends.
    shown = films.there_and_back(np.concatenate([frames, frames[-1:]])) if playback == "there-and-back" else frames
    seconds = in_folder(lambda folder: films.write_films(folder / "film", shown[: 2 * len(frames)], rate, formats, "loop"))
    return Part(what, count, seconds / len(frames) / workers)


def workers(count: int) -> int:
    """Returns how many processes of the workshop are at work on so many films."""
    return max(1, min(16, os.cpu_count() or 1, count))


def start_of_processes() -> Part:
    def started() -> None:
        with films.workshop() as pool:
            pool.submit(len, ()).result()

    return Part("start of the processes that make films", 1, benchmark.seconds_of(started))


class _Here:
    """Takes the place of the workshop's processes: does what is submitted at once."""

    def submit(self, function: Callable, *arguments: Any) -> Future:
        done: Future = Future()
        done.set_result(function(*arguments))
        return done


HERE: Any = _Here()
