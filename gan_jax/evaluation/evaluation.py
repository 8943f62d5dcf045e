"""Every figure of a study as it lies in a workdir: what `evaluate` makes, for the report."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax import files, reading
from gan_jax.errors import UserError

FIGURES, FOLDER = "evaluation.json", "evaluation"
FEATURES, ABOUT_FEATURES = "features_{}.npy", "features.json"
# Of the tables that are read, the columns that are read; people look at all of them.
TABLES: dict[str, dict[str, reading.Kind]] = {
    "works": {  # so are the paintings called in files, from the beginning
        "index": reading.whole,
        "year": reading.number_or_nan,
        "looks_like": reading.number_or_nan,
        "ahead": reading.number_or_nan,
        "map_x": reading.number_or_nan,
        "map_y": reading.number_or_nan,
        "named": reading.text,
    },
    "frames": {
        "pair": reading.whole,
        "frame": reading.whole,
        "year": reading.number_or_nan,
        "looks_like": reading.number_or_nan,
        "resembles_index": reading.whole,
    },
    "generated": {
        "image": reading.whole,
        "nearest_index": reading.text,  # "" where nearness was not measured
        "distance": reading.number_or_nan,
        "copy": reading.text,
    },
}
SHOWN = {"the early works": "the early paintings", "the late works": "the late paintings"}  # names in the file, as people read them
LATER = ("named", "map_x", "map_y", "copy")  # columns that are not in every table
PLACES = {"works": "index", "frames": "resembles_index"}

Rows = Sequence[Mapping[str, Any]]


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    figures: Mapping[str, Any]  # of evaluation.json
    tables: Mapping[str, Rows]  # by name, what people and the report look up
    features: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)  # of the collection's paintings [n, d] by name
    images: str = ""  # checksum of the images that the features are of

    def save(self, workdir: pathlib.Path) -> None:
        """Writes evaluation/, which appears when it is complete, and evaluation.json after it."""
        with files.atomic_folder(workdir / FOLDER) as folder:
            for name, rows in self.tables.items():
                files.write_csv(folder / f"{name}.csv", rows[0] if rows else ["nothing"], rows)
            for name, each in self.features.items():
                files.write_array(folder / features_file(name), each)
            files.write_json(folder / ABOUT_FEATURES, {"collection": self.images})
        files.write_json(workdir / FIGURES, self.figures)

    @classmethod
    def load(cls, workdir: pathlib.Path, paintings: int) -> "Evaluation":
        """Reads figures and tables that `save` wrote of a collection of so many paintings; of features nothing, see `known_features`.

        Raises UserError if something is damaged, or of other paintings; a table that is not there is empty.
        """
        tables = {}
        for name, schema in TABLES.items():
            path = workdir / FOLDER / f"{name}.csv"
            tables[name] = reading.read_table(path, schema, LATER) if reading.is_there(path) else []
            if name in PLACES:
                reading.check_places(tables[name], (PLACES[name],), paintings, path)
        for place, row in enumerate(tables["generated"], 1):
            row["nearest_index"] = _place(row["nearest_index"], paintings, f"{workdir / FOLDER / 'generated.csv'}: row {place}")
        return cls(reading.read_object(workdir / FIGURES), tables)


def _place(said: str, paintings: int, where: str) -> int | None:
    """Returns the place of a painting, None where the table says none."""
    try:
        place = reading.whole(said) if said else None
    except ValueError as error:
        raise UserError(f"{where}: nearest_index is {reading.shown(said)}, it {error}") from None
    if place is not None and not 0 <= place < paintings:
        raise UserError(f"{where}: nearest_index is {place}, the collection has {paintings} paintings")
    return place


def known_features(workdir: pathlib.Path, names: Sequence[str], images: str, paintings: int) -> dict[str, np.ndarray]:
    """Reads those features [n, d] of the paintings, by name, that an earlier evaluation has left of the very images.

    images: checksum of them. What is missing, damaged or of other images is left out: it can be measured again.
    """
    found = {}
    try:
        if reading.read_object(workdir / FOLDER / ABOUT_FEATURES).get("collection") != images:
            return {}
    except UserError:
        return {}
    for name in names:
        try:
            found[name] = reading.read_array(workdir / FOLDER / features_file(name), "floats", (paintings, None))
        except UserError:
            continue
    return found


def features_file(name: str) -> str:
    """Returns the file of features of that name, which may be a path."""
    return FEATURES.format("".join(c if c.isalnum() else "_" for c in name))


def shown(name: str) -> str:
    """Returns the name of what frames are put beside as people read it."""
    return SHOWN.get(name, name)
