"""A collection: paintings with their dates, periods and images, and what was left out and why."""

import dataclasses
import math
import os
import pathlib
import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files
from gan_jax.collection import catalogue, painter
from gan_jax.collection.images import FITS, SUFFIXES, Fitted, ImageError, load_image
from gan_jax.errors import UserError
from gan_jax.progress import follow

FIELDS = ("file", "title", "year", "uncertainty", "period", "width", "height")
SKIPPED_FIELDS = ("file", "title", "reason")
MAX_TEXT = 500  # characters of a title or another column that are kept


@dataclasses.dataclass(frozen=True)
class Painting:
    file: str
    title: str
    year: float
    uncertainty: float  # years on either side
    period: str  # "early", "between", "late", or "" outside them
    width: int  # pixels of the picture as it was found
    height: int
    columns: Mapping[str, str]  # the table's other columns


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A row or an image that was left out."""

    file: str
    title: str
    reason: str  # before a colon the kind, by which they are counted


@dataclasses.dataclass(frozen=True)
class Collection:
    paintings: tuple[Painting, ...]  # by year, then file
    images: np.ndarray  # uint8 [n, resolution, resolution, 3]
    skipped: tuple[Skipped, ...]

    def period(self, name: str) -> np.ndarray:
        """Indices of the works of a period, in order of date."""
        return np.array([i for i, painting in enumerate(self.paintings) if painting.period == name], int)


def parse_span(text: str, field: str) -> tuple[float, float]:
    """Years as [from, to): "..1885" up to the end of 1885, "1888.." from the start of 1888, "1880..1883", "1886", "..1885.5".

    `field` is the config field, for the message of the UserError.
    """
    year = r"(\d{4}(?:\.\d+)?)"
    match = re.fullmatch(rf"\s*(?:{year}?\s*\.\.\s*{year}?|{year})\s*", text)
    if not match or not any(match.groups()):
        raise UserError(f"{field}={text!r}: years like '..1885', '1888..', '1880..1883' or '1886' are needed")
    first, last = match[1] or match[3], match[2] or match[3]
    start = float(first) if first else -math.inf
    end = math.inf if not last else float(last) + (0 if "." in last else 1)
    if start >= end:
        raise UserError(f"{field}={text!r}: ends before it starts")
    return start, end


def period_of(year: float, early: tuple[float, float], late: tuple[float, float]) -> str:
    """The period of a year; what lies from the end of the early one to the start of the late one is "between"."""
    if early[0] <= year < early[1]:
        return "early"
    if late[0] <= year < late[1]:
        return "late"
    return "between" if early[1] <= year < late[0] else ""


def prepare(config: ConfigDict) -> Collection:
    """Makes the collection of `config.collection`. Raises UserError for what the user can mend."""
    early = parse_span(config.periods.early, "config.collection.periods.early")
    late = parse_span(config.periods.late, "config.collection.periods.late")
    if early[1] > late[0]:
        raise UserError(f"config.collection.periods: early ({config.periods.early}) must end before late ({config.periods.late}) starts")
    size = config.resolution
    if size not in [2**level for level in range(4, 11)]:
        raise UserError(f"config.collection.resolution={size}: a power of two from 16 to 1024 is needed")
    if config.fit not in FITS:
        raise UserError(f"config.collection.fit={config.fit!r}: there is {', '.join(map(repr, FITS))}")
    if config.source == "painter":
        found, skipped = _painted(config)
    elif config.source == "folder":
        found, skipped = _from_folder(config)
    else:
        raise UserError(f"config.collection.source={config.source!r}: there is 'painter' and 'folder'")

    found = [(dataclasses.replace(painting, period=period_of(painting.year, early, late)), image) for painting, image in found]
    found.sort(key=lambda work: (work[0].year, work[0].file))
    counts = Counter(painting.period for painting, _ in found)
    for period in ("early", "late"):
        if counts[period] < config.min_works:
            raise UserError(
                f"config.collection.periods.{period}={config.periods[period]!r}: {counts[period]} works are left in it, "
                f"{config.min_works} are needed ({_counted(skipped) or 'none were skipped'})"
            )
    return Collection(tuple(painting for painting, _ in found), np.stack([image for _, image in found]), tuple(skipped))


def summary(collection: Collection) -> str:
    """The counts, in one line."""
    counts = Counter(painting.period for painting in collection.paintings)
    periods = ", ".join(
        f"{counts[name]} {name or 'outside the periods'}" for name in ("early", "between", "late", "") if counts[name] or name
    )
    return f"{len(collection.paintings)} works: {periods}" + (f"; skipped: {_counted(collection.skipped)}" if collection.skipped else "")


def save(collection: Collection, folder: pathlib.Path) -> None:
    """Writes paintings.csv, images.npy and skipped.csv into `folder`, which appears when they are complete."""
    names = sorted({name for painting in collection.paintings for name in painting.columns})
    # A table's own column keeps its name unless it is one of ours.
    stored = {name: name if name not in FIELDS else f"table.{name}" for name in names}
    rows = []
    for painting in collection.paintings:
        own = {field: getattr(painting, field) for field in FIELDS}
        # repr is the shortest text that reads back as the same number.
        own |= {"year": repr(painting.year), "uncertainty": repr(painting.uncertainty)}
        rows.append(own | {stored[name]: value for name, value in painting.columns.items()})
    with files.atomic_folder(folder) as temporary:
        files.write_csv(temporary / "paintings.csv", [*FIELDS, *stored.values()], rows)
        files.write_csv(temporary / "skipped.csv", SKIPPED_FIELDS, [dataclasses.asdict(skipped) for skipped in collection.skipped])
        files.write_array(temporary / "images.npy", collection.images)


def load(folder: pathlib.Path) -> Collection:
    """Reads what `save` wrote. Raises UserError where it is missing or damaged."""
    rows = files.read_csv(folder / "paintings.csv")
    images = files.read_array(folder / "images.npy")
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or len(images) != len(rows):
        raise UserError(f"{folder}: {len(rows)} paintings and images {images.dtype} {list(images.shape)}, which don't belong together")
    try:
        paintings = tuple(
            Painting(
                row.pop("file"), row.pop("title"), float(row.pop("year")), float(row.pop("uncertainty")), row.pop("period"),
                int(row.pop("width")), int(row.pop("height")), {name.removeprefix("table."): value for name, value in row.items()},
            )
            for row in rows
        )  # fmt: skip
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{folder / 'paintings.csv'}: not as it was written ({error})") from None
    return Collection(paintings, images, tuple(Skipped(**row) for row in files.read_csv(folder / "skipped.csv")))


def _painted(config: ConfigDict) -> tuple[list[tuple[Painting, np.ndarray]], list[Skipped]]:
    if config.where:
        raise UserError(f"config.collection.where={config.where!r}: the built-in painter's works are not chosen by columns")
    rows, images = painter.paint_collection(**config.painter, resolution=config.resolution)
    works = []
    for row, image in zip(rows, images):
        others = {name: value for name, value in row.items() if name not in ("file", "title", "date")}
        works.append((Painting(row["file"], row["title"], float(row["date"]), 0.0, "", *image.shape[1::-1], others), image))
    return works, []


def _from_folder(config: ConfigDict) -> tuple[list[tuple[Painting, np.ndarray]], list[Skipped]]:
    """Every row of the table and every image of the folder becomes a painting or is skipped with a reason."""
    if not config.table or not config.images:
        raise UserError("config.collection.table and config.collection.images: name a table of works and the folder of their images")
    folder = pathlib.Path(config.images)
    if not folder.is_dir():
        raise UserError(f"config.collection.images={config.images}: no such folder")
    table = catalogue.read_table(pathlib.Path(config.table))
    columns = catalogue.find_columns(table, config.columns)
    index = ImageIndex(folder)
    skipped = [Skipped(str(table.path.name), "", f"malformed row: {reason}") for _, reason in table.malformed]
    works: list[tuple[Painting, Fitted]] = []
    named: set[pathlib.Path] = set()
    wanted, dates = catalogue.rows_where(table, config.where), catalogue.dates(table.rows, columns.date)

    def read(row: Mapping[str, str], file: str, title: str, keep: bool, date: tuple[float, float] | str) -> tuple[Painting, Fitted] | str:
        """A work, or the reason why there is none."""
        path = index.find(file) if file else None
        again = path in named
        if path:
            named.add(path)
        if not keep:
            return f"not wanted: {config.where}"
        if path is None:
            return "no image: no such file in the folder" if file else "no image: the row names no file"
        if again:
            return "exact duplicate: an earlier row names the same file"
        if isinstance(date, str):
            return f"unreadable date: {date}"
        try:
            picture = load_image(path, config.resolution, config.fit, config.max_pixels)
        except ImageError as error:
            return f"unreadable image: {error}"
        others = {name: value[:MAX_TEXT] for name, value in row.items() if name not in (columns.file, columns.title)}
        return Painting(file, title, *date, "", picture.width, picture.height, others), picture

    for row, keep, date in follow("prepare", zip(table.rows, wanted, dates), len(table.rows)):
        file = row[columns.file].strip()[:MAX_TEXT]
        title = (row[columns.title].strip() if columns.title else "")[:MAX_TEXT] or pathlib.PurePath(file).stem
        work = read(row, file, title, keep, date)
        if isinstance(work, str):
            skipped.append(Skipped(file, title, work))
        else:
            works.append(work)
    skipped += [
        Skipped(str(path.relative_to(folder)), "", "no row: the table does not name it") for path in index.paths if path not in named
    ]
    kept, copies = _without_copies(works, config.near_duplicate)
    return kept, skipped + copies


def _without_copies(works: list[tuple[Painting, Fitted]], limit: float) -> tuple[list[tuple[Painting, np.ndarray]], list[Skipped]]:
    """Of pictures that are copies of each other the first stays: same pixels, or a correlation above `limit` at 32 x 32 pixels."""
    kept: list[tuple[Painting, np.ndarray]] = []
    fingerprints = np.zeros((len(works), works[0][1].fingerprint.size if works else 0), np.float32)
    digests: dict[str, str] = {}
    copies = []
    for painting, picture in works:
        alike = fingerprints[: len(kept)] @ picture.fingerprint
        if picture.digest in digests:
            copies.append(Skipped(painting.file, painting.title, f"exact duplicate: of {digests[picture.digest]}"))
        elif len(alike) and alike.max() > limit:
            copies.append(
                Skipped(painting.file, painting.title, f"near duplicate: of {kept[int(alike.argmax())][0].file} ({alike.max():.3f})")
            )
        else:
            fingerprints[len(kept)] = picture.fingerprint
            kept.append((painting, picture.image))
        digests.setdefault(picture.digest, painting.file)
    return kept, copies


class ImageIndex:
    """The image files below a folder, found by the names that tables give them."""

    def __init__(self, folder: pathlib.Path):
        """Links are not followed out of the folder: a file counts only if it really lies in it."""
        root = folder.resolve()
        self.paths: list[pathlib.Path] = []
        for parent, folders, names in os.walk(folder):
            folders.sort()
            candidates = (pathlib.Path(parent, name) for name in sorted(names) if not name.startswith("."))
            self.paths += [path for path in candidates if path.suffix.lower() in SUFFIXES and path.resolve().is_relative_to(root)]
        self._by_name: dict[str, pathlib.Path] = {}
        for path in reversed(self.paths):  # of files that share a name the first stays
            relative = path.relative_to(folder)
            for key in (relative.with_suffix("").name, relative.name, str(relative.with_suffix("")), str(relative)):
                self._by_name[key.casefold()] = path
        self._exact = {str(path.relative_to(folder)): path for path in self.paths}

    def find(self, name: str) -> pathlib.Path | None:
        """The file of a name: as it stands, in another case, without its ending, without its folders."""
        name = name.replace("\\", "/").removeprefix("./")
        if name in self._exact:
            return self._exact[name]
        folded = name.casefold()
        last = folded.rsplit("/", 1)[-1]
        for key in (folded, last, last.rsplit(".", 1)[0] if pathlib.PurePosixPath(last).suffix in SUFFIXES else last):
            if key in self._by_name:
                return self._by_name[key]
        return None


def _counted(skipped: list[Skipped] | tuple[Skipped, ...]) -> str:
    counts = Counter(work.reason.split(":")[0] for work in skipped)
    return ", ".join(f"{n} {reason}" for reason, n in counts.most_common())
