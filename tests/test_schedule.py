"""The schedule is a pure function of the images seen, and the published configs are those of the papers."""

import importlib.util
import pathlib

import numpy as np
import pytest

from gan_jax.training import loop
from gan_jax.training.schedule import Phase, constant, decay, due, growing, images_at_end, phase_at


def grow(**changes) -> tuple[Phase, ...]:
    settings = dict(resolution=16, first_resolution=4, total_kimg=6, stable_kimg=1, fade_kimg=0.5)
    sizes = dict(batch_size=lambda r: {4: 64, 8: 32, 16: 16}[r], learning_rate=lambda r: 1 / r)
    return growing(**{**settings, **sizes, **changes})


def test_phases_lie_end_to_end_and_hold_whole_batches():
    phases = grow()
    assert phases[0].start == 0
    for before, after in zip(phases, phases[1:]):
        assert before.end == after.start
    assert all((phase.end - phase.start) % phase.batch_size == 0 for phase in phases)
    assert 6000 <= phases[-1].end < 6016


def test_each_resolution_fades_in_and_then_holds():
    assert [(p.resolution, p.fading) for p in grow()] == [(4, False), (8, True), (8, False), (16, True), (16, False)]
    assert [p.end - p.start for p in grow()[:4]] == [1024, 512, 1024, 512]  # 1000, 500, 1000, 500 in whole batches


def test_alpha_is_linear_in_a_fade_and_one_after_it():
    fade, hold = grow()[1:3]
    assert [fade.alpha(fade.start), fade.alpha((fade.start + fade.end) // 2), fade.alpha(fade.end)] == [0, 0.5, 1]
    assert hold.alpha(hold.start) == 1


def test_a_short_schedule_ends_in_the_middle_of_growing():
    phases = grow(total_kimg=2)
    assert (phases[-1].resolution, phases[-1].fading) == (8, False) and 2000 <= phases[-1].end < 2032
    assert grow(total_kimg=0) == ()


def test_no_fading_is_no_phase():
    assert [p.fading for p in grow(fade_kimg=0)] == [False, False, False]


def test_values_by_resolution():
    assert [(p.batch_size, p.learning_rate) for p in grow()[::2]] == [(64, 1 / 4), (32, 1 / 8), (16, 1 / 16)]


def test_phase_at_finds_the_phase_of_the_next_batch():
    phases = grow()
    assert phase_at(phases, 0) is phases[0]
    assert phase_at(phases, phases[0].end) is phases[1]
    assert phase_at(phases, phases[1].end - 1) is phases[1]
    assert phase_at(phases, phases[-1].end) is phases[-1]


def test_a_training_ends_with_a_whole_batch_wherever_its_schedule_begins():
    phases = grow()
    assert images_at_end(phases, 0) == images_at_end(phases, phases[1].start) == phases[-1].end
    # Phases of 96 images in batches of 32, and of 48 in batches of 16: from 10 on they end at 106 and 154.
    two = (Phase(0, 96, 3, False, 32, 0.1), Phase(96, 144, 4, False, 16, 0.1))
    assert [images_at_end(two, begun) for begun in (0, 10, 95, 96, 100, 143, 144)] == [144, 154, 159, 144, 148, 159, 144]
    # A phase that is shorter than a batch may be passed over.
    assert images_at_end((Phase(0, 96, 3, False, 32, 0.1), Phase(96, 112, 4, False, 16, 0.1)), 90) == 122


def test_rates_fall_evenly_over_the_last_part_of_the_total():
    rates = [decay(seen, 1000, 0.5) for seen in range(0, 1001, 50)]
    assert rates[:11] == [1.0] * 11
    np.testing.assert_allclose(rates[10:], np.linspace(1, 0, 11), atol=1 / 256)
    assert rates[-1] == 0 and min(rates[:-1]) > 0
    assert decay(999, 1000, 0.0) == decay(1000, 1000, 0.0) == 1


def test_a_network_that_does_not_grow_has_one_phase():
    assert constant(resolution=64, total_kimg=1, batch_size=128, learning_rate=2e-4) == (Phase(0, 1024, 6, False, 128, 2e-4),)


@pytest.mark.parametrize("before, after, expected", [(0, 999, False), (999, 1000, True), (1000, 1999, False), (900, 3100, True)])
def test_due_at_every_multiple(before, after, expected):
    assert due(1.0, before, after) is expected
    assert not due(0, before, after)


@pytest.mark.parametrize(
    "devices, batches, rates",
    [
        (1, [128, 128, 128, 64, 32, 16, 8, 4, 4], [1, 1, 1, 1, 1, 1, 1, 1, 1.5]),
        (2, [256, 256, 128, 64, 32, 16, 8, 8, 8], [1, 1, 1, 1, 1, 1, 1, 1.5, 2]),
        (4, [512, 256, 128, 64, 32, 16, 16, 16, 16], [1, 1, 1, 1, 1, 1, 1.5, 2, 3]),
        (8, [512, 256, 128, 64, 32, 32, 32, 32, 32], [1, 1, 1, 1, 1, 1.5, 2, 3, 3]),
    ],
)
def test_presets_are_those_of_the_reference(devices, batches, rates, monkeypatch):
    """Batches and thousandths of learning rate from 4 px to 1024 px, by its `config.py`; 600 thousand images fading, 600 stable."""
    monkeypatch.setattr(loop.devices, "count", lambda: devices)
    config = config_file("pggan").get_config(f"resolution=1024,devices={devices}")
    phases = loop.make_schedule(config.training, config.model, 1024)
    by_resolution = {phase.resolution: phase for phase in phases}
    assert [by_resolution[2**level].batch_size for level in range(2, 11)] == batches
    assert [1000 * by_resolution[2**level].learning_rate for level in range(2, 11)] == pytest.approx(rates)
    assert phases[-1].end == pytest.approx(12e6, abs=600)
    assert [round(phase.end - phase.start, -3) for phase in phases[:-1]] == [600_000] * 16
    assert [phase.fading for phase in phases] == [False] + [True, False] * 8


def test_dcgan_is_the_papers():
    config = config_file("dcgan").get_config()
    assert (config.collection.resolution, config.model.latent_size, config.model.width) == (64, 100, 64)
    training = config.training
    assert (training.batch_size, training.learning_rate, training.adam_b1, training.adam_b2) == (128, 0.0002, 0.5, 0.999)
    assert training.loss == "non-saturating" and not training.r1
    assert config_file("dcgan").get_config("resolution=128").collection.resolution == 128


@pytest.mark.parametrize("argument", ["resolution", "resolution=", "resolution=-1", "size=64", "resolution=64;devices=2"])
def test_wrong_arguments_of_a_config_are_named(argument):
    with pytest.raises(ValueError, match="resolution=N and devices=N can be given"):
        config_file("pggan").get_config(argument)


def config_file(name):
    path = pathlib.Path(__file__).parents[1] / "configs" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
