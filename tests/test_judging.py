"""The parts of the evaluation, each against what is known of it."""

import numpy as np
import pytest
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from gan_jax.evaluation import chronology, copies, frechet, intervals, kid, manifold, style, verdicts
from gan_jax.evaluation.intervals import Estimate

RNG = np.random.default_rng(0)


def test_precision_and_recall_are_those_of_their_definition():
    real, made = RNG.normal(size=(60, 4)), RNG.normal(0.5, 0.8, size=(50, 4))
    found = manifold.manifold(real, made)

    def radius(points: np.ndarray, k: int) -> np.ndarray:
        return NearestNeighbors(n_neighbors=k + 1).fit(points).kneighbors(points)[0][:, k]

    apart = np.linalg.norm(made[:, None] - real[None], axis=2)
    assert found.precision == pytest.approx((apart <= radius(real, 3)[None]).any(1).mean())
    assert found.recall == pytest.approx((apart <= radius(made, 3)[:, None]).any(0).mean())
    assert found.density == pytest.approx((apart <= radius(real, 5)[None]).sum(1).mean() / 5)
    assert found.coverage == pytest.approx((apart <= radius(real, 5)[None]).any(0).mean())
    assert 0 < found.recall < 1


def test_a_mode_that_is_missing_lowers_recall_and_one_that_is_invented_precision():
    left, right = RNG.normal(-9, 1, size=(50, 3)), RNG.normal(9, 1, size=(50, 3))
    both = np.concatenate([left, right])
    one = RNG.normal(-9, 1, size=(80, 3))
    found, turned = manifold.manifold(both, one), manifold.manifold(one, both)
    assert found.precision > 0.9 and found.recall < 0.6 and found.coverage < 0.6
    assert turned.precision < 0.6 and turned.recall > 0.9
    same = manifold.manifold(both, both)
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    with pytest.raises(ValueError, match="at least 6"):
        manifold.manifold(both, one[:5])


def test_distances_are_zero_to_oneself():
    points = RNG.normal(1e3, 1, size=(20, 5))
    assert np.all(np.diag(manifold.distances(points, points)) == 0)
    np.testing.assert_allclose(
        manifold.distances(points, points[:3] + 1), np.linalg.norm(points[:, None] - points[None, :3] - 1, axis=2), rtol=1e-6
    )


def test_moments_of_parts_are_those_of_the_whole():
    points = RNG.normal(50, 2, size=(137, 6)) @ RNG.normal(size=(6, 6))
    parts = [frechet.Moments.of(part) for part in np.split(points, [1, 40, 90])]
    whole = parts[0] + parts[1] + parts[2] + parts[3]
    np.testing.assert_allclose(whole.mean, points.mean(axis=0))
    np.testing.assert_allclose(whole.covariance, np.cov(points, rowvar=False), rtol=1e-9, atol=1e-9)
    other = RNG.normal(size=(80, 6))
    assert frechet.frechet(whole, frechet.Moments.of(other)) == pytest.approx(frechet.frechet(points, other))


def test_a_difference_of_kids_is_that():
    a, b, real = RNG.normal(0.2, 1, (30, 5)), RNG.normal(0.8, 1, (30, 5)), RNG.normal(0, 1, (40, 5))
    gap = kid.difference(a, b, real, seed=0, paired=False)
    assert gap.value == pytest.approx(kid.estimate(a, real) - kid.estimate(b, real))
    turned = kid.difference(b, a, real, seed=0, paired=True)
    assert turned.value == pytest.approx(-gap.value)
    assert gap.high < 0 < turned.low
    same = kid.difference(a, a, real, seed=0, paired=True)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_the_interval_of_a_difference_holds_the_truth():
    """Two sets of one distribution differ by nothing: 95 of 100 intervals should say so."""
    held = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        gap = kid.difference(rng.normal(size=(40, 6)), rng.normal(size=(40, 6)), rng.normal(0.3, 1, (40, 6)), seed=seed, paired=False)
        held += gap.low <= 0 <= gap.high
    assert held >= 92


def test_a_bootstrap_is_as_wide_as_the_standard_error_says():
    values = RNG.normal(3, 2, size=400)
    found = intervals.bootstrap(values, 0)
    error = values.std(ddof=1) / np.sqrt(400)
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert intervals.bootstrap(values, 0, lambda drawn: np.median(drawn, axis=1)).value == np.median(values)


def test_a_cross_fade_begins_and_ends_with_the_paintings():
    early, late = (RNG.integers(0, 256, (3, 4, 4, 3)).astype(np.uint8) for _ in range(2))
    frames = verdicts.cross_fade(early, late, np.array([0, 0.25, 1]))
    np.testing.assert_array_equal(frames[:, 0], early)
    np.testing.assert_array_equal(frames[:, 2], late)
    np.testing.assert_allclose(frames[:, 1], 0.75 * early + 0.25 * late, atol=0.5)


def test_works_of_one_title_or_one_picture_are_one_motif():
    images = RNG.integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
    images[3] = np.clip(images[1].astype(int) + 9, 0, 255)
    groups = chronology.motifs(images, ["Sunflowers", "Wheat", "sunflowers ", "Another", ""])
    assert groups[0] == groups[2] and groups[1] == groups[3]
    assert len(set(groups.tolist())) == 3
    assert len(set(chronology.motifs(images[[0, 2, 4]], ["", "", ""]).tolist())) == 3


def test_no_work_is_dated_by_a_fit_that_has_seen_its_motif():
    """Features that only name the motif tell nothing of a motif that is left out, and everything of one that is not."""
    groups = np.repeat(np.arange(20), 5)
    years = np.repeat(RNG.permutation(20) + 1880.0, 5)
    features = np.eye(20)[groups]
    together = chronology.fit(features, years, groups, 0)
    apart = chronology.fit(features, years, np.arange(100), 0)
    assert apart.error < 0.5 < 4 < together.error
    assert (together.groups, apart.groups) == (20, 100)


def test_rank_correlation_is_spearmans_and_of_a_constant_zero():
    a, b = RNG.normal(size=(2, 30))
    assert chronology.rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b)[0])
    assert chronology.rank_correlation(a, np.ones(30)) == 0


@pytest.mark.parametrize(
    ("rank", "said"),
    [((0.9, 0.8, 0.95), "yes"), ((0.1, 0.02, 0.2), "undecided"), ((0.1, -0.1, 0.3), "no"), ((-0.9, -1, -0.8), "reversed")],
)
def test_what_is_said_of_the_order(rank, said):
    assert chronology.later(Estimate(*rank)) == said


@pytest.mark.parametrize(
    ("middle", "said"),
    [((5, 4, 6), "yes"), ((2, 0, 4), "undecided"), ((1, 0.5, 1.5), "no"), ((9.5, 9, 10), "no"), ((8, 6, 9.2), "undecided")],
)
def test_what_is_said_of_the_middle(middle, said):
    assert chronology.between(Estimate(*middle), Estimate(1, 0.8, 1.2), Estimate(9, 8.8, 9.2)) == said


def test_copies_are_near_for_how_alike_works_are_there():
    """Works that lie close together must be approached closer than works that stand alone."""
    close = (100 + RNG.integers(0, 4, (30, 16, 16, 3))).astype(np.uint8)
    alone = RNG.integers(0, 256, (30, 16, 16, 3)).astype(np.uint8)
    training = copies.Copies(np.concatenate([close, alone]))
    rough = np.clip(alone.astype(int) + RNG.integers(-30, 31, alone.shape), 0, 255).astype(np.uint8)
    found = training(rough)
    assert found.work.tolist() == list(range(30, 60)) and training.near(found).all()
    fresh = (100 + RNG.integers(0, 4, (30, 16, 16, 3))).astype(np.uint8)
    assert training.near(training(fresh)).mean() < 0.3
    assert training(fresh).distance.max() < found.distance.min()
    mirrored = training(alone[:, :, ::-1])
    assert np.all(mirrored.distance < 1e-6) and training.near(mirrored).all()
    with pytest.raises(ValueError, match="at least 8"):
        copies.Copies(alone[:7])


def test_local_lines_follow_a_line_and_angles_go_round(monkeypatch):
    years = np.sort(RNG.uniform(1880, 1890, 80))
    features = np.stack([2 * (years - 1880), years, years], axis=1)
    angle = np.radians(350 + 4 * (years - 1880))  # from 350 by way of 0 to 30
    line = style.Quantity("line", "", "", lambda x: x[:, 0])
    turn = style.Quantity("turn", "", "", lambda x: np.stack([np.cos(angle), np.sin(angle)], axis=1), 360.0)
    monkeypatch.setattr(style, "QUANTITIES", (line, turn))
    first, second = style.curves(features, years, ["early"] * 40 + ["late"] * 40, ("early", "late", "between"), 0)
    np.testing.assert_allclose(first.value, 2 * (first.years - 1880), atol=1e-6)
    off = np.mod(second.value - (350 + 4 * (second.years - 1880)) + 180, 360) - 180
    assert np.abs(off).max() < 2
    assert np.all((second.low <= second.value) & (second.value <= second.high)) and np.max(second.high - second.low) < 10
    assert first.periods["between"] is None
    assert first.periods["early"].value == pytest.approx(first.works[:40].mean())


def test_works_that_are_alike_lie_near_each_other_on_the_map():
    groups = np.repeat([0, 1, 2], 20)
    places = style.map_of(RNG.normal(size=(60, 5)) + 20 * np.eye(5)[groups], 0)
    assert places.min() == 0 and places.max() == 1
    nearest = NearestNeighbors(n_neighbors=2).fit(places).kneighbors(places)[1][:, 1]
    assert np.mean(groups[nearest] == groups) > 0.95
