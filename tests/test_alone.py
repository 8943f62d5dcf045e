"""Baselines in a study, and inverting and morphing without one."""

import shutil

import numpy as np
import pytest
from PIL import Image
from test_study import command, done_again, study, tiny_config  # noqa: F401

from gan_jax import files
from gan_jax.errors import UserError
from gan_jax.stages import common
from gan_jax.study import Study


def test_another_workdir_may_be_the_baseline(study, tmp_path):  # noqa: F811
    """The same paintings, pairs and times; both ways of finding latents; figures beside ours."""
    config, workdir = study
    config = config.copy_and_resolve_references()
    shutil.copytree(workdir, tmp_path, dirs_exist_ok=True)
    other = tiny_config()
    other.seed = 1
    for stage in ("prepare", "train"):
        Study(other, tmp_path / "other").run(stage)
    config.baseline.update(generator=str(tmp_path / "other"), tutorial_steps=3)
    said = dict(Study(config, tmp_path).run_all())
    assert done_again(said) == ["baseline", "evaluate", "report"]
    assert "searched: median error" in said["baseline"] and "tutorial: median error" in said["baseline"]
    ours = files.read_array(tmp_path / "morphs" / "frames.npy")
    for way in ("searched", "tutorial"):
        frames = files.read_array(tmp_path / "baseline" / way / "frames.npy")
        assert frames.shape == ours.shape and np.any(frames != ours)
    figures = files.read_json(tmp_path / "evaluation.json")
    recipe = "baseline, published recipe"
    assert set(figures["competitors"]) == {"cross-fade", "pictures from chance, of the same year", "baseline, our search", recipe}
    assert [place["t"] for place in figures["competitors"][recipe]] == [place["t"] for place in figures["morph"]]
    assert {"baseline, our search", recipe} <= {verdict["name"] for verdict in figures["verdicts"]}
    page = (tmp_path / "report.html").read_text()
    assert "Beside what anyone could do" in page and "by the published recipe" in page and recipe in page
    assert done_again(dict(Study(config, tmp_path).run_all())) == []
    config.baseline.tutorial = False
    assert done_again(dict(Study(config, tmp_path).run_all())) == ["baseline", "evaluate", "report"]


def test_a_baseline_that_is_not_to_be_had_is_left_out_and_said(study, tmp_path):  # noqa: F811
    config, workdir = study
    config = config.copy_and_resolve_references()
    shutil.copytree(workdir, tmp_path / "study")
    (tmp_path / "study" / "report.html").unlink()
    config.baseline.generator = str(tmp_path / "nowhere")
    said = dict(Study(config, tmp_path / "study").run_all())
    assert said["baseline"] == f"left out: {tmp_path / 'nowhere'}: no such workdir or file of networks"
    assert done_again(said) == ["baseline", "report"] and said["report"].endswith("report.html")


@pytest.fixture(scope="module")
def pictures_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for name, shape in (("a", (40, 60)), ("b", (30, 30))):
        noise = np.random.default_rng(len(name)).integers(0, 256, (*shape, 3)).astype(np.uint8)
        Image.fromarray(noise).save(folder / f"{name}.png")
    return folder


FEW = (
    "--config.inversion.steps=3",
    "--config.inversion.candidates=16",
    "--config.inversion.calibration=4",
    "--config.tuning.steps=2",
    "--config.morphing.frames=4",
    "--config.morphing.size=64",
)


def test_any_pictures_can_be_inverted_and_morphed_without_a_study(study, pictures_of, tmp_path):  # noqa: F811
    _, workdir = study
    ran = command("invert", f"--generator={workdir}", f"--images={pictures_of}", f"--workdir={tmp_path}", *FEW)
    assert ran.returncode == 0, ran.stderr
    rows = files.read_csv(tmp_path / "inversion" / "inversion.csv")
    assert [row["file"] for row in rows] == [str(pictures_of / "a.png"), str(pictures_of / "b.png")]
    assert {row["verdict"] for row in rows} <= {"inside", "near", "outside"}
    assert files.read_array(tmp_path / "inversion" / "latents.npy").shape == (2, 9)  # the year is behind the latents

    ends = f"--from={pictures_of / 'a.png'}", f"--to={pictures_of / 'b.png'}"
    ran = command("morph", f"--generator={workdir}", *ends, f"--workdir={tmp_path}", *FEW)
    assert ran.returncode == 0, ran.stderr
    assert {path.name for path in (tmp_path / "morph").iterdir()} == {"latents.npy", "frames", "strip.png", "morph.gif", "morph.mp4"}
    assert len(list((tmp_path / "morph" / "frames").iterdir())) == 4


def test_seeds_can_be_painted_without_a_study(study, tmp_path):  # noqa: F811
    config, workdir = study
    ran = command("sample", f"--generator={workdir}", "--seeds=0-2,31", f"--workdir={tmp_path}", "--config.sampling.walk=0")
    assert ran.returncode == 0, ran.stderr
    single = tmp_path / "samples" / "single"
    assert sorted(path.name for path in single.iterdir()) == [f"seed_{seed:05d}.png" for seed in (0, 1, 2, 31)]
    of_study = files.read_array(workdir / "samples" / "generated.npy")  # seeds 0 to 31
    for seed in (0, 1, 2, 31):
        np.testing.assert_allclose(np.asarray(Image.open(single / f"seed_{seed:05d}.png"), int), of_study[seed].astype(int), atol=1)


@pytest.mark.parametrize("text, expected", [("7", [7]), ("0-3,7", [0, 1, 2, 3, 7]), (" 4 - 5 , 4", [4, 5, 4])])
def test_seeds_are_numbers_and_spans(text, expected):
    assert common.numbers(text, "--seeds").tolist() == expected


@pytest.mark.parametrize("text", ["", "a", "3-1", "-1", "1,,2", "0-99999999", "1.5", "9999999999"])
def test_other_seeds_are_refused(text):
    with pytest.raises(UserError, match="--seeds="):
        common.numbers(text, "--seeds")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["invert", "--generator=nowhere", "--images=x.png"], "nowhere: no such workdir or file of networks"),
        (["invert", "--generator={study}"], "--images: needed beside --generator"),
        (["invert", "--generator={study}", "--images={folder}/none.png"], "none.png"),
        (["morph", "--generator={study}", "--from={folder}/a.png"], "--to: needed beside --generator"),
        (["sample", "--generator={study}", "--seeds=x"], "--seeds=x: 'x' is neither a number nor a span"),
        (["invert"], "Flag --workdir must have a value other than None"),
    ],
)
def test_what_is_wrong_is_one_line(arguments, message, study, pictures_of):  # noqa: F811
    given = [word.format(study=study[1], folder=pictures_of) for word in arguments]
    ran = command(*given)
    assert ran.returncode == 2
    assert len(ran.stderr.strip().splitlines()) == 1 and message in ran.stderr, ran.stderr
