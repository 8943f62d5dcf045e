import pathlib
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from gan_jax.collection import collection as collections


def prepare(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """collection/: the paintings with their dates and images."""
    collection = collections.prepare(config.collection)
    collections.save(collection, workdir / "collection")
    return collections.summary(collection)
