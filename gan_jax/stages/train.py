import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax.collection import collection as collections
from gan_jax.evaluation.distances import MINIMUM
from gan_jax.evaluation.features import texture
from gan_jax.evaluation.watch import Watch
from gan_jax.stages.common import PERIODS, trained_on
from gan_jax.training import loop
from gan_jax.training.stream import Rows

WATCHED = 5000  # works, at most, that pictures are compared with while the networks train


def some(indices: np.ndarray) -> np.ndarray:
    """As many as are watched, drawn by chance where there are more."""
    if len(indices) <= WATCHED:
        return indices
    return np.sort(np.random.default_rng(0).choice(indices, WATCHED, replace=False))


def train(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """checkpoints/, samples/, log/: the networks, trained on the early and the late works, or on those of one period."""
    collection = collections.load(workdir / "collection")
    indices = collection.period(config.training.period) if config.training.period else trained_on(collection)
    of_period = np.array([PERIODS.index(collection.paintings[i].period) for i in indices])
    labels = np.eye(len(PERIODS), dtype=np.float32)[of_period][:, : None if config.model.conditional else 0]
    watch = None
    if config.training.watch_images >= MINIMUM:
        watch = Watch(*(collection.images[some(each)] for each in (indices, collection.period("between"))), texture)
    seen = loop.train(config, Rows(collection.images, indices), labels, workdir, about, watch)
    return f"trained on {seen / 1000:,.0f} thousand images; samples in {workdir / 'samples'}"
