"""What a stage depends on is what its code has read of the config: noted as it reads, and nothing is written by hand."""

import ast
import hashlib
import json
import pathlib
import shutil

import published
import pytest
from ml_collections import ConfigDict
from test_study import study  # noqa: F401 (a fixture)
from tiny import tiny_config

from gan_jax import files, reading
from gan_jax import study as studies
from gan_jax.config import flatten
from gan_jax.noted import Noted, looked_up
from gan_jax.settings import may_change
from gan_jax.stages.order import STAGES
from gan_jax.standing import BY_CONTENT, FOUNDATION, Standing
from gan_jax.study import Study

# Training depends on the whole of its sections, the study has no baseline, and the page is made of what lies in the workdir.
STAGES_THAT_READ = tuple(name for name in STAGES if name not in ("train", "baseline", "report"))
SETTINGS = {"sample": "sampling", "morph": "morphing"}  # what `settings` are in their sources
SOURCES = pathlib.Path(studies.__file__).parent / "stages"


@pytest.fixture
def copy(study, tmp_path, monkeypatch):  # noqa: F811
    """The study's config and a copy of its workdir, whose checkpoints and pictures stay as they are and are not looked at again."""
    config, workdir = study
    workdir = pathlib.Path(shutil.copytree(workdir, tmp_path / "copy"))
    latest, checksum = Study(config, workdir)._there.latest(), Study(config, workdir)._there.checksum()
    monkeypatch.setattr(Standing, "latest", lambda self: latest)
    monkeypatch.setattr(Standing, "checksum", lambda self: checksum)
    return config.copy_and_resolve_references(), workdir


def another(value):
    """A value of the same type that differs."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "x"
    return (*value, "x") if isinstance(value, tuple) else value + 1


def fingerprint(config, workdir, stage):
    return Study(config, workdir, accept_changes=True)._there.fingerprint(stage)


def test_what_is_read_is_noted_and_the_rest_is_not():
    config = ConfigDict({"seed": 3, "a": {"x": 1, "y": (1, 2), "z": {"deep": "d"}}, "b": {"p": 1, "q": 2}, "c": {"r": 1}})
    noted = Noted(config)
    section = noted.a
    assert not noted.names_read
    assert (noted.seed, section["x"], section.z.deep, noted.names_read) == (3, 1, "d", {"seed", "a.x", "a.z.deep"})
    assert noted.b.to_dict() == {"p": 1, "q": 2} and noted.names_read == {"seed", "a.x", "a.z.deep", "b"}
    assert sorted(noted.c) == ["r"] and "s" not in noted.c and noted.names_read >= {"c"}
    assert list(Noted(config).c.items()) == [("r", 1)]
    with pytest.raises(AttributeError, match="nothing"):
        _ = noted.a.nothing
    with pytest.raises(KeyError):
        _ = noted["nothing"]
    with pytest.raises((AttributeError, TypeError)):
        noted["a"]["x"] = 2


def test_values_of_fields_and_sections_are_looked_up_and_what_is_gone_says_what_it_said():
    config = {"a": {"x": 1, "y": (1, 2)}, "b": {"p": 1}}
    said = looked_up(config, ["a.x", "b", "a.gone", "gone.too"], {"a.gone": 7})
    assert said == {"a.x": 1, "b": {"p": 1}, "a.gone": 7, "gone.too": None}
    assert flatten(said | {"a.y": (1, 2)}) == {"a.x": 1, "b.p": 1, "a.gone": 7, "gone.too": None, "a.y": [1, 2]}


@pytest.mark.parametrize("stage", STAGES_THAT_READ)
def test_a_field_that_a_stage_names_changes_its_fingerprint(copy, stage, monkeypatch):
    """Every field that stands in the source of the stage; those that change nothing of what is made apart."""
    config, workdir = copy
    monkeypatch.setattr(studies, "check", lambda config: None)
    tree = ast.parse((SOURCES / f"{stage}.py").read_text(encoding="utf-8"))
    named = {ast.unparse(node).removeprefix("config.") for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    if stage in SETTINGS:
        named |= {name.replace("settings.", f"{SETTINGS[stage]}.") for name in named if name.startswith("settings.")}
    named = {name for name in named & set(flatten(config.to_dict())) if not may_change(name) and name not in BY_CONTENT}
    assert named
    before = fingerprint(config, workdir, stage)
    for name in sorted(named):
        changed = config.copy_and_resolve_references()
        section, _, field = name.rpartition(".")
        settings = changed[section] if section else changed
        with settings.ignore_type():
            settings[field] = another(settings[field])
        assert fingerprint(changed, workdir, stage) != before, name


def test_what_was_noted_is_what_stages_read_and_changing_any_of_it_is_noticed(copy, monkeypatch):
    config, workdir = copy
    monkeypatch.setattr(studies, "check", lambda config: None)
    stages = reading.read_json(workdir / "config.json")["stages"]
    assert {"sampling.images", "morphing.formats", "sampling.walk"} <= stages["sample"]["reads"].keys()
    assert {"seed", "inversion.steps", "collection.fit"} <= stages["invert"]["reads"].keys()
    assert {"seed", "tuning.steps", "morphing.path", "collection.fit"} <= stages["morph"]["reads"].keys()
    assert {"collection", "morphing.colour", "sampling.images"}.isdisjoint(stages["invert"]["reads"])
    assert "training.loss" not in {field for stage in STAGES_THAT_READ for field in stages[stage]["reads"]}
    for stage in STAGES_THAT_READ:
        before = fingerprint(config, workdir, stage)
        for name in stages[stage]["reads"]:
            section, _, field = name.rpartition(".")
            changed = config.copy_and_resolve_references()
            settings = changed[section] if section else changed
            if isinstance(settings[field], ConfigDict) or name in BY_CONTENT:
                continue
            with settings.ignore_type():
                settings[field] = another(settings[field])
            assert (fingerprint(changed, workdir, stage) == before) == may_change(name), (stage, name)


def test_training_reads_nothing_that_it_does_not_depend_on(copy):
    config, workdir = copy
    noted = Noted(config)
    stage = STAGES["train"]
    stage.run(noted, workdir, {"collection": Study(config, workdir)._there.checksum()})
    assert {"training.batch_size", "model.name", "seed"} <= noted.names_read
    assert {name.split(".")[0] for name in noted.names_read} <= set(FOUNDATION)


def test_other_formats_of_films_make_again_what_has_films(copy):
    config, workdir = copy
    config.morphing.formats = ("webp",)
    standing = Study(config, workdir).standing()
    assert [name for name, stands in standing.items() if not stands] == ["sample", "morph", "evaluate", "report"]
    config.morphing.formats = ("gif", "mp4")
    config.sampling.update(walk=0)
    standing = Study(config, workdir).standing()
    assert [name for name, stands in standing.items() if not stands] == ["sample", "evaluate", "report"]


# Former names of fields that stages depend on.
CALLED = {"collection.min_paintings": "collection.min_works", "collection.painter.paintings": "collection.painter.works"}
CALLED |= {f"training.paintings{of}": f"training.works{of}" for of in ("", "_batch", "_rate", "_spread", "_detail")}


def old_fingerprints(config, checksum, latest):
    """By stage, what the program wrote before it noted anything: as it did then, section by section."""
    sections = {
        "prepare": ("collection",), "train": ("seed", "collection", "model", "training"), "sample": ("sampling",), "invert": ("inversion",),
        "morph": ("tuning", "morphing"), "evaluate": ("evaluation",), "report": (),
    }  # fmt: skip
    needs = {"train": ["prepare"], "sample": ["train"], "invert": ["train"], "morph": ["invert"], "evaluate": ["sample", "morph"],
             "report": ["evaluate"]}  # fmt: skip
    new = {"collection.period_column": "", "training.learning_rate_decay": 0.0, "training.discriminator_rate": 1.0,
           "training.augment_colour": 1.0, "training.works_spread": 0.0, "model.excitation": False,
           "model.convolutions": 1, "model.convolutions_up_to": 0, "model.smooth_discriminator": False,
           "model.local_contrast": False, "model.batch_norm": False, "model.noise_from": 0,
           "training.discriminator_slowing": 0.0, "training.projected_discriminator": 0.0, "training.projected_rate": 1.0,
           "training.paintings_forms": 0.0, "training.projected_resolution": 128, "training.projected_share": 1.0}  # fmt: skip
    flat, made = {CALLED.get(name, name): value for name, value in flatten(config.to_dict()).items()}, {}
    for name, of in sections.items():
        reads = {k: v for k, v in flat.items() if k.split(".")[0] in of and not may_change(k) and not (k in new and new[k] == v)}
        parts = [reads] + [made[need] for need in needs.get(name, [])]
        parts += [checksum, latest] if name == "train" else []
        made[name] = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    return made


def test_a_workdir_from_before_anything_was_noted_stays_complete(copy):
    config, workdir = copy
    record = reading.read_json(workdir / "config.json")
    now = Study(config, workdir)
    before = old_fingerprints(config, now._there.checksum(), now._there.latest())
    for name, fingerprint in before.items():
        record["stages"][name]["fingerprint"] = fingerprint
        del record["stages"][name]["reads"]
    files.write_json(workdir / "config.json", record)

    def standing():  # of the stages that there were before
        return {name: stands for name, stands in Study(config, workdir).standing().items() if name in {*before, "baseline"}}

    assert all(standing().values())
    # What is made again is made as it is now, and what comes after it still stands where its settings are those that they were.
    (workdir / "samples" / "final.png").unlink()
    Study(config, workdir).run("sample")
    assert "reads" in reading.read_json(workdir / "config.json")["stages"]["sample"]
    assert all(standing().values())
    config.morphing.path = "linear"
    assert [name for name, stands in standing().items() if not stands] == ["morph", "evaluate", "report"]


def test_a_workdir_by_former_names_stays_complete_and_a_change_is_noticed(copy, capfd):
    def formerly(tree, prefix=""):
        made = {key: formerly(value, f"{prefix}{key}.") if isinstance(value, dict) else value for key, value in tree.items()}
        return {CALLED.get(f"{prefix}{key}", f"{prefix}{key}").removeprefix(prefix): value for key, value in made.items()}

    config, workdir = copy
    record = reading.read_json(workdir / "config.json")
    assert CALLED.keys() >= {name for name in record["stages"]["prepare"]["reads"] if name.endswith("paintings")} > set()
    record["config"] = formerly(record["config"])
    for stage in record["stages"].values():
        stage["reads"] = {CALLED.get(name, name): value for name, value in stage["reads"].items()}
    files.write_json(workdir / "config.json", record)
    assert all(Study(config, workdir).standing().values())
    assert "config.collection.min_works=8 is called config.collection.min_paintings=8 now; " in capfd.readouterr().err
    config.collection.min_paintings = 9
    assert not Study(config, workdir, accept_changes=True)._there.stands("prepare")


def test_a_field_that_is_gone_says_nothing_any_more(copy):
    config, workdir = copy
    record = reading.read_json(workdir / "config.json")
    stage = record["stages"]["sample"]
    stage["reads"]["sampling.gone"] = 3
    files.write_json(workdir / "config.json", record)
    stage["fingerprint"] = fingerprint(config, workdir, "sample")
    files.write_json(workdir / "config.json", record)
    assert Study(config, workdir)._there.stands("sample")


def test_with_a_published_network_another_seed_is_another_inversion(tmp_path):
    config = tiny_config()
    (tmp_path / "network.pkl").write_bytes(published.file())
    config.generator = str(tmp_path / "network.pkl")
    for name in ("prepare", "invert"):
        Study(config, tmp_path / "study").run(name)
    assert Study(config, tmp_path / "study")._there.stands("invert")
    (tmp_path / "network.pkl").rename(tmp_path / "moved.pkl")
    config.generator = str(tmp_path / "moved.pkl")
    assert Study(config, tmp_path / "study")._there.stands("invert")  # the very same networks
    config.seed += 1
    assert not Study(config, tmp_path / "study", accept_changes=True)._there.stands("invert")
