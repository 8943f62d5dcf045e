"""What the page shows of the morphs: the set moving, strips, pairs, and what found no partner."""

import pathlib

import numpy as np

from gan_jax.collection.aspect import between, matted
from gan_jax.morphing import films
from gan_jax.morphing.morphs import Morphs
from gan_jax.morphing.scene import pair_colour
from gan_jax.report import data_uris, judged
from gan_jax.report.paintings import MOST_NAMES, Paintings, spread
from gan_jax.report.results import Results

MOST_THUMBNAILS = 800  # of either set in their figure; beyond it paintings are named, not shown
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
        "Paintings in order of date, and under each what the network paints at its latents; the film goes from one to the next.",
    ),
    "morphs/shift.png": (
        "The mean shift",
        "Early paintings, moved by the difference between the mean of the late paintings' latents and that of the early ones'. On the left "
        "the painting itself.",
    ),
    "morphs/tuning.png": (
        "Tuned to its paintings",
        "In threes: the painting, what the network made of it before it was tuned to the ends of the morphs, and after. At the top those "
        "that it knew best, at the bottom those that it knew least.",
    ),
    "baseline/searched/contact_sheet.png": ("The baseline, by our search", "Pairs of the study, painted by the other network."),
    "baseline/given/contact_sheet.png": ("The frames that were given", "The same pairs, by another tool."),
    "baseline/tutorial/contact_sheet.png": (
        "The baseline, by the published recipe",
        "Pairs of the study, painted by the other network, whose latents the recipe of TF-Hub's tutorial has found from one start.",
    ),
}
MILLISECONDS = 240  # a frame, where the film is made here


def css_colour(number: int) -> str:
    """Returns the colour of a pair, as the sheet of both sets has it."""
    return "#{:02x}{:02x}{:02x}".format(*pair_colour(number))


def morph_section(results: Results, paintings: Paintings) -> dict | None:
    """Returns the moving set, moving pairs, strips, the two sets with their pairs framed, and what found no partner."""
    morphs, folder = results.morphs, results.workdir / "morphs"
    if morphs is None:
        return None
    pairs = [_pair(number, *ends, distance, paintings) for number, (ends, distance) in enumerate(zip(morphs.ends, morphs.distances))]
    frames = in_own_shapes(morphs, paintings)
    clips = (
        _film(folder / f"pair_{pair['pair']:03d}.gif", PAIR_BYTES, frames[number : number + 1], PAIR_WIDTH)
        for number, pair in enumerate(pairs[:MOVING_PAIRS])
    )
    years = [(pair["early_year"], pair["late_year"]) for pair in pairs]
    return {
        "set": _film(folder / "set.gif", SET_BYTES, frames[:SET_PAIRS], SET_WIDTH),
        "moving": [pair | {"film": film} for pair, film in zip(pairs, clips) if film],
        "strips": _strips(pairs, frames, morphs.t, paintings),
        "players": judged.players(results, pairs, frames, morphs.t, paintings, STRIPS),
        "sheets": sheets(results.workdir),
        "sets": _sets(pairs, morphs, paintings),
        "pairs": pairs[:MOST_NAMES],
        "pair_count": len(pairs),
        "mean_years": tuple(sum(ends) / len(years) for ends in zip(*years)) if years else None,
        "unmatched": [
            {"title": paintings[index].title, "year": paintings[index].year, "reason": reason}
            for index, reason in morphs.unmatched[:MOST_NAMES]
        ],
        "unmatched_count": len(morphs.unmatched),
    }


def in_own_shapes(morphs: Morphs, paintings: Paintings) -> np.ndarray:
    """Returns the frames [p, T, r, r, 3] in shapes between those of the two paintings."""
    early, late = (paintings.collection.aspects[[pair[end] for pair in morphs.ends]] for end in (0, 1))
    return matted(morphs.frames, between(early, late, morphs.t), paintings.fit)


def _pair(number: int, early: int, late: int, distance: float, paintings: Paintings) -> dict:
    first, last = paintings[early], paintings[late]
    return {
        "pair": number,
        "early_index": early,
        "late_index": late,
        "early_title": first.title,
        "late_title": last.title,
        "early_year": first.year,
        "late_year": last.year,
        "distance": distance,
        "colour": css_colour(number),
    }


def sheets(workdir: pathlib.Path) -> list[dict]:
    """Returns those that are there; a `long` one is folded."""
    found = [(path, title, text, data_uris.picture_file(workdir / path, SHEET_WIDTH)) for path, (title, text) in SHEETS.items()]
    return [{"title": title, "text": text, "uri": uri, "long": path.startswith("baseline")} for path, title, text, uri in found if uri]


def _film(path: pathlib.Path, most_bytes: int, frames: np.ndarray, width: int) -> data_uris.Film | None:
    """Returns a GIF if it is there and small enough, or else a film made of `frames` [pairs, T, r, r, 3], if there are any."""
    film = data_uris.gif(path, most_bytes)
    return data_uris.moving(films.moving_grid(frames, len(frames), width), MILLISECONDS) if film is None and len(frames) else film


def _strips(pairs: list[dict], frames: np.ndarray, t: np.ndarray, paintings: Paintings) -> list[dict]:
    """For each of the first pairs: the early painting, frames at several t, the late painting; t and the year of each frame."""
    places = spread(len(t), STRIP_FRAMES)
    size = min(160, max(96, frames.shape[3]))
    strips = []
    for number, pair in enumerate(pairs[:STRIPS]):
        first, last = paintings.images[pair["early_index"]], paintings.images[pair["late_index"]]
        colour = pair_colour(number)
        span = pair["late_year"] - pair["early_year"]
        strips.append(
            pair
            | {
                "uri": data_uris.row([first, *(frames[number, place] for place in places), last], size, colour),
                "steps": [{"t": f"{t[place]:.2g}", "year": pair["early_year"] + float(t[place]) * span} for place in places],
            }
        )
    return strips


def _sets(pairs: list[dict], morphs: Morphs, paintings: Paintings) -> dict:
    """Returns the early and the late set by year, each painting with its pair and its mate or, without them, the reason."""
    early = {pair["early_index"]: {"pair": pair, "mate": pair["late_index"]} for pair in reversed(pairs)}
    late = {pair["late_index"]: {"pair": pair, "mate": pair["early_index"]} for pair in reversed(pairs)}
    early_periods = {paintings[index].period for index in early}
    for index, reason in morphs.unmatched:
        (early if paintings[index].period in early_periods else late)[index] = {"pair": None, "reason": reason}

    def entries(members: dict) -> list[dict]:
        order = sorted(members, key=lambda index: (paintings[index].year, index))
        return [paintings.entry(index) | members[index] for index in order[:MOST_THUMBNAILS]]

    return {"early": entries(early), "late": entries(late), "left_out": sum(max(0, len(part) - MOST_THUMBNAILS) for part in (early, late))}
