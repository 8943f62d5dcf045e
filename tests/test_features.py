"""Features by name: of the discriminator, of modules with known weights, and one clear line where they can't be had."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.evaluation import features
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


def test_chunks_and_threads_change_nothing(monkeypatch):
    whole = features.texture(IMAGES)
    monkeypatch.setattr(features, "CHUNK", 16 * 16 * 3)
    monkeypatch.setattr(features, "MOST_THREADS", 1)
    np.testing.assert_allclose(features.texture(IMAGES), whole, rtol=1e-6, atol=1e-6)


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
