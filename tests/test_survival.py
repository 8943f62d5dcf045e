"""Trainings that are broken on purpose: a few rounds of `survival.py`, and each kind of trouble by itself."""

import json
import os
import signal

import numpy as np
import pytest
import survival
from test_training import IMAGES, NO_LABELS, read_state, tiny

from gan_jax.errors import Stopped, UserError
from gan_jax.training import health, levels, loop
from gan_jax.training.checkpoints import Checkpoints, seal
from gan_jax.training.interruptions import stop_requests
from gan_jax.training.state import init_state


def test_whatever_breaks_it_a_training_ends_in_the_same_bits(tmp_path):
    faults = [survival.kill_in_a_save, survival.fill_the_disk]
    outcomes = survival.survive(tmp_path, faults, seed=3)
    assert [outcome.fault for outcome in outcomes] == [fault.__name__ for fault in faults]
    for outcome in outcomes:
        assert outcome.reached - outcome.resumed <= 4 * survival.EVERY  # a save or two may have been under way


def quick(**training):
    """One level, with a checkpoint at 80, 160 and 240 images."""
    return tiny(first_resolution=16, loss="non-saturating", **training)


def damage(checkpoint) -> None:
    """Half of every file of its arrays, as after a power cut."""
    for file in (checkpoint / "state").rglob("*"):
        if file.is_file():
            os.truncate(file, file.stat().st_size // 2)


def test_a_damaged_checkpoint_is_named_and_passed_over(tmp_path, capfd):
    config = quick(keep_checkpoints=3)
    loop.train(config, IMAGES, NO_LABELS, tmp_path, {})
    expected = read_state(config, tmp_path)
    for images in (240, 160):
        damage(tmp_path / "checkpoints" / f"images_{images}")
    assert loop.train(config, IMAGES, NO_LABELS, tmp_path, {}) == 240
    np.testing.assert_equal(read_state(config, tmp_path), expected)
    said = capfd.readouterr().err
    assert "the checkpoint of 240 images is damaged" in said and "the checkpoint of 160 images is damaged" in said
    assert len(list((tmp_path / "checkpoints_damaged").iterdir())) == 2


def test_readers_pass_over_damage_and_move_nothing(tmp_path, capfd):
    config = quick()
    loop.train(config, IMAGES, NO_LABELS, tmp_path, {})
    damage(tmp_path / "checkpoints" / "images_240")
    like = init_state(*loop.networks.build(config.model, 16, np.dtype(np.float32)), 4, 0)
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        assert checkpoints.open_best(like)[0] == 160
    assert "240 images is damaged" in capfd.readouterr().err
    assert not (tmp_path / "checkpoints_damaged").exists()


def test_a_seal_tells_one_bit_from_another():
    tree = {"a": np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32), "b": np.arange(4, dtype=np.int32)}
    whole = seal(tree, {"level": 4})
    assert seal({name: value.copy() for name, value in tree.items()}, {"level": 4}) == whole
    assert seal(tree, {"level": 5}) != whole
    for name, place in (("a", 0), ("a", 34), ("b", 3)):
        for bit in (0, 17, 31):
            other = {key: value.copy() for key, value in tree.items()}
            other[name].view(np.uint32).ravel()[place] ^= np.uint32(1) << np.uint32(bit)
            assert seal(other, {"level": 4}) != whole
    swapped = {"a": tree["a"][::-1].copy(), "b": tree["b"]}
    assert seal(swapped, {"level": 4}) != whole


def test_a_terminal_that_is_closed_stops_a_training_unless_nohup_said_not_to():
    for ignored in (False, True):
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
        try:
            with stop_requests() as stopping:
                os.kill(os.getpid(), signal.SIGHUP)
                assert stopping() == (None if ignored else signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == (signal.SIG_IGN if ignored else signal.SIG_DFL)
        finally:
            signal.signal(signal.SIGHUP, before)


def test_time_is_up(tmp_path):
    config = quick(time_limit_hours=1e-9)
    with pytest.raises(Stopped, match=r"out of time \(config.training.time_limit_hours\) at 0.0 of 0.2 kimg; the same command") as stopped:
        loop.train(config, IMAGES, NO_LABELS, tmp_path, {})
    assert stopped.value.code == 0
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        assert checkpoints.latest() == 16  # the step at hand
    assert loop.train(quick(), IMAGES, NO_LABELS, tmp_path, {}) == 240


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_while_the_last_checkpoint_is_written_stops_after_it(tmp_path, monkeypatch, number, code):
    config, wait = quick(), Checkpoints.wait

    def signalled(checkpoints):
        os.kill(os.getpid(), number)
        wait(checkpoints)

    monkeypatch.setattr(Checkpoints, "wait", signalled)
    with pytest.raises(Stopped, match="stopped at 0.2 of 0.2 kimg") as stopped:
        loop.train(config, IMAGES, NO_LABELS, tmp_path, {})
    assert stopped.value.code == code
    monkeypatch.undo()
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        assert checkpoints.latest() == 240
    assert loop.train(config, IMAGES, NO_LABELS, tmp_path, {}) == 240


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_preempted_training_ends_well_and_an_interrupted_one_does_not(tmp_path, number, code):
    patient = survival.Patient(tmp_path / "run", 40.0, checkpoint_every_kimg=40.0, augment="none", paintings=0.0)
    patient.prepare()
    process = patient.start()
    assert survival.wait(process, lambda: patient.logged() >= 160)
    process.send_signal(number)
    said = process.communicate()[1]
    assert process.returncode == code, said
    # The only checkpoint is that of the step at which it stopped, which is none of the settings'.
    (step,) = patient.steps()
    assert patient.logged() <= step < patient.total
    assert said.strip().splitlines()[-1].startswith(f"gan_jax: stopped at {step / 1000:.1f} of 40.0 kimg"), said


def test_minutes_make_checkpoints_too_and_milestones_stay(tmp_path):
    config = quick(total_kimg=0.32, checkpoint_every_minutes=1e-9, keep_checkpoints=1, keep_every_kimg=0.1)
    loop.train(config, IMAGES, NO_LABELS, tmp_path, {})
    names = sorted(int(path.name.removeprefix("images_")) for path in (tmp_path / "checkpoints").iterdir())
    assert names == [112, 208, 304, 320]  # every step makes one: the first at or after 100, 200 and 300, and the latest


def diverging_from(images, call, times=3):
    """From so many images on the losses are no numbers, for so many steps."""
    left = [times]

    def step(level, state, seen, *inputs):
        state, metrics = call(level, state, seen, *inputs)
        if seen >= images and left[0]:
            left[0] -= 1
            metrics = {name: value * np.float32("nan") if name.startswith("loss") else value for name, value in metrics.items()}
        return state, metrics

    return step


def test_a_training_that_diverges_stops_with_words_and_its_checkpoints_are_from_before(tmp_path, monkeypatch):
    config = quick(total_kimg=0.48)
    monkeypatch.setattr(levels.Level, "__call__", diverging_from(170, levels.Level.__call__))
    with pytest.raises(UserError, match=r"went wrong at 0.2 kimg: loss/discriminator, loss/generator: no longer a number; the checkpoints"):
        loop.train(config, IMAGES, NO_LABELS, tmp_path, {})
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        assert checkpoints.latest() == 160


def test_a_training_that_diverges_goes_back_and_on_more_slowly(tmp_path, monkeypatch, capfd):
    config = quick(total_kimg=0.48, on_divergence="rollback")
    monkeypatch.setattr(levels.Level, "__call__", diverging_from(170, levels.Level.__call__))
    assert loop.train(config, IMAGES, NO_LABELS, tmp_path, {}) == 480
    assert "back to the latest checkpoint, with 0.5 of the learning rate" in capfd.readouterr().err
    lines = [json.loads(line) for line in (tmp_path / "log" / "metrics.jsonl").read_text().splitlines()]
    rates = {line["images"]: line["learning_rate"] for line in lines if "learning_rate" in line}
    full = config.training.learning_rate
    assert all(rate == pytest.approx(full if images <= 160 else full / 2) for images, rate in rates.items())
    assert list(rates) == sorted(rates) and all(line["loss/generator"] is not None for line in lines if "loss/generator" in line)
    monkeypatch.undo()
    config.training.total_kimg = 0.56  # and stays slower
    loop.train(config, IMAGES, NO_LABELS, tmp_path, {})
    last = json.loads((tmp_path / "log" / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["learning_rate"] == pytest.approx(full / 2)


def test_going_back_has_an_end(tmp_path, monkeypatch):
    config = quick(total_kimg=0.48, on_divergence="rollback")
    monkeypatch.setattr(loop, "MOST_RETURNS", 1)
    monkeypatch.setattr(levels.Level, "__call__", diverging_from(170, levels.Level.__call__, times=1000))
    with pytest.raises(UserError, match="went wrong"):
        loop.train(config, IMAGES, NO_LABELS, tmp_path, {})


@pytest.mark.parametrize(
    "figures, message",
    [
        ({"loss/generator": float("inf")}, "loss/generator: no longer a number"),
        ({"penalty": float("nan"), "score/real": 1.0}, "penalty: no longer"),
        ({"score/real": 2e4, "score/fake": -3e3}, "run away: real and generated images are 2.3e.04 apart"),
        ({"score/real_projected": 2e4, "score/fake_projected": -3e3}, "second discriminator's scores have run away"),
    ],
)
def test_signs_of_divergence(figures, message):
    with pytest.raises(health.Diverged, match=message):
        health.check(figures)


def test_healthy_figures_say_nothing():
    health.check({"loss/generator": -400.0, "score/real": 300.0, "score/fake": -200.0, "images_per_second": float("nan")})
    assert health.check_diversity(0.0, 0.001) == 0.001  # a new generator's pictures are all grey
    assert health.check_diversity(0.5, 0.3) == 0.5
    with pytest.raises(health.Diverged, match="all alike"):
        health.check_diversity(0.5, 0.001)
