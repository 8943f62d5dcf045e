import dataclasses
import pathlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax.collection.tfds import Pictures
from gan_jax.errors import UserError
from gan_jax.metrics.features import texture
from gan_jax.metrics.image_set import MINIMUM
from gan_jax.models import networks
from gan_jax.models.generator import Years
from gan_jax.stages.common import PERIODS, collection_of, learnt_paintings
from gan_jax.training import loop
from gan_jax.training.stream import Images, Rows
from gan_jax.training.watch import Watch

WATCHED = 5000  # paintings, at most, that images are compared with while the networks train


def some(indices: np.ndarray) -> np.ndarray:
    """Returns as many as are watched, drawn by chance where there are more."""
    if len(indices) <= WATCHED:
        return indices
    return np.sort(np.random.default_rng(0).choice(indices, WATCHED, replace=False))


@dataclasses.dataclass(frozen=True)
class Learnt:
    """What is learnt."""

    images: Images  # n of them
    labels: np.ndarray  # float32 [n, label_size]
    held_out: np.ndarray  # uint8 [m, r, r, 3]
    years: Years | None  # how the labels count years, where they are years


def learnt(config: ConfigDict, workdir: pathlib.Path) -> Learnt:
    """Reads what `prepare` made. Raises UserError for labels that images without dates don't have."""
    if config.collection.source == "tfds":
        if networks.label_size(config.model) or config.training.period:
            off = "--config.model.year=False --config.training.paintings=0"
            raise UserError(f"config.collection.source='tfds': images without dates have neither periods nor years; try {off}")
        pictures = Pictures(config.collection)
        return Learnt(pictures, np.zeros((pictures.shape[0], 0), np.float32), np.zeros((0, *pictures.shape[1:]), np.uint8), None)
    collection = collection_of(workdir)
    indices, years = learnt_paintings(collection, config), None
    if config.model.year:
        dates = collection.years[indices]
        years = Years.of(dates)
        labels = years.labels(dates)
    else:
        of_period = np.array([PERIODS.index(collection.paintings[i].period) for i in indices])
        labels = np.eye(len(PERIODS), dtype=np.float32)[of_period][:, : None if config.model.conditional else 0]
    return Learnt(Rows(collection.images, indices), labels, collection.images[some(collection.period("between"))], years)


def train(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """Makes checkpoints/, samples/, log/: the networks, trained on the early and the late paintings, or on those of one period."""
    given, watch = learnt(config, workdir), None
    with ThreadPoolExecutor(1, "watch") as pool:  # it looks at the paintings while the step is compiled
        if config.training.watch_images >= MINIMUM:
            watch = pool.submit(lambda: Watch(given.images[some(np.arange(given.images.shape[0]))], given.held_out, texture))
        seen = loop.train(config, given.images, given.labels, workdir, about, watch.result if watch else None, given.years)
    return f"trained on {seen / 1000:,.0f} thousand images; samples in {workdir / 'samples'}"
