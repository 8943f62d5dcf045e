import pathlib

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files, pictures
from gan_jax.collection.paintings import Collection
from gan_jax.errors import UserError
from gan_jax.metrics.features import texture
from gan_jax.morphing import narrowing, pairing, scene
from gan_jax.stages.common import PERIODS, collection_of

SHOWN = 48  # paintings that stand alone, on their sheet


def narrow(config: ConfigDict, workdir: pathlib.Path) -> str:
    """Makes narrowing/: which paintings of both periods compare like with like, why others don't, and a table of the former to train on."""
    collection = collection_of(workdir)
    paintings = [collection.period(period) for period in PERIODS]
    kind = kind_of(collection, config.morphing.columns)
    early, late = (of_period(collection, indices, kind) for indices in paintings)
    of_early, of_late = ([collection.paintings[i].columns for i in indices] for indices in paintings)
    subjects = pairing.disagreement(of_early, of_late, config.morphing.columns.split(","))
    distance = pairing.distances(early.images, late.images, config.morphing.colour, subjects, config.morphing.subject)
    found = narrowing.narrow(early, late, distance, config.narrowing.paintings, kind)
    kept = {int(paintings[0][pair.early]) for pair in found.pairs} | {int(paintings[1][pair.late]) for pair in found.pairs}
    if not kept:
        raise UserError("narrow: no early painting has a late one to be compared with")
    folder = workdir / "narrowing"
    with files.atomic_folder(folder) as temporary:
        rows = list(about(collection, paintings, (early, late), found))
        files.write_csv(temporary / "works.csv", rows[0], rows)
        write_table(temporary / "table.csv", collection, config.collection.columns, kept)
        places = [(pair.early, pair.late) for pair in found.pairs]
        images = collection.in_own_shapes(config.collection.fit).images
        early_shown, late_shown = (images[indices] for indices in paintings)
        pictures.write_png(temporary / "sets.png", scene.two_sets(early_shown, late_shown, places))
        sheet = np.concatenate([np.stack([early_shown[a], late_shown[b]]) for a, b in places])
        pictures.write_png(temporary / "pairs.png", pictures.grid(pictures.enlarged(sheet, 64), 16))
        loneliest = np.concatenate(paintings)[np.argsort(-np.concatenate(found.alone), kind="stable")[:SHOWN]]
        pictures.write_png(temporary / "alone.png", pictures.grid(pictures.enlarged(images[loneliest], 64), 12))
    n = len(found.pairs)
    reasons = [reason.partition(":")[0] for said in found.reasons for reason in said.values()]
    counted = ", ".join(f"{reasons.count(name)} {name}" for name in dict.fromkeys(reasons))
    known = f"{len(paintings[0])} and {len(paintings[1])}"
    return f"{n} early and {n} late paintings of {known} ({counted}); --config.collection.table={folder / 'table.csv'}"


def kind_of(collection: Collection, columns: str) -> str:
    """Returns the first of the columns that some paintings say something in; "" if none."""
    for wanted in filter(None, (column.strip().casefold() for column in columns.split(","))):
        if any(said(painting.columns, wanted) for painting in collection.paintings):
            return wanted
    return ""


def said(columns, wanted: str) -> str:
    return next((text.strip().casefold() for name, text in columns.items() if name.strip().casefold() == wanted), "")


def of_period(collection: Collection, indices: np.ndarray, kind: str) -> narrowing.Period:
    paintings, images = [collection.paintings[i] for i in indices], collection.images[indices]
    return narrowing.Period(images, texture(images), collection.aspects[indices], [said(painting.columns, kind) for painting in paintings])


def about(collection: Collection, paintings, periods, found: narrowing.Narrowed):
    """Returns a row of each painting: whether it is kept, with which counterpart, or why it is left out."""
    counterpart = {}
    for pair in found.pairs:
        a, b = int(paintings[0][pair.early]), int(paintings[1][pair.late])
        counterpart[a], counterpart[b] = (b, pair.distance), (a, pair.distance)
    for indices, period, reasons, alone in zip(paintings, periods, found.reasons, found.alone):
        for i, index in enumerate(indices.tolist()):
            other, distance = counterpart.get(index, (None, None))
            yield {
                **collection.describe(index),
                "kind": period.kinds[i],
                "aspect": f"{period.aspects[i]:.3f}",
                "alone": f"{alone[i]:.3f}",
                "kept": "no" if i in reasons else "yes",
                "reason": reasons.get(i, ""),
                "counterpart": "" if other is None else collection.paintings[other].file,
                "distance": "" if distance is None else f"{distance:.4f}",
            }


def write_table(path: pathlib.Path, collection: Collection, columns: ConfigDict, kept: set[int]) -> None:
    """Writes the kept paintings, and all that belong to neither period, as a table like the one that they came from."""
    file, title = columns.file or "file", columns.title or "title"
    others = list(dict.fromkeys(name for painting in collection.paintings for name in painting.columns))
    rows = [
        {file: painting.file, title: painting.title} | {name: painting.columns.get(name, "") for name in others}
        for i, painting in enumerate(collection.paintings)
        if painting.period not in PERIODS or i in kept
    ]
    files.write_csv(path, [file, title, *(name for name in others if name not in (file, title))], rows)
