"""How a training does, by its figures: which checkpoint is the best, and what they look like when it goes wrong."""

import math
from collections.abc import Mapping
from typing import Any

RUNAWAY = 1e4  # between the scores of real and generated images; healthy ones are within some hundreds, for a Wasserstein critic too
ALIKE = 0.01  # diversity (1 less MS-SSIM) below which images are all one; before they are anything at all, they are too
VARIED = 0.1  # diversity that a generator which is no longer new has had


def merit(figures: Mapping[str, Any]) -> Any:
    """Returns what the best checkpoint has the least of, from the figures of `watch.Watch`, numbers or arrays [n] of several checkpoints.

    Where ways between paintings are learnt too, the best checkpoint is good at both.
    """
    return figures["kid_training"] + figures.get("kid_ways", 0.0)


class Diverged(Exception):
    """Training has diverged. The message says how, in words."""


def check(figures: Mapping[str, float]) -> None:
    """Raises Diverged by the figures of a log line; those that are missing say nothing."""
    watched = ("loss/", "score/", "penalty")
    lost = [name for name, value in figures.items() if name.startswith(watched) and not math.isfinite(value)]
    if lost:
        raise Diverged(f"{', '.join(lost)}: no longer a number")
    for of, whose in (("", "the discriminator's"), ("_projected", "the second discriminator's")):
        gap = abs(figures.get(f"score/real{of}", 0.0) - figures.get(f"score/fake{of}", 0.0))
        if gap > RUNAWAY:
            raise Diverged(f"{whose} scores have run away: real and generated images are {gap:.3g} apart")


def check_diversity(before: float, now: float) -> float:
    """Returns the greatest diversity so far. Raises Diverged where there was some, and is none any more."""
    if before > VARIED and now < ALIKE:
        raise Diverged("the generator's images have become all alike")
    return max(before, now)
