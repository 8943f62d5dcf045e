"""Images of random latents: what `sample` makes, for `evaluate` and the report."""

import dataclasses
import pathlib

import numpy as np

from gan_jax import files, reading
from gan_jax.errors import UserError

GENERATED = "generated.npy"


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
    images: np.ndarray  # uint8 [n, r, r, 3], of seeds that follow each other

    def save(self, folder: pathlib.Path) -> None:
        """Writes generated.npy into `folder`, beside the grids of the training."""
        files.write_array(folder / GENERATED, self.images)

    @classmethod
    def load(cls, folder: pathlib.Path) -> "Samples":
        """Reads what `save` wrote; the images stay on disk until they are used. Raises UserError if they are missing or damaged."""
        images = reading.map_array(folder / GENERATED, "uint8", (None, None, None, 3))
        if images.shape[1] != images.shape[2]:
            raise UserError(f"{folder / GENERATED}: holds images of {images.shape[2]} x {images.shape[1]} pixels, squares are needed")
        return cls(images)
