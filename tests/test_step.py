"""The parts of a training step, each alone."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from test_training import IMAGES, LABELS, NO_LABELS, build, leaves, tiny

from gan_jax.training import batches, devices, loop
from gan_jax.training.batches import Inputs, Share, draw_batch
from gan_jax.training.players import Networks, discriminator_loss, generator_loss, make
from gan_jax.training.settings import own_latents
from gan_jax.training.state import Data, Player, init_state
from gan_jax.training.step import accumulate, adam_step, discriminator_step

ALPHA = jnp.float32(1)


def drawn(config, labels=NO_LABELS, devices=1, index=0, images_seen=0, seed=1):
    """Both batches of 16 images, as they are drawn for one of some devices."""
    settings, (generator, discriminator) = loop.step_settings(config.training), build(config)
    paintings = own_latents(config.training, len(IMAGES))
    state = init_state(generator, discriminator, 4, 0, settings.augment, settings.augment_strength, paintings)
    state = state.replace(images_seen=jnp.int32(images_seen))
    share = Share(16, devices, jnp.int32(index))
    data = Data(jnp.asarray(IMAGES), jnp.asarray(labels), jnp.int32(seed))
    return draw_batch(state, data, ALPHA, settings, generator, share), state, settings


def everything():
    own = dict(paintings=1.0, paintings_batch=8, paintings_detail=2)
    config = tiny(loss="non-saturating", augment="fixed", augment_strength=0.5, fresh_latents=True, **own)
    config.model.update(year=True, noise=True)
    return config, np.linspace(-1.5, 1.5, 20, dtype=np.float32)[:, None]


def test_devices_draw_shares_of_one_batch():
    config, years = everything()
    whole, *_ = drawn(config, years)
    two = [drawn(config, years, 2, index)[0] for index in range(2)]
    joined = leaves(jax.tree.map(lambda *parts: np.stack(parts), *two))
    for name, leaf in leaves(jax.tree.map(lambda x: batches.shares(x, 2), whole)).items():
        np.testing.assert_allclose(joined[name], leaf, atol=1e-6, err_msg=name)


def test_batches_are_of_the_images_seen_and_the_seed_alone():
    config, years = everything()
    (first, again), later = (leaves(drawn(config, years)[0]) for _ in range(2)), leaves(drawn(config, years, images_seen=16)[0])
    np.testing.assert_equal(first, again)
    of_another_seed = leaves(drawn(config, years, seed=2)[0])
    for other in (later, of_another_seed):
        alike = {name for name in first if np.array_equal(first[name], other[name])}
        assert all("strength" in name or "paintings.noise" in name for name in alike)


def test_real_images_stand_beside_their_labels():
    config = tiny(mirror=False)
    config.model.conditional = True
    (batch, for_generator), *_ = drawn(config, LABELS)
    apart = np.abs(IMAGES[None] / np.float32(127.5) - 1 - np.asarray(batch.real)[:, None]).max(axis=(2, 3, 4))
    assert np.all(apart.min(axis=1) < 1e-5)
    places = apart.argmin(axis=1)
    np.testing.assert_array_equal(batch.labels, LABELS[places])
    # The generator learns from the images that the discriminator sees: those of the same inputs, with the labels of real images.
    np.testing.assert_equal(leaves(for_generator.inputs), leaves(batch.inputs))
    np.testing.assert_array_equal(batch.inputs.labels, batch.labels)
    assert batch.augment_real is batch.strength is batch.inputs.noise is for_generator.paintings is None


def test_losses_are_those_of_what_the_networks_say():
    """Both losses again from scores and logits, of images that are painted for them."""
    config = tiny(loss="hinge", fresh_latents=True, label_weight=2.0)
    config.model.conditional = True
    (batch, for_generator), state, settings = drawn(config, LABELS)
    networks = Networks(*build(config), 4)
    g, d = state.generator, state.discriminator
    painted, _ = jax.jit(networks.generate)(g.params, g.stats, batch.inputs, ALPHA)
    discriminate = jax.jit(networks.discriminate)

    def judged(images):
        (scores, logits), _ = discriminate(d.params, d.stats, images, ALPHA)
        return np.asarray(scores), np.asarray(jax.nn.log_softmax(logits))

    def wrong(guesses, labels):
        return -(guesses * np.asarray(labels)).sum(1).mean()

    (on_real, guess_real), (on_painted, guess_painted) = judged(batch.real), judged(painted)
    expected = np.maximum(0, 1 - on_real).mean() + np.maximum(0, 1 + on_painted).mean()
    expected += 2 * (wrong(guess_real, batch.labels) + wrong(guess_painted, batch.inputs.labels))
    of_discriminator, of_generator = (jax.jit(loss, static_argnums=(0, 1)) for loss in (discriminator_loss, generator_loss))
    loss, (_, metrics) = of_discriminator(networks, settings, d.params, d.stats, g, batch, ALPHA, jnp.float32(0))
    np.testing.assert_allclose(
        [loss, metrics["score/real"], metrics["score/fake"]], [expected, on_real.mean(), on_painted.mean()], rtol=1e-3
    )
    assert "penalty" not in metrics

    made, _ = jax.jit(make, static_argnums=(0, 1))(networks, settings, g.params, g.stats, {}, for_generator, ALPHA)
    scores, guess = judged(made.images)
    loss, (_, metrics) = of_generator(networks, settings, made, d.stats, d.params, for_generator, ALPHA)
    np.testing.assert_allclose(loss, -scores.mean() + 2 * wrong(guess, for_generator.inputs.labels), rtol=1e-3)
    assert metrics["loss/generator"] == loss


def test_an_image_that_is_painted_already_is_not_painted_again():
    (batch, _), state, settings = drawn(tiny(loss="hinge"))
    networks = Networks(*build(tiny()), 4)
    g, d = state.generator, state.discriminator
    painted, _ = networks.generate(g.params, g.stats, batch.inputs, ALPHA)
    no_generator = dataclasses.replace(batch, generated=painted, inputs=Inputs(None, batch.inputs.labels))
    anew, given = (
        discriminator_loss(networks, settings, d.params, d.stats, g, each, ALPHA, jnp.float32(0)) for each in (batch, no_generator)
    )
    np.testing.assert_equal(leaves(given), leaves(anew))


@pytest.mark.parametrize("strength, part", [(0.0, 1.0), (0.4, 0.8), (1.0, 0.5)])
def test_a_discriminator_slows_down_as_augmentation_grows(strength, part):
    (batch, _), state, settings = drawn(tiny(loss="hinge", augment="fixed", augment_strength=strength))
    networks, before = Networks(*build(tiny()), 4), state.discriminator.params

    def moved(slowing):
        its = dataclasses.replace(settings, discriminator_slowing=slowing)
        step = jax.vmap(lambda rate: discriminator_step(networks, its, state, batch, ALPHA, rate)[0].params, axis_name=devices.AXIS)
        return leaves(jax.tree.map(lambda after, was: after[0] - was, jax.jit(step)(jnp.full(1, 0.01, jnp.float32)), before))

    whole, slower = moved(0.0), moved(0.5)
    assert sum(np.abs(step).max() > 0.009 for step in whole.values()) > 5  # the bias of its score has a gradient of 0 at the beginning
    for name, step in whole.items():
        np.testing.assert_allclose(slower[name], part * step, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("microbatches", [1, 2, 4])
def test_gradients_of_parts_are_averaged_and_statistics_go_from_one_to_the_next(microbatches):
    x = jnp.arange(16.0)

    def loss(params, count, batch):
        return (params["a"] * batch**2).mean(), (count + 1, {"mean": batch.mean()})

    gradient, (count, metrics) = accumulate(loss, {"a": jnp.float32(3)}, jnp.int32(0), x, microbatches)
    assert float(gradient["a"]) == pytest.approx(float((np.arange(16.0) ** 2).mean()))
    assert (int(count), float(metrics["mean"])) == (microbatches, 7.5)


def test_adam_moves_what_has_gradients_and_nothing_else():
    settings = loop.step_settings(tiny(adam_b1=0.5, adam_b2=0.9, adam_epsilon=1e-3).training)
    params = {name: {"kernel": jnp.asarray(np.random.default_rng(i).normal(size=3), jnp.float32)} for i, name in enumerate("ab")}
    gradients = {"a": {"kernel": jnp.array([0.1, -2.0, 0.0])}}
    player, alone = Player(params, {}, optax.scale_by_adam().init(params)), {"a": params["a"]}
    adam = optax.adam(0.01, 0.5, 0.9, 1e-3)
    known = adam.init(alone)
    for _ in range(3):
        player = adam_step(player, gradients, settings, jnp.float32(0.01))
        with jax.numpy_dtype_promotion("standard"):
            updates, known = adam.update(gradients, known)
        alone = optax.apply_updates(alone, updates)
    np.testing.assert_allclose(player.params["a"]["kernel"], alone["a"]["kernel"], rtol=1e-6)
    np.testing.assert_array_equal(player.params["b"]["kernel"], params["b"]["kernel"])
    assert not np.any(player.adam.mu["b"]["kernel"]) and np.any(player.adam.mu["a"]["kernel"])
    assert int(player.adam.count) == 3
