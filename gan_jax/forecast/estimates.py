"""How long each stage would take on this device: small pieces of it are timed, and `counts.py` says how many there are.

What is timed is the stages' own code. The first call of a piece compiles; what it takes more than the second is counted once. A function a
stage returns its parts, or raises Unknown.
"""

import dataclasses
import os
import pathlib
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import jax
import numpy as np

from gan_jax import default_config
from gan_jax.benchmark import speed
from gan_jax.benchmark.speed import quiet
from gan_jax.collection.painter import paint_collection
from gan_jax.evaluation import evaluate as judging
from gan_jax.evaluation.evaluation import Evaluation
from gan_jax.fields import taken
from gan_jax.forecast import counts
from gan_jax.forecast.counts import Paintings
from gan_jax.forecast.rehearsal import SHOWN, Part, Rehearsal, Unknown, in_folder, twice
from gan_jax.latents import tutorial
from gan_jax.latents.samples import Samples
from gan_jax.latents.search import MEASURED, pace
from gan_jax.latents.search import Settings as SearchSettings
from gan_jax.latents.tuning import tuned
from gan_jax.metrics.features import texture
from gan_jax.metrics.image_set import MINIMUM
from gan_jax.models.generator import Generator
from gan_jax.morphing import animate, films
from gan_jax.morphing.morph import Morph, morph, times
from gan_jax.report.page import write_report
from gan_jax.stages import evaluate as evaluation
from gan_jax.stages import sample as samples
from gan_jax.stages.common import baseline_search_settings, search_settings, tuning_settings
from gan_jax.training import devices, loop, losses
from gan_jax.training.watch import Watch

SECONDS = 0.5  # a training step is timed for
PAINTED = 4  # paintings of the painter that are timed
TUNING_STEPS = 10
FRAMES = 4  # of a film
COMPARED = (8, 32)  # of each period, evaluated: some figures take the same time for any number
TIMED_FEATURES = ("texture", "discriminator")


def prepare(here: Rehearsal) -> list[Part]:
    """Counts what the built-in painter paints. Raises Unknown for a folder or a dataset."""
    settings = here.config.collection
    if settings.source != "painter":
        raise Unknown("how many images there are, and how large they are, is known after it")
    years = dict(first_year=settings.painter.first_year, last_year=settings.painter.last_year)
    with quiet():
        seconds, _ = twice(lambda: paint_collection(PAINTED, seed=settings.painter.seed, resolution=here.resolution, **years))
    return [Part("paintings by the painter", settings.painter.paintings, seconds / PAINTED)]


def train(here: Rehearsal) -> list[Part]:
    """Times a step of each level that is left, and a look at samples."""
    config, training = here.config, here.config.training
    brief = config.copy_and_resolve_references()
    brief.benchmark.update(seconds=SECONDS, windows=1)
    schedule = loop.make_schedule(training, config.model, here.resolution)
    parts: list[Part] = []
    compiles: list[float] = []
    for phase in speed.asked_for(schedule, (), 0):
        count = counts.steps([each for each in schedule if each.level == phase.level], here.seen)
        if not count:
            continue
        begin = time.perf_counter()
        timing, program, compiling = speed.time_step(brief, phase, here.dtype, devices.count())
        beside = time.perf_counter() - begin - SECONDS - 6 * timing.median
        step, every = timing.median, losses.penalty_every(training.loss, training.r1, training.r1_every)
        if every > 1:
            without, _, more = speed.time_step(brief, phase, here.dtype, devices.count(), with_r1=False)
            step, compiling, beside = (step + (every - 1) * without.median) / every, compiling + more, beside + more
        note = f"{phase.batch_size / step:,.0f} images a second, {program.memory / 2**30:.2f} GiB a device, compiled in {compiling:.0f} s"
        compiles.append(compiling if parts else max(compiling, beside))
        what = f"steps of {phase.batch_size} images at {phase.resolution} px"
        parts.append(Part(what, count, step, note=note))
    waits = counts.waits([part.seconds for part in parts], compiles)
    parts = [dataclasses.replace(part, once=wait) for part, wait in zip(parts, waits)]
    if count := counts.looks(schedule, training, here.seen, sum(part.seconds for part in parts)):
        parts.append(look(here, count))
    return parts


def look(here: Rehearsal, count: int) -> Part:
    """Times what each checkpoint is measured by."""
    each = here.config.training.watch_images
    shown = here.images(each)
    watch = Watch(here.collection.images, here.collection.images[:MINIMUM], texture)

    def measured() -> None:
        watch(shown)
        here.generator.images(here.latents(each))
        if here.config.training.paintings:
            here.generator.images(here.latents(each))
            watch.distance(shown)

    again, once = twice(measured)
    return Part(f"looks at {each} samples", count, again, once)


def sample(here: Rehearsal) -> list[Part]:
    """Times the images of the sample, and its film."""
    parts = [here.painting(counts.samples(here.config))]
    if frames := counts.walk_frames(here.config):
        parts.append(start_of_processes())
        moving = films.moving_grid(
            np.resize(here.morphs.frames, (samples.WALKS, FRAMES, *here.morphs.frames.shape[2:])), samples.WALKS, samples.FILM
        )
        parts.append(filming("frames of the film of walks", here, frames, moving, "loop", workers=1))
    return parts


def invert(here: Rehearsal) -> list[Part]:
    """Times the searches of paintings that have no latents of their own."""
    return search(
        here, here.generator, search_settings(here.config), here.paintings.of_periods, counts.searches(here.config, here.paintings)
    )


def search(here: Rehearsal, generator: Generator, settings: SearchSettings, paintings: int, count: int) -> list[Part]:
    """Times so many searches with a generator for so many paintings, and what is painted before and after them."""
    painted = 2 * settings.candidates * (count > 0) + 3 * paintings
    parts = [here.painting(painted, generator)]
    if count:
        begin = time.perf_counter()
        steps = pace(generator, count, settings)
        compiling = max(0.0, time.perf_counter() - begin - MEASURED - 2 * steps.seconds)
        parts.append(Part(f"search steps of {steps.at_once} latents, at most", steps.rounds * settings.steps, steps.seconds, compiling))
    return parts


def tune_and_travel(here: Rehearsal, generator: Generator, pairs: int) -> list[Part]:
    """Times the tuning of a generator to some pairs at a time, and their frames."""
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
        count = counts.rounds(counts.tuning_groups(config, here.paintings), local) * settings.steps
        parts.append(Part(f"tuning steps of {local} groups" if local > 1 else "tuning steps", count, again / TUNING_STEPS, once))
    return [*parts, travelling(here, generator, painter, pairs, some)]


def travelling(here: Rehearsal, generator: Generator, painter: Generator, pairs: int, some: int) -> Part:
    """Times the frames of some pairs, of which there are more."""
    settings = here.config.morphing
    early, late = np.split(here.latents(2 * some, generator), 2)
    t, reach = times(settings.frames, settings.easing), here.config.tuning.reach if here.config.training.paintings else 0.0
    years = np.zeros(some), np.ones(some)
    again, once = twice(lambda: morph(generator, early, late, *years, t, settings.path, tuned=painter, reach=reach).frames)
    return Part(f"frames of {pairs} pairs", pairs * settings.frames, again / (some * settings.frames), once)


def morphs(here: Rehearsal) -> list[Part]:
    """Times tuning, frames and films."""
    config, paintings = here.config, here.paintings
    parts = tune_and_travel(here, here.generator, paintings.pairs)
    parts.append(here.painting(counts.beside_the_pairs(config, paintings)))
    parts.append(start_of_processes())
    return parts + films_of_pairs(here, paintings)


def films_of_pairs(here: Rehearsal, paintings: Paintings) -> list[Part]:
    """Times films, strips and single frames of pairs, and the films of all of them."""
    settings, made = taken(films.Settings, here.config.morphing), Morph(here.morphs.t, here.morphs.years, here.morphs.frames)
    parts, moving = [], min(settings.films, paintings.pairs)
    for what, count, whether in (("films of pairs", moving, True), ("pairs without a film", paintings.pairs - moving, False)):
        if count:
            seconds = in_folder(
                lambda folder: animate.film_pair(HERE, folder, here.collection, here.morphs.ends, made, settings, 0, whether)
            )
            parts.append(Part(what, count, seconds / workers(count)))
    grid = films.moving_grid(made.frames[:, :FRAMES], animate.MOVING_PAIRS, animate.MOVING_WIDTH)
    large = 2 * settings.frames + counts.years_frames(here.config, paintings)
    return [*parts, filming("frames of the films of all", here, large, grid, settings.playback, workers(3))]


def baseline(here: Rehearsal) -> list[Part]:
    """Times the searches with another generator, and its frames. Raises Unknown where images of another tool are read."""
    config, paintings = here.config, here.paintings
    if not config.baseline.generator:
        raise Unknown(f"it reads {paintings.pairs * config.morphing.frames:,} images")
    generator = here.opened("baseline.generator", config.baseline.generator)
    settings, pairs = baseline_search_settings(config), counts.painted_by_baseline(config, paintings)
    searched = min(2 * pairs, paintings.of_periods)
    parts = search(here, generator, settings, searched, searched * settings.restarts)
    if config.baseline.tutorial:
        targets = films.resized(here.images(min(tutorial.BATCH, searched)), generator.resolution)
        with quiet():
            again, once = twice(lambda: tutorial.search(generator, targets, 0, TUNING_STEPS))
        count = counts.rounds(searched, tutorial.BATCH) * config.baseline.tutorial_steps
        parts.append(Part("steps of the published search", count, again / TUNING_STEPS, once))
    ways = 1 + bool(config.baseline.tutorial)
    return [*parts, travelling(here, generator, generator, ways * pairs, min(8, pairs))]


def evaluate(here: Rehearsal) -> list[Part]:
    """Times an evaluation of few and of more images: what each takes, and what all take once."""
    config, (few, more) = here.config, COMPARED
    count = counts.judged(config, here.paintings)
    again, once = twice(lambda: judge(here, few))
    longer = speed.seconds_of(lambda: judge(here, more))
    compared = [of_each * (6 + config.morphing.frames * (1 + bool(config.model.year) + 1)) for of_each in COMPARED]
    each = max((longer - again) / (compared[1] - compared[0]), 0.25 * longer / compared[1])  # times scatter
    left_out = [name for name in config.evaluation.features if name not in TIMED_FEATURES]
    note = "at least: some figures take more than in proportion"
    note += f"; without {', '.join(left_out)}, which is not timed" if left_out else ""
    return [Part("images compared", count, each, once + max(0.0, again - compared[0] * each), note)]


def judge(here: Rehearsal, of_each: int) -> Evaluation:
    """Evaluates some paintings of each period, as many samples and as many pairs."""
    config, whole = default_config.get_config(), here.collection
    chosen = np.sort(np.concatenate([whole.period(period)[:of_each] for period in ("early", "between", "late")]))
    collection = dataclasses.replace(whole, paintings=tuple(whole.paintings[i] for i in chosen), images=whole.images[chosen])
    names = tuple(name for name in here.config.evaluation.features if name in TIMED_FEATURES) or TIMED_FEATURES[:1]
    extractors, _ = evaluation.extractors_of(names, here.generator)
    features = {name: extract(collection.images) for name, extract in {"texture": texture, **extractors}.items()}
    paintings = evaluation.paintings_of(collection, config, features)
    if here.config.collection.source != "painter":
        paintings = dataclasses.replace(paintings, parameters=None)
    competitors = evaluation.competitors_of(here.between(collection), None)
    repeats = here.config.evaluation.repeats
    with quiet():
        figures, tables = judging.evaluate(paintings, collection.images[:, :, ::-1], competitors, extractors, seed=0, repeats=repeats)
    return Evaluation({**figures, "without": []}, tables, features)


def report(here: Rehearsal) -> list[Part]:
    """Times a page of few paintings."""
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


def filming(what: str, here: Rehearsal, count: int, frames: np.ndarray, playback: str, workers: int) -> Part:
    """Times a film of some frames uint8 [t, h, w, 3]; `count` are to be filmed."""
    settings = dataclasses.replace(taken(films.Settings, here.config.morphing), playback="loop")
    # There and back shows each frame twice, but for both ends.
    shown = films.there_and_back(np.concatenate([frames, frames[-1:]])) if playback == "there-and-back" else frames
    seconds = in_folder(lambda folder: settings.write(folder / "film", shown[: 2 * len(frames)]))
    return Part(what, count, seconds / len(frames) / workers)


def workers(count: int) -> int:
    """Returns how many processes of the workshop are at work on so many films."""
    return max(1, min(16, os.cpu_count() or 1, count))


def start_of_processes() -> Part:
    """Times the start of the workshop's processes, with what they import."""

    def started() -> None:
        with films.workshop() as pool:
            pool.submit(films.there_and_back, np.zeros((2, 1, 1, 3), np.uint8)).result()  # which imports what makes films

    return Part("start of the processes that make films", 1, speed.seconds_of(started))


class _Here:
    """Takes the place of the workshop's processes: does what is submitted at once."""

    def submit(self, function: Callable, *arguments: Any) -> Future:
        done: Future = Future()
        done.set_result(function(*arguments))
        return done


HERE: Any = _Here()
