"""`sample`, `invert` and `morph` without a study: any generator that can be opened, any seeds, any images."""

import dataclasses
import pathlib

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files, pictures
from gan_jax.collection.aspect import between, matted
from gan_jax.collection.folder import images_in
from gan_jax.collection.images import read_images
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
    """Makes samples/ in the workdir: an image of each seed."""
    files.check_links(workdir)
    generator = open_generator(source, config.training.precision)
    chosen = numbers(seeds, "--seeds")
    sampling.show(config, workdir / "samples", generator, chosen, sampling.painted(config, generator, chosen))
    return f"{len(chosen)} images; {workdir / 'samples' / 'final.png'}"


def invert(config: ConfigDict, workdir: pathlib.Path, source: str, images: str) -> str:
    """Makes inversion/ in the workdir: of the images that `images` names, files with commas between or a folder."""
    files.check_links(workdir)
    generator = open_generator(source, config.training.precision)
    paths = named(images)
    paintings, shapes = read_images(paths, generator.resolution, config.collection.fit, config.collection.max_pixels)
    found = inversion.invert(generator, paintings, search_settings(config), config.seed + 2)
    found = dataclasses.replace(found, paintings=[{"file": str(path)} for path in paths])
    inverting.write(workdir / "inversion", found, paintings, shapes, config.collection.fit)
    return f"{inverting.told(found)}; {workdir / 'inversion' / 'side_by_side.png'}"


def morph(config: ConfigDict, workdir: pathlib.Path, source: str, first: str, last: str) -> str:
    """Makes morph/ in the workdir: from one image to another."""
    files.check_links(workdir)
    settings = config.morphing
    t = times(settings.frames, settings.easing)
    generator = open_generator(source, config.training.precision)
    paths = [pathlib.Path(first), pathlib.Path(last)]
    paintings, shapes = read_images(paths, generator.resolution, config.collection.fit, config.collection.max_pixels)
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
        ends = [scene.Frame(painting, path.stem, float("nan"), nothing) for painting, path in zip(paintings, paths)]
        scenes = scene.with_ends(scenes, *ends)
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
    """Returns files with commas between, or the images in a folder, by name. Raises UserError where none is named."""
    if pathlib.Path(images).is_dir():
        return images_in(images)
    paths = [pathlib.Path(path) for path in images.split(",") if path.strip()]
    if not paths:
        raise UserError(f"--images={images}: names no image; a folder, or files with commas between")
    return paths
