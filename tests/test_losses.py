"""Losses against closed forms, and the penalty's gradient against finite differences in float64."""

import jax
import jax.experimental
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import default_config
from gan_jax.training import loop, losses

enable_x64 = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64  # as it was before jax 0.8

REAL, FAKE = np.array([1.5, -0.2]), np.array([0.3, 2.0])


def test_wasserstein():
    np.testing.assert_allclose(losses.wasserstein_discriminator(REAL, FAKE), [-1.2, 2.2])
    np.testing.assert_allclose(losses.wasserstein_generator(FAKE), [-0.3, -2.0])
    np.testing.assert_allclose(losses.drift(REAL), [2.25, 0.04])


def test_non_saturating_is_cross_entropy():
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    expected = -np.log(sigmoid(REAL)) - np.log(1 - sigmoid(FAKE))
    np.testing.assert_allclose(
        losses.non_saturating_discriminator(jnp.asarray(REAL, jnp.float32), jnp.asarray(FAKE, jnp.float32)), expected, rtol=1e-5
    )
    np.testing.assert_allclose(losses.non_saturating_generator(jnp.asarray(FAKE, jnp.float32)), -np.log(sigmoid(FAKE)), rtol=1e-5)


def test_hinge():
    np.testing.assert_allclose(losses.hinge_discriminator(REAL, FAKE), [0 + 1.3, 1.2 + 3.0], rtol=1e-6)
    assert losses.LOSSES["hinge"].generator is losses.wasserstein_generator


def test_cross_entropy_of_labels():
    logits, labels = np.array([[1.0, 3.0], [0.5, -0.5]], np.float32), np.array([[0, 1], [0, 1]], np.float32)
    expected = -np.log([np.exp(3) / (np.exp(1) + np.exp(3)), np.exp(-0.5) / (np.exp(0.5) + np.exp(-0.5))])
    np.testing.assert_allclose(losses.cross_entropy(jnp.asarray(logits), jnp.asarray(labels)), expected, rtol=1e-5)


def test_penalties_of_a_linear_critic():
    # A critic w . x has the slope w everywhere.
    w = np.random.default_rng(0).normal(size=(2, 3, 3, 3)).astype(np.float32)
    gradients = jax.grad(lambda x: (x * w).sum())(jnp.zeros_like(w))
    lengths = np.sqrt((w**2).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(losses.gradient_penalty(gradients), (lengths - 1) ** 2, rtol=1e-5)
    np.testing.assert_allclose(losses.r1(gradients), lengths**2 / 2, rtol=1e-5)


def settings(loss, **changed):
    """Weights that are told apart in a sum."""
    training = default_config.get_config().training
    training.update({"loss": loss, "gradient_penalty": 10.0, "drift": 0.1, "r1": 2.0, "r1_every": 3} | changed)
    return loop.step_settings(training)


@pytest.mark.parametrize("loss", losses.LOSSES)
def test_the_penalty_is_the_losses_own(loss):
    """Of a critic whose gradients are the images themselves: what is asked for says where it was asked."""
    rng = np.random.default_rng(0)
    real, generated = (rng.normal(size=(3, 2, 2, 3)).astype(np.float32) for _ in range(2))
    mix, scores = np.array([0.0, 0.5, 0.75], np.float32), np.array([1.0, -2.0, 3.0], np.float32)
    before = np.array([0.1, 0.2, 0.3], np.float32)
    found, penalty = losses.penalised(jnp.asarray(before), settings(loss), real, generated, mix, scores, lambda images: images)
    if loss == "wgan-gp":
        weights = mix[:, None, None, None]
        at = real * (1 - weights) + generated * weights
        expected = (np.sqrt((at**2).sum((1, 2, 3))) - 1) ** 2
        total = before + 10 * expected + 0.1 * scores**2
    else:
        expected = (real**2).sum((1, 2, 3)) / 2
        total = before + 2 * 3 * expected
    np.testing.assert_allclose(penalty, expected, rtol=1e-5)
    np.testing.assert_allclose(found, total, rtol=1e-5)
    same, none = losses.penalised(jnp.asarray(before), settings(loss, r1=0.0), real, generated, mix, scores, lambda images: images)
    assert (none is None) == (loss != "wgan-gp") and np.array_equal(same, before) == (loss != "wgan-gp")


def test_r1_may_be_lazy_and_the_gradient_penalty_may_not():
    assert losses.penalty_every("hinge", 1.0, 16) == losses.penalty_every("non-saturating", 1.0, 16) == 16
    assert losses.penalty_every("non-saturating", 0.0, 16) == 0
    assert losses.penalty_every("wgan-gp", 0.0, 16) == 1


def test_only_a_critics_scores_have_a_border_that_moves():
    five, one = jnp.float32(5), jnp.float32(1)
    assert (
        float(losses.border("hinge", jnp.float32(0), five, one)) == float(losses.border("non-saturating", jnp.float32(0), five, one)) == 0
    )
    border = jnp.float32(0)
    for _ in range(400):
        border = losses.border("wgan-gp", border, five, one)
    assert float(border) == pytest.approx(3 * (1 - 0.99**400), rel=1e-4)


def test_gradient_of_the_penalty_against_finite_differences():
    with enable_x64(True):
        rng = np.random.default_rng(1)
        weights, images = rng.normal(size=(12, 5)), rng.normal(size=(4, 2, 2, 3))

        def penalty(w):
            def score(x):
                return jnp.tanh(x.reshape(4, 12) @ w).sum()

            return losses.gradient_penalty(jax.grad(score)(jnp.asarray(images))).mean()

        gradient = np.asarray(jax.grad(penalty)(jnp.asarray(weights)))
        for i, j in [(0, 0), (3, 2), (11, 4)]:
            shift = np.zeros_like(weights)
            shift[i, j] = 1e-6
            difference = (penalty(jnp.asarray(weights + shift)) - penalty(jnp.asarray(weights - shift))) / 2e-6
            np.testing.assert_allclose(gradient[i, j], difference, rtol=1e-6)


def test_the_penalty_of_a_flat_critic_has_a_finite_gradient():
    gradient = jax.grad(lambda gradients: losses.gradient_penalty(gradients).sum())(jnp.zeros((2, 2, 2, 3)))
    assert np.all(np.isfinite(gradient))


def test_gradient_of_the_penalty_through_the_discriminator_against_finite_differences():
    """The whole of it in float64: fused scaling, the minibatch's standard deviation, our own derivatives of both orders."""
    from gan_jax.models import pggan

    with enable_x64(True):
        network = pggan.Discriminator(8, fmap_base=16, fmap_max=4, dtype=jnp.float64)
        images = jax.random.normal(jax.random.key(0), (4, 8, 8, 3), jnp.float64)
        alpha = jnp.float64(0.4)
        params = jax.jit(lambda x: network.init(jax.random.key(1), x, level=3, alpha=alpha))(images)["params"]
        params = jax.tree.map(lambda x: x.astype(jnp.float64) + 0.1 * jax.random.normal(jax.random.key(2), x.shape, jnp.float64), params)

        @jax.jit
        def penalty(params):
            def score(images):
                return network.apply({"params": params}, images, level=3, alpha=alpha)[0].sum()

            gradients = jax.grad(score)(images)
            return ((jnp.sqrt((gradients**2).sum((1, 2, 3))) - 1) ** 2).mean()

        gradient = jax.jit(jax.grad(penalty))(params)
        rng = np.random.default_rng(0)
        for _ in range(3):
            direction = jax.tree.map(lambda x: jnp.asarray(rng.normal(size=x.shape)), params)
            ahead, behind = (penalty(jax.tree.map(lambda x, d: x + step * d, params, direction)) for step in (1e-6, -1e-6))
            along = sum(jax.tree.leaves(jax.tree.map(lambda g, d: float((g * d).sum()), gradient, direction)))
            np.testing.assert_allclose(along, (ahead - behind) / 2e-6, rtol=1e-6)
