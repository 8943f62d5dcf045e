import dataclasses
import pathlib
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files, pictures, reading
from gan_jax.collection.aspect import between, matted
from gan_jax.collection.paintings import Collection
from gan_jax.errors import UserError
from gan_jax.generators import open_generator
from gan_jax.latents import inversion, search, tutorial
from gan_jax.models.generator import Generator
from gan_jax.morphing.animate import contact_sheet
from gan_jax.morphing.baseline import ABOUT, GIVEN, Baseline
from gan_jax.morphing.films import resized
from gan_jax.morphing.frames import Ends, journeys
from gan_jax.morphing.morphs import Morphs
from gan_jax.progress import Progress, duration
from gan_jax.settings import is_as_before
from gan_jax.stages import given
from gan_jax.stages.common import baseline_search_settings, collection_of
from gan_jax.stages.invert import side_by_side

FORWARD = 1 / 3  # of a step with its gradient: an image without one


def baseline(config: ConfigDict, workdir: pathlib.Path, _: Mapping[str, Any]) -> str:
    """Makes baseline/: the same pairs and times by another generator, found by our search, by the published one and by any other tool."""
    collection = collection_of(workdir)
    morphs = Morphs.load(workdir / "morphs", len(collection.paintings))
    made = Baseline(
        {}, pathlib.Path(config.baseline.frames).name, identity(config, workdir), files.checksum(workdir / "morphs" / "pairs.csv")
    )
    lines = []
    with files.atomic_folder(workdir / "baseline") as folder:
        if config.baseline.frames:
            resolution, settings = collection.images.shape[1], config.collection
            place = pathlib.Path(config.baseline.frames)
            frames = given.read(place, len(morphs.ends), morphs.t, resolution, settings.fit, settings.max_pixels)
            write_sheet(folder / GIVEN, collection, morphs.ends, morphs.t, frames, settings.fit)
            made = dataclasses.replace(made, frames={GIVEN: frames})
            lines.append(f"{frames.shape[0]} pairs of {config.baseline.frames}")
        if config.baseline.generator:
            generator = open_generator(config.baseline.generator, config.training.precision)
            painted = drawn(config.baseline.pairs, len(morphs.ends))
            ends = [morphs.ends[number] for number in painted] if painted else morphs.ends
            by_way, errors = by_generator(config, folder, generator, collection, ends, morphs.t)
            both = {**made.frames, **by_way}
            made = dataclasses.replace(made, frames=both, generator=generator.name, resolution=generator.resolution, painted=painted)
            found = "; ".join(f"{name}: median error {error:.3f}" for name, error in errors.items())
            lines.append(f"{generator.name}, {len(ends)} of {len(morphs.ends)} pairs, {found}")
        made.save(folder)
    return f"{'; '.join(lines)}; {workdir / 'baseline'}"


def drawn(wanted: int, pairs: int) -> list[int] | None:
    """Returns the numbers of as many of the pairs as are wanted, evenly from the first to the last; None where that is all, as it is for 0.

    Pairs are numbered from the nearest to the furthest: the nearest alone are easier than the study's others.
    """
    if not 0 < wanted < pairs:
        return None
    return np.linspace(0, pairs - 1, wanted).round().astype(int).tolist()


def by_generator(
    config: ConfigDict, folder: pathlib.Path, generator: Generator, collection: Collection, ends: Ends, t: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Paints pairs by another generator, by each way of finding latents, and writes what people look at.

    ends: [p], places of the pairs' paintings in the collection, which alone are searched. t: [T].

    Returns the frames uint8 [p, T, r, r, 3], at the collection's resolution, and the median error of each way.
    """
    indices = np.unique(ends)
    paintings = resized(collection.images[indices], generator.resolution)
    settings = baseline_search_settings(config)
    print(f"gan_jax: {forecast(config, generator, len(paintings), settings)}", file=sys.stderr)
    found = inversion.invert(generator, paintings, settings, config.seed + 2)
    ways = {"searched": (found.latents, config.morphing.path)}
    if config.baseline.tutorial:
        ways["tutorial"] = (tutorial.search(generator, paintings, config.seed + 2, config.baseline.tutorial_steps), "rescaled")
    made, errors = {}, {}
    for name, (latents, path) in ways.items():
        latent_of = dict(zip(indices.tolist(), latents))
        with Progress("morph", len(ends)) as progress:
            way = journeys(generator, latent_of, ends, collection.years, t, path, count=progress.advance)
        made[name] = np.stack([resized(pair, collection.images.shape[1]) for pair in way.frames])
        error = write(folder / name, collection, indices, paintings, generator, latents, config.collection.fit)
        write_sheet(folder / name, collection, ends, t, made[name], config.collection.fit)
        errors[name] = float(np.median(error))
    return made, errors


def forecast(config: ConfigDict, generator: Generator, paintings: int, settings: search.Settings) -> str:
    """Says how long the searches for so many paintings will take on this machine, by steps that it measures."""
    pace = search.pace(generator, paintings * settings.restarts, settings)
    image = pace.seconds / pace.at_once  # seconds, with its gradient
    ours = pace.at_most(settings.steps) + settings.candidates * image * FORWARD
    recipe = tutorial.steps_of(paintings, config.baseline.tutorial_steps) * image if config.baseline.tutorial else 0.0
    part = f", {duration(recipe)} of it by the tutorial's recipe" if recipe else ""
    less = "with less of baseline.pairs, baseline.steps or baseline.restarts it is faster"
    return f"baseline: searching {paintings} paintings takes up to {duration(ours + recipe)} here{part}; {less}"


def identity(config: ConfigDict, workdir: pathlib.Path) -> dict[str, Any]:
    """Returns what a baseline is made of beside the pairs: other settings, other networks or other images make another one.

    Networks and images that are gone since then are those that they were.
    """
    asked = {name: value for name, value in config.baseline.to_dict().items() if not is_as_before(f"baseline.{name}", value)}
    try:
        made = Baseline.about(workdir / "baseline")["asked"]
    except UserError:  # none yet, or a damaged one
        made = {}
    generator, folder = pathlib.Path(config.baseline.generator), pathlib.Path(config.baseline.frames)
    if config.baseline.generator:
        now = None
        if generator.is_file():
            now = f"{generator.stat().st_size} {generator.stat().st_mtime_ns}"
        elif (generator / "checkpoints").is_dir():
            now = " ".join(sorted(entry.name for entry in (generator / "checkpoints").iterdir() if entry.name.isdecimal()))
        asked["networks"] = now if now or made.get("generator") != config.baseline.generator else made.get("networks")
    if config.baseline.frames:
        now = given.checksum(folder)
        asked["pictures"] = now if now or made.get("frames") != config.baseline.frames else made.get("pictures")
    return asked


def write(
    folder: pathlib.Path,
    collection: Collection,
    indices: np.ndarray,
    paintings: np.ndarray,
    generator: Generator,
    latents: np.ndarray,
    fit: str,
) -> np.ndarray:
    """Writes what one way of finding latents has found; returns its errors [n] at the generator's own resolution."""
    images = generator.images(latents)
    error = inversion.rms(images, paintings)
    rows = [{**collection.describe(index), "error": f"{value:.4f}"} for index, value in zip(indices.tolist(), error)]
    files.write_csv(folder / "inversion.csv", rows[0], rows)
    files.write_array(folder / "latents.npy", latents)
    originals, reconstructions = (matted(x, collection.aspects[indices], fit) for x in (paintings, images))
    pictures.write_png(folder / "side_by_side.png", side_by_side(originals, reconstructions, error))
    return error


def write_sheet(folder: pathlib.Path, collection: Collection, ends: Ends, t: np.ndarray, frames: np.ndarray, fit: str) -> None:
    """Writes contact_sheet.png of frames uint8 [pairs, T, r, r, 3]."""
    early, late = (collection.aspects[[pair[end] for pair in ends]] for end in (0, 1))
    frames = matted(frames, between(early, late, t), fit)
    pictures.write_png(folder / "contact_sheet.png", contact_sheet(collection.in_own_shapes(fit).images, ends, frames))


def baseline_of(config: ConfigDict, workdir: pathlib.Path, morphs: Morphs) -> tuple[Baseline | None, str]:
    """Returns the baseline of these morphs, and why there is none where one is asked for: none was made, or one of something else."""
    folder = workdir / "baseline"
    if not (config.baseline.generator or config.baseline.frames):
        return None, ""
    if not reading.is_there(folder / ABOUT):
        return None, "there is none yet, or it could not be had"
    about = Baseline.about(folder)
    if about["asked"] != identity(config, workdir):
        return None, "what lies in baseline/ was made of something else"
    if about["pairs"] != files.checksum(workdir / "morphs" / "pairs.csv"):
        return None, "what lies in baseline/ was made for other pairs"
    return Baseline.load(folder, len(morphs.ends), len(morphs.t)), ""
