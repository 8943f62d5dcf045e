"""Judges what a study's `train` has learnt, without search, tuning, morphs and films: minutes less where only a training's settings differ.

    python -m tests.trainings runs/van_gogh

Pictures from chance are put beside the paintings trained on. Where those have latents of their own, so are the middles of the ways between
the pairs that `morph` would make, beside what an evaluation puts them beside. Writes trainings.json and trainings.png (pictures from
chance; then a row a pair: the early painting, five places on the way, the late painting) into the workdir.

Chosen is by "trained on"; what is said of paintings held out is for reporting.
"""

import json
import pathlib
import sys
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files, pictures, reading
from gan_jax.collection.paintings import Collection
from gan_jax.evaluation.inputs import CROSS_FADE, STUDY
from gan_jax.evaluation.verdicts import cross_fade, verdicts
from gan_jax.generators import open_generator
from gan_jax.latents import sampling
from gan_jax.latents.inversion import rms
from gan_jax.metrics import kid
from gan_jax.metrics.copies import Copies
from gan_jax.metrics.features import Standardiser, extractor
from gan_jax.metrics.image_set import MINIMUM, ImageSet
from gan_jax.metrics.manifold import manifold
from gan_jax.models.generator import Generator
from gan_jax.morphing.frames import journeys
from gan_jax.stages.common import own_latents, trained_on
from gan_jax.stages.morph import pair

SAMPLES = 512
PLACES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
MIDDLE = 2  # of them
COLUMNS = len(PLACES) + 2  # of the sheet
SHOWN = 6 * COLUMNS  # pictures from chance on it
ROWS = 12  # pairs on it


def judge(workdir: pathlib.Path) -> dict[str, Any]:
    """Returns figures by name, and under "verdicts" what middles were found beside each competitor, with the difference."""
    config = ConfigDict(reading.read_json(workdir / "config.json")["config"])
    collection = Collection.load(workdir / "collection")
    generator = open_generator(workdir)
    paintings = trained_on(collection)
    samples = generator.images(sampling.of_seeds(generator, np.arange(SAMPLES)))
    measure = extractor("texture")
    features = measure(collection.images)
    standardise = Standardiser.fit(features[paintings])
    real, seen = standardise(features[paintings]), standardise(measure(samples))
    found = manifold(real, seen)
    copies = Copies(collection.images[paintings])
    figures = {
        "chance, trained on": kid.estimate(seen, real),
        "recall": found.recall,
        "coverage": found.coverage,
        "copies, %": 100 * float(copies.near(copies(samples)).mean()),
        "verdicts": {},
    }
    sheet = [samples[:SHOWN]]
    if generator.painting_latents is not None and not config.training.period:
        ends, frames = ways(config, collection, generator)
        pairs = collection.images[ends]  # [p, 2, r, r, 3]
        sets = {STUDY: ImageSet.of(frames, measure), CROSS_FADE: ImageSet.of(cross_fade(pairs[:, 0], pairs[:, 1], PLACES), measure)}
        middles = standardise(sets[STUDY].features[:, MIDDLE])
        periods = {name: collection.period(name) for name in ("early", "between", "late")}
        kinds = {name: ImageSet(collection.images[where], features[where]) for name, where in periods.items()}
        figures |= {
            "paintings' error": float(np.median(rms(*(each.reshape(-1, *frames.shape[2:]) for each in (frames[:, [0, -1]], pairs))))),
            "middles, trained on": kid.estimate(middles, real),
            "middles, held out": kid.estimate(middles, standardise(kinds["between"].features)),
            "verdicts": {
                one["name"]: [one["verdict"], one["difference"]["value"]]
                for one in verdicts(kinds, sets, MIDDLE, seed=0, least=MINIMUM, study=STUDY)
            },
        }
        sheet += [np.concatenate([pair[:1], frame, pair[1:]]) for pair, frame in zip(pairs[:ROWS], frames)]
    files.write_json(workdir / "trainings.json", figures)
    pictures.write_png(workdir / "trainings.png", pictures.grid(pictures.enlarged(np.concatenate(sheet), 64), COLUMNS))
    return figures


def ways(config: ConfigDict, collection: Collection, generator: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pairs [p, 2] of paintings, and at `PLACES` the frames between the latents that training gave them: uint8 [p, T, r, r, 3]."""
    ends = np.array(pair(collection, config.morphing)[0])
    own = own_latents(generator, collection, config)
    return ends, journeys(generator, own, ends, collection.years, PLACES, config.morphing.path).frames


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(json.dumps(judge(pathlib.Path(name))))
