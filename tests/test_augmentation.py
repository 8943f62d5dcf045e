"""Augmentation: exact where it does nothing, differentiable where it does, and steered by what the discriminator is sure of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from gan_jax.training import augmentation
from gan_jax.training.augmentation import KINDS, augment, draw, overfitting, steer

N, SIZE = 64, 16
KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def images() -> jax.Array:
    return jax.random.uniform(jax.random.key(1), (N, SIZE, SIZE, 3), minval=-1.0)


def test_without_strength_nothing_changes_to_the_last_bit(images):
    np.testing.assert_array_equal(augment(images, draw(KEY, N, KINDS), jnp.float32(0)), images)


@pytest.mark.parametrize("kind", KINDS)
def test_the_strength_is_the_part_of_pictures_that_a_kind_touches(images, kind):
    touched = []
    for seed in range(20):
        seen = augment(images, draw(jax.random.key(seed), N, (kind,)), jnp.float32(0.25))
        touched.append(np.any(np.asarray(seen) != np.asarray(images), axis=(1, 2, 3)).mean())
    gates = 2 if kind == "zoom" else 1  # its size and its shape have gates of their own
    # Of eight ways to lie one is as it was, and of moves by up to two pixels of 16, both ways, those that round to none.
    seen_from = {"turn": 7 / 8, "translation": 15 / 16}.get(kind, 1)
    assert np.mean(touched) == pytest.approx(seen_from * (1 - 0.75**gates), abs=0.04)


@pytest.mark.parametrize("colour", [1.0, 0.4])
def test_colours_are_those_of_their_formula(images, colour):
    chances = {"colour": {"gate": jnp.zeros((N, 3)), "normal": jax.random.normal(KEY, (N, 3)), "uniform": jnp.zeros((N, 2))}}
    x, by = np.asarray(images, np.float64), np.asarray(chances["colour"]["normal"], np.float64)[:, :, None, None, None]
    expected = (x + 0.2 * by[:, 0]) * 2 ** (0.5 * colour * by[:, 1])
    grey = expected @ np.array([0.2126, 0.7152, 0.0722])
    expected = grey[..., None] + 2 ** (colour * by[:, 2]) * (expected - grey[..., None])
    np.testing.assert_allclose(augment(images, chances, jnp.float32(1), colour), expected, atol=1e-4)


def test_without_zoom_pictures_move_by_whole_pixels(images):
    chances = draw(KEY, N, ("translation",))
    seen = np.asarray(augment(images, chances, jnp.float32(1)))
    mirrored = np.pad(np.asarray(images), [(0, 0), (2, 2), (2, 2), (0, 0)], mode="symmetric")
    moves = np.rint(2 * np.asarray(chances["translation"]["uniform"])).astype(int) + 2  # an eighth of 16 pixels at most
    for one, whole, (down, right) in zip(seen, mirrored, moves):
        np.testing.assert_array_equal(one, whole[down : down + SIZE, right : right + SIZE])
    assert len(np.unique(moves)) == 5


def test_turned_pictures_lie_in_all_of_eight_ways_alike(images):
    seen = np.asarray(augment(jnp.broadcast_to(images[:1], (800, SIZE, SIZE, 3)), draw(KEY, 800, ("turn",)), jnp.float32(1)))
    whole = np.asarray(images[0])
    ways = [np.rot90(way, turns) for way in (whole, whole[:, ::-1]) for turns in range(4)]
    counts = [sum(np.array_equal(one, way) for one in seen) for way in ways]
    assert sum(counts) == 800 and min(counts) > 70


def test_moves_and_zooms_are_a_resampling_of_the_mirrored_plane(images):
    chances = draw(KEY, N, ("translation", "zoom"))
    seen = np.asarray(augment(images, chances, jnp.float32(1)))
    scale, shift = (np.asarray(x) for x in augmentation._placement(chances, jnp.float32(1), N, SIZE))
    assert scale.min() < 0.9 and scale.max() > 1.1 and np.abs(shift).max() <= 0.125 * SIZE
    grid = np.arange(SIZE) - (SIZE - 1) / 2
    for i in range(8):
        y, x = (grid * scale[i, k] + (SIZE - 1) / 2 + shift[i, k] for k in range(2))
        for c in range(3):
            expected = ndimage.map_coordinates(np.asarray(images[i, :, :, c]), np.meshgrid(y, x, indexing="ij"), order=1, mode="reflect")
            # Half a pixel beyond the border SciPy goes over to the mirrored pixel, which is the same one: no step there.
            np.testing.assert_allclose(seen[i, :, :, c], expected, atol=1e-5)


def test_what_is_cut_out_is_a_grey_square(images):
    chances = {"cutout": {"gate": jnp.zeros((N, 3)), "normal": jnp.zeros((N, 3)), "uniform": jnp.zeros((N, 2))}}
    seen = np.asarray(augment(images, chances, jnp.float32(1)))
    assert np.all(seen[:, 4:12, 4:12] == 0)
    whole = np.ones((SIZE, SIZE), bool)
    whole[4:12, 4:12] = False
    np.testing.assert_array_equal(seen[:, whole], np.asarray(images)[:, whole])


def test_on_average_nothing_gets_brighter_or_moves(images):
    """The amounts have no direction: over many draws, the mean place and the mean light of a picture stay."""
    place = jnp.linspace(-1, 1, SIZE)[None, None, :, None] * jnp.ones((512, SIZE, SIZE, 3)) * 0.5
    seen = np.asarray(augment(place, draw(KEY, 512, ("translation", "zoom")), jnp.float32(1)), np.float64)
    middle = seen[:, :, SIZE // 2 - 1 : SIZE // 2 + 1].mean()
    assert abs(middle) < 0.01
    light = augment(jnp.zeros((512, 2, 2, 3)), draw(KEY, 512, ("colour",)), jnp.float32(1))
    assert abs(float(light.mean())) < 0.03


@pytest.mark.parametrize("kind", KINDS)
def test_its_gradient_is_that_of_finite_differences(images, kind):
    chances = draw(KEY, 4, (kind,))
    weights = jax.random.normal(jax.random.key(2), (4, SIZE, SIZE, 3))
    along = jax.random.normal(jax.random.key(3), (4, SIZE, SIZE, 3))

    def loss(x: jax.Array) -> jax.Array:
        return (augment(x, chances, jnp.float32(0.9)) * weights).sum()

    slope = float((jax.grad(loss)(images[:4]) * along).sum())
    step = 0.5  # every kind is linear in the picture, up to an offset
    assert slope == pytest.approx(float(loss(images[:4] + step * along) - loss(images[:4] - step * along)) / (2 * step), rel=2e-3)


def test_the_strength_moves_without_another_program(images):
    seen = jax.jit(augment)
    for strength in (0.0, 0.3, 1.0):
        seen(images, draw(KEY, N, KINDS), jnp.float32(strength))
    assert seen._cache_size() == 1


def test_certainty_is_the_mean_sign_of_the_scores():
    real = jnp.array([3.0, 1.0, -1.0, 2.0])
    assert float(overfitting(real, jnp.float32(0))) == 0.5
    assert float(overfitting(real + 100, jnp.float32(101.5))) == 0


def test_the_strength_follows_the_statistic():
    state = augmentation.begin("adaptive", 0.5)
    assert (float(state.strength), float(state.overfitting)) == (0, 0)
    for _ in range(400):
        state = steer(state, jnp.float32(0.9), jnp.float32(2), 0.6, 64, 100.0)
    average = 0.9 * (1 - 0.99 ** np.arange(1, 401))
    expected = 0.0
    for value in average:
        expected = min(1, max(0, expected + np.sign(value - 0.6) * 64 / 100_000))
    assert float(state.overfitting) == pytest.approx(average[-1], rel=1e-4)
    assert float(state.strength) == pytest.approx(expected, rel=1e-4) and expected > 0.1
    assert float(state.border) == 2
    for _ in range(2000):
        state = steer(state, jnp.float32(0.1), jnp.float32(2), 0.6, 64, 100.0)
    assert float(state.strength) == 0
    assert float(augmentation.begin("fixed", 0.5).strength) == 0.5
