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
from gan_jax.morphing.animation import resized
from gan_jax.progress import Progress
from gan_jax.stages.common import aspects, describe, in_own_shapes, search_settings, trained_on
from gan_jax.stages.invert import side_by_side
from gan_jax.stages.morph import contact_sheet, journeys

WAYS = {"searched": "baseline, our search", "tutorial": "baseline, published recipe"}  # folders of baseline/, as people read them


def baseline(config: ConfigDict, workdir: pathlib.Path, _: Mapping[str, Any]) -> str:
    """baseline/: the same paintings, pairs, paths and times with another generator, found by our search and by the published one."""
    collection, generator = collections.load(workdir / "collection"), open_generator(config.baseline.generator, config.training.precision)
    indices = trained_on(collection)
    paintings = resized(collection.images[indices], generator.resolution)
    pairs = files.read_csv(workdir / "morphs" / "pairs.csv")
    ends = [(int(row["early_index"]), int(row["late_index"])) for row in pairs]
    t = files.read_array(workdir / "morphs" / "t.npy")
    years = np.array([painting.year for painting in collection.paintings])

    found = inversion.invert(generator, paintings, search_settings(config), config.seed + 2)
    ways = {"searched": (found.latents, config.morphing.path)}
    if config.baseline.tutorial:
        ways["tutorial"] = (tutorial.search(generator, paintings, config.seed + 2, config.baseline.tutorial_steps), "rescaled")
    lines = []
    with files.atomic_folder(workdir / "baseline") as folder:
        for name, (latents, path) in ways.items():
            latent_of = dict(zip(indices.tolist(), latents))
            with Progress("morph", len(ends)) as progress:
                made = journeys(generator, latent_of, ends, years, t, path, count=progress.advance)
            frames = np.stack([resized(pair, collection.images.shape[1]) for pair in made.frames])
            error = write(folder / name, collection, indices, paintings, generator, latents, frames, ends, t, config.collection.fit)
            lines.append(f"{name}: median error {np.median(error):.3f}")
        about = {"generator": generator.name, "resolution": generator.resolution, "ways": list(ways)}
        files.write_json(folder / "about.json", {**about, "pairs": files.digest(workdir / "morphs" / "pairs.csv")})
    return f"{generator.name}, {'; '.join(lines)}; {workdir / 'baseline'}"


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
    early, late = (shapes[[pair[end] for pair in ends]] for end in (0, 1))
    shown = (matted(x, shapes[indices], fit) for x in (paintings, images))
    pictures.write_png(folder / "side_by_side.png", side_by_side(*shown, error))
    frames = matted(frames, between(early, late, t), fit)
    pictures.write_png(folder / "contact_sheet.png", contact_sheet(in_own_shapes(collection, fit).images, ends, frames))
    return error


def frames_of(config: ConfigDict, workdir: pathlib.Path) -> dict[str, np.ndarray]:
    """The frames of each way, if there is a baseline and it has the pairs that the morphs have now."""
    path = workdir / "baseline" / "about.json"
    if not config.baseline.generator or not path.exists():
        return {}
    about = files.read_json(path)
    if about.get("pairs") != files.digest(workdir / "morphs" / "pairs.csv"):
        return {}
    return {said: files.read_array(workdir / "baseline" / name / "frames.npy") for name, said in WAYS.items() if name in about["ways"]}
