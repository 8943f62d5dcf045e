"""A study: a workdir with the record of what was done there, and the stages in order, each skipped while what it made still stands."""

import importlib.metadata
import pathlib
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import jax
from ml_collections import ConfigDict

from gan_jax import __version__, files, reading
from gan_jax.config import check, flatten, renamed, today
from gan_jax.errors import MOST_SET, UserError, shown
from gan_jax.noted import Noted, looked_up
from gan_jax.settings import as_before, may_change
from gan_jax.stages.order import STAGES, WITHOUT_DATES, earlier
from gan_jax.standing import FOUNDATION, Standing
from gan_jax.training import hosts
from gan_jax.training.settings import projected_side
from gan_jax.training.trained import config_of_latest, ends_whole, state_like

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")

# Places of input, which is read by the time that they can differ: not naming them again is no difference.
INPUTS = ("collection.table", "collection.images", "collection.tfds_folder", "generator", "baseline.generator", "baseline.frames")
# Of these, programs and addresses of such, with the stages that open them: a workdir from elsewhere may name any.
OPENED = {"generator": ("sample", "invert", "morph", "baseline", "evaluate"), "baseline.generator": ("baseline",)}
# Fields beside those of `model` on which the layers and the shapes of networks depend.
SHAPING = ("collection.resolution", "training.projected_discriminator", "training.projected_resolution")
HERE = "{workdir}/"  # stands for the folder in what is recorded of a stage: it may be moved


class Study:
    """A workdir and the config of what is done there."""

    def __init__(self, config: ConfigDict, workdir: pathlib.Path, accept_changes: bool = False, writes: bool = True):
        """Takes up or begins the workdir. Without `writes` it is only looked at, and there need not be one.

        Raises UserError for numbers out of bounds, and where the workdir was begun with a config that differs where it matters; with
        `accept_changes` that is only said.
        """
        self.config, self.workdir, self._accepts_changes = config, workdir, accept_changes
        self._path = workdir / "config.json"
        self._there = Standing(config, workdir)
        self._unasked: dict[str, str] = {}  # fields of `INPUTS` that the workdir alone names
        check(config)
        try:
            str(workdir.absolute()).encode()  # what writes checkpoints takes no other name
        except UnicodeEncodeError:
            raise UserError(f"--workdir={workdir}: a path that is not UTF-8, where no checkpoint can be; give another one") from None
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
                there, self._there.finished = flatten(renamed(written["config"], self._path)), _records(written["stages"])
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
        if why := self.unneeded(name):
            return why
        if self._damaged and hosts.is_primary():
            self._path.rename(self._path.with_name("config_damaged.json"))
            self._write()
            self._damaged = None
        if self._there.stands(name) and (name != "train" or hosts.count() > 1 or ends_whole(self.workdir, self.config)):
            return f"complete ({self._there.finished[name]['result'].replace(HERE, f'{self.workdir}/')})"
        for field, stages in OPENED.items():
            if name in stages and (said := self._unasked.get(field)):
                named = f"{self._path}: names config.{field}={shown(said, MOST_SET)}"
                raise UserError(f"{named}; to open it, the command has to name it too: --config.{field}")
        for before in earlier(name):
            self._there.name_damage(before)
        if damaged := self._there.damage(name):
            print(f"gan_jax: {damaged}; `{name}` makes it again", file=sys.stderr)
        start, noted = time.monotonic(), Noted(self.config)
        try:
            result = stage.run(noted, self.workdir, self._about())
        except UserError as error:
            for before in earlier(name):
                if any(str(path) in str(error) for path in self._there.missing(before)):
                    raise UserError(f"{error}; run `{before}` (or `study`), which makes it again") from None
                # What cannot be read does not stand, whole as its file is. A collection is the user's to mend.
                if before != "prepare" and any(str(path) in str(error) for path in self._there.made(before)):
                    self._there.finished.pop(before, None)
                    if hosts.is_primary():
                        self._write()
            raise
        self._there.finished[name] = {"reads": looked_up(self.config.to_dict(), sorted(noted.names_read))}
        self._there.finished[name] |= {
            "fingerprint": self._there.fingerprint(name),
            "seconds": round(time.monotonic() - start, 1),
            "result": result.replace(f"{self.workdir}/", HERE),
            "bytes": self._there.sizes(name),
        }
        if hosts.is_primary():
            self._write()
        return result

    def unneeded(self, name: str) -> str:
        """Returns why there is no need of a stage, "" where there is. Writes nothing.

        Raises UserError where it can't be run: for images without dates, and where a stage before it is missing or damaged.
        """
        if name == "train" and self.config.generator:
            return f"not needed: {self.config.generator} paints"
        if self.config.collection.source == "tfds" and name not in WITHOUT_DATES:
            alone = f"; with --generator={self.workdir} it takes any images" if name in ("invert", "morph") else ""
            raise UserError(f"config.collection.source='tfds': images without dates, which `{name}` needs{alone}")
        if name == "baseline" and not self._there.baseline_is_asked:
            return "not asked for (config.baseline.generator)"
        for need in STAGES[name].needs:
            if not self._there.stands(need, partly=need == "train"):
                for before in self.stages[: self.stages.index(name)]:
                    self._there.name_damage(before)
                where = f"{self.workdir}: " + ("" if self.workdir.is_dir() else "no such workdir; ")
                raise UserError(f"{where}`{name}` needs what `{need}` makes; run `{need}` (or `study`) first")
        return ""

    @property
    def seen(self) -> int:
        """Returns images that its training has seen."""
        return self._there.latest() or 0

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
        """Returns, by stage that is complete, how long it took when it was made."""
        return {name: self._there.finished[name]["seconds"] for name in self.stages if "seconds" in self._there.finished.get(name, {})}

    def standing(self) -> dict[str, bool]:
        """Returns, by stage, whether what it made still stands. What is damaged is named on stderr."""
        found = {name: self._there.stands(name) for name in self.stages if name != "baseline" or self._there.baseline_is_asked}
        for name in found:
            if damaged := self._there.damage(name):
                print(f"gan_jax: {damaged}; `{name}` makes it again", file=sys.stderr)
        if found["train"] and not self.config.generator and not ends_whole(self.workdir, self.config):
            found["train"] = False
            print(f"gan_jax: {self.workdir / 'checkpoints'}: the latest checkpoint is damaged; `train` passes it over", file=sys.stderr)
        return found

    def wait_for(self, name: str) -> None:
        """Waits until another process has made what a stage makes."""
        while not self._there.stands(name):
            time.sleep(1.0)
            if self._path.exists() and not self._cut_off():
                self._there.finished = _records(reading.read_json(self._path)["stages"])

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

    def _cut_off(self) -> str | None:
        """In what the record of a study is damaged as by a power cut; not what somebody else wrote in its place."""
        damaged = files.damage(self._path)
        if damaged != "cut short":
            return damaged
        with reading.open_regular(self._path) as file:
            return damaged if file.read(1) == b"{" else None

    def _check(self, a: Mapping[str, Any]) -> None:
        b = flatten(self.config.to_dict())
        a = {**as_before(), **a}  # a field that is new since then had what was done before it
        # Fields that are gone since then say nothing any more.
        fields = [k for k in sorted(b) if a.get(k) != b[k] and not may_change(k) and k.split(".")[0] in FOUNDATION]
        if not fields or not any((self.workdir / path).exists() for path in ("collection", "checkpoints")):
            return
        differences = {k: f"config.{k} is {shown(a.get(k), MOST_SET)} there and {shown(b[k], MOST_SET)} here" for k in fields}
        shaping = [k for k in fields if shapes_networks(k)]
        if shaping and not same_networks(a, self.config) and any((self.workdir / "checkpoints").glob("*")):
            raise UserError(
                f"{self.workdir}: {differences[shaping[0]]}: other networks than those "
                f"of its checkpoints. Another --workdir begins with what they have learnt by --config.training.init_from={self.workdir}"
            )
        if self._accepts_changes:
            print(f"gan_jax: {self.workdir}: goes on with another config: {'; '.join(differences.values())}", file=sys.stderr)
            return
        more = f" (and {len(fields) - 1} more fields: {', '.join(fields[1:4])})" if fields[1:] else ""
        raise UserError(
            f"{self.workdir}: begun with another config: {differences[fields[0]]}{more}; give another --workdir, delete this one, or go on "
            "all the same with --accept_changes"
        )

    def _about(self) -> dict[str, Any]:
        versions = {"gan_jax": __version__} | {name: importlib.metadata.version(name) for name in PACKAGES}
        device = f"{jax.device_count()} x {jax.devices()[0].device_kind}"
        return {"config": self.config.to_dict(), "versions": versions, "device": device, "collection": self._there.checksum()}

    def _write(self) -> None:
        files.write_json(self._path, {**self._about(), "stages": self._there.finished})


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


def shapes_networks(field: str) -> bool:
    """Returns whether the layers and the shapes of networks depend on a field, by its name."""
    return field in SHAPING or field.startswith("model.")


def same_networks(fields: Mapping[str, Any], config: ConfigDict) -> bool:
    """Returns whether the networks of a config, given by all its fields, have the layers and the shapes of another config's.

    Of fields that no network can be built by nothing is known, and they count as the same.
    """
    other = config.copy_and_resolve_references()
    try:
        for field, value in fields.items():
            if shapes_networks(field):
                section, _, name = field.rpartition(".")
                other[section][name] = value
        both = [state_like(one, {"projected": projected_side(one.training)}) for one in (other, config)]
        shapes = [jax.tree.map(lambda x: x.shape, state) for state in both]
    except (KeyError, TypeError, ValueError, UserError):
        return True
    return shapes[0] == shapes[1]
