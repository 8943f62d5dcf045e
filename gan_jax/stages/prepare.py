import pathlib
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from gan_jax import files
from gan_jax.collection import collection as collections
from gan_jax.collection.tfds import Pictures


def prepare(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """collection/: the paintings with their dates and images; of pictures without dates, which stay where they are, only which they are."""
    if config.collection.source == "tfds":
        collections.check_shape(config.collection)
        pictures = Pictures(config.collection)
        collections.save(collections.without_works(config.collection.resolution), workdir / "collection")
        files.write_json(workdir / collections.UNDATED, {"dataset": pictures.name, "pictures": pictures.shape[0]})
        return f"{pictures.shape[0]:,} pictures of {pictures.name}, without dates"
    collection = collections.prepare(config.collection)
    collections.save(collection, workdir / "collection")
    return collections.summary(collection)
