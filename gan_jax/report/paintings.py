"""What the page shows of the collection."""

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from gan_jax.collection.aspect import FITS
from gan_jax.collection.paintings import Collection, Painting
from gan_jax.report import data_uris, plots
from gan_jax.report.results import Results

THUMBNAIL = 72  # pixels; the page of 776 paintings carries about 700 thumbnails
MOST_NAMES = 5000  # in a folded list
PAINTINGS_A_YEAR = 14
MOST_YEAR_ROWS = 40


def year_text(year: float) -> str:
    """Returns the calendar year that a date falls in: 1885.92 is in 1885."""
    return f"{math.floor(year)}"


@dataclasses.dataclass(frozen=True, eq=False)
class Paintings:
    """The paintings as the page shows them: under which periods, in which colours, and in their own shapes."""

    collection: Collection
    shown: Sequence[
        str
    ]  # of each the period that it is shown under: its own if it has one beside early and late, else its part in the study
    periods: Sequence[str]  # in order of time
    fit: str  # how paintings became squares
    images: np.ndarray  # uint8 [n, r, r, 3], in their own shapes, each on a mat of the same size

    @classmethod
    def of(cls, results: Results) -> "Paintings":
        """Returns the periods as `evaluate` named them; before it, the paintings' parts in the study."""
        collection, fit = results.collection, results.setting("collection", "fit")
        table = results.evaluation.tables["works"] if results.evaluation else []
        named = {row["index"]: row.get("named") or "" for row in table}
        shown = [named.get(index, "") or painting.period for index, painting in enumerate(collection.paintings)]
        first: dict[str, float] = {}
        for painting, period in zip(collection.paintings, shown):
            first[period] = min(first.get(period, math.inf), painting.year)
        fit = fit if fit in FITS else "crop"
        periods = sorted(first, key=lambda period: (first[period], period))
        return cls(collection, shown, periods, fit, collection.in_own_shapes(fit).images)

    def __len__(self) -> int:
        return len(self.collection.paintings)

    def __getitem__(self, index: int) -> Painting:
        return self.collection.paintings[index]

    def colour(self, period: str) -> str:
        """Returns the colour of a period, the same everywhere on the page; grey for paintings outside the periods."""
        further = [name for name in self.periods if name and name not in plots.PERIOD_COLOURS]
        if period in further:
            return plots.FURTHER_COLOURS[further.index(period) % len(plots.FURTHER_COLOURS)]
        return plots.PERIOD_COLOURS.get(period, plots.GREY)

    def entry(self, index: int) -> dict:
        """Returns what a thumbnail of a painting needs."""
        painting = self[index]
        return {
            "index": index,
            "title": painting.title,
            "year": painting.year,
            "colour": self.colour(self.shown[index]),
            "uri": data_uris.thumbnail(self.images[index], THUMBNAIL),
        }


def spread(count: int, most: int) -> list[int]:
    """Returns at most `most` of the numbers 0 to count-1, evenly spread, with the first and the last."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))}) if count else []


def span(years: Sequence[float] | np.ndarray) -> str:
    """Returns the first and the last calendar year, "" of none."""
    if not len(years):
        return ""
    first, last = year_text(min(years)), year_text(max(years))
    return first if first == last else f"{first}–{last}"


def collection_section(paintings: Paintings) -> dict:
    """Returns the histogram, thumbnails by year, and what was left out."""
    collection = paintings.collection
    periods = [
        {"name": period, "colour": paintings.colour(period), "paintings": len(years), "span": span(years)}
        for period in paintings.periods
        if (years := [painting.year for painting, name in zip(collection.paintings, paintings.shown) if name == period])
    ]
    held_out = {name for painting, name in zip(collection.paintings, paintings.shown) if painting.period == "between"}
    section = {
        "paintings": len(paintings),
        "span": span(collection.years),
        "resolution": paintings.images.shape[1],
        "periods": periods,
        "held_out": bool(held_out),
        "named": [name for name in paintings.periods if name in held_out and name != "between"],
        "histogram": None,
        "years": [],
        "skipped": [vars(left) for left in collection.skipped[:MOST_NAMES]],
        "skipped_count": len(collection.skipped),
        # Before a colon stands the kind of reason, after it what is particular to the painting.
        "reasons": Counter(left.reason.split(":")[0] for left in collection.skipped).most_common(20),
    }
    if collection.paintings:
        years = np.floor(collection.years).astype(int)
        width = next((size for size in (1, 2, 5, 10, 20, 50, 100) if np.ptp(years) / size < MOST_YEAR_ROWS), 1000)
        bins = years // width * width
        numbers = np.array([paintings.periods.index(name) for name in paintings.shown])
        section["histogram"] = plots.paintings_by_year(bins, numbers, [paintings.colour(period) for period in paintings.periods], width)
        for start in np.unique(bins):
            members = np.flatnonzero(bins == start).tolist()
            chosen = [members[place] for place in spread(len(members), PAINTINGS_A_YEAR)]
            section["years"].append(
                {
                    "label": f"{start}" if width == 1 else f"{start}–{start + width - 1}",
                    "paintings": [paintings.entry(index) for index in chosen],
                    "more": len(members) - len(chosen),
                }
            )
    return section
