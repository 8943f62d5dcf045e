"""The settings as people read them, and what a shell makes of them."""

import json
import pathlib
import subprocess

import pytest

from gan_jax import __main__ as command
from gan_jax import completion, default_config, fields
from gan_jax.study import flatten

ROOT = pathlib.Path(__file__).parents[1]


def test_every_setting_is_there_once_with_its_default():
    config = flatten(default_config.get_config().to_dict())
    found = {field.name: field for field in fields.fields()}
    assert len(found) == len(fields.fields())
    resolved = {name for name in config if not name.rsplit(".", 1)[-1].removeprefix("r").isdigit()}  # those by resolution stand as one
    assert resolved <= found.keys()
    for name in resolved:
        assert same(found[name].default, config[name]), name
    assert found["training.r1_every"].about.startswith("steps; with more")
    assert found["narrowing.works"].default == "100" and found["collection.periods.early"].default == '"..1883"'


def same(text: str, value) -> bool:
    """Whether Python's text for a value is of this one."""
    if isinstance(value, bool):
        return text == str(value)
    if isinstance(value, (int, float)):
        return float(text) == value
    if isinstance(value, list):
        return text.replace("(", "[").replace(",)", "]").replace(")", "]") == json.dumps(value)
    return text == json.dumps(value)


def test_the_page_of_settings_is_what_the_config_says():
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == fields.page(), "python -m gan_jax.fields > docs/settings.md"


@pytest.mark.parametrize(
    "typed, offered",
    [
        ("gan-jax re", {"report"}),
        ("gan-jax train --work", {"--workdir="}),
        ("gan-jax train --config.training.r1", {"--config.training.r1=", "--config.training.r1_every="}),
        ("gan-jax study --config=van", {"van_gogh.py", "van_gogh_dcgan.py", "van_gogh_pggan.py"}),
    ],
)
def test_a_shell_completes_verbs_and_settings(typed, offered):
    script = completion.script(command.VERBS, ["config", "workdir"], (field.name for field in fields.fields()))
    last = typed.split()[-1].split("=")[-1]
    ask = f"""
COMP_LINE='{typed}' COMP_POINT={len(typed)} COMP_CWORD=1
COMP_WORDS=(gan-jax '{last}')
_gan_jax
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    told = subprocess.run(["bash", "-c", script + ask], capture_output=True, text=True, check=True, cwd=ROOT / "configs")
    assert set(told.stdout.split()) == offered
