"""What the page shows of the morphs: the set moving, strips, pairs, and what found no partner."""

import math
import pathlib

import numpy as np
from PIL import ImageColor

from gan_jax import files
from gan_jax.collection.aspect import between, matted
from gan_jax.errors import UserError
from gan_jax.report import data_uris, judged, results
from gan_jax.report.works import MOST_NAMES, Collection, spread, work

MOST_THUMBNAILS = 800  # of either set in their figure; beyond it works are named, not shown
STRIPS = 12
STRIP_FRAMES = 7
MOVING_PAIRS = 6
SET_BYTES = 4_000_000  # a larger GIF of the set is not taken as it is
SET_PAIRS = 64
SET_WIDTH = 760  # pixels
PAIR_BYTES = 800_000
PAIR_WIDTH = 320
SHEET_WIDTH = 1100
# Sheets of a study, with what stands under them.
SHEETS = {
    "morphs/years.png": (
        "Through the years",
        "Works in order of date, and under each what the network paints at its latents; the film goes from one to the next.",
    ),
    "morphs/shift.png": (
        "The mean shift",
        "Early works, moved by the difference between the mean of the late works' latents and that of the early ones'. On the left the "
        "painting itself.",
    ),
    "morphs/tuning.png": (
        "Tuned to its paintings",
        "In threes: the painting, what the network made of it before it was tuned to the ends of the morphs, and after. At the top those "
        "that it knew best, at the bottom those that it knew least.",
    ),
    "baseline/searched/contact_sheet.png": ("The baseline, searched as ours was", "The same pairs, painted by the other network."),
    "baseline/given/contact_sheet.png": ("The frames that were given", "The same pairs, by another tool."),
    "baseline/tutorial/contact_sheet.png": ("The baseline, by the published recipe", "The same pairs, by one start and 200 steps."),
}
MILLISECONDS = 240  # a frame, where the film is made here


def pair_colour(number: int) -> str:
    """A colour a pair: hues apart by the golden angle, in three depths, so that neighbours differ."""
    return f"hsl({number * 137.508 % 360:.0f},{(62, 45, 70)[number % 3]}%,{(42, 30, 56)[number % 3]}%)"


def morph_section(workdir: pathlib.Path, collection: Collection) -> dict | None:
    """The moving set, moving pairs, strips, the two sets with their pairs framed, and what found no partner."""
    folder = workdir / "morphs"
    if not (folder / "pairs.csv").exists():
        return None
    pairs = results.read_table(folder / "pairs.csv", results.PAIRS)
    results.check_indices(pairs, ("early_index", "late_index"), len(collection.rows), folder / "pairs.csv")
    unmatched = results.read_table(folder / "unmatched.csv", results.UNMATCHED) if (folder / "unmatched.csv").exists() else []
    results.check_indices(unmatched, ("index",), len(collection.rows), folder / "unmatched.csv")
    for number, pair in enumerate(pairs):
        pair["colour"] = pair_colour(number)
    frames = results.open_pictures(folder / "frames.npy", len(pairs), dimensions=5) if (folder / "frames.npy").exists() else None
    if frames is not None and (folder / "t.npy").exists():
        early, late = (collection.aspects[[pair[f"{period}_index"] for pair in pairs]] for period in ("early", "late"))
        t = np.clip(files.read_array(folder / "t.npy"), 0, 1)
        frames = matted(frames, between(early, late, t), collection.fit) if t.shape == frames.shape[1:2] else frames
    years = [(pair["early_year"], pair["late_year"]) for pair in pairs if not math.isnan(pair["early_year"] + pair["late_year"])]
    shown = frames if frames is not None else np.zeros((0, 0, 0, 0, 3), np.uint8)
    films = (
        _film(folder / f"pair_{pair['pair']:03d}.gif", PAIR_BYTES, shown[place : place + 1], PAIR_WIDTH)
        for place, pair in enumerate(pairs[:MOVING_PAIRS])
    )
    return {
        "set": _film(folder / "set.gif", SET_BYTES, shown[:SET_PAIRS], SET_WIDTH),
        "moving": [pair | {"film": film} for pair, film in zip(pairs, films) if film],
        "strips": _strips(folder, pairs, frames, collection) if frames is not None else [],
        "players": judged.players(workdir, pairs, frames, files.read_array(folder / "t.npy"), collection, STRIPS)
        if frames is not None
        else {"pairs": {}, "works": {}},
        "sheets": _sheets(workdir),
        "sets": _sets(pairs, unmatched, collection),
        "pairs": pairs[:MOST_NAMES],
        "pair_count": len(pairs),
        "mean_years": tuple(sum(ends) / len(years) for ends in zip(*years)) if years else None,
        "unmatched": unmatched[:MOST_NAMES],
        "unmatched_count": len(unmatched),
    }


def _sheets(workdir: pathlib.Path) -> list[dict]:
    """Those that are there; a `long` one is folded."""
    found = [(path, title, text, data_uris.picture_file(workdir / path, SHEET_WIDTH)) for path, (title, text) in SHEETS.items()]
    return [{"title": title, "text": text, "uri": uri, "long": path.startswith("baseline")} for path, title, text, uri in found if uri]


def _film(path: pathlib.Path, most_bytes: int, frames: np.ndarray, width: int) -> data_uris.Film | None:
    """A GIF if it is there and small enough, or else a film made of `frames` [pairs, T, r, r, 3], if there are any."""
    film = data_uris.gif(path, most_bytes)
    return data_uris.moving_grid(frames, width, MILLISECONDS) if film is None and len(frames) else film


def _strips(folder: pathlib.Path, pairs: list[dict], frames: np.ndarray, collection: Collection) -> list[dict]:
    """For each of the first pairs: the early painting, frames at several t, the late painting; t and the year of each frame."""
    t = files.read_array(folder / "t.npy")
    if t.shape != frames.shape[1:2]:
        raise UserError(f"{folder / 't.npy'}: has the shape {list(t.shape)}, frames.npy has {frames.shape[1]} frames a pair")
    places = spread(len(t), STRIP_FRAMES)
    size = min(160, max(96, frames.shape[3]))
    strips = []
    for number, pair in enumerate(pairs[:STRIPS]):
        first, last = collection.images[pair["early_index"]], collection.images[pair["late_index"]]
        colour = ImageColor.getrgb(pair["colour"])
        span = pair["late_year"] - pair["early_year"]
        strips.append(
            pair
            | {
                "uri": data_uris.row([first, *(frames[number, place] for place in places), last], size, colour),
                "steps": [{"t": f"{t[place]:.2g}", "year": pair["early_year"] + float(t[place]) * span} for place in places],
            }
        )
    return strips


def _sets(pairs: list[dict], unmatched: list[dict], collection: Collection) -> dict:
    """The early and the late set by year, each work with its pair and its mate or, without them, the reason."""
    early = {pair["early_index"]: {"pair": pair, "mate": pair["late_index"]} for pair in reversed(pairs)}
    late = {pair["late_index"]: {"pair": pair, "mate": pair["early_index"]} for pair in reversed(pairs)}
    early_periods = {collection.rows[index]["period"] for index in early}
    for row in unmatched:
        (early if row["period"] in early_periods else late)[row["index"]] = {"pair": None, "reason": row["reason"]}

    def entries(members: dict) -> list[dict]:
        order = sorted(members, key=lambda index: (collection.rows[index]["year"], index))
        return [work(collection, index) | members[index] for index in order[:MOST_THUMBNAILS]]

    return {"early": entries(early), "late": entries(late), "left_out": sum(max(0, len(part) - MOST_THUMBNAILS) for part in (early, late))}
