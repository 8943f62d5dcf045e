"""Paintings from a table and a folder of images, and why each of the other rows and files is none."""

import collections
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax.collection import catalogue
from gan_jax.collection.folder import ImageFolder, index_folder
from gan_jax.collection.images import Fitted, border, duplicates, is_plain, load_images
from gan_jax.collection.sources import Listed, NotEnough, Skipped, Sources
from gan_jax.collection.tables import NoRows
from gan_jax.errors import UserError
from gan_jax.progress import Progress

PLACEHOLDERS = 4  # paintings of other titles or dates that one image can't be all of
BORDERED = 0.15  # share of an image
MOST_OF_ONE = 10  # rows that name one file; each of them has it decoded
NAMED = 5  # files, in a line about several


def from_folder(config: Any) -> Sources:
    """Returns the paintings that `config` (the section `collection`) describes. Raises UserError; NotEnough where it knows what was left
    out."""
    distance = None if config.near_duplicates < 0 else config.near_duplicates
    if not config.table:
        raise UserError("config.collection.table: name the table (CSV, TSV or JSON) that has the file, title and date of each painting")
    if not config.images:
        raise UserError("config.collection.images: name the folder of the images")
    notes: list[str] = []
    folder = index_folder(config.images)
    try:
        table = catalogue.read_table(config.table, folder.files, config.encoding)
    except NoRows as error:
        raise NotEnough(str(error), _malformed(error.malformed)) from None
    notes += [f"{config.table}: {repaired}" for repaired in table.repaired[:NAMED]]
    if len(table.repaired) > NAMED:
        notes.append(f"{config.table}: the same in {len(table.repaired) - NAMED} more places")
    if table.guessed:
        notes.append(f"{config.table}: read as {table.encoding}, which is guessed; --config.collection.encoding=NAME says it")
    columns = catalogue.find_columns(table, config.columns, folder.has)
    notes.append(f"columns: {columns}")
    listed, skipped, named = listed_paintings(table, columns, folder, config.where)
    skipped += _malformed(table.malformed)
    skipped += [Skipped(_printable(file), "", "unlisted image: no row names it") for file in folder.images() if file not in named]
    skipped += [
        Skipped(_printable(link), "", "linked folder: not followed; put a folder there, or name it itself") for link in folder.links
    ]

    with Progress("prepare", len(listed)) as progress:
        pictures = load_images(
            [folder.root / painting.file for painting in listed], config.resolution, config.fit, config.max_pixels, progress.advance
        )
    usable: list[tuple[Listed, Fitted]] = []
    for painting, picture in zip(listed, pictures):
        if isinstance(picture, Fitted) and is_plain(picture.thumbnail):
            skipped.append(Skipped(painting.file, painting.title, "no image: a single colour"))
        elif isinstance(picture, Fitted):
            usable.append((painting, picture))
        else:
            skipped.append(Skipped(painting.file, painting.title, f"unusable image: {picture}"))
    copies = duplicates([picture for _, picture in usable], distance)
    placeholders = _placeholders([painting for painting, _ in usable], copies)
    for i in placeholders:
        skipped.append(Skipped(usable[i][0].file, usable[i][0].title, "placeholder: the image of several paintings"))
    for i, (original, bits) in copies.items():
        if i in placeholders:
            continue
        painting, kept = usable[i][0], usable[original][0]
        kind = "exact duplicate: same pixels as" if bits is None else f"near duplicate: {bits} of 64 bits from"
        skipped.append(Skipped(painting.file, painting.title, f"{kind} {kept.file} ({kept.title})"))
    unique = [pair for i, pair in enumerate(usable) if i not in copies and i not in placeholders]
    images = np.empty((len(unique), config.resolution, config.resolution, 3), np.uint8)
    for i, (_, picture) in enumerate(unique):
        images[i] = picture.image
    others = [name for name in table.columns if name not in (columns.file, columns.title)]
    sizes = [(picture.width, picture.height) for _, picture in unique]
    return Sources([painting for painting, _ in unique], images, sizes, skipped, others, notes, tuple(_remarks(unique, config, notes)))


def _placeholders(paintings: Sequence[Listed], copies: Mapping[int, tuple[int, int | None]]) -> set[int]:
    """Returns indices of images that stand for several paintings: "no image available"."""
    groups: dict[int, list[int]] = {}
    for i, (original, _) in copies.items():
        groups.setdefault(original, [original]).append(i)
    found: set[int] = set()
    for group in groups.values():
        titles, dates = ({paintings[i].title for i in group}, {paintings[i].date for i in group})
        if len(group) >= PLACEHOLDERS and (len(titles) >= PLACEHOLDERS or len(dates) >= PLACEHOLDERS):
            found |= set(group)
    return found


def _remarks(unique: Sequence[tuple[Listed, Fitted]], config: Any, notes: list[str]) -> Iterable[str]:
    """What there is to say about the images, with their counts; the names of the first are added to the notes."""
    shorter = max if config.fit == "pad" else min
    for about, files_of in (
        (f"smaller than {config.resolution} px", [one.file for one, p in unique if shorter(p.width, p.height) < config.resolution]),
        ("with empty borders", [one.file for one, p in unique if border(p.thumbnail) >= BORDERED]),
    ):
        if files_of:
            more = f" and {len(files_of) - NAMED} more" if len(files_of) > NAMED else ""
            notes.append(f"{about}: {', '.join(files_of[:NAMED])}{more}")
            yield f"{len(files_of)} {about}"


def _malformed(rows: Iterable[tuple[int, str]]) -> list[Skipped]:
    return [Skipped("", "", f"malformed row: line {line} of the table, {reason}") for line, reason in rows]


def listed_paintings(
    table: catalogue.Table, columns: catalogue.Columns, folder: ImageFolder, where: str
) -> tuple[list[Listed], list[Skipped], set[str]]:
    """Returns the rows with a readable date and an image, the others with the reason, and all files that any row names."""
    skipped: list[Skipped] = []
    named, outside = set[str](), set[str]()
    times: collections.Counter[str] = collections.Counter()
    usable: list[tuple[str, str, Mapping[str, str]]] = []  # files, titles and rows of paintings that need only a date
    for row, wanted in zip(table.rows, catalogue.rows_where(table, where)):
        title = row[columns.title].strip() if columns.title else ""
        file, reason = row[columns.file].strip(), ""
        try:
            file = folder.find(file)
            if file not in named and folder.leads_out(file):
                outside.add(file)
            named.add(file)
            if file in outside:
                reason = "missing image: a link that leads out of the images folder, or nowhere"
        except LookupError as error:
            reason = f"missing image: {error}"
        if not wanted:
            reason = f"excluded row: not {where.strip()}"
        elif not reason:
            times[file] += 1
            if times[file] > MOST_OF_ONE:
                reason = f"repeated row: more than {MOST_OF_ONE} rows name this file"
        if reason:
            skipped.append(Skipped(file, title, reason))
        else:
            usable.append((file, title, row))
    paintings = []
    for (file, title, its_row), date in zip(usable, catalogue.painting_dates([row for _, _, row in usable], columns)):
        if isinstance(date, str):
            skipped.append(Skipped(file, title, f"unreadable date: {date}"))
        else:
            paintings.append(Listed(file, title or pathlib.PurePosixPath(file).stem, date, its_row))
    return paintings, skipped, named


def _printable(name: str) -> str:
    """Returns a file name in bytes that aren't UTF-8, in a form that is."""
    return name.encode("utf-8", "backslashreplace").decode()
