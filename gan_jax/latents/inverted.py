"""What a search found for paintings: what `invert` makes, for `morph` and the report."""

import dataclasses
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax import files, reading
from gan_jax.errors import UserError

NEAR = 2.0  # times the loss of the generator's own images, up to which a painting is near to what it can paint
FIGURES = ("error", "correlation", "structure", "features", "loss", "disagreement")  # of a painting, with four decimals
PAINTING = {
    "index": reading.whole,
    "file": reading.text,
    "title": reading.text,
    "year": reading.number_or_nan,
    "period": reading.text,
}
INVERSION = {**PAINTING, **dict.fromkeys(FIGURES, reading.number_or_nan), "steps": reading.whole, "verdict": reading.text}
LATER = (*FIGURES[1:], "steps", "verdict")  # columns that tables of the first versions lack


@dataclasses.dataclass(frozen=True, eq=False)
class Inversion:
    """What was found for n paintings, of the best of their starts."""

    latents: np.ndarray  # [n, latent_size], float32, of length sqrt(latent_size)
    reconstructions: np.ndarray  # uint8 [n, r, r, 3]
    error: np.ndarray  # [n], root mean square difference from the painting, images being in [-1, 1]
    correlation: np.ndarray  # [n], of the painting's and the reconstruction's pixels about their means, -1 to 1
    structure: np.ndarray  # [n], 1 - SSIM, mean over scales
    features: np.ndarray  # [n], difference to the discriminator; 0 without one
    loss: np.ndarray  # [n], what was searched by
    disagreement: np.ndarray  # [n], root mean square difference between the best two starts' images; 0 with one start
    steps: np.ndarray  # [n], of the best start
    limit: float  # loss that most of the generator's own images stay below; NaN without calibration
    recovered: np.ndarray  # [calibration], root mean square errors of the generator's own images
    paintings: Sequence[Mapping[str, Any]] = ()  # [n], which paintings they are, as the table says first

    @property
    def indices(self) -> list[int]:
        """Returns [n], places of the paintings in their collection."""
        return [int(painting["index"]) for painting in self.paintings]

    def verdicts(self) -> list[str]:
        """Says whether each painting lies inside what the generator can paint, near to it or outside; "" without calibration."""
        if math.isnan(self.limit):
            return [""] * len(self.loss)
        return ["inside" if loss <= self.limit else "near" if loss <= NEAR * self.limit else "outside" for loss in self.loss.tolist()]

    def save(self, folder: pathlib.Path) -> None:
        """Writes latents.npy, reconstructions.npy, inversion.csv and calibration.json into `folder`. Needs `paintings`."""
        files.write_array(folder / "latents.npy", self.latents)
        files.write_array(folder / "reconstructions.npy", self.reconstructions)
        rows = [
            {**painting, **{name: f"{getattr(self, name)[i]:.4f}" for name in FIGURES}, "steps": self.steps[i], "verdict": verdict}
            for i, (painting, verdict) in enumerate(zip(self.paintings, self.verdicts(), strict=True))
        ]
        files.write_csv(folder / "inversion.csv", rows[0], rows)
        limit = None if math.isnan(self.limit) else self.limit
        files.write_json(folder / "calibration.json", {"limit": limit, "near": NEAR, "own_errors": self.recovered.tolist()})

    @classmethod
    def load(cls, folder: pathlib.Path, paintings: int) -> "Inversion":
        """Reads what `save` wrote of paintings of a collection of so many paintings; images stay on disk until they are used.

        Figures have the decimals that the table has, and are NaN where an older one lacks them. Raises UserError if something is missing
        or damaged, or of other paintings.
        """
        table = folder / "inversion.csv"
        rows = reading.read_table(table, INVERSION, LATER)
        reading.check_places(rows, ("index",), paintings, table)
        limit, recovered = _calibration(folder / "calibration.json")
        reconstructions = reading.map_array(folder / "reconstructions.npy", "uint8", (len(rows), None, None, 3))
        if reconstructions.shape[1] != reconstructions.shape[2]:
            raise UserError(f"{folder / 'reconstructions.npy'}: holds {list(reconstructions.shape)}, squares are needed")
        latents = reading.read_array(folder / "latents.npy", "float32", (len(rows), None))
        if not latents.shape[1]:
            raise UserError(f"{folder / 'latents.npy'}: holds latents of no entries")
        return cls(
            latents=latents,
            reconstructions=reconstructions,
            **{name: np.array([row.get(name, math.nan) for row in rows]) for name in FIGURES},
            steps=np.array([row.get("steps", 0) for row in rows], np.int64),
            limit=limit,
            recovered=recovered,
            paintings=[{name: row[name] for name in PAINTING} for row in rows],
        )


def _calibration(path: pathlib.Path) -> tuple[float, np.ndarray]:
    """Returns the limit and the errors of the generator's own images; NaN and none from before there was a calibration."""
    if not reading.is_there(path):
        return math.nan, np.zeros(0)
    said = reading.read_object(path)
    limit, recovered = said.get("limit"), said.get("own_errors")
    if (
        not isinstance(limit, int | float | None)
        or not isinstance(recovered, list)
        or not all(isinstance(x, int | float) for x in recovered)
    ):
        raise UserError(f"{path}: not as `invert` writes it; run it again")
    return math.nan if limit is None else float(limit), np.array(recovered, np.float64)
