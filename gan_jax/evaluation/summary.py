"""What an evaluation says, in sentences."""

from collections.abc import Mapping
from typing import Any

LATER = {
    "yes": "The frames look later the further they are on the way",
    "no": "No order in time can be shown along the way",
    "reversed": "The frames look earlier the further they are on the way",
    "undecided": "The frames look hardly later the further they are on the way",
}
BETWEEN = {
    "yes": "its middle looks later than the early works and earlier than the late ones",
    "no": "its middle does not look like what lies between the periods",
    "undecided": "whether its middle looks like what lies between the periods is open",
}
OFTEN = 3  # times as many near copies as there are among the real works are worth a warning
REPEATS = 0.05  # of MS-SSIM above the real works': pictures that repeat each other


def summary(figures: dict[str, Any]) -> list[str]:
    """The sentences, most important first. Adds `text` to the entries of `chronology` and `copies`."""
    figures["chronology"]["text"] = _chronology(figures["chronology"])
    figures["copies"]["text"] = _copies(figures["copies"])
    truth = figures["truth"]["text"] if figures["truth"] else ""
    lines = [_between(figures), figures["chronology"]["text"], truth, _pictures(figures), figures["copies"]["text"]]
    return [line for line in lines if line]


def _between(figures: Mapping[str, Any]) -> str:
    said = {verdict: [v["name"] for v in figures["verdicts"] if v["verdict"] == verdict] for verdict in ("nearer", "undecided", "further")}
    if not any(said.values()):
        return f"Whether the frames are of the years between can't be said: {figures['verdicts'][0]['difference']['reason']}."
    middle = figures["middle"]
    parts = {"nearer": "nearer than {}", "undecided": "not to be told from {}", "further": "further than {}"}
    text = "; ".join(parts[verdict].format(_listed(names)) for verdict, names in said.items() if names)
    place = f"in the middle (t = {middle['t']:.2g}, about {int(middle['year'])})"
    return f"By their distance to real works of the years between, the frames {place} are {text}."


def _listed(names: list[str]) -> str:
    names = [name if name.startswith("the ") else f"the {name}" for name in names]
    names = ["the early and late works mixed" if name == "the both, mixed" else name for name in names]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _chronology(found: Mapping[str, Any]) -> str:
    if found["reason"]:
        return f"What years the frames look like can't be said: {found['reason']}."
    rank = found["rank"]
    return (
        f"{LATER[found['later']]} (rank correlation {rank['value']:.2f}, {rank['low']:.2f} to {rank['high']:.2f}), and "
        f"{BETWEEN[found['between']]}. Dates are told to {found['error']:.1f} years on real works left out; "
        f"guessing would be off by {found['guess']:.1f}."
    )


def _copies(found: Mapping[str, Any]) -> str:
    if found["reason"]:
        return f"Whether there are copies can't be said: {found['reason']}."
    generated = found["generated"]
    text = (
        f"{generated['near']:,} of {generated['n']:,} generated pictures ({generated['part']:.1%}) are as near to a training work as only "
        f"{found['expected']:.0%} of the real works are to each other"
    )
    return f"{text}: the network repeats works by heart." if generated["part"] > OFTEN * found["expected"] else f"{text}."


def _pictures(figures: Mapping[str, Any]) -> str:
    kid, floor, ceiling = (
        figures["comparisons"][0]["kid"]["value"],
        figures["floors"]["training"]["kid"]["value"],
        figures["ceiling"]["kid"]["value"],
    )
    if None in (kid, floor, ceiling):
        return ""
    text = (
        f"Pictures from chance are {kid:.3g} (KID) from the works that were trained on; two halves of those are {floor:.2g} apart, "
        f"and early from late works {ceiling:.3g}."
    )
    like, real = figures["diversity"]["generated"]["value"], figures["diversity"]["training"]["value"]
    if like is not None and real is not None and like > real + REPEATS:
        text += f" They are more alike than the works are (MS-SSIM {like:.2f} against {real:.2f})."
    return text
