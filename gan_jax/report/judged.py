"""What the page says of the years between: verdicts, chronology, copies, known truth, and features beyond the first."""

import pathlib

import numpy as np

from gan_jax.errors import UserError
from gan_jax.report import data_uris, plots, results
from gan_jax.report.figures import figure
from gan_jax.report.works import Collection, work

STUDY = "this study"
SAID = {"nearer": "nearer", "further": "further", "undecided": "no difference that could be shown", None: "–"}
COPIES = 6  # generated pictures shown beside the training works nearest to them
PERIODS = ("early", "between", "late")


def judged_section(workdir: pathlib.Path, found: dict, collection: Collection) -> dict:
    """From evaluation.json. Raises KeyError or TypeError where it is laid out otherwise than `evaluate` writes it."""
    chronology = found["chronology"]
    return {
        "summary": [str(line) for line in found["summary"]],
        "middle": {"t": float(found["middle"]["t"]), "year": float(found["middle"]["year"])},
        "verdicts": [
            {"name": one["name"], "said": SAID[one["verdict"]], "verdict": one["verdict"], "text": one["text"], **figure(one["difference"])}
            for one in found["verdicts"]
        ],
        "chronology": _chronology(found) if chronology["reason"] is None else {"reason": chronology["reason"]},
        "copies": _copies(workdir, found["copies"], collection),
        "truth": _truth(found["truth"]),
        "other": [_other(name, one) for name, one in found["other"].items()],
        "without": [{"features": one["features"], "reason": one["reason"]} for one in found["without"]],
        "features": [str(name) for name in found["features"]],
    }


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
        "rows": [
            {"name": name, "rank": figure(way["rank"]), "later": way["later"], "between": way["between"]} for name, way in ways.items()
        ],
        "error": chronology["error"],
        "guess": chronology["guess"],
        "works": chronology["works"],
        "groups": chronology["groups"],
        "text": chronology["text"],
    }


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
