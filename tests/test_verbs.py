"""The verbs, and the flags that each has."""

import subprocess
import sys

import pytest
from absl import flags
from command import ROOT, command

from gan_jax.stages.order import STAGES
from gan_jax.verbs import VERBS, Flag, every_flag


def test_every_stage_can_be_asked_for():
    assert STAGES.keys() <= VERBS.keys()
    assert all(name == verb.name for name, verb in VERBS.items())


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_says_what_it_takes(verb):
    told = command(verb, "--help")
    assert told.returncode == 0 and told.stdout.startswith(f"{verb}: {VERBS[verb].about}\n")
    listed = {line.split(":")[0].strip() for line in told.stdout.splitlines() if line.startswith("  --") and ":" in line.split()[0]}
    assert listed == {f"--{flag.name}" for flag in VERBS[verb].flags}
    assert {*listed} <= {f"--{name}" for name in every_flag()}
    shown = [line for line in told.stdout.splitlines() if line.startswith("  --config.")]
    assert {line.split(".")[1].split()[0] for line in shown} == set(VERBS[verb].sections)


@pytest.mark.parametrize(
    "flag, word, value",
    [
        (Flag("f", False, "of it"), "--f", True),
        (Flag("f", -1, "of it"), "--f=3", 3),
        (Flag("f", 0.0, "of it"), "--f=1.5", 1.5),
        (Flag("f", "", "of it"), "--f=x", "x"),
        (Flag("f", "a", "of it", ("a", "b")), "--f=b", "b"),
    ],
)
def test_a_flag_has_the_type_of_its_default(flag, word, value):
    for words, expected in (((), flag.default), ((word,), value)):
        values = flags.FlagValues()
        flag.define(values)
        values(["program", *words])
        assert values.f == expected and type(values.f) is type(expected)
    values = flags.FlagValues()
    Flag("f", "a", "of it", ("a", "b")).define(values)
    with pytest.raises(flags.Error, match="should be one of"):
        values(["program", "--f=c"])


def test_help_waits_for_neither_jax_nor_what_reads_dates():
    check = "import sys, gan_jax.__main__; assert not {'jax', 'flax', 'scipy', 'gan_jax.collection.dates'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-W", "ignore", "-c", check], cwd=ROOT, check=True, timeout=600)
