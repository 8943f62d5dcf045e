"""Checkpoints: the only file that knows orbax."""

import dataclasses
import gc
import json
import logging
import math
import os
import pathlib
import re
import stat
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint.checkpoint_managers import preservation_policy as policies
from orbax.checkpoint.path import step

from gan_jax import files, reading
from gan_jax.errors import UserError
from gan_jax.training import hosts

# What goes wrong is said here, in a line; orbax adds the tracebacks of its threads.
logging.getLogger("absl").addFilter(lambda record: f"{os.sep}orbax{os.sep}" not in record.pathname)
logging.getLogger("asyncio").addFilter(lambda record: "was never retrieved" not in record.getMessage())

_unraisable = sys.unraisablehook


def _without_stragglers(unraisable: Any) -> None:
    """Where one of orbax's reads or writes fails, it closes the loop that the others report to, and each would leave a traceback."""
    code = getattr(unraisable.object, "cr_code", None)  # of a coroutine that nobody waits for any more
    ours = code is None or f"{os.sep}orbax{os.sep}" not in code.co_filename
    if ours and str(unraisable.exc_value) != "Event loop is closed":
        _unraisable(unraisable)


sys.unraisablehook = _without_stragglers

Like = Any | Callable[[Mapping[str, Any]], Any]

PREFIX = "images"  # of the names of checkpoints
NAME = re.compile(rf"{PREFIX}_(0|[1-9][0-9]{{0,17}})")
METRIC = "kid"
UNMEASURED = 1e30  # worse than any
SEAL = "seal"
DATA = "d"  # folders of arrays, whose files may be large
MOST_OPENED = 64  # damaged ones, each of which is read; a training keeps a few
DESCRIPTION = "_CHECKPOINT_METADATA"  # orbax's, of half a kB; it takes a tenth of a millisecond for each key that it does not know
MOST_DESCRIBED = 2**16  # bytes of it
MOST_TOLD = 2**26  # bytes of any other file

_said: set[str] = set()  # lines on stderr; a process opens a folder many times


@dataclasses.dataclass(kw_only=True)
class _Milestones(policies.PreservationPolicy):
    """Keeps the first checkpoint at or after every multiple of so many images."""

    images: int

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> Sequence[bool]:
        reached = [checkpoint.step // self.images for checkpoint in checkpoints]
        return [here > before for before, here in zip([0, *reached], reached)]


@dataclasses.dataclass(kw_only=True)
class _Listed(policies.PreservationPolicy):
    """Keeps the checkpoints of a set that others add to."""

    steps: set[int]

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> Sequence[bool]:
        return [checkpoint.step in self.steps for checkpoint in checkpoints]


class _Manager(ocp.CheckpointManager):
    """A manager that takes checkpoints whose metrics are damaged for ones that were not measured, instead of ending with the first."""

    def __init__(self, *arguments: Any, unread: set[int], **options: Any):
        """`unread` gets them."""
        self._unread = unread
        super().__init__(*arguments, **options)

    def metrics(self, step: int) -> dict[str, float]:
        try:
            # As orbax writes it; its own reader takes a millisecond for each, and there may be thousands.
            kid = float(reading.read_object(self.directory / f"{PREFIX}_{step}" / "metrics" / "metrics")[METRIC])
            if math.isfinite(kid):  # a text may say "nan"
                return {METRIC: kid}
        except (UserError, ValueError, TypeError, KeyError):
            pass
        self._unread.add(step)
        return {METRIC: UNMEASURED}


class _Names(type(step.standard_name_format())):  # type: ignore[misc]
    """Finds checkpoints by their names; orbax asks of each folder, in tasks that wait for each other, whether that is its last one."""

    def find_all(self, base_path: Any) -> Iterator[step.Metadata]:
        with os.scandir(base_path) as entries:
            for entry in entries:
                if (name := NAME.fullmatch(entry.name)) and entry.is_dir():
                    yield step.Metadata(step=int(name[1]), path=base_path / entry.name)


class Checkpoints:
    """The checkpoints of one training, named by the images seen. Saving goes on in the background; leaving the block waits for it."""

    def __init__(self, folder: pathlib.Path, keep: int | None = None, milestones: int = 0):
        """Opens a folder.

        Args:
          keep: how many of the latest stay, beside the best; None: all, for reading.
          milestones: of every so many images the first one stays too; 0: of none.
        """
        self._folder, self._writes = folder.absolute(), keep is not None
        staying = policies.PreserveAll()
        self._unread: set[int] = set()  # one of them may be the best: it stays
        if keep is not None:
            best = policies.BestN(n=1, get_metric_fn=_merit)
            staying = policies.AnyPreservationPolicy([policies.LatestN(n=keep), best, _Listed(steps=self._unread)])
            if milestones:
                staying.policies.append(_Milestones(images=milestones))
        options = ocp.CheckpointManagerOptions(
            preservation_policy=staying,
            best_fn=_merit,
            best_mode="max",
            create=self._writes,
            cleanup_tmp_directories=self._writes,  # of a process that was killed while it saved
            step_name_format=_Names(step_prefix=PREFIX),
        )
        if self._writes:
            options.async_options = ocp.options.AsyncOptions(post_finalization_callback=self._sync)
        # Then whoever opens the folder waits for nobody, and arrays pass as NumPy's: orbax takes those of JAX to be on all processes.
        self._among_others = hosts.count() > 1
        if self._among_others:
            self._folder.mkdir(parents=True, exist_ok=True)
            alone = ocp.options.MultiprocessingOptions(primary_host=hosts.index(), active_processes={hosts.index()})
            options = dataclasses.replace(options, create=False, multiprocessing_options=alone)
        _check_files(self._folder)
        handlers = {"state": ocp.StandardCheckpointHandler(), "about": ocp.JsonCheckpointHandler()}
        try:
            self._manager = _Manager(self._folder, options=options, item_handlers=handlers, unread=self._unread)
        except OSError as error:
            raise UserError(f"{folder}: no checkpoints can be kept there ({error.strerror or error})") from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UserError(f"{_undescribed(self._folder)}: not what orbax writes ({one_line(error)})") from None

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, kind: type | None, *_) -> None:
        try:
            self._manager.close()
        except Exception as error:
            if kind is None:  # else the first error says what happened
                raise self._unwritten(error) from None

    def wait(self) -> None:
        """Waits for what is being saved. Raises UserError where it could not be written."""
        try:
            self._manager.wait_until_finished()
        except Exception as error:
            raise self._unwritten(error) from None

    def latest(self) -> int | None:
        """Returns images seen by the latest checkpoint, None if there is none."""
        return self._manager.latest_step()

    def best(self) -> int | None:
        """Returns images seen by the checkpoint with the least KID, or by the latest where none was measured; None if there is none."""
        best = self._manager.best_step()
        return self.latest() if best is None else best

    def save(self, images_seen: int, state: Any, about: Mapping[str, Any], kid: float | None = None) -> None:
        """Saves a tree of arrays, and what a reader should know of it as JSON. `kid`, where it was measured, is what the best has least.

        Raises UserError where it, or the one before, could not be written. What was there stays as it is.
        """
        told = {**about, SEAL: seal(state, about)}
        if self._among_others:
            state = jax.tree.map(lambda x: np.asarray(x.addressable_data(0)), state)
        try:
            self._manager.save(
                images_seen,
                args=ocp.args.Composite(state=ocp.args.StandardSave(_fields(state)), about=ocp.args.JsonSave(told)),
                metrics={METRIC: UNMEASURED if kid is None else kid},
            )
        except Exception as error:
            raise self._unwritten(error) from None

    def open_latest(self, like: Like) -> tuple[int, Any, dict[str, Any]] | None:
        """Returns images seen by the latest checkpoint that is whole, its tree and what `save` was told of it; None if there is none.

        `like` has the tree's shapes, types and placement, or gives them for what was told.

        Damaged ones are named on stderr and passed over; where checkpoints are written, they are moved out of the way.
        """
        return self._open(sorted(self._manager.all_steps(), reverse=True), like)

    def open_best(self, like: Like) -> tuple[int, Any, dict[str, Any]] | None:
        """Returns the same of the best checkpoint, and where it is damaged of the latest."""
        steps, best = sorted(self._manager.all_steps(), reverse=True), self.best()
        return self._open(sorted(steps, key=lambda step: step != best), like)

    def is_whole(self, images_seen: int, like: Like) -> bool:
        """Returns whether a checkpoint can be read, and is what was saved."""
        whole = not isinstance(self._read(images_seen, like), str)
        if whole:
            self._say_unread(self._unread)
        return whole

    def _open(self, steps: Sequence[int], like: Like) -> tuple[int, Any, dict[str, Any]] | None:
        passed_over: set[int] = set()
        opened = 0
        try:
            for images_seen in steps:
                found: tuple[Any, dict[str, Any]] | str = self._lack(images_seen)
                if not found:
                    if opened == MOST_OPENED:
                        raise UserError(f"{self._folder}: the latest {opened} checkpoints are damaged; remove what no training wrote there")
                    opened += 1
                    found = self._read(images_seen, like)
                if not isinstance(found, str):
                    self._say_unread(self._unread - passed_over)
                    return images_seen, *found
                where = f" and moved to {self._set_aside(images_seen)}" if self._writes else ""
                self._say(f"the checkpoint of {images_seen:,} images is damaged ({found}); passed over{where}")
                passed_over.add(images_seen)
            return None
        finally:
            if self._writes and passed_over:
                self._manager.reload()

    def _say_unread(self, steps: Iterable[int]) -> None:
        for unread in sorted(steps):
            self._say(f"what was measured of the checkpoint of {unread:,} images can't be read; it counts as not measured")

    def _sync(self) -> None:
        """What is about to get the name of a checkpoint is on the disk before it does."""
        for unfinished in self._folder.glob(f"{PREFIX}_*.*"):
            files.sync_tree(unfinished)

    def _say(self, text: str) -> None:
        """On stderr, once."""
        line = f"gan_jax: {self._folder}: {text}"
        if line not in _said:
            _said.add(line)
            print(line, file=sys.stderr)

    def _read(self, images_seen: int, like: Like) -> tuple[Any, dict[str, Any]] | str:
        """Returns a checkpoint's tree and what was told of it, or in what it is damaged."""
        try:
            about = self.about(images_seen)
            state = self.restore(images_seen, like(about) if callable(like) else like)
            kept = about.pop(SEAL, None)
            if kept is not None and kept != seal(state, about):
                raise ValueError("its content is not what was saved")
            return state, about
        except UserError:
            raise
        except Exception as error:  # whatever a reader of damaged files may raise
            damage = one_line(error)
        # What orbax began to read and left: collected when Python ends, it would say so, line after line.
        gc.collect()
        return damage

    def _lack(self, images_seen: int) -> str:
        """Returns which part of a checkpoint is missing, "" where none is: to find that out, orbax takes a tenth of a second."""
        there = self._folder / f"{PREFIX}_{images_seen}"
        return next((f"no {part!r} in it" for part in ("about", "state") if not (there / part).is_dir()), "")

    def _set_aside(self, images_seen: int) -> pathlib.Path:
        """Out of the folder, so that a checkpoint of the same name can be written when the training gets there again."""
        aside = self._folder.with_name(f"{self._folder.name}_damaged")
        aside.mkdir(exist_ok=True)
        there = aside / f"{PREFIX}_{images_seen}_{time.time_ns()}"
        (self._folder / f"{PREFIX}_{images_seen}").rename(there)
        self._unread.discard(images_seen)
        return there

    def restore(self, images_seen: int, like: Any) -> Any:
        """Returns the tree of a checkpoint, with the shapes, types and placement of `like`. Raises UserError where they differ."""
        # Of the arrays alone: of all parts it would fail with the least of them.
        there = _shapes(ocp.StandardCheckpointHandler().metadata(self._manager.directory / f"{PREFIX}_{images_seen}" / "state"))
        here = _shapes(like)
        if not there:
            raise ValueError("no arrays")
        if there != here:
            name = next(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
            raise UserError(
                f"{self._manager.directory}: checkpoint {images_seen} is not of this config's networks "
                f"({name} is {there.get(name, 'missing')} there and {here.get(name, 'missing')} here)"
            )
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, like)
        if self._among_others:
            abstract = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), abstract)
        kept = self._manager.restore(images_seen, args=ocp.args.Composite(state=ocp.args.StandardRestore(_fields(abstract)))).state
        return dataclasses.replace(like, **kept) if dataclasses.is_dataclass(like) and not isinstance(like, type) else kept

    def about(self, images_seen: int) -> dict[str, Any]:
        """Returns what `save` was told of a checkpoint."""
        return self._manager.restore(images_seen, args=ocp.args.Composite(about=ocp.args.JsonRestore())).about

    def told(self, images_seen: int) -> dict[str, Any]:
        """Returns the same where it can be read, {} where it is damaged."""
        try:
            about = self.about(images_seen)
        except Exception:  # whatever a reader of damaged files may raise
            return {}
        return about if isinstance(about, dict) else {}

    def _unwritten(self, error: Exception) -> UserError:
        whole = sorted(int(path.name.removeprefix("images_")) for path in self._folder.glob("images_*") if path.name[7:].isdigit())
        before = f"; the one of {whole[-1]:,} images is whole" if whole else ""
        return UserError(f"{self._folder}: a checkpoint could not be written ({one_line(error)}){before}")


def seal(state: Any, about: Mapping[str, Any]) -> str:
    """Returns a checksum of a tree of arrays and of what goes with it: the storage has none for its largest files."""
    here = jax.tree.map(lambda x: x.addressable_data(0) if isinstance(x, jax.Array) else x, state)
    sums = np.asarray(_sums(jax.tree.leaves(here)))
    text = json.dumps(about, sort_keys=True, default=str)
    return f"{zlib.crc32(text.encode()):08x}{zlib.crc32(sums.tobytes()):08x}"


@jax.jit
def _sums(arrays: list[jax.Array]) -> jax.Array:
    """Returns the sum of each array's bits as whole numbers, each times an odd one of its own: no change of a single one is lost."""
    sums = []
    for array in arrays:
        bits = jax.lax.bitcast_convert_type(array, jnp.dtype(f"uint{8 * array.dtype.itemsize}")).astype(jnp.uint32).ravel()
        sums.append((bits * (2 * jnp.arange(bits.size, dtype=jnp.uint32) + 1)).sum(dtype=jnp.uint32))
    return jnp.stack(sums)


def one_line(error: Exception) -> str:
    """Returns the first words of an error of a library, or those of the system behind it."""
    if code := re.search(r"os_error_code='(\d+)'", str(error)):
        return os.strerror(int(code[1]))
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:200]}" if words else type(error).__name__


def _check_files(folder: pathlib.Path) -> None:
    """Raises UserError for what orbax would wait for, follow or read as a whole: pipes, devices, links, and descriptions of many bytes."""
    for place, folders, names in reading.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(place, name)
            try:
                found = os.lstat(path)
            except FileNotFoundError:  # of a checkpoint that another process has just finished or removed
                continue
            if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
                raise UserError(f"{path}: not a regular file, and nothing that training writes")
            most = MOST_DESCRIBED if name == DESCRIPTION else MOST_TOLD
            if stat.S_ISREG(found.st_mode) and found.st_size > most and os.path.basename(place) != DATA:
                raise UserError(f"{path}: has {found.st_size:,} bytes, at most {most:,} are read")


def _undescribed(folder: pathlib.Path) -> pathlib.Path:
    """The first description of a checkpoint that is no JSON object, or the folder."""
    for path in sorted(folder.glob(f"{PREFIX}_*/{DESCRIPTION}")):
        try:
            reading.read_object(path)
        except UserError:
            return path
    return folder


def _merit(metrics: Mapping[str, float]) -> float:
    return -metrics[METRIC]


def _fields(tree: Any) -> Any:
    """Returns a dataclass as a dict without the fields that are None: to orbax, which keeps dicts, a tree that has such a field is another
    than one from before there was the field."""
    if not dataclasses.is_dataclass(tree):
        return tree
    fields = {field.name: getattr(tree, field.name) for field in dataclasses.fields(tree)}
    return {name: value for name, value in fields.items() if value is not None}


def _shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    """Returns shapes by name; attributes, keys and indices are named alike, since orbax keeps a tree of dicts."""
    leaves = jax.tree_util.tree_leaves_with_path(tree, is_leaf=lambda x: hasattr(x, "shape"))
    return {
        ".".join(str(getattr(part, "name", getattr(part, "key", getattr(part, "idx", "")))) for part in path): tuple(leaf.shape)
        for path, leaf in leaves
    }
