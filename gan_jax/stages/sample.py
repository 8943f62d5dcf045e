import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files, pictures
from gan_jax.errors import UserError
from gan_jax.latents import sampling
from gan_jax.models.generator import Generator
from gan_jax.morphing import animation
from gan_jax.progress import Progress
from gan_jax.stages.common import PERIODS, generator_of

SINGLE = 64  # pictures that have files of their own, and are on the grid
WALKS = 9  # side by side in the film
FRAMES = 16  # from one station of a walk to the next
RATE = 16.0  # frames a second
FILM = 768  # pixels, its width


def sample(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """samples/generated.npy, final.png, single/ and walk.gif: images of random latents, and the generator in motion."""
    generator = generator_of(config, workdir)
    seeds = config.sampling.first_seed + np.arange(config.sampling.images)
    images = painted(config, generator, seeds)
    files.write_array(workdir / "samples" / "generated.npy", images)
    show(config, workdir / "samples", generator, seeds[:SINGLE], images[:SINGLE])
    return f"{len(images)} images; {workdir / 'samples' / 'final.png'}"


def painted(config: ConfigDict, generator: Generator, seeds: np.ndarray) -> np.ndarray:
    """An image of each seed, as `config.sampling` says: uint8 [n, r, r, 3]."""
    latents = latents_of(config, generator, seeds)
    with Progress("sample", len(latents)) as progress:
        return generator.images(latents, count=progress.advance)


def latents_of(config: ConfigDict, generator: Generator, seeds: np.ndarray) -> np.ndarray:
    latents = sampling.of_seeds(generator, seeds, label_of(config.sampling.period, generator))
    if config.sampling.truncation == 1:
        return latents
    return sampling.truncated(latents, sampling.ordinary(generator), config.sampling.truncation, generator.label_size)


def show(config: ConfigDict, folder: pathlib.Path, generator: Generator, seeds: np.ndarray, images: np.ndarray) -> None:
    """What people look at: a grid, a file of each image by its seed, and a film of walks from image to image."""
    pictures.write_png(folder / "final.png", pictures.grid(pictures.enlarged(images, 64)))
    with files.atomic_folder(folder / "single") as single:
        for seed, image in zip(seeds, images):
            pictures.write_png(single / f"seed_{seed:05d}.png", image)
    if not config.sampling.walk:
        return
    stations = seeds[0] + np.arange(WALKS * config.sampling.walk)
    latents = latents_of(config, generator, stations).reshape(WALKS, config.sampling.walk, -1)
    frames = generator.images(np.concatenate([sampling.walk(each, FRAMES) for each in latents]))
    film = animation.moving_grid(frames.reshape(WALKS, -1, *frames.shape[1:]), WALKS, FILM)
    with animation.workshop() as pool:
        pool.submit(animation.write_films, folder / "walk", film, RATE, tuple(config.morphing.formats), "loop").result()


def label_of(period: str, generator: Generator) -> int | None:
    """The label of a period, None for all of them."""
    if not period:
        return None
    if period not in PERIODS:
        raise UserError(f"config.sampling.period={period!r}: there is {' and '.join(PERIODS)}")
    if generator.label_size != len(PERIODS):
        raise UserError(f"config.sampling.period={period!r}: {generator.name} was trained without labels (config.model.conditional)")
    return PERIODS.index(period)
