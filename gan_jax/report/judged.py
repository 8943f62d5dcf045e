"""What the page says of the years between: verdicts, chronology, copies, known truth, and features beyond the first."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax.collection.aspect import between, matted
from gan_jax.errors import UserError
from gan_jax.evaluation.evaluation import shown
from gan_jax.report import data_uris, plots
from gan_jax.report.figures import distances, figure
from gan_jax.report.paintings import Paintings, span
from gan_jax.report.results import Results

STUDY = "this study"
SAID = {"nearer": "nearer", "further": "further", "undecided": "no difference that could be shown", None: "–"}
FIRST = 160  # pixels of an image on the first screen
NEAREST = 12  # pairs that the one shown there is chosen from
REAL = 3  # paintings shown there below the morph
COPIES = 6  # generated images shown beside the training paintings nearest to them
PERIODS = ("early", "between", "late")


def judged_section(results: Results, found: Mapping[str, Any], paintings: Paintings) -> dict:
    """Returns what is said by evaluation.json. Raises KeyError or TypeError where it is laid out otherwise than `evaluate` writes it."""
    chronology = found["chronology"]
    return {
        "answer": {key: str(found["answer"][key]) for key in ("asked", "found", "sure", "compared")},
        "first": first_picture(results, found, paintings),
        "summary": [str(line) for line in found["summary"]],
        "middle": {"t": float(found["middle"]["t"]), "year": float(found["middle"]["year"])},
        "verdicts": [
            {"name": shown(one["name"]), "said": said_of(one), "verdict": one["verdict"], "text": one["text"], "power": one["power"]}
            | figure(one["difference"])
            for one in found["verdicts"]
        ],
        "chronology": _chronology(found) if chronology["reason"] is None else {"reason": chronology["reason"]},
        "copies": _copies(results, found["copies"], paintings),
        "truth": _truth(found["truth"]),
        "other": [_other(name, one) for name, one in found["other"].items()],
        "without": [{"features": one["features"], "reason": one["reason"]} for one in found["without"]],
        "features": [str(name) for name in found["features"]],
        "some_pairs": bool(found.get("some_pairs")),  # which evaluations from before do not say
    }


def first_picture(results: Results, found: Mapping[str, Any], paintings: Paintings) -> dict | None:
    """Returns the pair, of those of the most alike paintings, whose middle is the most typical year, its frame there, and real paintings of
    about that year; None without morphs."""
    morphs = results.morphs
    if morphs is None or not len(morphs.frames) or not 0 <= found["middle"]["k"] < len(morphs.t):
        return None
    t, target = float(found["middle"]["t"]), float(found["middle"]["year"])
    dates = [(paintings[early].year, paintings[late].year) for early, late in morphs.ends[:NEAREST]]
    years = [begin + t * (end - begin) for begin, end in dates]
    number = min(range(len(years)), key=lambda place: (abs(years[place] - target), place))
    (early, late), year = morphs.ends[number], years[number]
    first, last = (paintings.collection.aspects[[index]] for index in (early, late))
    frame = morphs.frames[number : number + 1, found["middle"]["k"]][:, None]
    frame = matted(frame, between(first, last, np.array([t])), paintings.fit)[0, 0]
    held_out = paintings.collection.period("between").tolist()
    real = sorted(held_out, key=lambda index: (abs(paintings[index].year - year), index))[:REAL]
    return {
        "morph": data_uris.row([paintings.images[early], frame, paintings.images[late]], FIRST),
        "real": data_uris.row([paintings.images[index] for index in real], FIRST) if len(real) == REAL else None,
        "early": paintings[early].year,
        "late": paintings[late].year,
        "year": year,
        "real_years": span([paintings[index].year for index in real]),
    }


def said_of(one: Mapping[str, Any]) -> str:
    """Returns a verdict as people read it. Evaluations from before the flag say the power beside it."""
    return "could not have been shown at this size" if one.get("could_not_be_shown") else SAID[one["verdict"]]


def _chronology(found: Mapping[str, Any]) -> dict:
    chronology, t = found["chronology"], np.array([moment["t"] for moment in found["morph"]])
    ways = {STUDY: chronology, **chronology["competitors"]}
    colours = dict(zip(ways, plots.CURVE_COLOURS))
    curves = [
        (colours[name], *(np.array([place[key] for place in way["by_t"]]) for key in ("value", "low", "high")))
        for name, way in ways.items()
        if name in colours
    ]
    true = np.array([place["year"] for place in chronology["by_t"]])
    bands = {name: tuple(one[key] for key in ("value", "low", "high")) for name, one in chronology["periods"].items() if one}
    return {
        "reason": None,
        "plot": plots.years_over_t(t, true, curves, bands),
        "legend": [{"name": name, "colour": colour} for name, colour in colours.items()],
        "rows": [
            {"name": shown(name), "rank": figure(way["rank"]), "later": way["later"], "between": _lying(way)} for name, way in ways.items()
        ],
        "error": chronology["error"],
        "guess": chronology["guess"],
        "paintings": chronology["works"],
        "groups": chronology["groups"],
        "text": chronology["text"],
    }


def _lying(way: Mapping[str, Any]) -> str:
    """Returns whether frames in the middle lie between the periods, and how many."""
    if way["between"] == "silent":
        return f"not said: {way['between_reason']}"
    return f"{way['between']}, {way['between_part']['value']:.0%}"


def _copies(results: Results, found: Mapping[str, Any], paintings: Paintings) -> dict:
    """Returns the generated images that are near copies, then those nearest to a training painting, each beside it."""
    assert results.evaluation is not None  # which `found` is of
    section: dict[str, Any] = {"text": str(found["text"]), "nearest": []}
    rows = [row for row in results.evaluation.tables["generated"] if row["nearest_index"] is not None and np.isfinite(row["distance"])]
    if found["reason"] or results.samples is None:
        return section
    images = results.samples.images
    for row in sorted(rows, key=lambda row: (row.get("copy") != "1", row["distance"]))[:COPIES]:
        if not 0 <= row["image"] < len(images):
            raise UserError(f"{results.workdir / 'evaluation' / 'generated.csv'}: image is {row['image']}, there are {len(images)}")
        nearest = paintings[row["nearest_index"]]
        uri = data_uris.row([images[row["image"]], paintings.images[row["nearest_index"]]], 128)
        near = "a near copy" if row.get("copy") == "1" else "no copy"
        section["nearest"].append({"uri": uri, "title": nearest.title, "year": nearest.year, "distance": row["distance"], "said": near})
    return section


def _truth(found: Mapping[str, Any] | None) -> dict | None:
    if found is None:
        return None
    names = list(found["competitors"][0]["by_parameter"])
    return {
        "text": str(found["text"]),
        "names": names,
        "skill": [next(one["skill"] for one in found["parameters"] if one["name"] == name) for name in names],
        "rows": [
            {
                "name": shown(one["name"]),
                "error": figure({**one, "value": one["error"]}),
                "values": [one["by_parameter"][name] for name in names],
            }
            for one in found["competitors"]
        ],
    }


def _other(name: str, found: Mapping[str, Any]) -> dict:
    of_features = {key: distance for key, distance in distances(found).items() if distance.of == "features"}

    def row(comparison: Mapping[str, Any]) -> list[dict]:
        return [figure(comparison[key]) for key in of_features]

    return {
        "name": name,
        "distances": [distance.label for distance in of_features.values()],
        "generated": row(found["comparisons"][0]),
        "floor": row(found["floors"]["training"]),
        "ceiling": row(found["ceiling"]),
        "middle": [
            {"name": way, "distances": [figure(one[key]) if distance.along else None for key, distance in of_features.items()]}
            for way, one in found["middle"].items()
        ],
    }


def frames_of(results: Results) -> dict[int, list[Mapping[str, Any]]]:
    """Returns each pair's rows of evaluation/frames.csv, in order of t; {} without an evaluation."""
    pairs: dict[int, list[Mapping[str, Any]]] = {}
    rows = results.evaluation.tables["frames"] if results.evaluation else []
    for row in sorted(rows, key=lambda row: (row["pair"], row["frame"])):
        pairs.setdefault(row["pair"], []).append(row)
    return pairs


def players(results: Results, pairs: list[dict], frames: np.ndarray, t: np.ndarray, paintings: Paintings, most: int) -> dict:
    """Returns what the script needs to play the first pairs: of each one image with all its frames, and of each frame what is known of it.

    Args:
      frames: uint8 [pairs, T, height, width, 3].
      t: [T].
    Returns:
      'pairs': {pair: {'sprite', 'frames'}}, and 'paintings', the real paintings that frames resemble, by index.
    """
    known, size = frames_of(results), min(256, max(128, frames.shape[3]))
    found, shown = {}, {}
    for number, pair in enumerate(pairs[:most]):
        rows = known.get(number, [])
        if rows and len(rows) != len(t):
            path = results.workdir / "evaluation" / "frames.csv"
            raise UserError(f"{path}: pair {number} has {len(rows)} frames of {len(t)}; run `evaluate` again")
        span = pair["late_year"] - pair["early_year"]
        entries = []
        for k, place in enumerate(t.tolist()):
            entry = {"t": f"{place:.2g}", "year": f"{pair['early_year'] + place * span:.1f}", "said": "", "resembles": None}
            if rows:
                looks, like = rows[k]["looks_like"], rows[k]["resembles_index"]
                entry |= {"said": f"looks like {looks:.1f}" if np.isfinite(looks) else "", "resembles": like}
                shown[like] = like
            entries.append(entry)
        found[pair["pair"]] = {"sprite": data_uris.strip(frames[number], size), "frames": entries}
    entries_of = {index: paintings.entry(index) for index in shown}
    titled = {index: {"title": f"{one['title']}, {int(one['year'])}", "uri": one["uri"]} for index, one in entries_of.items()}
    return {"pairs": found, "paintings": titled}
