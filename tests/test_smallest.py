"""What is judged of as little as can be judged: the fewest paintings, and quantities that don't move."""

import numpy as np
import pytest

from gan_jax.evaluation.distances import distances
from gan_jax.evaluation.truth import truth
from gan_jax.metrics.image_set import ImageSet

RNG = np.random.default_rng(0)


def some(*lead: int) -> ImageSet:
    return ImageSet(RNG.integers(0, 256, (*lead, 8, 8, 3), np.uint8), RNG.normal(size=(*lead, 3)))


@pytest.mark.parametrize("early, reason", [(4, "training: halves of 5 images, at least 6 are needed"), (6, None)])
def test_of_few_training_paintings_only_what_needs_more_is_left_out(early, reason):
    t = np.array([0.0, 0.5, 1.0])
    found = distances({"early": some(early), "late": some(6)}, some(8), some(8, 3), t, seed=0, repeats=2)["manifold"]
    assert found["floor"]["reason"] == reason and (found["floor"]["precision"] is None) == bool(reason)
    assert found["generated"]["reason"] is None and found["generated"]["precision"] is not None


def test_a_parameter_that_does_not_move_is_told_but_not_compared():
    features = RNG.normal(size=(40, 3))
    early = np.arange(40) < 20
    values = {"moves": features[:, 0] + 3 * ~early, "stands": np.full(40, 0.5)}
    features[:, 0] += 3 * ~early
    frames = {"this study": RNG.normal(size=(8, 2, 3))}
    true = {name: np.zeros((8, 2)) for name in values}
    found = truth(features, values, np.arange(40), early, ~early, frames, true, 0)
    assert [entry["name"] for entry in found["parameters"]] == ["moves", "stands"]
    assert found["parameters"][1]["skill"] > 0.5
    assert list(found["competitors"][0]["by_parameter"]) == ["moves"]
