"""Settings side by side: what is run, and what is read off an evaluation."""

import json
import pathlib

import numpy as np
import pytest
from command import command

from gan_jax import reading
from tests import quality, trainings

VARIANT = "half the rate: --config.training.discriminator_rate=0.5 --config.collection.where='genre=still life'"


def test_a_variant_is_a_study_with_its_flags_in_a_folder_of_its_name():
    workdir = quality.workdir_of(pathlib.Path("out"), VARIANT, 2)
    assert workdir == pathlib.Path("out/half_the_rate/seed_2")
    words = quality.study("configs/demo.py", workdir, 2, quality.flags_of(VARIANT))
    assert words[1:4] == ["-m", "gan_jax", "study"]
    assert {"--config=configs/demo.py", "--workdir=out/half_the_rate/seed_2", "--config.seed=2"} <= {*words}
    assert words[-2:] == ["--config.training.discriminator_rate=0.5", "--config.collection.where=genre=still life"]


@pytest.fixture
def workdir(tmp_path) -> pathlib.Path:
    def against(value: float) -> dict:
        return {"between": {"kid": {"value": value}}}

    said = {
        "middle": {"k": 1, "t": 0.5},
        "comparisons": [{"a": "generated", "b": "training", "kid": {"value": 0.25}}],
        "manifold": {"generated": {"recall": 0.5, "coverage": 0.9}},
        "copies": {"generated": {"part": 0.03}},
        "morph": [{"training": {"value": value}, "against": against(10 * value)} for value in (0.1, 0.2, 0.3)],
        "competitors": {"random samples of the same year": [{"against": against(value)} for value in (4.0, 5.0, 6.0)]},
        "verdicts": [
            {"name": "cross-fade", "verdict": "nearer", "difference": {"value": -0.31}},
            {"name": "the late works", "verdict": None, "difference": {"value": None}},
        ],
        "truth": None,
    }
    (tmp_path / "evaluation.json").write_text(json.dumps(said))
    stages = {"train": {"seconds": 320.0}, "sample": {"seconds": 2.5}, "report": {}}
    (tmp_path / "config.json").write_text(json.dumps({"stages": stages}))
    (tmp_path / "morphs").mkdir()
    (tmp_path / "morphs" / "tuning.csv").write_text("pair,error_before,error_after\n0,0.2,0.04\n0,0.3,0.06\n1,0.3,0.09\n")
    return tmp_path


def test_figures_are_those_of_the_evaluation(workdir):
    figures = quality.figures_of(workdir)
    expected = [0.25, 0.5, 0.9, 3.0, 0.2, 2.0, 5.0, None, 0.06, None, 320.0, 322.5]
    assert [figures[column] for column in quality.COLUMNS] == pytest.approx(expected)
    assert figures["verdicts"] == {"cross-fade": ("nearer", -0.31)}


def test_the_table_has_a_line_for_each_study_and_the_means_of_several(workdir):
    figures = quality.figures_of(workdir)
    other = {**figures, "recall": 0.7}
    lines = [line.split(" | ") for line in quality.table({"as shipped": {0: figures, 1: other}, "half": {0: figures}}).splitlines()]
    assert [line[:2] for line in lines[2:]] == [["| as shipped", "0"], ["| as shipped", "1"], ["| as shipped", "mean"], ["| half", "0"]]
    recall = lines[0].index("recall")
    # Student's 12.706 of one degree of freedom, times the standard error 0.1.
    assert [line[recall] for line in lines[2:]] == ["0.5", "0.7", "0.6 ± 1.27", "0.5"]
    assert lines[2][-1] == "cross-fade < -0.31 |"


def test_a_training_alone_is_judged_by_what_it_has_learnt(tmp_path, monkeypatch):
    monkeypatch.setattr(trainings, "SAMPLES", 96)
    tiny = "--config.collection.resolution=16 --config.collection.painter.paintings=120 --config.model.width=8"
    tiny += " --config.training.total_kimg=0.064 --config.training.paintings=1.0 --config.training.watch_images=0"
    flags = [*tiny.split(), "--config.model.year=True"]
    prepare, train, judge = quality.trainings("configs/demo.py", tmp_path / "first", 0, flags)
    assert judge[-2:] == ["tests.trainings", str(tmp_path / "first")]
    assert command(*prepare[3:]).returncode == 0
    quality.take(tmp_path / "first", tmp_path / "other")
    _, train, _ = quality.trainings("configs/demo.py", tmp_path / "other", 5, [*flags, "--accept_changes"])
    assert command(*train[3:]).returncode == 0
    figures = trainings.judge(tmp_path / "other")
    # A network that has seen a thousand pictures paints none: all that is real is nearer to the years between than its middles are.
    assert figures["chance, trained on"] > 5 and figures["recall"] < 0.2 and figures["paintings' error"] > 0.2
    assert {word for word, _ in figures["verdicts"].values()} == {"further"} and len(figures["verdicts"]) == 4
    assert np.array_equal(
        reading.read_array(tmp_path / "first" / "collection" / "images.npy"),
        reading.read_array(tmp_path / "other" / "collection" / "images.npy"),
    )
    read = quality.figures_of_training(tmp_path / "other")
    assert read["recall"] == figures["recall"] and read["ends' error"] is None and read["training, s"] > 0
    assert (tmp_path / "other" / "trainings.png").exists()
