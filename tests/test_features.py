"""Features by name: colour and texture against NumPy, SciPy and scikit-image; the discriminator's; those of networks with known weights,
and one clear line where they can't be had."""

import urllib.error
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color
import skimage.feature
from scipy import ndimage

from gan_jax.collection.painter import paint_collection
from gan_jax.errors import UserError
from gan_jax.metrics import features, texture
from gan_jax.models.generator import Critic

IMAGES = np.random.default_rng(0).integers(0, 256, (70, 16, 16, 3)).astype(np.uint8)


def test_the_discriminators_layers_are_averaged_over_their_places():
    kernel = jax.random.normal(jax.random.key(0), (3, 5))

    def layers(params, images):
        first = jnp.tanh(images @ params)
        return first, first[:, ::2, ::2].astype(jnp.bfloat16)

    found = features.extractor("discriminator", Critic(kernel, layers))(IMAGES)
    first = np.tanh((IMAGES / 127.5 - 1) @ np.asarray(kernel, np.float64))
    assert found.shape == (70, 20) and found.dtype == np.float64
    np.testing.assert_allclose(found[:, :5], first.mean((1, 2)), atol=1e-5)
    np.testing.assert_allclose(found[:, 5:10], first.std((1, 2)), atol=1e-5)
    np.testing.assert_allclose(found[:, 10:15], first[:, ::2, ::2].mean((1, 2)), atol=1e-2)
    with pytest.raises(UserError, match="the generator has no discriminator"):
        features.extractor("discriminator")


def pictures(n: int, size: int, seed: int, *, noise: float = 30.0) -> np.ndarray:
    """Cloudy uint8 images [n, size, size, 3]."""
    rng = np.random.default_rng(seed)
    clouds = ndimage.gaussian_filter(rng.standard_normal((n, size, size, 3)), (0, size / 16, size / 16, 0), mode="wrap") * size / 4
    return np.clip(128 + noise * clouds + 5 * rng.standard_normal(clouds.shape), 0, 255).astype(np.uint8)


def slow_shares(angle: np.ndarray, period: float, weight: np.ndarray, bins: int) -> list[float]:
    """Each pixel's weight is dealt out to the two bins whose centres it lies between; CIELAB's unit counts as grey."""
    total = np.zeros(bins)
    for at, one in zip(np.mod(angle.ravel() * bins / period, bins), weight.ravel()):
        below = int(at)
        total[below % bins] += one * (1 - (at - below))
        total[(below + 1) % bins] += one * (at - below)
    return list(total / weight.size / (weight.mean() + 1))


def slow_texture(image: np.ndarray) -> np.ndarray:
    """Of one image, in float64, by the filters, the colours and the patterns of SciPy and scikit-image."""
    lightness, a, b = np.moveaxis(skimage.color.rgb2lab(image / 255), 2, 0)
    chroma = np.hypot(a, b)
    down, right = (ndimage.sobel(lightness, axis, mode="nearest") / 8 for axis in (0, 1))
    blur = lambda x, sigma: ndimage.gaussian_filter(x, sigma, mode="nearest")  # noqa: E731
    yy, xx, xy = blur(down * down, 1.5), blur(right * right, 1.5), blur(down * right, 1.5)
    agreement = np.hypot(xx - yy, 2 * xy)
    h, w = lightness.shape
    window = np.outer(np.hanning(h + 2)[1:-1], np.hanning(w + 2)[1:-1])
    power = np.abs(np.fft.fft2((lightness - lightness.mean()) * window)) ** 2 / (window**2).sum()
    frequency = 2 * np.hypot(np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w))
    bands = [(frequency >= low) & (frequency < high) for low, high in ((0.5, 9), (0.25, 0.5), (0.125, 0.25), (0, 0.125))]
    levels = np.rint(lightness * 2.55).clip(0, 255).astype(np.uint8)
    return np.array([
        *(lightness.mean(), lightness.std(), *np.percentile(lightness, (5, 50, 95))),
        *(a.mean(), a.std(), b.mean(), b.std(), chroma.mean(), chroma.std(), np.percentile(chroma, 95)),
        *slow_shares(np.arctan2(b, a), 2 * np.pi, chroma, 8),
        np.sqrt(blur((lightness - blur(lightness, 2)) ** 2, 2)).mean(),
        np.hypot(down, right).mean(),
        agreement.mean() / ((xx + yy).mean() + 1),
        *slow_shares((np.pi - np.arctan2(2 * xy, xx - yy)) / 2, np.pi, agreement, 8),
        *(np.log10(power[band].sum() / max(1, band.sum()) + 1e-4) for band in bands),
        *slow_patterns(levels),
    ])  # fmt: skip


def slow_patterns(levels: np.ndarray) -> np.ndarray:
    codes = skimage.feature.local_binary_pattern(levels, P=8, R=1, method="uniform")
    return np.bincount(codes.astype(int).ravel(), minlength=10) / codes.size


def paintings(height: int, width: int) -> np.ndarray:
    """Painted pictures, then noise, then flat ones."""
    painted = paint_collection(24, 1880, 1890, 0, max(height, width))[1][:, :height, :width]
    noise = np.random.default_rng(0).integers(0, 256, (4, height, width, 3)).astype(np.uint8)
    flat = np.zeros((4, height, width, 3), np.uint8) + np.array([[0] * 3, [255] * 3, [119] * 3, [200, 40, 90]], np.uint8)[:, None, None]
    return np.concatenate([painted, noise, flat])


@pytest.mark.parametrize("shape", [(8, 8), (32, 32), (33, 47)])
def test_texture_is_what_scipy_and_scikit_image_say(shape):
    images = paintings(*shape)
    expected = np.array([slow_texture(image) for image in images])
    found = features.texture(images)
    assert found.dtype == np.float64
    patterns = slice(-len(features.PATTERNS), None)
    # A lightness that float32 rounds to the other level moves the patterns of nine pixels.
    assert np.abs(found - expected)[:, patterns].max() < 9.01 / (shape[0] * shape[1])
    assert np.mean(np.abs(found - expected)[:, patterns] > 1e-6) < 0.02
    least = 1e-3 * expected[:24].std(axis=0) + 1e-4
    np.testing.assert_array_less(np.abs(found - expected)[:, : patterns.start], np.tile(least[: patterns.start], (len(images), 1)))


@pytest.mark.parametrize("levels", [1, 2, 3, 5, 256])
def test_patterns_are_those_of_scikit_image_between_equals_as_well(levels):
    images = np.random.default_rng(levels).integers(0, levels, (6, 21, 34)) + (256 - levels) // 2
    expected = [slow_patterns(image.astype(np.uint8)) for image in images]
    np.testing.assert_allclose(texture._patterns(jnp.asarray(images / 2.55, jnp.float32)), expected, atol=1e-6)


def test_texture_lowers_for_a_gpu():
    planes = [jnp.zeros((2, 16, 16), jnp.float32)] * 3
    for program, arguments in ((texture._lab, [jnp.zeros((2, 16, 16, 3), jnp.uint8)]), (texture._measured, planes)):
        assert "f64" not in program.trace(*arguments).lower(lowering_platforms=("cuda",)).as_text()


def test_batches_and_threads_change_nothing(monkeypatch):
    whole = features.texture(IMAGES)
    monkeypatch.setattr(texture, "CHUNK", 3 * 16 * 16)
    monkeypatch.setattr(texture, "MOST_THREADS", 1)
    np.testing.assert_allclose(features.texture(IMAGES), whole, rtol=1e-5, atol=1e-5)


def column(images: np.ndarray, name: str) -> np.ndarray:
    return features.texture(images)[:, features.TEXTURE_NAMES.index(name)]


def test_no_program_waits_for_threads_that_another_may_hold():
    """XLA's Fourier transform on CPUs does, and batches are computed side by side."""
    channel = jax.ShapeDtypeStruct((2, 16, 16), np.float32)
    assert "fft" not in texture._measured.lower(channel, channel, channel).as_text()


class TestTexture:
    def test_a_name_for_each_column(self):
        assert len(set(features.TEXTURE_NAMES)) == features.texture(pictures(2, 16, 0)).shape[1]
        assert features.texture(pictures(2, 16, 0)[:0]).shape == (0, len(features.TEXTURE_NAMES))

    @pytest.mark.parametrize("size", [8, 16, 128])
    def test_finite_at_every_size(self, size):
        extremes = np.stack([np.zeros((size, size, 3)), np.full((size, size, 3), 255), pictures(1, size, 0)[0]]).astype(np.uint8)
        assert np.isfinite(features.texture(extremes)).all()

    def test_an_image_has_its_features_in_any_company(self, monkeypatch):
        images = pictures(5, 32, 0)
        together = features.texture(images)
        monkeypatch.setattr(texture, "CHUNK", 2 * 32 * 32)
        np.testing.assert_allclose(features.texture(images[::-1])[::-1], together, rtol=1e-5, atol=1e-5)

    def test_colours_have_their_names(self):
        flat = lambda *rgb: np.full((1, 16, 16, 3), rgb, np.uint8)  # noqa: E731
        assert column(flat(255, 255, 255), "lightness_mean")[0] == pytest.approx(100, abs=0.01)
        assert column(flat(0, 0, 0), "lightness_p95")[0] == pytest.approx(0, abs=0.01)
        assert column(flat(119, 119, 119), "chroma_mean")[0] < 0.1
        # sRGB red is L 53.2, a 80.1, b 67.2 in CIELAB (D65).
        red = features.texture(flat(255, 0, 0))[0]
        for name, value in (("lightness_p50", 53.24), ("green_red_mean", 80.09), ("blue_yellow_mean", 67.20), ("chroma_p95", 104.55)):
            assert red[features.TEXTURE_NAMES.index(name)] == pytest.approx(value, abs=0.1)
        for name, rgb in {"orange": (255, 60, 30), "yellow": (250, 220, 30), "green": (60, 200, 60), "violet": (170, 60, 220)}.items():
            shares = {hue: column(flat(*rgb), f"hue_{hue}")[0] for hue in features.HUES}
            assert max(shares, key=shares.get) == name
            assert 0.9 < sum(shares.values()) < 1

    @pytest.mark.parametrize("angle", [0, 45, 90, 135])
    def test_strokes_have_their_direction(self, angle):
        y, x = np.mgrid[:32, :32]
        # Height above a line that rises to the right at this angle (rows count downwards).
        across = -y * np.cos(np.radians(angle)) - x * np.sin(np.radians(angle))
        image = (128 + 60 * np.sin(across * 2 * np.pi / 7))[None, :, :, None].repeat(3, axis=3).astype(np.uint8)
        shares = {stroke: column(image, f"stroke_{stroke}")[0] for stroke in features.STROKES}
        assert max(shares, key=shares.get) == str(angle)
        assert shares[str(angle)] > 0.6
        assert column(image, "stroke_coherence")[0] > 0.9 > 0.4 > column(pictures(1, 32, 0, noise=0), "stroke_coherence")[0]

    @pytest.mark.parametrize(("period", "band"), [(2.5, "fine"), (6, "medium"), (12, "coarse"), (32, "broad")])
    def test_scales_have_their_band(self, period, band):
        wave = 128 + 60 * np.sin(np.arange(64) * 2 * np.pi / period)
        image = np.tile(wave[None, None, :, None], (1, 64, 1, 3)).astype(np.uint8)
        energy = {name: column(image, f"scale_{name}")[0] for name in features.BANDS}
        # A band's energy is a mean over its frequencies, and a finer band has four times as many.
        total = {name: energy[name] + np.log10(4.0) * (3 - i) for i, name in enumerate(features.BANDS)}
        assert max(total, key=total.get) == band

    def test_sharpness_and_contrast(self):
        image = pictures(4, 32, 0)
        blurred = ndimage.gaussian_filter(image, (0, 2, 2, 0))
        for name in ("edge_strength", "local_contrast", "scale_fine"):
            assert (column(blurred, name) < column(image, name)).all()
        patterns = [column(image, f"pattern_{name}") for name in features.PATTERNS]
        np.testing.assert_allclose(np.sum(patterns, axis=0), 1, rtol=1e-6)

    def test_wrong_input_is_the_users(self):
        with pytest.raises(UserError, match="float32"):
            features.texture(np.zeros((1, 16, 16, 3), np.float32))
        with pytest.raises(UserError, match="8 pixels"):
            features.texture(np.zeros((1, 4, 4, 3), np.uint8))
        with pytest.raises(UserError, match="evaluation.features=colour: .* texture"):
            features.extractor("colour")


class TestStandardiser:
    def test_reference_set_has_mean_zero_and_deviation_one(self):
        raw = np.random.default_rng(0).uniform(3, 9, (200, 4))
        found = features.Standardiser.fit(raw)(raw)
        np.testing.assert_allclose(found.mean(0), 0, atol=1e-12)
        np.testing.assert_allclose(found.std(0, ddof=1), 1, rtol=1e-12)

    def test_constant_columns_and_outliers_stay_bounded(self):
        fitted = features.Standardiser.fit(np.array([[1.0, 2.0], [1.0, 4.0]]))
        np.testing.assert_allclose(fitted(np.array([[1.5, 1e9]])), [[0.5, 5.0]])
        with pytest.raises(ValueError, match="at least 2 paintings"):
            features.Standardiser.fit(np.zeros((1, 2)))


@pytest.mark.filterwarnings("ignore")  # TensorFlow's own
class TestPretrained:
    @pytest.fixture(autouse=True)
    def with_tensorflow(self):
        pytest.importorskip("tensorflow_hub", exc_type=ImportError)

    def test_inception_sees_what_the_module_computes(self, tmp_path):
        import hub_module

        hub_module.write_inception(tmp_path / "module")
        found = features.extractor(f"inception:{tmp_path / 'module'}")(IMAGES[:35])
        import tensorflow as tf

        sized = np.asarray(tf.compat.v1.image.resize_bilinear(IMAGES[:35].astype(np.float32), [299, 299]))
        expected = np.tanh((sized - 128) / 128 @ hub_module.inception_weights()).mean((1, 2))
        np.testing.assert_allclose(found, expected, atol=1e-5)

    def test_another_module_is_one_line(self, tmp_path):
        import hub_module

        hub_module.write_inception(tmp_path / "module", "elsewhere")
        with pytest.raises(UserError, match="evaluation.features=inception: .* turns no images into pool_3"):
            features.extractor(f"inception:{tmp_path / 'module'}")

    def test_missing_weights_are_one_line(self, tmp_path, monkeypatch):
        with pytest.raises(UserError, match='evaluation.features=inception: .*"inception:FOLDER" takes one that was downloaded'):
            features.extractor(f"inception:{tmp_path}")
        with pytest.raises(UserError, match="keras:Nothing: Keras has no such application"):
            features.extractor("keras:Nothing")
        with pytest.raises(UserError, match="keras:mobilenet_v2: Keras has no such application"):
            features.extractor("keras:mobilenet_v2")
        import tensorflow as tf

        def unreachable(*arguments, **settings):
            raise OSError("URL fetch failure")

        monkeypatch.setattr(tf.keras.applications, "MobileNetV2", unreachable)
        with pytest.raises(UserError, match="keras:MobileNetV2: its weights can't be had .URL fetch failure"):
            features.extractor("keras:MobileNetV2")

    def test_a_keras_application_is_prepared_as_it_expects(self, monkeypatch):
        import tensorflow as tf

        applications = tf.keras.applications

        class Network:
            input_shape = (None, 24, 24, 3)

            def __call__(self, images, training):
                return tf.reduce_mean(images, [1, 2])

        def build(include_top, pooling):
            assert (include_top, pooling) == (False, "avg")
            return Network()

        monkeypatch.setattr(applications, "MobileNetV2", build)
        monkeypatch.setattr(applications.mobilenet_v2, "MobileNetV2", build)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = features.extractor("keras:MobileNetV2")(IMAGES)
        # MobileNet's pixels are scaled to -1 to 1.
        np.testing.assert_allclose(found, (IMAGES / 127.5 - 1).mean((1, 2)), atol=0.02)

    def test_weights_that_keras_cannot_fetch_are_one_line(self, tmp_path, monkeypatch):
        import sys

        import tensorflow as tf

        def unreachable(*arguments, **settings):
            raise urllib.error.URLError("no route to host")

        module = sys.modules[tf.keras.applications.MobileNetV2.__module__]
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        monkeypatch.setattr(getattr(module, "file_utils", module), "get_file", unreachable)
        with pytest.raises(UserError, match="keras:MobileNetV2: its weights can't be had .*no route to host") as caught:
            features.extractor("keras:MobileNetV2")
        assert "\n" not in str(caught.value)

    def test_a_keras_application_gives_its_last_channels(self, monkeypatch):
        import tensorflow as tf

        build = tf.keras.applications.MobileNetV2
        without = lambda **settings: build(weights=None, input_shape=(96, 96, 3), **settings)  # noqa: E731
        monkeypatch.setattr(tf.keras.applications, "MobileNetV2", without)
        monkeypatch.setattr(tf.keras.applications.mobilenet_v2, "MobileNetV2", without)
        found = features.extractor("keras:MobileNetV2")(IMAGES[:3])
        assert found.shape == (3, 1280) and found.dtype == np.float64
        assert np.isfinite(found).all()
