"""What the page says of the years between: verdicts, chronology, copies, known truth, and features beyond the first."""

import pathlib

import numpy as np

from gan_jax.collection.aspect import between, matted
from gan_jax.errors import UserError
from gan_jax.report import data_uris, plots, results
from gan_jax.report.figures import figure
from gan_jax.report.works import Collection, span, work

STUDY = "this study"
SAID = {"nearer": "nearer", "further": "further", "undecided": "no difference that could be shown", None: "–"}
FIRST = 160  # pixels of a picture on the first screen
NEAREST = 12  # pairs that the one shown there is chosen from
REAL = 3  # works shown there below the morph
COPIES = 6  # generated pictures shown beside the training works nearest to them
PERIODS = ("early", "between", "late")


def judged_section(workdir: pathlib.Path, found: dict, collection: Collection) -> dict:
    """From evaluation.json. Raises KeyError or TypeError where it is laid out otherwise than `evaluate` writes it."""
    chronology = found["chronology"]
    return {
        "answer": {key: str(found["answer"][key]) for key in ("asked", "found", "sure", "compared")},
        "first": first_picture(workdir, found, collection),
        "summary": [str(line) for line in found["summary"]],
        "middle": {"t": float(found["middle"]["t"]), "year": float(found["middle"]["year"])},
        "verdicts": [
            {"name": one["name"], "said": said_of(one), "verdict": one["verdict"], "text": one["text"], "power": one["power"]}
            | figure(one["difference"])
            for one in found["verdicts"]
        ],
        "chronology": _chronology(found) if chronology["reason"] is None else {"reason": chronology["reason"]},
        "copies": _copies(workdir, found["copies"], collection),
        "truth": _truth(found["truth"]),
        "other": [_other(name, one) for name, one in found["other"].items()],
        "without": [{"features": one["features"], "reason": one["reason"]} for one in found["without"]],
        "features": [str(name) for name in found["features"]],
    }


def first_picture(workdir: pathlib.Path, found: dict, collection: Collection) -> dict | None:
    """Of the pairs of the most alike works the one whose middle is the most typical year, its frame there, and real works of about that
    year; None without frames."""
    folder = workdir / "morphs"
    if not (folder / "pairs.csv").exists() or not (folder / "frames.npy").exists():
        return None
    pairs = results.read_table(folder / "pairs.csv", results.PAIRS)
    frames = results.open_pictures(folder / "frames.npy", len(pairs), dimensions=5)
    if not len(frames) or not 0 <= found["middle"]["k"] < frames.shape[1]:
        return None
    results.check_indices(pairs, ("early_index", "late_index"), len(collection.rows), folder / "pairs.csv")
    t, target = float(found["middle"]["t"]), float(found["middle"]["year"])
    years = [pair["early_year"] + t * (pair["late_year"] - pair["early_year"]) for pair in pairs[:NEAREST]]
    number = min(range(len(years)), key=lambda place: (abs(years[place] - target) if np.isfinite(years[place]) else np.inf, place))
    pair, year = pairs[number], years[number]
    early, late = pair["early_index"], pair["late_index"]
    ends = (np.array([collection.aspects[index]]) for index in (early, late))
    frame = matted(frames[number : number + 1, found["middle"]["k"]][:, None], between(*ends, np.array([t])), collection.fit)[0, 0]
    held_out = [index for index, row in enumerate(collection.rows) if row["period"] == "between"]
    real = sorted(held_out, key=lambda index: (abs(collection.rows[index]["year"] - year), index))[:REAL]
    return {
        "morph": data_uris.row([collection.images[early], frame, collection.images[late]], FIRST),
        "real": data_uris.row([collection.images[index] for index in real], FIRST) if len(real) == REAL else None,
        "early": pair["early_year"],
        "late": pair["late_year"],
        "year": year,
        "real_years": span([collection.rows[index]["year"] for index in real]),
    }


def said_of(one: dict) -> str:
    """A verdict as people read it. Evaluations from before the flag say the power beside it."""
    return "could not have been shown at this size" if one.get("could_not_be_shown") else SAID[one["verdict"]]


def _chronology(found: dict) -> dict:
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
        "rows": [{"name": name, "rank": figure(way["rank"]), "later": way["later"], "between": _lying(way)} for name, way in ways.items()],
        "error": chronology["error"],
        "guess": chronology["guess"],
        "works": chronology["works"],
        "groups": chronology["groups"],
        "text": chronology["text"],
    }


def _lying(way: dict) -> str:
    """Whether frames in the middle lie between the periods, and how many."""
    if way["between"] == "silent":
        return f"not said: {way['between_reason']}"
    return f"{way['between']}, {way['between_part']['value']:.0%}"


def _copies(workdir: pathlib.Path, found: dict, collection: Collection) -> dict:
    """The generated pictures that are near copies, then those nearest to a training work, each beside it."""
    section = {"text": str(found["text"]), "nearest": []}
    table, images = workdir / "evaluation" / "generated.csv", workdir / "samples" / "generated.npy"
    if found["reason"] or not table.exists() or not images.exists():
        return section
    rows = results.read_table(table, {"image": int, "nearest_index": int, "distance": float})
    results.check_indices(rows, ("nearest_index",), len(collection.rows), table)
    pictures = results.open_pictures(images, len(rows))
    for row in sorted(rows, key=lambda row: (row.get("copy") != "1", row["distance"]))[:COPIES]:
        nearest = collection.rows[row["nearest_index"]]
        uri = data_uris.row([pictures[row["image"]], collection.images[row["nearest_index"]]], 128)
        near = "a near copy" if row.get("copy") == "1" else "no copy"
        section["nearest"].append(
            {"uri": uri, "title": nearest["title"], "year": nearest["year"], "distance": row["distance"], "said": near}
        )
    return section


def _truth(found: dict | None) -> dict | None:
    if found is None:
        return None
    names = list(found["competitors"][0]["by_parameter"])
    return {
        "text": str(found["text"]),
        "names": names,
        "skill": [next(one["skill"] for one in found["parameters"] if one["name"] == name) for name in names],
        "rows": [
            {"name": one["name"], "error": figure({**one, "value": one["error"]}), "values": [one["by_parameter"][name] for name in names]}
            for one in found["competitors"]
        ],
    }


def _other(name: str, found: dict) -> dict:
    return {
        "name": name,
        "generated": {key: figure(found["comparisons"][0][key]) for key in ("kid", "frechet")},
        "floor": {key: figure(found["floors"]["training"][key]) for key in ("kid", "frechet")},
        "ceiling": {key: figure(found["ceiling"][key]) for key in ("kid", "frechet")},
        "middle": [{"name": way, "kid": figure(one["kid"])} for way, one in found["middle"].items()],
    }


def frames_of(workdir: pathlib.Path, collection: Collection) -> dict[int, list[dict]]:
    """Of each pair its frames' rows in evaluation/frames.csv, in order of t; {} without an evaluation."""
    path = workdir / "evaluation" / "frames.csv"
    if not path.exists():
        return {}
    kinds = {"pair": int, "frame": int, "year": float, "looks_like": float, "resembles_index": int}
    rows = results.read_table(path, kinds)
    results.check_indices(rows, ("resembles_index",), len(collection.rows), path)
    pairs: dict[int, list[dict]] = {}
    for row in sorted(rows, key=lambda row: (row["pair"], row["frame"])):
        pairs.setdefault(row["pair"], []).append(row)
    return pairs


def players(workdir: pathlib.Path, pairs: list[dict], frames: np.ndarray, t: np.ndarray, collection: Collection, most: int) -> dict:
    """What the script needs to play the first pairs: of each one picture with all its frames, and of each frame what is known of it.

    Returns:
      'pairs': {pair: {'sprite', 'frames'}}, and 'works', the real works that frames resemble, by index.
    """
    known, size = frames_of(workdir, collection), min(256, max(128, frames.shape[3]))
    found, shown = {}, {}
    for number, pair in enumerate(pairs[:most]):
        rows = known.get(number, [])
        if rows and len(rows) != len(t):
            raise UserError(
                f"{workdir / 'evaluation' / 'frames.csv'}: pair {number} has {len(rows)} frames of {len(t)}; run `evaluate` again"
            )
        span = pair["late_year"] - pair["early_year"]
        entries = []
        for k, place in enumerate(t.tolist()):
            year = pair["early_year"] + place * span
            entry = {"t": f"{place:.2g}", "year": f"{year:.1f}" if np.isfinite(year) else "undated", "said": "", "resembles": None}
            if rows:
                looks, like = rows[k]["looks_like"], rows[k]["resembles_index"]
                entry |= {"said": f"looks like {looks:.1f}" if np.isfinite(looks) else "", "resembles": like}
                shown[like] = like
            entries.append(entry)
        found[pair["pair"]] = {"sprite": data_uris.strip(frames[number], size), "frames": entries}
    works = {index: {key: work(collection, index)[key] for key in ("title", "uri")} for index in shown}
    for index, one in works.items():
        year = collection.rows[index]["year"]
        one["title"] = f"{one['title']}, {int(year)}" if np.isfinite(year) else one["title"]
    return {"pairs": found, "works": works}
