"""A painter's works with their dates, periods and pictures: made from a table and a folder or by the painter, saved and loaded."""

import collections
import csv
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gan_jax import files
from gan_jax.collection import catalogue, dates
from gan_jax.collection.aspect import FITS
from gan_jax.collection.folder import ImageFolder, index_folder
from gan_jax.collection.images import Fitted, duplicates, load_images
from gan_jax.collection.painter import paint_collection
from gan_jax.collection.periods import PERIODS, parse_span, period_of
from gan_jax.errors import UserError
from gan_jax.progress import Progress

UNDATED = "collection/undated.json"  # in the workdir: of pictures without dates, which they are
RESOLUTIONS = tuple(2**level for level in range(4, 11))
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
    width: int  # px, of the picture as found, after its EXIF rotation
    height: int
    columns: Mapping[str, str] = field(default_factory=dict)  # the table's other columns and its dates, as they stand there


@dataclass(frozen=True)
class Skipped:
    file: str
    title: str
    reason: str  # "near duplicate: of 271.jpg (...)": a kind that is counted, then the case


@dataclass(frozen=True, eq=False)
class Collection:
    paintings: tuple[Painting, ...]  # by year, then file
    images: np.ndarray  # uint8 [n, resolution, resolution, 3], in the order of the paintings
    skipped: tuple[Skipped, ...]

    def period(self, name: str) -> np.ndarray:
        """Indices of the paintings of a period, int64 [n of them], by year."""
        if name not in PERIODS:
            raise ValueError(f"a period is one of {PERIODS}, not {name!r}")
        return np.array([i for i, painting in enumerate(self.paintings) if painting.period == name], np.int64)


@dataclass(frozen=True)
class _Work:
    file: str
    title: str
    date: tuple[float, float]
    row: Mapping[str, str]


# Works, their images, their sizes in px, what was skipped and the names of the columns to keep.
Sources = tuple[list[_Work], np.ndarray, list[tuple[int, int]], list[Skipped], list[str]]


def prepare(config: Any) -> Collection:
    """The collection that `config` (the section `collection`) describes. Raises UserError where it can't be made.

    Every row of the table and every picture no row names is among the paintings or among the skipped.
    """
    early = parse_span(config.periods.early, "config.collection.periods.early")
    late = parse_span(config.periods.late, "config.collection.periods.late")
    period_of(0, early, late)
    check_shape(config)
    if config.source == "painter":
        works, images, sizes, skipped, others = _from_painter(config)
    elif config.source == "folder":
        works, images, sizes, skipped, others = _from_folder(config)
    else:
        raise UserError(f"config.collection.source={config.source!r}: has to be 'folder', 'painter' or 'tfds'")
    paintings = [
        Painting(work.file, work.title, *work.date, period_of(work.date[0], early, late), *size, {name: work.row[name] for name in others})
        for work, size in zip(works, sizes)
    ]
    order = sorted(range(len(paintings)), key=lambda i: (paintings[i].year, paintings[i].file))
    result = Collection(tuple(paintings[i] for i in order), images[order], tuple(skipped))
    for name in ("early", "late"):
        count = len(result.period(name))
        if count < config.min_works:
            raise UserError(
                f"config.collection.periods.{name}={config.periods[name]!r}: {count} works, at least {config.min_works} are needed "
                f"({summary(result)})"
            )
    return result


def check_shape(config: Any) -> None:
    """Raises UserError for squares that can't be made."""
    if config.resolution not in RESOLUTIONS:
        raise UserError(
            f"config.collection.resolution={config.resolution}: has to be a power of two from {RESOLUTIONS[0]} to {RESOLUTIONS[-1]}"
        )
    if config.fit not in FITS:
        raise UserError(f"config.collection.fit={config.fit!r}: has to be one of {', '.join(FITS)}")


def without_works(resolution: int) -> Collection:
    """Of pictures that are learnt from where they lie."""
    return Collection((), np.zeros((0, resolution, resolution, 3), np.uint8), ())


def _from_painter(config: Any) -> Sources:
    if config.where:
        raise UserError(f"config.collection.where={config.where!r}: the built-in painter's works are not chosen by columns")
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
        works.append(_Work(row["file"], row["title"], date, row))
    sizes = [(config.resolution, config.resolution)] * len(works)
    return works, images, sizes, [], [name for name in rows[0] if name not in ("file", "title")]


def _from_folder(config: Any) -> Sources:
    distance = _distance(config.near_duplicates)
    if not config.table:
        raise UserError("config.collection.table: name the table (CSV or TSV) that has the file, title and date of each work")
    if not config.images:
        raise UserError("config.collection.images: name the folder of the images")
    folder = index_folder(config.images)
    table = catalogue.read_table(config.table)
    columns = catalogue.find_columns(table, config.columns)
    listed, skipped, named = _listed_works(table, columns, folder, config.where)
    skipped += [Skipped("", "", f"malformed row: line {line} of the table, {reason}") for line, reason in table.malformed]
    skipped += [Skipped(_printable(file), "", "unlisted image: no row names it") for file in folder.images() if file not in named]

    with Progress("prepare", len(listed)) as progress:
        pictures = load_images(
            [folder.root / work.file for work in listed], config.resolution, config.fit, config.max_pixels, progress.advance
        )
    usable: list[tuple[_Work, Fitted]] = []
    for work, picture in zip(listed, pictures):
        if isinstance(picture, Fitted):
            usable.append((work, picture))
        else:
            skipped.append(Skipped(work.file, work.title, f"unusable image: {picture}"))
    copies = duplicates([picture for _, picture in usable], distance)
    for i, (original, bits) in copies.items():
        work, kept = usable[i][0], usable[original][0]
        kind = "exact duplicate: same pixels as" if bits is None else f"near duplicate: {bits} of 64 bits from"
        skipped.append(Skipped(work.file, work.title, f"{kind} {kept.file} ({kept.title})"))
    unique = [pair for i, pair in enumerate(usable) if i not in copies]
    images = np.empty((len(unique), config.resolution, config.resolution, 3), np.uint8)
    for i, (_, picture) in enumerate(unique):
        images[i] = picture.image
    others = [name for name in table.columns if name not in (columns.file, columns.title)]
    return [work for work, _ in unique], images, [(picture.width, picture.height) for _, picture in unique], skipped, others


def _listed_works(
    table: catalogue.Table, columns: catalogue.Columns, folder: ImageFolder, where: str
) -> tuple[list[_Work], list[Skipped], set[str]]:
    """The rows with a readable date and an image, the others with the reason, and all files that any row names."""
    works, skipped, named = [], [], set()
    for row, wanted, date in zip(table.rows, catalogue.rows_where(table, where), catalogue.read_dates(table.rows, columns.date)):
        title = row[columns.title].strip() if columns.title else ""
        file, reason = row[columns.file].strip(), ""
        try:
            file = folder.find(file)
            named.add(file)
            if folder.leads_out(file):
                reason = "missing image: a link that leads out of the images folder"
        except LookupError as error:
            reason = f"missing image: {error}"
        if not wanted:
            reason = f"excluded row: not {where.strip()}"
        elif not reason and isinstance(date, str):
            reason = f"unreadable date: {date}"
        if reason:
            skipped.append(Skipped(file, title, reason))
        else:
            works.append(_Work(file, title or pathlib.PurePosixPath(file).stem, date, row))
    return works, skipped, named


def _distance(near_duplicates: Any) -> int | None:
    if isinstance(near_duplicates, int) and -1 <= near_duplicates <= 64:
        return near_duplicates if near_duplicates >= 0 else None
    raise UserError(f"config.collection.near_duplicates={near_duplicates!r}: has to be -1 or a distance from 0 to 64 bits")


def _printable(name: str) -> str:
    """A file name in bytes that aren't UTF-8, in a form that is."""
    return name.encode("utf-8", "backslashreplace").decode()


def summary(collection: Collection) -> str:
    """One line of counts: "775 works: 194 early, 195 between, 386 late; 1 skipped (1 near duplicate)"."""
    periods = collections.Counter(painting.period for painting in collection.paintings)
    counts = [f"{periods[name]} {name or 'outside'}" for name in PERIODS if name or periods[name]]
    kinds = collections.Counter(skipped.reason.partition(":")[0] for skipped in collection.skipped)
    skips = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.most_common())
    line = f"{len(collection.paintings)} works: {', '.join(counts)}; {len(collection.skipped)} skipped"
    return f"{line} ({skips})" if skips else line


def save(collection: Collection, folder: pathlib.Path | str) -> None:
    """Writes paintings.csv, images.npy and skipped.csv into `folder`, which appears when it is complete."""
    names = list(dict.fromkeys(name for painting in collection.paintings for name in painting.columns))
    rows = (
        {name: _text(getattr(painting, name)) for name in OWN_COLUMNS} | {_stored(name): value for name, value in painting.columns.items()}
        for painting in collection.paintings
    )
    with files.atomic_folder(folder) as temporary:
        files.write_csv(temporary / "paintings.csv", [*OWN_COLUMNS, *map(_stored, names)], rows)
        files.write_csv(temporary / "skipped.csv", ["file", "title", "reason"], map(vars, collection.skipped))
        files.write_array(temporary / "images.npy", collection.images)


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
        raise UserError(f"{path}: not the images of the {count} works beside it; run prepare again")
    return images
