"""A study: its workdir, and the stages in order, each skipped while what it made still stands."""

import dataclasses
import hashlib
import importlib.metadata
import json
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
from ml_collections import ConfigDict

from gan_jax import __version__, files, stages
from gan_jax.errors import UserError
from gan_jax.training.checkpoints import Checkpoints

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")

# What may differ from the config that a workdir was begun with: places of input that is read by then, and how often to look.
HARMLESS = {
    "collection.table",
    "collection.images",
    "training.log_every_kimg",
    "training.sample_every_kimg",
    "training.checkpoint_every_kimg",
    "training.keep_checkpoints",
}
FOUNDATION = ("seed", "collection", "model", "training")


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of a study. It is made again when a section of the config that it reads, or a stage that it needs, has changed."""

    name: str
    run: Callable[[ConfigDict, pathlib.Path, Mapping[str, Any]], str]
    needs: tuple[str, ...]
    reads: tuple[str, ...]  # sections of the config
    makes: tuple[str, ...]  # paths in the workdir


STAGES = {
    stage.name: stage
    for stage in (
        Stage("prepare", stages.prepare, (), ("collection",), ("collection",)),
        Stage("train", stages.train, ("prepare",), FOUNDATION, ("checkpoints",)),
        Stage("sample", stages.sample, ("train",), ("sampling",), ("samples/generated.npy", "samples/final.png")),
        Stage("invert", stages.invert, ("train",), ("inversion",), ("inversion",)),
        Stage("morph", stages.morph, ("invert",), ("morphing",), ("morphs",)),
        Stage("evaluate", stages.evaluate, ("sample", "morph"), ("evaluation",), ("evaluation.json",)),
        Stage("report", stages.report, ("evaluate",), (), ("report.html",)),
    )
}


class Study:
    """A workdir and the config of what is done there."""

    def __init__(self, config: ConfigDict, workdir: pathlib.Path):
        """Takes up or begins the workdir. Raises UserError if it was begun with a config that differs where it matters."""
        self.config, self.workdir = config, workdir
        self._path = workdir / "config.json"
        self._finished: dict[str, dict[str, Any]] = {}  # by stage: the fingerprint it was made with, seconds it took
        if self._path.exists():
            written = files.read_json(self._path)
            self._check(written["config"])
            self._finished = written["stages"]
        self._write()

    def run(self, name: str) -> str:
        """Runs one stage, unless what it made still stands, and says what it made. Raises UserError if a stage before it is missing."""
        stage = STAGES[name]
        for need in stage.needs:
            missing = [path for path in STAGES[need].makes if not (self.workdir / path).exists()]
            if missing or not self._stands(need, partly=need == "train"):
                raise UserError(f"{self.workdir}: `{name}` needs what `{need}` makes; run `{need}` (or `study`) first")
        if self._stands(name):
            return f"complete ({self._finished[name]['result']})"
        start = time.monotonic()
        result = stage.run(self.config, self.workdir, self._about())
        self._finished[name] = {
            "fingerprint": self._fingerprint(name),
            "seconds": round(time.monotonic() - start, 1),
            "result": result,
        }
        self._write()
        return result

    def run_all(self) -> Iterator[tuple[str, str]]:
        """Runs every stage in order; yields its name and what it said."""
        for name in STAGES:
            yield name, self.run(name)

    def _stands(self, name: str, partly: bool = False) -> bool:
        """Whether a stage is complete and of this config. `partly`: a training that is not over is enough."""
        if not all((self.workdir / path).exists() for path in STAGES[name].makes):
            return False
        return partly or self._finished.get(name, {}).get("fingerprint") == self._fingerprint(name)

    def _fingerprint(self, name: str) -> str:
        stage = STAGES[name]
        flat = flatten(self.config.to_dict())
        reads = {k: v for k, v in flat.items() if k.split(".")[0] in stage.reads and k not in HARMLESS}
        parts: list[Any] = [reads] + [self._fingerprint(need) for need in stage.needs]
        if name == "train" and (self.workdir / "checkpoints").is_dir():
            with Checkpoints(self.workdir / "checkpoints") as checkpoints:
                parts.append(checkpoints.latest())
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def _check(self, there: Mapping[str, Any]) -> None:
        a, b = flatten(there), flatten(self.config.to_dict())
        fields = [k for k in sorted(a.keys() | b.keys()) if a.get(k) != b.get(k) and k not in HARMLESS and k.split(".")[0] in FOUNDATION]
        if fields and any((self.workdir / path).exists() for path in ("collection", "checkpoints")):
            first = fields[0]
            more = f" (and {len(fields) - 1} more fields: {', '.join(fields[1:4])})" if fields[1:] else ""
            raise UserError(
                f"{self.workdir}: begun with another config: config.{first} is {a.get(first)!r} there and {b.get(first)!r} here{more}; "
                "give another --workdir, or delete this one"
            )

    def _about(self) -> dict[str, Any]:
        versions = {"gan_jax": __version__} | {name: importlib.metadata.version(name) for name in PACKAGES}
        device = f"{jax.device_count()} x {jax.devices()[0].device_kind}"
        return {"config": self.config.to_dict(), "versions": versions, "device": device}

    def _write(self) -> None:
        files.write_json(self._path, {**self._about(), "stages": self._finished})


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{'a': {'b': 1}} to {'a.b': 1}."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
