"""What is measured of images while training, against sets of which it is known."""

import numpy as np
import pytest

from gan_jax.collection.painter import paint_collection
from gan_jax.metrics.features import texture
from gan_jax.training.watch import Watch


@pytest.fixture(scope="module")
def painted():
    """Images of four years, and of two other years."""
    near = paint_collection(160, 1880.0, 1884.0, 1, 32)[1]
    far = paint_collection(40, 1888.0, 1890.0, 2, 32)[1]
    order = np.random.default_rng(0).permutation(160)
    return near[order[:80]], near[order[80:]], far


@pytest.fixture(scope="module")
def watch(painted):
    paintings, _, far = painted
    return Watch(paintings, far, texture)


def test_paintings_themselves_are_copies_and_others_of_their_years_are_not(watch, painted):
    paintings, others, _ = painted
    same, fresh = watch(paintings), watch(others)
    assert same["copies"] == 1 and same["nearest"] == pytest.approx(0, abs=1e-6)
    assert fresh["copies"] < 0.3 and fresh["nearest"] > 0.1
    assert abs(fresh["kid_training"]) < 0.2 * fresh["kid_held_out"]
    np.testing.assert_array_equal(watch.nearest(paintings[5:9]), paintings[5:9])


def test_images_of_other_years_are_near_the_paintings_held_out(watch, painted):
    figures = watch(painted[2])
    assert figures["kid_held_out"] < 0.1 * figures["kid_training"]


def test_one_image_over_and_over_has_no_diversity(watch, painted):
    collapsed = watch(painted[1][:1].repeat(40, axis=0))
    assert collapsed["diversity"] == pytest.approx(0, abs=1e-6)
    assert watch(painted[1])["diversity"] > 0.3


def test_too_few_paintings_held_out_have_no_figure(painted):
    paintings, others, far = painted
    assert "kid_held_out" not in Watch(paintings, far[:3], texture)(others)
