"""Whether a study's frames come nearer to the years between than what anyone could do without a GAN."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax.evaluation.evaluation import shown
from gan_jax.metrics import kid
from gan_jax.metrics.features import Standardiser
from gan_jax.metrics.image_set import ImageSet, joined

ROUNDS = 24  # of paintings held out that stand for frames
SUBSETS = 200  # random halves for the interval of a round
ABLE = 0.5  # part of the rounds from which on a study could have found what it looks for
STANDING = ("the early works", "the late works", "both, mixed")  # as `evaluation.json` has called them from the beginning


def cross_fade(early: np.ndarray, late: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Returns the paintings of each pair laid over each other: uint8 [pairs, T, r, r, 3] from two [pairs, r, r, 3]."""
    part = t[:, None, None, None]
    frames = np.empty((len(early), len(t), *early.shape[1:]), np.uint8)
    for pair, a, b in zip(frames, early.astype(np.float32), late.astype(np.float32)):
        pair[:] = np.rint((1 - part) * a + part * b)
    return frames


def middle_of(years: np.ndarray, between: np.ndarray) -> int:
    """Returns the place k whose mean year, of years [pairs, T], is nearest to the mean of the years of the paintings between."""
    target = between.mean() if len(between) else (years[:, 0].mean() + years[:, -1].mean()) / 2
    return int(np.abs(years.mean(axis=0) - target).argmin())


def verdicts(
    real: Mapping[str, ImageSet],
    frames: Mapping[str, ImageSet],
    middle: int,
    seed: int,
    least: int,
    study: str,
    some: Mapping[str, np.ndarray] | None = None,
) -> list[dict[str, Any]]:
    """Returns one for each competitor, by KID to the paintings between at the middle of the morphs.

    real: 'early', 'late' and 'between'. frames: by name, each [pairs, T]; `study` is ours. least: paintings and pairs that are needed.
    some: numbers [p] of the pairs of competitors without the others, [p, T]: the study's frames of the same pairs are put beside them.

    `power` of each is how often real paintings of the years between, shown as frames, are found nearer: what the study could have found.
    None where there are too few of them to be parted.
    """
    between, whole = real["between"], frames[study][:, middle]
    others = {name: (here[:, middle], True) for name, here in frames.items() if name != study}
    others |= {
        name: (image_set, False) for name, image_set in zip(STANDING, (real["early"], real["late"], joined(real["early"], real["late"])))
    }
    standardise = Standardiser.fit(joined(real["early"], real["late"]).features)
    points = {name: standardise(image_set.features) for name, (image_set, _) in others.items()}
    held_out = standardise(between.features)
    ours_of = {name: whole[some[name]] if some and name in some else whole for name in others}
    able: dict[str, float] = {}
    for pairs in {len(ours) for ours in ours_of.values()}:
        enough = {name: each for name, each in points.items() if len(each) >= least and len(ours_of[name]) == pairs}
        able |= powers(held_out, enough, pairs, seed)
    found: list[dict[str, Any]] = []
    for name, (image_set, paired) in others.items():
        ours = ours_of[name]
        few = {"paintings between": len(between), "pairs": len(ours), shown(name): len(image_set)}
        reason = next((f"{count} {what}, at least {least} are needed" for what, count in few.items() if count < least), None)
        if reason:
            difference: dict[str, Any] = {"value": None, "low": None, "high": None, "reason": reason}
            text = f"Nothing can be said beside {shown(name)}: {reason}."
            found.append(
                {"name": name, "verdict": None, "difference": difference, "power": None, "could_not_be_shown": False, "text": text}
            )
            continue
        gap = kid.difference(standardise(ours.features), points[name], held_out, seed=seed, paired=paired)
        verdict = "nearer" if gap.high < 0 else "further" if gap.low > 0 else "undecided"
        difference = {"value": gap.value, "low": gap.low, "high": gap.high, "reason": None}
        power = able.get(name)
        small = verdict == "undecided" and power is not None and power < ABLE
        text = _text(name, verdict, gap, power if small else None)
        found.append(
            {"name": name, "verdict": verdict, "difference": difference, "power": power, "could_not_be_shown": small, "text": text}
        )
    return found


def powers(held_out: np.ndarray, others: Mapping[str, np.ndarray], pairs: int, seed: int) -> dict[str, float]:
    """Returns by competitor in how many of `ROUNDS` rounds paintings of the years between are found nearer to those years than it is.

    In each round as many of the paintings held out [m, d] as there are pairs, or half of them, stand for the frames, and the others for the
    years. They are fewer than a study has, so a study finds a little more. Empty where there are too few paintings.
    """
    shown = min(pairs, len(held_out) // 2)
    if shown < kid.MINIMUM:
        return {}
    found = dict.fromkeys(others, 0)
    for k in range(ROUNDS):
        order = np.random.default_rng([seed, k]).permutation(len(held_out))
        as_frames, years = held_out[order[:shown]], held_out[order[shown:]]
        for name, points in others.items():
            found[name] += kid.difference(as_frames, points, years, seed=seed + k, paired=False, subsets=SUBSETS).high < 0
    return {name: times / ROUNDS for name, times in found.items()}


def grouped(found: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Returns names of competitors by what is said beside them: 'nearer', 'further', 'undecided', or 'small' for what could not be
    shown."""
    said: dict[str, list[str]] = {"nearer": [], "further": [], "undecided": [], "small": []}
    for one in found:
        if one["verdict"]:
            said["small" if one["could_not_be_shown"] else one["verdict"]].append(one["name"])
    return said


def _text(name: str, verdict: str, gap: kid.Kid, too_small: float | None) -> str:
    """Returns what was found in words; `too_small` is the power, where it was too small to find anything."""
    them = f"the {name}" if name not in STANDING else "the early and late paintings, mixed" if name.startswith("both") else shown(name)
    span = f"KID {gap.value:+.2g}, between {gap.low:+.2g} and {gap.high:+.2g}"
    if too_small is not None:
        return (
            f"Whether they are nearer than {them} could not have been shown at this size: real paintings of those years, shown as frames, "
            f"are found nearer in {too_small:.0%} of repetitions ({span})."
        )
    return {
        "nearer": f"Nearer to the paintings of the years between than {them} ({span}).",
        "further": f"No better than {them}: further from the paintings of the years between ({span}).",
        "undecided": f"No better than {them} as far as can be shown: the difference may be chance ({span}).",
    }[verdict]
