"""What is said before anything is done."""

import re

import pytest
from test_training import tiny

from gan_jax.stages.plan import duration, plan


def test_the_plan_says_what_will_be_trained_in_what_time():
    config = tiny(total_kimg=1.6)
    config.model.name, config.collection.resolution = "dcgan", 16
    said = []
    plan(config, {"prepare": True, "train": False}, said.append)
    assert said[0].split() == ["prepare", "complete"] and said[1].split() == ["train", "to", "do"]
    level = re.search(r"16 px: +1.6 thousand images in batches of 16, ([\d,]+) a second, (\d+) seconds; ([\d.]+) GiB a device", said[3])
    rate, seconds = float(level[1].replace(",", "")), float(level[2])
    assert abs(1600 / rate - seconds) <= 0.5 + 0.01 * seconds  # as they are rounded
    assert f"training takes {level[2]} seconds here" in said[4]


def test_nothing_is_measured_where_nothing_is_to_be_trained():
    said = []
    plan(tiny(), {"train": True, "sample": False}, said.append)
    assert len(said) == 2


@pytest.mark.parametrize(
    "seconds, said", [(5, "5 seconds"), (89, "89 seconds"), (91, "1.5 minutes"), (7200, "2.0 hours"), (2e5, "2.3 days")]
)
def test_durations_are_read_at_a_glance(seconds, said):
    assert duration(seconds) == said
