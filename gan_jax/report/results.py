"""Reading what the other stages wrote, checked against what the page needs of it."""

import json
import math
import os
import pathlib
from collections.abc import Mapping

import numpy as np

from gan_jax import files
from gan_jax.errors import UserError

PAINTINGS = {"file": str, "title": str, "year": float, "period": str}
SKIPPED = {"file": str, "title": str, "reason": str}
INVERSION = {"index": int, "file": str, "title": str, "year": float, "period": str, "error": float}
PAIRS = {
    "pair": int,
    "early_index": int,
    "late_index": int,
    "early_title": str,
    "late_title": str,
    "early_year": float,
    "late_year": float,
    "distance": float,
}
UNMATCHED = {"index": int, "file": str, "title": str, "year": float, "period": str, "reason": str}


def read_table(path: pathlib.Path, columns: Mapping[str, type]) -> list[dict]:
    """Reads a CSV and converts the named columns; the others stay text.

    An empty number is NaN (an undated painting). Raises UserError naming the file, row and column that are wrong.
    """
    rows = files.read_csv(path)
    for number, row in enumerate(rows, start=1):
        for name, kind in columns.items():
            text = row.get(name)
            if text is None:
                raise UserError(f"{path}: row {number} has no column '{name}'; it should have {', '.join(columns)}")
            if kind is not str:
                row[name] = _number(text, kind, f"{path}: row {number}: {name}")
    return rows


def _number(text: str, kind: type, where: str) -> float | int:
    try:
        value = kind(text) if text.strip() or kind is int else math.nan
    except ValueError:
        raise UserError(f"{where} is {text!r}, it should be a number") from None
    if isinstance(value, float) and math.isinf(value):
        raise UserError(f"{where} is {text!r}, it should be finite")
    return value


def optional_number(text: str | None) -> float | None:
    """The number in a column that need not be there, or None."""
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def check_indices(rows: list[dict], columns: tuple[str, ...], size: int, path: pathlib.Path) -> None:
    """Raises UserError if a row points outside a collection of `size` paintings."""
    for number, row in enumerate(rows, start=1):
        for name in columns:
            if not 0 <= row[name] < size:
                raise UserError(f"{path}: row {number}: {name} is {row[name]}, the collection has {size} paintings (0 to {size - 1})")


def open_pictures(path: pathlib.Path, count: int, dimensions: int = 4) -> np.ndarray:
    """Opens uint8 pictures [count, ..., height, width, 3] without reading them all: a study can be larger than memory.

    Raises UserError if the file is absent, holds something else, or another number of pictures than its table has rows.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (ValueError, EOFError, OSError) as error:
        raise UserError(f"{path}: not an array of pictures ({error})") from None
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.ndim != dimensions or array.shape[-1] != 3:
        raise UserError(f"{path}: should hold uint8 pictures of {dimensions} dimensions, the last one 3 colours")
    if len(array) != count:
        raise UserError(f"{path}: holds {len(array)} pictures where its table has {count} rows")
    return array


def read_log(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Reads log/metrics.jsonl into one float64 array [lines] a key; what a line lacks is NaN.

    Lines that are damaged (a run that was stopped while writing) or have no `images` are passed over, as are values
    that are not finite numbers. Rows come back in the order of images seen; two lines with the same count are one row, and what
    both say the later one says.
    """
    if not path.exists():
        return {}
    rows: dict[float, dict[str, float]] = {}
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                values = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if not isinstance(values, dict):
                continue
            values = {key: float(value) for key, value in values.items() if _is_finite(value)}
            if "images" in values:
                rows[values["images"]] = rows.get(values["images"], {}) | values
    keys = sorted({key for row in rows.values() for key in row})
    ordered = [rows[images] for images in sorted(rows)]
    return {key: np.array([row.get(key, math.nan) for row in ordered]) for key in keys}


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e300


def read_optional_json(path: os.PathLike) -> dict | None:
    """Reads a JSON object, or returns None if the file is not there. Raises UserError if it is something else."""
    if not pathlib.Path(path).exists():
        return None
    value = files.read_json(path)
    if not isinstance(value, dict):
        raise UserError(f"{path}: should be a JSON object")
    return value
