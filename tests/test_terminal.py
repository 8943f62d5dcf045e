"""What the program says and writes where names are not text, and where nobody listens."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from command import ROOT, command
from PIL import Image

from gan_jax import files, reading
from gan_jax.errors import on_one_line

RAW = os.fsdecode(b"caf\xe9")  # "café" in Latin-1, as names of files are found


def program(*words: str, **streams) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    return subprocess.run([sys.executable, "-m", "gan_jax", *words], cwd=ROOT, env=environment, check=False, **streams)


def test_names_that_are_no_text_are_written_and_read_back(tmp_path):
    files.write_json(tmp_path / "a.json", {"table": RAW, "title": "é\n"})
    assert reading.read_json(tmp_path / "a.json") == {"table": RAW, "title": "é\n"}
    assert "é" in (tmp_path / "a.json").read_text(encoding="utf-8")
    files.write_csv(tmp_path / "a.csv", ["file"], [{"file": RAW}, {"file": "\ud800"}])
    assert [row["file"] for row in reading.read_csv(tmp_path / "a.csv")] == [r"caf\udce9", r"\ud800"]


def test_a_workdir_whose_name_is_no_text_is_refused(tmp_path):
    done = command("prepare", f"--workdir={tmp_path / RAW}")
    assert done.returncode == 2 and done.stderr.startswith("gan_jax: --workdir=") and "caf\\udce9: a path that is not UTF-8" in done.stderr


def test_titles_and_folders_that_are_no_text_are_prepared(tmp_path):
    """Half a character in a JSON, and a folder named in another encoding."""
    folder, rows = tmp_path / RAW, []
    (folder / RAW).mkdir(parents=True)
    for number in range(24):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(folder / RAW / f"{number}.png")
        rows.append({"file": f"{number}.png", "title": "\ud800", "date": str(1880 + number // 2)})
    (folder / "table.json").write_text(json.dumps(rows))
    words = ["prepare", f"--workdir={tmp_path / 'study'}", "--config.collection.source=folder", f"--config.collection.images={folder}",
             f"--config.collection.table={folder / 'table.json'}", "--config.collection.min_paintings=8",
             "--config.collection.periods.early=..1884", "--config.collection.periods.late=1887.."]  # fmt: skip
    done = command(*words)
    assert done.returncode == 0 and "24 paintings: 10 early" in done.stdout, done.stderr
    assert reading.read_csv(tmp_path / "study" / "collection" / "paintings.csv")[3]["file"] == r"caf\udce9/3.png"
    assert "complete" in command(*words).stdout  # its record says the same


def test_a_message_is_one_line_that_moves_nothing(tmp_path):
    assert (
        on_one_line("a\nb\x1b[31m\u202e\udce9 é  日本 \N{NO-BREAK SPACE}.") == r"a\nb\x1b[31m\u202e\udce9 é  日本 " + "\N{NO-BREAK SPACE}."
    )
    done = command("prepare", f"--workdir={tmp_path}", "--config.collection.source=folder", "--config.collection.table=a\x1b]b\x07\nc.csv",
                   f"--config.collection.images={ROOT / 'docs'}")  # fmt: skip
    assert done.returncode == 2 and done.stderr == "gan_jax: a\\x1b]b\\x07\\nc.csv: no such file\n"


@pytest.mark.parametrize("words", [("configs",), ("train", "--help")])
def test_a_full_disk_behind_the_output_is_one_line(words):
    with open("/dev/full", "w") as full:
        done = program(*words, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (2, "gan_jax: standard output: No space left on device\n")


def test_streams_that_are_closed_from_the_start_are_not_needed():
    for closed in ("2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
        shell = f"exec {sys.executable} -m gan_jax configs {closed}"
        done = subprocess.run(["bash", "-c", shell], cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
        assert done.returncode == 0, closed
    assert program("prepare", "--workdir", RAW, "--config.seed=x", stderr=subprocess.DEVNULL).returncode == 2


def test_output_has_no_letters_for_some_names():
    script = (
        "from gan_jax import verbs, __main__ as m; verbs.VERBS.clear(); m.run = lambda *_: verbs.say('morph', '日本 \\udce9'); m.command()"
    )
    for encoding in ("ascii", "latin-1", "utf-8"):
        environment = {**os.environ, "PYTHONIOENCODING": encoding, "GLIBC_TUNABLES": ""}
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=False, capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.decode(encoding) == "morph     " + ("日本" if encoding == "utf-8" else r"\u65e5\u672c") + " \\udce9\n"
