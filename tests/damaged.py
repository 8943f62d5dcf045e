"""Opens damaged and hostile files of every kind, and counts what comes of them.

    python tests/damaged.py --cases=1000

A tiny study is made once, with a baseline of given frames. Then one of its files after another is damaged, in a way that fits its kind or
that fits any, and what reads it in the program reads it: the stages, the record of the study, the page. Tables, pictures, published
networks and configs of a user's are damaged and opened as well. Each must end well or in one `UserError`; where a file is no longer what
it was made as, that must be said; nothing may wait, take ten seconds, or take two gibibytes. `test_damaged.py` opens a few of each group.
"""

import argparse
import collections
import contextlib
import dataclasses
import faulthandler
import importlib.util
import inspect
import io
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Iterator

from xla_flags import FAST

os.environ.setdefault("XLA_FLAGS", FAST)
os.environ["JAX_PLATFORMS"] = "cpu"

import numpy as np  # noqa: E402
from ml_collections import ConfigDict  # noqa: E402
from PIL import Image  # noqa: E402

ROOT = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import hub_module  # noqa: E402
import published  # noqa: E402
from command import command  # noqa: E402
from tiny import tiny_config  # noqa: E402

from gan_jax import default_config, files, hub  # noqa: E402
from gan_jax.collection import collection as collections_  # noqa: E402
from gan_jax.errors import UserError  # noqa: E402
from gan_jax.generators import open_generator  # noqa: E402
from gan_jax.models.reference import read_published  # noqa: E402
from gan_jax.morphing.morphs import Morphs  # noqa: E402
from gan_jax.report import data_uris, morphs, networks, plots  # noqa: E402
from gan_jax.report.page import page, write_report  # noqa: E402
from gan_jax.report.results import Results  # noqa: E402
from gan_jax.stages.baseline import baseline_of, identity  # noqa: E402
from gan_jax.stages.evaluate import features_of_paintings, paintings_of  # noqa: E402
from gan_jax.stages.order import STAGES  # noqa: E402
from gan_jax.study import Study  # noqa: E402

MOST_SECONDS, MOST_BYTES = 10.0, 2**31
WRONG = ("traceback", "silent", "hangs")
STATUS = pathlib.Path("/proc/self/status")
HANGS = 60  # seconds, after which a case is ended
HUGE = 2**36  # bytes of a file of holes
TENSORFLOW = importlib.util.find_spec("tensorflow") is not None  # saved models are its own


@dataclasses.dataclass(frozen=True)
class Case:
    """One damage of one file."""

    group: str
    what: str
    path: str  # of the file, from the folder that holds all
    damage: Callable[[pathlib.Path], None]
    read: Callable[[], object]
    loud: bool = True  # the file is no longer what it was made as: that must be said
    accounts: bool = False  # `read` itself says whether the file is accounted for


@dataclasses.dataclass
class Outcome:
    case: Case
    ended: str  # "fine", "one line", "traceback", "silent", "hangs"
    said: str
    seconds: float  # of a processor, which other programs don't change
    bytes: int


# Damages of any file: names, and what they do to it.


def written(content: Callable[[bytes], bytes]) -> Callable[[pathlib.Path], None]:
    return lambda path: path.write_bytes(content(path.read_bytes()))


def replaced_by(make: Callable[[pathlib.Path], object]) -> Callable[[pathlib.Path], None]:
    def damage(path: pathlib.Path) -> None:
        path.unlink()
        make(path)

    return damage


def of_holes(path: pathlib.Path) -> None:
    os.truncate(path, HUGE)


ANY = {
    "emptied": written(lambda content: b""),
    "zeros": written(lambda content: bytes(len(content))),
    "halved": written(lambda content: content[: len(content) // 2]),
    "a byte short": written(lambda content: content[:-1]),
    "random bytes": written(lambda content: random.Random(len(content)).randbytes(max(40, len(content)))),
    "a page of another program": written(lambda content: b"<!doctype html><html><body>404</body></html>\n"),
    "a pipe": replaced_by(os.mkfifo),
    "a link to a device": replaced_by(lambda path: path.symlink_to("/dev/zero")),
    "a link out": replaced_by(lambda path: path.symlink_to("/etc/passwd")),
    "a link to itself": replaced_by(lambda path: path.symlink_to(path.name)),
    "a folder": replaced_by(lambda path: path.mkdir()),
    "sixty-four gibibytes of holes": of_holes,
}


def flips(content: bytes, count: int, chance: random.Random) -> Iterator[tuple[str, Callable[[pathlib.Path], None]]]:
    """Names and damages: so many bits of a file, each flipped alone."""
    for _ in range(count):
        place, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        yield f"bit {place}.{bit} flipped", written(lambda old, p=place, b=bit: old[:p] + bytes([old[p] ^ b]) + old[p + 1 :])


def cuts(content: bytes, count: int, chance: random.Random) -> Iterator[tuple[str, Callable[[pathlib.Path], None]]]:
    """Names and damages: seven bytes of a file gone, at so many places."""
    for _ in range(count):
        first = chance.randrange(len(content))
        yield f"bytes from {first} gone", written(lambda old, f=first: old[:f] + old[f + 7 :])


# Of JSON.

TEXTS = {
    "deep lists": "[" * 200_000,
    "deep objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "lists of 500 levels": "[" * 500 + "]" * 500,
    "a number of 5,000 digits": '{"config": ' + "9" * 5000 + "}",
    "a number out of range": '{"config": 1e999}',
    "NaN": '{"config": NaN}',
    "a list": "[]",
    "null": "null",
    "an empty object": "{}",
    "a string": '"config"',
    "a million objects": "[" + "{}," * 1_000_000 + "{}]",
    "a long string": json.dumps("x" * 10_000_000),
    "many keys": json.dumps({str(n): n for n in range(300_000)}),
    "half a surrogate": '{"config": "\\ud800"}',
    "not UTF-8": None,
}
VALUES = (None, True, -1, 10**18, 0.5, "x", "<b>" * 1000, [], [None], {}, {"a": {"b": []}}, [[1, 2], [3]], -1e300)


def leaves(value: object, where: tuple = ()) -> Iterator[tuple]:
    """Places in JSON of everything that has one."""
    if where:
        yield where
    parts = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for key, part in parts:
        yield from leaves(part, (*where, key))


def changed(content: bytes, place: tuple, value: object) -> bytes:
    """JSON with another value in a place; `Ellipsis` takes the place out."""
    whole = json.loads(content)
    part = whole
    for key in place[:-1]:
        part = part[key]
    if value is Ellipsis:
        del part[place[-1]]
    else:
        part[place[-1]] = value
    return json.dumps(whole).encode()


# Of tables.

CELLS = ("", "x", "nan", "inf", "1e999", "-1", "99999999", "9" * 5000, "1_0", "٣", "0x10", "1" + "0" * 400, "\0", '"', "x" * 2_000_000)


def cell(content: bytes, column: int, value: str) -> bytes:
    """A table with another value in a column of its second row."""
    rows = content.decode().split("\r\n")
    row = min(2, len(rows) - 1)
    cells = rows[row].split(",")
    cells[column % len(cells)] = value
    rows[row] = ",".join(cells)
    return "\r\n".join(rows).encode()


TABLES = {
    "not UTF-8": lambda content: content.replace(b",", b"\xff,", 1) + b"\xfe\xff",
    "UTF-16": lambda content: content.decode().encode("utf-16"),
    "a column twice": lambda content: content.replace(b"index", b"pair").replace(b"title", b"file", 1),
    "no header": lambda content: content.split(b"\r\n", 1)[1],
    "a header alone": lambda content: content.split(b"\r\n", 1)[0] + b"\r\n",
    "a row short": lambda content: content.replace(b",", b";", 3).replace(b";", b",", 1),
    "a row long": lambda content: content[:-2] + b",1,2,3\r\n",
    "a quote without its partner": lambda content: content[:60] + b',"' + content[60:],
    "a field of four megabytes": lambda content: content + b"x" * 2**22 + b"\r\n",
    "a million rows": lambda content: content + b"0\r\n" * 1_000_000,
    "a million columns": lambda content: b"a," * 1_000_000 + content,
    "ten million blank lines": lambda content: b"\n" * 10_000_000 + content,
    "rows many times": lambda content: content + content.split(b"\r\n", 1)[1] * 50,
}

# Of arrays.


def header(descr: str = "'<f8'", shape: str = "(2,)", order: str = "False", more: str = "") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}{more}}}\n"


def npy(said: str, data: bytes = bytes(64), version: int = 1) -> bytes:
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(said)) + said.encode("latin1") + data


def saved(array: np.ndarray, pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=pickle)
    return buffer.getvalue()


class Evil:
    """What runs where it is unpickled."""

    def __reduce__(self):
        return (os.mkdir, (os.environ["GAN_JAX_RAN"],))


ARRAYS = {
    "a negative shape": lambda old: npy(header(shape="(-2, 3)")),
    "a shape of many digits": lambda old: npy(header(shape=f"({'9' * 4000},)")),
    "a shape past all memory": lambda old: npy(header(shape="(9999999, 9999999, 9999999)")),
    "a shape of floats": lambda old: npy(header(shape="(2.0,)")),
    "a shape that is no tuple": lambda old: npy(header(shape="[2]")),
    "a shape of truths": lambda old: npy(header(shape="(True,)")),
    "twenty axes": lambda old: npy(header(shape="(" + "1," * 20 + ")")),
    "more than it has": lambda old: npy(header(shape="(1000000,)")),
    "bytes behind its end": lambda old: old + bytes(8),
    "objects": lambda old: saved(np.array([{}, {}], object), True),
    "objects that run": lambda old: saved(np.array([Evil()], object), True),
    "records": lambda old: saved(np.zeros(3, [("a", "f8"), ("b", "i4")])),
    "texts": lambda old: saved(np.array(["a", "b"])),
    "dates": lambda old: saved(np.array(["2020-01-01"], "M8[D]")),
    "complex numbers": lambda old: saved(np.zeros(3, complex)),
    "another type": lambda old: saved(np.load(io.BytesIO(old)).astype(np.int16)),
    "another order": lambda old: saved(np.asfortranarray(np.load(io.BytesIO(old)))),
    "another length": lambda old: saved(np.load(io.BytesIO(old))[:-1]),
    "an axis less": lambda old: saved(np.load(io.BytesIO(old))[0]),
    "an axis more": lambda old: saved(np.load(io.BytesIO(old))[None]),
    "a scalar": lambda old: saved(np.array(1.0)),
    "nothing in it": lambda old: saved(np.load(io.BytesIO(old))[:0]),
    "no pixels": lambda old: saved(np.load(io.BytesIO(old))[..., :0]),
    "a program for a header": lambda old: npy("__import__('os').mkdir('ran')"),
    "brackets for a header": lambda old: npy("(" * 9000),
    "a header past its limit": lambda old: npy(header(more=" " * 60_000)),
    "a header cut short": lambda old: old[:30],
    "version 9": lambda old: npy(header(), version=1).replace(b"\x01\x00", b"\x09\x00", 1),
    "an archive": lambda old: b"PK\x03\x04" + old,
}
FLOATS = {
    "NaN": lambda old: saved(np.full_like(np.load(io.BytesIO(old)), np.nan)),
    "infinity": lambda old: saved(np.full_like(np.load(io.BytesIO(old)), np.inf)),
    "minus one": lambda old: saved(np.full_like(np.load(io.BytesIO(old)), -1)),
}

# Of pictures.


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), *chunks, (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts)
    return b"\x89PNG\r\n\x1a\n" + body


def painted(kind: str, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, 7).save(buffer, kind)
    return buffer.getvalue()


PICTURES = {
    "a bomb of three billion pixels": lambda old: png(60_000, 60_000, (b"IDAT", zlib.compress(bytes(10_000_000)))),
    "a bomb that is whole": lambda old: png(12_000, 12_000, (b"IDAT", zlib.compress(bytes(12_000 * 36_001)))),
    "a text that unpacks to a gibibyte": lambda old: png(4, 4, (b"zTXt", b"a\0\0" + zlib.compress(bytes(2**30), 1))),
    "no pixels": lambda old: png(0, 0),
    "no data": lambda old: png(16, 16),
    "a size below nothing": lambda old: png(2**31, 2**31),
    "a GIF of 65,535 by 65,535": lambda old: b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + bytes(20) + b";",
    "PostScript": lambda old: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(ran) (w) file\n",
    "SVG": lambda old: b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
    "a TIFF with a loop": lambda old: b"II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x05\0\0\0\x08\0\0\0",
    "flipped bits": lambda old: bytes(b ^ (37 * n % 256 if n > 40 else 0) for n, b in enumerate(old)),
    "its middle gone": lambda old: old[: len(old) // 3] + old[2 * len(old) // 3 :],
}


@contextlib.contextmanager
def without_plots() -> Iterator[None]:
    """The page's plots are empty, but what they are of has to be numbers."""
    drawn = {name: each for name, each in vars(plots).items() if inspect.isfunction(each) and each.__module__ == plots.__name__}

    def empty(*given: object, **named: object) -> str:
        for value in (*given, *named.values()):
            if isinstance(value, np.ndarray):
                value.astype(np.float64)
        return ""

    for name in drawn:
        setattr(plots, name, empty)
    try:
        yield
    finally:
        vars(plots).update(drawn)


def small_config() -> ConfigDict:
    """Of a study that is done in seconds: nothing is tuned, and only texture is measured."""
    config = tiny_config()
    config.tuning.steps = 0
    config.evaluation.features = ("texture",)
    return config


class Bench:
    """A finished study, what a user's inputs are like, and the cases of all of them."""

    def __init__(self, folder: pathlib.Path, made: tuple[ConfigDict, pathlib.Path] | None = None):
        """Makes it in `folder`, unless it was made there before; from a copy of a study that is `made`, by its config and workdir."""
        self.folder, self.workdir = folder, folder / "study"
        self.config = made[0].copy_and_resolve_references() if made else small_config()
        self.config.baseline.frames = str(folder / "frames")
        if (self.workdir / "report.html").exists():
            return
        if made:
            shutil.copytree(made[1], self.workdir)
        for name in STAGES:
            if name == "baseline":  # which takes the frames of others from there
                shutil.copytree(self.workdir / "morphs" / "frames", folder / "frames")
            Study(self.config, self.workdir).run(name)
        self._make_inputs()

    def _make_inputs(self) -> None:
        """Twenty pictures with a table of them, a file of published networks, and a saved model with others that would reach beyond it."""
        (self.folder / "pictures").mkdir()
        rng, lines = np.random.default_rng(0), ["file,title,date"]
        for number in range(20):
            pixels = rng.integers(0, 256, (24, 20, 3), np.uint8)
            Image.fromarray(pixels).save(self.folder / "pictures" / f"{number:02d}.{'png' if number % 2 else 'jpg'}")
            lines.append(f"{number:02d}.{'png' if number % 2 else 'jpg'},Painting {number},{1880 + number // 2}")
        (self.folder / "table.csv").write_text("\r\n".join(lines) + "\r\n", newline="")
        records = [dict(zip(lines[0].split(","), line.split(","))) for line in lines[1:]]
        (self.folder / "table.json").write_text(json.dumps(records))
        (self.folder / "network.pkl").write_bytes(published.file())
        if TENSORFLOW:
            hub.tensorflow("saved models")
            hub_module.write_module(self.folder / "module")
            for operation in hub_module.BEYOND:
                hub_module.write_module(self.folder / "beyond" / operation, operation, out=str(self.folder / "ran"))

    # What reads.

    def study(self) -> object:
        """The record, and what of it still stands."""
        return Study(self.config, self.workdir).standing()

    def loaded(self) -> Results:
        """What `evaluate`, `baseline`, films of pairs and the page read."""
        results = Results.load(self.workdir)
        paintings = len(results.collection.paintings)
        identity(self.config, self.workdir)
        baseline_of(self.config, self.workdir, Morphs.load(self.workdir / "morphs", paintings))
        images = files.checksum(self.workdir / "collection" / "images.npy")
        paintings_of(results.collection, self.config, features_of_paintings(self.workdir, results.collection, {}, images))
        return results

    def shown(self) -> object:
        """What is loaded, as the page shows it, but without its plots, which take most of the time."""
        results = self.loaded()
        with without_plots():
            return page(results)

    def pictures(self) -> object:
        """The picture files that the page shows."""
        gifs = [data_uris.gif(path, morphs.SET_BYTES) for path in sorted((self.workdir / "morphs").glob("*.gif"))]
        return networks.sample_section(self.workdir), morphs.sheets(self.workdir), gifs

    def page(self) -> object:
        return write_report(self.workdir)

    def networks(self) -> object:
        open_generator(self.workdir)
        return self.study()

    def all_of_it(self) -> object:
        self.shown()
        return self.study()

    def record(self) -> object:
        with without_plots():
            self.page()
        return self.networks()

    def judged(self) -> object:
        with without_plots():
            self.page()
        return self.study()

    def prepared(self, table: str) -> object:
        """A collection of the user's pictures; the paintings and pictures that are nowhere in it."""
        config = default_config.get_config().collection
        config.update(source="folder", table=str(self.folder / table), images=str(self.folder / "pictures"), resolution=16, min_paintings=1)
        config.periods.update(early="..1884", late="1886..")
        found = collections_.prepare(config)
        there = {painting.file for painting in found.paintings} | {skipped.file for skipped in found.skipped}
        gone = {path.name for path in (self.folder / "pictures").iterdir()} - there
        if gone:
            raise AssertionError(f"nowhere: {sorted(gone)}")
        return found

    def published(self) -> object:
        return read_published(self.folder / "network.pkl")

    def module(self) -> object:
        """A saved model, opened and painted with."""
        if not TENSORFLOW:
            return None
        generator = hub.open_module(str(self.folder / "module"))
        return generator.images(np.zeros((2, generator.latent_size), np.float32))

    def configured(self) -> object:
        """A config file of the user's, in the command."""
        done = command("train", f"--config={self.folder / 'config.py'}", f"--workdir={self.folder / 'other'}", "--dry_run")
        if done.returncode != 2 or "Traceback" in done.stderr or len(done.stderr.strip().splitlines()) != 1:
            raise AssertionError(f"ended with {done.returncode}: {done.stderr[-300:]}")
        raise UserError(done.stderr.strip())

    # The cases.

    def cases(self, seed: int) -> list[Case]:
        chance = random.Random(seed)
        cases = [*self._of_workdir(chance), *self._of_checkpoints(chance), *self._of_inputs(chance), *self._of_configs()]
        return cases + [*self._of_modules(chance)] if TENSORFLOW else cases

    def _of_workdir(self, chance: random.Random) -> Iterator[Case]:
        paths = [path for path in sorted(self.workdir.rglob("*")) if path.is_file() and "checkpoints" not in path.parts]
        for path in paths:
            local = path.relative_to(self.workdir).as_posix()
            if path.name.startswith(("events.", ".")) or local.startswith(("morphs/frames/", "samples/single/")) or path.suffix == ".html":
                continue
            if path.name.startswith("pair_") and "pair_000" not in path.name:
                continue
            read = {".gif": self.pictures, ".png": self.pictures}.get(path.suffix, self.all_of_it)
            read = {"config.json": self.record, "evaluation.json": self.judged}.get(local, read)
            kind = {".json": "JSON", ".csv": "tables", ".npy": "arrays", ".jsonl": "log"}.get(path.suffix, "pictures")
            group = f"workdir: {kind}"
            # A table of people's, a row less or a log that was cut off is nothing wrong by itself.
            quiet = kind in ("pictures", "log")
            where = f"study/{local}"
            for what, damage in ANY.items():
                yield Case(group, what, where, damage, read, loud=not quiet and local in READ and what != "a byte short")
            if kind == "JSON":
                yield from self._of_json(group, where, path, read, local, chance)
            if kind == "tables":
                for what, damage in TABLES.items():
                    yield Case(group, what, where, written(damage), read, loud=False)
                columns = path.read_text().split("\r\n")[0].count(",") + 1
                for value in chance.sample(CELLS, 6) if local in READ else CELLS[:2]:
                    column = chance.randrange(columns)
                    what = f"column {column} is {value[:12]!r}"
                    yield Case(group, what, where, written(lambda old, c=column, v=value: cell(old, c, v)), read, loud=False)
            if kind == "arrays":
                shapes = ARRAYS | (FLOATS if np.load(path).dtype.kind == "f" else {})
                for what, damage in shapes.items():
                    bad = local in READ and what not in ("another order", *FLOATS)
                    yield Case(group, what, where, written(damage), read, loud=bad and what not in ("another length", "nothing in it"))
            if kind == "pictures":
                for what, damage in PICTURES.items():
                    yield Case(group, what, where, written(damage), read, loud=False)

    def _of_json(self, group, where, path, read, local, chance) -> Iterator[Case]:
        for what, text in TEXTS.items():
            content = b'{"config": "\xff\xfe"}' if text is None else text.encode("utf-8", "surrogatepass")
            yield Case(group, what, where, written(lambda old, c=content: c), read, loud=local in READ and what != "an empty object")
        places = list(leaves(json.loads(path.read_text())))
        for place in chance.sample(places, min(len(places), 60 if path.parent == self.workdir else 12)):
            value = chance.choice((*VALUES, Ellipsis))
            what = f"{'.'.join(map(str, place))} is {'gone' if value is Ellipsis else str(value)[:12]}"
            one = self.page if local == "evaluation.json" and chance.random() < 0.1 else read
            yield Case(group, what, where, written(lambda old, p=place, v=value: changed(old, p, v)), one, loud=False)

    def _of_checkpoints(self, chance: random.Random) -> Iterator[Case]:
        newest = sorted((self.workdir / "checkpoints").glob("images_*"))[0]
        for path in sorted(path for path in newest.rglob("*") if path.is_file()):
            local = path.relative_to(self.folder).as_posix()
            for what, damage in ANY.items():
                if path.stat().st_size or what in ("a pipe", "a folder"):
                    yield Case("checkpoints", what, local, damage, self.networks, loud=False)
            if path.stat().st_size > 2 and path.read_bytes().startswith(b"{"):
                for what, text in TEXTS.items():
                    content = (text or "\udcff").encode("utf-8", "surrogatepass")
                    yield Case("checkpoints", what, local, written(lambda old, c=content: c), self.networks, loud=False)

    def _of_inputs(self, chance: random.Random) -> Iterator[Case]:
        def by_table() -> object:
            return self.prepared("table.csv")

        for table in ("table.csv", "table.json"):
            read = lambda table=table: self.prepared(table)  # noqa: E731
            for what, damage in ANY.items():
                yield Case("inputs: tables", what, table, damage, read, accounts=True)
            more = (
                TABLES
                if table.endswith("csv")
                else {what: (lambda old, t=t: t.encode("utf-8", "surrogatepass")) for what, t in TEXTS.items() if t}
            )
            for what, damage in more.items():
                yield Case("inputs: tables", what, table, written(damage), read, accounts=True)
        for value in CELLS:
            for column in (0, 1, 2):
                damage = written(lambda old, c=column, v=value: cell(old, c, v))
                yield Case(
                    "inputs: tables",
                    f"column {column} is {value[:12]!r}",
                    "table.csv",
                    damage,
                    by_table,
                    accounts=True,
                )
        for name in ("00.jpg", "01.png"):
            for what, damage in ANY.items():
                yield Case("inputs: pictures", what, f"pictures/{name}", damage, by_table, accounts=True)
            for what, change in PICTURES.items():
                yield Case("inputs: pictures", what, f"pictures/{name}", written(change), by_table, accounts=True)
            for kind in ("BMP", "TIFF", "WEBP", "PPM", "GIF"):
                content = painted(kind)
                damage = written(lambda old, c=content: c[: 2 * len(c) // 3])
                yield Case("inputs: pictures", f"half a {kind}", f"pictures/{name}", damage, by_table, accounts=True)
        whole = (self.folder / "network.pkl").read_bytes()
        for what, damage in ANY.items():
            yield Case("inputs: published networks", what, "network.pkl", damage, self.published)
        for what, damage in flips(whole, 60, chance):
            yield Case("inputs: published networks", what, "network.pkl", damage, self.published, loud=False)
        for what, damage in cuts(whole, 20, chance):
            yield Case("inputs: published networks", what, "network.pkl", damage, self.published)
        for what, content in PICKLES.items():
            yield Case("inputs: published networks", what, "network.pkl", written(lambda old, c=content: c), self.published)

    def _of_modules(self, chance: random.Random) -> Iterator[Case]:
        group = "inputs: saved models"
        for path in sorted(path for path in (self.folder / "module").rglob("*") if path.is_file()):
            local, whole = path.relative_to(self.folder).as_posix(), path.read_bytes()
            if not whole:
                continue
            for what, damage in ANY.items():
                yield Case(group, what, local, damage, self.module, loud=path.name == "saved_model.pb")
            for what, damage in [*flips(whole, 40, chance), *cuts(whole, 10, chance)]:
                yield Case(group, what, local, damage, self.module, loud=False)
        for operation in hub_module.BEYOND:
            content = (self.folder / "beyond" / operation / "saved_model.pb").read_bytes()
            yield Case(group, operation, "module/saved_model.pb", written(lambda old, c=content: c), self.module)

    def _of_configs(self) -> Iterator[Case]:
        (self.folder / "config.py").write_text("")
        for what, text in CONFIGS.items():
            yield Case(
                "inputs: configs", what, "config.py", written(lambda old, t=text: t.encode("utf-8", "surrogatepass")), self.configured
            )


# Files that what reads needs.
READ = {
    "config.json", "evaluation.json", "collection/paintings.csv", "collection/skipped.csv", "collection/images.npy",
    "samples/generated.npy", "inversion/latents.npy", "inversion/reconstructions.npy", "inversion/inversion.csv",
    "inversion/calibration.json", "morphs/pairs.csv", "morphs/unmatched.csv", "morphs/t.npy", "morphs/years.npy", "morphs/frames.npy",
    "morphs/direct.npy", "baseline/about.json", "baseline/given/frames.npy", "evaluation/works.csv", "evaluation/frames.csv",
    "evaluation/generated.csv",
}  # fmt: skip
PICKLES = {
    "a call of a function": b"cos\nmkdir\n(Vran\ntR.",
    "a call by name": b"\x80\x04\x8c\x02os\x8c\x05mkdir\x93\x8c\x03ran\x85R.",
    "a loop of memory": b"(" + b"l" * 100_000 + b".",
    "a long of 2^30 bytes": b"\x80\x04\x8b" + struct.pack("<i", 2**30) + b"1.",
    "a string of 2^60 bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b"1.",
    "a list in itself": b"\x80\x04]q\x00h\x00a.",
    "a doubling list": b"\x80\x04]q\x00" + b"(h\x00h\x00e" * 60 + b".",
    "deep tuples": b"\x80\x04)" + b"\x85" * 200_000 + b".",
    "a frame past its end": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
    "a number of many digits": b"I" + b"9" * 50_000 + b"\n.",
    "an empty tuple": b"\x80\x04).",
}
CONFIGS = {
    "not Python": "this is no config\n",
    "no get_config": "x = 1\n",
    "what raises": "def get_config():\n    raise ValueError('no')\n",
    "what imports nothing that is": "import nothing_of_this_name\n",
    "what gives None": "def get_config():\n    return None\n",
    "what gives a dict": "def get_config():\n    return {}\n",
    "an empty config": "from ml_collections import ConfigDict\ndef get_config():\n    return ConfigDict()\n",
    "NUL": "\0",
    "half a surrogate": "'\udcff'\n",
    "deep brackets": "(" * 5000 + "\n",
    "what asks for an argument": "def get_config(size):\n    return size.nothing\n",
}


# Running them.


@contextlib.contextmanager
def restored(path: pathlib.Path) -> Iterator[None]:
    """What stands at a path stands there again afterwards."""
    content = path.read_bytes()
    try:
        yield
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.exists() or path.is_symlink():
            path.unlink()
        path.write_bytes(content)


def memory(name: str) -> int:
    """Bytes: VmRSS now, VmHWM at most, VmSize with all that is mapped; 0 where the system does not tell."""
    if not STATUS.exists():
        return 0
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


class Hangs(BaseException):
    pass


def end(*_) -> None:
    raise Hangs


def tried(case: Case, folder: pathlib.Path) -> Outcome:
    """Damages, reads, restores."""
    said, began = io.StringIO(), time.process_time()
    with restored(folder / case.path):
        case.damage(folder / case.path)
        if STATUS.exists():
            STATUS.with_name("clear_refs").write_text("5")  # the most memory, from here on
        before = memory("VmRSS")
        signal.signal(signal.SIGALRM, end)
        signal.alarm(HANGS)
        faulthandler.dump_traceback_later(3 * HANGS, exit=True)  # where no signal arrives
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
                case.read()
            ended = "fine"
        except UserError as error:
            ended = "one line" if "\n" not in str(error) and len(str(error)) < 1000 else "traceback"
            said.write(str(error))
        except Hangs:
            ended = "hangs"
        except BaseException:
            ended = "traceback"
            said.write(traceback.format_exc())
        finally:
            signal.alarm(0)
            faulthandler.cancel_dump_traceback_later()
        seconds, most = time.process_time() - began, memory("VmHWM") - before
    if ended == "fine" and case.loud and not case.accounts and not said.getvalue():
        ended = "silent"
    return Outcome(case, ended, said.getvalue(), seconds, most)


def chosen(cases: list[Case], count: int, seed: int) -> list[Case]:
    """So many of them, in an order by chance: whoever stops it halfway has seen something of each group."""
    return random.Random(seed).sample(cases, min(count, len(cases)))


def table(outcomes: list[Outcome]) -> str:
    groups = collections.defaultdict(list)
    for outcome in outcomes:
        groups[outcome.case.group].append(outcome)
    groups = dict(sorted(groups.items())) | {"all": outcomes}
    lines = [f"{'group':<28}{'cases':>6}{'fine':>6}{'one line':>9}{'traceback':>10}{'silent':>7}{'hangs':>6}{'most s':>8}{'most MiB':>9}"]
    for name, each in groups.items():
        count = collections.Counter(outcome.ended for outcome in each)
        most = max(outcome.seconds for outcome in each), max(outcome.bytes for outcome in each) / 2**20
        lines.append(
            f"{name:<28}{len(each):>6}{count['fine']:>6}{count['one line']:>9}{count['traceback']:>10}{count['silent']:>7}"
            f"{count['hangs']:>6}{most[0]:>8.1f}{most[1]:>9.0f}"
        )
    return "\n".join(lines)


def wrong(outcome: Outcome) -> bool:
    return outcome.ended in WRONG or outcome.seconds > MOST_SECONDS or outcome.bytes > MOST_BYTES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--group", default="", help="only groups that begin like this")
    parser.add_argument("--folder", default="", help="where the study is made and kept; without it, where it is gone afterwards")
    parser.add_argument("--say", action="store_true", help="each case as it begins")
    given = parser.parse_args()
    with contextlib.nullcontext(os.path.abspath(given.folder)) if given.folder else tempfile.TemporaryDirectory() as folder:
        os.environ["GAN_JAX_RAN"] = str(pathlib.Path(folder) / "ran")
        os.chdir(folder)
        bench = Bench(pathlib.Path(folder))
        bench.all_of_it(), bench.record(), bench.published(), bench.module()  # what is compiled once is compiled now
        limit = memory("VmSize") + MOST_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        cases = [case for case in bench.cases(given.seed) if case.group.startswith(given.group)]
        outcomes, stopped = [], []
        signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))  # then what there is, is told
        for case in chosen(cases, given.cases, given.seed):
            if stopped:
                break
            if given.say:
                print(f"{case.group}: {case.path}: {case.what}", flush=True)
            outcomes.append(tried(case, bench.folder))
            if wrong(outcomes[-1]):
                one = outcomes[-1]
                said = one.said.strip().splitlines()[-12:] if one.ended == "traceback" else one.said.strip().splitlines()[-1:]
                print(
                    f"{one.ended:<10} {one.seconds:.1f} s, {one.bytes >> 20} MiB: {case.path}: {case.what}", *said, sep="\n    ", flush=True
                )
        print(f"\n{table(outcomes)}")
        ran = [str(path) for path in pathlib.Path(folder).rglob("ran")]
        print(f"what ran: {ran or 'nothing'}; {len(outcomes)} of {len(cases)} cases")
        sys.exit(any(map(wrong, outcomes)) or bool(ran))


if __name__ == "__main__":
    main()
