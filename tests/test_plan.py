"""What is said before anything is done."""

import dataclasses
import re

import pytest
from command import command
from tiny import tiny_config

from gan_jax.forecast import estimates
from gan_jax.forecast.counts import Paintings
from gan_jax.forecast.plan import brief, described, duration, plan, rehearsal_of
from gan_jax.forecast.rehearsal import Part, Rehearsal, Unknown
from gan_jax.stages.common import search_settings
from gan_jax.stages.order import STAGES


def rehearsed(config, **given) -> Rehearsal:
    return Rehearsal(config, Paintings.of_painter(config.collection, config.morphing), **given)


@pytest.fixture(scope="module")
def real():
    """What is said of a tiny study of which the collection is there, and the seconds of each stage."""
    config, said = tiny_config(), []
    config.baseline.generator = "nowhere"
    known = plan(config, {name: name == "prepare" for name in STAGES}, rehearsed(config), said.append)
    return "\n".join(said), known


def test_each_stage_that_is_to_do_is_timed(real):
    said, known = real
    assert re.search(r"^prepare +complete$", said, re.MULTILINE)
    assert list(known) == [name for name in STAGES if name not in ("prepare", "baseline")]
    for name, seconds in known.items():
        assert f"{name:<9} to do: {duration(seconds)}" in said and seconds > 0
    assert f"in all    {duration(sum(known.values()))} here, beside baseline" in said


def test_what_cannot_be_known_is_said_with_its_reason(real):
    assert re.search(r"^baseline +to do: unknown yet; nowhere", real[0], re.MULTILINE)


def test_a_stage_rests_on_counts_of_the_config(real):
    # 128 images in batches of 16. The paintings have latents of their own, so nothing is searched.
    config = tiny_config()
    painted, of_pairs = config.sampling.images + 8 * 11, rehearsed(config).paintings.pairs * config.morphing.frames
    for part in ("steps of 16 images at 16 px: 8", f"images painted: {painted}"):
        assert re.search(rf"^ +{part} of ", real[0], re.MULTILINE), part
    assert re.search(rf"^ +frames of \d+ pairs: {of_pairs} of ", real[0], re.MULTILINE)
    assert "GiB a device, compiled in" in real[0] and "search steps" not in real[0]


def test_searches_are_timed_where_paintings_have_no_latents_of_their_own():
    # 40 searches of 4 steps, 16 at once and 16 in each round.
    here, settings = rehearsed(tiny_config()), search_settings(tiny_config())
    _, steps = estimates.search(here, here.generator, dataclasses.replace(settings, batch_size=16, steps=4), 20, 40)
    assert steps.count == 3 * 4 and steps.each > 0 and steps.what.startswith("search steps of 16 latents")


def test_seconds_add_up_from_counts_and_what_is_done_once(monkeypatch):
    parts = {name: [Part("things", 10 * i, 0.5, 2.0), Part("others", 4, 0.25)] for i, name in enumerate(STAGES)}
    monkeypatch.setattr(estimates, "STAGES", {name: lambda here, name=name: parts[name] for name in STAGES})
    said = []
    known = plan(tiny_config(), dict.fromkeys(STAGES, False), rehearsed(tiny_config()), said.append)
    assert known == {name: 5.0 * i + 3.0 for i, name in enumerate(STAGES)}
    minutes = sum(5 * i + 3 for i in range(len(STAGES))) / 60
    assert said[-1].split(maxsplit=2) == ["in", "all", f"{minutes:.1f} minutes here"]


def test_nothing_is_measured_where_nothing_is_to_be_done(monkeypatch):
    monkeypatch.setattr(estimates, "STAGES", {})
    said = []
    assert plan(tiny_config(), {"train": True, "sample": True}, rehearsed(tiny_config()), said.append) == {}
    assert said == ["train     complete", "sample    complete"]


def test_paintings_of_a_folder_are_known_when_they_are_prepared(tmp_path):
    config = tiny_config()
    config.collection.source = "folder"
    here = rehearsal_of(config, tmp_path, False, 0, frozenset())
    for stage in (estimates.prepare, estimates.invert, estimates.morphs, estimates.evaluate):
        with pytest.raises(Unknown, match="is known after"):
            stage(here)


def test_what_the_workdir_alone_names_is_not_opened(tmp_path):
    config = tiny_config()
    config.generator = config.baseline.generator = str(tmp_path)
    here = rehearsed(config, unasked=frozenset({"generator", "baseline.generator"}))
    for stage, field in ((estimates.sample, "generator"), (estimates.baseline, "baseline.generator")):
        with pytest.raises(Unknown, match=f"config.{field} is named by the workdir alone"):
            stage(here)


def test_a_dry_run_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(estimates, "STAGES", {name: lambda here: [Part("things", 2, 3.0)] for name in STAGES})
    said = command("study", f"--workdir={tmp_path / 'none'}", "--dry_run").stdout
    assert all(f"{name:<9} to do: 6 seconds" in said for name in STAGES if name != "baseline") and "baseline" not in said
    assert not list(tmp_path.iterdir())


def test_parts_say_what_they_rest_on():
    assert described(Part("steps", 4688, 0.0461, 12.0, "fast")) == "steps: 4,688 of 46.1 ms, and 12.0 s once (fast)"
    assert described(Part("page", 1, 3.0)) == "page: 1 of 3 s"
    assert [brief(seconds) for seconds in (12.34, 0.5, 2e-5)] == ["12.3 s", "500 ms", "20 µs"]


@pytest.mark.parametrize(
    "seconds, said", [(5, "5 seconds"), (89, "89 seconds"), (91, "1.5 minutes"), (7200, "2.0 hours"), (2e5, "2.3 days")]
)
def test_durations_are_read_at_a_glance(seconds, said):
    assert duration(seconds) == said
