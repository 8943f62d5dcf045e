"""All that is measured of one set of images: what it says, how, and what people read of it.

The evaluation, the page and the comparison of studies go through `PROPERTIES` and name none of them, except where one is meant: the
summary says how varied samples are.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from gan_jax.metrics import ms_ssim

Figure = dict[str, Any]
PAIRS = 200  # random pairs of a set whose MS-SSIM is averaged


@dataclasses.dataclass(frozen=True)
class Property:
    """What one set of images is like.

    measure: of images uint8 [n, r, r, 3] and a seed for what it draws: 'value', 'error', which is its standard error, 'n', how many images
      there are, and what `counts` names.
    """

    label: str  # in tables
    title: str  # of its part of the page
    about: str  # below the title
    compared: str  # in the comparison of studies
    measure: Callable[[np.ndarray, int], Figure]
    counts: Literal["n", "pairs"] = "n"  # what the value is a mean over: images, or pairs of them

    def absent(self, n: int, reason: str) -> Figure:
        """Returns the figure of n images where there is none, and why."""
        return {"value": None, "error": None, "n": n, **({"pairs": 0} if self.counts == "pairs" else {}), "reason": reason}


def _diversity(images: np.ndarray, seed: int) -> Figure:
    return dataclasses.asdict(ms_ssim.diversity(images, PAIRS, seed))


# By the name in evaluation.json, in the order in which they stand there and on the page.
PROPERTIES: dict[str, Property] = {
    "diversity": Property(
        "Likeness",
        "Diversity: how alike the images of one set are",
        "The average likeness (MS-SSIM) of random couples of one set: 1 would be the same image over and over. A network that repeats "
        "itself is higher than the paintings it learned from.",
        "Likeness of random couples (MS-SSIM)",
        measure=_diversity,
        counts="pairs",
    ),
}
