"""Writing so that a reader never sees half a file, and reading that runs nothing."""

import contextlib
import csv
import hashlib
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from gan_jax.errors import UserError

# The one way to read it is to set it, which must not happen while other threads write.
UMASK = os.umask(0)
os.umask(UMASK)


@contextlib.contextmanager
def atomic_file(path: os.PathLike | str) -> Iterator[pathlib.Path]:
    """Yields a temporary path beside `path`, which takes its name only if the block succeeds.

    The temporary name keeps the suffix, by which image and film writers choose the format.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
    os.close(handle)
    # mkstemp makes the file private; a study's results are as readable as any other file of the user.
    os.chmod(name, 0o666 & ~UMASK)
    try:
        yield pathlib.Path(name)
        os.replace(name, path)
    finally:
        pathlib.Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: os.PathLike | str) -> Iterator[pathlib.Path]:
    """Yields a temporary folder beside `path`, which takes its place only if the block succeeds."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*"):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    name = pathlib.Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    os.chmod(name, 0o777 & ~UMASK)
    try:
        yield name
        if path.exists():
            # A folder can't be renamed over a full one: the old one steps aside first.
            old = pathlib.Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old."))
            os.replace(path, old / path.name)
            os.replace(name, path)
            shutil.rmtree(old)
        else:
            os.replace(name, path)
    finally:
        shutil.rmtree(name, ignore_errors=True)


def write_json(path: os.PathLike | str, value: Any) -> None:
    """Writes `value` as indented JSON. NaN and infinities are refused: no other reader would take them."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    with atomic_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: os.PathLike | str) -> Any:
    """Reads a JSON file. Raises UserError if it is not there or not JSON."""
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a JSON file ({error})") from None


def write_csv(path: os.PathLike | str, fields: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes rows as UTF-8 CSV with a header; keys outside `fields` are an error, missing ones stay empty."""
    with atomic_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(fields), restval="")
        writer.writeheader()
        writer.writerows(rows)


def read_csv(path: os.PathLike | str) -> list[dict[str, str]]:
    """Reads a CSV that `write_csv` wrote. Raises UserError if it is not there."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None


def write_array(path: os.PathLike | str, array: np.ndarray) -> None:
    """Writes one array as .npy."""
    with atomic_file(path) as temporary, open(temporary, "wb") as file:
        np.save(file, array, allow_pickle=False)


def read_array(path: os.PathLike | str) -> np.ndarray:
    """Reads one .npy array; a file that holds objects instead of numbers is refused, not unpickled."""
    try:
        return np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (ValueError, EOFError, OSError) as error:
        raise UserError(f"{path}: not an array of numbers ({error})") from None


def digest(path: os.PathLike | str) -> str:
    """Of a file's content. Raises UserError if it can't be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path}: can't be read ({error.strerror})") from None
