"""Whether a study's frames come nearer to the years between than what anyone could do without a GAN."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax.evaluation import kid
from gan_jax.evaluation.features import Standardiser
from gan_jax.evaluation.image_set import ImageSet, joined

CROSS_FADE = "cross-fade"
STANDING = ("the early works", "the late works", "both, mixed")


def cross_fade(early: np.ndarray, late: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The paintings of each pair laid over each other: uint8 [pairs, T, r, r, 3] from two [pairs, r, r, 3]."""
    part = t[:, None, None, None]
    frames = np.empty((len(early), len(t), *early.shape[1:]), np.uint8)
    for pair, a, b in zip(frames, early.astype(np.float32), late.astype(np.float32)):
        pair[:] = np.rint((1 - part) * a + part * b)
    return frames


def middle_of(years: np.ndarray, between: np.ndarray) -> int:
    """The place k whose mean year, of years [pairs, T], is nearest to the mean of the years of the works between."""
    target = between.mean() if len(between) else (years[:, 0].mean() + years[:, -1].mean()) / 2
    return int(np.abs(years.mean(axis=0) - target).argmin())


def verdicts(
    real: Mapping[str, ImageSet], frames: Mapping[str, ImageSet], middle: int, seed: int, least: int, study: str
) -> list[dict[str, Any]]:
    """One for each competitor, by KID to the works between at the middle of the morphs.

    real: 'early', 'late' and 'between'. frames: by name, each [pairs, T]; `study` is ours. least: works and pairs that are needed.
    """
    between, ours = real["between"], frames[study][:, middle]
    others = {name: (here[:, middle], True) for name, here in frames.items() if name != study}
    others |= {
        name: (pictures, False) for name, pictures in zip(STANDING, (real["early"], real["late"], joined(real["early"], real["late"])))
    }
    standardise = Standardiser.fit(joined(real["early"], real["late"]).features)
    found = []
    for name, (pictures, paired) in others.items():
        few = {"works between": len(between), "pairs": len(ours), name: len(pictures)}
        reason = next((f"{count} {what}, at least {least} are needed" for what, count in few.items() if count < least), None)
        if reason:
            difference = {"value": None, "low": None, "high": None, "reason": reason}
            found.append({"name": name, "verdict": None, "difference": difference, "text": f"Nothing can be said beside {name}: {reason}."})
            continue
        points = [standardise(each.features) for each in (ours, pictures, between)]
        gap = kid.difference(*points, seed=seed, paired=paired)
        verdict = "nearer" if gap.high < 0 else "further" if gap.low > 0 else "undecided"
        difference = {"value": gap.value, "low": gap.low, "high": gap.high, "reason": None}
        found.append({"name": name, "verdict": verdict, "difference": difference, "text": _text(name, verdict, gap)})
    return found


def _text(name: str, verdict: str, gap: kid.Kid) -> str:
    them = f"the {name}" if name not in STANDING else "the early and late works, mixed" if name.startswith("both") else name
    span = f"KID {gap.value:+.3g}, between {gap.low:+.3g} and {gap.high:+.3g}"
    return {
        "nearer": f"Nearer to the works of the years between than {them} ({span}).",
        "further": f"No better than {them}: further from the works of the years between ({span}).",
        "undecided": f"No better than {them} as far as can be shown: the difference may be chance ({span}).",
    }[verdict]
