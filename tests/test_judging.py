"""The parts of the evaluation, each against what is known of it."""

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

from gan_jax.evaluation import chronology, motifs, style, verdicts
from gan_jax.metrics import alignment, copies, frechet, intervals, kid, manifold
from gan_jax.metrics.features import STROKES, TEXTURE_NAMES
from gan_jax.metrics.image_set import ImageSet
from gan_jax.metrics.intervals import Estimate

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


@pytest.mark.parametrize(("apart", "small"), [(0.0, True), (3.0, False)])
def test_a_verdict_says_whether_anything_could_have_been_found(apart, small):
    """Of paintings between that differ from the others, or don't; the frames are the paintings of the other competitor over again."""
    rng = np.random.default_rng(1)

    def paintings(*lead: int, at: float = 0.0) -> ImageSet:
        return ImageSet(np.zeros((*lead, 1, 1, 3), np.uint8), rng.normal(at, 1, (*lead, 3)))

    real, ours = {"early": paintings(20), "between": paintings(40, at=apart), "late": paintings(20)}, paintings(20, 1)
    said = verdicts.verdicts(real, {"ours": ours, "same": ours}, 0, 0, 8, "ours")
    assert [(one["name"], one["verdict"]) for one in said][0] == ("same", "undecided")
    assert (said[0]["power"] < verdicts.ABLE) == said[0]["could_not_be_shown"] == small
    assert said[0]["text"].startswith("Whether they are nearer" if small else "No better than the same as far as can be shown")
    assert verdicts.grouped(said)["small" if small else "undecided"][0] == "same"
    few = verdicts.verdicts(real, {"ours": ours[:3], "same": ours[:3]}, 0, 0, 8, "ours")[0]
    assert few["verdict"] is None and few["could_not_be_shown"] is False


def test_paintings_of_one_title_or_one_picture_are_one_motif():
    images = RNG.integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
    images[3] = np.clip(images[1].astype(int) + 9, 0, 255)
    groups = motifs.motifs(images, ["Sunflowers", "Wheat", "sunflowers ", "Another", ""])
    assert groups[0] == groups[2] and groups[1] == groups[3]
    assert len(set(groups.tolist())) == 3
    assert len(set(motifs.motifs(images[[0, 2, 4]], ["", "", ""]).tolist())) == 3


def test_no_painting_is_dated_by_a_fit_that_has_seen_its_motif():
    """Features that only name the motif tell nothing of a motif that is left out, and everything of one that is not."""
    groups = np.repeat(np.arange(20), 5)
    years = np.repeat(RNG.permutation(20) + 1880.0, 5)
    features = np.eye(20)[groups]
    together = chronology.fit(features, years, groups, 0)
    apart = chronology.fit(features, years, np.arange(100), 0)
    assert apart.error < 0.5 < 4 < together.error
    assert (together.groups, apart.groups) == (20, 100)


@pytest.mark.parametrize(("paintings", "columns"), [(60, 12), (30, 50)])
def test_fits_are_those_of_scikit_learn(paintings, columns):
    rng = np.random.default_rng(paintings)
    features = rng.normal(3, 2, (paintings, columns)) @ rng.normal(size=(columns, columns))
    features[:, 3] = 7.0  # constant
    years = 1885 + features[:, :1] / 9 + rng.normal(0, 2, (paintings, 5))
    new = rng.normal(3, 2, (9, columns))
    expected = make_pipeline(StandardScaler(), RidgeCV(chronology.STRENGTHS, alpha_per_target=True)).fit(features, years)
    np.testing.assert_allclose(chronology.Lines.fitted(features, years)(new), expected.predict(new), rtol=1e-7)
    alone = make_pipeline(StandardScaler(), RidgeCV(chronology.STRENGTHS)).fit(features, years[:, 0])
    np.testing.assert_allclose(chronology.Lines.fitted(features, years[:, 0])(new)[:, 0], alone.predict(new), rtol=1e-7)


def test_a_painting_that_weighs_two_is_as_two_paintings(monkeypatch):
    monkeypatch.setattr(chronology, "STRENGTHS", np.array([3.0]))
    features, years = RNG.normal(size=(30, 4)), RNG.normal(1885, 3, 30)
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    weights = np.where(np.arange(30) < 10, 2.0, 1.0)
    expected = Ridge(3.0).fit(np.concatenate([features, features[:10]]), np.concatenate([years, years[:10]]))
    found = chronology.Lines.fitted(features, years, weights)
    np.testing.assert_allclose(found.slopes[:, 0], expected.coef_, rtol=1e-7)
    np.testing.assert_allclose(found.starts[0], expected.intercept_, rtol=1e-7)


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


@pytest.mark.parametrize(("part", "chance", "said"), [(0.9, 0.001, "yes"), (0.4, 0.001, "undecided"), (0.9, 0.2, "no"), (0.1, 0.9, "no")])
def test_what_is_said_of_the_middle(part, chance, said):
    assert chronology.lies_between(part, chance) == said


def test_frames_that_hardly_lie_among_the_paintings_are_no_paintings():
    assert chronology.no_paintings(0.6, 0.8) is None and chronology.no_paintings(None, 0.8) is None
    assert chronology.no_paintings(0.1, 0.8) == "they are no paintings of this collection (precision 0.10, of real paintings 0.80)"


def test_pictures_on_their_heads_are_found_by_what_is_up_in_the_paintings():
    skies = composed(60, 5).astype(int) // 2
    skies[:, :16] += 120  # light above, dark below
    skies = skies.astype(np.uint8)
    paintings = alignment.Compositions(skies[:40])
    assert alignment.upside_down(paintings, skies[40:]) <= 1 and alignment.upside_down(paintings, skies[40:, ::-1]) >= 19
    assert chronology.no_paintings(0.8, 0.8, 19, 20) == "they stand on their heads (19 of 20 are more like the paintings when turned over)"
    assert chronology.no_paintings(0.8, 0.8, 12, 20) is None  # as many as by chance
    nothing_is_up = alignment.upside_down(alignment.Compositions(composed(40, 6)), composed(40, 7))
    assert chronology.no_paintings(0.8, 0.8, nothing_is_up, 40) is None


def test_years_of_rank_correlations_are_spearmans():
    t, said = np.linspace(0, 1, 7), RNG.normal(size=(5, 4, 7)).round(1)  # with ties
    found = chronology.rank_correlations(t, said)
    np.testing.assert_allclose(found, [[stats.spearmanr(t, one)[0] for one in row] for row in said])
    assert chronology.rank_correlations(t, np.ones((1, 7))) == [0.0]


def study_of(paintings: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, years and ends of pairs, of a painter whose first feature is the year."""
    rng = np.random.default_rng(seed)
    years = np.sort(rng.uniform(1880, 1890, paintings))
    features = rng.normal(size=(paintings, 6))
    features[:, 0] += years - 1885
    third = paintings // 3
    return features, years, np.stack([rng.permutation(third), paintings - third + rng.permutation(third)], axis=1)


def test_no_frame_is_dated_by_a_fit_that_has_seen_an_end_of_its_pair_or_its_motif(monkeypatch):
    """Each painting has a feature of its own, which only a fit that has seen it, or another of its motif, gives a weight."""
    _, years, ends = study_of(60, 0)
    groups = np.arange(60)
    groups[1::6] = groups[0::6]  # two paintings of one motif here and there
    own = np.eye(60)[groups]
    monkeypatch.setattr(chronology, "STRENGTHS", np.array([1e-3]))
    known = chronology.fit(own, years, groups, 0)
    dating = chronology.pairs(known, own, groups, ends, 0)
    assert len(np.unique(dating.fold)) == chronology.PAIR_FOLDS
    for pair, end in enumerate(ends):
        for each in groups[end]:
            assert dating.fits.slopes[each, dating.fold[pair]] == pytest.approx(0, abs=1e-9)
            np.testing.assert_allclose(dating.halves.slopes[each, dating.dated[pair]], 0, atol=1e-9)
    # Nor is a painting counted as unseen in a round that has seen another of its motif.
    for k, unseen in enumerate(dating.unseen.T):
        np.testing.assert_allclose(dating.halves.slopes[groups[unseen], k], 0, atol=1e-9)
    assert 0.3 < dating.dated.mean() < 0.7 and dating.unseen.mean() > 0.4
    assert np.any(dating.halves.slopes != 0, axis=0).all()


def test_what_is_told_of_years_is_nothing_where_they_are_shuffled():
    features, years, _ = study_of(80, 1)
    groups = np.arange(80)
    assert chronology.fit(features, years, groups, 0).chance == 1 / (1 + chronology.SHUFFLES)
    told = [chronology.fit(features, np.random.default_rng(seed).permutation(years), groups, 0).tells for seed in range(20)]
    assert sum(told) <= 1


def test_shuffled_years_keep_motifs_together():
    groups = np.repeat(np.arange(10), 4)
    years = 1880.0 + groups
    drawn = chronology._shuffled(years, groups, 0)
    np.testing.assert_array_equal(np.sort(drawn, axis=0), np.repeat(np.sort(years)[:, None], drawn.shape[1], axis=1))
    within = drawn.reshape(10, 4, -1)
    assert np.all(within == within[:, :1])  # all of a size: each motif gets the years of another
    assert len(np.unique(drawn, axis=1).T) > 400


def test_a_date_that_is_uncertain_counts_for_less():
    features, years, _ = study_of(80, 2)
    uncertainty = np.zeros(80)
    uncertainty[::4] = 8.0
    wrong = years.copy()
    wrong[::4] += np.random.default_rng(0).uniform(-8, 8, 20)
    blind, aware = (chronology.fit(features, wrong, np.arange(80), 0, each) for each in (None, uncertainty))
    assert blind.weights is None and np.all(aware.weights[1::4] == 1) and aware.weights[::4].max() < 0.5
    np.testing.assert_allclose(aware.weights[0], 1 / (1 + 64 / 3 / np.square(blind.said - wrong).mean()), rtol=1e-6)
    off = [np.abs(known.said - years)[1::4].mean() for known in (blind, aware)]
    assert off[1] < off[0]


def test_too_few_pairs_or_paintings_beside_them_are_told():
    features, years, ends = study_of(60, 0)
    known = chronology.fit(features, years, np.arange(60), 0)
    with pytest.raises(ValueError, match="7 pairs, at least 8"):
        chronology.pairs(known, features, np.arange(60), ends[:7], 0)
    with pytest.raises(ValueError, match="dated paintings beside the ends"):
        chronology.pairs(known, features, np.arange(60) // 12, ends, 0)


def composed(count: int, seed: int, size: int = 32) -> np.ndarray:
    """Pictures of large patches of colour: uint8 [count, size, size, 3]."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (count, 6, 6, 3), np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((size, size), Image.Resampling.BICUBIC)) for one in patches])


def cropped(images: np.ndarray, pixels: int) -> np.ndarray:
    """Without so many columns on the right and rows below, at the size from before."""
    size = images.shape[1]
    return np.stack([np.asarray(Image.fromarray(one[:-pixels, :-pixels]).resize((size, size))) for one in images])


def tinted(images: np.ndarray) -> np.ndarray:
    return np.clip(images * np.array([1.1, 0.9, 0.6]) + 9, 0, 255).astype(np.uint8)


COPIES = {
    "the same": lambda paintings: paintings,
    "mirrored": lambda paintings: paintings[:, :, ::-1],
    "moved by two pixels": lambda paintings: np.roll(paintings, (2, -2), axis=(1, 2)),
    "cropped by an eighth": lambda paintings: cropped(paintings, paintings.shape[1] // 8),
    "tinted": tinted,
    "in other colours": lambda paintings: paintings[..., [2, 0, 1]],
    "mirrored and moved": lambda paintings: np.roll(paintings[:, :, ::-1], 2, axis=2),
}


@pytest.mark.parametrize("size", [16, 32, 64])
@pytest.mark.parametrize("kind", COPIES)
def test_copies_are_found_whatever_was_done_to_them(kind, size):
    paintings = composed(100, 0, size)
    training = copies.Copies(paintings)
    found = training(COPIES[kind](paintings[:30]))
    assert found.painting.tolist() == list(range(30)) and training.near(found).all()


def test_new_paintings_are_no_copies_more_often_than_paintings_among_themselves():
    trainings = [copies.Copies(composed(100, seed)) for seed in range(5)]
    near = [training.near(training(composed(100, 1000 + seed))).mean() for seed, training in enumerate(trainings)]
    assert 0.02 < np.mean(near) < 0.08  # 5 % by construction


def test_by_heart_is_said_beyond_doubt_alone():
    """Of 40 paintings 5 % are two, whose place among new paintings is known badly; of 400 it is known well."""
    few, many = copies.Copies(composed(40, 0)), copies.Copies(composed(400, 0))

    def found(training: copies.Copies, copied: int) -> copies.Nearest:
        return copies.Nearest(np.arange(40), np.zeros(40), training.threshold + np.where(np.arange(40) < copied, 1.0, -1.0))

    assert few.chance(found(few, 0)) == 1 and many.chance(found(many, 40)) < 1e-6
    assert few.chance(found(few, 6)) > 0.025 > many.chance(found(many, 6))
    # Two of 40 stand out further: how often of 40 others as many do, drawn anew and anew.
    rng = np.random.default_rng(0)
    places = np.sort(rng.random((20000, 40)), axis=1)[:, 1]
    assert few.chance(found(few, 5)) == pytest.approx(np.mean(rng.binomial(40, places) >= 5), abs=0.01)
    # One picture over and over is one.
    once = copies.Nearest(np.zeros(40, int), np.zeros(40), np.full(40, few.threshold + 1))
    assert few.chance(once) == pytest.approx(2 / 41)


def test_what_is_near_to_every_painting_is_no_copy():
    paintings = composed(100, 0)
    training = copies.Copies(paintings)
    rng = np.random.default_rng(1)
    blank = {
        "grey": np.full((20, 32, 32, 3), 127, np.uint8),
        "black": np.zeros((20, 32, 32, 3), np.uint8),
        "the mean of all": paintings.mean(axis=0, keepdims=True).astype(np.uint8).repeat(20, axis=0),
        "the mean, and noise": np.clip(paintings.mean(axis=0) + rng.normal(0, 12, (20, 32, 32, 3)), 0, 255).astype(np.uint8),
        "means of twenty": np.stack([paintings[rng.choice(100, 20)].mean(axis=0) for _ in range(100)]).astype(np.uint8),
        "one step of light": (127 + (np.arange(32) > 15)[None, :, None] * np.ones((20, 32, 1, 3))).astype(np.uint8),
    }
    assert {name: int(training.near(training(pictures)).sum()) for name, pictures in blank.items()} == dict.fromkeys(blank, 0) | {
        "means of twenty": pytest.approx(5, abs=5)
    }


def test_what_stands_out_is_measured_by_the_same_pictures_other_neighbours():
    likeness = np.tanh(np.array([[0.2, 0.4, 1.5, 0.6], [0.4, 0.4, 0.4, 0.4]]))
    np.testing.assert_allclose(copies._stands_out(likeness), [(1.5 - 0.4) / np.std([0.2, 0.4, 0.6]), 0], atol=1e-9)
    with pytest.raises(ValueError, match="at least 8"):
        copies.Copies(composed(7, 0))


def test_likeness_is_the_correlation_of_the_middle_where_it_lies_best():
    paintings, other = composed(2, 0, 16), composed(1, 9, 16)

    def colourless(image: np.ndarray) -> np.ndarray:
        values = image / 255
        return ((values - values.mean((0, 1))) / values.std((0, 1))).mean(axis=2)

    middle = colourless(other[0])[2:14, 2:14].ravel()
    light = colourless(paintings[0])
    windows = [one[down : down + 12, right : right + 12] for one in (light, light[:, ::-1]) for down in range(5) for right in range(5)]
    whole = max(np.corrcoef(middle, window.ravel())[0, 1] for window in windows)
    found = alignment.Compositions(paintings).likeness(other)[0, 0]
    assert whole <= found + 1e-5  # the smaller sizes come beside these
    assert alignment.Compositions(paintings).likeness(paintings)[1, 1] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kind", COPIES)
def test_near_copies_are_of_one_motif_and_others_are_not(kind):
    paintings = composed(40, 3)
    groups = motifs.motifs(np.concatenate([paintings, COPIES[kind](paintings[:20])]), [""] * 60)
    assert groups[40:].tolist() == groups[:20].tolist()
    assert len(set(groups[:40].tolist())) == 40


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
    assert first.periods["early"].value == pytest.approx(first.paintings[:40].mean())


RISING, FALLING = (TEXTURE_NAMES.index(f"stroke_{STROKES[place]}") for place in (1, -1))  # by 22.5 degrees


def test_strokes_that_lie_flat_either_way_are_flat_in_the_mean():
    """Half of the strokes rise by 22.5 degrees and half fall: the mean lies flat, at 0 or 180, and is not upright. Early paintings turn to
    157.5, late ones to 22.5, and the curve goes by way of flat."""
    years = np.linspace(1880, 1890, 80)
    features = np.zeros((80, len(TEXTURE_NAMES)))
    rising = 0.618034 * np.arange(80) % 1 < (years - 1880) / 10  # evenly, more and more of them
    features[rising, RISING] = 0.5
    features[~rising, FALLING] = 0.5
    periods = ["early"] * 30 + ["between"] * 20 + ["late"] * 30
    found = next(one for one in style.curves(features, years, periods, ("early", "between", "late"), 0) if one.quantity.circle == 180)
    assert set(np.round(found.paintings, 3)) == {22.5, 157.5}
    signed = np.mod(found.value + 90, 180) - 90  # 0 and 180 are one
    assert abs(signed[30]) < 8 and signed[0] == pytest.approx(-22.5, abs=6) and signed[-1] == pytest.approx(22.5, abs=6)
    assert np.all(np.abs(signed) < 30)
    assert np.all(found.high - found.low < 40) and np.all((found.low <= found.value) & (found.value <= found.high))
    means = {name: np.mod(one.value + 90, 180) - 90 for name, one in found.periods.items()}
    assert means["early"] < -10 and abs(means["between"]) < 10 and means["late"] > 10
    assert found.periods["between"].high - found.periods["between"].low < 30


def test_paintings_that_are_alike_lie_near_each_other_on_the_map():
    groups = np.repeat([0, 1, 2], 20)
    places = style.map_of(RNG.normal(size=(60, 5)) + 20 * np.eye(5)[groups], 0)
    assert places.min() == 0 and places.max() == 1
    nearest = NearestNeighbors(n_neighbors=2).fit(places).kneighbors(places)[1][:, 1]
    assert np.mean(groups[nearest] == groups) > 0.95


def test_the_map_is_made_by_one_thread_whatever_is_set(monkeypatch):
    def threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"}

    seen = []
    monkeypatch.setattr(TSNE, "fit_transform", lambda _, features: seen.append(threads()) or features[:, :2])
    with threadpool_limits(2):
        style.map_of(RNG.normal(size=(20, 5)), 0)
        assert threads() == {2}
    assert seen == [{1}]
