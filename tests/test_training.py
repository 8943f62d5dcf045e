"""The training step and the loop around it, with tiny networks on four emulated devices."""

import dataclasses
import json
import math
import pathlib
import re
import signal
import threading
import time
import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import default_config, keys
from gan_jax.errors import Stopped, UserError
from gan_jax.generators import open_generator
from gan_jax.latents.paths import slerp
from gan_jax.models import networks, projected
from gan_jax.models.generator import Years
from gan_jax.progress import Progress
from gan_jax.training import batches, devices, fitting, keeper, levels, loop
from gan_jax.training.checkpoints import Checkpoints
from gan_jax.training.sample_grid import SampleGrid
from gan_jax.training.settings import own_latents
from gan_jax.training.state import Data, init_state, restart_adam
from gan_jax.training.step import averaging_weight, make_step
from gan_jax.training.trained import init_from

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3)).astype(np.uint8)
NO_LABELS = np.zeros((20, 0), np.float32)
LABELS = np.eye(2, dtype=np.float32)[np.arange(20) % 2]


def tiny(**training):
    config = default_config.get_config()
    config.model.update(name="pggan", latent_size=8, fmap_base=64, fmap_max=8, width=4)
    config.training.update(
        loss="wgan-gp", total_kimg=0.24, first_resolution=8, stable_kimg=0.08, fade_kimg=0.08, batch_size=16,
        log_every_kimg=0.04, sample_every_kimg=0.08, checkpoint_every_kimg=0.08,
    )  # fmt: skip
    config.training.update(training)
    return config


def build(config, dtype=jnp.float32):
    return networks.build(config.model, 16, dtype, devices.AXIS)


SMALL = dict(images=batches.at_resolution(IMAGES, 8), level=3)  # as `run_step` takes them; fewer layers compile sooner


def leaves(tree) -> dict[str, np.ndarray]:
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def run_step(config, *, count=4, images=IMAGES, labels=NO_LABELS, level=4, alpha=0.5, rate=1e-4, paintings=0, steps=1, side=0, **settings):
    """One step from new or several, on so many devices: the state before and after, and the last one's metrics."""
    generator, discriminator = build(config)
    constants = loop.step_settings(config.training)
    step = make_step(generator, discriminator, constants, level=level, batch_size=16, devices=count, **settings)
    among = jax.devices()[:count]
    before = init_state(generator, discriminator, 4, 0, constants.augment, constants.augment_strength, paintings, side)
    kept = jax.tree.map(np.array, before)
    data = Data(images, labels, np.int32(1), projected.frozen() if side else {})
    inputs = devices.replicate((data, np.float32(alpha), np.float32(rate)), among)
    state = devices.replicate(before, among)
    program = devices.Program(step, state, *inputs, among=among)
    for _ in range(steps):
        state, metrics = program(state, *inputs)
    return kept, state, leaves(metrics)


def gradients(config, **settings) -> tuple[dict, dict]:
    """Adam's first moment after one step from new, with b1 = 0.5: half the gradient that the devices found together."""
    config.training.adam_b1 = 0.5
    _, state, metrics = run_step(config, **settings)
    return moments(state), metrics


def moments(state) -> dict:
    return leaves((state.discriminator.adam.mu, state.generator.adam.mu))


def assert_same_gradients(one, other, tolerance=1e-4):
    """Each leaf on the scale of the largest gradient in its layer: a bias of a layer may be all noise."""
    layer = {name: name.rsplit("[", 1)[0] for name in one}
    scale = {layer[name]: 0.0 for name in one}
    for name in one:
        scale[layer[name]] = max(scale[layer[name]], float(np.abs(one[name]).max()))
    assert max(scale.values()) > 1e-3
    for name in one:
        np.testing.assert_allclose(other[name], one[name], atol=tolerance * max(scale[layer[name]], 1e-5), err_msg=name)


def model_config(model, **training):
    config = tiny(**({"loss": "wgan-gp"} if model == "pggan" else {"loss": "non-saturating", "r1": 1.0}) | training)
    config.model.name = model
    return config


@pytest.mark.parametrize("model", networks.NETWORKS)
def test_four_devices_find_the_gradients_of_one(model):
    (one, metrics_one), (four, metrics_four) = (gradients(model_config(model), count=count) for count in (1, 4))
    assert_same_gradients(one, four)
    for name in metrics_one:
        np.testing.assert_allclose(metrics_four[name], metrics_one[name], rtol=1e-3, atol=1e-5, err_msg=name)


def test_a_batch_in_microbatches_has_the_gradients_of_the_whole():
    config = tiny()
    config.model.conditional = True
    (whole, metrics), (in_four, metrics_in_four) = (gradients(config, count=1, labels=LABELS, microbatches=n, **SMALL) for n in (1, 4))
    assert_same_gradients(whole, in_four)
    for name in metrics:
        np.testing.assert_allclose(metrics_in_four[name], metrics[name], rtol=1e-3, atol=1e-5, err_msg=name)


def test_augmented_gradients_are_those_of_one_device_in_one_part():
    settings = dict(augment="fixed", augment_strength=0.7, loss="non-saturating", r1=1.0, fresh_latents=True)
    (one, metrics), (plain, _) = (gradients(tiny(**changed), count=1, **SMALL) for changed in (settings, settings | {"augment": "none"}))
    assert any(np.abs(one[name] - plain[name]).max() > 0.1 * np.abs(plain[name]).max() for name in one)
    for count, microbatches in ((4, 1), (1, 4)):
        found, others = gradients(tiny(**settings), count=count, microbatches=microbatches, **SMALL)
        assert_same_gradients(one, found)
        np.testing.assert_allclose(others["['overfitting']"], metrics["['overfitting']"], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("model", networks.NETWORKS)
def test_a_step_is_what_the_networks_and_the_losses_say(model):
    """Both gradients again, from the definition: one pass for each set of images, one device, no fused anything."""
    config = model_config(model, mirror=False, fresh_latents=model == "pggan")
    config.model.conditional = True
    g, d = build(config)
    config.training.adam_b1 = 0.5
    state, after, _ = run_step(config, count=1, labels=LABELS)
    found = moments(after)
    draws = jax.random.split(jax.random.fold_in(keys.key(1), 0), 6)
    real_index = jax.random.randint(draws[0], (16,), 0, 20)
    real = batches.real_images(jnp.asarray(IMAGES), real_index, jnp.zeros(16, bool), jnp.float32(0.5))
    labels, z = jnp.asarray(LABELS)[real_index], jax.random.normal(draws[3], (16, 8))
    mix = jax.random.uniform(draws[2], (16,))[:, None, None, None]

    def apply(network, params, stats, x):
        variables = {"params": params, "batch_stats": stats}
        return network.apply(variables, x, level=4, alpha=jnp.float32(0.5), train=True, mutable=["batch_stats"])[0]

    one = networks.build(config.model, 16, jnp.float32)  # without an axis of devices
    fake = jax.jit(lambda x: apply(one[0], state.generator.params, state.generator.stats, x))(jnp.concatenate([z, labels], 1))

    def wrong(logits, labels):
        return -(jax.nn.log_softmax(logits) * labels).sum(1).mean()

    def loss(params):
        def discriminate(x):
            return apply(one[1], params, state.discriminator.stats, x)

        (on_real, guess_real), (on_fake, guess_fake) = discriminate(real), discriminate(fake)
        total = wrong(guess_real, labels) + wrong(guess_fake, labels)
        if model == "pggan":
            gradient = jax.grad(lambda x: discriminate(x)[0].sum())(real * (1 - mix) + fake * mix)
            penalty = ((jnp.sqrt((gradient**2).sum((1, 2, 3))) - 1) ** 2).mean()
            return total + (on_fake - on_real).mean() + 10 * penalty + 0.001 * (on_real**2).mean()
        gradient = jax.grad(lambda x: discriminate(x)[0].sum())(real)
        cross = -jax.nn.log_sigmoid(on_real).mean() - jax.nn.log_sigmoid(-on_fake).mean()
        return total + cross + 0.5 * (gradient**2).sum((1, 2, 3)).mean()

    # The generator meets the discriminator after its step: with fresh latents, or with those that the discriminator saw.
    z_g, labels_g = z, labels
    if model == "pggan":
        z_g, labels_g = jax.random.normal(draws[4], (16, 8)), jnp.asarray(LABELS)[jax.random.randint(draws[5], (16,), 0, 20)]

    def generator_loss(params):
        images = apply(one[0], params, state.generator.stats, jnp.concatenate([z_g, labels_g], 1))
        scores, guess = apply(one[1], after.discriminator.params, state.discriminator.stats, images)
        return wrong(guess, labels_g) - (scores if model == "pggan" else jax.nn.log_sigmoid(scores)).mean()

    for place, network, gradient in (
        (0, d, jax.jit(jax.grad(loss))(state.discriminator.params)),
        (1, g, jax.jit(jax.grad(generator_loss))(state.generator.params)),
    ):
        names = network.active(4) or set(gradient)
        expected = {f"[{place}]['{name}']{rest}": 0.5 * x for name in names for rest, x in leaves(gradient[name]).items()}
        assert_same_gradients(expected, {name: found[name] for name in expected})


def test_shares_hold_whole_groups_and_every_image_once():
    batch = jnp.arange(32)
    shares = [np.asarray(batches.shares(batch, 4, jnp.int32(i))) for i in range(4)]
    np.testing.assert_array_equal(batches.shares(batch, 4), shares)
    assert sorted(np.concatenate(shares).tolist()) == list(range(32))
    groups = {tuple(batch.tolist()[m::8]) for m in range(8)}  # of the whole batch: i mod (32 / 4)
    assert {tuple(share[m::2].tolist()) for share in shares for m in range(2)} == groups


def test_what_a_level_does_not_use_stays_as_it_was():
    before, after, _ = run_step(tiny(), images=batches.at_resolution(IMAGES, 8), level=3, rate=1e-2)
    kept = leaves(before)
    moved = {name for name, leaf in leaves(after).items() if np.any(leaf != kept[name])}
    assert any(".generator.params['block_3']" in name for name in moved)
    assert any(".discriminator.params['from_rgb_2']" in name for name in moved)
    assert not any("_4" in name for name in moved)


def test_restarting_adam_forgets_everything_but_the_parameters():
    state = init_state(*build(tiny()), 4, 0)
    used = state.replace(generator=state.generator.replace(adam=jax.tree.map(lambda x: x + jnp.ones_like(x), state.generator.adam)))
    assert all(np.all(x == 0) for x in jax.tree.leaves(restart_adam(used).generator.adam))
    np.testing.assert_equal(leaves(restart_adam(used).generator.params), leaves(state.generator.params))


def test_real_images_fade_from_their_halved_selves():
    images = jnp.asarray(IMAGES)
    take, flip = jnp.array([3, 3]), jnp.array([False, True])
    full = IMAGES[3].astype(np.float32) / 127.5 - 1
    halved = full.reshape(8, 2, 8, 2, 3).mean((1, 3)).repeat(2, 0).repeat(2, 1)
    got = np.asarray(batches.real_images(images, take, flip, jnp.float32(0.25)))
    np.testing.assert_allclose(got[0], 0.75 * halved + 0.25 * full, atol=1e-5)
    np.testing.assert_allclose(got[1], got[0][:, ::-1], atol=1e-5)


def test_lower_resolutions_are_rounded_means():
    expected = np.floor(IMAGES.reshape(20, 4, 4, 4, 4, 3).mean((2, 4)) + 0.5)
    np.testing.assert_array_equal(batches.at_resolution(IMAGES, 4), expected)


STOPPED = [("dcgan", "non-saturating", "none"), ("pggan", "wgan-gp", "adaptive"), ("dcgan", "hinge", "ways")]


@pytest.mark.parametrize("model, loss, augment", STOPPED)
def test_a_run_that_was_stopped_ends_where_one_that_was_not_does(tmp_path, model, loss, augment, monkeypatch):
    config, labels, years = tiny(loss=loss, augment=augment, augment_kimg=0.5, augment_target=-1.0), NO_LABELS, None
    config.model.name = model
    if augment == "ways":
        augment = config.training.augment = "none"
        config.model.year, config.training.paintings, config.training.paintings_batch = True, 3.0, 8
        years = Years.of(np.linspace(1880, 1890, 20))
        labels = years.labels(np.linspace(1880, 1890, 20))
    given = dict(years=years)
    total = loop.train(config, IMAGES, labels, tmp_path / "whole", {}, **given)
    assert total == 240

    monkeypatch.setattr(levels.Level, "__call__", interrupted_at(130, levels.Level.__call__))
    with pytest.raises(Stopped, match="stopped at 0.1 of 0.2 kimg") as stopped:
        loop.train(config, IMAGES, labels, tmp_path / "stopped", {}, **given)
    assert stopped.value.code == 130
    monkeypatch.undo()
    assert loop.train(config, IMAGES, labels, tmp_path / "stopped", {}, **given) == total

    whole, stopped = (read_state(config, tmp_path / name) for name in ("whole", "stopped"))
    np.testing.assert_equal(stopped, whole)
    assert (whole[".augmentation.strength"] > 0) == (augment != "none")
    lines = [
        [json.loads(line) for line in (tmp_path / name / "log" / "metrics.jsonl").read_text().splitlines()] for name in ("whole", "stopped")
    ]
    assert [line["images"] for line in lines[0]][-1] == 240
    assert [line["images"] for line in lines[1]] == [line["images"] for line in lines[0]]
    assert sorted(path.name for path in (tmp_path / "whole" / "samples").iterdir()) == ["kimg_000000.png"]
    assert list((tmp_path / "whole" / "log").glob("events.out.tfevents*"))


def interrupted_at(images, call):
    """Ctrl-C in the middle of a step: when the old state is given away and the new one is not there yet."""

    def interrupted(level, state, seen, *inputs):
        if seen < images <= seen + 16:
            signal.raise_signal(signal.SIGINT)
        return call(level, state, seen, *inputs)

    return interrupted


class Eyes:
    """A watch whose figures are given."""

    def __init__(self, *kids, ways=()):
        self.kids, self.seen = list(kids), []
        self.kids_of_ways, self.ways = list(ways), []

    def __call__(self, images):
        self.seen.append(images)
        return {"kid_training": self.kids[len(self.seen) - 1], "copies": 0.5}

    def distance(self, images):
        self.ways.append(images)
        return self.kids_of_ways[len(self.ways) - 1]

    def nearest(self, images):
        return IMAGES[np.arange(len(images)) % len(IMAGES)]


@dataclasses.dataclass
class Run:
    """A training of three phases: 80 images at 8 px, 80 fading to 16 px, 80 at 16 px; batches of 16."""

    config: Any
    folder: pathlib.Path
    steps: list[tuple]  # what every step was given: images seen, resolution, alpha, learning rate, steps of Adam before it
    compiled: list[tuple]  # resolution and thread
    eyes: "Eyes"


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    config, folder, eyes = tiny(), tmp_path_factory.mktemp("grown"), Eyes(1.0, 2.0)
    config.training.learning_rate_by_resolution.r16 = 0.003
    steps, call, compiled, compile_step = [], levels.Level.__call__, [], fitting.FittedStep._compile

    def recording(level, state, images_seen, alpha, rate):
        count = int(state.generator.adam.count)
        resolution = level._stream(images_seen).images.shape[1]
        assert images_seen == int(state.images_seen)
        steps.append((images_seen, resolution, round(float(alpha), 3), round(float(rate), 4), count))
        return call(level, state, images_seen, alpha, rate)

    def compiling(step):
        compiled.append((step.microbatching.resolution, threading.current_thread().name))
        return compile_step(step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels.Level, "__call__", recording)
        patch.setattr(fitting.FittedStep, "_compile", compiling)
        loop.train(config, IMAGES, NO_LABELS, folder, {}, lambda: eyes)
    return Run(config, folder, steps, compiled, eyes)


def test_the_loop_follows_its_schedule(grown):
    """Against a table by hand."""
    before = leaves(init_state(*build(grown.config), 4, grown.config.seed).generator.params)
    expected = [(16 * i, 8, 1.0, 0.0002, i) for i in range(5)]
    expected += [(80 + 16 * i, 16, 0.2 * i, 0.003, i) for i in range(5)]
    expected += [(160 + 16 * i, 16, 1.0, 0.003, i) for i in range(5)]
    assert grown.steps == [pytest.approx(row) for row in expected]
    after = read_state(grown.config, grown.folder)
    assert all(np.any(after[f".generator.params{name}"] != leaf) for name, leaf in before.items() if "to_rgb_2" not in name)


def test_what_is_kept_beside_the_training_is_what_is_kept_between_its_steps(grown, tmp_path, monkeypatch):
    """As on a GPU: from a copy, in another thread, while the next steps are taken."""
    monkeypatch.setattr(keeper, "beside_training", lambda: True)
    keep, threads = keeper.Keeper._keep, set()

    def keeping(*arguments):
        threads.add(threading.current_thread().name)
        time.sleep(0.2)  # until the state that it was given is long gone
        keep(*arguments)

    monkeypatch.setattr(keeper.Keeper, "_keep", keeping)
    eyes = Eyes(1.0, 2.0)
    loop.train(grown.config, IMAGES, NO_LABELS, tmp_path, {}, lambda: eyes)
    assert threads == {"keep_0"}
    here, there = read_state(grown.config, tmp_path), read_state(grown.config, grown.folder)
    assert here.keys() == there.keys()
    for name in here:
        np.testing.assert_array_equal(here[name], there[name], err_msg=name)
    pictures = sorted(path.name for path in (grown.folder / "samples").iterdir())
    assert pictures == sorted(path.name for path in (tmp_path / "samples").iterdir())
    for name in pictures:
        assert (tmp_path / "samples" / name).read_bytes() == (grown.folder / "samples" / name).read_bytes()
    clock = {"images_per_second", "pause_seconds"}
    logs = [(folder / "log" / "metrics.jsonl").read_text().splitlines() for folder in (tmp_path, grown.folder)]
    said = [sorted(json.dumps({k: v for k, v in json.loads(line).items() if k not in clock}) for line in log) for log in logs]
    assert said[0] == said[1] and any("watch/kid_training" in line for line in said[0])


@pytest.mark.parametrize("more", [0, -1])
def test_a_copy_is_made_where_memory_suffices_for_it(grown, tmp_path, monkeypatch, more):
    """Of two levels the last needs more."""
    monkeypatch.setattr(keeper, "beside_training", lambda: True)
    state = init_state(*build(grown.config), 4, 0)
    grid = SampleGrid(build(grown.config)[0], 0, state)
    assert 6 * 36 * 16 * 16 * 3 * 4 <= grid.memory(4) < 10**7  # images of float32 and what lies between
    unused = sum(x.nbytes for x in jax.tree.leaves(state)) + 2 * grid.memory(4) + more
    monkeypatch.setattr(devices, "unused_memory", lambda: unused)
    keep, threads = keeper.Keeper._keep, []
    monkeypatch.setattr(keeper.Keeper, "_keep", lambda *given: (threads.append(threading.current_thread().name), keep(*given)))
    eyes = Eyes(1.0, 2.0)
    loop.train(grown.config, IMAGES, NO_LABELS, tmp_path, {}, lambda: eyes)
    assert threads[0] == "keep_0" and threads[-1] == ("MainThread" if more else "keep_0")


@pytest.mark.parametrize(
    "stats, unused",
    [
        ([{"bytes_limit": 100, "peak_bytes_in_use": 60, "bytes_in_use": 10}, {"bytes_limit": 80, "peak_bytes_in_use": 50}], 30),
        ([{"bytes_limit": 100, "peak_bytes_in_use": 60}, {"bytes_limit": 80}], None),
        ([None], None),
    ],
)
def test_memory_counts_as_unused_that_no_device_has_needed(monkeypatch, stats, unused):
    found = [types.SimpleNamespace(memory_stats=lambda each=each: each) for each in stats]
    monkeypatch.setattr(devices.jax, "local_devices", lambda: found)
    assert devices.unused_memory() == unused


def test_what_goes_wrong_beside_the_training_ends_it(tmp_path, monkeypatch):
    def full(*_):
        raise UserError("no space left")

    monkeypatch.setattr(keeper, "beside_training", lambda: True)
    monkeypatch.setattr(keeper.Keeper, "_save", full)
    with pytest.raises(UserError, match="no space left"):
        loop.train(tiny(), IMAGES, NO_LABELS, tmp_path, {})


def test_a_run_goes_on_with_another_batch_size_and_its_progress_ends_at_all(tmp_path, monkeypatch, capsys):
    """48 images in batches of 16, then batches of 32, of which phases are 96, 96 and 64 long: each ends 16 images into the next one."""
    call = levels.Level.__call__
    monkeypatch.setattr(levels.Level, "__call__", interrupted_at(40, call))
    with pytest.raises(Stopped):
        loop.train(tiny(), IMAGES, NO_LABELS, tmp_path, {})
    capsys.readouterr()
    taken, total, advance = [], [], Progress.advance

    def recording(level, state, images_seen, *inputs):
        taken.append((images_seen, level._stream(images_seen).images.shape[1], int(state.generator.adam.count)))
        return call(level, state, images_seen, *inputs)

    def counting(progress, steps, note="", seconds_left=None):
        advance(progress, steps, note, seconds_left)
        total.append((progress.n, progress.total))
        assert seconds_left is None or seconds_left >= 0

    monkeypatch.setattr(levels.Level, "__call__", recording)
    monkeypatch.setattr(Progress, "advance", counting)
    assert loop.train(tiny(batch_size=32), IMAGES, NO_LABELS, tmp_path, {}) == 272
    # Adam goes on where it was, and begins anew at each phase.
    assert taken == [(48, 8, 3), (80, 8, 4), (112, 16, 0), (144, 16, 1), (176, 16, 2), (208, 16, 0), (240, 16, 1)]
    assert total == [(80 + 32 * i, 272) for i in range(7)]
    lines = re.split(r"[\r\n]+", capsys.readouterr().err.strip())
    last = [line for line in lines if line.startswith("train")][-1]
    assert "100%" in last and "272/272 images" in last and "-00:" not in last


def test_levels_are_compiled_beside_the_training_and_their_pauses_logged(grown):
    assert [resolution for resolution, _ in grown.compiled] == [8, 16]  # fading and stable phases share a program
    assert all(name.startswith("compile") for _, name in grown.compiled)
    lines = [json.loads(line) for line in (grown.folder / "log" / "metrics.jsonl").read_text().splitlines()]
    assert [(line["images"], line["resolution"]) for line in lines if "pause_seconds" in line] == [(96, 16)]


def test_what_is_wrong_with_a_later_level_is_known_at_the_next_one():
    phases = loop.make_schedule(tiny().training, tiny().model, 16)
    failed = threading.Event()

    def prepare(phase):
        if phase.level == 4:
            failed.set()
            raise UserError("too large")
        return phase.level

    with levels.Levels(phases, prepare, lambda level: None) as ahead:
        assert failed.wait(600)
        while not all(level.done() for level in ahead._levels.values()):
            time.sleep(0.01)
        with pytest.raises(UserError, match="too large"):
            ahead.take(phases[0])


@pytest.fixture(scope="module")
def one_step(tmp_path_factory):
    """The config and the workdir of a training of one step, which tests leave as they are."""
    config, folder = tiny(total_kimg=0.016, first_resolution=16), tmp_path_factory.mktemp("one_step")
    loop.train(config, IMAGES, NO_LABELS, folder, {"collection": "these"})
    (folder / "config.json").write_text(json.dumps({"config": config.to_dict() | {"collection": {"resolution": 16}}}))
    return config, folder


def test_checkpoints_of_other_paintings_are_refused(one_step):
    config, folder = one_step
    with pytest.raises(UserError, match="trained on other paintings"):
        loop.train(config, IMAGES, NO_LABELS, folder, {"collection": "those"})


def read_state(config, folder):
    like = init_state(*build(config), 4, 0, count=own_latents(config.training, len(IMAGES)))
    with Checkpoints(folder / "checkpoints") as checkpoints:
        return leaves(checkpoints.restore(checkpoints.latest(), like))


def test_another_networks_checkpoint_is_one_clear_line(one_step):
    config, folder = one_step[0].copy_and_resolve_references(), one_step[1]
    config.model.latent_size = 9
    with Checkpoints(folder / "checkpoints") as checkpoints, pytest.raises(UserError, match="not of this config's networks"):
        checkpoints.restore(16, init_state(*build(config), 4, 0))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"batch_size": 18}, "18 images don't divide by 4 devices"),
        ({"batch_size": 24}, "6 each, which don't divide into groups of 4"),
        ({"first_resolution": 12}, "config.training.first_resolution=12"),
        ({"total_kimg": 0.0}, "config.training.total_kimg=0.0: nothing"),
        ({"total_kimg": 0.05}, "config.training.total_kimg=0.05: ends at 8 of 16 px"),
    ],
)
def test_wrong_settings_are_named(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        loop.train(tiny(**changes), IMAGES, NO_LABELS, tmp_path, {})


@pytest.mark.parametrize(
    "name, batch_norm, batch, few",
    [
        ("pggan", False, 16, False),
        ("pggan", False, 8, True),
        ("pggan", False, 4, True),
        ("pggan", True, 4, False),
        ("dcgan", False, 4, False),
    ],
)
def test_fewer_images_a_device_than_are_compared_are_said(name, batch_norm, batch, few):
    config = tiny(batch_size=batch)
    config.model.update(name=name, batch_norm=batch_norm)
    phases = loop.make_schedule(config.training, config.model, 16)
    said = loop.few_together(phases, config.model)
    assert bool(said) == few and (not few or f"config.training.batch_size: {batch // 4} on each device" in said)


def test_the_average_follows_its_half_life_or_its_decay():
    for settings in ({"ema_half_life_kimg": 0.016, "ema_ramp_up": 1.0}, {"ema_decay": 0.5}):  # a batch is a half-life
        before, after, _ = run_step(model_config("dcgan", loss="hinge", r1=0.0, **settings), rate=1e-2)
        old, new, average = leaves(before.ema_params), leaves(after.generator.params), leaves(after.ema_params)
        for name in old:
            np.testing.assert_allclose(average[name], (old[name] + new[name]) / 2, atol=1e-6)
    constants = loop.step_settings(tiny(ema_half_life_kimg=1.0, ema_ramp_up=0.1).training)
    np.testing.assert_allclose(averaging_weight(constants, 50, jnp.int32(5000)), 1 - 0.5 ** (50 / 500), rtol=1e-5)
    np.testing.assert_allclose(averaging_weight(constants, 50, jnp.int32(90000)), 1 - 0.5 ** (50 / 1000), rtol=1e-5)


def test_the_lazy_penalty_is_in_one_step_of_so_many_and_so_many_times_heavier():
    config = model_config("dcgan", r1=0.25, r1_every=4, loss="hinge")
    every = model_config("dcgan", r1=1.0, r1_every=1, loss="hinge")
    none = model_config("dcgan", r1=0.0, loss="hinge")
    (lazy, metrics), (without, fewer) = gradients(config, with_r1=True), gradients(config, with_r1=False)
    assert_same_gradients(gradients(every)[0], lazy)
    assert_same_gradients(gradients(none)[0], without)
    assert "['penalty']" in metrics and "['penalty']" not in fewer


def test_lazy_penalties_in_the_loop(tmp_path):
    config = model_config("dcgan", r1=0.25, r1_every=4, loss="hinge", total_kimg=0.16, log_every_kimg=0.016)
    loop.train(config, IMAGES, NO_LABELS, tmp_path, {})
    lines = [json.loads(line) for line in (tmp_path / "log" / "metrics.jsonl").read_text().splitlines()]
    assert [line["images"] for line in lines if "penalty" in line] == [16, 80, 144]
    assert len(lines) == 10


def test_a_step_that_runs_out_of_memory_is_taken_in_microbatches(tmp_path, monkeypatch, capsys):
    config, images = tiny(loss="non-saturating", batch_size=32, total_kimg=0.032, log_every_kimg=0.032), batches.at_resolution(IMAGES, 8)
    loop.train(config, images, NO_LABELS, tmp_path / "whole", {})
    original = fitting.FittedStep.__call__

    def call(step, with_penalty, state, *inputs):
        if not step._ran and step.microbatching.images > 4:
            programs = step._programs

            def run(state, *rest):
                programs[True](state, *rest)  # donates the state
                raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 4 bytes.")

            step._programs = {True: run}
        return original(step, with_penalty, state, *inputs)

    monkeypatch.setattr(fitting.FittedStep, "__call__", call)
    loop.train(config, images, NO_LABELS, tmp_path / "parts", {})
    assert "8 px: short of memory, so each batch is taken in 2 microbatches" in capsys.readouterr().err
    whole, parts = (json.loads((tmp_path / name / "log" / "metrics.jsonl").read_text().splitlines()[0]) for name in ("whole", "parts"))
    assert parts["parts"] == 2 and "parts" not in whole
    assert parts["loss/discriminator"] == pytest.approx(whole["loss/discriminator"], rel=1e-3)


def test_the_compilers_account_of_memory_decides_before_anything_runs(tmp_path, monkeypatch):
    config = tiny(loss="non-saturating", batch_size=32)
    level = make_level(config)
    needed = level._step._programs[True].memory
    assert level.microbatches == 1 and needed > 10**5
    monkeypatch.setattr(devices, "memory_limit", lambda: int(0.99 * needed))
    assert make_level(config).microbatches > 1
    monkeypatch.setattr(devices, "memory_limit", lambda: 1000)
    with pytest.raises(UserError, match="32 images at 16 px don't fit into a device's memory, in microbatches of 4"):
        make_level(config)


@pytest.mark.parametrize(
    "images, paintings, count, least", [(64, 0, 4, "4"), (64, 8, 2, "8 and 1 paintings"), (32, 64, 2, "4 and 8 paintings")]
)
def test_a_batch_is_halved_as_long_as_it_and_its_paintings_can_be(images, paintings, count, least):
    """On four devices, in whole groups of four images."""
    microbatching = fitting.Microbatching(images, 16, 4, paintings)
    with pytest.raises(UserError, match=rf"in microbatches of {least} \(why\)"):
        while True:
            microbatching = microbatching.halved("why")
    assert microbatching.count == count


def make_level(config):
    networks_, settings = build(config), loop.step_settings(config.training)
    phase = loop.make_schedule(config.training, config.model, 16)[-1]
    like = devices.abstract(devices.replicate(init_state(*networks_, 4, 0)))
    return levels.Level(*networks_, settings, phase, like, IMAGES, NO_LABELS, 0)


def test_a_training_may_start_from_another(one_step, tmp_path):
    before = read_state(*one_step)
    config = tiny(total_kimg=0.016, first_resolution=8, init_from=str(one_step[1]), learning_rate=1e-12)
    loop.train(config, IMAGES[:, ::2, ::2], NO_LABELS, tmp_path / "after", {})  # and at a lower resolution
    like = init_state(*networks.build(config.model, 8, jnp.float32, devices.AXIS), 3, 0)
    with Checkpoints(tmp_path / "after" / "checkpoints") as checkpoints:
        after = leaves(checkpoints.restore(16, like))
    for name in after:
        if "params" in name:
            source = name.replace(".generator.params", ".ema_params")
            np.testing.assert_allclose(after[name], before[source], atol=1e-6, err_msg=name)


def test_layers_that_do_not_match_begin_as_new_and_are_named(one_step, capfd):
    config, folder = one_step[0].copy_and_resolve_references(), one_step[1]
    before = read_state(config, folder)
    config.model.latent_size = 9  # the first layer of the generator alone depends on it
    new = init_state(*networks.build(config.model, 32, jnp.float32), 5, 0)  # and a level more
    state = init_from(str(folder), new)
    after, as_new = leaves(state), leaves(new)
    for name in after:
        if ".ema_params" not in name:
            continue
        own = "block_5" in name or "rgb_5" in name or name.endswith("['block_2']['kernel']")
        expected = as_new[name] if own else before[name]
        np.testing.assert_array_equal(after[name], expected, err_msg=name)
    said = capfd.readouterr().err
    assert "layers taken" in said and "generator/block_2/kernel (8x4x4x8 there, 9x4x4x8 here)" in said and "block_5" in said
    config.model.name = "dcgan"
    with pytest.raises(UserError, match="no layer of it has the name and the shape"):
        init_from(str(folder), init_state(*networks.build(config.model, 16, jnp.float32), 4, 0))


@pytest.mark.parametrize("name, first, last", [("pggan", ("block_4", "from_rgb_4"), "block_2"), ("dcgan", ("conv_0",), "score")])
def test_frozen_layers_of_the_discriminator_stay_as_they_begin(name, first, last):
    config = tiny(loss="non-saturating", freeze_discriminator=1)
    config.model.name = name
    before, after, _ = run_step(config)
    before, after = leaves(before.discriminator.params), leaves(after.discriminator.params)
    assert before.keys() == after.keys()
    for layer in before:
        if any(f"'{one}'" in layer for one in first):
            np.testing.assert_array_equal(before[layer], after[layer], err_msg=layer)
    assert any(np.abs(before[layer] - after[layer]).max() > 0 for layer in before if f"'{last}'" in layer)


def test_the_best_checkpoint_is_kept_and_used(tmp_path):
    config = tiny(first_resolution=16, total_kimg=0.4, keep_checkpoints=1, watch_images=40)  # a checkpoint at 80, 160, ..., 400 images
    eyes = Eyes(3.0, 1.0, 2.0, 4.0, 5.0)
    loop.train(config, IMAGES, NO_LABELS, tmp_path, {}, lambda: eyes)
    assert [images.shape for images in eyes.seen] == [(40, 16, 16, 3)] * 5
    assert not np.array_equal(eyes.seen[0][:4], eyes.seen[0][36:])  # beyond the grid, other latents
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        assert (checkpoints.best(), checkpoints.latest()) == (160, 400)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["images_160", "images_400"]
    lines = [json.loads(line) for line in (tmp_path / "log" / "metrics.jsonl").read_text().splitlines()]
    assert [(line["images"], line["watch/kid_training"]) for line in lines if "watch/kid_training" in line] == [
        (80, 3.0), (160, 1.0), (240, 2.0), (320, 4.0), (400, 5.0)
    ]  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps({"config": config.to_dict() | {"collection": {"resolution": 16}}}))
    generator = open_generator(tmp_path, "float32")
    made = generator.images(np.random.default_rng([0, 0]).standard_normal((36, 8), np.float32))
    np.testing.assert_allclose(made.astype(int), eyes.seen[1][:36].astype(int), atol=1)
    assert np.abs(made.astype(int) - eyes.seen[4][:36].astype(int)).max() > 1
    assert (tmp_path / "samples" / "nearest.png").exists()


def test_the_best_checkpoint_is_good_from_chance_and_half_way_between_paintings(tmp_path):
    own = dict(paintings=1.0, paintings_batch=8, paintings_detail=1)
    config = tiny(loss="non-saturating", total_kimg=0.24, watch_images=40, keep_checkpoints=3, **own)
    config.model.name = "dcgan"
    eyes = Eyes(1.0, 3.0, 2.0, ways=(3.0, 0.5, 2.5))
    loop.train(config, IMAGES, NO_LABELS, tmp_path, {}, lambda: eyes)
    assert [images.shape for images in eyes.ways] == [(40, 16, 16, 3)] * 3
    lines = [json.loads(line) for line in (tmp_path / "log" / "metrics.jsonl").read_text().splitlines()]
    assert [line["watch/kid_ways"] for line in lines if "watch/kid_ways" in line] == [3.0, 0.5, 2.5]
    (tmp_path / "config.json").write_text(json.dumps({"config": config.to_dict() | {"collection": {"resolution": 16}}}))
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        assert checkpoints.best() == 160  # neither the best from chance nor the latest
    # They are what the opened generator paints half-way between two paintings' latents.
    generator = open_generator(tmp_path, "float32")
    first, last = np.random.default_rng(config.seed).integers(0, len(IMAGES), (2, 72))
    own = generator.painting_latents
    between = np.stack([slerp(own[[a]], own[[b]], np.array([0.5]))[0, 0] for a, b in zip(first, last)])
    apart = first != last
    made = generator.images(between.astype(np.float32))[:40][apart[:40]]
    np.testing.assert_allclose(made.astype(int), eyes.ways[1][apart[:40]].astype(int), atol=2)


def test_networks_that_still_grow_are_not_watched(grown):
    assert len(grown.eyes.seen) == 2
    with Checkpoints(grown.folder / "checkpoints") as checkpoints:
        assert checkpoints.best() == 160


@pytest.mark.parametrize("model", ["pggan", "dcgan"])
def test_work_counts_the_multiplications_of_the_kernels(model):
    """Against the shapes of all parameters: a kernel is met once at every pixel of what it makes; a fused one has 16 taps for four."""
    config = tiny()
    config.model.name = model
    expected = []
    for network, inputs in zip(build(config), ((1, 8), (1, 16, 16, 3))):
        shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), jnp.zeros(inputs), level=4, alpha=jnp.float32(1)))["params"]
        kernels = {name: leaf for name, leaf in leaves_of(shapes).items() if len(leaf.shape) > 1}
        total = 0.0
        for name, kernel in kernels.items():
            size, rgb = math.prod(kernel.shape), [int(part[-1]) for part in name.split("/") if "rgb_" in part]
            if model == "dcgan":
                pixels = {"to_rgb": 64, "conv_0": 16 if "project" in kernels else 64, "conv_1": 16}.get(name, 1)
            elif rgb:
                pixels = 4 ** rgb[0] if rgb[0] >= 3 else 0
            else:
                level = int(name.split("/")[0][-1])
                fused = 4 / 9 if "conv_" in name else 1.0
                pixels = 4**level * fused if "conv" in name else 1
            total += size * pixels
        expected.append(total)
    assert networks.work(config.model, 4) == pytest.approx(expected, rel=1e-6)


def leaves_of(tree):
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}
