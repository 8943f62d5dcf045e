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


def train(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """checkpoints/, samples/, log/: the networks, trained on the early and the late works, or on those of one period."""
    collection = collections.load(workdir / "collection")
    indices = collection.period(config.training.period) if config.training.period else trained_on(collection)
    of_period = np.array([PERIODS.index(collection.paintings[i].period) for i in indices])
    labels = np.eye(len(PERIODS), dtype=np.float32)[of_period][:, : None if config.model.conditional else 0]
    works, held_out = collection.images[indices], collection.images[collection.period("between")]
    watch = Watch(works, held_out, texture) if config.training.watch_images >= MINIMUM else None
    seen = loop.train(config, works, labels, workdir, about, watch)
    return f"trained on {seen / 1000:,.0f} thousand images; samples in {workdir / 'samples'}"
