import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files, pictures
from gan_jax.collection import collection as collections
from gan_jax.collection.aspect import between, matted
from gan_jax.generators import open_generator
from gan_jax.latents import inversion, tutorial
from gan_jax.models.generator import Generator
from gan_jax.morphing.films import resized
from gan_jax.progress import Progress
from gan_jax.stages import given
from gan_jax.stages.common import aspects, describe, in_own_shapes, search_settings, trained_on
from gan_jax.stages.invert import side_by_side
from gan_jax.stages.morph import contact_sheet, journeys

WAYS = {"searched": "baseline, our search", "tutorial": "baseline, published recipe"}  # folders of baseline/, as people read them
GIVEN = "given"  # the folder of frames that another tool made


def baseline(config: ConfigDict, workdir: pathlib.Path, _: Mapping[str, Any]) -> str:
    """baseline/: the same pairs and times by another generator, found by our search and by the published one, and by any other tool."""
    collection = collections.load(workdir / "collection")
    pairs = files.read_csv(workdir / "morphs" / "pairs.csv")
    ends = [(int(row["early_index"]), int(row["late_index"])) for row in pairs]
    t = files.read_array(workdir / "morphs" / "t.npy")
    asked = identity(config, workdir)
    lines, about = [], {"ways": [], "given": pathlib.Path(config.baseline.frames).name}
    with files.atomic_folder(workdir / "baseline") as folder:
        if config.baseline.frames:
            resolution, settings = collection.images.shape[1], config.collection
            frames = given.read(pathlib.Path(config.baseline.frames), len(ends), t, resolution, settings.fit, settings.max_pixels)
            files.write_array(folder / GIVEN / "frames.npy", frames)
            write_sheet(folder / GIVEN, collection, ends, frames, t, settings.fit)
            about["ways"].append(GIVEN)
            lines.append(f"{frames.shape[0]} pairs of {config.baseline.frames}")
        if config.baseline.generator:
            generator = open_generator(config.baseline.generator, config.training.precision)
            found = _by_generator(config, folder, generator, collection, ends, t)
            about |= {"generator": generator.name, "resolution": generator.resolution, "ways": [*about["ways"], *found]}
            lines += [f"{generator.name}, {'; '.join(f'{name}: median error {error:.3f}' for name, error in found.items())}"]
        files.write_json(folder / "about.json", {**about, "asked": asked, "pairs": files.digest(workdir / "morphs" / "pairs.csv")})
    return f"{'; '.join(lines)}; {workdir / 'baseline'}"


def _by_generator(
    config: ConfigDict,
    folder: pathlib.Path,
    generator: Generator,
    collection: collections.Collection,
    ends: list[tuple[int, int]],
    t: np.ndarray,
) -> dict[str, float]:
    """Writes the ways by another generator; the median error of each."""
    indices = trained_on(collection)
    paintings = resized(collection.images[indices], generator.resolution)
    years = np.array([painting.year for painting in collection.paintings])
    found = inversion.invert(generator, paintings, search_settings(config), config.seed + 2)
    ways = {"searched": (found.latents, config.morphing.path)}
    if config.baseline.tutorial:
        ways["tutorial"] = (tutorial.search(generator, paintings, config.seed + 2, config.baseline.tutorial_steps), "rescaled")
    errors = {}
    for name, (latents, path) in ways.items():
        latent_of = dict(zip(indices.tolist(), latents))
        with Progress("morph", len(ends)) as progress:
            made = journeys(generator, latent_of, ends, years, t, path, count=progress.advance)
        frames = np.stack([resized(pair, collection.images.shape[1]) for pair in made.frames])
        error = write(folder / name, collection, indices, paintings, generator, latents, frames, ends, t, config.collection.fit)
        errors[name] = float(np.median(error))
    return errors


def identity(config: ConfigDict, workdir: pathlib.Path) -> dict[str, Any]:
    """What a baseline is made of beside the pairs: other settings, other networks or other pictures make another one.

    Networks and pictures that are gone since then are those that they were.
    """
    asked = config.baseline.to_dict()
    about = workdir / "baseline" / "about.json"
    made = files.read_json(about).get("asked", {}) if about.exists() and files.damage(about) is None else {}
    generator, folder = pathlib.Path(config.baseline.generator), pathlib.Path(config.baseline.frames)
    if config.baseline.generator:
        now = None
        if generator.is_file():
            now = f"{generator.stat().st_size} {generator.stat().st_mtime_ns}"
        elif (generator / "checkpoints").is_dir():
            now = " ".join(sorted(entry.name for entry in (generator / "checkpoints").iterdir() if entry.name.isdecimal()))
        asked["networks"] = now if now or made.get("generator") != config.baseline.generator else made.get("networks")
    if config.baseline.frames:
        now = given.digest(folder)
        asked["pictures"] = now if now or made.get("frames") != config.baseline.frames else made.get("pictures")
    return asked


def write(
    folder: pathlib.Path,
    collection: collections.Collection,
    indices: np.ndarray,
    paintings: np.ndarray,
    generator: Generator,
    latents: np.ndarray,
    frames: np.ndarray,
    ends: list[tuple[int, int]],
    t: np.ndarray,
    fit: str,
) -> np.ndarray:
    """One way of finding latents; returns its errors [n] at the generator's own resolution."""
    images = generator.images(latents)
    error = inversion.rms(images, paintings)
    rows = [{**describe(collection, index), "error": f"{value:.4f}"} for index, value in zip(indices.tolist(), error)]
    files.write_csv(folder / "inversion.csv", rows[0], rows)
    files.write_array(folder / "latents.npy", latents)
    files.write_array(folder / "frames.npy", frames)
    shapes = aspects(collection)
    shown = (matted(x, shapes[indices], fit) for x in (paintings, images))
    pictures.write_png(folder / "side_by_side.png", side_by_side(*shown, error))
    write_sheet(folder, collection, ends, frames, t, fit)
    return error


def write_sheet(
    folder: pathlib.Path, collection: collections.Collection, ends: list[tuple[int, int]], frames: np.ndarray, t: np.ndarray, fit: str
) -> None:
    """contact_sheet.png of frames uint8 [pairs, T, r, r, 3]."""
    shapes = aspects(collection)
    early, late = (shapes[[pair[end] for pair in ends]] for end in (0, 1))
    frames = matted(frames, between(early, late, t), fit)
    pictures.write_png(folder / "contact_sheet.png", contact_sheet(in_own_shapes(collection, fit).images, ends, frames))


def frames_of(config: ConfigDict, workdir: pathlib.Path) -> tuple[dict[str, np.ndarray], str]:
    """The frames of each way, and why there are none where a baseline is asked for: none was made, or one of something else."""
    path = workdir / "baseline" / "about.json"
    if not (config.baseline.generator or config.baseline.frames):
        return {}, ""
    if not path.exists():
        return {}, "there is none yet, or it could not be had"
    about = files.read_json(path)
    if about.get("asked") != identity(config, workdir):
        return {}, "what lies in baseline/ was made of something else"
    if about.get("pairs") != files.digest(workdir / "morphs" / "pairs.csv"):
        return {}, "what lies in baseline/ was made for other pairs"
    names = {GIVEN: f"frames of {about['given']}", **WAYS}
    return {said: files.read_array(workdir / "baseline" / name / "frames.npy") for name, said in names.items() if name in about["ways"]}, ""
