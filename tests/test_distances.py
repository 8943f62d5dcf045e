"""Distances between sets on a collection of tiny synthetic periods."""

import json

import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.evaluation import distances as room
from gan_jax.evaluation.distances import distances
from gan_jax.metrics import features, kid
from gan_jax.metrics.distances import DISTANCES
from gan_jax.metrics.image_set import ImageSet
from gan_jax.metrics.properties import PROPERTIES

T = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
SIZE = 16


def looked(images: np.ndarray) -> ImageSet:
    return ImageSet.of(images, features.extractor("texture"))


def period(n: int, late: float, seed: int, size: int = SIZE) -> np.ndarray:
    """Brown and smooth at `late` 0, blue with upright strokes at 1: uint8 [n, size, size, 3]."""
    rng = np.random.default_rng(seed)
    colour = (1 - late) * np.array([120, 90, 50]) + late * np.array([60, 110, 190]) + rng.normal(0, 5, (n, 1, 1, 3))
    stroke = late * rng.normal(0, 30, (n, 1, size, 1)) + (1 - late) * rng.normal(0, 10, (n, size, 1, 1))
    return np.clip(colour + stroke + rng.normal(0, 12, (n, size, size, 3)), 0, 255).astype(np.uint8)


def crossing(pairs: int, seed: int) -> np.ndarray:
    """Frames [pairs, T, ...] that are fresh early paintings at t = 0, fresh late ones at 1, and t of them late between."""
    rng = np.random.default_rng(seed)
    early, late = period(pairs * len(T), 0, seed), period(pairs * len(T), 1, seed + 1)
    is_late = (rng.permuted(np.tile(np.arange(pairs), (len(T), 1)), axis=1).T + 0.5) / pairs < T
    shape = (pairs, len(T), SIZE, SIZE, 3)
    return np.where(is_late[..., None, None, None], late.reshape(shape), early.reshape(shape))


@pytest.fixture(scope="module")
def inputs() -> dict:
    real = {name: looked(period(*each)) for name, each in {"early": (40, 0, 1), "late": (44, 1, 2), "between": (24, 0.5, 3)}.items()}
    generated = looked(np.concatenate([period(20, 0, 4), period(20, 1, 5)]))
    return {"real": real, "generated": generated, "frames": looked(crossing(36, 6)), "t": T}


@pytest.fixture(scope="module")
def figures(inputs) -> dict:
    return distances(**inputs, seed=0, repeats=3)


def reasons(value: object) -> list[str]:
    """All reasons that stand anywhere in a result; checks that each goes with an absent value."""
    if isinstance(value, list):
        return [reason for each in value for reason in reasons(each)]
    if not isinstance(value, dict):
        return []
    if "reason" in value:
        assert (value.get("value", value.get("precision")) is None) == (value["reason"] is not None)
        return [value["reason"]] if value["reason"] else []
    return [reason for each in value.values() for reason in reasons(each)]


def test_is_json_and_complete(figures):
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert reasons(figures) == []
    assert figures["sets"] == {"early": 40, "between": 24, "late": 44, "training": 84, "generated": 40, "frames": 36}
    assert [place["t"] for place in figures["morph"]] == T.tolist()
    assert list(figures["ceiling"]["swd"]["by_level"]) == ["16"]
    for name in PROPERTIES:
        assert list(figures[name]) == ["early", "between", "late", "training", "generated"]
        assert all(place[name]["n"] == 36 for place in figures["morph"])


def along(figures: dict, name: str, distance: str) -> list[float]:
    return [place["against"][name][distance]["value"] for place in figures["morph"]]


@pytest.mark.parametrize("distance", [name for name, each in DISTANCES.items() if each.of == "features"])
def test_frames_go_from_early_to_late(figures, distance):
    early, late = along(figures, "early", distance), along(figures, "late", distance)
    assert early == sorted(early)
    assert late == sorted(late, reverse=True)
    assert early[-1] == pytest.approx(figures["ceiling"][distance]["value"], rel=0.3)


def test_swd_goes_from_one_end_to_the_other(figures):
    # Only the ends: a mixture of two periods, normalised as a whole, can lie further from both than they from each other.
    early, late = along(figures, "early", "swd"), along(figures, "late", "swd")
    assert early[0] < 0.5 * early[-1]
    assert late[-1] < 0.5 * late[0]


def test_kid_tells_same_from_different(figures):
    start, end = figures["morph"][0]["against"], figures["morph"][-1]["against"]
    for same, other in ((start["early"], end["early"]), (end["late"], start["late"])):
        assert same["kid"]["low"] < 0 < same["kid"]["high"] < other["kid"]["low"]


def test_floors_are_far_below_the_ceiling(figures):
    ceiling = figures["ceiling"]
    for name in ("early", "between", "late"):
        floor = figures["floors"][name]
        assert abs(floor["kid"]["value"]) < 0.1 * ceiling["kid"]["value"]
        # SWD's floor is high for halves of 12 images at one level, from which colour is normalised away.
        for distance, part in (("swd", 0.75), ("frechet", 0.5)):
            assert 0 < floor[distance]["spread"] < floor[distance]["value"] < part * ceiling[distance]["value"]
    assert {name: floor["n"] for name, floor in figures["floors"].items()} == {"early": 20, "between": 12, "late": 22, "training": 36}


def test_generated_beside_training(figures):
    (comparison,) = figures["comparisons"]
    assert (comparison["a"], comparison["b"], comparison["n_a"], comparison["n_b"]) == ("generated", "training", 40, 84)
    assert comparison["kid"]["low"] < 0 < comparison["kid"]["high"] < figures["ceiling"]["kid"]["value"]
    assert figures["diversity"]["generated"]["value"] == pytest.approx(figures["diversity"]["training"]["value"], abs=0.1)


def test_kid_is_that_of_features_standardised_by_the_training_paintings(inputs, figures):
    early, late = (inputs["real"][name].features for name in ("early", "late"))
    everything = np.concatenate([early, late])
    mean, std = everything.mean(axis=0), everything.std(axis=0, ddof=1)
    std[std < 1e-6] = 1
    early, late = (np.clip((x - mean) / std, -5, 5) for x in (early, late))
    assert figures["ceiling"]["kid"]["value"] == pytest.approx(kid.estimate(early, late), rel=1e-9)


def test_same_arguments_same_figures(inputs, figures):
    assert distances(**inputs, seed=0, repeats=3) == figures
    other = distances(**inputs, seed=1, repeats=3)
    assert other["ceiling"]["kid"]["value"] == figures["ceiling"]["kid"]["value"]
    assert other["ceiling"]["kid"]["low"] != figures["ceiling"]["kid"]["low"]
    assert other["floors"]["early"]["kid"] != figures["floors"]["early"]["kid"]


@pytest.mark.parametrize("count", [None, 0, 7])
def test_a_small_set_has_reasons_instead_of_figures(inputs, count):
    between = {} if count is None else {"between": inputs["real"]["between"][:count]}
    real = {"early": inputs["real"]["early"], "late": inputs["real"]["late"], **between}
    found = distances(real, inputs["generated"], inputs["frames"], T, seed=0, repeats=2)
    assert set(reasons(found)) == {f"between: {count or 0} images, at least 8 are needed"}
    assert found["morph"][2]["against"]["between"]["swd"]["by_level"] == {}
    assert found["morph"][2]["against"]["early"]["kid"]["value"] is not None
    json.dumps(found, allow_nan=False)


def test_nothing_generated_and_no_pairs(inputs):
    found = distances(inputs["real"], inputs["generated"][:0], inputs["frames"][:0], T, seed=0, repeats=2)
    assert found["comparisons"][0]["kid"]["reason"] == "generated: 0 images, at least 8 are needed"
    assert all(found["morph"][0][name] == each.absent(0, "frames: 0 images, at least 8 are needed") for name, each in PROPERTIES.items())
    assert found["floors"]["early"]["n"] == 20
    assert found["ceiling"]["kid"]["value"] > 0


def test_below_16_pixels_there_is_no_swd(inputs):
    real = {"early": looked(period(12, 0, 1, 8)), "late": looked(period(12, 1, 2, 8))}
    frames = looked(inputs["frames"].images[:12, :, :8, :8])
    found = distances(real, looked(period(12, 0, 3, 8)), frames, T, seed=0, repeats=2)
    assert found["ceiling"]["swd"]["reason"] == "the sliced Wasserstein distance needs 16 pixels, not 8"
    assert found["floors"]["early"]["swd"]["value"] is None
    assert found["ceiling"]["kid"]["value"] > 0
    json.dumps(found, allow_nan=False)


def test_very_large_sets_are_drawn_from(inputs, monkeypatch):
    monkeypatch.setattr(room, "MAX_IMAGES", 30)
    found = distances(**inputs, seed=0, repeats=2)
    assert found["sets"] == {"early": 30, "between": 24, "late": 30, "training": 30, "generated": 30, "frames": 30}
    assert "generated: 30 of 40 were drawn at random and used." in found["notes"]


def blank(*shape: int, kind: type = np.uint8) -> ImageSet:
    return ImageSet(np.zeros(shape, kind), np.zeros((*shape[:-3], 45)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"generated": blank(9, 32, 32, 3)}, r"generated: uint8 \[9, 32, 32, 3\], it should be uint8 \[n, 16, 16, 3\]"),
        ({"generated": blank(9, 16, 16, 3, kind=np.float32)}, "generated: float32"),
        ({"real": {"early": blank(3, 16, 16, 3), "late": blank(4, 16, 16, 3)}}, "7 paintings together, evaluating needs at least 8"),
        ({"real": {}}, "0 paintings together"),
        ({"t": T[:3]}, r"frames \[36, 5, 16, 16, 3\] and t \[3\]"),
        ({"t": np.array([0, 0.25, 0.5, np.nan, 1])}, r"t \[5\]"),
        ({"frames": blank(9, 16, 16, 3)}, r"frames \[9, 16, 16, 3\]"),
        ({"competitors": {"cross-fade": blank(36, 4, 16, 16, 3)}}, r"cross-fade: \[36, 4, 16, 16, 3\], the morphs are"),
        ({"repeats": 1}, "evaluation.repeats=1: at least 2"),
    ],
)
def test_what_the_user_gets_wrong(inputs, change, message):
    with pytest.raises(UserError, match=message):
        distances(**{**inputs, "seed": 0, "repeats": 2, **change})


def test_an_image_set_is_cut_as_one():
    frames = ImageSet(np.arange(2 * 3 * 16 * 16 * 3).astype(np.uint8).reshape(2, 3, 16, 16, 3), np.arange(12.0).reshape(2, 3, 2))
    assert frames[:, 1].features.tolist() == [[2, 3], [8, 9]]
    assert frames[:, 1].images.shape == (2, 16, 16, 3)
    with pytest.raises(ValueError, match="not of the same images"):
        ImageSet(frames.images, frames.features[:1])
