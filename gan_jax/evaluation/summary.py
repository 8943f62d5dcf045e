"""What an evaluation says, in sentences."""

import math
from collections.abc import Mapping
from typing import Any

from gan_jax.evaluation.chronology import DOUBT
from gan_jax.evaluation.evaluation import shown
from gan_jax.evaluation.inputs import CROSS_FADE
from gan_jax.evaluation.verdicts import grouped
from gan_jax.metrics.copies import EXPECTED

LATER = {
    "yes": "The frames look later the further they are on the way",
    "no": "No order in time can be shown along the way",
    "reversed": "The frames look earlier the further they are on the way",
    "undecided": "The frames look hardly later the further they are on the way",
}
BETWEEN = {
    "yes": "most of the frames in the middle look later than three in four early paintings and earlier than three in four late ones",
    "no": "no more of the frames in the middle lie between the periods than early or late paintings do by chance",
    "undecided": "some of the frames in the middle lie between the periods, but not most",
}
OFTEN = 3  # times as many near copies as there are among the real paintings are worth a warning
REPEATS = 0.05  # of MS-SSIM above the real paintings': images that repeat each other


def summary(figures: dict[str, Any]) -> list[str]:
    """Returns the sentences, most important first. Adds `text` to the entries of `chronology` and `copies`."""
    figures["chronology"]["text"] = _chronology(figures["chronology"])
    figures["copies"]["text"] = _copies(figures["copies"])
    truth = figures["truth"]["text"] if figures["truth"] else ""
    lines = [_between(figures), figures["chronology"]["text"], truth, _samples(figures), figures["copies"]["text"]]
    return [line for line in lines if line]


def _between(figures: Mapping[str, Any]) -> str:
    said = grouped(figures["verdicts"])
    if not any(said.values()):
        return f"Whether the frames are of the years between can't be said: {figures['verdicts'][0]['difference']['reason']}."
    middle = figures["middle"]
    parts = {"nearer": "nearer than {}", "undecided": "not to be told from {}", "further": "further than {}",
             "small": "of unknown distance beside {}, which could not have been shown at this size"}  # fmt: skip
    text = "; ".join(words.format(listed(said[verdict])) for verdict, words in parts.items() if said[verdict])
    place = f"in the middle (t = {middle['t']:.2g}, about {int(middle['year'])})"
    return f"By their distance to real paintings of the years between, the frames {place} are {text}."


def listed(names: list[str]) -> str:
    """Returns names of competitors in words, one after the other."""
    names = [shown(name) if name.startswith("the ") else f"the {name}" for name in names]
    names = ["the early and late paintings mixed" if name == "the both, mixed" else name for name in names]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _chronology(found: Mapping[str, Any]) -> str:
    if found["reason"]:
        return f"What years the frames look like can't be said: {found['reason']}."
    rank = found["rank"]
    return (
        f"{LATER[found['later']]} (rank correlation {rank['value']:.2f}, {rank['low']:.2f} to {rank['high']:.2f}). {_lying(found)} "
        f"Dates are told to {found['error']:.1f} years on real paintings left out; guessing would be off by {found['guess']:.1f}."
    )


def _lying(found: Mapping[str, Any]) -> str:
    """Returns whether the middle lies between, with the cross-fade's answer beside it."""
    if found["between"] == "silent":
        return f"Whether the middle lies between the periods is not said: {found['between_reason']}."
    part, fade = found["between_part"], found["competitors"].get(CROSS_FADE)
    beside = "no paintings of the collection"
    if fade and fade["between"] != "silent":
        beside = f"{fade['between_part']['value']:.0%}"
    text = BETWEEN[found["between"]]
    span = f"{part['value']:.0%}, {part['low']:.0%} to {part['high']:.0%}"
    return f"{text[0].upper()}{text[1:]} ({span}" + (f"; of the cross-fades: {beside})." if fade else ").")


def _copies(found: Mapping[str, Any]) -> str:
    if found["reason"]:
        return f"Whether there are copies can't be said: {found['reason']}."
    generated = found["generated"]
    text = (
        f"Near copies among the random samples: {generated['near']:,} of {generated['n']:,} ({generated['part']:.1%}), of "
        f"{found['works']:,} training {'painting' if found['works'] == 1 else 'paintings'}; of new paintings it would be "
        f"{found['expected']:.0%}"
    )
    return f"{text}: the network repeats paintings by heart." if by_heart(generated["part"], found["chance"]) else f"{text}."


def by_heart(part: float, chance: float) -> bool:
    """Returns whether so large a part of near copies, so rare among new paintings, is said to be repeated by heart."""
    return part > OFTEN * EXPECTED and chance <= DOUBT


def _samples(figures: Mapping[str, Any]) -> str:
    kid, floor, ceiling = (
        figures["comparisons"][0]["kid"]["value"],
        figures["floors"]["training"]["kid"]["value"],
        figures["ceiling"]["kid"]["value"],
    )
    if None in (kid, floor, ceiling):
        return ""
    text = (
        f"Random samples are {rounded(kid, ceiling)} (KID) from the paintings that were trained on; two halves of those are "
        f"{rounded(floor, ceiling)} apart, and early from late paintings {rounded(ceiling, ceiling)}."
    )
    like, real = figures["diversity"]["generated"]["value"], figures["diversity"]["training"]["value"]
    if like is not None and real is not None and like > real + REPEATS:
        text += f" They are more alike than the paintings are (MS-SSIM {like:.2f} against {real:.2f})."
    return text


def rounded(distance: float, scale: float) -> str:
    """Returns a distance to a twentieth of a scale at the finest, and never below zero, which only chance brings about."""
    digits = max(0, 1 - math.floor(math.log10(max(abs(scale), 1e-6))))
    return f"{max(0.0, distance):.{digits}f}" if round(max(0.0, distance), digits) else "0"
