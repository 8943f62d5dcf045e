"""A painter's paintings with their dates, periods and images: made from a table and a folder or by the painter, saved and loaded."""

import collections
import csv
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gan_jax import files
from gan_jax.collection import dates
from gan_jax.collection.from_folder import from_folder
from gan_jax.collection.named_periods import ENDS, Periods
from gan_jax.collection.painter import paint_collection
from gan_jax.collection.periods import PERIODS, may_be_of
from gan_jax.collection.sources import NotEnough, Skipped, Sources, Work
from gan_jax.errors import UserError

UNDATED = "collection/undated.json"  # in the workdir: of images without dates, which they are
OPEN = "uncertain date"  # why paintings are skipped that may as well be of another period
OWN_COLUMNS = ("file", "title", "year", "uncertainty", "period", "width", "height")
# In paintings.csv a column of the table that has one of our names, or begins like this already, gets this in front.
TABLE_PREFIX = "table:"


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
        """Indices of the paintings of a period, int64 [n of them], by year."""
        if name not in PERIODS:
            raise ValueError(f"a period is one of {PERIODS}, not {name!r}")
        return np.array([i for i, painting in enumerate(self.paintings) if painting.period == name], np.int64)


def prepare(config: Any) -> Collection:
    """The collection that `config` (the section `collection`) describes. Raises UserError where it can't be made.

    Every row of the table and every image no row names is among the paintings or among the skipped.
    """
    periods = Periods.of(config)
    found = _from_painter(config) if config.source == "painter" else from_folder(config)
    if config.uncertain != "keep" and not periods.column:
        found = _certain(found, periods.spans["early"], periods.spans["late"])
    years, rows = [work.date[0] for work in found.works], [work.row for work in found.works]
    paintings = [
        Painting(work.file, work.title, *work.date, part, *size, {name: work.row[name] for name in found.columns})
        for work, size, part in zip(found.works, found.sizes, periods.parts(years, rows, found.columns))
    ]
    of_further = collections.Counter(periods.names(years, rows, found.columns))
    named = ", ".join(f"{of_further[name]} {name}" for name in periods.further)
    order = sorted(range(len(paintings)), key=lambda i: (paintings[i].year, paintings[i].file))
    paintings_in_order = tuple(paintings[i] for i in order)
    result = Collection(
        paintings_in_order, found.images[order], tuple(found.skipped), found.remarks + ((named,) if named else ()), tuple(found.notes)
    )
    for name, said in periods.said.items():
        count, least = (len(result.period(name)), config.min_works) if name in ENDS else (of_further[name], 1)
        if count < least:
            first = f"; the first: {_case(result.skipped[0])}" if result.skipped else ""
            raise NotEnough(
                f"config.collection.periods.{name}={said!r}: {count} paintings, at least {least} {'are' if least > 1 else 'is'} needed "
                f"({summary(result)}{first}){periods.held(rows, found.columns)}",
                result.skipped,
                result.notes,
            )
    return result


def _case(skipped: Skipped) -> str:
    return f"{skipped.file or skipped.title}: {skipped.reason}"


def _certain(found: Sources, early: tuple[float, float], late: tuple[float, float]) -> Sources:
    """Without the paintings that may as well be of another period, which are skipped."""
    kept, skipped = [], []
    for i, work in enumerate(found.works):
        periods = may_be_of(*work.date, early, late)
        if len(periods) > 1:
            skipped.append(Skipped(work.file, work.title, f"{OPEN}: {work.said()}, {' or '.join(periods)}"))
        else:
            kept.append(i)
    works, sizes = ([each[i] for i in kept] for each in (found.works, found.sizes))
    return replace(found, works=works, images=found.images[kept], sizes=sizes, skipped=found.skipped + skipped)


def without_works(resolution: int) -> Collection:
    """Of images that are learnt from where they lie."""
    return Collection((), np.zeros((0, resolution, resolution, 3), np.uint8), ())


def _from_painter(config: Any) -> Sources:
    if config.where:
        raise UserError(f"config.collection.where={config.where!r}: the built-in painter's paintings are not chosen by columns")
    rows, images = paint_collection(
        works=config.painter.works,
        first_year=config.painter.first_year,
        last_year=config.painter.last_year,
        seed=config.painter.seed,
        resolution=config.resolution,
    )
    works = []
    for row, date in zip(rows, dates.parse_dates([row["date"] for row in rows])):
        if isinstance(date, str):
            raise UserError(f"config.collection.painter: {date}; first_year and last_year have to be dates that can be read")
        works.append(Work(row["file"], row["title"], date, row))
    sizes = [(config.resolution, config.resolution)] * len(works)
    return Sources(works, images, sizes, [], [name for name in rows[0] if name not in ("file", "title")], [])


def summary(collection: Collection) -> str:
    """One line of counts: "775 paintings: 194 early, 195 between, 386 late; 1 skipped (1 near duplicate)"."""
    periods = collections.Counter(painting.period for painting in collection.paintings)
    counts = [f"{periods[name]} {name or 'outside'}" for name in PERIODS if name or periods[name]]
    kinds = collections.Counter(skipped.reason.partition(":")[0] for skipped in collection.skipped)
    skips = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.most_common())
    line = f"{len(collection.paintings)} paintings: {', '.join(counts)}; {len(collection.skipped)} skipped"
    line = f"{line} ({skips})" if skips else line
    line += "".join(f"; {remark}" for remark in collection.remarks)
    if open_ := kinds[OPEN]:
        part = open_ / (open_ + len(collection.paintings))
        line += f"; {part:.0%} of the dated paintings may as well be of another period, and are left out"
    return line


def save(collection: Collection, folder: pathlib.Path | str) -> None:
    """Writes paintings.csv, images.npy and skipped.csv into `folder`, which appears when it is complete."""
    names = list(dict.fromkeys(name for painting in collection.paintings for name in painting.columns))
    rows = (
        {name: _text(getattr(painting, name)) for name in OWN_COLUMNS} | {_stored(name): value for name, value in painting.columns.items()}
        for painting in collection.paintings
    )
    with files.atomic_folder(folder) as temporary:
        files.write_csv(temporary / "paintings.csv", [*OWN_COLUMNS, *map(_stored, names)], rows)
        save_skipped(collection.skipped, temporary / "skipped.csv")
        files.write_array(temporary / "images.npy", collection.images)


def save_skipped(skipped: Iterable[Skipped], path: pathlib.Path | str) -> None:
    """Writes the list alone, where there is no collection."""
    files.write_csv(path, ["file", "title", "reason"], map(vars, skipped))


def load(folder: pathlib.Path | str) -> Collection:
    """Reads what `save` wrote; the images stay on disk until they are used. Raises UserError if something is missing or damaged."""
    folder = pathlib.Path(folder)
    table = folder / "paintings.csv"
    paintings = [_painting(row, f"{table}: row {n}") for n, row in enumerate(_rows(table, OWN_COLUMNS), 1)]
    skipped = [Skipped(row["file"], row["title"], row["reason"]) for row in _rows(folder / "skipped.csv", ("file", "title", "reason"))]
    return Collection(tuple(paintings), _images(folder / "images.npy", len(paintings)), tuple(skipped))


def _text(value: str | int | float) -> str:
    return value if isinstance(value, str) else repr(value)


def _stored(name: str) -> str:
    return TABLE_PREFIX + name if name in OWN_COLUMNS or name.startswith(TABLE_PREFIX) else name


def _rows(path: pathlib.Path, required: Sequence[str]) -> Iterable[dict[str, str]]:
    try:
        rows = files.read_csv(path)
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise UserError(f"{path}: damaged ({error}); run prepare again") from None
    for n, row in enumerate(rows, 1):
        if None in row or None in row.values() or not set(required) <= set(row):
            raise UserError(f"{path}: row {n} is damaged; run prepare again")
    return rows


def _painting(row: dict[str, str], where: str) -> Painting:
    try:
        year, uncertainty = float(row["year"]), float(row["uncertainty"])
        width, height = int(row["width"]), int(row["height"])
    except ValueError as error:
        raise UserError(f"{where}: {error}; run prepare again") from None
    if not (math.isfinite(year) and 0 <= uncertainty < math.inf and width > 0 and height > 0 and row["period"] in PERIODS):
        raise UserError(f"{where}: year, uncertainty, period, width or height is not what prepare writes; run it again")
    others = {name.removeprefix(TABLE_PREFIX): value for name, value in row.items() if name not in OWN_COLUMNS}
    return Painting(row["file"], row["title"], year, uncertainty, row["period"], width, height, others)


def _images(path: pathlib.Path, count: int) -> np.ndarray:
    try:
        images = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file; run prepare again") from None
    except (ValueError, OverflowError, EOFError, OSError) as error:
        raise UserError(f"{path}: not an array of images ({error}); run prepare again") from None
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape != (count, images.shape[1], images.shape[1], 3):
        raise UserError(f"{path}: not the images of the {count} paintings beside it; run prepare again")
    return images
