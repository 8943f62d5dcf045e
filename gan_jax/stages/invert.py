import dataclasses
import pathlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files, pictures
from gan_jax.collection.aspect import matted
from gan_jax.collection.paintings import Collection
from gan_jax.latents import inversion
from gan_jax.latents.inverted import Inversion
from gan_jax.models.generator import Generator
from gan_jax.stages.common import check_resolution, collection_of, generator_of, labels_of, own_latents, search_settings, trained_on

PREVIEW = 8  # paintings in each part of the side-by-side sheet


def invert(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """Makes inversion/: the latents of the early and the late paintings, with what the generator makes of them."""
    collection = collection_of(workdir)
    found = of_paintings(collection, generator_of(config, workdir), config)
    write(workdir / "inversion", found, collection.images[found.indices], collection.aspects[found.indices], config.collection.fit)
    return f"{told(found)}; {workdir / 'inversion' / 'side_by_side.png'}"


def of_paintings(collection: Collection, generator: Generator, config: ConfigDict) -> Inversion:
    """Finds the paintings of both periods. Those that training gave latents of their own keep them."""
    check_resolution(generator, collection, config)
    indices = trained_on(collection)
    labels, known = labels_of(generator, collection, indices), None
    if own := own_latents(generator, collection, config):
        searched = np.full(generator.latent_size, np.nan, np.float32)
        known = np.stack([own.get(index, searched) for index in indices.tolist()])
    found = inversion.invert(generator, collection.images[indices], search_settings(config), config.seed + 2, labels, known)
    return dataclasses.replace(found, paintings=[collection.describe(index) for index in indices.tolist()])


def write(path: pathlib.Path, found: Inversion, paintings: np.ndarray, shapes: np.ndarray, fit: str) -> None:
    """Writes the folder of an inversion, and a sheet for people, where images have the paintings' shapes [n]."""
    with files.atomic_folder(path) as folder:
        found.save(folder)
        originals, reconstructions = (matted(images, shapes, fit) for images in (paintings, found.reconstructions))
        pictures.write_png(folder / "side_by_side.png", side_by_side(originals, reconstructions, found.error))


def told(found: Inversion) -> str:
    """Returns an inversion in one line."""
    if verdicts := Counter(filter(None, found.verdicts())):
        known = f"; {verdicts['inside']} inside what the generator knows, {verdicts['near']} near, {verdicts['outside']} outside"
    else:
        known = "" if found.steps.any() else ", at the latents that training gave them"
    return f"{len(found.error)} paintings, median error {np.median(found.error):.3f}{known}"


def side_by_side(paintings: np.ndarray, reconstructions: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Originals above their reconstructions: the best, those around the median, the worst."""
    order = np.argsort(error, kind="stable")
    n = min(PREVIEW, len(order))
    middle = (len(order) - n) // 2
    rows = [row for part in (order[:n], order[middle : middle + n], order[-n:]) for row in (paintings[part], reconstructions[part])]
    return pictures.grid(pictures.enlarged(np.concatenate(rows), 96), n)
