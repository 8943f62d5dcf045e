import pathlib
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from ml_collections import ConfigDict

from gan_jax import files
from gan_jax.collection import collection as collections
from gan_jax.collection.paintings import save_skipped
from gan_jax.collection.tfds import Pictures
from gan_jax.errors import UserError, on_one_line


def prepare(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """Makes collection/: the paintings with their dates and images. Images without dates stay where they are; of them it says which."""
    if config.collection.source == "tfds":
        pictures = Pictures(config.collection)
        collections.without_paintings(config.collection.resolution).save(workdir / "collection")
        files.write_json(workdir / collections.UNDATED, {"dataset": pictures.name, "pictures": pictures.shape[0]})
        return f"{pictures.shape[0]:,} images of {pictures.name}, without dates"
    try:
        collection = collections.prepare(config.collection)
    except collections.NotEnough as error:
        _say(error.notes)
        if not error.skipped:
            raise
        # Beside a collection that was made before, which still stands.
        place = workdir if (workdir / "collection" / "paintings.csv").exists() else workdir / "collection"
        save_skipped(error.skipped, place / "skipped.csv")
        raise UserError(f"{error}; {place / 'skipped.csv'} lists what was left out") from None
    _say(collection.notes)
    collection.save(workdir / "collection")
    return collections.summary(collection)


def _say(notes: Iterable[str]) -> None:
    for note in notes:
        print(f"prepare: {on_one_line(note)}", file=sys.stderr)
