"""The training step and the loop around it, with tiny networks on four emulated devices."""

import json
import math
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import default_config
from gan_jax.errors import UserError
from gan_jax.models import networks
from gan_jax.training import batches, devices, loop
from gan_jax.training.checkpoints import Checkpoints
from gan_jax.training.step import init_state, make_step, restart_adam

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3)).astype(np.uint8)


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


def leaves(tree) -> dict[str, np.ndarray]:
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def gradients_on(count: int, model: str) -> tuple[dict, dict]:
    """Adam's first moment after one step from new, with b1 = 0.5: half the gradient that the devices found together."""
    config = tiny(adam_b1=0.5, loss="wgan-gp" if model == "pggan" else "non-saturating", r1=1.0)
    config.model.name = model
    generator, discriminator = build(config)
    settings = loop.step_settings(config.training, seed=1)
    step = make_step(generator, discriminator, settings, level=4, batch_size=16, devices=count)
    among = jax.devices()[:count]
    state = devices.replicate(init_state(generator, discriminator, 4, 0), among)
    inputs = devices.replicate((IMAGES, np.float32(0.5), np.float32(1e-4)), among)
    state, metrics = devices.data_parallel(step, among)(state, *inputs)
    return leaves((state.discriminator.adam.mu, state.generator.adam.mu)), leaves(metrics)


@pytest.mark.parametrize("model", ["pggan", "dcgan"])
def test_four_devices_find_the_gradients_of_one(model):
    (one, metrics_one), (four, metrics_four) = gradients_on(1, model), gradients_on(4, model)
    scale = max(np.abs(x).max() for x in one.values())
    assert scale > 1e-3
    for name in one:
        np.testing.assert_allclose(four[name], one[name], atol=1e-4 * scale, err_msg=name)
    for name in metrics_one:
        np.testing.assert_allclose(metrics_four[name], metrics_one[name], rtol=1e-3, atol=1e-5, err_msg=name)


def test_shares_hold_whole_groups_and_every_image_once():
    batch = jnp.arange(32)
    shares = [np.asarray(batches.share(batch, jnp.int32(i), 4)) for i in range(4)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(32))
    groups = {tuple(batch.tolist()[m::8]) for m in range(8)}  # of the whole batch: i mod (32 / 4)
    assert {tuple(share[m::2].tolist()) for share in shares for m in range(2)} == groups


def test_what_a_level_does_not_use_stays_as_it_was():
    config = tiny()
    generator, discriminator = build(config)
    step = make_step(generator, discriminator, loop.step_settings(config.training, 0), level=3, batch_size=16, devices=devices.count())
    before = init_state(generator, discriminator, 4, 0)
    kept = leaves(before)
    after, _ = devices.data_parallel(step)(
        devices.replicate(before), devices.replicate(batches.at_resolution(IMAGES, 8)), np.float32(0.5), np.float32(1e-2)
    )
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


@pytest.mark.parametrize("model, loss", [("pggan", "wgan-gp"), ("dcgan", "non-saturating")])
def test_a_run_that_was_stopped_ends_where_one_that_was_not_does(tmp_path, model, loss, monkeypatch):
    config = tiny(loss=loss)
    config.model.name = model
    total = loop.train(config, IMAGES, tmp_path / "whole", {})
    assert total == 240

    monkeypatch.setattr(loop, "level_step", interrupted_at(130, loop.level_step))
    with pytest.raises(UserError, match="stopped at 0.1 of 0.2 kimg"):
        loop.train(config, IMAGES, tmp_path / "stopped", {})
    monkeypatch.undo()
    assert loop.train(config, IMAGES, tmp_path / "stopped", {}) == total

    whole, stopped = (read_state(config, tmp_path / name) for name in ("whole", "stopped"))
    np.testing.assert_equal(stopped, whole)
    lines = [
        [json.loads(line) for line in (tmp_path / name / "log" / "metrics.jsonl").read_text().splitlines()] for name in ("whole", "stopped")
    ]
    assert [line["images"] for line in lines[0]][-1] == 240
    assert [line["images"] for line in lines[1]] == [line["images"] for line in lines[0]]
    assert sorted(path.name for path in (tmp_path / "whole" / "samples").iterdir()) == ["kimg_000000.png"]
    assert list((tmp_path / "whole" / "log").glob("events.out.tfevents*"))


def interrupted_at(images, level_step):
    """Ctrl-C in the middle of a step: when the old state is given away and the new one is not there yet."""
    seen = 0

    def wrapped(*arguments):
        step = level_step(*arguments)

        def interrupted(*inputs):
            nonlocal seen
            seen += arguments[-1].batch_size
            if seen - arguments[-1].batch_size < images <= seen:
                signal.raise_signal(signal.SIGINT)
            return step(*inputs)

        return interrupted

    return wrapped


def test_the_loop_follows_its_schedule(tmp_path, monkeypatch):
    """What every step is given, against a table by hand: 80 images at 8 px, 80 fading to 16 px, 80 at 16 px; batches of 16."""
    seen, level_step = [], loop.level_step

    def recording(*arguments):
        step = level_step(*arguments)

        def recorded(state, images, alpha, rate):
            count = int(state.generator.adam.count)
            seen.append((int(state.images_seen), images.shape[1], round(float(alpha), 3), round(float(rate), 4), count))
            return step(state, images, alpha, rate)

        return recorded

    monkeypatch.setattr(loop, "level_step", recording)
    config = tiny()
    config.training.learning_rate_by_resolution.r16 = 0.003
    before = leaves(init_state(*build(config), 4, config.seed).generator.params)
    loop.train(config, IMAGES, tmp_path, {})
    expected = [(16 * i, 8, 1.0, 0.0002, i) for i in range(5)]
    expected += [(80 + 16 * i, 16, 0.2 * i, 0.003, i) for i in range(5)]
    expected += [(160 + 16 * i, 16, 1.0, 0.003, i) for i in range(5)]
    assert seen == [pytest.approx(row) for row in expected]
    after = read_state(config, tmp_path)
    assert all(np.any(after[f".generator.params{name}"] != leaf) for name, leaf in before.items() if "to_rgb_2" not in name)


def test_checkpoints_of_other_paintings_are_refused(tmp_path):
    config = tiny(total_kimg=0.016, first_resolution=16)
    loop.train(config, IMAGES, tmp_path, {"collection": "these"})
    with pytest.raises(UserError, match="trained on other paintings"):
        loop.train(config, IMAGES, tmp_path, {"collection": "those"})


def read_state(config, folder):
    like = init_state(*build(config), 4, 0)
    with Checkpoints(folder / "checkpoints") as checkpoints:
        return leaves(checkpoints.restore(checkpoints.latest(), like))


def test_another_networks_checkpoint_is_one_clear_line(tmp_path):
    config = tiny(total_kimg=0.016, first_resolution=16)
    loop.train(config, IMAGES, tmp_path, {})
    config.model.latent_size = 9
    with Checkpoints(tmp_path / "checkpoints") as checkpoints, pytest.raises(UserError, match="not of this config's networks"):
        checkpoints.restore(16, init_state(*build(config), 4, 0))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"batch_size": 18}, "18 images don't divide by 4 devices"),
        ({"batch_size": 24}, "6 each, which don't divide into groups of 4"),
        ({"loss": "hinge?"}, "config.training.loss='hinge\\?'"),
        ({"precision": "float8"}, "config.training.precision='float8'"),
        ({"first_resolution": 12}, "config.training.first_resolution=12"),
        ({"total_kimg": 0.0}, "config.training.total_kimg=0.0: nothing"),
        ({"total_kimg": 0.05}, "config.training.total_kimg=0.05: ends at 8 of 16 px"),
        ({"batch_size": 0}, "config.training.batch_size=0: more than 0"),
        ({"learning_rate": -1.0}, "config.training.learning_rate=-1.0: more than 0"),
    ],
)
def test_wrong_settings_are_named(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        loop.train(tiny(**changes), IMAGES, tmp_path, {})


def test_the_average_follows_its_half_life():
    config = tiny(ema_half_life_kimg=0.016, ema_ramp_up=1.0)
    generator, discriminator = build(config)
    step = make_step(generator, discriminator, loop.step_settings(config.training, 0), level=4, batch_size=16, devices=devices.count())
    before = init_state(generator, discriminator, 4, 0)
    old = leaves(before.ema_params)
    after, _ = devices.data_parallel(step)(devices.replicate(before), devices.replicate(IMAGES), np.float32(1), np.float32(1e-2))
    new, average = leaves(after.generator.params), leaves(after.ema_params)
    for name in old:  # a batch is a half-life
        np.testing.assert_allclose(average[name], (old[name] + new[name]) / 2, atol=1e-6)


def test_work_counts_the_multiplications_of_the_kernels():
    config = tiny()
    generator, _ = build(config)
    shapes = jax.eval_shape(lambda: generator.init(jax.random.key(0), jnp.zeros((1, 8)), level=4, alpha=jnp.float32(1)))["params"]
    kernels = {name: math.prod(shapes[f"block_{l}"][name]["kernel"].shape) * 4**l for l in (4,) for name in ("conv", "conv_up")}
    # The generator's share of a level: its plain kernel at every pixel, its fused one with 4 of 9 taps.
    added = networks.work(config.model, 4) - networks.work(config.model, 3)
    assert added == pytest.approx(2 * (kernels["conv"] + kernels["conv_up"] * 4 / 9))
