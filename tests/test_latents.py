"""Paths against closed forms; likeness against scikit-image; searches against latents that are known."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from gan_jax.latents import sampling, tutorial
from gan_jax.latents.inversion import invert, rms
from gan_jax.latents.paths import PATHS, linear, mean_shift, rescaled, slerp, smooth, spline
from gan_jax.latents.search import QUIET, Settings, rate_schedule
from gan_jax.latents.tuning import KERNELS, OPTIMIZERS, learning_rates, tuned
from gan_jax.latents.tuning import Settings as TuningSettings
from gan_jax.models.generator import Critic, Generator, Years, on_sphere
from gan_jax.models.likeness import Weights, distance, features_of, ssim, unlike_statistics
from gan_jax.pictures import to_float, whole_batches

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


@pytest.mark.parametrize("size", [2, 16])
def test_slerp_to_the_opposite_is_half_a_circle(size):
    a = sphere(3, size)
    path = slerp(a, -2 * a, T)
    np.testing.assert_allclose(path[:, [0, -1]], np.stack([a, -2 * a], axis=1), atol=1e-9)
    length = np.linalg.norm(path, axis=-1)
    np.testing.assert_allclose(length, np.linalg.norm(a, axis=1)[:, None] * (1 + T[None]), rtol=1e-9)
    units = path / length[:, :, None]
    np.testing.assert_allclose((units * units[:, :1]).sum(-1), np.broadcast_to(np.cos(np.pi * T), (3, len(T))), atol=1e-9)


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


def critic(resolution: int = 16) -> Critic:
    """Features of random kernels, of two sizes."""
    kernels = [jnp.asarray(np.random.default_rng(i).normal(size=(size, size, 3, 5)), jnp.float32) for i, size in enumerate((2, 4))]

    def features(params, images):
        return tuple(
            jax.lax.conv_general_dilated(images, k, k.shape[:2], "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")) for k in params
        )

    return Critic(kernels, features)


SETTINGS = Settings(
    steps=150,
    restarts=2,
    candidates=64,
    learning_rate=0.1,
    noise=0.05,
    patience=150,
    batch_size=8,
    weights=Weights(1.0, 0.3, 0.3),
    calibration=0,
)


@pytest.mark.parametrize("with_critic", [False, True])
def test_inversion_finds_the_latents_of_generated_images(with_critic):
    generator = dataclasses.replace(toy_generator(), critic=critic() if with_critic else None)
    truth = np.asarray(generator.draw(jax.random.key(1), 10))
    found = invert(generator, generator.images(truth), SETTINGS, 0)
    np.testing.assert_allclose(np.linalg.norm(found.latents, axis=1), np.sqrt(12), rtol=1e-4)
    cosine = (found.latents * truth).sum(1) / 12
    assert np.all(cosine > 0.99), cosine
    assert np.all(found.error < 0.03) and np.all(found.correlation > 0.99)
    np.testing.assert_array_equal(found.reconstructions, generator.images(found.latents))
    assert np.all(found.features > 0) == with_critic
    assert found.verdicts() == [""] * 10 and math.isnan(found.limit)


def test_inversion_tells_what_a_generator_cannot_make():
    """The generator's own images lie inside what it knows, noise does not."""
    generator = toy_generator()
    noise = RNG.integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    own = generator.images(generator.draw(jax.random.key(7), 9))
    settings = dataclasses.replace(SETTINGS, calibration=20, restarts=3)
    found = invert(generator, np.concatenate([noise, own]), settings, 0)
    difference = (found.reconstructions[:3] / 127.5 - noise / 127.5) ** 2
    np.testing.assert_allclose(found.error[:3], np.sqrt(difference.mean((1, 2, 3))), rtol=1e-5)
    assert np.all(found.error[:3] > 0.4) and len(found.recovered) == 20 and np.all(found.recovered < 0.1)
    verdicts = found.verdicts()
    assert verdicts[:3] == ["outside"] * 3
    assert sum(verdict in ("inside", "near") for verdict in verdicts[3:]) >= 8


def test_latents_that_are_known_are_measured_and_labels_stay():
    """The toy generator with a label, which brightens: of four paintings two have latents already, one of them wrong ones."""
    toy = toy_generator()

    def apply(params, z):
        return toy.apply(params, z[:, :12]) + 0.1 * z[:, 12][:, None, None, None]

    generator = Generator("toy", 13, 16, toy.params, apply, label_size=1, years=Years(1886.0, 2.0, (1884.0, 1888.0)))
    truth = np.concatenate([sphere(4, 12), np.array([[-1.0], [0.5], [1.0], [2.0]])], axis=1).astype(np.float32)
    paintings = generator.images(truth)
    known = truth.copy()
    known[1, :12] = sphere(1, 12)
    known[2:] = np.nan
    found = invert(generator, paintings, dataclasses.replace(SETTINGS, calibration=4), seed=0, labels=truth[:, 12:], known=known)
    np.testing.assert_array_equal(found.latents[:2], known[:2])
    np.testing.assert_array_equal(found.latents[:, 12], truth[:, 12])
    assert found.error[0] < 0.01 and found.error[1] > 0.1 and np.all(found.error[2:] < 0.05)
    np.testing.assert_allclose(found.error, rms(found.reconstructions, paintings))
    assert found.steps[0] == found.steps[1] == 0 and np.all(found.steps[2:] > 0)
    np.testing.assert_allclose(np.linalg.norm(found.latents[:, :12], axis=1), np.sqrt(12), rtol=1e-4)
    assert np.all(found.disagreement[:2] == 0) and found.verdicts()[0] == "inside"
    # Where nothing is searched, nothing is told of searches.
    looked_up = invert(
        generator, paintings[:2], dataclasses.replace(SETTINGS, calibration=4), seed=0, labels=truth[:2, 12:], known=known[:2]
    )
    assert not looked_up.steps.any() and not len(looked_up.recovered) and looked_up.verdicts() == ["", ""]
    np.testing.assert_allclose(looked_up.error, found.error[:2], atol=1e-6)


def test_searches_that_arrive_early_cost_less_and_each_ends_by_its_own_clock():
    """What can't be improved goes to its last part as soon as patience ends; what can takes all steps."""
    generator = toy_generator()
    flat = Generator("flat", 12, 16, jnp.float32(0.5), lambda params, z: jnp.full((len(z), 16, 16, 3), params) + 0 * z.sum())
    painting = generator.images(generator.draw(jax.random.key(3), 1))
    settings = dataclasses.replace(SETTINGS, steps=200, patience=20, restarts=1, noise=0.0)
    stuck, free = (invert(one, painting, settings, 0).steps[0] for one in (flat, generator))
    assert stuck <= 30 + 200 * (1 - QUIET) + 10
    assert stuck < free <= 200


def test_more_searches_than_lanes_find_the_same(tmp_path):
    """A lane that is free takes the next search, which ends where it would have ended alone."""
    generator = toy_generator()
    paintings = generator.images(generator.draw(jax.random.key(5), 40))
    settings = dataclasses.replace(SETTINGS, noise=0.0, restarts=1)
    all_at_once, in_turn = (invert(generator, paintings, dataclasses.replace(settings, batch_size=size), 0) for size in (40, 16))
    np.testing.assert_allclose(all_at_once.latents, in_turn.latents, atol=1e-3)


def test_the_learning_rate_rises_stays_and_falls():
    rate = np.asarray(rate_schedule(dataclasses.replace(SETTINGS, steps=200))(jnp.arange(200)))
    np.testing.assert_allclose(rate[:10], 0.1 * np.arange(1, 11) / 10, rtol=1e-5)
    np.testing.assert_allclose(rate[10:150], 0.1, rtol=1e-6)
    np.testing.assert_allclose(rate[150:], 0.1 * (0.5 + 0.5 * np.cos(np.pi * np.arange(50) / 50)), atol=1e-6)


def test_ssim_is_scikit_images():
    a = RNG.uniform(-1, 1, (3, 24, 20, 3))
    b = np.clip(a + RNG.normal(size=a.shape) * 0.3, -1, 1)
    theirs = [
        structural_similarity(x, y, win_size=7, data_range=2, channel_axis=-1, use_sample_covariance=False, gaussian_weights=False)
        for x, y in zip(a, b)
    ]
    # scikit-image takes windows that lie inside, as here.
    np.testing.assert_allclose(ssim(jnp.asarray(a, jnp.float32), jnp.asarray(b, jnp.float32)), theirs, atol=1e-5)


def test_distances_are_zero_of_an_image_from_itself_and_weighed():
    images = jnp.asarray(RNG.uniform(-1, 1, (2, 32, 32, 3)), jnp.float32)
    look = critic()
    seen = features_of(look, look.params, images)
    for layer in seen:
        np.testing.assert_allclose((layer**2).sum(-1), 1, rtol=1e-4)
    same = distance(images, images, seen, seen)
    np.testing.assert_allclose(same.total(Weights(1.0, 1.0, 1.0)), 0, atol=1e-5)
    other = distance(images, -images, seen, features_of(look, look.params, -images))
    # Features of length 1 that point the other way are 2 apart.
    np.testing.assert_allclose(other.features, 4, rtol=1e-4)
    np.testing.assert_allclose(other.pixels, 2 * jnp.abs(images).mean((1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(other.total(Weights(2.0, 0.0, 0.5)), 2 * other.pixels + 0.5 * other.features, rtol=1e-6)


def test_statistics_of_features_do_not_ask_where_something_is():
    layers = [np.abs(RNG.normal(size=(3, 4, 4, 5))), np.abs(RNG.normal(size=(3, 2, 2, 7)))]
    others = [np.abs(RNG.normal(size=layer.shape)) for layer in layers]

    def told(a, b) -> np.ndarray:
        return np.asarray(unlike_statistics([jnp.asarray(x, jnp.float32) for x in a], [jnp.asarray(x, jnp.float32) for x in b]))

    turned = [layer[:, ::-1].transpose(0, 2, 1, 3) for layer in layers]
    np.testing.assert_allclose(told(layers, turned), 0, atol=1e-5)
    expected = np.zeros(3)
    for a, b in zip(layers, others):
        for of in (np.mean, np.std):
            expected += np.abs(of(a, axis=(1, 2)) - of(b, axis=(1, 2))).mean(axis=1) / of(b, axis=(1, 2)).mean() / 4
    np.testing.assert_allclose(told(layers, others), expected, rtol=1e-4)
    # A feature that is the same all over has a slope too.
    flat = jax.grad(lambda x: unlike_statistics([x], [jnp.asarray(layers[0], jnp.float32)]).sum())(jnp.ones((3, 4, 4, 5)))
    assert np.all(np.isfinite(flat))


@pytest.fixture
def to_tune():
    """A generator, two groups of latents and paintings that differ from what it makes there, and other latents."""
    generator = toy_generator()
    latents = np.asarray(generator.draw(jax.random.key(1), 4))
    made = generator.images(latents).astype(int)
    groups = [(latents[:2], made[:2] + 40), (latents[2:], made[2:] - 40)]
    return generator, [(z, np.clip(x, 0, 255).astype(np.uint8)) for z, x in groups], np.asarray(generator.draw(jax.random.key(2), 64))


def tuning_settings(**changes) -> TuningSettings:
    given = {"steps": 150, "optimizer": "adam", "learning_rate": 0.02, "locality": 1.0, "statistics": 0.0}
    return TuningSettings(**{**given, "weights": Weights(1.0, 0.0, 0.0), **changes})


def test_tuning_brings_the_ends_nearer_and_leaves_the_rest(to_tune):
    generator, groups, others = to_tune
    (latents, paintings), before = groups[0], rms(generator.images(groups[0][0]), groups[0][1]).mean()

    def told(locality: float) -> tuple[float, float]:
        (after,) = tuned(generator, groups[:1], tuning_settings(locality=locality), 0)
        assert after.params.shape == generator.params.shape
        return rms(after.images(latents), paintings).mean(), rms(after.images(others), generator.images(others)).mean()

    (free, moved), (held, kept) = told(0.0), told(1.0)
    assert free < 0.5 * before and held < 0.8 * before
    assert kept < 0.85 * moved


def test_what_cannot_be_painted_stroke_by_stroke_is_there_all_the_same(to_tune):
    """Four paintings of noise at one place: pixel by pixel the best is their middle, which has other features than any of them."""
    look = critic()
    generator = dataclasses.replace(to_tune[0], critic=look)
    latents = np.asarray(generator.draw(jax.random.key(1), 1)).repeat(4, axis=0)
    paintings = RNG.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)

    def seen(images: np.ndarray) -> list[jax.Array]:
        return features_of(look, look.params, to_float(images))

    def off(statistics: float) -> float:
        (after,) = tuned(generator, [(latents, paintings)], tuning_settings(locality=0.0, statistics=statistics), 0)
        return float(unlike_statistics(seen(after.images(latents)), seen(paintings)).mean())

    assert off(2.0) < 0.8 * off(0.0)


def test_each_group_has_a_generator_of_its_own(to_tune, monkeypatch):
    generator, groups, _ = to_tune
    settings = tuning_settings(steps=60, locality=0.0)
    both = list(tuned(generator, groups, settings, 0))
    for (latents, paintings), own, other in zip(groups, both, both[::-1]):
        assert rms(own.images(latents), paintings).mean() < 0.5 * rms(other.images(latents), paintings).mean()
    # As they were on several devices, so they are on one.
    devices = jax.local_devices()
    assert len(devices) > 1
    monkeypatch.setattr(jax, "local_devices", lambda: devices[:1])
    for together, alone in zip(both, tuned(generator, groups, settings, 0)):
        np.testing.assert_allclose(alone.params, together.params, atol=1e-3)


def test_a_last_group_that_is_smaller_has_no_program_of_its_own(to_tune, monkeypatch):
    generator, groups, _ = to_tune
    traced = []

    def apply(params, latents):
        traced.append(latents.shape)
        return generator.apply(params, latents)

    device = jax.local_devices()[:1]
    monkeypatch.setattr(jax, "local_devices", lambda: device)
    counted = dataclasses.replace(generator, apply=apply)
    smaller = [groups[0], (groups[1][0][:1], groups[1][1][:1])]
    _, last = tuned(counted, smaller, tuning_settings(steps=60, locality=0.0), 0)
    assert len(traced) == 1
    assert rms(last.images(smaller[1][0]), smaller[1][1]).mean() < 0.5 * rms(generator.images(smaller[1][0]), smaller[1][1]).mean()


@pytest.mark.parametrize("steps", [1, 2, 7, 300])
def test_a_tunings_learning_rate_rises_holds_and_falls(steps):
    rate = learning_rates(tuning_settings(steps=steps, learning_rate=0.5))
    rates = np.array([float(rate(np.float32(i))) for i in range(steps)])
    assert np.all(rates > 0) and rates.max() == 0.5
    rising, falling = np.argmax(rates == 0.5), steps - 1 - np.argmax(rates[::-1] == 0.5)
    assert np.all(np.diff(rates[: rising + 1]) > 0) and np.all(np.diff(rates[falling:]) < 0)
    if steps == 300:  # a tenth of them, and half of them along a cosine
        expected = 0.5 * np.array([1 / 31, 30 / 31, 1, 1, 0.75, 0.5, 0.25])
        np.testing.assert_allclose(rates[[0, 29, 30, 149, 200, 225, 250]], expected, rtol=1e-5)


@pytest.mark.parametrize(
    "shape, sides",
    [((8, 3, 3, 6), (8, 54)), ((64, 4, 4, 3), (64, 48)), ((3, 3, 3, 32), (3, 288)), ((4, 4, 32, 8), (512, 8)), ((12, 5), (12, 5))],
)
def test_a_kernel_is_tuned_alike_in_all_directions(shape, sides):
    """Its gradient is a hundred times as large in one direction as in another; its step is not, and as large as settings say."""
    least = min(sides)
    (u, _), (v, _) = (np.linalg.qr(RNG.normal(size=(side, least))) for side in sides)
    gradient = jnp.asarray(u * np.geomspace(1, 1e-2, least) @ v.T, jnp.float32).reshape(shape)
    settings = tuning_settings(learning_rate=0.5)
    muon, kernel = OPTIMIZERS["muon"](settings), jnp.zeros(shape)
    with jax.numpy_dtype_promotion("standard"):
        step = np.asarray(muon.update(gradient, muon.init(kernel), kernel)[0]).reshape(sides)
    strengths = np.linalg.svd(step, compute_uv=False)
    assert strengths.max() < 10 * strengths.min()
    alike = float(learning_rates(settings)(0)) * KERNELS * math.sqrt(max(sides))  # if all were
    assert 0.6 * alike < strengths.max() < 1.3 * alike
    assert np.all(np.diag(u.T @ step @ v) < 0)  # downhill


@pytest.mark.parametrize("shape", [(7,), (1, 14), ()])
def test_what_is_no_kernel_is_tuned_by_adam(shape):
    settings = tuning_settings(learning_rate=0.5)
    by, weights, gradient = OPTIMIZERS["muon"](settings), jnp.zeros(shape), jnp.asarray(RNG.normal(size=shape), jnp.float32)
    with jax.numpy_dtype_promotion("standard"):
        step = by.update(gradient, by.init(weights), weights)[0]
    ahead = 1 + 0.9 * 0.1 / (1 - 0.9**2)  # Nesterov's first step (Dozat 2016)
    np.testing.assert_allclose(step, -ahead * float(learning_rates(settings)(0)) * np.sign(gradient), rtol=1e-4)


def test_nothing_is_tuned_in_no_steps(to_tune):
    generator, groups, _ = to_tune
    assert all(each is generator for each in tuned(generator, groups, tuning_settings(steps=0), 0))
    module = dataclasses.replace(generator, params=None)
    assert all(each is module for each in tuned(module, groups, tuning_settings(), 0))


def test_the_tutorials_loss_and_first_step_in_closed_form():
    images, target = (RNG.uniform(-1, 1, (2, 4, 4, 3)) for _ in range(2))
    z = RNG.normal(size=(2, 8))
    expected = [np.abs((x + 1) / 2 - (y + 1) / 2).sum() + abs(np.linalg.norm(v) - np.sqrt(8)) for x, y, v in zip(images, target, z)]
    given = (jnp.asarray(x, jnp.float32) for x in (images, target, z))
    np.testing.assert_allclose(tutorial.loss_of(*given), expected, rtol=1e-5)
    generator = toy_generator()
    paintings = generator.images(generator.draw(jax.random.key(1), 3))
    start, one = (tutorial.search(generator, paintings, 4, steps) for steps in (0, 1))
    # Adam's first step is the sign of the gradient times the rate.
    np.testing.assert_allclose(np.abs(one - start), tutorial.LEARNING_RATE, rtol=1e-3)


def test_a_spline_goes_through_its_paintings_in_order_and_keeps_their_lengths():
    points, years = sphere(4, 16), np.array([1880.0, 1883.0, 1884.0, 1890.0])
    path = spline(points, years, np.linspace(1880, 1890, 101))
    np.testing.assert_allclose(path[[0, 30, 40, 100]], points, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), 4, rtol=1e-6)
    # No corner: the direction changes by little from one step to the next, at the paintings too.
    steps = np.diff(path, axis=0)
    cosine = (steps[1:] * steps[:-1]).sum(1) / np.linalg.norm(steps[1:], axis=1) / np.linalg.norm(steps[:-1], axis=1)
    assert np.all(cosine > 0.9)


def test_paintings_of_nearly_one_date_do_not_throw_a_spline_off():
    points, years, at = sphere(4, 16), np.array([1880.0, 1884.0, 1884.001, 1890.0]), np.linspace(1880, 1890, 1001)
    path = spline(points, years, at)
    np.testing.assert_allclose(path[[0, 400, 1000]], points[[0, 1, 3]], atol=1e-6)
    # Between two paintings the way is about as far from both as they are from each other, and no further.
    for first, (a, b) in enumerate(zip(points, points[1:])):
        part = path[(at >= years[first]) & (at <= years[first + 1])]
        away = np.stack([np.linalg.norm(part - end[None], axis=1) for end in (a, b)])
        assert away.max() < 1.1 * np.linalg.norm(a - b)


def test_the_mean_shift_moves_by_the_difference_of_the_means():
    early, late = sphere(5, 16), sphere(7, 16)
    path = mean_shift(early[:2], early, late, T)
    np.testing.assert_allclose(path[:, 0], early[:2], atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 4, rtol=1e-6)
    end = early[:2] + (late.mean(0) - early.mean(0))
    np.testing.assert_allclose(path[:, -1], 4 * end / np.linalg.norm(end, axis=1, keepdims=True), rtol=1e-6)


def test_smooth_easing_keeps_the_ends_and_the_middle_and_stops_there():
    np.testing.assert_allclose(smooth(T), [0, 0.15625, 0.5, 0.84375, 1])
    assert smooth(np.array([1e-4]))[0] < 1e-7


def test_any_number_of_latents_becomes_images_in_batches():
    generator = toy_generator()
    latents = generator.draw(jax.random.key(0), 7)
    np.testing.assert_array_equal(generator.images(latents, batch_size=3), generator.images(latents, batch_size=7))
    expected = np.clip(np.rint((np.asarray(generator(latents)) + 1) * 127.5), 0, 255)
    np.testing.assert_array_equal(generator.images(latents), expected)


def test_the_last_one_fills_batches_up():
    for n, made in ((0, []), (1, [0, 0, 0]), (3, [0, 1, 2]), (4, [0, 1, 2, 3, 3, 3])):
        np.testing.assert_array_equal(whole_batches(np.arange(n), 3), made)
        assert whole_batches(np.zeros((n, 2, 2), np.uint8), 3).shape == (len(made), 2, 2)


@pytest.mark.parametrize(
    "backend, few, compiled", [("cpu", 5, [1, 2, 4, 8, 16, 6]), ("gpu", 5, [5, 8, 16, 6]), ("gpu", 0.5, [1, 2, 4, 8, 16, 6])]
)
def test_few_programs_make_any_number_of_images(monkeypatch, backend, few, compiled):
    """`few`: images that take a GPU hardly any time to paint."""
    sizes: list[int] = []
    toy = toy_generator()

    def apply(params, latents):
        sizes.append(len(latents))  # by each program, when it is traced
        return toy.apply(params, latents)

    generator = dataclasses.replace(toy, apply=apply)
    latents = np.asarray(generator.draw(jax.random.key(0), 23))
    expected = np.concatenate([toy.images(latents[i : i + 1]) for i in range(23)])
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    monkeypatch.setattr("gan_jax.models.generator.FEW_PIXELS", int(few * toy.resolution**2))
    for batch_size in (16, 6):
        for n in (0, *range(1, 24)):
            told: list[int] = []
            np.testing.assert_array_equal(generator.images(latents[:n], batch_size, told.append), expected[:n])
            assert sum(told) == n and len(told) == -(-n // batch_size)
    assert sizes == compiled


def painter(latents_to_images, size=8, label_size=0) -> Generator:
    return Generator("test", size, 16, jnp.float32(0), lambda params, z: latents_to_images(z), label_size)


def test_a_seed_has_its_latents_whatever_other_seeds_there_are():
    plain = painter(lambda z: jnp.zeros((len(z), 16, 16, 3)))
    latents = sampling.of_seeds(plain, np.array([5, 6, 7]))
    np.testing.assert_array_equal(latents[1:], sampling.of_seeds(plain, np.array([6, 7])))
    np.testing.assert_allclose(np.linalg.norm(latents, axis=1), np.sqrt(8), rtol=1e-6)
    draws = np.random.default_rng(6).standard_normal(8)
    np.testing.assert_allclose(latents[1], draws * np.sqrt(8) / np.linalg.norm(draws), rtol=1e-6)
    many = sampling.of_seeds(plain, np.arange(2000))
    np.testing.assert_allclose(many.T @ many / 2000, np.eye(8), atol=0.1)


def test_seeds_of_networks_with_labels():
    labelled = painter(lambda z: jnp.zeros((len(z), 16, 16, 3)), size=10, label_size=2)
    late = sampling.of_seeds(labelled, np.arange(50), np.array([0.0, 1.0], np.float32))
    assert (late[:, 8:] == [0, 1]).all()
    either = sampling.of_seeds(labelled, np.arange(50))
    np.testing.assert_array_equal(either[:, :8], late[:, :8])
    assert 10 < either[:, 8].sum() < 40 and (either[:, 8:].sum(axis=1) == 1).all()
    moved = sampling.truncated(either, late[0], 0.3, label_size=2)
    np.testing.assert_array_equal(moved[:, 8:], either[:, 8:])


def test_truncation_goes_from_the_picture_to_the_ordinary_one():
    latents, centre = sphere(20, 8), sphere(1, 8)[0]
    np.testing.assert_allclose(sampling.truncated(latents, centre, 1.0), latents, atol=1e-6)
    np.testing.assert_allclose(sampling.truncated(latents, centre, 0.0), np.tile(centre, (20, 1)), atol=1e-6)
    half = sampling.truncated(latents, centre, 0.5)
    np.testing.assert_allclose(np.linalg.norm(half, axis=1), np.sqrt(8), rtol=1e-6)
    np.testing.assert_allclose(np.arccos(half @ centre / 8), np.arccos(latents @ centre / 8) / 2, atol=1e-5)


def test_the_most_ordinary_picture_is_the_one_in_the_middle():
    """Pictures whose grey is the first entry of their latents: the most ordinary has the median."""
    grey = painter(lambda z: jnp.broadcast_to(z[:, :1, None, None] / 4, (len(z), 16, 16, 3)))
    first = sampling.of_seeds(grey, np.arange(sampling.CANDIDATES))[:, 0]
    assert abs(sampling.ordinary(grey)[0] - np.median(first)) < 0.05


def test_a_walk_passes_its_stations_and_closes():
    stations = sphere(3, 8)
    way = sampling.walk(stations, 10)
    assert way.shape == (30, 8)
    np.testing.assert_allclose(way[::10], stations, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), np.sqrt(8), rtol=1e-6)
    steps = np.linalg.norm(np.diff(np.concatenate([way, way[:1]]), axis=0), axis=1)
    assert steps[[9, 10, 19, 20, 29, 0]].max() < 0.2 * steps.max()  # slow at every station, the seam among them
