"""What a collection is made from: paintings with their images, and what was left out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gan_jax.errors import UserError


@dataclass(frozen=True)
class Skipped:
    file: str
    title: str
    reason: str  # "near duplicate: of 271.jpg (...)": a kind that is counted, then the case


class NotEnough(UserError):
    """There are too few paintings, or none; `skipped` has why each of the others is none, `notes` how it was tried."""

    def __init__(self, message: str, skipped: Sequence[Skipped], notes: Sequence[str] = ()):
        super().__init__(message)
        self.skipped, self.notes = tuple(skipped), tuple(notes)


@dataclass(frozen=True)
class Listed:
    """A painting as a table or a painter lists it."""

    file: str
    title: str
    date: tuple[float, float]
    row: Mapping[str, str]

    def said(self) -> str:
        """Returns the years that it may be of: "1870 to 1900"."""
        first, last = self.date[0] - self.date[1], self.date[0] + self.date[1]
        return f"{math.floor(first + 1e-6)} to {math.ceil(last - 1e-6) - 1}"


@dataclass(frozen=True)
class Sources:
    paintings: list[Listed]
    images: np.ndarray
    sizes: list[tuple[int, int]]  # px
    skipped: list[Skipped]
    columns: list[str]  # of the table, to keep
    notes: list[str]
    remarks: tuple[str, ...] = ()
