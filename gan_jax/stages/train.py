import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax.collection import collection as collections
from gan_jax.collection.tfds import Pictures
from gan_jax.errors import UserError
from gan_jax.evaluation.distances import MINIMUM
from gan_jax.evaluation.features import texture
from gan_jax.evaluation.watch import Watch
from gan_jax.stages.common import PERIODS, trained_on
from gan_jax.training import loop
from gan_jax.training.stream import Images, Rows

WATCHED = 5000  # works, at most, that pictures are compared with while the networks train


def some(indices: np.ndarray) -> np.ndarray:
    """As many as are watched, drawn by chance where there are more."""
    if len(indices) <= WATCHED:
        return indices
    return np.sort(np.random.default_rng(0).choice(indices, WATCHED, replace=False))


def learnt(config: ConfigDict, workdir: pathlib.Path) -> tuple[Images, np.ndarray, np.ndarray]:
    """The images to learn, their labels float32 [n, label_size], and the images held out, uint8 [m, r, r, 3]."""
    if config.collection.source == "tfds":
        if config.model.conditional or config.training.period:
            raise UserError("config.collection.source='tfds': pictures without dates have no periods (model.conditional, training.period)")
        pictures = Pictures(config.collection)
        return pictures, np.zeros((pictures.shape[0], 0), np.float32), np.zeros((0, *pictures.shape[1:]), np.uint8)
    collection = collections.load(workdir / "collection")
    indices = collection.period(config.training.period) if config.training.period else trained_on(collection)
    of_period = np.array([PERIODS.index(collection.paintings[i].period) for i in indices])
    labels = np.eye(len(PERIODS), dtype=np.float32)[of_period][:, : None if config.model.conditional else 0]
    return Rows(collection.images, indices), labels, collection.images[some(collection.period("between"))]


def train(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """checkpoints/, samples/, log/: the networks, trained on the early and the late works, or on those of one period."""
    images, labels, held_out = learnt(config, workdir)
    watch = None
    if config.training.watch_images >= MINIMUM:
        watch = Watch(images[some(np.arange(images.shape[0]))], held_out, texture)
    seen = loop.train(config, images, labels, workdir, about, watch)
    return f"trained on {seen / 1000:,.0f} thousand images; samples in {workdir / 'samples'}"
