"""After a power cut: every file of a finished study, emptied, full of zeros, cut in half, or gone."""

import functools
import gc
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap
import time

import jax
import numpy as np
import pytest
from command import ROOT, command
from PIL import Image
from test_study import done_again, study  # noqa: F401 (a fixture)

from gan_jax import files
from gan_jax import study as studies
from gan_jax.errors import UserError
from gan_jax.generators import open_generator
from gan_jax.stages.order import STAGES, earlier
from gan_jax.standing import Standing
from gan_jax.study import Study
from gan_jax.training import checkpoints as training_checkpoints
from gan_jax.training.checkpoints import Checkpoints
from gan_jax.training.log import Log
from gan_jax.training.trained import state_like

BEFORE, NEWEST = 64, 128  # images seen by the checkpoints of the study
CUTS = {
    "emptied": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "halved": lambda path: os.truncate(path, path.stat().st_size // 2),
    "gone": lambda path: path.unlink(),
}
# What of a checkpoint it can do without; the rest is needed, or what is needed is known to be whole by its seal.
NEEDED = ("about/metadata", "state/_METADATA", "state/manifest.ocdbt")


@pytest.fixture
def copy(study, tmp_path):  # noqa: F811
    """The study's config, and a copy of its workdir to damage."""
    config, workdir = study
    return config.copy_and_resolve_references(), pathlib.Path(shutil.copytree(workdir, tmp_path / "copy"))


def said(capfd) -> list[str]:
    """Lines on stderr but those that show how far it is."""
    text = capfd.readouterr().err
    assert "Traceback" not in text
    return [line for line in text.splitlines() if line.startswith("gan_jax:")]


def parts_of(checkpoint: pathlib.Path) -> list[pathlib.Path]:
    """Its files; of those that are many of a kind the first, and the largest of those whose names are drawn by chance."""
    found = [path for path in sorted(checkpoint.rglob("*")) if path.is_file()]
    found = [path for path in found if path.name != "commit_success.txt" or path.parent == checkpoint]
    drawn = [path for path in found if re.fullmatch(r"[0-9a-f]{32}", path.name)]
    folders = {path.parent for path in drawn}
    largest = [max((path for path in drawn if path.parent == folder), key=lambda path: path.stat().st_size) for folder in sorted(folders)]
    return [path for path in found if path not in drawn] + largest


@pytest.mark.parametrize("cut", CUTS)
def test_whatever_is_cut_off_a_checkpoint_the_latest_whole_one_is_found(study, tmp_path, capfd, cut):  # noqa: F811
    config, workdir = study
    like, states = functools.partial(state_like, config), {}
    with Checkpoints(workdir / "checkpoints") as checkpoints:
        for images in (BEFORE, NEWEST):
            states[images] = checkpoints.restore(images, like(checkpoints.about(images)))
    parts = [path.relative_to(workdir / "checkpoints") for path in parts_of(workdir / "checkpoints" / f"images_{NEWEST}")]
    assert len(parts) >= 8
    gc.freeze()  # else most of the time goes into looking for what else could be collected
    for number, part in enumerate(parts):
        folder = tmp_path / str(number) / "checkpoints"
        shutil.copytree(workdir / "checkpoints", folder)
        CUTS[cut](folder / part)
        there = sorted(path.name for path in (folder / f"images_{NEWEST}").rglob("*"))
        with Checkpoints(folder) as checkpoints:  # a reader moves nothing
            assert checkpoints.best() in states
            images, state, _ = checkpoints.open_latest(like)
        assert sorted(path.name for path in folder.iterdir()) == [f"images_{NEWEST}", f"images_{BEFORE}"], part
        lines = said(capfd)
        jax.tree.map(np.testing.assert_array_equal, state, states[images])
        if images == BEFORE:
            with Checkpoints(folder, keep=2) as checkpoints:
                assert checkpoints.open_latest(like)[0] == BEFORE
            lines_of_writer = said(capfd)
            (aside,) = (folder.parent / "checkpoints_damaged").iterdir()
            assert sorted(path.name for path in aside.rglob("*")) == there
            assert [len(lines), len(lines_of_writer)] == [1, 1] and "128 images is damaged" in lines[0], part
        else:
            assert not str(part).endswith(NEEDED), part
            unread = str(part).endswith("metrics/metrics")
            assert [line.count("128 images can't be read; it counts as not measured") for line in lines] == [1] * unread, part
    gc.unfreeze()


@pytest.mark.parametrize("part, cut", [("metrics/metrics", "emptied"), ("about/metadata", "zeros"), ("state/_METADATA", "halved")])
def test_each_verb_goes_on_with_a_damaged_checkpoint(copy, capfd, part, cut):
    config, workdir = copy
    expected = open_generator(workdir).params
    CUTS[cut](workdir / "checkpoints" / f"images_{NEWEST}" / part)
    measured = part != "metrics/metrics"
    standing = Study(config, workdir).standing()
    assert standing["train"] != measured and all(standing[name] for name in standing if name != "train")
    assert Study(config, workdir).run("report").startswith("complete")
    assert len(said(capfd)) == 1
    os.truncate(workdir / "log" / "metrics.jsonl", (workdir / "log" / "metrics.jsonl").stat().st_size - 10)  # in its last line
    assert Study(config, workdir).run("train").startswith("trained on" if measured else "complete")
    assert len(said(capfd)) == 2 * measured  # of the checkpoint and of the log
    if measured:
        jax.tree.map(np.testing.assert_array_equal, open_generator(workdir).params, expected)
        assert all(json.loads(line)["images"] for line in (workdir / "log" / "metrics.jsonl").read_text().splitlines())
    assert all(Study(config, workdir).standing().values())


@pytest.mark.parametrize("measured", ["", '{"kid": "nan"}'])
def test_the_best_stays_when_nobody_can_say_that_it_is_the_best(tmp_path, capfd, measured):
    state = {"a": np.arange(3.0)}
    for images, kid in ((1, 0.1), (2, 0.5), (3, 0.4), (4, 0.3)):
        with Checkpoints(tmp_path / "checkpoints", keep=1) as checkpoints:
            checkpoints.open_latest(state)
            checkpoints.save(images, state, {}, kid)
        if images == 1:
            (tmp_path / "checkpoints" / "images_1" / "metrics" / "metrics").write_text(measured)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["images_1", "images_4"]
    assert said(capfd) == [
        f"gan_jax: {tmp_path / 'checkpoints'}: what was measured of the checkpoint of 1 images can't be read; it counts as not measured"
    ]


def test_a_description_of_very_many_keys_is_not_read(tmp_path):
    """Orbax's: of 300,000 keys it took half a minute."""
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        checkpoints.save(1, {"a": np.arange(3.0)}, {}, 0.1)
    (tmp_path / "checkpoints" / "images_1" / "_CHECKPOINT_METADATA").write_text(json.dumps({str(n): n for n in range(10_000)}))
    with pytest.raises(UserError, match="images_1/_CHECKPOINT_METADATA: has 1[0-9]{2},[0-9]{3} bytes, at most 65,536 are read"):
        Checkpoints(tmp_path / "checkpoints").open_latest({"a": np.arange(3.0)})


@pytest.mark.parametrize("keep", [None, 2])
def test_thousands_of_invented_checkpoints_are_passed_over_in_no_time(tmp_path, capfd, keep):
    """Orbax asked of each whether it was one: eleven seconds, and a tenth of a second more for each that was opened."""
    state, folder = {"a": np.arange(3.0)}, tmp_path / "checkpoints"
    for images, kid in ((1, 0.1), (2, 0.5)):
        with Checkpoints(folder, keep=2) as checkpoints:
            checkpoints.save(images, state, {"told": images}, kid)
    for invented in range(1000, 5000):
        (folder / f"images_{invented}" / "metrics").mkdir(parents=True)
        (folder / f"images_{invented}" / "metrics" / "metrics").write_text('{"kid": 1e30}')
    began = time.process_time()
    with Checkpoints(folder, keep=keep) as checkpoints:
        assert checkpoints.latest() == 4999 and checkpoints.best() == 1
        found = checkpoints.open_latest(state)
        assert found[0] == 2 and found[2] == {"told": 2}
        assert checkpoints.latest() == (4999 if keep is None else 2)
        assert checkpoints.open_best(state)[0] == 1
    assert time.process_time() - began < 8
    lines = said(capfd)
    assert len(lines) == 4000 and "the checkpoint of 4,999 images is damaged (no 'about' in it); passed over" in lines[0]
    assert len(list(tmp_path.glob("checkpoints_damaged/*"))) == (0 if keep is None else 4000)


def test_not_every_checkpoint_of_very_many_damaged_ones_is_opened(tmp_path, monkeypatch):
    for invented in range(1, 4):
        for part in ("about", "state"):
            (tmp_path / "checkpoints" / f"images_{invented}" / part).mkdir(parents=True)
    monkeypatch.setattr(training_checkpoints, "MOST_OPENED", 2)
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        with pytest.raises(UserError, match="checkpoints: the latest 2 checkpoints are damaged; remove what no training wrote there"):
            checkpoints.open_latest({"a": np.arange(3.0)})
        shutil.rmtree(tmp_path / "checkpoints" / "images_3")
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        assert checkpoints.open_latest({"a": np.arange(3.0)}) is None


def test_a_film_of_boxes_without_end_is_not_looked_through(tmp_path):
    box, began = b"\0\0\0\x08free", time.process_time()
    (tmp_path / "whole.mp4").write_bytes(box * 9_000)
    (tmp_path / "film.mp4").write_bytes(box * 4_000_000)
    assert files.damage(tmp_path / "whole.mp4") is None
    assert files.damage(tmp_path / "film.mp4") == "cut short" and time.process_time() - began < 2


# By what lies in a workdir. What is damaged in checkpoints is for Orbax to say, and the study has no baseline.
STAGE_OF = {made.split("/")[0]: name for name, stage in STAGES.items() if name not in ("train", "baseline") for made in stage.makes}


def test_what_a_stage_made_is_made_again_where_it_is_damaged(copy, capfd, monkeypatch):
    config, workdir = copy
    monkeypatch.setattr(studies, "ends_whole", lambda *_: True)
    monkeypatch.setattr(Standing, "latest", lambda self: NEWEST)
    assert all(Study(config, workdir).standing().values()) and not said(capfd)
    made = [path for name in STAGE_OF for path in ([workdir / name] if "." in name else sorted((workdir / name).iterdir()))]
    made = [path for path in made if path.is_file() and not re.match(r"kimg_|nearest|pair_(?!000)", path.name)]
    assert len(made) > 40
    for path in made:
        stage, content = STAGE_OF[path.relative_to(workdir).parts[0]], path.read_bytes()
        for cut in ("emptied", "zeros", "halved"):
            CUTS[cut](path)
            standing = Study(config, workdir).standing()
            assert next((name for name, stands in standing.items() if not stands), None) == stage, (path, cut)
            (line,) = said(capfd)
            assert re.fullmatch(rf"gan_jax: {re.escape(str(path))}: damaged \(.*\); `{stage}` makes it again", line)
            if stage != "sample" and stage in earlier("report"):
                (workdir / "report.html").rename(workdir / "aside")
                with pytest.raises(UserError, match=rf"{re.escape(str(path))}: damaged .*; run `{stage}` \(or `study`\)"):
                    Study(config, workdir).run("report")
                (workdir / "aside").rename(workdir / "report.html")
            path.write_bytes(content)
        path.unlink()
        standing = Study(config, workdir).standing()
        assert standing[stage] != (str(path.relative_to(workdir)) in STAGES[stage].makes), path
        path.write_bytes(content)
    assert all(Study(config, workdir).standing().values()) and not said(capfd)


@pytest.mark.parametrize("path, stage", [("morphs/t.npy", "morph"), ("inversion/reconstructions.npy", "invert")])
def test_what_is_gone_and_needed_is_named(copy, path, stage):
    config, workdir = copy
    CUTS["gone"](workdir / path)
    (workdir / "report.html").unlink()
    with pytest.raises(UserError, match=rf"{path}: there is no such file; run `{stage}` \(or `study`\)"):
        Study(config, workdir).run("report")


def test_a_study_heals_all_at_once(copy, capfd):
    config, workdir = copy
    cuts = {
        "collection/paintings.csv": "halved",
        "samples/generated.npy": "zeros",
        "inversion/latents.npy": "halved",
        "morphs/frames.npy": "emptied",
        "evaluation/features_texture.npy": "zeros",
        "evaluation.json": "halved",
        "report.html": "emptied",
    }
    before = {path: (workdir / path).read_bytes() for path in cuts if path.endswith((".npy", ".csv"))}
    for path, cut in cuts.items():
        CUTS[cut](workdir / path)
    for path in (workdir / "samples").glob("kimg_*.png"):  # a picture that nothing makes again
        CUTS["halved"](path)
    assert done_again(dict(Study(config, workdir).run_all())) == ["prepare", "sample", "invert", "morph", "evaluate", "report"]
    *made_again, left_out = said(capfd)
    assert len(made_again) == 6 and "kimg_000000.png: not a picture that can be read" in left_out and "goes without it" in left_out
    assert {path: (workdir / path).read_bytes() for path in before} == before
    assert all(Study(config, workdir).standing().values()) and not said(capfd)


@pytest.mark.parametrize("cut", ["emptied", "zeros", "halved"])
def test_without_its_record_a_study_goes_on_with_the_config_of_its_networks(copy, capfd, cut):
    config, workdir = copy
    CUTS[cut](workdir / "config.json")
    damaged = (workdir / "config.json").read_bytes()
    assert not any(Study(config, workdir).standing().values())
    (line,) = said(capfd)
    assert "config.json: damaged (" in line and "goes on with the config of this command" in line
    assert (workdir / "config.json").read_bytes() == damaged
    other = config.copy_and_resolve_references()
    other.training.learning_rate *= 2
    with pytest.raises(UserError, match="config.training.learning_rate is .* there and .* here"):
        Study(other, workdir)
    again = Study(config, workdir)
    assert not again.run("prepare").startswith("complete") and again.run("train").startswith("trained on")
    assert (workdir / "config_damaged.json").read_bytes() == damaged
    assert len(said(capfd)) == 2
    standing = Study(config, workdir).standing()
    assert standing["prepare"] and standing["train"] and not said(capfd)
    open_generator(workdir)


LINES = ['{"images": 32, "a": 1}', '{"images": 64, "a": 2}', '{"images": 96, "a": 3}']


@pytest.mark.parametrize(
    "content, kept, what",
    [
        ("\n".join(LINES).encode()[:-4], LINES[:2], "1 of 3 lines"),
        ("\n".join(LINES).encode() + b"\n" + bytes(40), LINES, "1 of 4 lines"),
        (bytes(60), [], "1 of 1 lines"),
        (b"", [], "empty"),
        (b"\xff\xfe\n" + LINES[0].encode() + b'\n{"images": null}\n', LINES[:1], "2 of 3 lines"),
        ("\n".join(LINES).encode() + b"\n", LINES, None),
    ],
)
def test_a_log_is_repaired(tmp_path, capfd, content, kept, what):
    (tmp_path / "metrics.jsonl").write_bytes(content)
    with Log(tmp_path, 128) as log:
        log.write(160, {"a": 4.0})
    assert (tmp_path / "metrics.jsonl").read_text().splitlines() == [*kept, '{"images": 160, "a": 4.0}']
    lines = said(capfd)
    assert len(lines) == (what is not None) and all(f"metrics.jsonl: damaged ({what}" in line for line in lines)


def test_what_takes_its_name_is_on_the_disk_before(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append(os.readlink(f"/proc/self/fd/{handle}")), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append((str(a), str(b))), replace(a, b)))
    files.write_json(tmp_path / "a.json", {})
    temporary, renamed, folder = done
    assert renamed == (temporary, str(tmp_path / "a.json")) and folder == str(tmp_path)
    for _ in range(2):
        done.clear()
        with files.atomic_folder(tmp_path / "made") as folder:
            files.write_json(folder / "x.json", 1)
            files.write_array(folder / "below" / "y.npy", np.zeros(3))
            (folder / "z.txt").write_text("z")
        at = done.index((str(folder), str(tmp_path / "made")))
        names = ("x.json", "below/y.npy", "z.txt", "below")
        assert {str(folder), *(str(folder / name) for name in names)} <= set(done[:at]) and done[-1] == str(tmp_path)
    done.clear()
    with Checkpoints(tmp_path / "checkpoints", keep=1) as checkpoints:
        checkpoints.save(1, {"a": np.arange(3.0)}, {})
    for name in ("metrics/metrics", "about/metadata", "state/_METADATA", "_CHECKPOINT_METADATA"):
        assert any(re.search(rf"images_1\.[^/]+/{name}$", str(path)) for path in done), name


@pytest.mark.parametrize("name", ["walk.gif", "walk.mp4", "final.png", "walk.webp"])
def test_damage_of_pictures_and_films_shows(study, tmp_path, name):  # noqa: F811
    path, whole = tmp_path / name, study[1] / "samples" / name
    if name == "walk.webp":
        with Image.open(whole.with_suffix(".gif")) as film:
            film.save(path, save_all=True)
    else:
        shutil.copy(whole, path)
    assert files.damage(path) is None
    content = path.read_bytes()
    for length in (20, len(content) // 2, len(content) - 2):
        path.write_bytes(content[:length])
        assert files.damage(path) == "cut short", length
    path.write_bytes(bytes(len(content)))
    assert files.damage(path) == "zeros"
    path.write_bytes(b"")
    assert files.damage(path) == "empty"


def test_what_a_killed_process_had_begun_to_write_is_removed(tmp_path):
    workdir = tmp_path / "study"
    words = [
        "import os, pathlib, sys; from gan_jax import files",
        f"workdir = pathlib.Path({str(workdir)!r})",
        "files.write_json(workdir / 'config.json', {})",
        "with files.atomic_file(workdir / 'samples' / 'walk.gif') as one, files.atomic_file(workdir / 'evaluation.json') as two:",
        "    one.write_text('half'), two.write_text('half'), os.kill(os.getpid(), 9)",
    ]
    assert subprocess.run([sys.executable, "-c", "\n".join(words)], check=False).returncode == -9
    others = [
        workdir / "samples" / ".hidden",
        workdir / "samples" / ".my.document.json",
        workdir / "explored" / ".00001.unfinished-abcdefgh.png",
    ]
    for other in others:
        other.parent.mkdir(exist_ok=True)
        other.write_text("the user's, or being written")
    assert len(list(workdir.rglob(".*"))) == 2 + len(others)
    said = command("report", f"--workdir={workdir}").stderr
    assert "not written by this program" in said  # what else is wrong with it makes no difference
    assert sorted(workdir.rglob(".*")) == sorted([*others, workdir / ".in_use"])
    assert (workdir / "config.json").exists()


@pytest.mark.parametrize("suffix", [".png", ".webp", ".gif", ".npy", ".json", ".csv"])
def test_a_full_disk_is_one_error_that_names_the_file(tmp_path, suffix):
    path = tmp_path / f"made{suffix}"
    program = f"""
        import resource
        import numpy as np
        from gan_jax import files, pictures
        from gan_jax.morphing import films

        path, rows = {str(path)!r}, np.random.default_rng(0).integers(0, 256, (2, 400, 400, 3), np.uint8)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            match {suffix!r}:
                case ".png": pictures.write_png(path, rows[0])
                case ".webp": films.write_webp(path, rows, 2)
                case ".gif": films.write_gif(path, rows, 2)
                case ".npy": files.write_array(path, rows)
                case ".json": files.write_json(path, rows.ravel()[:9999].tolist())
                case ".csv": files.write_csv(path, ["a"], [{{"a": "x" * 9999}}])
        except OSError as error:
            print(error.filename, error.strerror)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, capture_output=True, text=True, check=False)
    why = "No space left on device" if suffix == ".npy" else "File too large"  # numpy knows no reason
    assert (done.stdout, done.stderr) == (f"{path} {why}\n", "") and not list(tmp_path.iterdir())


def test_what_a_killed_process_had_begun_of_a_folder_is_removed_and_nothing_else(tmp_path):
    words = [
        "import os, pathlib; from gan_jax import files",
        f"with files.atomic_folder(pathlib.Path({str(tmp_path / 'samples')!r})) as folder:",
        "    (folder / 'half').write_text('half'), os.kill(os.getpid(), 9)",
    ]
    assert subprocess.run([sys.executable, "-c", "\n".join(words)], check=False).returncode == -9
    (tmp_path / ".samples.backup").mkdir()
    assert len(list(tmp_path.iterdir())) == 2
    for content in ("first", "second"):
        with files.atomic_folder(tmp_path / "samples") as folder:
            (folder / "whole").write_text(content)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".samples.backup", "samples"]
    assert (tmp_path / "samples" / "whole").read_text() == "second"
