import pathlib
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from gan_jax import files
from gan_jax.collection import collection as collections
from gan_jax.evaluation.evaluate import evaluate as judge
from gan_jax.stages.baseline import frames_of


def evaluate(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """evaluation.json: how near generated images and frames are to real works, and those of the baselines."""
    collection = collections.load(workdir / "collection")
    figures = judge(
        {period: collection.images[collection.period(period)] for period in ("early", "between", "late")},
        files.read_array(workdir / "samples" / "generated.npy"),
        files.read_array(workdir / "morphs" / "frames.npy"),
        files.read_array(workdir / "morphs" / "t.npy"),
        baselines=frames_of(config, workdir),
        seed=config.seed,
        **config.evaluation,
    )
    files.write_json(workdir / "evaluation.json", figures)
    return str(workdir / "evaluation.json")
