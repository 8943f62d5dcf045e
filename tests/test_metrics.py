"""Each measure against a closed form or a slow independent version, which was itself held against the reference implementation."""

import numpy as np
import pytest
from scipy import linalg, ndimage, signal

from gan_jax.metrics import frechet, kid, ms_ssim, swd


def pictures(n: int, size: int, seed: int, *, wave: float = 0.0, noise: float = 30.0) -> np.ndarray:
    """Cloudy uint8 images [n, size, size, 3], with vertical stripes of amplitude `wave`."""
    rng = np.random.default_rng(seed)
    clouds = ndimage.gaussian_filter(rng.standard_normal((n, size, size, 3)), (0, size / 16, size / 16, 0), mode="wrap") * size / 4
    stripes = wave * np.sin(np.arange(size) * 2 * np.pi / 4)[None, None, :, None]
    return np.clip(128 + noise * clouds + stripes + 5 * rng.standard_normal(clouds.shape), 0, 255).astype(np.uint8)


class TestFrechet:
    def test_one_feature_closed_form(self):
        a, b = np.random.default_rng(0).normal(1.0, 2.0, (50, 1)), np.random.default_rng(1).normal(-1.0, 0.5, (70, 1))
        expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
        assert frechet.frechet(a, b) == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize("n", [9, 80])
    def test_points_and_their_moments_say_the_same(self, n):
        # Of fewer points than features, points go another way than moments do.
        rng = np.random.default_rng(2)
        a, b = rng.standard_normal((12, 60)), 2 + rng.standard_normal((n, 60)) * np.linspace(0.1, 3, 60)
        expected = frechet.frechet(frechet.Moments.of(a), frechet.Moments.of(b))
        assert frechet.frechet(a, b) == pytest.approx(expected, rel=1e-6)
        assert frechet.frechet(b, a) == pytest.approx(expected, rel=1e-6)
        root = linalg.sqrtm(np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)).real.trace()
        apart = ((a.mean(0) - b.mean(0)) ** 2).sum()
        assert expected == pytest.approx(apart + a.var(0, ddof=1).sum() + b.var(0, ddof=1).sum() - 2 * root, rel=1e-4)

    def test_identical_sets_and_symmetry(self):
        rng = np.random.default_rng(3)
        a, b = rng.standard_normal((10, 30)), rng.standard_normal((40, 30))
        assert frechet.frechet(a, a) == pytest.approx(0.0, abs=1e-9)
        assert frechet.frechet(a, b) == pytest.approx(frechet.frechet(b, a), rel=1e-9)

    def test_constant_features_differ_by_their_means_only(self):
        assert frechet.frechet(np.zeros((5, 4)), np.ones((6, 4))) == pytest.approx(4.0)

    def test_wrong_shapes_raise(self):
        with pytest.raises(ValueError, match="same d"):
            frechet.frechet(np.zeros((5, 4)), np.zeros((5, 3)))
        with pytest.raises(ValueError, match="at least 2"):
            frechet.frechet(np.zeros((1, 4)), np.zeros((5, 4)))

    def test_many_points_have_the_root_of_scipy(self):
        """The formula of the right side gave the reference implementation's number for 300 and 250 points to fourteen digits."""
        rng = np.random.default_rng(4)
        a, b = rng.standard_normal((300, 16)) @ rng.standard_normal((16, 16)), 1 + rng.standard_normal((250, 16)) * np.linspace(0.1, 3, 16)
        root = linalg.sqrtm(np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)).real.trace()
        apart = ((a.mean(0) - b.mean(0)) ** 2).sum()
        expected = apart + a.var(0, ddof=1).sum() + b.var(0, ddof=1).sum() - 2 * root
        assert frechet.frechet(a, b) == pytest.approx(expected, rel=1e-10)


class TestKid:
    def test_naive_double_loop(self):
        rng = np.random.default_rng(0)
        a, b = rng.standard_normal((7, 3)), rng.standard_normal((5, 3)) + 0.5
        k = lambda x, y: (sum(p * q for p, q in zip(x, y)) / 3 + 1) ** 3  # noqa: E731
        within_a = sum(k(a[i], a[j]) for i in range(7) for j in range(7) if i != j) / 42
        within_b = sum(k(b[i], b[j]) for i in range(5) for j in range(5) if i != j) / 20
        between = sum(k(x, y) for x in a for y in b) / 35
        assert kid.estimate(a, b) == pytest.approx(within_a + within_b - 2 * between, rel=1e-12)
        assert kid.kid(a, b, seed=0).value == pytest.approx(kid.estimate(b, a), rel=1e-12)

    def test_unbiased_and_interval_covers(self):
        # Expanding the cube, MMD^2 = 3/d |dM1|^2 + 3/d^2 |dM2|^2 + 1/d^3 |dM3|^2 with the differences of the moment tensors. Between
        # N(mu, I) and N(0, I) those are mu, mu mu' and mu mu mu + mu I in its three orders.
        d, n, m, square = 12, 30, 50, 12 * 0.6**2
        truth = 3 / d * square + 3 / d**2 * square**2 + (square**3 + 6 * square**2 + (3 * d + 6) * square) / d**3
        rng = np.random.default_rng(1)
        draw = lambda mean, count: rng.normal(mean, 1, (count, d))  # noqa: E731
        found = [kid.kid(draw(0.6, n), draw(0, m), seed=i, subsets=200) for i in range(300)]
        values = np.array([one.value for one in found])
        assert abs(values.mean() - truth) < 3 * values.std() / np.sqrt(300)
        covered = np.mean([one.low <= truth <= one.high for one in found])
        assert 0.91 <= covered <= 0.995
        # Covering is easy for an interval that says nothing: this one is about as wide as four standard deviations.
        assert np.mean([one.high - one.low for one in found]) < 6 * values.std()

    def test_equal_distributions_scatter_around_zero(self):
        rng = np.random.default_rng(2)
        found = [kid.kid(rng.standard_normal((20, 8)), rng.standard_normal((35, 8)), seed=i, subsets=100) for i in range(200)]
        values = np.array([one.value for one in found])
        assert abs(values.mean()) < 3 * values.std() / np.sqrt(200)
        assert 0.2 < np.mean(values < 0) < 0.8
        assert np.mean([one.low <= 0 <= one.high for one in found]) >= 0.95

    def test_interval_shrinks_with_more_points(self):
        rng = np.random.default_rng(3)
        few, many = (kid.kid(rng.standard_normal((n, 8)), rng.standard_normal((n, 8)) + 0.5, seed=0) for n in (40, 640))
        assert 2.5 < (few.high - few.low) / (many.high - many.low) < 7  # 4 by the root of n
        assert many.low < many.value < many.high

    def test_wrong_shapes_raise(self):
        with pytest.raises(ValueError, match="at least 4"):
            kid.kid(np.zeros((3, 2)), np.zeros((9, 2)), seed=0)
        with pytest.raises(ValueError, match="same d"):
            kid.estimate(np.zeros((5, 2)), np.zeros((5, 3)))


def slow_swd(a: np.ndarray, b: np.ndarray, levels: int, rng: np.random.Generator) -> list[float]:
    """The protocol of the paper, written out for sets of one size: two-dimensional filters, all points sorted.

    Of two sets of 128 paintings at 64 px it gave the reference implementation's numbers within 2.3, 0.3 and 1.0 %, finest level first;
    directions and places are by chance.
    """
    kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[None, :, :, None] / 256

    def pyramid(x):
        result = [x.astype(np.float64)]
        for _ in range(levels - 1):
            result.append(ndimage.convolve(result[-1], kernel, mode="mirror")[:, ::2, ::2])
            enlarged = np.zeros_like(result[-2])
            enlarged[:, ::2, ::2] = result[-1]
            result[-2] = result[-2] - ndimage.convolve(enlarged, 4 * kernel, mode="mirror")
        return result

    def points(level):
        n, size = level.shape[:2]
        cut = []
        for image in level:
            for y, x in rng.integers(0, size - 6, (128, 2)):
                cut.append(image[y : y + 7, x : x + 7])
        cut = np.array(cut)
        cut = (cut - cut.mean(axis=(0, 1, 2))) / cut.std(axis=(0, 1, 2))
        return cut.reshape(n * 128, -1)

    result = []
    for level_a, level_b in zip(pyramid(a), pyramid(b)):
        directions = rng.standard_normal((147, 512))
        directions /= np.linalg.norm(directions, axis=0)
        result.append(1e3 * np.abs(np.sort(points(level_a) @ directions, 0) - np.sort(points(level_b) @ directions, 0)).mean())
    return result


class TestSwd:
    def test_independent_version(self):
        a, b = pictures(32, 32, 0), pictures(32, 32, 1, wave=12)
        expected = slow_swd(a, b, 2, np.random.default_rng(0))
        found = swd.swd(swd.descriptors(a, seed=0), swd.descriptors(b, seed=0, draw=1))
        assert list(found.by_level) == [32, 16]
        np.testing.assert_allclose(list(found.by_level.values()), expected, rtol=0.06)  # directions alone scatter by 2 %
        assert found.value == pytest.approx(np.mean(list(found.by_level.values())))
        assert 0 < found.spread < 0.1 * found.value

    def test_quantiles_are_the_mean_over_sorted_points(self):
        # The same directions and places, all points sorted: what is thrown away by keeping 2,048 quantiles.
        patches = [swd.neighbourhoods(pictures(40, 16, i, wave=8 * i), i) for i in range(2)]
        found = swd.swd(*(swd.describe(one, 5) for one in patches))
        points = [one[16].transpose(0, 1, 3, 4, 2).reshape(-1, 49, 3).astype(np.float64) for one in patches]
        points = [((x - x.mean((0, 1))) / x.std((0, 1))).transpose(0, 2, 1).reshape(len(x), 147) for x in points]
        sets = [swd._directions(5, repeat, 147).T.astype(np.float64) for repeat in range(4)]
        np.testing.assert_allclose(np.linalg.norm(sets[0], axis=0), 1, rtol=1e-6)
        expected = 1e3 * np.mean([np.abs(np.sort(points[0] @ d, 0) - np.sort(points[1] @ d, 0)).mean() for d in sets])
        assert found.value == pytest.approx(expected, rel=2e-3)

    def test_identical_sets_and_symmetry(self):
        a, b = pictures(12, 32, 0), pictures(20, 32, 1, wave=12)
        one, same, other = swd.descriptors(a, seed=3), swd.descriptors(a.copy(), seed=3), swd.descriptors(b, seed=3, draw=1)
        assert swd.swd(one, same).value == 0
        assert swd.swd(one, other) == swd.swd(other, one)
        assert swd.swd(one, other).value > 3 * swd.swd(other, swd.descriptors(b, seed=3, draw=2)).value

    def test_brightness_and_contrast_of_a_whole_set_do_not_count(self):
        a = pictures(16, 16, 0, noise=15) // 2
        darker = swd.swd(swd.descriptors(a, seed=0), swd.descriptors(2 * a + 20, seed=0))
        assert darker.value < 0.01

    def test_pyramid_gives_the_images_back(self):
        images = pictures(2, 50, 0)
        levels = swd.pyramid(images)
        assert [level.shape[1] for level in levels] == [50, 25]
        enlarged = np.zeros((2, 50, 50, 3))
        enlarged[:, ::2, ::2] = levels[1]
        kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[None, :, :, None] / 64
        np.testing.assert_allclose(levels[0] + ndimage.convolve(enlarged, kernel, mode="mirror"), images, atol=1e-3)

    def test_many_images_give_fewer_neighbourhoods_each(self, monkeypatch):
        monkeypatch.setattr(swd, "MAX_NEIGHBOURHOODS", 320)
        monkeypatch.setattr(swd, "CHUNK", 7 * 16 * 16 * 3)  # several chunks, the last one not full
        assert swd.neighbourhoods(pictures(32, 16, 0), 0)[16].shape == (32, 10, 3, 7, 7)

    def test_flat_images(self):
        flat = swd.descriptors(np.full((4, 32, 32, 3), 77, np.uint8), seed=0)
        assert swd.swd(flat, swd.descriptors(np.full((4, 32, 32, 3), 99, np.uint8), seed=0)).value < 0.1
        assert np.isfinite(swd.swd(flat, swd.descriptors(pictures(4, 32, 0), seed=0)).value)

    def test_what_does_not_compare_raises(self):
        a = pictures(4, 16, 0)
        with pytest.raises(ValueError, match="seeds 0 and 1"):
            swd.swd(swd.descriptors(a, seed=0), swd.descriptors(a, seed=1))
        with pytest.raises(ValueError, match="needs 16 pixels, not 8"):
            swd.descriptors(a[:, :8, :8], seed=0)
        with pytest.raises(ValueError, match="n above 0"):
            swd.descriptors(a[:0], seed=0)


def slow_ms_ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """MS-SSIM by two-dimensional windows and SciPy's own filters.

    Of 64 pairs of paintings at 64 px it gave the reference implementation's mean to 1e-7.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    product = 1.0
    for scale, weight in enumerate([0.0448, 0.2856, 0.3001, 0.2363, 0.1333]):
        size = min(11, *a.shape[1:3])
        at = np.arange(size) - (size - 1) / 2
        window = np.exp(-(at[:, None] ** 2 + at**2) / (2 * (size * 1.5 / 11) ** 2))[None, :, :, None]
        window /= window.sum()
        mean = lambda x: signal.convolve(x, window, mode="valid", method="direct")  # noqa: E731
        ma, mb = mean(a), mean(b)
        cs = (2 * (mean(a * b) - ma * mb) + 58.5225) / (mean(a * a) - ma**2 + mean(b * b) - mb**2 + 58.5225)
        term = cs * (2 * ma * mb + 6.5025) / (ma**2 + mb**2 + 6.5025) if scale == 4 else cs
        product = product * np.clip(term.mean(axis=(1, 2, 3)), 0, None) ** weight
        a, b = (ndimage.convolve(x, np.full((1, 2, 2, 1), 0.25), mode="reflect")[:, ::2, ::2] for x in (a, b))
    return product


class TestMsSsim:
    @pytest.mark.parametrize("size", [16, 27, 64, 150])  # the last in several products, of which one is smaller
    def test_independent_version(self, size):
        a = pictures(3, size, 0)
        b = np.clip(a.astype(int) + np.random.default_rng(1).integers(-40, 41, a.shape), 0, 255).astype(np.uint8)
        np.testing.assert_allclose(ms_ssim.ms_ssim(a, b), slow_ms_ssim(a, b), rtol=1e-9)

    def test_identical_is_one_and_noise_lowers_it(self):
        a = pictures(4, 32, 0)
        rng = np.random.default_rng(0)
        np.testing.assert_allclose(ms_ssim.ms_ssim(a, a), 1, rtol=1e-12)
        noise = rng.standard_normal(a.shape)
        values = [ms_ssim.ms_ssim(a, np.clip(a + level * noise, 0, 255)).mean() for level in (5, 20, 60)]
        assert 1 > values[0] > values[1] > values[2] > 0

    def test_a_negative_counts_as_no_likeness(self):
        a = pictures(3, 32, 0)
        assert np.all(ms_ssim.ms_ssim(a, 255 - a) == 0)

    def test_chunks_do_not_matter(self, monkeypatch):
        a, b = pictures(5, 16, 0), pictures(5, 16, 1)
        whole = ms_ssim.ms_ssim(a, b)
        monkeypatch.setattr(ms_ssim, "CHUNK", 2 * 16 * 16 * 3)
        np.testing.assert_array_equal(ms_ssim.ms_ssim(a, b), whole)

    def test_diversity(self):
        varied, alike = pictures(20, 16, 0), np.repeat(pictures(1, 16, 0), 20, axis=0)
        found = ms_ssim.diversity(varied, 30, 0)
        assert found == ms_ssim.diversity(varied, 30, 0)
        assert (found.n, found.pairs) == (20, 30)
        assert ms_ssim.diversity(alike, 30, 0).value == pytest.approx(1, rel=1e-12)
        assert found.value < 0.5
        pairs = [ms_ssim.ms_ssim(varied[[i]], varied[[j]])[0] for i in range(20) for j in range(i)]
        assert abs(found.value - np.mean(pairs)) < 3 * found.error
        # 10 pairs have no image in common, however many are drawn.
        assert found.error == pytest.approx(np.std(pairs) / np.sqrt(10), rel=0.4)

    def test_what_does_not_compare_raises(self):
        with pytest.raises(ValueError, match="one shape"):
            ms_ssim.ms_ssim(pictures(2, 16, 0), pictures(3, 16, 0))
        with pytest.raises(ValueError, match="at least 4 images"):
            ms_ssim.diversity(pictures(3, 16, 0), 10, 0)
