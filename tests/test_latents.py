"""Paths against closed forms; inversion against latents that are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.latents.inversion import invert
from gan_jax.latents.paths import PATHS, linear, rescaled, slerp
from gan_jax.models.generator import Generator, on_sphere

T = np.linspace(0, 1, 5)
RNG = np.random.default_rng(0)


def sphere(*shape: int) -> np.ndarray:
    return np.asarray(on_sphere(jnp.asarray(RNG.normal(size=shape), jnp.float32)), np.float64)


@pytest.mark.parametrize("name", PATHS)
def test_every_path_begins_and_ends_where_it_should(name):
    a, b = sphere(3, 16), sphere(3, 16)
    path = PATHS[name](a, b, T)
    assert path.shape == (3, 5, 16)
    np.testing.assert_allclose(path[:, 0], a, atol=1e-9)
    np.testing.assert_allclose(path[:, -1], b, atol=1e-9)


def test_slerp_stays_on_the_sphere_and_turns_at_constant_speed():
    path = slerp(sphere(4, 16), sphere(4, 16), T)
    np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 4, rtol=1e-6)
    unit = path / np.linalg.norm(path, axis=-1, keepdims=True)
    angles = np.arccos((unit[:, 1:] * unit[:, :-1]).sum(-1))
    np.testing.assert_allclose(angles, angles[:, :1].repeat(4, 1), rtol=1e-6)


def test_slerp_of_a_right_angle_in_closed_form():
    path = slerp(np.array([[2.0, 0.0]]), np.array([[0.0, 2.0]]), T)
    np.testing.assert_allclose(path[0], 2 * np.stack([np.cos(T * np.pi / 2), np.sin(T * np.pi / 2)], -1), atol=1e-9)


@pytest.mark.parametrize("b", [[1.0, 2.0], [-1.0, -2.0]])
def test_slerp_of_one_direction_or_its_opposite_is_finite(b):
    assert np.all(np.isfinite(slerp(np.array([[1.0, 2.0]]), np.array([b]), T)))


def test_rescaled_has_the_length_of_its_start():
    path = rescaled(sphere(2, 16), 3 * sphere(2, 16), T)
    np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 4, rtol=1e-6)
    np.testing.assert_allclose(linear(np.zeros((1, 2)), np.ones((1, 2)), T)[0, :, 0], T)


def toy_generator(resolution: int = 16, latent_size: int = 12) -> Generator:
    """Smooth colour fields: a generator that is simple enough for every image of it to have one latent."""
    axis = np.linspace(0, np.pi, resolution)
    waves = np.stack([np.outer(np.cos(i * axis), np.cos(j * axis)) for i in (0, 1) for j in (0, 1)])  # [4, r, r]
    colours = np.eye(3)
    basis = jnp.asarray(np.einsum("wyx,kc->wkyxc", waves, colours).reshape(12, resolution, resolution, 3), jnp.float32)

    def apply(params, latents):
        return jnp.tanh(jnp.einsum("nl,lyxc->nyxc", latents, params) / 3)

    return Generator("toy", latent_size, resolution, basis, apply)


def test_inversion_finds_the_latents_of_generated_images():
    generator = toy_generator()
    truth = np.asarray(generator.draw(jax.random.key(1), 10))
    found = invert(
        generator, generator.images(truth), steps=150, restarts=2, candidates=64, learning_rate=0.1, batch_size=8, structure=1.0, seed=0
    )
    np.testing.assert_allclose(np.linalg.norm(found.latents, axis=1), np.sqrt(12), rtol=1e-4)
    cosine = (found.latents * truth).sum(1) / 12
    assert np.all(cosine > 0.99), cosine
    assert np.all(found.error < 0.03) and np.all(found.correlation > 0.99)
    np.testing.assert_array_equal(found.reconstructions, generator.images(found.latents))


def test_inversion_reports_the_error_of_what_a_generator_cannot_make():
    generator = toy_generator()
    noise = RNG.integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    found = invert(generator, noise, steps=20, restarts=3, candidates=8, learning_rate=0.1, batch_size=4, structure=0.0, seed=0)
    difference = (found.reconstructions / 127.5 - noise / 127.5) ** 2
    np.testing.assert_allclose(found.error, np.sqrt(difference.mean((1, 2, 3))), rtol=0.02)
    assert np.all(found.error > 0.4)


def test_any_number_of_latents_becomes_images_in_batches():
    generator = toy_generator()
    latents = generator.draw(jax.random.key(0), 7)
    np.testing.assert_array_equal(generator.images(latents, batch_size=3), generator.images(latents, batch_size=7))
    expected = np.clip(np.rint((np.asarray(generator(latents)) + 1) * 127.5), 0, 255)
    np.testing.assert_array_equal(generator.images(latents), expected)
