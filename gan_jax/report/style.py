"""What the page says of the painter alone: how the style moves with the years, works out of their time, and a map of all works."""

import pathlib

import numpy as np
from PIL import Image, ImageColor

from gan_jax.report import data_uris, plots, results
from gan_jax.report.figures import figure
from gan_jax.report.works import Collection, work

OUT_OF_TIME = 8  # works at either end of the list
MAP_SIDE = 1400  # pixels
MAP_WORKS = 1200


def style_section(workdir: pathlib.Path, found: dict, collection: Collection) -> dict | None:
    """From evaluation.json and evaluation/works.csv; None if there is nothing to say."""
    curves = [_curve(one, collection) for one in found["style"]]
    path = workdir / "evaluation" / "works.csv"
    rows = results.read_table(path, {"index": int, "year": float, "looks_like": float, "ahead": float}) if path.exists() else []
    results.check_indices(rows, ("index",), len(collection.rows), path)
    dated = sorted((row for row in rows if np.isfinite(row["ahead"])), key=lambda row: row["ahead"])
    if not curves and not dated:
        return None

    def shown(row: dict) -> dict:
        return work(collection, row["index"]) | {key: row[key] for key in ("looks_like", "ahead")}

    count = min(OUT_OF_TIME, len(dated) // 2)
    return {
        "curves": curves,
        "ahead": [shown(row) for row in dated[::-1][:count] if row["ahead"] > 0],
        "behind": [shown(row) for row in dated[:count] if row["ahead"] < 0],
        "error": found["chronology"].get("error"),
        "map": _map(rows, collection),
    }


def _curve(one: dict, collection: Collection) -> dict:
    values = {key: np.array(one[key], np.float64) for key in ("years", "value", "low", "high")}
    periods = {name: figure(one["periods"][name]) for name in collection.periods if one["periods"].get(name)}
    means = [
        (collection.colour(name), *_years(collection, name), *(mean[k] for k in ("value", "low", "high"))) for name, mean in periods.items()
    ]
    return {
        "name": str(one["name"]),
        "unit": str(one["unit"]),
        "about": str(one["about"]),
        "plot": plots.quantity_over_years(**values, means=means, unit=str(one["unit"]), circle=one["circle"]),
        "periods": [{"name": name, "colour": collection.colour(name), **mean} for name, mean in periods.items()],
    }


def _years(collection: Collection, period: str) -> tuple[float, float]:
    """The first and the last year of a period's works."""
    years = [row["year"] for row, name in zip(collection.rows, collection.shown) if name == period and np.isfinite(row["year"])]
    return (min(years), max(years)) if years else (np.nan, np.nan)


def _map(rows: list[dict], collection: Collection) -> str | None:
    """All works where their features put them: thumbnails framed in their period's colour, on one picture."""
    placed = [(row["index"], results.optional_number(row.get("map_x")), results.optional_number(row.get("map_y"))) for row in rows]
    placed = [(index, x, y) for index, x, y in placed if x is not None and y is not None][:MAP_WORKS]
    if not placed:
        return None
    size = int(np.clip(MAP_SIDE / np.sqrt(len(placed)) * 0.9, 24, 96))
    frame = max(2, size // 20)
    canvas = Image.new("RGB", (MAP_SIDE, MAP_SIDE), "white")
    for index, x, y in placed:
        picture = Image.fromarray(np.asarray(collection.images[index])).resize((size - 2 * frame,) * 2, Image.Resampling.LANCZOS)
        left, top = round(x * (MAP_SIDE - size)), round(y * (MAP_SIDE - size))
        canvas.paste(ImageColor.getrgb(collection.colour(collection.shown[index])), (left, top, left + size, top + size))
        canvas.paste(picture, (left + frame, top + frame))
    return data_uris.encode(canvas, MAP_SIDE)
