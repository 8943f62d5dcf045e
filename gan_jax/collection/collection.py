"""Makes the collection of a study from a table and a folder, or by the built-in painter."""

import collections
from dataclasses import replace
from typing import Any

import numpy as np

from gan_jax.collection import dates
from gan_jax.collection.from_folder import from_folder
from gan_jax.collection.named_periods import ENDS, Periods
from gan_jax.collection.painter import paint_collection
from gan_jax.collection.paintings import Collection, Painting
from gan_jax.collection.periods import PERIODS, may_be_of
from gan_jax.collection.sources import Listed, NotEnough, Skipped, Sources
from gan_jax.errors import UserError

UNDATED = "collection/undated.json"  # in the workdir: of images without dates, which they are
OPEN = "uncertain date"  # why paintings are skipped that may as well be of another period


def prepare(config: Any) -> Collection:
    """Returns the collection that `config` (the section `collection`) describes. Raises UserError where it can't be made.

    Every row of the table and every image no row names is among the paintings or among the skipped.
    """
    periods = Periods.of(config)
    found = _from_painter(config) if config.source == "painter" else from_folder(config)
    if config.uncertain != "keep" and not periods.column:
        found = _certain(found, periods.spans["early"], periods.spans["late"])
    years, rows = [painting.date[0] for painting in found.paintings], [painting.row for painting in found.paintings]
    paintings = [
        Painting(painting.file, painting.title, *painting.date, part, *size, {name: painting.row[name] for name in found.columns})
        for painting, size, part in zip(found.paintings, found.sizes, periods.parts(years, rows, found.columns))
    ]
    of_further = collections.Counter(periods.names(years, rows, found.columns))
    named = ", ".join(f"{of_further[name]} {name}" for name in periods.further)
    order = sorted(range(len(paintings)), key=lambda i: (paintings[i].year, paintings[i].file))
    paintings_in_order = tuple(paintings[i] for i in order)
    result = Collection(
        paintings_in_order, found.images[order], tuple(found.skipped), found.remarks + ((named,) if named else ()), tuple(found.notes)
    )
    for name, said in periods.said.items():
        count, least = (len(result.period(name)), config.min_paintings) if name in ENDS else (of_further[name], 1)
        if count < least:
            first = f"; the first: {_case(result.skipped[0])}" if result.skipped else ""
            raise NotEnough(
                f"config.collection.periods.{name}={said!r}: {count} paintings, at least {least} {'are' if least > 1 else 'is'} needed "
                f"({summary(result)}{first}){periods.held(rows, found.columns)}",
                result.skipped,
                result.notes,
            )
    return result


def _case(skipped: Skipped) -> str:
    return f"{skipped.file or skipped.title}: {skipped.reason}"


def _certain(found: Sources, early: tuple[float, float], late: tuple[float, float]) -> Sources:
    """Without the paintings that may as well be of another period, which are skipped."""
    kept, skipped = [], []
    for i, painting in enumerate(found.paintings):
        periods = may_be_of(*painting.date, early, late)
        if len(periods) > 1:
            skipped.append(Skipped(painting.file, painting.title, f"{OPEN}: {painting.said()}, {' or '.join(periods)}"))
        else:
            kept.append(i)
    paintings, sizes = [found.paintings[i] for i in kept], [found.sizes[i] for i in kept]
    return replace(found, paintings=paintings, images=found.images[kept], sizes=sizes, skipped=found.skipped + skipped)


def without_paintings(resolution: int) -> Collection:
    """Returns the collection of images that are learnt from where they lie: it has none of them."""
    return Collection((), np.zeros((0, resolution, resolution, 3), np.uint8), ())


def _from_painter(config: Any) -> Sources:
    if config.where:
        raise UserError(f"config.collection.where={config.where!r}: the built-in painter's paintings are not chosen by columns")
    rows, images = paint_collection(
        paintings=config.painter.paintings,
        first_year=config.painter.first_year,
        last_year=config.painter.last_year,
        seed=config.painter.seed,
        resolution=config.resolution,
    )
    paintings = []
    for row, date in zip(rows, dates.parse_dates([row["date"] for row in rows])):
        if isinstance(date, str):
            raise UserError(f"config.collection.painter: {date}; first_year and last_year have to be dates that can be read")
        paintings.append(Listed(row["file"], row["title"], date, row))
    sizes = [(config.resolution, config.resolution)] * len(paintings)
    return Sources(paintings, images, sizes, [], [name for name in rows[0] if name not in ("file", "title")], [])


def summary(collection: Collection) -> str:
    """Returns one line of counts: "775 paintings: 194 early, 195 between, 386 late; 1 skipped (1 near duplicate)"."""
    periods = collections.Counter(painting.period for painting in collection.paintings)
    counts = [f"{periods[name]} {name or 'outside'}" for name in PERIODS if name or periods[name]]
    kinds = collections.Counter(skipped.reason.partition(":")[0] for skipped in collection.skipped)
    skips = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.most_common())
    line = f"{len(collection.paintings)} paintings: {', '.join(counts)}; {len(collection.skipped)} skipped"
    line = f"{line} ({skips})" if skips else line
    line += "".join(f"; {remark}" for remark in collection.remarks)
    if open_ := kinds[OPEN]:
        part = open_ / (open_ + len(collection.paintings))
        line += f"; {part:.0%} of the dated paintings may as well be of another period, and are left out"
    return line
