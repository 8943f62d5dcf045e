"""The table of settings, what is made from it, and what a shell makes of that."""

import dataclasses
import json
import math
import pathlib
import shutil
import subprocess

import pytest
from command import command
from ml_collections import ConfigDict

from gan_jax import __main__ as program
from gan_jax import completion, default_config, demo_config, settings, shipped_configs
from gan_jax.collection import aspect
from gan_jax.config import check, flatten, rename, renamed, renamed_flags
from gan_jax.errors import UserError
from gan_jax.fields import taken
from gan_jax.latents import paths, search, tuning
from gan_jax.models import networks
from gan_jax.models.likeness import Weights
from gan_jax.models.networks import LABELS
from gan_jax.morphing import films
from gan_jax.settings import BY_NAME, SETTINGS
from gan_jax.study import Study
from gan_jax.training import augmentation, losses
from gan_jax.training.settings import StepSettings

ROOT = pathlib.Path(__file__).parents[1]


def changed(**fields) -> ConfigDict:
    """The default config with other values: section__field=value."""
    config = default_config.get_config()
    for name, value in fields.items():
        *sections, last = name.split("__")
        branch = config
        for section in sections:
            branch = branch[section]
        with branch.ignore_type():
            branch[last] = value
    return config


def test_the_default_config_has_every_field_of_the_table_once():
    assert sorted(name for field in SETTINGS for name in field.names) == sorted(flatten(default_config.get_config().to_dict()))
    for field in SETTINGS:
        assert field.about and not field.fault(field.default), field.name
        assert isinstance(field.default, field.kind), field.name
        assert (field.bounds is None) == (field.kind not in (int, float) or bool(field.choices)), f"{field.name}: a number without bounds"
    narrowing, early = BY_NAME["narrowing.paintings"], BY_NAME["collection.periods.early"]
    assert narrowing.default == 100 and early.default == "..1883"


@pytest.mark.parametrize(
    "name", [*(name for name, _ in shipped_configs.listed()), "demo:width=64", "demo:resolution=64", "van_gogh:resolution=32"]
)
def test_the_configs_that_come_with_the_program_are_such_as_it_takes(name):
    told = command("prepare", f"--config={name}", "--workdir=/dev/null/x")
    assert "no folder can be made there" in told.stderr  # which is asked after the config is checked


@pytest.mark.parametrize(
    "kind, section, given",
    [
        (StepSettings, "training", {"seed"}),
        (search.Settings, "inversion", {"weights"}),
        (tuning.Settings, "tuning", {"weights"}),
        (films.Settings, "morphing", set()),
        (Weights, "inversion", set()),
        (Weights, "tuning", set()),
    ],
)
def test_what_the_code_takes_has_the_types_of_the_table(kind, section, given):
    for field in dataclasses.fields(kind):
        if field.name not in given:
            of_table = BY_NAME[f"{section}.{field.name}"].kind
            assert field.type is of_table or (of_table is tuple and str(field.type).startswith("tuple[")), field.name


def test_a_dataclass_takes_what_is_called_like_its_fields():
    config = changed(inversion__pixels=2.0, inversion__structure=0.25)
    assert taken(Weights, config.inversion, features=7.0) == Weights(2.0, 0.25, 7.0)


@pytest.mark.parametrize(
    "name, there",
    [
        ("collection.fit", aspect.FITS),
        ("morphing.path", paths.PATHS),
        ("morphing.easing", paths.EASINGS),
        ("sampling.period", ("", *LABELS)),
        ("training.period", ("", *LABELS)),
        ("training.loss", losses.LOSSES),
        ("training.augment_kinds", augmentation.KINDS),
    ],
)
def test_the_choices_are_those_that_the_code_has(name, there):
    assert BY_NAME[name].choices == tuple(there)


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"inversion__steps": 0}, "config.inversion.steps=0: a whole number from 1 to 1,000,000 is needed"),
        ({"inversion__steps": 2.5}, "config.inversion.steps=2.5: a whole number from 1"),
        ({"inversion__steps": "many"}, "config.inversion.steps='many': a whole number from 1"),
        ({"inversion__steps": True}, "config.inversion.steps=True: a whole number from 1"),
        ({"training__total_kimg": math.nan}, "config.training.total_kimg=nan: a number from 0 to 2,000,000 is needed"),
        ({"training__r1": -0.5}, "config.training.r1=-0.5: a number of 0 or more is needed"),
        ({"training__learning_rate": "0.1"}, "config.training.learning_rate='0.1': a number of 1e-12 or more is needed"),
        ({"training__batch_size_by_resolution__r8": -1}, "config.training.batch_size_by_resolution.r8=-1: a whole number from 0"),
        ({"training__batch_size": 0}, "config.training.batch_size=0: a whole number from 1 to 1,048,576"),
        ({"training__learning_rate": -1.0}, "config.training.learning_rate=-1.0: a number of 1e-12 or more is needed"),
        ({"training__loss": "wgan"}, f"config.training.loss='wgan': there is {', '.join(map(repr, losses.LOSSES))}"),
        ({"training__precision": "float16"}, "config.training.precision='float16': there is 'auto', 'float32', 'bfloat16'"),
        ({"training__mirror": "yes"}, "config.training.mirror='yes': True or False is needed"),
        ({"training__augment_kinds": ("rotation",)}, r"config.training.augment_kinds=.*: no 'rotation'; there is 'colour'"),
        ({"model__name": "stylegan"}, f"config.model.name='stylegan': there is {', '.join(map(repr, networks.NETWORKS))}"),
        ({"collection__resolution": 48}, "config.collection.resolution=48: there is 16, 32, 64, 128, 256, 512, 1024"),
        ({"collection__fit": "stretch"}, "config.collection.fit='stretch': there is 'crop', 'pad', 'squash'"),
        ({"collection__source": "web"}, "config.collection.source='web': there is 'painter', 'folder', 'tfds'"),
        ({"collection__near_duplicates": 65}, "config.collection.near_duplicates=65: a whole number from -1 to 64"),
        ({"collection__near_duplicates": 0.97}, "config.collection.near_duplicates=0.97: a whole number from -1 to 64"),
        ({"collection__near_duplicates": None}, "config.collection.near_duplicates=None: a whole number from -1 to 64"),
        ({"collection__table": 3}, "config.collection.table=3: a text is needed"),
        ({"collection__periods__early": "soon"}, "config.collection.periods.early='soon': not a span of years"),
        ({"morphing__frames": 1}, "config.morphing.frames=1: a whole number from 2 to 1000"),
        ({"morphing__easing": "bumpy"}, "config.morphing.easing='bumpy': there is 'none', 'smooth'"),
        ({"morphing__assignment": "pairs"}, "config.morphing.assignment='pairs': there is 'one-to-one', 'many-to-one'"),
        ({"morphing__playback": "back"}, "config.morphing.playback='back': there is 'there-and-back', 'loop'"),
        ({"morphing__formats": ("gif", "avi")}, "config.morphing.formats=.*: no 'avi'; there is 'gif', 'mp4', 'webp'"),
        ({"morphing__formats": "gif"}, r"config.morphing.formats='gif': several are needed, as in \(\"gif\", \"mp4\"\)"),
        ({"evaluation__features": ()}, r"config.evaluation.features=\[\]: at least 1 is needed"),
        ({"evaluation__features": ("keras:",)}, "config.evaluation.features=.*: no 'keras:'; there is .*'keras:NAME'"),
        ({"benchmark__resolutions": (64, 65)}, "config.benchmark.resolutions=.*: no 65; there is 4, 8"),
        ({"training__paintingz": 1.0}, "config.training.paintingz: no such field; did you mean config.training.paintings"),
    ],
)  # fmt: skip
def test_a_field_that_can_not_be_is_one_line(fields, message):
    with pytest.raises(UserError, match=message):
        check(changed(**fields))


def test_what_is_within_bounds_is_taken():
    named = ("texture", "inception:/folder", "keras:ConvNeXtTiny")
    config = changed(training__paintings=3, inversion__noise=100.0, evaluation__features=named, collection__periods__paris="1886")
    check(config)
    assert config.training.paintings == 3 and config.evaluation.features == named


def test_a_config_of_its_own_that_lacks_a_field_is_one_line():
    config = default_config.get_config()
    del config.inversion.patience
    with pytest.raises(UserError, match="config.inversion.patience: missing; a config begins with"):
        check(config)


def test_a_wrong_value_on_the_command_line_says_what_would_be_right(tmp_path):
    for word, message in {
        "--config.training.batch_size=many": "config.training.batch_size='many': a whole number from 1 to 1,048,576 is needed",
        "--config.training.r1=much": "config.training.r1='much': a number of 0 or more is needed",
        "--config.training.mirror=often": "config.training.mirror='often': True or False is needed",
    }.items():
        assert command("train", f"--workdir={tmp_path}", word).stderr == f"gan_jax: {message}\n"


def test_former_names_and_values_are_understood(capfd):
    flags = ["train", "--config.training.when_sick=back", "--config.training.works=0", "--config.training.r1=0", "--workdir=x"]
    now = ["--config.training.on_divergence=rollback", "--config.training.paintings=0"]
    assert renamed_flags(flags) == ["train", *now, *flags[3:]]
    assert renamed_flags(["-config.training.when_sick", "stop"]) == ["-config.training.on_divergence", "stop"]
    written = {"seed": 1, "training": {"when_sick": "back", "works": 0.0}}
    assert renamed(written, "x/config.json") == {"seed": 1, "training": {"on_divergence": "rollback", "paintings": 0.0}}
    assert renamed(renamed(written, ""), "y") == renamed(written, "")
    for fields in ({"training__when_sick": "back"}, {"training__on_divergence": "back"}):  # as a config file of its own may have it
        config = changed(**fields)
        check(config.lock())
        assert config.training.on_divergence == "rollback" and "when_sick" not in config.training
    config = changed(training__works=3.0, training__works_rate=0.5)
    rename(config, ["--config.training.paintings=0", "--config.seed=2"])
    assert (config.training.paintings, config.training.paintings_rate) == (0.0, 0.5)  # what the command line says counts
    said = capfd.readouterr().err.splitlines()
    assert said[0] == "gan_jax: config.training.when_sick=back is called config.training.on_divergence=rollback now"
    of_config = "config.training.when_sick=back is called config.training.on_divergence=rollback now"
    assert f"gan_jax: x/config.json: {of_config}; config.training.works=0.0 is called config.training.paintings=0.0 now" in said


def test_a_workdir_from_before_a_field_had_its_name_is_complete(tmp_path, capfd):
    """`old_config.json` was written by an earlier version, with fingerprints of its own making."""
    config = demo_config.get_config()
    config.training.update(augment="none", total_kimg=150.0)  # as the demo was then
    config.model.update(smooth_discriminator=False, convolutions=1, convolutions_up_to=0)
    config.collection.update(resolution=16, min_paintings=8)
    config.collection.painter.paintings = 48
    Study(config, tmp_path).run("prepare")
    shutil.copy(ROOT / "tests" / "old_config.json", tmp_path / "config.json")
    capfd.readouterr()
    config.training.on_divergence = "rollback"
    assert Study(config, tmp_path).run("prepare").startswith("complete")
    told = capfd.readouterr().err
    assert told.startswith(f"gan_jax: {tmp_path / 'config.json'}: config.collection.min_works=8 is called config.collection.min_paint")
    assert "; config.training.when_sick=back is called config.training.on_divergence=rollback now; " in told and told.count("\n") == 1
    config.collection.painter.paintings = 47
    with pytest.raises(UserError, match="config.collection.painter.paintings is 48 there and 47 here"):
        Study(config, tmp_path)


def test_a_value_of_any_length_makes_a_short_line(tmp_path):
    long = "<b>" * 1000
    with pytest.raises(UserError) as given:
        check(changed(training__augment=long))
    with pytest.raises(UserError) as listed:
        check(changed(training__augment_kinds=("colour", long)))
    (tmp_path / "collection").mkdir()
    there = default_config.get_config().to_dict() | {"training": {"augment": long}}
    (tmp_path / "config.json").write_text(json.dumps({"config": there, "stages": {}}))
    with pytest.raises(UserError) as found:
        Study(default_config.get_config(), tmp_path)
    for said in map(str, (given.value, listed.value, found.value)):
        assert "training.augment" in said and "<b><b>" in said and len(said) < 800


def test_a_workdir_may_differ_in_how_often_to_look_and_in_further_periods():
    assert settings.may_change("training.log_every_kimg") and settings.may_change("collection.periods.paris")
    assert not settings.may_change("training.learning_rate") and not settings.may_change("collection.periods.early")
    # What came later, and does what was done before, is no part of a fingerprint.
    assert settings.is_as_before("training.discriminator_rate", 1.0) and not settings.is_as_before("training.discriminator_rate", 0.5)
    assert not settings.is_as_before("training.learning_rate", 0.0002) and not settings.is_as_before("collection.periods.paris", "1886")
    assert settings.as_before()["collection.uncertain"] == "keep" and settings.as_before()["training.paintings"] == 0.0


def test_the_page_of_settings_is_what_the_table_says():
    page = settings.page()
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == page, "python -m gan_jax.settings > docs/settings.md"
    listed = ", ".join(map(json.dumps, losses.LOSSES))
    assert f'| `training.loss` | `"non-saturating"` | `{listed}` |' in page
    assert "| `inversion.steps` | `150` | 1 to 1,000,000 |" in page and "| `training.precision` * |" in page


@pytest.mark.parametrize(
    "typed, offered",
    [
        ("gan-jax re", {"report"}),
        ("gan-jax train --work", {"--workdir="}),
        ("gan-jax train --config.training.r1", {"--config.training.r1=", "--config.training.r1_every="}),
        ("gan-jax train --config.training.batch_size_by_resolution.r2", {"--config.training.batch_size_by_resolution.r256="}),
        ("gan-jax study --config=van", {"van_gogh.py", "van_gogh_dcgan.py", "van_gogh_pggan.py"}),
    ],
)  # fmt: skip
def test_a_shell_completes_verbs_and_settings(typed, offered):
    script = completion.script(program.VERBS, ["config", "workdir"], BY_NAME)
    last = typed.split()[-1].split("=")[-1]
    ask = f"""
COMP_LINE='{typed}' COMP_POINT={len(typed)} COMP_CWORD=1
COMP_WORDS=(gan-jax '{last}')
_gan_jax
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    told = subprocess.run(["bash", "-c", script + ask], capture_output=True, text=True, check=True, cwd=ROOT / "configs")
    assert set(told.stdout.split()) == offered
