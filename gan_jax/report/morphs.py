"""What the page shows of the morphs: the set moving, strips, pairs, and what found no partner."""

import math
import pathlib
from collections import Counter

from PIL import ImageColor

from gan_jax import files
from gan_jax.errors import UserError
from gan_jax.report import pictures, results
from gan_jax.report.works import MOST_NAMES, Collection, spread, work

MOST_THUMBNAILS = 800  # of either set in their figure; beyond it works are named, not shown
STRIPS = 12
STRIP_FRAMES = 7
MOVING_PAIRS = 6
SET_BYTES = 6_000_000  # of the GIF of the whole set
PAIR_BYTES = 700_000  # of a pair's GIF


def pair_colour(number: int) -> str:
    """A colour a pair: hues apart by the golden angle, in three depths, so that neighbours differ."""
    return f"hsl({number * 137.508 % 360:.0f},{(62, 45, 70)[number % 3]}%,{(42, 30, 56)[number % 3]}%)"


def morph_section(workdir: pathlib.Path, collection: Collection) -> dict | None:
    """The moving set, strips, moving pairs, the two sets with their pairs framed, and what found no partner."""
    folder = workdir / "morphs"
    if not (folder / "pairs.csv").exists():
        return None
    pairs = results.read_table(folder / "pairs.csv", results.PAIRS)
    results.check_indices(pairs, ("early_index", "late_index"), len(collection.rows), folder / "pairs.csv")
    unmatched = results.read_table(folder / "unmatched.csv", results.UNMATCHED) if (folder / "unmatched.csv").exists() else []
    results.check_indices(unmatched, ("index",), len(collection.rows), folder / "unmatched.csv")
    for number, pair in enumerate(pairs):
        pair["colour"] = pair_colour(number)
    return {
        "set": _moving(folder / "set.gif", SET_BYTES),
        "pairs": pairs[:MOST_NAMES],
        "pair_count": len(pairs),
        "strips": _strips(folder, pairs, collection),
        "moving": _moving_pairs(folder, pairs),
        "sets": _sets(pairs, unmatched, collection),
        "unmatched": unmatched[:MOST_NAMES],
        "unmatched_count": len(unmatched),
        "reasons": Counter(row["reason"] for row in unmatched).most_common(20),
    }


def _moving(path: pathlib.Path, budget: int) -> dict | None:
    film = pictures.animation(path, budget) if path.exists() else None
    return dict(zip(("uri", "still", "width", "height"), film, strict=True)) if film else None


def _moving_pairs(folder: pathlib.Path, pairs: list[dict]) -> list[dict]:
    moving = []
    for pair in pairs:
        if len(moving) == MOVING_PAIRS:
            break
        if film := _moving(folder / f"pair_{pair['pair']:03d}.gif", PAIR_BYTES):
            moving.append(pair | {"film": film})
    return moving


def _strips(folder: pathlib.Path, pairs: list[dict], collection: Collection) -> list[dict]:
    """For each of the first pairs: the early painting, frames at several t, the late painting, and a label for each."""
    if not pairs or not (folder / "frames.npy").exists():
        return []
    frames = results.open_pictures(folder / "frames.npy", len(pairs), dimensions=5)
    t = files.read_array(folder / "t.npy")
    if t.shape != frames.shape[1:2]:
        raise UserError(f"{folder / 't.npy'}: has the shape {t.shape}, frames.npy has {frames.shape[1]} frames a pair")
    places = spread(len(t), STRIP_FRAMES)
    size = min(160, max(96, frames.shape[2]))
    strips = []
    for number, pair in enumerate(pairs[:STRIPS]):
        ends = collection.images[pair["early_index"]], collection.images[pair["late_index"]]
        years = [pair["early_year"] + float(t[place]) * (pair["late_year"] - pair["early_year"]) for place in places]
        strips.append(pair | {
            "uri": pictures.row([ends[0], *(frames[number, place] for place in places), ends[1]], size, ImageColor.getrgb(pair["colour"])),
            "labels": [f"{t[place]:.2g}" for place in places],
            "years": years,
        })
    return strips


def _sets(pairs: list[dict], unmatched: list[dict], collection: Collection) -> dict:
    """The early and the late set by year, each work with its pair or, without one, the reason."""
    early = {pair["early_index"]: {"pair": pair, "mate": pair["late_index"]} for pair in reversed(pairs)}
    late = {pair["late_index"]: {"pair": pair, "mate": pair["early_index"]} for pair in reversed(pairs)}
    early_periods = {collection.rows[index]["period"] for index in early}
    for row in unmatched:
        (early if row["period"] in early_periods else late)[row["index"]] = {"pair": None, "reason": row["reason"]}

    def entries(members: dict) -> list[dict]:
        order = sorted(members, key=lambda index: (collection.rows[index]["year"], index))
        return [work(collection, index) | members[index] for index in order[:MOST_THUMBNAILS]]

    return {"early": entries(early), "late": entries(late), "left_out": sum(max(0, len(part) - MOST_THUMBNAILS) for part in (early, late))}
