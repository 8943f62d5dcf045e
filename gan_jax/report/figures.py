"""The measured figures of evaluation.json, each beside its interval and the floor it is to be read against."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax.evaluation.evaluation import shown
from gan_jax.metrics.distances import DISTANCES, Distance
from gan_jax.metrics.properties import PROPERTIES, Property
from gan_jax.report import plots

PERIODS = ("early", "between", "late")
COUNTED = {"n": "Images", "pairs": "Couples"}  # what a property is a mean over, as people read it
LEGEND = {"early": "to early paintings", "between": "to paintings of the years between", "late": "to late paintings"}


def number_text(value: float | None) -> str:
    """Writes three significant digits; whole from a thousand on; a dash for what is not known."""
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) >= 999.5:
        return f"{value:,.0f}".replace("-", "−")
    # The decimals that three digits need, once the value is rounded to them: 0.09996 is 0.100.
    digits = f"{value:.2e}"
    text = f"{float(digits):.{min(8, max(0, 2 - int(digits[-3:])))}f}" if abs(value) > 1e-8 else "0"
    return text.replace("-", "−")


def evaluation_section(found: Mapping[str, Any], mean_years: tuple[float, float] | None) -> dict:
    """Returns tables and the plot along the morphs.

    mean_years: of the early and of the late ends of the morphs. Raises KeyError or TypeError if evaluation.json, `found`, is laid out
    otherwise than `evaluate` writes it.
    """
    return {
        "metrics": [{"title": each.title, "about": each.about, **_metric(found, key)} for key, each in distances(found).items()],
        "columns": [each.label for each in _along_t(found).values()],
        "levels": _levels(found),
        "properties": [_property(found, key, each) for key, each in properties(found).items()],
        "manifold": _manifold(found),
        "along": _along(found, mean_years),
        "competitors": _competitors(found),
        "plot": _plot(found, mean_years),
        "legend": [{"name": LEGEND[name], "colour": plots.PERIOD_COLOURS[name]} for name in PERIODS],
        "notes": [str(note) for note in found["notes"]],
    }


def distances(found: Mapping[str, Any]) -> dict[str, Distance]:
    """Returns the distances that an evaluation has by name: one from before a distance was added does without it."""
    return {name: distance for name, distance in DISTANCES.items() if name in found["ceiling"]}


def properties(found: Mapping[str, Any]) -> dict[str, Property]:
    """Returns what an evaluation says of each set by name: one from before a property was added does without it."""
    return {name: each for name, each in PROPERTIES.items() if name in found}


def _along_t(found: Mapping[str, Any]) -> dict[str, Distance]:
    return {name: distance for name, distance in distances(found).items() if distance.along}


def _manifold(found: Mapping[str, Any]) -> list[dict]:
    """Precision, recall, density and coverage: of random samples, of the frames in the middle, and as good as real would be."""
    entries = {
        "Random samples, among the paintings it learned from": found["manifold"]["generated"],
        "The middle of the morphs, among paintings of the years between": found["manifold"]["frames"][found["middle"]["k"]],
        "Two halves of the paintings it learned from": found["manifold"]["floor"],
    }
    names = ("precision", "recall", "density", "coverage")
    return [{"label": label, "values": [one[name] for name in names], "reason": one["reason"]} for label, one in entries.items()]


def figure(entry: Mapping[str, Any]) -> dict:
    """Returns a value with what is known of its uncertainty; what is not there is None."""
    values = {name: entry.get(name) for name in ("value", "low", "high", "spread", "error")}
    for name, value in values.items():
        if value is not None and not math.isfinite(value):
            raise ValueError(f"{name} is {value}")
    return values | {"reason": entry.get("reason")}


def _metric(found: Mapping[str, Any], key: str) -> dict:
    """Returns one table: what was compared, how far apart it is, and the floor: how far apart two halves of the real paintings are."""
    floors = found["floors"]
    rows = [{"label": "Random samples, and the paintings it learned from", **_pair(found["comparisons"][0], floors["training"], key)}]
    if found["morph"]:
        middle = min(found["morph"], key=lambda moment: abs(moment["t"] - 0.5))
        for moment, period, label in (
            (found["morph"][0], "early", "The start of the morphs, and early paintings"),
            (middle, "between", "The middle of the morphs, and paintings of the years between"),
            (found["morph"][-1], "late", "The end of the morphs, and late paintings"),
        ):
            rows.append({"label": label, **_pair(moment["against"][period], floors[period], key)})
    ceiling = found["ceiling"]
    return {"rows": rows, "ceiling": figure(ceiling[key]), "ceiling_sizes": (ceiling["n_a"], ceiling["n_b"])}


def _property(found: Mapping[str, Any], key: str, one: Property) -> dict:
    """Returns one table: each set, over how many images or pairs of them the value is a mean, and the value."""
    rows = [{"name": name, **figure(entry), "count": int(entry[one.counts])} for name, entry in found[key].items()]
    return {"title": one.title, "about": one.about, "label": one.label, "counts": COUNTED[one.counts], "rows": rows}


def _pair(comparison: Mapping[str, Any], floor: Mapping[str, Any], key: str) -> dict:
    return {"sizes": (comparison["n_a"], comparison["n_b"]), "measured": figure(comparison[key]), "floor": figure(floor[key])}


def _levels(found: Mapping[str, Any]) -> dict:
    """SWD by level: what was compared against the resolutions at which its neighbourhoods were taken."""
    rows = [
        ("Random samples, and the paintings it learned from", found["comparisons"][0]["swd"]["by_level"]),
        ("Floor: two halves of those paintings", found["floors"]["training"]["swd"]["by_level"]),
        ("Ceiling: early and late paintings", found["ceiling"]["swd"]["by_level"]),
    ]
    resolutions = sorted({level for _, by_level in rows for level in by_level}, key=int, reverse=True)
    table = [{"label": label, "values": [by_level.get(level) for level in resolutions]} for label, by_level in rows]
    return {"resolutions": resolutions, "rows": table}


def _along(found: Mapping[str, Any], mean_years: tuple[float, float] | None) -> list[dict]:
    """Returns a row for each t: its mean year, distances to each period, and what the frames there are like."""
    keys, own = list(_along_t(found)), list(properties(found))
    return [
        {
            "t": moment["t"],
            "year": mean_years[0] + moment["t"] * (mean_years[1] - mean_years[0]) if mean_years else None,
            "distances": [figure(moment["against"][period][key]) for key in keys for period in PERIODS],
            "properties": [figure(moment[key]) for key in own],
        }
        for moment in found["morph"]
    ]


def _competitors(found: Mapping[str, Any]) -> list[dict]:
    """Returns the morphs and what is put beside them: distances to the years between, each at the start, in the middle and at the end."""
    if not found["morph"]:
        return []
    keys, places = list(_along_t(found)), [0, int(found["middle"]["k"]), -1]
    ways = {"this study": found["morph"], **found["competitors"]}
    rows = [
        {"name": name, "distances": [figure(way[k]["against"]["between"][key]) for key in keys for k in places]}
        for name, way in ways.items()
    ]
    for one in found["standing"]:
        values = [value for key in keys for value in (figure({}), figure(one["comparison"][key]), figure({}))]
        rows.append({"name": shown(one["name"]), "distances": values})
    return rows


def _plot(found: Mapping[str, Any], mean_years: tuple[float, float] | None) -> str | None:
    """Returns KID over t, where there is any."""
    t = np.array([moment["t"] for moment in found["morph"]], np.float64)
    curves, floors = [], []
    for period in PERIODS:
        values = [figure(moment["against"][period]["kid"]) for moment in found["morph"]]
        if values and all(value["value"] is not None for value in values):
            middle, low, high = (np.array([value[name] for value in values]) for name in ("value", "low", "high"))
            curves.append((plots.PERIOD_COLOURS[period], middle, low, high))
        floor = figure(found["floors"][period]["kid"])
        if floor["value"] is not None:
            floors.append((floor["value"], floor["spread"] or 0.0))
    ceiling = figure(found["ceiling"]["kid"])
    lines = [("ceiling", ceiling["value"], ceiling["low"], ceiling["high"])] if ceiling["value"] is not None else []
    if floors:
        low, high = min(value - spread for value, spread in floors), max(value + spread for value, spread in floors)
        lines.append(("floor", float(np.mean([value for value, _ in floors])), low, high))
    return plots.over_t(t, mean_years, curves, lines) if curves else None
