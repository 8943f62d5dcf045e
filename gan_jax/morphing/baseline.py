"""The same pairs painted by another generator or tool: what `baseline` makes, for `evaluate`."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax import files, reading
from gan_jax.errors import UserError
from gan_jax.morphing.morphs import map_frames

GIVEN = "given"  # the folder of frames that another tool made
SAID = {"searched": "baseline, our search", "tutorial": "baseline, published recipe"}  # other folders of baseline/, as people read them
FRAMES, ABOUT = "frames.npy", "about.json"


@dataclasses.dataclass(frozen=True, eq=False)
class Baseline:
    frames: Mapping[str, np.ndarray]  # uint8 [p, T, r, r, 3] by way: GIVEN, of all pairs, or a key of SAID, of those that were painted
    given: str  # the name of the folder that frames were given in, "" for none
    asked: Mapping[str, Any]  # what it was made of beside the pairs
    pairs: str  # checksum of the table of pairs
    generator: str | None = None  # its name, where there is one
    resolution: int | None = None  # px, the generator's own
    painted: Sequence[int] | None = None  # numbers of the pairs that the generator painted, in their order; None: all

    def save(self, folder: pathlib.Path) -> None:
        """Writes frames.npy into a folder of each way, and about.json into `folder`."""
        for way, frames in self.frames.items():
            files.write_array(folder / way / FRAMES, frames)
        by: dict[str, Any] = {"generator": self.generator, "resolution": self.resolution} if self.generator is not None else {}
        by |= {"painted": list(self.painted)} if self.painted is not None else {}
        about = {"ways": list(self.frames), "given": self.given, **by, "asked": self.asked, "pairs": self.pairs}
        files.write_json(folder / ABOUT, about)

    @classmethod
    def load(cls, folder: pathlib.Path, pairs: int, times: int) -> "Baseline":
        """Reads what `save` wrote, of so many pairs at so many times; frames stay on disk until they are used.

        Raises UserError if something is missing or damaged, or of another number of pairs or times.
        """
        about = cls.about(folder)
        painted = about.get("painted")
        if painted is not None and not (painted and all(0 <= number < pairs for number in painted)):
            raise UserError(f"{folder / ABOUT}: painted should name pairs from 0 to {pairs - 1}; run `baseline` again")
        counts = {GIVEN: pairs} | dict.fromkeys(SAID, pairs if painted is None else len(painted))
        frames = {way: map_frames(folder / way / FRAMES, count, times) for way, count in counts.items() if way in about["ways"]}
        return cls(frames, about["given"], about["asked"], about["pairs"], about.get("generator"), about.get("resolution"), painted)

    @staticmethod
    def about(folder: pathlib.Path) -> dict[str, Any]:
        """Reads about.json alone: what a baseline was made of. Raises UserError if it is missing or not as `save` writes it."""
        about = reading.read_object(folder / ABOUT)
        kinds = {"ways": list, "given": str, "asked": dict, "pairs": str}
        if not all(isinstance(about.get(name), kind) for name, kind in kinds.items()) or not all(isinstance(x, str) for x in about["ways"]):
            raise UserError(f"{folder / ABOUT}: not as `baseline` writes it; run it again")
        painted = about.get("painted", [])
        if not isinstance(painted, list) or not all(type(number) is int for number in painted) or sorted({*painted}) != painted:
            raise UserError(f"{folder / ABOUT}: not as `baseline` writes it; run it again")
        return about

    def as_competitors(self) -> dict[str, tuple[np.ndarray, Sequence[int] | None]]:
        """Gives the frames by what people call them, with the numbers of their pairs, None for all."""
        return {
            SAID.get(way, f"frames of {self.given}"): (frames, None if way == GIVEN else self.painted)
            for way, frames in self.frames.items()
        }
