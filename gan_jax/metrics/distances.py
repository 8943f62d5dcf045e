"""All distances between two sets of images: what each is taken of, how, and what people read of it.

The evaluation, its tables, the page and the comparison of studies go through `DISTANCES` and name none of them, except where one is meant:
verdicts, the choice of a checkpoint and the plot over t rest on KID.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from gan_jax.metrics import frechet, kid, swd

Figure = dict[str, Any]
INTERVAL = ("low", "high")  # the ends of the 95 % interval
SPREAD = ("spread",)


@dataclasses.dataclass(frozen=True)
class Distance:
    """How far two sets of images are apart.

    of: what is taken of each set: its standardised features [n, d], or the neighbourhoods of its images as `swd.Descriptors`.
    measure: of two sets and a seed for what it draws: 'value', what `beside` names, and 'by_level' where it has that. Without a seed,
      the value need not have its uncertainty beside it: so are halves of a set measured, whose spread says more.
    """

    label: str  # in tables
    title: str  # of its part of the page
    about: str  # below the title
    of: Literal["features", "neighbourhoods"]
    measure: Callable[[Any, Any, int | None], Figure]
    beside: tuple[str, ...] = ()  # how its uncertainty is called: INTERVAL, SPREAD or nothing
    by_level: bool = False  # whether there is a value for each level of the pyramid, {'64': float, ...}, finest first
    along: bool = False  # whether the page has it for every t of the morphs, beside the competitors too

    def compare(self, a: Any, b: Any, seed: int) -> Figure:
        """Returns the figure of two sets."""
        return {**self.measure(a, b, seed), "reason": None}

    def absent(self, reason: str | None) -> Figure:
        """Returns the figure where there is none, and why."""
        return {"value": None, **dict.fromkeys(self.beside), **({"by_level": {}} if self.by_level else {}), "reason": reason}


def _kid(a: np.ndarray, b: np.ndarray, seed: int | None) -> Figure:
    return {"value": kid.estimate(a, b)} if seed is None else dataclasses.asdict(kid.kid(a, b, seed=seed))


def _swd(a: swd.Descriptors, b: swd.Descriptors, seed: int | None) -> Figure:
    found = swd.swd(a, b)  # whose directions were drawn as the sets were described
    return {"value": found.value, "spread": found.spread, "by_level": {str(level): float(one) for level, one in found.by_level.items()}}


def _frechet(a: np.ndarray, b: np.ndarray, seed: int | None) -> Figure:
    return {"value": frechet.frechet(a, b)}


# By the name in evaluation.json, in the order in which they stand there and on the page.
DISTANCES: dict[str, Distance] = {
    "kid": Distance(
        "KID",
        "KID: colour and texture as a whole",
        "Compares what two sets show on average and how it varies; 0 is no difference that could be found, and chance alone can bring it a "
        "little below. Beside each number the range that holds 95\u00a0% of the values from random halves of the sets.",
        of="features",
        measure=_kid,
        beside=INTERVAL,
        along=True,
    ),
    "swd": Distance(
        "SWD",
        "SWD: the touch, up close",
        "Compares small neighbourhoods of the images at several sizes, after taking away their overall colour and contrast. Times 1,000; "
        "never 0, and larger for smaller sets. Beside each number its standard deviation.",
        of="neighbourhoods",
        measure=_swd,
        beside=SPREAD,
        by_level=True,
        along=True,
    ),
    "frechet": Distance(
        "Fréchet distance",
        "Fréchet distance: the same properties, in the better-known form",
        "Compares the same properties as KID by their mean and spread only. With Inception features it is the FID. It is biased below some "
        "thousands of images and grows as sets get smaller, so only the floor tells what is good.",
        of="features",
        measure=_frechet,
    ),
}
