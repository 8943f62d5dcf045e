"""The stages of a study in their order: what each needs, what it makes, and the function that makes it."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gan_jax.noted import Noted
from gan_jax.stages.baseline import baseline
from gan_jax.stages.evaluate import evaluate
from gan_jax.stages.invert import invert
from gan_jax.stages.morph import morph
from gan_jax.stages.prepare import prepare
from gan_jax.stages.report import report
from gan_jax.stages.sample import sample
from gan_jax.stages.train import train


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of a study. It is made again when a field of the config that it has read, or a stage that it needs, has changed."""

    name: str
    run: Callable[[Noted, pathlib.Path, Mapping[str, Any]], str]
    needs: tuple[str, ...]
    makes: tuple[str, ...]  # what later stages read or people look at, in the workdir
    uses: tuple[str, ...] = ()  # stages whose part it takes in where there is one
    beside: tuple[str, ...] = ()  # patterns of what else it makes, which may be gone but not damaged


INVERSION = ("latents.npy", "inversion.csv", "reconstructions.npy", "side_by_side.png")
MORPHS = ("pairs.csv", "unmatched.csv", "frames.csv", "frames.npy", "t.npy", "years.npy", "sets.png", "contact_sheet.png")
EVALUATION = ("evaluation.json", "evaluation/works.csv", "evaluation/frames.csv", "evaluation/competitors.csv")
COLLECTION = ("collection/paintings.csv", "collection/images.npy")
WITHOUT_DATES = ("prepare", "train", "sample")  # what can be done with images that have none
STAGES = {
    stage.name: stage
    for stage in (
        Stage("prepare", prepare, (), (*COLLECTION, "collection/skipped.csv"), beside=("collection/*",)),
        Stage("train", train, ("prepare",), ("checkpoints",)),
        Stage(
            "sample",
            sample,
            ("train",),
            ("samples/generated.npy", "samples/final.png"),
            beside=("samples/walk.*", "samples/years.png", "samples/single/*"),
        ),
        Stage("invert", invert, ("train",), tuple(f"inversion/{name}" for name in INVERSION), beside=("inversion/*",)),
        Stage("morph", morph, ("invert",), tuple(f"morphs/{name}" for name in MORPHS), beside=("morphs/*",)),
        Stage("baseline", baseline, ("morph",), ("baseline/about.json",), beside=("baseline/*/*",)),
        Stage("evaluate", evaluate, ("sample", "morph"), EVALUATION, ("baseline",), beside=("evaluation/*",)),
        Stage("report", report, ("evaluate",), ("report.html",)),
    )
}


def earlier(name: str) -> Iterator[str]:
    """Yields stages whose files a stage may read. Samples are made of the networks alone."""
    for need in STAGES[name].needs:
        yield need
        if name != "sample":
            yield from earlier(need)
