"""The paintings of a study: reading them, and what the page shows of the collection."""

import dataclasses
import math
import pathlib
from collections import Counter

import numpy as np

from gan_jax.collection.aspect import FITS, matted
from gan_jax.report import data_uris, plots, results

THUMBNAIL = 72  # pixels; the page of 776 works carries about 700 thumbnails
MOST_NAMES = 5000  # in a folded list
WORKS_A_YEAR = 14
MOST_YEAR_ROWS = 40


def year_text(year: float) -> str:
    """The calendar year that a date falls in: 1885.92 is in 1885."""
    return "undated" if math.isnan(year) else f"{math.floor(year)}"


@dataclasses.dataclass(frozen=True)
class Collection:
    """The paintings' table, their images, and the periods in order of time with their colours."""

    rows: list[dict]
    squares: np.ndarray  # uint8 [n, r, r, 3], as the networks have them
    shown: list[str]  # of each the period that it is shown under: its own if it has one beside early and late, else its part in the study
    periods: list[str]
    fit: str  # how they became squares
    aspects: np.ndarray  # [n], width over height

    @property
    def images(self) -> np.ndarray:
        """In their own shapes, each on a mat of the same size."""
        return matted(self.squares, self.aspects, self.fit)

    def colour(self, period: str) -> str:
        """The colour of a period, the same everywhere on the page; grey for works outside the periods."""
        further = [name for name in self.periods if name and name not in plots.PERIOD_COLOURS]
        if period in further:
            return plots.FURTHER_COLOURS[further.index(period) % len(plots.FURTHER_COLOURS)]
        return plots.PERIOD_COLOURS.get(period, plots.GREY)


def read_collection(workdir: pathlib.Path) -> Collection:
    """Reads collection/ of a workdir. Raises UserError if it is not there."""
    rows = results.read_table(workdir / "collection" / "paintings.csv", results.PAINTINGS)
    images = results.open_pictures(workdir / "collection" / "images.npy", len(rows))
    shown = _shown(workdir, rows)
    first = {}
    for row, period in zip(rows, shown):
        first[period] = min(first.get(period, math.inf), row["year"] if not math.isnan(row["year"]) else math.inf)
    config = (results.read_optional_json(workdir / "config.json") or {}).get("config")
    fit = config.get("collection", {}).get("fit") if isinstance(config, dict) else None
    return Collection(
        rows,
        images,
        shown,
        sorted(first, key=lambda period: (first[period], period)),
        fit if fit in FITS else "crop",
        np.array([_aspect(row) for row in rows]),
    )


def _shown(workdir: pathlib.Path, rows: list[dict]) -> list[str]:
    """The periods as `evaluate` named them; before it, the works' parts in the study."""
    path = workdir / "evaluation" / "works.csv"
    named = {row["index"]: row.get("named") or "" for row in (results.read_table(path, {"index": int}) if path.exists() else [])}
    return [named.get(index, "") or row["period"] for index, row in enumerate(rows)]


def _aspect(row: dict) -> float:
    width, height = (results.optional_number(row.get(name)) or 0.0 for name in ("width", "height"))
    return float(np.clip(width / height, 1e-3, 1e3)) if width > 0 and height > 0 else 1.0


def spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers 0 to count-1, evenly spread, with the first and the last."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))}) if count else []


def span(years: list[float]) -> str:
    known = [year for year in years if not math.isnan(year)]
    if not known:
        return ""
    first, last = year_text(min(known)), year_text(max(known))
    return first if first == last else f"{first}–{last}"


def collection_section(workdir: pathlib.Path, collection: Collection) -> dict:
    """The histogram, thumbnails by year, and what was left out."""
    dated = [index for index, row in enumerate(collection.rows) if not math.isnan(row["year"])]
    path = workdir / "collection" / "skipped.csv"
    skipped = results.read_table(path, results.SKIPPED) if path.exists() else []
    periods = [
        {"name": period, "colour": collection.colour(period), "works": len(years), "span": span(years)}
        for period in collection.periods
        if (years := [row["year"] for row, name in zip(collection.rows, collection.shown) if name == period])
    ]
    held_out = {name for row, name in zip(collection.rows, collection.shown) if row["period"] == "between"}
    section = {
        "works": len(collection.rows),
        "span": span([row["year"] for row in collection.rows]),
        "resolution": collection.images.shape[1],
        "periods": periods,
        "undated": len(collection.rows) - len(dated),
        "held_out": bool(held_out),
        "named": [name for name in collection.periods if name in held_out and name != "between"],
        "histogram": None,
        "years": [],
        "skipped": skipped[:MOST_NAMES],
        "skipped_count": len(skipped),
        # Before a colon stands the kind of reason, after it what is particular to the work.
        "reasons": Counter(row["reason"].split(":")[0] for row in skipped).most_common(20),
    }
    if dated:
        years = np.array([math.floor(collection.rows[index]["year"]) for index in dated])
        width = next((size for size in (1, 2, 5, 10, 20, 50, 100) if np.ptp(years) / size < MOST_YEAR_ROWS), 1000)
        bins = years // width * width
        numbers = np.array([collection.periods.index(collection.shown[index]) for index in dated])
        section["histogram"] = plots.works_by_year(bins, numbers, [collection.colour(period) for period in collection.periods], width)
        for start in np.unique(bins):
            members = [index for index, place in zip(dated, bins, strict=True) if place == start]
            shown = [members[place] for place in spread(len(members), WORKS_A_YEAR)]
            section["years"].append(
                {
                    "label": f"{start}" if width == 1 else f"{start}–{start + width - 1}",
                    "works": [work(collection, index) for index in shown],
                    "more": len(members) - len(shown),
                }
            )
    return section


def work(collection: Collection, index: int) -> dict:
    row = collection.rows[index]
    return {
        "index": index,
        "title": row["title"],
        "year": row["year"],
        "colour": collection.colour(collection.shown[index]),
        "uri": data_uris.thumbnail(collection.images[index], THUMBNAIL),
    }
