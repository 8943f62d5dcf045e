"""Several studies side by side: models, seeds or painters."""

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gan_jax import files
from gan_jax.errors import UserError
from gan_jax.evaluation.evaluation import shown
from gan_jax.metrics.properties import Property
from gan_jax.morphing.morphs import Morphs
from gan_jax.report import data_uris
from gan_jax.report.figures import distances, figure, properties
from gan_jax.report.judged import said_of
from gan_jax.report.page import render
from gan_jax.report.paintings import span
from gan_jax.report.results import Results, evaluated

STRIP_FRAMES = 9
STRIPS = 4


def write_comparison(workdirs: list[pathlib.Path]) -> pathlib.Path:
    """Writes comparison.html of several studies into the first one's workdir, and returns its path.

    What a study has not made yet is a dash. Raises UserError for a folder that is no study, and for results that can't be read.
    """
    if len(workdirs) < 2:
        raise UserError("--workdir: two studies or more are needed for a comparison")
    studies = [study(pathlib.Path(workdir)) for workdir in workdirs]
    names = list(dict.fromkeys(name for one in studies for name in one["verdicts"]))
    path = pathlib.Path(workdirs[0]) / "comparison.html"
    with files.atomic_file(path) as temporary:
        temporary.write_text(render("comparison.html", {"studies": studies, "competitors": names}), encoding="utf-8")
    return path


def study(workdir: pathlib.Path) -> dict[str, Any]:
    """Returns what a comparison shows of one study."""
    if not (workdir / "config.json").is_file():
        raise UserError(f"--workdir={workdir}: not the workdir of a study (it has no config.json)")
    results = Results.load(workdir)
    collection = results.collection
    name, seed, kimg = results.setting("model", "name"), results.setting("seed"), results.setting("training", "total_kimg")
    return {
        "name": workdir.resolve().name,
        "paintings": len(collection.paintings),
        "span": span(collection.years),
        "resolution": collection.images.shape[1],
        "model": "–" if name is None else str(name),
        "kimg": kimg if isinstance(kimg, int | float) else None,
        "seed": "–" if seed is None else seed,
        "device": str(results.record.get("device", "–")),
        "samples": data_uris.picture_file(workdir / "samples" / "final.png", 640),
        "strips": strips(results.morphs) if results.morphs else [],
        **(evaluated(results, judged) or {"summary": [], "rows": {}, "verdicts": {}}),
    }


def judged(found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a comparison shows of evaluation.json."""
    generated, floor = found["comparisons"][0], found["floors"]["training"]
    chronology, middle = found["chronology"], found["morph"][found["middle"]["k"]]["against"]["between"]
    rows = {
        "Random samples to the paintings they learned from, KID": figure(generated["kid"]),
        "the floor of that": figure(floor["kid"]),
        **{f"the same, {distance.label}": figure(generated[key]) for key, distance in distances(found).items() if key != "kid"},
        **{label: one for key, each in properties(found).items() for label, one in _property(each, found[key])},
        **{name.capitalize(): figure({"value": found["manifold"]["generated"][name]}) for name in ("precision", "recall", "coverage")},
        "Near copies, part of the images": figure({"value": found["copies"].get("generated", {}).get("part")}),
        "Frames in the middle to the paintings between, KID": figure(middle["kid"]),
        "Rank correlation of t and the year the frames look like": figure(chronology.get("rank") or {}),
    }
    if found["truth"]:
        own = found["truth"]["competitors"][0]
        rows["Distance from the true style"] = figure({**own, "value": own["error"]})
    verdicts = {shown(one["name"]): {"said": said_of(one), **figure(one["difference"])} for one in found["verdicts"]}
    return {"summary": [str(line) for line in found["summary"]], "rows": rows, "verdicts": verdicts}


def _property(one: Property, found: Mapping[str, Any]) -> Iterator[tuple[str, dict]]:
    """Yields the rows of a property: of random samples, and of the paintings that they are to be like."""
    yield one.compared, figure(found["generated"])
    yield f"{one.label} of the real paintings", figure(found["training"])


def strips(morphs: Morphs) -> list[str]:
    """Returns the first pairs' frames, each as one image."""
    places = np.linspace(0, len(morphs.t) - 1, min(STRIP_FRAMES, len(morphs.t))).round().astype(int)
    return [data_uris.strip(pair[places], 96) for pair in morphs.frames[:STRIPS]]
