"""Baselines in a study, and inverting and morphing without one."""

import dataclasses
import re
import shutil
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from command import command
from PIL import Image
from test_study import done_again, study  # noqa: F401
from tiny import tiny_config

from gan_jax import files, hub, reading
from gan_jax.errors import UserError
from gan_jax.latents import search
from gan_jax.models.generator import Generator
from gan_jax.morphing.baseline import Baseline
from gan_jax.stages import alone, common, given
from gan_jax.stages import baseline as room
from gan_jax.study import Study


def test_another_workdir_may_be_the_baseline(study, tmp_path):  # noqa: F811
    """The same paintings, pairs and times; both ways of finding latents; figures beside ours."""
    config, workdir = study
    config = config.copy_and_resolve_references()
    shutil.copytree(workdir, tmp_path, dirs_exist_ok=True)
    other = tiny_config()
    other.training.total_kimg = 0.064
    for stage in ("prepare", "train"):
        Study(other, tmp_path / "other").run(stage)
    config.baseline.update(generator=str(tmp_path / "other"), tutorial_steps=3)
    said = dict(Study(config, tmp_path).run_all())
    assert done_again(said) == ["baseline", "evaluate", "report"]
    assert "searched: median error" in said["baseline"] and "tutorial: median error" in said["baseline"]
    ours = reading.read_array(tmp_path / "morphs" / "frames.npy")
    for way in ("searched", "tutorial"):
        frames = reading.read_array(tmp_path / "baseline" / way / "frames.npy")
        assert frames.shape == ours.shape and np.any(frames != ours)
    figures = reading.read_json(tmp_path / "evaluation.json")
    recipe = "baseline, published recipe"
    assert set(figures["competitors"]) == {"cross-fade", "random samples of the same year", "baseline, our search", recipe}
    assert [place["t"] for place in figures["competitors"][recipe]] == [place["t"] for place in figures["morph"]]
    assert {"baseline, our search", recipe} <= {verdict["name"] for verdict in figures["verdicts"]}
    page = (tmp_path / "report.html").read_text()
    assert "Beside what anyone could do" in page and "by the published recipe" in page and recipe in page
    assert done_again(dict(Study(config, tmp_path).run_all())) == []
    config.baseline.tutorial = False
    assert done_again(dict(Study(config, tmp_path).run_all())) == ["baseline", "evaluate", "report"]


def stub(size: int = 16, latent_size: int = 3) -> Generator:
    """A generator of one colour an image: that of the first three latents."""

    def paint(_, z):
        return jnp.tanh(z[:, None, None, :3]) * jnp.ones((1, size, size, 1))

    return Generator("stub", latent_size, size, None, paint)


def test_some_pairs_are_painted_and_their_paintings_alone_are_searched(study, tmp_path, monkeypatch, capsys):  # noqa: F811
    config, workdir = study
    config = config.copy_and_resolve_references()
    shutil.copytree(workdir, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(room, "open_generator", lambda *_: stub())
    config.baseline.update(generator="stub", pairs=9, steps=3, restarts=1, tutorial_steps=3)
    said = dict(Study(config, tmp_path).run_all())
    pairs = reading.read_csv(tmp_path / "morphs" / "pairs.csv")
    assert done_again(said) == ["baseline", "evaluate", "report"] and said["baseline"].startswith(
        f"stub, 9 of {len(pairs)} pairs, searched"
    )
    assert reading.read_json(tmp_path / "baseline" / "about.json")["painted"] == (painted := room.drawn(9, len(pairs)))
    ends = {int(pairs[number][f"{end}_index"]) for number in painted for end in ("early", "late")}
    assert re.search(rf"^gan_jax: baseline: searching {len(ends)} paintings takes up to .*, .* of it by the tutorial's recipe; with less",
                     capsys.readouterr().err, re.MULTILINE)  # fmt: skip
    for way in ("searched", "tutorial"):
        rows = reading.read_csv(tmp_path / "baseline" / way / "inversion.csv")
        assert {int(row["index"]) for row in rows} == ends and len(rows) == len(ends)
        frames = reading.read_array(tmp_path / "baseline" / way / "frames.npy")
        latents = dict(zip(sorted(ends), reading.read_array(tmp_path / "baseline" / way / "latents.npy")))
        assert frames.shape == (9, 3, 16, 16, 3)
        for pair, number in zip(frames, painted) if way == "searched" else ():  # the recipe's paths begin at another length
            for end, at in (("early", 0), ("late", -1)):
                colour = (np.tanh(latents[int(pairs[number][f"{end}_index"])]) + 1) * 127.5
                assert np.abs(pair[at] - colour).max() < 1
    figures = reading.read_json(tmp_path / "evaluation.json")
    names = ["this study (9 pairs)", "cross-fade (9 pairs)", "baseline, our search (9 pairs)", "baseline, published recipe (9 pairs)"]
    assert figures["some_pairs"] == dict.fromkeys(names, painted) and set(names) <= set(figures["competitors"])
    page = (tmp_path / "report.html").read_text()
    assert "this study (9 pairs)" in page and "drawn evenly from the nearest to the furthest" in page

    # The study's own searches stand, whatever the baseline's settings are, and 0 is all pairs.
    config.baseline.update(pairs=0, tutorial=False)
    said = dict(Study(config, tmp_path).run_all())
    assert done_again(said) == ["baseline", "evaluate", "report"] and f"{len(pairs)} of {len(pairs)} pairs" in said["baseline"]
    figures = reading.read_json(tmp_path / "evaluation.json")
    assert figures["some_pairs"] == {} and "baseline, our search" in figures["competitors"]


def test_a_baseline_from_before_its_settings_stands_where_all_pairs_are_asked_for(study, tmp_path, monkeypatch):  # noqa: F811
    config, workdir = study
    config = config.copy_and_resolve_references()
    shutil.copytree(workdir, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(room, "open_generator", lambda *_: stub())
    config.baseline.update(generator="stub", pairs=0, tutorial=False)
    dict(Study(config, tmp_path).run_all())
    record = reading.read_json(tmp_path / "config.json")
    later = ("pairs", "steps", "restarts", "candidates", "batch_size")
    for name in later:
        del record["config"]["baseline"][name]
        for made in record["stages"].values():
            made["reads"].pop(f"baseline.{name}", None)
            made["reads"].get("baseline", {}).pop(name, None)
    files.write_json(tmp_path / "config.json", record)
    assert set(reading.read_json(tmp_path / "baseline" / "about.json")["asked"]).isdisjoint(later)
    assert done_again(dict(Study(config, tmp_path).run_all())) == []
    config.baseline.pairs = 9
    assert done_again(dict(Study(config, tmp_path).run_all())) == ["baseline", "evaluate", "report"]


@pytest.mark.parametrize("wanted, pairs, numbers", [(4, 10, [0, 3, 6, 9]), (9, 10, [0, 1, 2, 3, 4, 6, 7, 8, 9]), (1, 3, [0])])
def test_pairs_are_drawn_evenly_from_the_nearest_to_the_furthest(wanted, pairs, numbers):
    assert room.drawn(wanted, pairs) == numbers


@pytest.mark.parametrize("wanted", [0, 10, 11])
def test_all_pairs_are_no_choice(wanted):
    assert room.drawn(wanted, 10) is None


def test_a_baselines_searches_have_settings_of_their_own():
    config = tiny_config()
    ours = common.search_settings(config)
    assert common.baseline_search_settings(config) == dataclasses.replace(ours, calibration=0)
    config.baseline.update(steps=7, restarts=3, candidates=5, batch_size=6)
    said = dataclasses.replace(ours, calibration=0, steps=7, restarts=3, candidates=5, batch_size=6)
    assert common.baseline_search_settings(config) == said and common.search_settings(config) == ours


def test_the_time_of_a_baseline_is_told_by_steps_that_are_measured(monkeypatch):
    """A step of the searches that go on at once takes a minute by this clock, and by another a second at first and then two."""
    config = tiny_config()
    config.baseline.update(steps=100, restarts=3, candidates=80, batch_size=8, tutorial_steps=20)
    settings = common.baseline_search_settings(config)
    monkeypatch.setattr(search, "MEASURED", 2.0)

    def pace_by(*clock):
        now = iter(clock)
        monkeypatch.setattr(search, "time", SimpleNamespace(monotonic=lambda: next(now)))
        return search.pace(stub(), 5 * settings.restarts, settings)

    assert pace_by(10.0, 11.0, 13.0).seconds == 1.5
    pace = pace_by(0.0, 60.0)
    # 15 searches in lanes of 8 and less are two rounds of 8 (whole groups of 4 on one device, of 16 on four).
    assert pace.seconds == 60 and pace.rounds == 2 and pace.at_once >= 8 and pace.at_most(100) == 2 * 100 * 60
    monkeypatch.setattr(search, "pace", lambda *_: search.Pace(60.0, 8, 2))
    # 200 minutes, 80 images forward at 7.5 / 3 seconds, and 5 paintings for 20 steps at 7.5 seconds.
    said, advice = (text.strip() for text in room.forecast(config, stub(), 5, settings).split(";"))
    assert said == "baseline: searching 5 paintings takes up to 3.6 hours here, 12.5 minutes of it by the tutorial's recipe"
    assert all(f"baseline.{name}" in advice for name in ("pairs", "steps", "restarts"))
    config.baseline.tutorial = False
    assert room.forecast(config, stub(), 5, settings).startswith("baseline: searching 5 paintings takes up to 3.4 hours here; ")


class TestArtefact:
    FRAMES = np.arange(4 * 3 * 2 * 2 * 3, dtype=np.uint8).reshape(4, 3, 2, 2, 3)

    def test_what_is_saved_is_loaded(self, tmp_path):
        made = Baseline({"given": self.FRAMES, "searched": self.FRAMES[:2]}, "by hand", {"a": 1}, "sum", "stub", 2, [0, 3])
        made.save(tmp_path)
        loaded = Baseline.load(tmp_path, 4, 3).as_competitors()
        np.testing.assert_array_equal(loaded["frames of by hand"][0], self.FRAMES)
        np.testing.assert_array_equal(loaded["baseline, our search"][0], self.FRAMES[:2])
        assert [numbers for _, numbers in loaded.values()] == [None, [0, 3]]

    @pytest.mark.parametrize("painted", [[0, 4], [3, 0], [1, 1], [-1, 2], [], [0.5, 2], [True, 2], "02", [0, 1, 2]])
    def test_pairs_that_can_not_be_are_one_line(self, tmp_path, painted):
        Baseline({"searched": self.FRAMES[:2]}, "", {}, "sum", "stub", 2, [0, 3]).save(tmp_path)
        about = reading.read_json(tmp_path / "about.json")
        files.write_json(tmp_path / "about.json", about | {"painted": painted})
        with pytest.raises(UserError) as caught:
            Baseline.load(tmp_path, 4, 3)
        assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_baseline_that_is_not_to_be_had_is_left_out_and_said(study, tmp_path):  # noqa: F811
    config, workdir = study
    config = config.copy_and_resolve_references()
    shutil.copytree(workdir, tmp_path / "study")
    (tmp_path / "study" / "report.html").unlink()
    config.baseline.generator = str(tmp_path / "nowhere")
    said = dict(Study(config, tmp_path / "study").run_all())
    assert said["baseline"] == f"left out: {tmp_path / 'nowhere'}: no such workdir or file of networks"
    assert done_again(said) == ["baseline", "evaluate", "report"] and said["report"].endswith("report.html")
    assert "without the baseline: there is none yet, or it could not be had" in said["evaluate"]
    assert "there is none yet, or it could not be had" in (tmp_path / "study" / "report.html").read_text()


def given_frames(workdir, folder) -> np.ndarray:
    """The study's frames in negative, as another tool's: pictures in a folder, and as they are."""
    frames = 255 - reading.read_array(workdir / "morphs" / "frames.npy")
    t = reading.read_array(workdir / "morphs" / "t.npy")
    for pair, pictures in enumerate(frames):
        (folder / f"pair_{pair:03d}").mkdir(parents=True)
        for place, picture in zip(t, pictures):
            Image.fromarray(picture).save(folder / f"pair_{pair:03d}" / f"t_{place:.3f}.png")
    return frames


def test_morphs_of_any_tool_are_judged_and_another_baselines_frames_never_are(study, tmp_path):  # noqa: F811
    config, workdir = study
    config = config.copy_and_resolve_references()
    shutil.copytree(workdir, tmp_path / "study")
    frames = given_frames(workdir, tmp_path / "by hand")
    config.baseline.frames = str(tmp_path / "by hand")
    said = dict(Study(config, tmp_path / "study").run_all())
    assert done_again(said) == ["baseline", "evaluate", "report"]
    np.testing.assert_array_equal(reading.read_array(tmp_path / "study" / "baseline" / "given" / "frames.npy"), frames)
    figures = reading.read_json(tmp_path / "study" / "evaluation.json")
    assert "frames of by hand" in figures["competitors"] and "frames of by hand" in {one["name"] for one in figures["verdicts"]}
    assert figures["without"] == []
    page = (tmp_path / "study" / "report.html").read_text()
    assert "frames of by hand" in page and "The frames that were given" in page
    assert done_again(dict(Study(config, tmp_path / "study").run_all())) == []
    # Other pictures under the same name are other frames.
    Image.fromarray(frames[0, 1]).save(tmp_path / "by hand" / "pair_000" / "t_0.000.png")
    assert done_again(dict(Study(config, tmp_path / "study").run_all())) == ["baseline", "evaluate", "report"]
    # Pictures that are gone since then are those that they were.
    (tmp_path / "by hand").rename(tmp_path / "elsewhere")
    assert done_again(dict(Study(config, tmp_path / "study").run_all())) == []
    # Another baseline that can't be had is left out, and so are the frames of the one from before.
    config.baseline.update(frames=str(tmp_path / "nowhere"))
    said = dict(Study(config, tmp_path / "study").run_all())
    assert said["baseline"] == f"left out: config.baseline.frames='{tmp_path / 'nowhere'}': no such folder"
    assert "without the baseline: what lies in baseline/ was made of something else" in said["evaluate"]
    figures = reading.read_json(tmp_path / "study" / "evaluation.json")
    assert not [name for name in figures["competitors"] if "by hand" in name]


class TestAddresses:
    OLD, *KAGGLE, STORE = hub.ADDRESSES["progan-128"]

    def answering(self, folder, *addresses):
        """A site that gives the folder at these addresses and nothing elsewhere, and the addresses that it is asked for."""
        asked = []

        def resolve(address):
            asked.append(address)
            if address not in addresses:
                raise OSError(f"{address}: HTTP Error 404:\n Not Found")
            return str(folder)

        return resolve, asked

    @pytest.fixture
    def module(self, tmp_path):
        (tmp_path / "module").mkdir()
        (tmp_path / "module" / "saved_model.pb").write_bytes(b"")
        return tmp_path / "module"

    def test_a_short_name_is_had_from_the_first_address_that_answers(self, module, capsys):
        for answer, tried in ((self.OLD, [self.OLD]), (self.KAGGLE[0], [self.OLD, self.KAGGLE[0]])):
            resolve, asked = self.answering(module, answer, self.STORE)
            assert hub.folder_of("progan-128", resolve) == module and asked == tried
            assert capsys.readouterr().err == f"gan_jax: {answer} answered for progan-128\n"

    @pytest.mark.parametrize(
        "given", [hub.ADDRESSES["progan-128"][2], "http://kaggle.com/models/google/progan-128/TensorFlow1/progan-128/1/"]
    )
    def test_a_given_address_is_tried_first_and_then_its_other_forms(self, given, module, capsys):
        resolve, asked = self.answering(module, self.STORE)
        assert hub.folder_of(given, resolve) == module
        assert asked == [given, self.OLD, self.KAGGLE[0], self.KAGGLE[2], self.STORE]
        assert capsys.readouterr().err == f"gan_jax: {self.STORE} answered for {given}\n"

    def test_an_address_of_another_module_has_no_other_forms(self, module):
        resolve, asked = self.answering(module)
        with pytest.raises(UserError):
            hub.folder_of("https://tfhub.dev/google/progan-128/2", resolve)
        assert asked == ["https://tfhub.dev/google/progan-128/2"]

    def test_where_none_answers_one_line_names_each_with_its_reason(self, module, tmp_path):
        resolve, _ = self.answering(tmp_path, self.STORE)  # which holds no saved model
        with pytest.raises(UserError) as caught:
            hub.folder_of("progan-128", resolve)
        message = str(caught.value)
        assert "\n" not in message and message.endswith("; a folder with the module would do, as docs/morphs.md says")
        assert f"{self.KAGGLE[-1]} (it: HTTP Error 404: Not Found); {self.STORE} (what it gives holds no saved_model.pb)" in message
        assert all(message.count(f"{address} ") + message.count(f"{address}, ") == 1 for address in hub.ADDRESSES["progan-128"])

    def test_a_folder_is_taken_as_it_is(self, module, tmp_path, monkeypatch, capsys):
        resolve, asked = self.answering(module)
        assert hub.is_module(str(module)) and hub.folder_of(str(module), resolve) == module
        assert hub.is_module("progan-128") and not hub.is_module("progan-256")
        monkeypatch.chdir(tmp_path)
        module.rename("progan-128")  # a folder that is called like a module is meant
        assert hub.is_module("progan-128") and str(hub.folder_of("progan-128", resolve)) == "progan-128"
        (tmp_path / "progan-128" / "saved_model.pb").unlink()
        assert not hub.is_module("progan-128")  # it may be a workdir
        assert not asked and not capsys.readouterr().err


class TestGivenFrames:
    T = np.array([0.0, 0.5, 1.0])

    def folder(self, tmp_path, names):
        for k, name in enumerate(names):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((20, 20, 3), 10 * k, np.uint8)).save(tmp_path / name)
        return tmp_path

    def read(self, folder, pairs=1):
        return given.read(folder, pairs, self.T, 16, "crop", 10**6)[:, :, 0, 0, 0].tolist()

    def test_names_of_several_kinds_are_read_and_others_passed_over(self, tmp_path):
        names = [
            "pair_000/t_0.000.png",
            "a/pair-0-t-0.5.jpg",
            "PAIR0_T1.webp",
            "pair_007_t_0.500.png",
            "notes_t_0.5.png",
            "pair_0/t_0.25.png",
        ]
        read = self.read(self.folder(tmp_path, names))
        assert read[0] == pytest.approx([0, 10, 20], abs=2)

    def test_a_table_says_where_any_names_belong(self, tmp_path):
        folder = self.folder(tmp_path, ["x.png", "y.png", "z.png"])
        (folder / "frames.csv").write_text("file,pair,t\nz.png,0,0\ny.png,0,0.5\nx.png,0,1\n")
        assert self.read(folder) == [[20, 10, 0]]
        (folder / "frames.csv").write_text("file,pair,t\nz.png,none,0\n")
        with pytest.raises(UserError, match="frames.csv: row 1: it should have file, pair"):
            self.read(folder)
        (folder / "frames.csv").write_text("file,pair,t\nz.png,0,0\ny.png,0,0\n")
        with pytest.raises(UserError, match="y.png: pair 0 at t = 0 is z.png as well"):
            self.read(folder)

    def test_nothing_outside_of_the_folder_is_read(self, tmp_path):
        folder = self.folder(tmp_path / "inside", ["x.png", "y.png", "z.png"])
        (folder / "z.png").rename(tmp_path / "z.png")
        for elsewhere in ("../z.png", str(tmp_path / "z.png"), "link.png"):
            (folder / "frames.csv").write_text(f"file,pair,t\n{elsewhere},0,0\ny.png,0,0.5\nx.png,0,1\n")
            (folder / "link.png").unlink(missing_ok=True)
            (folder / "link.png").symlink_to(tmp_path / "z.png")
            with pytest.raises(UserError, match="leads out of config.baseline.frames"):
                self.read(folder)

    def test_what_is_missing_is_named(self, tmp_path):
        folder = self.folder(tmp_path, ["pair_000/t_0.000.png", "pair_000/t_0.500.png", "pair_000/t_1.000.png", "pair_001/t_0.000.png"])
        with pytest.raises(UserError, match="pair 1 at t = 0.500 is missing, 2 of 6 frames in all"):
            self.read(folder, 2)
        (folder / "pair_000" / "t_0.500.png").write_bytes(b"no picture")
        with pytest.raises(UserError, match="t_0.500.png: "):
            self.read(folder)
        with pytest.raises(UserError, match="no image is named like pair_000/t_0.500.png"):
            given.listed(self.folder(tmp_path / "none", ["a.png"]))


@pytest.mark.parametrize("images", [",", " , ,"])
def test_images_that_name_none_are_one_line(images):
    with pytest.raises(UserError, match="--images=.*names no image"):
        alone.named(images)


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
    rows = reading.read_csv(tmp_path / "inversion" / "inversion.csv")
    assert [row["file"] for row in rows] == [str(pictures_of / "a.png"), str(pictures_of / "b.png")]
    assert {row["verdict"] for row in rows} <= {"inside", "near", "outside"}
    assert reading.read_array(tmp_path / "inversion" / "latents.npy").shape == (2, 9)  # the year is behind the latents

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
    of_study = reading.read_array(workdir / "samples" / "generated.npy")  # seeds 0 to 31
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
