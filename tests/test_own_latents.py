"""Paintings with latents of their own, and networks that know the year: pieces against closed forms, then a step of both players."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_training import IMAGES, assert_same_gradients, leaves, run_step, tiny

from gan_jax.latents import sampling
from gan_jax.latents.paths import linear, mean_shift, slerp, spline, with_labels
from gan_jax.models.generator import Generator, Years, on_sphere
from gan_jax.models.networks import NETWORKS
from gan_jax.morphing.morph import hold, paint
from gan_jax.training import batches, losses, paintings

YEARS = np.linspace(-1.5, 1.5, 20, dtype=np.float32)[:, None]


def latents(n, size=8, seed=0):
    return np.asarray(on_sphere(jax.random.normal(jax.random.key(seed), (n, size))))


def test_ways_are_great_circles_between_paintings():
    own, t = latents(3), np.array([0.0, 0.3, 1.0], np.float32)
    found = paintings.on_ways(jnp.asarray(own), jnp.array([0, 0, 0]), jnp.array([1, 1, 1]), jnp.asarray(t)[:, None])
    np.testing.assert_allclose(found, slerp(own[:1], own[1:2], t)[0], atol=1e-4)


def test_so_much_of_what_lies_on_ways_is_a_painting_itself():
    t = np.asarray(paintings.places(jax.random.uniform(jax.random.key(0), (20_000, 1))))
    assert t.min() == 0 and t.max() == 1
    # On 1.2 of the way's length, 0.1 at either end are the end.
    np.testing.assert_allclose([(t == 0).mean(), (t == 1).mean()], 0.1 / 1.2, atol=0.01)
    inside = t[(t > 0) & (t < 1)]
    np.testing.assert_allclose(np.quantile(inside, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.02)


def test_latents_of_paintings_are_learnt_on_their_sphere():
    own, wanted = paintings.begin(jax.random.key(0), 100, 8), jnp.asarray(latents(100, seed=1))
    for _ in range(300):
        wanted = on_sphere(paintings.spread(wanted, 0.1))  # to where they may stay
    for _ in range(1500):
        own = paintings.learn(own, own["latents"] - wanted, 0.02, 0.1, jnp.float32(0.1))
    np.testing.assert_allclose(own["latents"], wanted, atol=0.1)
    np.testing.assert_allclose(np.linalg.norm(own["latents"], axis=1), np.sqrt(8), rtol=1e-5)
    np.testing.assert_allclose(own["ema"], wanted, atol=0.2)
    assert paintings.begin(jax.random.key(0), 0, 8) == {}


def test_latents_that_gather_are_spread_over_their_sphere():
    """To the mean and the covariance that chance has, however they begin; their directions stay theirs."""
    rng = np.random.default_rng(0)
    wide, middle = np.array([[3, 2, 1, 1, 1, 0.5, 0.5, 0.3]]), np.array([[1, 0, 0, 0, 0, 0, 0, 0]])
    gathered = on_sphere(jnp.asarray(rng.standard_normal((400, 8)) * wide + middle, jnp.float32))
    found = gathered
    for _ in range(200):
        found = on_sphere(paintings.spread(found, 0.1))
    found = np.asarray(found, np.float64)
    assert np.linalg.norm(np.asarray(gathered).mean(axis=0)) > 0.5
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=0.01)
    np.testing.assert_allclose(found.T @ found / 400, np.eye(8), atol=0.02)
    assert ((found * np.asarray(gathered)).sum(axis=1) / 8).min() > 0.1


def test_few_latents_are_spread_over_the_space_that_they_span():
    own = jnp.asarray(latents(4, size=16))
    for _ in range(200):
        own = on_sphere(paintings.spread(own, 0.1))
    likeness = (np.asarray(own @ own.T) / 16)[~np.eye(4, dtype=bool)]
    assert likeness.std() < 0.01 and -1 / 3 <= likeness.mean() < 0  # each as far from every other, none in the others' direction


def test_the_finest_strokes_of_a_painting_are_not_compared():
    smooth = np.repeat(np.repeat(np.random.default_rng(0).uniform(-0.5, 0.5, (2, 8, 8, 3)), 4, 1), 4, 2).astype(np.float32)
    strokes = np.tile(np.array([[0.4, -0.4], [-0.4, 0.4]], np.float32), (16, 16))[None, :, :, None]
    fine, coarse = (np.asarray(paintings.unlike(jnp.asarray(smooth + strokes), jnp.asarray(smooth), [], detail)) for detail in (4, 1))
    assert np.all(fine < 1e-5) and np.all(coarse > 0.3)
    # A layer of the discriminator counts where its pixels are larger than what is averaged.
    layer = [(jnp.ones((2, 8, 8, 2)), jnp.asarray(np.tile(np.array([1.0, -1.0], np.float32), (2, 8, 8, 1))))]
    seen = [float(paintings.unlike(jnp.asarray(smooth), jnp.asarray(smooth), layer, detail)[0]) for detail in (2, 4)]
    np.testing.assert_allclose(seen, [paintings.FEATURES * 2.0, 0.0], atol=1e-5)  # unit vectors at right angles are 2 apart, squared


def test_paintings_of_about_a_year_are_drawn_by_their_distance_in_time():
    years = jnp.array([[0.0], [0.1], [1.0]])
    uniform = jax.random.uniform(jax.random.key(0), (4000, 1))
    found = np.asarray(batches.of_about(years, jnp.full((4000, 1), 0.05), 0.1, uniform))
    np.testing.assert_allclose([(found == i).mean() for i in range(3)], [0.5, 0.5, 0.0], atol=0.03)
    # Between years without paintings those on both sides are left.
    found = np.asarray(batches.of_about(years, jnp.full((4000, 1), 0.55), 0.1, uniform))
    np.testing.assert_allclose([(found == i).mean() for i in range(3)], [0.0, 0.5, 0.5], atol=0.03)


def test_scores_ask_for_paintings_of_their_year():
    scores, logits = jnp.zeros(3), jnp.asarray(np.random.default_rng(0).normal(size=(3, 8)), jnp.float32)
    years = jnp.array([[-1.0], [0.2], [5.0]])
    centres = np.linspace(-2, 2, 8)
    weights = np.exp(-0.5 * ((np.asarray(years) - centres) / (centres[1] - centres[0])) ** 2)
    expected = (np.asarray(logits) * weights / weights.sum(1, keepdims=True)).sum(1)
    np.testing.assert_allclose(losses.of_year(scores, logits, years), expected, rtol=1e-4)
    np.testing.assert_allclose(losses.of_year(scores, jnp.ones((3, 8)), years), 1.0, rtol=1e-5)


def test_years_are_counted_from_their_mean():
    years = np.array([1880.0, 1884.0, 1888.0, 1892.0])
    known = Years.of(years)
    np.testing.assert_allclose(known.labels(years)[:, 0], (years - years.mean()) / years.std(), rtol=1e-5)
    assert known.seen == (1880.0, 1884.0, 1888.0, 1892.0)
    assert len(Years.of(np.arange(1000.0)).seen) == Years.MOST_YEARS
    assert np.all(np.isfinite(Years.of(np.full(3, 1886.0)).labels(np.array([1887.0]))))


def ways(model, **training):
    config = tiny(loss="non-saturating", paintings=3.0, paintings_batch=8, paintings_detail=2, year_width=0.2, **training)
    config.model.update(name=model, year=True)
    return config


def moments(config, **settings):
    """Adam's first moments after one step from new: of both players and of the paintings' latents."""
    config.training.adam_b1 = 0.5
    _, state, metrics = run_step(config, labels=YEARS, paintings=len(IMAGES), **settings)
    return leaves((state.discriminator.adam.mu, state.generator.adam.mu, {"paintings": {"latents": state.works["adam"].mu}})), metrics


@pytest.mark.parametrize("model, parts", [*((name, 1) for name in NETWORKS), ("pggan", 2)])
def test_gradients_with_paintings_and_years_are_those_of_one_device_in_one_part(model, parts):
    fresh = model == "pggan"
    one, _ = moments(ways(model, fresh_latents=fresh), count=1)
    other, metrics = moments(ways(model, fresh_latents=fresh), count=4 // parts, microbatches=parts)
    assert_same_gradients(one, other)
    assert metrics["['loss/works']"] > 0
    if model in ("pggan", "dcgan"):  # whose layers have parameters for the year
        assert any("year_" in name and np.abs(leaf).max() > 0 for name, leaf in one.items())


@pytest.mark.parametrize("model", NETWORKS)
def test_paintings_are_painted_at_their_own_latents(model):
    """Their part of the step alone: what is painted for them comes nearer to them, and nobody else's latents learn."""
    config = ways(model, between=1.0)
    _, first, metrics = run_step(config, count=1, labels=YEARS, paintings=len(IMAGES), rate=1e-3)
    painted = run_step(config, count=1, labels=YEARS, paintings=len(IMAGES), rate=1e-3, steps=30)
    assert painted[2]["['loss/works']"] < 0.9 * metrics["['loss/works']"]
    learning = np.abs(np.asarray(first.works["adam"].mu)).max(axis=1) > 0
    assert 0 < learning.sum() <= 8


@pytest.mark.parametrize("level", [2, 3])
def test_paintings_are_learnt_from_four_pixels_on(level):
    """At 4 pixels the discriminator has no layers to compare; colours and structure are compared."""
    small = IMAGES[:, :: 2 ** (4 - level), :: 2 ** (4 - level)]
    config = ways("pggan")
    config.training.paintings_detail = 4
    _, state, metrics = run_step(config, count=1, images=small, level=level, labels=YEARS, paintings=len(IMAGES))
    assert 0 < metrics["['loss/works']"] < np.inf
    assert np.abs(np.asarray(state.works["adam"].mu)).max() > 0


def labelled(seed=0):
    """A generator of one value a picture: the mean of its latents, and its label."""

    def apply(params, z):
        return jnp.broadcast_to((params["a"] * z[:, :2].mean(1) + z[:, 2])[:, None, None, None] / 4, (len(z), 4, 4, 3))

    return Generator("test", 3, 4, {"a": jnp.float32(1.0)}, apply, 1, Years(1886.0, 2.0, (1884.0, 1885.0, 1888.0)))


def test_labels_go_straight_and_latents_on_their_path():
    a, b, t = latents(2, 5), latents(2, 5, seed=1), np.linspace(0, 1, 5)
    way = with_labels("slerp", a, b, t, 1)
    np.testing.assert_allclose(way[:, :, :4], slerp(a[:, :4], b[:, :4], t))
    np.testing.assert_allclose(way[:, :, 4:], linear(a[:, 4:], b[:, 4:], t))
    np.testing.assert_allclose(with_labels("slerp", a, b, t, 0), slerp(a, b, t))
    times = np.array([1880.0, 1884.0, 1890.0])
    through = spline(latents(3, 5), times, np.array([1882.0, 1884.0]), 1)
    np.testing.assert_allclose(through[:, 4], [latents(3, 5)[:2, 4].mean(), latents(3, 5)[1, 4]], rtol=1e-6)
    np.testing.assert_allclose(through[1], latents(3, 5)[1], rtol=1e-5)
    shifted = mean_shift(a, a, b, t, 1)  # what is painted stays, and time goes on
    np.testing.assert_allclose(shifted[:, :, :4], np.broadcast_to(a[:, None, :4], (2, 5, 4)))
    np.testing.assert_allclose(shifted[:, :, 4], a[:, 4][:, None] + t * (b - a)[:, 4].mean(), atol=1e-6)


def test_pictures_from_chance_have_the_years_of_paintings_or_the_one_that_is_asked_for():
    generator = labelled()
    drawn = sampling.of_seeds(generator, np.arange(50))
    assert set(drawn[:, 2].tolist()) == set(generator.years.labels(np.array(generator.years.seen))[:, 0].tolist())
    asked = sampling.of_seeds(generator, np.arange(50), generator.years.labels(np.array([1886.5]))[0])
    assert np.all(asked[:, 2] == 0.25) and len(np.unique(asked[:, 0])) == 50
    assert set(np.unique(np.asarray(generator.draw(jax.random.key(0), 64))[:, 2]).tolist()) == {-1.0, -0.5, 1.0}


def test_tuned_generators_give_way_to_the_trained_one():
    np.testing.assert_allclose(hold(np.array([0.0, 0.15, 0.3, 0.5, 0.85, 1.0]), 0.3), [1, 0.5, 0, 0, 0.5, 1], atol=1e-6)
    np.testing.assert_array_equal(hold(np.linspace(0, 1, 3), 0.0), 1)
    trained = labelled()
    tuned = Generator(**{**vars(trained), "params": {"a": jnp.float32(3.0)}})
    z = np.tile(np.array([[1.0, 1.0, 0.0]], np.float32), (3, 1))
    made = paint(trained, tuned, z, np.array([0.0, 0.5, 1.0]))[:, 0, 0, 0]
    np.testing.assert_allclose(made / 127.5 - 1, np.array([1.0, 2.0, 3.0]) / 4, atol=0.01)
