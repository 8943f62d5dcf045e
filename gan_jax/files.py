"""Writing so that a reader never sees half a file, and what tells that a file is whole. `reading.py` reads what is written here."""

import contextlib
import csv
import errno
import glob
import hashlib
import json
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from gan_jax.errors import UserError
from gan_jax.reading import map_array, open_regular, read_json

# The one way to read it is to set it, which must not happen while other threads write.
UMASK = os.umask(0)
os.umask(UMASK)

_making: set[pathlib.Path] = set()  # folders that are synced as a whole, when they are complete
_SYNCING = 16  # files at once: a disk writes down together what is asked of it together
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
KINDS = (".npy", ".json", ".csv", ".html", ".png", ".gif", ".webp", ".mp4")  # whose damage is known
_UNFINISHED = ".unfinished-"  # in the names of what is being written, lest a hidden file of the user's be taken for one
_TEMPORARY = re.compile(rf"\..+{re.escape(_UNFINISHED)}[a-z0-9_]{{8}}(\.\w+)?", re.DOTALL)  # what mkstemp makes of it
MOST_BOXES = 10_000  # of a film; what writes ours makes four
_END_OF_PNG = b"IEND\xaeB`\x82"


@contextlib.contextmanager
def atomic_file(path: os.PathLike | str) -> Iterator[pathlib.Path]:
    """Yields a temporary path beside `path`, which takes its name only if the block succeeds.

    The temporary name keeps the suffix, by which image and film writers choose the format.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}{_UNFINISHED}", suffix=path.suffix)
    os.close(handle)
    # mkstemp makes the file private; a study's results are as readable as any other file of the user.
    os.chmod(name, 0o666 & ~UMASK)
    try:
        yield pathlib.Path(name)
        alone = _making.isdisjoint(path.parents)
        if alone:
            _sync(name)
        os.replace(name, path)
        if alone:
            _sync_folder(path.parent)
    except OSError as error:
        if error.errno in _FULL and not error.filename:  # writing to what is open names no file
            error.filename = str(path)
        raise
    finally:
        pathlib.Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: os.PathLike | str) -> Iterator[pathlib.Path]:
    """Yields a temporary folder beside `path`, which takes its place only if the block succeeds."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}{_UNFINISHED}"
    for left in path.parent.glob(f"{glob.escape(prefix)}*"):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    name = pathlib.Path(tempfile.mkdtemp(dir=path.parent, prefix=prefix))
    os.chmod(name, 0o777 & ~UMASK)
    _making.add(name)
    try:
        yield name
        sync_tree(name)
        if path.exists():
            # A folder can't be renamed over a full one: the old one steps aside first.
            old = pathlib.Path(tempfile.mkdtemp(dir=path.parent, prefix=f"{prefix}old-"))
            os.replace(path, old / path.name)
            os.replace(name, path)
            _sync_folder(path.parent)
            shutil.rmtree(old)
        else:
            os.replace(name, path)
            _sync_folder(path.parent)
    finally:
        _making.discard(name)
        shutil.rmtree(name, ignore_errors=True)


def remove_left(workdir: pathlib.Path) -> None:
    """Removes what a process that was killed had begun to write into a workdir and the folders of its stages.

    Nobody else may be writing there; what `explore` saves, which it may do at any time, is left.
    """
    folders = [workdir, *(path for path in workdir.glob("*") if path.is_dir() and not path.is_symlink() and path.name != "explored")]
    for left in (path for folder in folders for path in folder.glob(".*") if _TEMPORARY.fullmatch(path.name)):
        with contextlib.suppress(OSError):  # a folder, or where nothing can be written
            left.unlink()


def check_links(workdir: pathlib.Path) -> None:
    """Raises UserError for a link in a workdir, or in a folder of it, that leads out: writing to it would write elsewhere.

    A workdir that is not there yet has none.
    """
    if not workdir.is_dir():
        return
    top = workdir.resolve()
    folders = [workdir, *(path for path in workdir.glob("*") if path.is_dir() and not path.is_symlink())]
    for folder in folders:
        with os.scandir(folder) as entries:
            links = [entry.path for entry in entries if entry.is_symlink()]
        for link in links:
            if not pathlib.Path(os.path.realpath(link)).is_relative_to(top):
                raise UserError(f"{link}: a link out of the workdir, which is not followed; put there what it leads to")


def sync_tree(folder: os.PathLike | str) -> None:
    """Waits until all that is in a folder is on the disk: a name that is there after a power cut must not be that of an empty file."""
    folders = [pathlib.Path(folder), *(path for path in pathlib.Path(folder).rglob("*") if path.is_dir())]
    with ThreadPoolExecutor(_SYNCING) as pool:
        list(pool.map(_sync, (path for each in folders for path in each.iterdir() if path.is_file())))
    for each in folders:
        _sync_folder(each)


def _sync(path: os.PathLike | str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(path: os.PathLike | str) -> None:
    with contextlib.suppress(OSError):  # not every file system can do that with folders
        _sync(path)


def write_json(path: os.PathLike | str, value: Any) -> None:
    """Writes `value` as indented JSON. NaN and infinities are refused: no other reader would take them.

    Names of files that are not UTF-8 read back as they are: what UTF-8 can't have in them is escaped.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    with atomic_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def damage(path: os.PathLike | str) -> str | None:
    """Says in what a file of this program is damaged, as after a power cut: "empty", "zeros", "cut short"; None where nothing shows.

    Looks for what a file of its kind begins and ends with; JSON is read as a whole. Raises FileNotFoundError if there is none.
    """
    path = pathlib.Path(path)
    size = path.stat().st_size
    if not size:
        return "empty"
    try:
        with open_regular(path) as file:
            start = file.read(16)
            file.seek(max(0, size - 16))
            end = file.read()
    except UserError as error:
        return str(error).removeprefix(f"{path}: ")
    if not any(start):
        return "zeros"
    return None if _ends(path, size, start, end) else "cut short"


def _can_be_read(read: Callable[[pathlib.Path], Any], path: pathlib.Path) -> bool:
    try:
        return read(path) is not None
    except UserError:
        return False


def _ends(path: pathlib.Path, size: int, start: bytes, end: bytes) -> bool:
    """Returns whether a file has the end that belongs to its kind."""
    match path.suffix:
        case ".npy":
            return _can_be_read(map_array, path)
        case ".json":
            return _can_be_read(read_json, path)
        case ".csv":
            return end.endswith(b"\n")
        case ".html":
            return end.rstrip().endswith(b"</html>")
        case ".png":
            return end.endswith(_END_OF_PNG)
        case ".gif":
            return end.endswith(b";")
        case ".webp":
            return int.from_bytes(start[4:8], "little") + 8 <= size
        case ".mp4":
            return _ends_as_film(path, size)
    return True


def _ends_as_film(path: pathlib.Path, size: int) -> bool:
    """Returns whether the boxes of an MP4 follow each other to its end; each begins with its length."""
    place = boxes = 0
    with open_regular(path) as file:
        while place + 8 <= size and boxes < MOST_BOXES:
            file.seek(place)
            length = int.from_bytes(file.read(4), "big")
            if length == 1:  # then the length comes after the kind, in eight bytes
                file.seek(4, os.SEEK_CUR)
                length = int.from_bytes(file.read(8), "big")
            if length < 8:
                return False
            place, boxes = place + length, boxes + 1
    return place == size


def write_csv(path: os.PathLike | str, fields: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes rows as UTF-8 CSV with a header; keys outside `fields` are an error, missing ones stay empty.

    What UTF-8 can't have, as in names of files in another encoding, is escaped.
    """
    with atomic_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.DictWriter(file, list(fields), restval="")
        writer.writeheader()
        writer.writerows(rows)


def write_array(path: os.PathLike | str, array: np.ndarray) -> None:
    """Writes one array as .npy."""
    with atomic_file(path) as temporary, open(temporary, "wb") as file:
        try:
            np.save(file, array, allow_pickle=False)
        except OSError as error:  # of numpy's own words, without a number, where less could be written than there is
            raise OSError(error.errno or errno.ENOSPC, error.strerror or os.strerror(errno.ENOSPC), str(path)) from None


def checksum(path: os.PathLike | str) -> str:
    """Returns SHA-256 of a file's content. Raises UserError if it can't be read."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path}: can't be read ({error.strerror})") from None
