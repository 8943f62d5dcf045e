"""A whole study on a tiny collection, and what the command line says to wrong input."""

import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import jax
import numpy as np
import published
import pytest
from command import command
from tiny import tiny_config

from gan_jax import default_config, files, reading
from gan_jax.collection.paintings import Collection
from gan_jax.config import flatten
from gan_jax.errors import UserError
from gan_jax.generators import open_generator
from gan_jax.latents import inversion
from gan_jax.latents.paths import with_labels
from gan_jax.models.likeness import Weights
from gan_jax.stages import train as train_stage
from gan_jax.stages.order import STAGES
from gan_jax.study import Study, same_networks

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A finished study with films of every kind: made once for all processes that test, a copy for each module."""
    config = tiny_config()
    config.sampling.walk = 2
    config.morphing.update(formats=("gif", "mp4"), films=1)
    base = tmp_path_factory.getbasetemp()
    made = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished_study"
    with open(f"{made}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            said = dict(Study(config, making := made.with_name("study_in_the_making")).run_all())
            assert list(said) == list(STAGES)
            assert said["baseline"] == "not asked for (config.baseline.generator)"
            making.rename(made)
    workdir = tmp_path_factory.mktemp("study") / "study"
    shutil.copytree(made, workdir)
    return config, workdir


def test_where_the_time_went_is_known_afterwards(study):
    config, workdir = study
    spent = Study(config, workdir).seconds
    assert list(spent) == [name for name in STAGES if name != "baseline"]
    assert all(seconds >= 0 for seconds in spent.values()) and spent["train"] > spent["prepare"]
    assert Study(config, workdir.with_name("new")).seconds == {}


def test_every_stage_leaves_what_it_promises(study):
    _, workdir = study
    expected = [
        "config.json",
        "collection/paintings.csv",
        "collection/images.npy",
        "collection/skipped.csv",
        "checkpoints",
        "log/metrics.jsonl",
        "samples/final.png",
        "samples/generated.npy",
        "samples/single/seed_00000.png",
        "samples/walk.gif",
        "samples/walk.mp4",
        "inversion/latents.npy",
        "inversion/inversion.csv",
        "inversion/reconstructions.npy",
        "inversion/side_by_side.png",
        "morphs/pairs.csv",
        "morphs/unmatched.csv",
        "morphs/set.gif",
        "morphs/set.mp4",
        "morphs/pair_000.gif",
        "morphs/pair_000.mp4",
        "morphs/contact_sheet.png",
        "morphs/pair_000.png",
        "morphs/frames.csv",
        "morphs/sets.png",
        "morphs/tuning.csv",
        "morphs/tuning.png",
        "morphs/years.gif",
        "morphs/years.csv",
        "morphs/shift.gif",
        "morphs/shift.png",
        "inversion/calibration.json",
        "morphs/frames/pair_000/t_0.500.png",
        "evaluation.json",
        "report.html",
    ]
    missing = [path for path in expected if not (workdir / path).exists()]
    assert not missing
    leftovers = [path for path in workdir.rglob(".*") if path.is_file() or path.is_dir()]
    assert not leftovers


def test_the_networks_own_images_are_recovered(study):
    """By the root mean square difference of colours in [-1, 1]: below 0.1 is recovered, and 95 of 100 have to be."""
    _, workdir = study
    generator = open_generator(workdir)
    truth = np.asarray(generator.draw(jax.random.key(11), 20))
    settings = inversion.Settings(
        steps=150, restarts=3, candidates=256, learning_rate=0.1, noise=0.1, patience=150, batch_size=64,
        weights=Weights(1.0, 0.3, 0.3), calibration=0,
    )  # fmt: skip
    error = inversion.invert(generator, generator.images(truth), settings, 0).error
    lost = {i: round(float(error[i]), 3) for i in np.flatnonzero(error >= 0.1)}
    assert len(lost) <= 1, f"not recovered, with their errors: {lost}"


def test_the_years_between_are_not_trained_on_and_every_painting_is_accounted_for(study):
    _, workdir = study
    paintings = reading.read_csv(workdir / "collection" / "paintings.csv")
    inverted = reading.read_csv(workdir / "inversion" / "inversion.csv")
    assert {row["period"] for row in inverted} == {"early", "late"}
    assert any(row["period"] == "between" for row in paintings)
    pairs, alone = (reading.read_csv(workdir / "morphs" / f"{name}.csv") for name in ("pairs", "unmatched"))
    seen = [row[f"{period}_index"] for row in pairs for period in ("early", "late")] + [row["index"] for row in alone]
    assert sorted(seen) == sorted(row["index"] for row in inverted)
    assert all(row["reason"] for row in alone)
    frames = reading.read_array(workdir / "morphs" / "frames.npy")
    assert frames.shape == (len(pairs), 3, 16, 16, 3)


def test_a_second_run_does_nothing_and_later_settings_repeat_later_stages(study):
    config, workdir = study
    config = config.copy_and_resolve_references()
    before = {path: path.stat().st_mtime_ns for path in workdir.rglob("*") if path.is_file() and path.name != "config.json"}
    assert all(result.startswith("complete") for name, result in Study(config, workdir).run_all() if name != "baseline")
    assert before == {path: path.stat().st_mtime_ns for path in workdir.rglob("*") if path.is_file() and path.name != "config.json"}

    config.morphing.path = "linear"
    results = dict(Study(config, workdir).run_all())
    assert done_again(results) == ["morph", "evaluate", "report"]


def test_a_workdir_that_was_moved_says_where_its_pictures_are(study, tmp_path):
    config, workdir = study
    moved = shutil.copytree(workdir, tmp_path / "moved")
    for name in ("sample", "invert"):
        made = re.search(r"/\S+\.png", Study(config, moved).run(name))[0]
        assert pathlib.Path(made).is_relative_to(moved) and pathlib.Path(made).exists()


def done_again(results):
    return [name for name, result in results.items() if not result.startswith(("complete", "not asked for"))]


def test_what_cannot_be_read_is_made_again_when_that_is_asked_for(study):
    """An evaluation that is whole and of another layout, as an earlier version may have made it."""
    config, workdir = study
    list(Study(config.copy_and_resolve_references(), workdir).run_all())
    path = workdir / "evaluation.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in said.items() if name != "verdicts"}))
    (workdir / "report.html").unlink()
    with pytest.raises(UserError, match=re.escape(str(path))):
        Study(config.copy_and_resolve_references(), workdir).run("report")
    assert not Study(config.copy_and_resolve_references(), workdir).run("evaluate").startswith("complete")
    assert json.loads(path.read_text()) == said
    assert Study(config.copy_and_resolve_references(), workdir).run("report") == str(workdir / "report.html")


@pytest.mark.parametrize(
    "path, again",
    [
        ("morphs/frames.npy", ["morph"]),
        ("inversion/latents.npy", ["invert"]),
        ("evaluation.json", ["evaluate"]),
        ("report.html", ["report"]),
    ],
)
def test_what_was_deleted_is_made_again(study, path, again):
    config, workdir = study
    list(Study(config.copy_and_resolve_references(), workdir).run_all())
    (workdir / path).unlink()
    results = dict(Study(config.copy_and_resolve_references(), workdir).run_all())
    assert done_again(results) == again
    assert (workdir / path).exists()


def test_a_training_that_was_complete_and_is_damaged_is_completed_again(study, tmp_path, capfd):
    config, workdir = study
    workdir = shutil.copytree(workdir, tmp_path / "study")
    before = open_generator(workdir).params
    for path in (workdir / "checkpoints" / "images_128" / "state").rglob("*"):
        if path.is_file():
            os.truncate(path, path.stat().st_size // 2)
    assert Study(config, workdir).run("train").startswith("trained on")
    assert capfd.readouterr().err.count("the checkpoint of 128 images is damaged") == 1
    jax.tree.map(np.testing.assert_array_equal, open_generator(workdir).params, before)
    again = Study(config, workdir)
    assert again.run("train").startswith("complete") and again.run("report").startswith("complete")


def test_other_paintings_make_everything_stale(study, tmp_path):
    config, workdir = study
    shutil.copytree(workdir, tmp_path / "copy")
    images = reading.read_array(tmp_path / "copy" / "collection" / "images.npy")
    files.write_array(tmp_path / "copy" / "collection" / "images.npy", images[:, ::-1])
    with pytest.raises(UserError, match="trained on other paintings"):
        Study(config.copy_and_resolve_references(), tmp_path / "copy").run("train")


@pytest.mark.parametrize("text", ["{}", "[]", '{"config": {}}', '{"config": 3, "stages": {}}', "nothing"])
def test_a_damaged_config_is_one_line(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError, match="config.json: not "):
        Study(tiny_config(), tmp_path)


def test_a_workdir_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="no folder can be made there"):
        Study(tiny_config(), tmp_path / "file")


@pytest.mark.parametrize("name", ["samples", "log/metrics.jsonl", "checkpoints/images_64", "collection/images.npy"])
def test_links_out_of_a_workdir_are_not_followed(tmp_path, name):
    link, outside = tmp_path / "study" / name, tmp_path / "outside"
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)  # where nothing is yet: writing would make it
    with pytest.raises(UserError, match=f"study/{name}: a link out of the workdir, which is not followed"):
        Study(tiny_config(), tmp_path / "study")
    link.unlink()
    (tmp_path / "study" / "within").mkdir()
    link.symlink_to(tmp_path / "study" / "within")
    (tmp_path / "link").symlink_to(tmp_path / "study")  # the workdir itself may be one
    Study(tiny_config(), tmp_path / "link")
    assert not outside.exists()


@pytest.mark.parametrize(
    "field, value", [("inversion.steps", 0), ("sampling.images", 0), ("training.total_kimg", float("nan")), ("morphing.seconds", -1.0)]
)
def test_numbers_out_of_bounds_are_named_before_anything_runs(tmp_path, field, value):
    config = tiny_config()
    section, name = field.split(".")
    config[section][name] = value
    with pytest.raises(UserError, match=f"config.{field}={value}: .* is needed"):
        Study(config, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_workdir_of_another_config_names_the_field(study):
    config, workdir = study
    config = config.copy_and_resolve_references()
    config.training.learning_rate = 0.5
    with pytest.raises(UserError, match=r"config.training.learning_rate is 0.0002 there and 0.5 here"):
        Study(config, workdir)


def test_a_stage_says_what_it_needs(tmp_path):
    with pytest.raises(UserError, match="`invert` needs what `train` makes"):
        Study(tiny_config(), tmp_path).run("invert")


@pytest.mark.parametrize(
    "verb, said",
    [(verb, "no such workdir; `") for verb in ("train", "sample", "invert", "morph", "evaluate", "report")]
    + [("explore", "no such workdir or file of networks"), ("baseline", ""), ("prepare", "a path that is not UTF-8")],
)
def test_no_workdir_is_made_for_what_needs_one(tmp_path, verb, said):
    workdir = tmp_path / ("new" if verb != "prepare" else os.fsdecode(b"caf\xe9"))
    done = command(verb, f"--workdir={workdir}")
    assert done.returncode == (2 if said else 0) and said in done.stderr and done.stderr.count("\n") == bool(said)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [["--config.seed=-1"], ["--config.collection.source=folder", "--config.collection.table=nowhere.csv"]])
def test_no_workdir_is_left_by_a_study_that_begins_with_an_error(tmp_path, wrong):
    done = command("study", f"--workdir={tmp_path / 'new'}", *wrong)
    assert done.returncode == 2 and "config." in done.stderr and not list(tmp_path.iterdir())


def test_checkpoints_and_config_tell_what_wrote_them(study):
    config, workdir = study
    written = json.loads((workdir / "config.json").read_text())
    assert written["config"]["collection"] == config.collection.to_dict()
    assert {"gan_jax", "jax", "flax"} <= written["versions"].keys()


def test_a_conditional_study_paints_a_period(tmp_path):
    config = tiny_config()
    config.model.update(conditional=True, year=False)
    painted = {}
    for period in ("early", "late", ""):
        config.sampling.period = period
        study = Study(config, tmp_path)
        for stage in ("prepare", "train", "sample"):
            study.run(stage)
        painted[period] = reading.read_array(tmp_path / "samples" / "generated.npy")
    # The same latents each time, with another label.
    assert np.any(painted["early"] != painted["late"])
    assert {tuple(x) for x in (painted[""] == painted["late"]).all((1, 2, 3))[:, None]} == {(True,), (False,)}
    of_either = (painted[""] == painted["late"]).all((1, 2, 3)) | (painted[""] == painted["early"]).all((1, 2, 3))
    assert of_either.all()
    config.sampling.period = "between"
    with pytest.raises(UserError, match="config.sampling.period='between': there is '', 'early', 'late'"):
        Study(config, tmp_path).run("sample")


def test_a_study_paints_the_year_that_is_asked_for(study, tmp_path):
    config, workdir = study
    shutil.copytree(workdir, tmp_path / "study")
    config = config.copy_and_resolve_references()
    painted = {}
    for year in (1881.0, 1886.5):
        config.sampling.year = year
        Study(config, tmp_path / "study").run("sample")
        painted[year] = reading.read_array(tmp_path / "study" / "samples" / "generated.npy")
    assert np.any(painted[1881.0] != painted[1886.5])
    generator = open_generator(tmp_path / "study")
    years = np.array([one.year for one in Collection.load(workdir / "collection").paintings if one.period in ("early", "late")])
    np.testing.assert_allclose([generator.years.mean, generator.years.deviation], [years.mean(), years.std()])
    config.model.year = False
    with pytest.raises(UserError, match="config.model.year is True there and False here"):
        Study(config, tmp_path / "study")


def test_paintings_are_found_where_training_put_them(study):
    config, workdir = study
    generator, latents = open_generator(workdir), reading.read_array(workdir / "inversion" / "latents.npy")
    np.testing.assert_array_equal(latents[:, :-1], generator.painting_latents)
    rows = reading.read_csv(workdir / "inversion" / "inversion.csv")
    np.testing.assert_allclose(latents[:, -1:], generator.years.labels(np.array([float(row["year"]) for row in rows])), atol=1e-3)
    # In the middle of a way frames are the trained network's.
    t, frames = (reading.read_array(workdir / "morphs" / name) for name in ("t.npy", "frames.npy"))
    pair = reading.read_csv(workdir / "morphs" / "pairs.csv")[0]
    place = {int(row["index"]): i for i, row in enumerate(rows)}
    ends = [latents[[place[int(pair[name])]]] for name in ("early_index", "late_index")]
    way = with_labels(config.morphing.path, *ends, t, 1)[0]
    middle = len(t) // 2
    np.testing.assert_array_equal(frames[0, middle], generator.images(way[[middle]])[0])


def test_a_period_named_afterwards_is_shown_and_nothing_is_learnt_again(study, tmp_path):
    config, workdir = study
    shutil.copytree(workdir, tmp_path / "study")
    named = config.copy_and_resolve_references()
    named.collection.periods.paris = "1884..1886"
    before = Study(named, tmp_path / "study").standing()
    assert before == {name: name not in ("evaluate", "report") for name in before}
    for name in ("evaluate", "report"):
        Study(named, tmp_path / "study").run(name)
    assert all(Study(named, tmp_path / "study").standing().values())
    paintings, judged = (reading.read_csv(tmp_path / "study" / path) for path in ("collection/paintings.csv", "evaluation/works.csv"))
    assert [row["period"] for row in judged] == [row["period"] for row in paintings]
    assert [row["named"] for row in judged] == ["paris" if 1884 <= float(row["year"]) < 1887 else "" for row in judged]
    for curve in reading.read_json(tmp_path / "study" / "evaluation.json")["style"]:
        assert curve["periods"]["paris"] and curve["periods"]["early"] and not curve["periods"]["between"]
    # Judged by the paintings that were held out, whatever they are called.
    judged = [reading.read_json(folder / "evaluation.json")["sets"]["between"] for folder in (workdir, tmp_path / "study")]
    assert judged[0] == judged[1] == sum(row["period"] == "between" for row in paintings)
    assert "among them <bdi>paris</bdi>" in (tmp_path / "study" / "report.html").read_text(encoding="utf-8")
    named.collection.periods.update(paris="", rome="1886.9998..1886.9999")
    with pytest.raises(UserError, match="config.collection.periods.rome='1886.9998..1886.9999': no painting is of it"):
        Study(named, tmp_path / "study").run("evaluate")


def test_one_period_can_be_learnt_alone_from_networks_of_both(study, tmp_path, monkeypatch):
    _, both = study
    config = tiny_config()
    config.training.update(period="late", init_from=str(both))
    seen = []
    monkeypatch.setattr(train_stage.loop, "train", lambda config, images, *_: seen.append(images) or 128)
    workdir = Study(config, tmp_path)
    workdir.run("prepare")
    train_stage.train(config, tmp_path, {})
    collection = Collection.load(tmp_path / "collection")
    late = collection.period("late")
    np.testing.assert_array_equal(seen[0][np.arange(len(late))], collection.images[late])
    config.training.period = "between"
    with pytest.raises(UserError, match="config.training.period='between': there is '', 'early', 'late'"):
        Study(config, tmp_path / "other")


def test_a_workdir_from_before_a_field_was_there_is_taken_up(study, tmp_path):
    config, workdir = study
    shutil.copytree(workdir / "collection", tmp_path / "collection")
    record = reading.read_json(workdir / "config.json")
    del record["config"]["training"]["period"], record["config"]["model"]["noise"]
    files.write_json(tmp_path / "config.json", record)
    Study(config, tmp_path)
    config = config.copy_and_resolve_references()
    config.model.noise = True
    with pytest.raises(UserError, match="config.model.noise is False there and True here.*--accept_changes"):
        Study(config, tmp_path)


def test_a_workdir_from_before_uncertain_dates_were_left_out_kept_them(study, tmp_path):
    config, workdir = study
    shutil.copytree(workdir / "collection", tmp_path / "collection")
    record = reading.read_json(workdir / "config.json")
    del record["config"]["collection"]["uncertain"]
    files.write_json(tmp_path / "config.json", record)
    with pytest.raises(UserError, match="config.collection.uncertain is 'keep' there and 'leave out' here"):
        Study(config, tmp_path)
    config = config.copy_and_resolve_references()
    config.collection.uncertain = "keep"
    Study(config, tmp_path)


def test_a_workdir_from_before_a_field_had_its_name_is_complete(study, tmp_path, capfd):
    config, workdir = study
    shutil.copytree(workdir, tmp_path / "study")
    text = (tmp_path / "study" / "config.json").read_text(encoding="utf-8")
    before = text.replace('"on_divergence": "stop"', '"when_sick": "stop"')
    assert before != text
    (tmp_path / "study" / "config.json").write_text(before, encoding="utf-8")
    assert all(Study(config.copy_and_resolve_references(), tmp_path / "study").standing().values())
    said = capfd.readouterr().err.splitlines()
    assert said == [
        f"gan_jax: {tmp_path / 'study' / 'config.json'}: config.training.when_sick=stop is called config.training.on_divergence=stop now"
    ]


def test_what_is_gone_from_the_config_says_nothing(study, tmp_path):
    config, workdir = study
    shutil.copytree(workdir / "collection", tmp_path / "collection")
    record = reading.read_json(workdir / "config.json")
    record["config"]["training"]["gone"] = 1
    files.write_json(tmp_path / "config.json", record)
    Study(config, tmp_path)


@pytest.mark.parametrize(
    "field, value",
    [("collection.resolution", 32), ("model.latent_size", 9), ("model.noise", True), ("training.projected_discriminator", 1.0)],
)
def test_other_networks_are_refused_before_anything_is_replaced(study, tmp_path, field, value):
    config, workdir = study
    shutil.copytree(workdir, tmp_path / "study")
    config = config.copy_and_resolve_references()
    section, name = field.split(".")
    config[section][name] = value
    with pytest.raises(UserError, match=rf"config.{field} is .* other networks .* --config.training.init_from={tmp_path / 'study'}$"):
        Study(config, tmp_path / "study", accept_changes=True)
    assert files.checksum(tmp_path / "study" / "collection" / "images.npy") == files.checksum(workdir / "collection" / "images.npy")


def test_a_second_discriminator_that_sees_images_at_another_size_may_be_another_network(study):
    config = study[0].copy_and_resolve_references()
    config.training.update(projected_discriminator=1.0, projected_resolution=128)
    there = flatten(config.to_dict())
    assert {size: same_networks(there | {"training.projected_resolution": size}, config) for size in (64, 224)} == {64: False, 224: True}


def test_changes_are_accepted_where_that_is_asked_for(study, tmp_path, capfd):
    config, workdir = study
    shutil.copytree(workdir, tmp_path / "study")
    config = config.copy_and_resolve_references()
    config.training.learning_rate *= 0.5
    config.training.total_kimg += 0.032
    with pytest.raises(UserError, match=r"config.training.learning_rate is .* \(and 1 more fields: training.total_kimg"):
        Study(config, tmp_path / "study")
    longer = Study(config, tmp_path / "study", accept_changes=True)
    said = capfd.readouterr().err
    assert "config.training.learning_rate is" in said and "config.training.total_kimg is" in said
    longer.run("train")
    lines = [json.loads(line) for line in (tmp_path / "study" / "log" / "metrics.jsonl").read_text().splitlines()]
    seen = [line["images"] for line in lines]
    before = [json.loads(line)["images"] for line in (workdir / "log" / "metrics.jsonl").read_text().splitlines()]
    assert seen[: len(before)] == before and seen[-1] == before[-1] + 32  # it went on, and not anew


def test_a_period_needs_a_network_with_labels(study):
    config, workdir = study
    config = config.copy_and_resolve_references()
    config.sampling.period = "late"
    with pytest.raises(UserError, match="trained without labels"):
        Study(config, workdir).run("sample")


def test_a_published_network_paints_a_whole_study(tmp_path):
    config = tiny_config()
    config.generator = str(tmp_path / "network.pkl")
    with pytest.raises(UserError, match="network.pkl: no such workdir or file of networks"):
        Study(config, tmp_path / "study").run("sample")
    (tmp_path / "network.pkl").write_bytes(published.file())
    results = dict(Study(config, tmp_path / "study").run_all())
    assert results["train"] == f"not needed: {config.generator} paints"
    assert (tmp_path / "study" / "report.html").exists() and not (tmp_path / "study" / "checkpoints").exists()
    assert all(
        said.startswith(("complete", "not needed", "not asked for")) for _, said in Study(tiny_config(), tmp_path / "study").run_all()
    )
    # A workdir from elsewhere may name any file or module: what opens it has to be asked for.
    other = tiny_config()
    other.sampling.images += 1
    with pytest.raises(UserError, match=r"config.json: names config.generator='.*network.pkl'; to open it, the command has to name it too"):
        Study(other, tmp_path / "study").run("sample")
    (tmp_path / "network.pkl").write_bytes(published.file(resolution=32))
    with pytest.raises(UserError, match="paints 32 px, the paintings are 16 px; prepare them with --config.collection.resolution=32"):
        Study(config, tmp_path / "study").run("invert")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paintings")
    (folder / "images").mkdir()
    (folder / "table.csv").write_text("file,title\n1.png,A\n")
    return folder


FOLDER = ["--config.collection.source=folder", "--config.collection.table={}/table.csv"]


def test_what_was_left_out_is_listed_where_prepare_ends_with_an_error(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "table.csv").write_text("file,title,date\n1.png,A,1880\n2.png,B,soon\n")
    config = default_config.get_config()
    config.collection.update(source="folder", table=str(tmp_path / "table.csv"), images=str(tmp_path / "images"))
    with pytest.raises(UserError, match="no file is called '1.png'.*study/collection/skipped.csv lists what was left out"):
        Study(config, tmp_path / "study").run("prepare")
    assert "1.png,A,missing image: no file is called '1.png'" in (tmp_path / "study" / "collection" / "skipped.csv").read_text()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["prepare", *FOLDER, "--config.collection.images={}/images"], "no date column"),
        (["prepare", *FOLDER, "--config.collection.images={}/nowhere"], "nowhere"),
        (["prepare", "--config.collection.nonsense=1"], "nonsense"),
        (["prepare", "--config.collection.periods.paris=1882..1884"], "early (..1883) and paris (1882..1884) share years"),
        (["prepare", "--config.collection.periods.erly=..1885"], "config.collection.periods.erly: did you mean early?"),
        (["study", "--config.training.batch_size=6"], "6 images don't divide by 4 devices"),
        (["paint"], "'paint': no such verb"),
        (["train", "--config=configs/nowhere.py"], "configs/nowhere.py"),
        (["train", "--no_such_flag"], "no_such_flag"),
        (["sample", "--period=late"], "needs what `train` makes"),
        (["train", "--period=late"], "period"),
        (["train", "--config.seed=1", "--config=configs/nowhere.py"], "configs/nowhere.py"),
        (["study", "--config.morphing.path=zigzag"], "config.morphing.path='zigzag': there is 'slerp', 'rescaled', 'linear'"),
        (["study", "--config.morphing.formats=('avi',)"], "no 'avi'; there is 'gif', 'mp4', 'webp'"),
        (["benchmark", "--config.benchmark.resolutions=(64,)"], "64 is not in the schedule, which has [16]"),
    ],
)  # fmt: skip
def test_wrong_input_gets_one_line(tmp_path, folder, arguments, message):
    workdir = tmp_path / "study"
    # A small collection, for where the mistake is seen after it is made.
    small = ["--config.collection.painter.paintings=48", "--config.collection.resolution=16", "--config.collection.min_paintings=8"]
    known = [] if arguments[0] == "paint" or "--config=configs/nowhere.py" in arguments else small
    done = command(*(argument.format(folder) for argument in arguments), *known, f"--workdir={workdir}")
    lines = [line for line in done.stderr.splitlines() if not line.startswith("prepare")]
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert lines[-1].startswith("gan_jax: ") and message in lines[-1], done.stderr


def test_the_program_is_a_process_of_its_own(tmp_path):
    """What it answers without waiting for JAX is what it answers in this process."""
    start = [sys.executable, "-m", "gan_jax"]
    told = subprocess.run([*start, "help"], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert (told.returncode, told.stderr) == (0, "") and told.stdout == command("help").stdout
    wrong = subprocess.run(
        [*start, "train", "--no_such_flag", f"--workdir={tmp_path}"], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert wrong.returncode == 2 and len(wrong.stderr.splitlines()) == 1 and "no_such_flag" in wrong.stderr
    # Who reads has gone, as `head` has after its lines.
    reader, writer = os.pipe()
    os.close(reader)
    unread = subprocess.run([*start, "help"], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=600)
    os.close(writer)
    assert (unread.returncode, unread.stderr) == (128 + signal.SIGPIPE, "")


def test_usage_and_help():
    assert "study" in command().stdout
    told = command("invert", "--help").stdout
    assert "--config.inversion.steps = 150" in told and "collection" not in told
    assert "--config.collection.periods" in command("study", "--help").stdout


def test_no_room_imports_tensorflow():
    rooms = ("training.loop", "latents.inversion", "morphing.morph", "metrics.features", "evaluation.evaluate", "report.page", "study")
    check = f"import sys, {', '.join(f'gan_jax.{room}' for room in rooms)}; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-W", "ignore", "-c", check], cwd=ROOT, check=True, timeout=600)


def test_arrays_and_files_are_read_without_running_anything(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], object))
    with pytest.raises(UserError, match="objects.npy: not an array of numbers"):
        reading.read_array(tmp_path / "objects.npy")
    with pytest.raises(ValueError, match="not JSON compliant|Out of range"):
        files.write_json(tmp_path / "nan.json", {"x": float("nan")})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["objects.npy"]


def test_a_folder_takes_its_place_only_when_it_is_complete(tmp_path):
    with files.atomic_folder(tmp_path / "a") as folder:
        (folder / "x").write_text("1")
        assert not (tmp_path / "a").exists()
    with pytest.raises(RuntimeError), files.atomic_folder(tmp_path / "a") as folder:
        (folder / "x").write_text("2")
        raise RuntimeError
    assert (tmp_path / "a" / "x").read_text() == "1"
    with files.atomic_folder(tmp_path / "a") as folder:
        (folder / "x").write_text("3")
    assert (tmp_path / "a" / "x").read_text() == "3" and len(list(tmp_path.iterdir())) == 1
