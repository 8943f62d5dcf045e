import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files
from gan_jax.collection import collection as collections
from gan_jax.collection.collection import Collection
from gan_jax.collection.named_periods import Periods
from gan_jax.errors import UserError
from gan_jax.evaluation import evaluate as room
from gan_jax.evaluation import inputs
from gan_jax.evaluation.inputs import Extract, Morphs, Works
from gan_jax.metrics.features import extractor
from gan_jax.models.generator import Generator
from gan_jax.stages.baseline import frames_of
from gan_jax.stages.common import generator_of
from gan_jax.stages.morph import DIRECT

FOLDER = "evaluation"
FEATURES = "features_{}.npy"  # of the works, by name


def evaluate(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """evaluation.json and evaluation/: how good the pictures are, and whether those between are of the years between."""
    collection, generator = collections.load(workdir / "collection"), generator_of(config, workdir)
    extractors, without = extractors_of(config.evaluation.features, generator)
    features = features_of_works(workdir, collection, extractors)
    morphs, no_baseline = morphs_of(config, workdir)
    figures, tables = room.evaluate(
        works_of(collection, config, features),
        files.read_array(workdir / "samples" / "generated.npy"),
        morphs,
        extractors,
        seed=config.seed,
        repeats=config.evaluation.repeats,
    )
    figures["without"] = without + ([{"features": "the baseline", "reason": no_baseline}] if no_baseline else [])
    with files.atomic_folder(workdir / FOLDER) as folder:
        for name, rows in tables.items():
            files.write_csv(folder / f"{name}.csv", rows[0] if rows else ["nothing"], rows)
        for name, each in features.items():
            files.write_array(folder / FEATURES.format(file_name(name)), each)
        files.write_json(folder / "features.json", {"collection": files.digest(workdir / "collection" / "images.npy")})
    files.write_json(workdir / "evaluation.json", figures)
    left_out = "".join(f"; without {entry['features']}: {entry['reason']}" for entry in figures["without"])
    return f"{figures['answer']['found']} {workdir / 'evaluation.json'}{left_out}"


def extractors_of(names: tuple[str, ...], generator: Generator) -> tuple[dict[str, Extract], list[dict[str, str]]]:
    """What can be measured, and what can't with the reason. UserError where nothing can."""
    found, without = {}, []
    for name in dict.fromkeys(names):
        try:
            found[name] = extractor(name, generator.critic)
        except UserError as error:
            without.append({"features": name, "reason": str(error)})
    if not found:
        raise UserError(without[0]["reason"] if without else "config.evaluation.features: at least one is needed")
    return found, without


def works_of(collection: Collection, config: ConfigDict, features: Mapping[str, np.ndarray]) -> Works:
    paintings = collection.paintings
    parameters = None
    if config.collection.source == "painter":
        parameters = {name: np.array([float(one.columns[name]) for one in paintings]) for name in room.PARAMETERS}
    return Works(
        collection.images,
        features,
        np.array([one.year for one in paintings]),
        [one.period for one in paintings],
        [one.title for one in paintings],
        [one.file for one in paintings],
        parameters,
        np.array([one.uncertainty for one in paintings]),
        named_of(collection, config),
    )


def named_of(collection: Collection, config: ConfigDict) -> list[str]:
    """The further period of each work, '' for none. Raises UserError for one without works, which may be named long after `prepare`."""
    periods, paintings = Periods.of(config.collection), collection.paintings
    rows = [one.columns for one in paintings]
    named = periods.names([one.year for one in paintings], rows, list(rows[0]) if rows else [])
    for name in periods.further:
        if name not in named:
            raise UserError(f"config.collection.periods.{name}={periods.said[name]!r}: no work is of it")
    return named


def morphs_of(config: ConfigDict, workdir: pathlib.Path) -> tuple[Morphs, str]:
    """The frames of the study and what they are put beside, and why there is no baseline where one is asked for."""
    folder = workdir / "morphs"
    pairs = files.read_csv(folder / "pairs.csv")
    ends = np.array([(int(row["early_index"]), int(row["late_index"])) for row in pairs]).reshape(-1, 2)
    others, no_baseline = frames_of(config, workdir)
    frames = {inputs.STUDY: files.read_array(folder / "frames.npy"), **others}
    if (folder / DIRECT).exists():
        frames[inputs.DIRECT] = files.read_array(folder / DIRECT)
    return Morphs(frames, files.read_array(folder / "t.npy"), files.read_array(folder / "years.npy"), ends), no_baseline


def features_of_works(workdir: pathlib.Path, collection: Collection, extractors: Mapping[str, Extract]) -> dict[str, np.ndarray]:
    """Of the collection's works by each of the features, and by texture. What an earlier evaluation has seen is not looked at again."""
    about = workdir / FOLDER / "features.json"
    same = _whole(about) and files.read_json(about).get("collection") == files.digest(workdir / "collection" / "images.npy")
    found = {}
    for name, extract in {"texture": extractor("texture"), **extractors}.items():
        path = workdir / FOLDER / FEATURES.format(file_name(name))
        # A discriminator's features change with every training.
        known = files.read_array(path) if same and name != "discriminator" and _whole(path) else np.zeros(0)
        found[name] = known if len(known) == len(collection.images) else extract(collection.images)
    return found


def _whole(path: pathlib.Path) -> bool:
    return path.exists() and files.damage(path) is None


def file_name(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)
