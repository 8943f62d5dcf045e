"""`sample`, `invert` and `morph` without a study: any generator that can be opened, any seeds, any images."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files, pictures
from gan_jax.collection.aspect import between, matted
from gan_jax.collection.folder import IMAGE_SUFFIX
from gan_jax.collection.images import ImageError, load_image
from gan_jax.errors import UserError
from gan_jax.generators import open_generator
from gan_jax.latents import inversion
from gan_jax.latents.paths import with_labels
from gan_jax.latents.tuning import tuned
from gan_jax.morphing import films, scene
from gan_jax.morphing.morph import times
from gan_jax.stages import invert as inverting
from gan_jax.stages import sample as sampling
from gan_jax.stages.common import numbers, search_settings, tuning_settings


def sample(config: ConfigDict, workdir: pathlib.Path, source: str, seeds: str) -> str:
    """samples/ in the workdir: an image of each seed."""
    files.check_links(workdir)
    generator = open_generator(source, config.training.precision)
    chosen = numbers(seeds, "--seeds")
    sampling.show(config, workdir / "samples", generator, chosen, sampling.painted(config, generator, chosen))
    return f"{len(chosen)} images; {workdir / 'samples' / 'final.png'}"


def invert(config: ConfigDict, workdir: pathlib.Path, source: str, images: str) -> str:
    """inversion/ in the workdir: of the images that `images` names, files with commas between or a folder."""
    files.check_links(workdir)
    generator = open_generator(source, config.training.precision)
    paths = named(images)
    paintings, shapes = read(paths, generator.resolution, config)
    found = inversion.invert(generator, paintings, search_settings(config), config.seed + 2)
    found = dataclasses.replace(found, works=[{"file": str(path)} for path in paths])
    inverting.write(workdir / "inversion", found, paintings, shapes, config.collection.fit)
    return f"{inverting.told(found)}; {workdir / 'inversion' / 'side_by_side.png'}"


def morph(config: ConfigDict, workdir: pathlib.Path, source: str, first: str, last: str) -> str:
    """morph/ in the workdir: from one image to another."""
    files.check_links(workdir)
    settings = config.morphing
    t = times(settings.frames, settings.easing)
    generator = open_generator(source, config.training.precision)
    paths = [pathlib.Path(first), pathlib.Path(last)]
    paintings, shapes = read(paths, generator.resolution, config)
    found = inversion.invert(generator, paintings, search_settings(config), config.seed + 2)
    (generator,) = tuned(generator, [(found.latents, paintings)], tuning_settings(config), config.seed + 3)
    a, b = found.latents[:1], found.latents[1:]
    fit = config.collection.fit
    made = generator.images(with_labels(settings.path, a, b, t, generator.label_size)[0])
    frames = matted(made, between(shapes[:1], shapes[1:], t)[0], fit)[:]
    paintings = matted(paintings, shapes, fit)[:]
    nothing = np.zeros((0, *paintings.shape[1:]), np.uint8)
    titles = [f"from {paths[0].stem}" if place < 0.5 else f"to {paths[1].stem}" for place in t]
    scenes = [scene.Frame(frame, title, float("nan"), nothing) for frame, title in zip(frames, titles)]
    if settings.real_ends:
        works = [scene.Frame(painting, path.stem, float("nan"), nothing) for painting, path in zip(paintings, paths)]
        scenes = scene.with_ends(scenes, *works)
    with files.atomic_folder(workdir / "morph") as folder:
        files.write_array(folder / "latents.npy", found.latents)
        for place, frame in zip(t, frames):
            pictures.write_png(folder / "frames" / f"t_{place:.3f}.png", frame)
        pictures.write_png(folder / "strip.png", scene.strip(np.concatenate([paintings[:1], frames, paintings[1:]]), 128))
        with films.workshop() as pool:
            film = scene.scene(scenes, settings.size, settings.captions)
            rate = settings.frames / settings.seconds
            pool.submit(films.write_films, folder / "morph", film, rate, tuple(settings.formats), settings.playback).result()
    return f"{inverting.told(found)}; {workdir / 'morph' / 'strip.png'}"


def named(images: str) -> list[pathlib.Path]:
    """Files with commas between, or the images in a folder, by name."""
    folder = pathlib.Path(images)
    if folder.is_dir():
        found = sorted(path for path in folder.iterdir() if path.is_file() and IMAGE_SUFFIX.search(path.name))
        if not found:
            raise UserError(f"--images={images}: no images in this folder")
        return found
    return [pathlib.Path(path) for path in images.split(",") if path]


def read(paths: Sequence[pathlib.Path], resolution: int, config: ConfigDict) -> tuple[np.ndarray, np.ndarray]:
    """Returns uint8 [n, resolution, resolution, 3], fitted as `config.collection` says, and the images' width over height [n].

    Raises UserError for what is no image.
    """
    fitted = []
    for path in paths:
        try:
            fitted.append(load_image(path, resolution, config.collection.fit, config.collection.max_pixels))
        except (ImageError, OSError) as error:
            raise UserError(f"{path}: {error}") from None
    return np.stack([picture.image for picture in fitted]), np.array([picture.width / picture.height for picture in fitted])
