"""Tables of an evaluation, a row for each painting, frame, generated image, competitor and moment."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax.evaluation import style
from gan_jax.evaluation.inputs import STUDY, Competitors, Paintings, Seen
from gan_jax.metrics import copies
from gan_jax.metrics.distances import DISTANCES, INTERVAL
from gan_jax.metrics.features import Standardiser
from gan_jax.metrics.image_set import ImageSet
from gan_jax.metrics.manifold import distances

Rows = list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Dates:
    """What year images look like."""

    paintings: np.ndarray  # [n], NaN for those without a date
    generated: np.ndarray
    frames: Mapping[str, np.ndarray]  # [pairs, T] by competitor


@dataclasses.dataclass(frozen=True)
class Near:
    """The training paintings nearest to images, as places in the collection."""

    generated: copies.Nearest
    frames: copies.Nearest  # of the study, pairs after each other
    copy_generated: np.ndarray
    copy_frames: np.ndarray


def painting_rows(paintings: Paintings, seen: Seen, dates: Dates | None, curves: Sequence[style.Curve], seed: int) -> Rows:
    """Says of each painting its year, the one it looks like, its quantities of style, and its place on a map of all paintings."""
    rows = [
        {"index": i, "file": file, "title": title, "year": _number(year), "period": period}
        for i, (file, title, year, period) in enumerate(zip(paintings.files, paintings.titles, paintings.years, paintings.periods))
    ]
    if paintings.further:
        rows = [row | {"named": name} for row, name in zip(rows, paintings.named)]
    said = dates.paintings if dates else np.full(len(rows), np.nan)
    dated = np.flatnonzero(np.isfinite(paintings.years))
    places = style.map_of(Standardiser.fit(seen.paintings.features)(seen.paintings.features), seed) if len(rows) >= style.MINIMUM else None
    for i, row in enumerate(rows):
        row |= {"looks_like": _number(said[i]), "ahead": _number(said[i] - paintings.years[i])}
    for curve in curves:
        values = np.full(len(rows), np.nan)
        values[dated] = curve.paintings
        for row, value in zip(rows, values):
            row[curve.quantity.name] = _number(value)
    for i, row in enumerate(rows):
        row |= {"map_x": _number(places[i, 0]) if places is not None else "", "map_y": _number(places[i, 1]) if places is not None else ""}
    return rows


def _resembles(paintings: ImageSet, features: np.ndarray) -> np.ndarray:
    """Returns the real paintings [n] that are most like images of features [n, d]."""
    standardise = Standardiser.fit(paintings.features)
    return distances(standardise(features), standardise(paintings.features)).argmin(axis=1) if len(features) else np.zeros(0, int)


def frame_rows(seen: Seen, morphs: Competitors, dates: Dates | None, near: Near | None) -> Rows:
    """Says of each frame of the study the year it looks like, and the paintings that resemble it and that are nearest to it."""
    study = next(iter(morphs.frames))
    features = seen.frames[study].features
    resembles = _resembles(seen.paintings, features.reshape(-1, features.shape[-1]))
    rows = []
    for pair, (early, late) in enumerate(morphs.ends.tolist()):
        for k, t in enumerate(morphs.t):
            i = pair * len(morphs.t) + k
            said = _number(dates.frames[study][pair, k]) if dates else ""
            rows.append({"pair": pair, "frame": k, "t": f"{t:.4f}", "year": _number(morphs.years[pair, k]), "looks_like": said,
                         "early_index": early, "late_index": late,
                         **_neighbours(resembles, (near.frames, near.copy_frames) if near else None, i)})  # fmt: skip
    return rows


def generated_rows(seen: Seen, dates: Dates | None, near: Near | None) -> Rows:
    """Says the same of each generated image."""
    resembles = _resembles(seen.paintings, seen.generated.features)
    return [
        {
            "image": i,
            "looks_like": _number(dates.generated[i]) if dates else "",
            **_neighbours(resembles, (near.generated, near.copy_generated) if near else None, i),
        }
        for i in range(len(seen.generated))
    ]


def _neighbours(resembles: np.ndarray, near: tuple[copies.Nearest, np.ndarray] | None, i: int) -> dict[str, Any]:
    """`near`: the training paintings nearest to the images, and which images [n] are copies of theirs."""
    row: dict[str, Any] = {"resembles_index": int(resembles[i]), "nearest_index": "", "distance": "", "copy": ""}
    if near is not None:
        nearest, copied = near
        row |= {"nearest_index": int(nearest.painting[i]), "distance": f"{nearest.distance[i]:.4f}", "copy": int(copied[i])}
    return row


def style_rows(curves: Sequence[style.Curve]) -> Rows:
    """Gives each quantity's curve over the years, with its interval."""
    return [
        {"quantity": curve.quantity.name, "year": f"{year:.3f}", "value": value, "low": low, "high": high}
        for curve in curves
        for year, value, low, high in zip(curve.years, curve.value, curve.low, curve.high)
    ]


def competitor_rows(figures: Mapping[str, Any]) -> Rows:
    """Says how far each competitor is from the paintings between, at each t; standing sets have none."""
    rows = []
    rank = {STUDY: figures["chronology"].get("rank"), **{
        name: each["rank"] for name, each in figures["chronology"].get("competitors", {}).items()
    }}  # fmt: skip
    ways = {STUDY: figures["morph"], **figures["competitors"]}
    places = [(name, _number(place["t"]), place["against"]["between"], place) for name, way in ways.items() for place in way]
    for name, t, comparison, place in [*places, *((one["name"], "", one["comparison"], None) for one in figures["standing"])]:
        numbers = {**_distances(comparison),
                   "rank": (rank.get(name) or {}).get("value"), "kid_training": place["training"]["value"] if place else None,
                   "precision": place["precision"] if place else None, "sharpness": place["sharpness"] if place else None}  # fmt: skip
        rows.append({"competitor": name, "t": t} | {key: _number(value) for key, value in numbers.items()})
    return rows


def _distances(comparison: Mapping[str, Any]) -> dict[str, float | None]:
    """Returns all distances by the names of their columns, with the ends of the intervals of those that have one."""
    columns = {}
    for name, distance in DISTANCES.items():
        columns[name] = comparison[name]["value"]
        if distance.beside == INTERVAL:
            columns |= {f"{name}_{end}": comparison[name][end] for end in INTERVAL}
    return columns


def chronology_rows(figures: Mapping[str, Any]) -> Rows:
    """Gives the years that frames look like at each t, with intervals; no rows where nothing can be said."""
    found = figures["chronology"]
    if found["reason"]:
        return []
    ways = {STUDY: found["by_t"], **{name: each["by_t"] for name, each in found["competitors"].items()}}
    return [
        {"competitor": name, "t": _number(moment["t"]), "year": _number(place["year"])}
        | {key: _number(place[source]) for key, source in (("looks_like", "value"), ("low", "low"), ("high", "high"))}
        for name, way in ways.items()
        for moment, place in zip(figures["morph"], way)
    ]


def _number(value: float | None) -> str:
    return "" if value is None or not np.isfinite(value) else f"{value:.6g}"
