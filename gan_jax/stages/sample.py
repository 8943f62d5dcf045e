import contextlib
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files, pictures
from gan_jax.errors import UserError
from gan_jax.latents import sampling
from gan_jax.latents.samples import Samples
from gan_jax.models.generator import Generator, Years
from gan_jax.morphing import films
from gan_jax.progress import Progress
from gan_jax.stages.common import PERIODS, generator_of

SINGLE = 64  # images that have files of their own, and are on the grid
WALKS = 9  # side by side in the film
FRAMES = 16  # from one station of a walk to the next
YEARS_ROWS, YEARS_COLUMNS = 8, 11  # of the sheet on which the same latents go through the years
RATE = 16.0  # frames a second
FILM = 768  # pixels, its width


def sample(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """Makes samples/generated.npy, final.png, single/ and walk.gif: images of random latents, and the generator in motion."""
    generator = generator_of(config, workdir)
    seeds = config.sampling.first_seed + np.arange(config.sampling.images)
    samples = Samples(painted(config, generator, seeds))
    samples.save(workdir / "samples")
    show(config, workdir / "samples", generator, seeds[:SINGLE], samples.images[:SINGLE])
    return f"{len(samples.images)} images; {workdir / 'samples' / 'final.png'}"


def painted(config: ConfigDict, generator: Generator, seeds: np.ndarray) -> np.ndarray:
    """Returns an image of each seed, as `config.sampling` says: uint8 [n, r, r, 3]."""
    latents = latents_of(config, generator, seeds)
    with Progress("sample", len(latents)) as progress:
        return generator.images(latents, count=progress.advance)


def latents_of(config: ConfigDict, generator: Generator, seeds: np.ndarray) -> np.ndarray:
    latents = sampling.of_seeds(generator, seeds, label_of(config.sampling, generator))
    if config.sampling.truncation == 1:
        return latents
    return sampling.truncated(latents, sampling.ordinary(generator), config.sampling.truncation, generator.label_size)


def show(config: ConfigDict, folder: pathlib.Path, generator: Generator, seeds: np.ndarray, images: np.ndarray) -> None:
    """Writes what people look at: a grid, a file of each image by its seed, and a film of walks from image to image."""
    with films.workshop() if config.sampling.walk else contextlib.nullcontext() as pool:
        jobs = []
        if pool:
            film = walks(config, generator, seeds[0])
            jobs = [pool.submit(films.write_films, folder / "walk", film, RATE, (name,), "loop") for name in config.morphing.formats]
        pictures.write_png(folder / "final.png", pictures.grid(pictures.enlarged(images, 64)))
        with files.atomic_folder(folder / "single") as single:
            for seed, image in zip(seeds, images):
                pictures.write_png(single / f"seed_{seed:05d}.png", image)
        if generator.years:
            pictures.write_png(folder / "years.png", through_years(generator, generator.years, seeds[:YEARS_ROWS]))
        for job in jobs:
            job.result()


def walks(config: ConfigDict, generator: Generator, first_seed: int) -> np.ndarray:
    """Returns uint8 [t, h, w, 3]: walks side by side, each from image to image and back to its first."""
    stations = first_seed + np.arange(WALKS * config.sampling.walk)
    latents = latents_of(config, generator, stations).reshape(WALKS, config.sampling.walk, -1)
    frames = generator.images(np.concatenate([sampling.walk(each, FRAMES, generator.label_size) for each in latents]))
    return films.moving_grid(frames.reshape(WALKS, -1, *frames.shape[1:]), WALKS, FILM)


def through_years(generator: Generator, known: Years, seeds: np.ndarray) -> np.ndarray:
    """Returns a row for each seed: the same latents at years from the first to the last that the generator knows, equally far apart."""
    years = np.linspace(known.seen[0], known.seen[-1], YEARS_COLUMNS)
    latents = sampling.of_seeds(generator, seeds)[:, None, : -generator.label_size]
    labels = np.broadcast_to(known.labels(years)[None], (len(seeds), YEARS_COLUMNS, 1))
    each = np.concatenate([np.repeat(latents, YEARS_COLUMNS, axis=1), labels], axis=2)
    return pictures.grid(pictures.enlarged(generator.images(each.reshape(-1, each.shape[-1])), 64), YEARS_COLUMNS)


def label_of(settings: ConfigDict, generator: Generator) -> np.ndarray | None:
    """Returns the label [label_size] of the period or the year that `config.sampling` names, None for all of them."""
    if settings.year:
        if not generator.years:
            raise UserError(f"config.sampling.year={settings.year:g}: {generator.name} knows no year (config.model.year)")
        return generator.years.labels(np.array([settings.year]))[0]
    if not settings.period:
        return None
    if generator.years or generator.label_size != len(PERIODS):
        raise UserError(
            f"config.sampling.period={settings.period!r}: {generator.name} was trained without labels (config.model.conditional)"
        )
    return np.eye(len(PERIODS), dtype=np.float32)[PERIODS.index(settings.period)]
