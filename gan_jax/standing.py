"""What of a study still stands: by stage, whether what it made is there, whole, and of the config and the files of today."""

import hashlib
import json
import pathlib
from typing import Any

from ml_collections import ConfigDict

from gan_jax import files
from gan_jax.collection.collection import UNDATED
from gan_jax.collection.named_periods import further
from gan_jax.config import flatten
from gan_jax.errors import UserError
from gan_jax.noted import looked_up
from gan_jax.settings import BY_NAME, is_as_before, may_change
from gan_jax.stages.baseline import identity
from gan_jax.stages.order import COLLECTION, STAGES
from gan_jax.training.checkpoints import Checkpoints

FOUNDATION = ("seed", "collection", "model", "training")
# What a stage depends on is noted as it reads it. Before it was, and for the training, which may go on after any change that is accepted,
# it was all of these sections. A stage that is newer has none.
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


class Standing:
    """What a workdir holds of a study."""

    def __init__(self, config: ConfigDict, workdir: pathlib.Path):
        self.config, self.workdir = config, workdir
        self.finished: dict[str, dict[str, Any]] = {}  # by stage: the fingerprint it was made with, its result, its seconds and bytes

    @property
    def baseline_is_asked(self) -> bool:
        """Returns whether the config names something to put beside the study."""
        return bool(self.config.baseline.generator or self.config.baseline.frames)

    def stands(self, name: str, partly: bool = False) -> bool:
        """Returns whether a stage is complete and of this config. `partly`: a training that is not over is enough."""
        if name == "train" and self.config.generator:
            return True
        if name == "baseline" and not self.baseline_is_asked:
            return False
        if self.missing(name) or self.damage(name):
            return False
        if name == "train" and self.latest() is None:
            return False
        record = self.finished.get(name, {})
        return partly or record.get("fingerprint") == self.fingerprint(name, "reads" in record)

    def damage(self, name: str) -> str | None:
        """Returns the first file of a stage that is damaged, and in what. Of checkpoints, nothing."""
        for path in self.made(name):
            if damaged := files.damage(path):
                return f"{path}: damaged ({damaged})"
        # A table may be cut off where a line ends; where arrays have changed too, somebody chose other paintings.
        now, before = self.sizes(name), self.finished.get(name, {}).get("bytes", {})
        if all(now.get(path) == size for path, size in before.items() if path.endswith(".npy")):
            for path, size in before.items():
                if now.get(path, size) < size:
                    return f"{self.workdir / path}: damaged (cut short)"
        return None

    def missing(self, name: str) -> list[pathlib.Path]:
        """Returns what a stage should have made and is not there."""
        return [self.workdir / path for path in STAGES[name].makes if not (self.workdir / path).exists()]

    def name_damage(self, name: str) -> None:
        """Raises UserError where a stage that others read is damaged."""
        if damaged := self.damage(name):
            raise UserError(f"{damaged}; run `{name}` (or `study`), which makes it again")

    def fingerprint(self, name: str, noted: bool = True) -> str:
        """Sums up all that a stage depends on, as it is now. `noted`: by what was noted of it; else as before anything was."""
        if name == "train" and self.config.generator:
            return hashlib.sha256(f"{files.checksum(pathlib.Path(self.config.generator))} {self.checksum()}".encode()).hexdigest()[:16]
        stage = STAGES[name]
        parts: list[Any] = [self._fields(name, noted)] + [self.fingerprint(need, noted) for need in stage.needs]
        parts += [self.fingerprint(other, noted) for other in stage.uses if self.stands(other)]
        if name == "train":
            parts += [self.checksum(), self.latest()]
        if name == "evaluate" and not noted and (named := further(self.config.collection.periods)):
            parts.append(named)
        if name == "baseline":
            parts.append(identity(self.config, self.workdir))
        if name == "evaluate" and self.baseline_is_asked and not self.stands("baseline"):
            parts.append("without the baseline")  # which is said
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def latest(self) -> int | None:
        """Returns images seen by the latest checkpoint."""
        if not (self.workdir / "checkpoints").is_dir():
            return None
        with Checkpoints(self.workdir / "checkpoints") as checkpoints:
            return checkpoints.latest()

    def checksum(self) -> str | None:
        """Sums up the collection as it is: other paintings make everything after them stale, whatever the config says."""
        try:
            undated = [UNDATED] if self.config.collection.source == "tfds" else []
            checksums = [files.checksum(self.workdir / path) for path in (*COLLECTION, *undated)]
        except UserError:
            return None
        return hashlib.sha256("".join(checksums).encode()).hexdigest()[:16]

    def made(self, name: str) -> list[pathlib.Path]:
        """Returns what a stage has made that is there."""
        stage = STAGES[name]
        paths = [self.workdir / path for path in stage.makes]
        paths += [path for pattern in stage.beside for path in sorted(self.workdir.glob(pattern)) if path.name[0] != "."]
        return [path for path in dict.fromkeys(paths) if path.suffix in files.KINDS and path.is_file()]

    def sizes(self, name: str) -> dict[str, int]:
        """Returns bytes of a stage's tables and arrays."""
        tables = [path for path in self.made(name) if path.suffix in (".csv", ".npy")]
        return {str(path.relative_to(self.workdir)): path.stat().st_size for path in tables}

    def _fields(self, name: str, noted: bool) -> dict[str, Any]:
        """Returns the fields of the config that a stage depends on, as they are now."""
        config, reads = self.config.to_dict(), self.finished.get(name, {}).get("reads")
        if not noted or reads is None or name == "train":
            fields = {field: value for field, value in flatten(config).items() if field.split(".")[0] in SECTIONS.get(name, ())}
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
