"""What is painted at a place that people choose: between two paintings or samples, at a year, nearer to the ordinary, along directions."""

import dataclasses
import pathlib
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from gan_jax import files, pictures
from gan_jax.errors import UserError
from gan_jax.explorer.directions import Directions
from gan_jax.latents import paths, sampling
from gan_jax.models.generator import Generator, on_sphere

SIZE = 512  # pixels, at least, of an image that is saved
MOST_SAVED = 99_999


@dataclasses.dataclass(frozen=True, eq=False)
class Known:
    """A painting whose latents are known."""

    title: str
    file: str
    year: float
    latents: np.ndarray  # [latent_size]
    image: np.ndarray  # uint8 [r, r, 3], the painting itself


@dataclasses.dataclass(frozen=True)
class End:
    """An end of a way: a painting, by its place among those known, or a sample by its seed."""

    painting: int | None = None
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Place:
    """A place in what a generator can paint."""

    first: End
    last: End
    along: float = 0.0  # of the way from the first to the last, 0 to 1
    year: float | None = None  # None: as it is between both ends
    psi: float = 1.0  # 1: as it is, 0: the most ordinary sample
    amounts: tuple[float, ...] = ()  # of each direction, in standard deviations


@dataclasses.dataclass(frozen=True, eq=False)
class Explorer:
    """Paints places."""

    generator: Generator
    paintings: Sequence[Known]
    directions: Directions | None
    path: str = "slerp"

    @cached_property
    def ordinary(self) -> np.ndarray:
        """Returns the latents [latent_size] of the most ordinary sample."""
        return sampling.ordinary(self.generator)

    def latents_of(self, end: End) -> np.ndarray:
        """Returns [latent_size], with the label of the painting or of the seed."""
        return sampling.of_seeds(self.generator, np.array([end.seed]))[0] if end.painting is None else self.paintings[end.painting].latents

    def year_between(self, place: Place) -> float | None:
        """Returns the year of a place whose year is not set; None for a network that knows none."""
        years = self.generator.years
        if not years:
            return None
        a, b = years.of_labels(np.stack([self.latents_of(end)[-1:] for end in (place.first, place.last)])).tolist()
        return a + (b - a) * place.along

    def latents(self, place: Place) -> np.ndarray:
        """Returns [latent_size], on the sphere where training's latents lie unless the place is an end as it was found."""
        labels = self.generator.label_size
        size = self.generator.latent_size - labels
        a, b = (self.latents_of(end)[None] for end in (place.first, place.last))
        found = paths.with_labels(self.path, a, b, np.array([place.along]), labels)[0].astype(np.float32)
        if place.psi != 1:
            found = sampling.truncated(found, self.ordinary, place.psi, labels)
        if self.directions is not None and any(place.amounts):
            found[:, :size] += np.asarray(place.amounts, np.float32) @ self.directions.moves[: len(place.amounts)]
            found = np.asarray(on_sphere(found, labels))
        if place.year is not None and self.generator.years:
            found = np.concatenate([found[:, :size], self.generator.years.labels(np.array([place.year]))], axis=1)
        return found[0]

    def image(self, place: Place) -> np.ndarray:
        """Returns uint8 [r, r, 3]."""
        return self.generator.images(self.latents(place)[None], batch_size=1)[0]  # somebody waits for it

    def image_of(self, end: End) -> np.ndarray:
        """Returns uint8 [r, r, 3]: the painting itself, or the sample."""
        return self.image(Place(end, end)) if end.painting is None else self.paintings[end.painting].image

    def numbers(self, place: Place) -> dict[str, Any]:
        """Returns all that it takes to paint a place again, as JSON has it."""
        year = self.year_between(place) if place.year is None else place.year
        correlations = [] if self.directions is None else self.directions.correlations.tolist()
        return {
            "generator": self.generator.name,
            "first": self._described(place.first),
            "last": self._described(place.last),
            "along": place.along,
            "path": self.path,
            "year": year,
            "psi": place.psi,
            "directions": [
                {"standard_deviations": amount, "correlation_with_time": None if np.isnan(r) else r}
                for amount, r in zip(place.amounts, correlations)
            ],
            "latents": self.latents(place).tolist(),
        }

    def save(self, place: Place, folder: pathlib.Path) -> pathlib.Path:
        """Writes NNNNN.png and NNNNN.json into `folder`, under the next number; returns the path of the image."""
        folder.mkdir(parents=True, exist_ok=True)
        numbers = [int(path.stem) for path in folder.iterdir() if re.fullmatch(r"\d{5}\.(png|json)", path.name)]
        number = max(numbers, default=0) + 1
        if number > MOST_SAVED:
            raise UserError(f"{folder}: holds as many images as it can; move some of them away")
        path = folder / f"{number:05d}.png"
        files.write_json(path.with_suffix(".json"), self.numbers(place))
        pictures.write_png(path, pictures.enlarged(self.image(place), SIZE))
        return path

    def _described(self, end: End) -> dict[str, Any]:
        if end.painting is None:
            return {"seed": end.seed}
        painting = self.paintings[end.painting]
        return {"title": painting.title, "file": painting.file, "year": painting.year}
