import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files
from gan_jax.collection.named_periods import Periods
from gan_jax.collection.paintings import Collection
from gan_jax.errors import UserError
from gan_jax.evaluation import evaluate as room
from gan_jax.evaluation import inputs
from gan_jax.evaluation.evaluation import Evaluation, known_features
from gan_jax.evaluation.inputs import Competitors, Extract, Paintings
from gan_jax.latents.samples import Samples
from gan_jax.metrics.features import extractor
from gan_jax.models.generator import Generator
from gan_jax.morphing.baseline import Baseline
from gan_jax.morphing.morphs import Morphs
from gan_jax.stages.baseline import baseline_of
from gan_jax.stages.common import collection_of, generator_of


def evaluate(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """Makes evaluation.json and evaluation/: how good the images are, and whether those between are of the years between."""
    collection, generator = collection_of(workdir), generator_of(config, workdir)
    morphs = Morphs.load(workdir / "morphs", len(collection.paintings))
    baseline, no_baseline = baseline_of(config, workdir, morphs)
    extractors, without = extractors_of(config.evaluation.features, generator)
    images = files.checksum(workdir / "collection" / "images.npy")
    features = features_of_paintings(workdir, collection, extractors, images)
    figures, tables = room.evaluate(
        paintings_of(collection, config, features),
        np.asarray(Samples.load(workdir / "samples").images),
        competitors_of(morphs, baseline),
        extractors,
        seed=config.seed,
        repeats=config.evaluation.repeats,
    )
    figures["without"] = without + ([{"features": "the baseline", "reason": no_baseline}] if no_baseline else [])
    Evaluation(figures, tables, features, images).save(workdir)
    left_out = "".join(f"; without {entry['features']}: {entry['reason']}" for entry in figures["without"])
    return f"{figures['answer']['found']} {workdir / 'evaluation.json'}{left_out}"


def extractors_of(names: tuple[str, ...], generator: Generator) -> tuple[dict[str, Extract], list[dict[str, str]]]:
    """Returns what can be measured, and what can't with the reason. UserError where nothing can."""
    found, without = {}, []
    for name in dict.fromkeys(names):
        try:
            found[name] = extractor(name, generator.critic)
        except UserError as error:
            without.append({"features": name, "reason": str(error)})
    if not found:
        raise UserError(without[0]["reason"] if without else "config.evaluation.features: at least one is needed")
    return found, without


def paintings_of(collection: Collection, config: ConfigDict, features: Mapping[str, np.ndarray]) -> Paintings:
    paintings = collection.paintings
    parameters = None
    if config.collection.source == "painter":
        parameters = {name: np.array([float(one.columns[name]) for one in paintings]) for name in room.PARAMETERS}
    return Paintings(
        collection.images,
        features,
        collection.years,
        [one.period for one in paintings],
        [one.title for one in paintings],
        [one.file for one in paintings],
        parameters,
        np.array([one.uncertainty for one in paintings]),
        named_of(collection, config),
    )


def named_of(collection: Collection, config: ConfigDict) -> list[str]:
    """Returns the further period of each painting, '' for none. Raises UserError for one without paintings, which may be named long after
    `prepare`."""
    periods, paintings = Periods.of(config.collection), collection.paintings
    rows = [one.columns for one in paintings]
    named = periods.names([one.year for one in paintings], rows, list(rows[0]) if rows else [])
    for name in periods.further:
        if name not in named:
            raise UserError(f"config.collection.periods.{name}={periods.said[name]!r}: no painting is of it")
    return named


def competitors_of(morphs: Morphs, baseline: Baseline | None) -> Competitors:
    """Returns the frames of the study and what they are put beside."""
    frames, some = {inputs.STUDY: np.asarray(morphs.frames)}, {}
    for name, (each, numbers) in baseline.as_competitors().items() if baseline else ():
        if numbers is not None:
            name = inputs.over(name, len(numbers))
            some[name] = np.array(numbers)
        frames[name] = np.asarray(each)
    if morphs.direct is not None:
        frames[inputs.DIRECT] = np.asarray(morphs.direct)
    return Competitors(frames, morphs.t, morphs.years, np.array(morphs.ends).reshape(-1, 2), some)


def features_of_paintings(
    workdir: pathlib.Path, collection: Collection, extractors: Mapping[str, Extract], images: str
) -> dict[str, np.ndarray]:
    """Measures the collection's paintings by each of the features, and by texture, but for what an earlier evaluation has left."""
    all_ = {"texture": extractor("texture"), **extractors}
    lasting = [name for name in all_ if name != "discriminator"]  # a discriminator's features change with every training
    known = known_features(workdir, lasting, images, len(collection.images))
    return {name: known[name] if name in known else extract(collection.images) for name, extract in all_.items()}
