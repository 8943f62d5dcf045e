"""What the page says of the painter alone: how the style moves with the years, paintings out of their time, and a map of all paintings."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageColor

from gan_jax.report import data_uris, plots
from gan_jax.report.figures import figure
from gan_jax.report.paintings import Paintings
from gan_jax.report.results import Results

OUT_OF_TIME = 8  # paintings at either end of the list
MAP_SIDE = 1400  # pixels
MAP_PAINTINGS = 1200


def style_section(results: Results, found: Mapping[str, Any], paintings: Paintings) -> dict | None:
    """Returns what the page says of style, by the figures `found` and the table of paintings; None if there is nothing to say."""
    assert results.evaluation is not None  # which `found` is of
    curves = [_curve(one, paintings) for one in found["style"]]
    rows = results.evaluation.tables["works"]
    dated = sorted((row for row in rows if np.isfinite(row["ahead"])), key=lambda row: row["ahead"])
    if not curves and not dated:
        return None

    def shown(row: Mapping[str, Any]) -> dict:
        return paintings.entry(row["index"]) | {key: row[key] for key in ("looks_like", "ahead")}

    count = min(OUT_OF_TIME, len(dated) // 2)
    return {
        "curves": curves,
        "ahead": [shown(row) for row in dated[::-1][:count] if row["ahead"] > 0],
        "behind": [shown(row) for row in dated[:count] if row["ahead"] < 0],
        "error": found["chronology"].get("error"),
        "map": _map(rows, paintings),
    }


def _curve(one: Mapping[str, Any], paintings: Paintings) -> dict:
    values = {key: np.array(one[key], np.float64) for key in ("years", "value", "low", "high")}
    periods = {name: figure(one["periods"][name]) for name in paintings.periods if one["periods"].get(name)}
    means = [
        (paintings.colour(name), *_years(paintings, name), *(mean[k] for k in ("value", "low", "high"))) for name, mean in periods.items()
    ]
    return {
        "name": str(one["name"]),
        "unit": str(one["unit"]),
        "about": str(one["about"]),
        "plot": plots.quantity_over_years(**values, means=means, unit=str(one["unit"]), circle=one["circle"]),
        "periods": [{"name": name, "colour": paintings.colour(name), **mean} for name, mean in periods.items()],
    }


def _years(paintings: Paintings, period: str) -> tuple[float, float]:
    """Returns the first and the last year of a period's paintings."""
    years = [painting.year for painting, name in zip(paintings.collection.paintings, paintings.shown) if name == period]
    return (min(years), max(years)) if years else (np.nan, np.nan)


def _map(rows: Sequence[Mapping[str, Any]], paintings: Paintings) -> str | None:
    """Returns all paintings where their features put them: thumbnails framed in their period's colour, on one image."""
    placed = [(row["index"], row.get("map_x", np.nan), row.get("map_y", np.nan)) for row in rows]
    placed = [(index, x, y) for index, x, y in placed if 0 <= x <= 1 and 0 <= y <= 1][:MAP_PAINTINGS]
    if not placed:
        return None
    size = int(np.clip(MAP_SIDE / np.sqrt(len(placed)) * 0.9, 24, 96))
    frame = max(2, size // 20)
    canvas = Image.new("RGB", (MAP_SIDE, MAP_SIDE), "white")
    for index, x, y in placed:
        picture = Image.fromarray(np.asarray(paintings.images[index])).resize((size - 2 * frame,) * 2, Image.Resampling.LANCZOS)
        left, top = round(x * (MAP_SIDE - size)), round(y * (MAP_SIDE - size))
        canvas.paste(ImageColor.getrgb(paintings.colour(paintings.shown[index])), (left, top, left + size, top + size))
        canvas.paste(picture, (left + frame, top + frame))
    return data_uris.encode(canvas, MAP_SIDE)
