"""The morphs of a study: what `morph` makes, for `baseline`, `evaluate`, the report, and films of further pairs."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax import files, reading
from gan_jax.errors import UserError

ENDS = ("early", "late")
_PAINTING = {
    "index": reading.whole,
    "file": reading.text,
    "title": reading.text,
    "year": reading.number_or_nan,
    "period": reading.text,
}
PAIRS = {"pair": reading.whole, **{f"{end}_{name}": kind for end in ENDS for name, kind in _PAINTING.items()}, "distance": reading.number}
UNMATCHED = {**_PAINTING, "reason": reading.text}
DIRECT = "direct.npy"
MOST_RESOLUTION = 1024


@dataclasses.dataclass(frozen=True, eq=False)
class Morphs:
    """Pairs of early and late paintings, and the frames on the way from the ones to the others."""

    ends: Sequence[tuple[int, int]]  # [p], places of the early and the late painting in the collection, the most alike first
    distances: Sequence[float]  # [p]; 1 is the mean of all early-late pairs
    unmatched: Sequence[tuple[int, str]]  # places of paintings without a counterpart, and why
    t: np.ndarray  # [T], 0 at the early end, 1 at the late one
    years: np.ndarray  # [p, T], from the date of the early painting to that of the late one
    frames: np.ndarray  # uint8 [p, T, r, r, 3]
    direct: np.ndarray | None = None  # the same of networks that know the year: samples, painted at the frames' years

    def save(self, folder: pathlib.Path, describe: Callable[[int], Mapping[str, Any]]) -> None:
        """Writes pairs.csv, frames.csv, unmatched.csv, t.npy, years.npy, frames.npy and direct.npy into `folder`.

        describe: says what the tables say of a painting at a place (`Collection.describe`).
        """
        pairs, frames = [], []
        for i, (pair, distance) in enumerate(zip(self.ends, self.distances, strict=True)):
            both = {f"{end}_{name}": value for end, index in zip(ENDS, pair) for name, value in describe(index).items()}
            pairs.append({"pair": i, **both, "distance": f"{distance:.4f}"})
            ends = {f"{end}_index": index for end, index in zip(ENDS, pair)}
            frames += [{"pair": i, "frame": k, "t": f"{t:.4f}", "year": f"{self.years[i, k]:.3f}", **ends} for k, t in enumerate(self.t)]
        files.write_csv(folder / "pairs.csv", PAIRS, pairs)
        files.write_csv(folder / "frames.csv", frames[0], frames)
        files.write_csv(folder / "unmatched.csv", UNMATCHED, [{**describe(i), "reason": reason} for i, reason in self.unmatched])
        files.write_array(folder / "t.npy", self.t)
        files.write_array(folder / "years.npy", self.years)
        files.write_array(folder / "frames.npy", self.frames)
        if self.direct is not None:
            files.write_array(folder / DIRECT, self.direct)

    @classmethod
    def load(cls, folder: pathlib.Path, paintings: int) -> "Morphs":
        """Reads what `save` wrote of paintings of a collection of so many paintings; frames stay on disk until they are used.

        Raises UserError if something is missing or damaged, or of other paintings.
        """
        pairs = reading.read_table(folder / "pairs.csv", PAIRS)
        unmatched = reading.read_table(folder / "unmatched.csv", UNMATCHED)
        reading.check_places(pairs, [f"{end}_index" for end in ENDS], paintings, folder / "pairs.csv")
        reading.check_places(unmatched, ("index",), paintings, folder / "unmatched.csv")
        if wrong := [place for place, row in enumerate(pairs) if row["pair"] != place]:
            raise UserError(f"{folder / 'pairs.csv'}: row {wrong[0] + 1}: pair is {pairs[wrong[0]]['pair']}, it should be {wrong[0]}")
        t = reading.read_array(folder / "t.npy", "floats", (None,))
        if len(t) < 2 or not np.all((t >= 0) & (t <= 1)):
            raise UserError(f"{folder / 't.npy'}: should hold places from 0 to 1")
        years = reading.read_array(folder / "years.npy", "floats", (len(pairs), len(t)))
        if not np.isfinite(years).all():
            raise UserError(f"{folder / 'years.npy'}: should hold years")
        direct = folder / DIRECT
        return cls(
            [(row["early_index"], row["late_index"]) for row in pairs],
            [row["distance"] for row in pairs],
            [(row["index"], row["reason"]) for row in unmatched],
            t,
            years,
            map_frames(folder / "frames.npy", len(pairs), len(t)),
            map_frames(direct, len(pairs), len(t)) if reading.is_there(direct) else None,
        )


def map_frames(path: pathlib.Path, pairs: int, times: int) -> np.ndarray:
    """Opens frames uint8 [pairs, times, r, r, 3] without reading them. Raises UserError for anything else."""
    frames = reading.map_array(path, "uint8", (pairs, times, None, None, 3))
    if frames.shape[2] != frames.shape[3] or not 0 < frames.shape[2] <= MOST_RESOLUTION:
        raise UserError(f"{path}: holds frames of {frames.shape[3]} x {frames.shape[2]} pixels, squares are needed")
    return frames
