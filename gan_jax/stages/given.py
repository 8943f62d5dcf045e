"""Morphs that another tool made, or a hand: images named by pair and t, or a table of them."""

import hashlib
import pathlib
import re
from collections.abc import Mapping

import numpy as np

from gan_jax import reading
from gan_jax.collection.images import Fitted, load_images
from gan_jax.errors import UserError
from gan_jax.progress import Progress

FIELD = "config.baseline.frames"
TABLE = "frames.csv"  # in the folder: columns file, pair and t
NAME = re.compile(r"(?:.*/)?pair[_-]?([0-9]{1,6})[/_-]t[_-]?([01](?:\.[0-9]{1,9})?)\.[a-z0-9]{2,5}", re.IGNORECASE)
NEAR = 0.001  # two t that differ by less are one: names have three decimals


def listed(folder: pathlib.Path) -> dict[tuple[int, float], pathlib.Path]:
    """Returns the images of a folder by pair and t: pair_000/t_0.500.png as `morphs/frames/` has them, pair_000_t_0.500.png, or by
    frames.csv.

    Raises UserError where there are none, for a table that can't be read, for two images of one place and for one outside the folder.
    """
    if not folder.is_dir():
        raise UserError(f"{FIELD}={str(folder)!r}: no such folder")
    found: dict[tuple[int, float], pathlib.Path] = {}
    if (folder / TABLE).is_file():
        entries = [_entry(folder, row, number) for number, row in enumerate(reading.read_csv(folder / TABLE), 1)]
    else:
        names = ((path, NAME.fullmatch(path.relative_to(folder).as_posix())) for path in reading.files_below(folder))
        entries = [((int(match[1]), float(match[2])), path) for path, match in names if match]
    for place, path in entries:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise UserError(f"{path}: leads out of {FIELD}={str(folder)!r}")
        if place in found:
            raise UserError(f"{path}: pair {place[0]} at t = {place[1]:g} is {found[place].name} as well")
        found[place] = path
    if not found:
        raise UserError(f"{FIELD}={str(folder)!r}: no image is named like pair_000/t_0.500.png, and there is no {TABLE} (file, pair, t)")
    return found


def _entry(folder: pathlib.Path, row: Mapping[str, str], number: int) -> tuple[tuple[int, float], pathlib.Path]:
    try:
        place, name = (int(row["pair"]), float(row["t"])), row["file"]
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{folder / TABLE}: row {number}: it should have file, pair (a number) and t (0 to 1)") from None
    return place, folder / name


def read(folder: pathlib.Path, pairs: int, t: np.ndarray, resolution: int, fit: str, max_pixels: int) -> np.ndarray:
    """Returns the frames uint8 [pairs, T, r, r, 3] at the study's pairs and t [T]; other pairs and t are passed over.

    Raises UserError as `listed` does, where one is missing, and for an image that can't be read.
    """
    found = listed(folder)
    paths, missing = [], []
    for pair in range(pairs):
        of_pair = {place: path for (number, place), path in found.items() if number == pair}
        for place in t.tolist():
            nearest = min(of_pair, key=lambda other: abs(other - place), default=None)
            if nearest is None or abs(nearest - place) >= NEAR:
                missing.append(f"pair {pair} at t = {place:.3f}")
            else:
                paths.append(of_pair[nearest])
    if missing:
        raise UserError(f"{FIELD}={str(folder)!r}: {missing[0]} is missing, {len(missing)} of {pairs * len(t)} frames in all")
    with Progress("read", len(paths)) as progress:
        pictures = load_images(paths, resolution, fit, max_pixels, progress.advance)
    images = []
    for path, picture in zip(paths, pictures):
        if not isinstance(picture, Fitted):
            raise UserError(f"{path}: {picture}")
        images.append(picture.image)
    return np.stack(images).reshape(pairs, len(t), resolution, resolution, 3)


def checksum(folder: pathlib.Path) -> str | None:
    """Returns what the folder holds, by names, sizes and times; None where it can't be used."""
    try:
        stats = sorted((path.relative_to(folder).as_posix(), path.stat()) for path in listed(folder).values())
    except (UserError, OSError, ValueError):
        return None
    return hashlib.sha256(repr([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]).encode()).hexdigest()[:16]
