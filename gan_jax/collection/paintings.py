"""The paintings of a study with their dates, periods and images: what `prepare` makes and every later stage reads."""

import math
import pathlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from gan_jax import files, reading
from gan_jax.collection.aspect import matted
from gan_jax.collection.periods import PERIODS
from gan_jax.collection.sources import Skipped
from gan_jax.errors import UserError

# In paintings.csv a column of the table that has one of our names, or begins like this already, gets this in front.
TABLE_PREFIX = "table:"
PAINTINGS = {
    "file": reading.text,
    "title": reading.text,
    "year": reading.number,
    "uncertainty": reading.number,
    "period": reading.text,
    "width": reading.whole,
    "height": reading.whole,
}
SKIPPED = {"file": reading.text, "title": reading.text, "reason": reading.text}
MOST_SIDE = 10**6  # pixels of an image as it was found
MOST_RESOLUTION = 1024
YEARS = (-10_000, 10_000)  # that a date may be of


@dataclass(frozen=True)
class Painting:
    file: str  # below the images folder, with "/"
    title: str
    year: float  # 1888.5 is the middle of 1888
    uncertainty: float  # years either way
    period: str  # 'early', 'late', 'between' or '' for outside of all
    width: int  # px, of the image as found, after its EXIF rotation
    height: int
    columns: Mapping[str, str] = field(default_factory=dict)  # the table's other columns and its dates, as they stand there


@dataclass(frozen=True, eq=False)
class Collection:
    paintings: tuple[Painting, ...]  # by year, then file
    images: np.ndarray  # uint8 [n, resolution, resolution, 3], in the order of the paintings
    skipped: tuple[Skipped, ...]
    remarks: tuple[str, ...] = ()  # about the images, with their counts
    notes: tuple[str, ...] = ()  # lines about how it was made, which are said and not kept

    def period(self, name: str) -> np.ndarray:
        """Returns indices of the paintings of a period, int64 [n of them], by year."""
        if name not in PERIODS:
            raise ValueError(f"a period is one of {PERIODS}, not {name!r}")
        return np.array([i for i, painting in enumerate(self.paintings) if painting.period == name], np.int64)

    @cached_property
    def years(self) -> np.ndarray:
        """Returns [n], of the paintings."""
        return np.array([painting.year for painting in self.paintings])

    @cached_property
    def aspects(self) -> np.ndarray:
        """Returns [n], width over height of the paintings as they were found."""
        return np.array([painting.width / painting.height for painting in self.paintings])

    def in_own_shapes(self, fit: str) -> "Collection":
        """Gives the same paintings with images to look at, each in its own shape. `fit` says how they became squares."""
        return replace(self, images=matted(self.images, self.aspects, fit))

    def describe(self, index: int) -> dict[str, Any]:
        """Says which painting stands at a place, as tables of later stages do."""
        painting = self.paintings[index]
        return {"index": index, "file": painting.file, "title": painting.title, "year": f"{painting.year:.3f}", "period": painting.period}

    def save(self, folder: pathlib.Path | str) -> None:
        """Writes paintings.csv, images.npy and skipped.csv into `folder`, which appears when it is complete."""
        names = list(dict.fromkeys(name for painting in self.paintings for name in painting.columns))
        rows = (
            {name: _text(getattr(one, name)) for name in PAINTINGS} | {_stored(name): value for name, value in one.columns.items()}
            for one in self.paintings
        )
        with files.atomic_folder(folder) as temporary:
            files.write_csv(temporary / "paintings.csv", [*PAINTINGS, *map(_stored, names)], rows)
            save_skipped(self.skipped, temporary / "skipped.csv")
            files.write_array(temporary / "images.npy", self.images)

    @classmethod
    def load(cls, folder: pathlib.Path | str) -> "Collection":
        """Reads what `save` wrote; the images stay on disk until they are used. Raises UserError if something is missing or damaged."""
        folder = pathlib.Path(folder)
        table = folder / "paintings.csv"
        rows = reading.read_table(table, PAINTINGS)
        paintings = tuple(_painting(row, f"{table}: row {n}") for n, row in enumerate(rows, 1))
        skipped = tuple(Skipped(*(row[name] for name in SKIPPED)) for row in reading.read_table(folder / "skipped.csv", SKIPPED))
        images = reading.map_array(folder / "images.npy", "uint8", (len(paintings), None, None, 3))
        if images.shape[1] != images.shape[2] or not 0 < images.shape[1] <= MOST_RESOLUTION:
            raise UserError(f"{folder / 'images.npy'}: holds images of {images.shape[2]} x {images.shape[1]} pixels, squares are needed")
        return cls(paintings, images, skipped)


def save_skipped(skipped: Iterable[Skipped], path: pathlib.Path | str) -> None:
    """Writes the list alone, where there is no collection."""
    files.write_csv(path, SKIPPED, map(vars, skipped))


def _text(value: str | int | float) -> str:
    return value if isinstance(value, str) else repr(value)


def _stored(name: str) -> str:
    return TABLE_PREFIX + name if name in PAINTINGS or name.startswith(TABLE_PREFIX) else name


def _painting(row: dict[str, Any], where: str) -> Painting:
    own = {name: row.pop(name) for name in PAINTINGS}
    sizes = all(0 < own[name] <= MOST_SIDE for name in ("width", "height"))
    dated = YEARS[0] <= own["year"] <= YEARS[1] and 0 <= own["uncertainty"] < math.inf
    if not (sizes and dated and own["period"] in PERIODS):
        raise UserError(f"{where}: year, uncertainty, period, width or height is not what `prepare` writes; run it again")
    return Painting(**own, columns={name.removeprefix(TABLE_PREFIX): value for name, value in row.items()})
