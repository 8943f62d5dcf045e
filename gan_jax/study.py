"""A study: its workdir, and the stages in order, each skipped while what it made still stands."""

import dataclasses
import hashlib
import importlib.metadata
import json
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
from ml_collections import ConfigDict

from gan_jax import __version__, files, reading
from gan_jax.collection.collection import UNDATED
from gan_jax.collection.named_periods import further
from gan_jax.config import check, flatten, renamed, today
from gan_jax.errors import UserError
from gan_jax.noted import Noted, looked_up
from gan_jax.settings import BY_NAME, as_before, is_as_before, may_change
from gan_jax.stages.baseline import baseline, identity
from gan_jax.stages.evaluate import evaluate
from gan_jax.stages.invert import invert
from gan_jax.stages.morph import morph
from gan_jax.stages.prepare import prepare
from gan_jax.stages.report import report
from gan_jax.stages.sample import sample
from gan_jax.stages.train import train
from gan_jax.training import hosts
from gan_jax.training.checkpoints import Checkpoints
from gan_jax.training.trained import config_of_latest, ends_whole, state_like

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")

# Places of input, which is read by the time that they can differ: not naming them again is no difference.
INPUTS = ("collection.table", "collection.images", "collection.tfds_folder", "generator", "baseline.generator", "baseline.frames")
# Of these, programs and addresses of such, with the stages that open them: a workdir from elsewhere may name any.
OPENED = {"generator": ("sample", "invert", "morph", "baseline", "evaluate"), "baseline.generator": ("baseline",)}
FOUNDATION = ("seed", "collection", "model", "training")
# What a stage depends on is noted as it reads it. Before it was, and for the training, which may go on after any change that is accepted,
# it was all of these sections.
SECTIONS = {
    "prepare": ("collection",),
    "train": FOUNDATION,
    "sample": ("sampling",),
    "invert": ("inversion",),
    "morph": ("tuning", "morphing"),
    "baseline": ("baseline",),
    "evaluate": ("evaluation",),
    "report": (),
}
# Fields that are not compared by what they say: what lies there counts, by its content.
BY_CONTENT = {"generator", "baseline.generator", "baseline.frames"}


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


class Study:
    """A workdir and the config of what is done there."""

    def __init__(self, config: ConfigDict, workdir: pathlib.Path, accept_changes: bool = False, writes: bool = True):
        """Takes up or begins the workdir. Without `writes` it is only looked at, and there need not be one.

        Raises UserError for numbers out of bounds, and where the workdir was begun with a config that differs where it matters; with
        `accept_changes` that is only said.
        """
        self.config, self.workdir, self._accepts_changes = config, workdir, accept_changes
        self._path = workdir / "config.json"
        self._finished: dict[str, dict[str, Any]] = {}  # by stage: the fingerprint it was made with, its result, its seconds and bytes
        self._unasked: dict[str, str] = {}  # fields of `INPUTS` that the workdir alone names
        check(config)
        if writes:
            try:
                workdir.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UserError(f"--workdir={workdir}: no folder can be made there ({error.strerror})") from None
        files.check_links(workdir)
        self._damaged = self._path.exists() and self._cut_off()
        there = None
        if self._damaged:
            there = flatten(renamed(config_of_latest(workdir), workdir / "checkpoints")) if (workdir / "checkpoints").is_dir() else None
            print(
                f"gan_jax: {self._path}: damaged ({self._damaged}); goes on with the config of this command: each stage is made again, "
                "but training goes on where it was",
                file=sys.stderr,
            )
        elif self._path.exists():
            written = reading.read_json(self._path)
            try:
                there, self._finished = flatten(renamed(written["config"], self._path)), _records(written["stages"])
            except (KeyError, TypeError, ValueError, AttributeError):
                raise UserError(f"{self._path}: not written by this program; delete it, or give another --workdir") from None
        if there:
            for field in INPUTS:
                section, _, name = field.rpartition(".")
                settings = config[section] if section else config
                if not settings[name] and isinstance(there.get(field), str):
                    settings[name] = self._unasked[field] = there[field]
            self._check(there)

    def run(self, name: str) -> str:
        """Runs one stage, unless what it made still stands, and says what it made. Raises UserError if a stage before it is missing."""
        stage = STAGES[name]
        if name == "train" and self.config.generator:
            return f"not needed: {self.config.generator} paints"
        if self.config.collection.source == "tfds" and name not in WITHOUT_DATES:
            alone = f"; with --generator={self.workdir} it takes any images" if name in ("invert", "morph") else ""
            raise UserError(f"config.collection.source='tfds': images without dates, which `{name}` needs{alone}")
        if name == "baseline" and not self._baseline_is_asked:
            return "not asked for (config.baseline.generator)"
        for need in stage.needs:
            if not self._stands(need, partly=need == "train"):
                for before in self.stages[: self.stages.index(name)]:
                    self._name_damage(before)
                raise UserError(f"{self.workdir}: `{name}` needs what `{need}` makes; run `{need}` (or `study`) first")
        if self._damaged and hosts.is_primary():
            self._path.rename(self._path.with_name("config_damaged.json"))
            self._write()
            self._damaged = None
        if self._stands(name) and (name != "train" or hosts.count() > 1 or ends_whole(self.workdir, self.config)):
            return f"complete ({self._finished[name]['result']})"
        for field, stages in OPENED.items():
            if name in stages and (said := self._unasked.get(field)):
                named = f"{self._path}: names config.{field}={said!r}"
                raise UserError(f"{named}; to open it, the command has to name it too: --config.{field}")
        for before in _before(name):
            self._name_damage(before)
        if damaged := self._damage(name):
            print(f"gan_jax: {damaged}; `{name}` makes it again", file=sys.stderr)
        start, noted = time.monotonic(), Noted(self.config)
        try:
            result = stage.run(noted, self.workdir, self._about())
        except UserError as error:
            for before in _before(name):
                if any(str(path) in str(error) for path in self._missing(before)):
                    raise UserError(f"{error}; run `{before}` (or `study`), which makes it again") from None
            raise
        self._finished[name] = {"reads": looked_up(self.config.to_dict(), sorted(noted.names_read))}
        self._finished[name] |= {
            "fingerprint": self._fingerprint(name),
            "seconds": round(time.monotonic() - start, 1),
            "result": result,
            "bytes": self._sizes(name),
        }
        if hosts.is_primary():
            self._write()
        return result

    @property
    def seen(self) -> int:
        """Returns images that its training has seen."""
        return self._latest() or 0

    @property
    def unasked(self) -> frozenset[str]:
        """Returns names of fields, of those that name what is opened, that this command does not name, but the workdir does."""
        return frozenset(OPENED) & self._unasked.keys()

    @property
    def stages(self) -> tuple[str, ...]:
        """Returns names of what there is to do, in order."""
        return WITHOUT_DATES if self.config.collection.source == "tfds" else tuple(STAGES)

    @property
    def seconds(self) -> dict[str, float]:
        """By stage that is complete, how long it took when it was made."""
        return {name: self._finished[name]["seconds"] for name in self.stages if "seconds" in self._finished.get(name, {})}

    def standing(self) -> dict[str, bool]:
        """By stage, whether what it made still stands. What is damaged is named on stderr."""
        found = {name: self._stands(name) for name in self.stages if name != "baseline" or self._baseline_is_asked}
        for name in found:
            if damaged := self._damage(name):
                print(f"gan_jax: {damaged}; `{name}` makes it again", file=sys.stderr)
        if found["train"] and not self.config.generator and not ends_whole(self.workdir, self.config):
            found["train"] = False
            print(f"gan_jax: {self.workdir / 'checkpoints'}: the latest checkpoint is damaged; `train` passes it over", file=sys.stderr)
        return found

    @property
    def _baseline_is_asked(self) -> bool:
        return bool(self.config.baseline.generator or self.config.baseline.frames)

    def wait_for(self, name: str) -> None:
        """Until another process has made what a stage makes."""
        while not self._stands(name):
            time.sleep(1.0)
            if self._path.exists() and not self._cut_off():
                self._finished = _records(reading.read_json(self._path)["stages"])

    def run_all(self) -> Iterator[tuple[str, str]]:
        """Runs every stage in order; yields its name and what it said. A baseline that can't be opened does not stop the others."""
        for name in self.stages:
            try:
                said = self.run(name)
            except UserError as error:
                if name != "baseline":
                    raise
                said = f"left out: {error}"
            yield name, said

    def _stands(self, name: str, partly: bool = False) -> bool:
        """Returns whether a stage is complete and of this config. `partly`: a training that is not over is enough."""
        if name == "train" and self.config.generator:
            return True
        if name == "baseline" and not self._baseline_is_asked:
            return False
        if self._missing(name) or self._damage(name):
            return False
        if name == "train" and self._latest() is None:
            return False
        made = self._finished.get(name, {})
        return partly or made.get("fingerprint") == self._fingerprint(name, "reads" in made)

    def _cut_off(self) -> str | None:
        """In what the record of a study is damaged as by a power cut; not what somebody else wrote in its place."""
        damaged = files.damage(self._path)
        if damaged == "cut short" and not self._path.read_bytes().startswith(b"{"):
            return None
        return damaged

    def _damage(self, name: str) -> str | None:
        """Returns the first file of a stage that is damaged, and in what. Of checkpoints, nothing."""
        for path in self._files(name):
            if damaged := files.damage(path):
                return f"{path}: damaged ({damaged})"
        # A table may be cut off where a line ends; where arrays have changed too, somebody chose other paintings.
        now, before = self._sizes(name), self._finished.get(name, {}).get("bytes", {})
        if all(now.get(path) == size for path, size in before.items() if path.endswith(".npy")):
            for path, size in before.items():
                if now.get(path, size) < size:
                    return f"{self.workdir / path}: damaged (cut short)"
        return None

    def _missing(self, name: str) -> list[pathlib.Path]:
        """Returns what a stage should have made and is not there."""
        return [self.workdir / path for path in STAGES[name].makes if not (self.workdir / path).exists()]

    def _files(self, name: str) -> list[pathlib.Path]:
        """Returns what a stage has made that is there."""
        stage = STAGES[name]
        paths = [self.workdir / path for path in stage.makes]
        paths += [path for pattern in stage.beside for path in sorted(self.workdir.glob(pattern)) if path.name[0] != "."]
        return [path for path in dict.fromkeys(paths) if path.suffix in files.KINDS and path.is_file()]

    def _sizes(self, name: str) -> dict[str, int]:
        """Returns bytes of a stage's tables and arrays."""
        tables = [path for path in self._files(name) if path.suffix in (".csv", ".npy")]
        return {str(path.relative_to(self.workdir)): path.stat().st_size for path in tables}

    def _name_damage(self, name: str) -> None:
        """Raises UserError where a stage that others read is damaged."""
        if damaged := self._damage(name):
            raise UserError(f"{damaged}; run `{name}` (or `study`), which makes it again")

    def _fingerprint(self, name: str, noted: bool = True) -> str:
        """Sums up all that a stage depends on, as it is now. `noted`: by what was noted of it; else as before anything was."""
        if name == "train" and self.config.generator:
            return hashlib.sha256(f"{files.checksum(pathlib.Path(self.config.generator))} {self._checksum()}".encode()).hexdigest()[:16]
        stage = STAGES[name]
        parts: list[Any] = [self._fields(name, noted)] + [self._fingerprint(need, noted) for need in stage.needs]
        parts += [self._fingerprint(other, noted) for other in stage.uses if self._stands(other)]
        if name == "train":
            parts += [self._checksum(), self._latest()]
        if name == "evaluate" and not noted and (named := further(self.config.collection.periods)):
            parts.append(named)
        if name == "baseline":
            parts.append(identity(self.config, self.workdir))
        if name == "evaluate" and self._baseline_is_asked and not self._stands("baseline"):
            parts.append("without the baseline")  # which is said
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def _fields(self, name: str, noted: bool) -> dict[str, Any]:
        """The fields of the config that a stage depends on, as they are now."""
        config, reads = self.config.to_dict(), self._finished.get(name, {}).get("reads")
        if not noted or reads is None or name == "train":
            fields = {field: value for field, value in flatten(config).items() if field.split(".")[0] in SECTIONS[name]}
        else:
            fields = flatten(looked_up(config, reads, reads))
        # Which further periods there are changes what is shown, and nothing before.
        further_count = noted and name == "evaluate"
        passed_over = BY_CONTENT if noted else ()
        # A field that has got another name goes by the former one, as when the fingerprints of workdirs were made.
        return {
            (BY_NAME[field].was if field in BY_NAME else "") or field: value
            for field, value in fields.items()
            if not (may_change(field) and (field in BY_NAME or not further_count))
            and field not in passed_over
            and not is_as_before(field, value)
        }

    def _latest(self) -> int | None:
        """Returns images seen by the latest checkpoint."""
        if not (self.workdir / "checkpoints").is_dir():
            return None
        with Checkpoints(self.workdir / "checkpoints") as checkpoints:
            return checkpoints.latest()

    def _checksum(self) -> str | None:
        """Sums up the collection as it is: other paintings make everything after them stale, whatever the config says."""
        try:
            undated = [UNDATED] if self.config.collection.source == "tfds" else []
            checksums = [files.checksum(self.workdir / path) for path in (*COLLECTION, *undated)]
        except UserError:
            return None
        return hashlib.sha256("".join(checksums).encode()).hexdigest()[:16]

    def _check(self, a: Mapping[str, Any]) -> None:
        b = flatten(self.config.to_dict())
        a = {**as_before(), **a}  # a field that is new since then had what was done before it
        # Fields that are gone since then say nothing any more.
        fields = [k for k in sorted(b) if a.get(k) != b[k] and not may_change(k) and k.split(".")[0] in FOUNDATION]
        if not fields or not any((self.workdir / path).exists() for path in ("collection", "checkpoints")):
            return
        differences = [f"config.{k} is {a.get(k)!r} there and {b[k]!r} here" for k in fields]
        shaping = [k for k in fields if k == "collection.resolution" or k.startswith("model.")]
        if shaping and not same_networks(a, self.config) and any((self.workdir / "checkpoints").glob("*")):
            raise UserError(
                f"{self.workdir}: config.{shaping[0]} is {a.get(shaping[0])!r} there and {b[shaping[0]]!r} here: other networks than those "
                f"of its checkpoints. Another --workdir begins with what they have learnt by --config.training.init_from={self.workdir}"
            )
        if self._accepts_changes:
            print(f"gan_jax: {self.workdir}: goes on with another config: {'; '.join(differences)}", file=sys.stderr)
            return
        more = f" (and {len(fields) - 1} more fields: {', '.join(fields[1:4])})" if fields[1:] else ""
        raise UserError(
            f"{self.workdir}: begun with another config: {differences[0]}{more}; give another --workdir, delete this one, or go on all the "
            "same with --accept_changes"
        )

    def _about(self) -> dict[str, Any]:
        versions = {"gan_jax": __version__} | {name: importlib.metadata.version(name) for name in PACKAGES}
        device = f"{jax.device_count()} x {jax.devices()[0].device_kind}"
        return {"config": self.config.to_dict(), "versions": versions, "device": device, "collection": self._checksum()}

    def _write(self) -> None:
        files.write_json(self._path, {**self._about(), "stages": self._finished})


def _records(stages: Any) -> dict[str, dict[str, Any]]:
    """What the record of a study says of each stage. Raises TypeError or AttributeError for what this program does not write."""
    kinds = {"fingerprint": str, "result": str, "seconds": int | float, "bytes": dict, "reads": dict}
    for name, made in stages.items():
        if not all(isinstance(made[key], kind) for key, kind in kinds.items() if key in made) or "result" not in made:
            raise TypeError(name)
        if not all(isinstance(size, int) for size in made.get("bytes", {}).values()):
            raise TypeError(name)
    records = {name: dict(made) for name, made in stages.items()}
    for made in records.values():
        if "reads" in made:
            made["reads"] = {today(field): value for field, value in made["reads"].items()}
    return records


def _before(name: str) -> Iterator[str]:
    """Stages whose files a stage may read. Samples are made of the networks alone."""
    for need in STAGES[name].needs:
        yield need
        if name != "sample":
            yield from _before(need)


def same_networks(fields: Mapping[str, Any], config: ConfigDict) -> bool:
    """Returns whether the networks of a config, given by all its fields, have the layers and the shapes of another config's.

    Of fields that no network can be built by nothing is known, and they count as the same.
    """
    other = config.copy_and_resolve_references()
    try:
        for field, value in fields.items():
            section, _, name = field.rpartition(".")
            if section == "model" or field == "collection.resolution":
                other[section][name] = value
        shapes = [jax.tree.map(lambda x: x.shape, state_like(one, {})) for one in (other, config)]
    except (KeyError, TypeError, ValueError, UserError):
        return True
    return shapes[0] == shapes[1]
