"""The first thing that a report says, in words that anyone understands."""

from collections.abc import Mapping
from typing import Any

from gan_jax.evaluation.inputs import CROSS_FADE
from gan_jax.evaluation.summary import listed
from gan_jax.evaluation.verdicts import STANDING, grouped

ALL = "a cross-fade of the paintings and than the early and the late paintings, alone or mixed"


def answer(figures: Mapping[str, Any]) -> dict[str, str]:
    """Returns what was asked, what came out, how sure that is, and compared with what: a text each, '' where there is nothing to say.

    From the verdicts beside what needs no network. `spans` of the figures are the years of the periods, and `sets` the number of paintings.
    """
    early, between, late = (figures["spans"][name] for name in ("early", "between", "late"))
    asked = f"A network has seen paintings of {early} and of {late} alone. Does it paint what was painted in between?"
    simple = [one for one in figures["verdicts"] if one["name"] in (CROSS_FADE, *STANDING)]
    judged = [one for one in simple if one["verdict"]]
    if not between or not judged:
        reason = next((one["difference"]["reason"] for one in simple if one["difference"]["reason"]), "no paintings were held out")
        return {"asked": asked, "found": f"That can't be said: {reason}.", "sure": "", "compared": ""}
    said = grouped(judged)
    return {
        "asked": asked,
        "found": f"{_head(said)} {_found(said, int(figures['middle']['year']))}",
        "sure": _sure(said, {one["name"]: one["power"] for one in judged if one["power"] is not None}),
        "compared": f"Compared with {figures['sets']['between']:,} real paintings of {between}, which it never saw, and with what needs no "
        "network: a plain cross-fade of the same two paintings, the early paintings, the late paintings, and both mixed.",
    }


def _head(said: Mapping[str, list[str]]) -> str:
    if said["nearer"]:
        return "In part." if said["further"] or said["undecided"] or said["small"] else "Yes."
    if said["further"]:
        return "No."
    return "Not as far as can be shown." if said["undecided"] else "That could not have been shown with a study of this size."


def _found(said: Mapping[str, list[str]], year: int) -> str:
    clauses = {
        "nearer": "nearer to {them} than {those}",
        "further": "further from {them} than {those}",
        "undecided": "neither nearer to {them} nor further than {those}, as far as can be shown",
        "small": "too few to be compared with {those}",
    }
    parts: list[str] = []
    for verdict, names in said.items():
        if names:
            them = "them" if parts else "the real paintings of those years"
            parts.append(clauses[verdict].format(them=them, those=ALL if len(names) == 1 + len(STANDING) else listed(names)))
    return f"By colour and brushwork, its images for about {year} are {'; '.join(parts)}."


def _sure(said: Mapping[str, list[str]], powers: Mapping[str, float]) -> str:
    """Returns how often a claim is wrong, and what this study could have found."""
    claim = "What is called nearer or further is wrong in at most one study of forty. " if said["nearer"] or said["further"] else ""
    if not powers:
        return f"{claim}How much this study could have found is not known: too few paintings were held out."
    hardest, easiest = min(powers, key=powers.__getitem__), max(powers, key=powers.__getitem__)
    tries = f"{round(10 * powers[hardest])} of 10 tries beside {listed([hardest])}"
    if round(10 * powers[hardest]) != round(10 * powers[easiest]):
        tries += f", which is the hardest, and in {round(10 * powers[easiest])} beside {listed([easiest])}"
    return f"{claim}With real paintings of those years in place of its images, this study would have found them nearer in {tries}."
