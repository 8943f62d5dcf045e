"""The same pairs painted by another generator or tool: what `baseline` makes, for `evaluate`."""

import dataclasses
import pathlib
from collections.abc import Mapping
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
    frames: Mapping[str, np.ndarray]  # uint8 [p, T, r, r, 3] by way: GIVEN, or a key of SAID
    given: str  # the name of the folder that frames were given in, "" for none
    asked: Mapping[str, Any]  # what it was made of beside the pairs
    pairs: str  # checksum of the table of pairs
    generator: str | None = None  # its name, where there is one
    resolution: int | None = None  # px, the generator's own

    def save(self, folder: pathlib.Path) -> None:
        """Writes frames.npy into a folder of each way, and about.json into `folder`."""
        for way, frames in self.frames.items():
            files.write_array(folder / way / FRAMES, frames)
        painted = {"generator": self.generator, "resolution": self.resolution} if self.generator is not None else {}
        about = {"ways": list(self.frames), "given": self.given, **painted, "asked": self.asked, "pairs": self.pairs}
        files.write_json(folder / ABOUT, about)

    @classmethod
    def load(cls, folder: pathlib.Path, pairs: int, times: int) -> "Baseline":
        """Reads what `save` wrote, of so many pairs at so many times; frames stay on disk until they are used.

        Raises UserError if something is missing or damaged, or of another number of pairs or times.
        """
        about = cls.about(folder)
        frames = {way: map_frames(folder / way / FRAMES, pairs, times) for way in (GIVEN, *SAID) if way in about["ways"]}
        return cls(frames, about["given"], about["asked"], about["pairs"], about.get("generator"), about.get("resolution"))

    @staticmethod
    def about(folder: pathlib.Path) -> dict[str, Any]:
        """Reads about.json alone: what a baseline was made of. Raises UserError if it is missing or not as `save` writes it."""
        about = reading.read_object(folder / ABOUT)
        kinds = {"ways": list, "given": str, "asked": dict, "pairs": str}
        if not all(isinstance(about.get(name), kind) for name, kind in kinds.items()) or not all(isinstance(x, str) for x in about["ways"]):
            raise UserError(f"{folder / ABOUT}: not as `baseline` writes it; run it again")
        return about

    def as_competitors(self) -> dict[str, np.ndarray]:
        """Gives the frames by what people call them."""
        return {SAID.get(way, f"frames of {self.given}"): frames for way, frames in self.frames.items()}
