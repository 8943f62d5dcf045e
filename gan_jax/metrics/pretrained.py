"""Features of networks that were trained on photographs: TF-Hub's Inception, with which the FID is defined, and any Keras application.

Heusel et al. 2017, https://arxiv.org/abs/1706.08500. Images are prepared as TF-GAN's `preprocess_image` does.
"""

import warnings
from collections.abc import Callable

import numpy as np

from gan_jax import hub
from gan_jax.errors import UserError
from gan_jax.pictures import whole_batches

INCEPTION = "https://tfhub.dev/tensorflow/tfgan/eval/inception/1"
INCEPTION_SIZE = 299  # pixels
INCEPTION_LAYER = "pool_3"
BATCH = 32  # images at once

Extractor = Callable[[np.ndarray], np.ndarray]


def inception(source: str = "") -> Extractor:
    """Returns the FID's network from TF-Hub, or from the folder `source`: images uint8 [n, h, w, 3] to float64 [n, 2048].

    Raises UserError where it can't be had, and for a module that gives no `pool_3`.
    """
    handle = source or INCEPTION
    try:
        tf, module = hub.load(handle)
    except UserError as error:
        raise UserError(f'evaluation.features=inception: {error}; "inception:FOLDER" takes one that was downloaded') from None
    call = module if callable(module) else getattr(module, "signatures", {}).get("default")
    if call is None:
        raise UserError(f"evaluation.features=inception: {handle} is no function and has none called 'default'")

    def features(images: np.ndarray) -> np.ndarray:
        sized = tf.compat.v1.image.resize_bilinear(images.astype(np.float32), [INCEPTION_SIZE, INCEPTION_SIZE])
        found = call((sized - 128.0) / 128.0)[INCEPTION_LAYER]
        return np.asarray(found).reshape(len(images), -1)

    try:
        features(np.zeros((1, 8, 8, 3), np.uint8))
    except Exception as error:  # of many kinds: whatever the module is
        raise UserError(f"evaluation.features=inception: {handle} turns no images into {INCEPTION_LAYER} ({hub.one_line(error)})") from None
    return _in_batches(features)


def application(name: str) -> Extractor:
    """Returns a Keras application by its name, without its last layer, averaged over its places: uint8 [n, h, w, 3] to float64 [n, d].

    Raises UserError for a name that Keras does not have, and where its weights can't be had.
    """
    wanted = f"evaluation.features=keras:{name}"
    tf = hub.tensorflow(wanted)
    applications = tf.keras.applications
    build = getattr(applications, name, None)
    if not isinstance(name, str) or not callable(build):
        raise UserError(f"{wanted}: Keras has no such application")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = build(include_top=False, pooling="avg")
    except Exception as error:  # of many kinds: networks, files, hashes
        raise UserError(f"{wanted}: its weights can't be had ({hub.one_line(error)})") from None
    prepare = _preparation(applications, name)
    size = network.input_shape[1:3] if all(network.input_shape[1:3]) else (224, 224)

    def features(images: np.ndarray) -> np.ndarray:
        sized = tf.image.resize(images.astype(np.float32), size, antialias=True)
        return np.asarray(network(prepare(sized), training=False))

    return _in_batches(features)


def _preparation(applications, name: str) -> Callable:
    """Returns the `preprocess_input` of the application's own module: pixels are scaled as its weights expect them."""
    for module in vars(applications).values():
        if hasattr(module, "preprocess_input") and getattr(module, name, None) is getattr(applications, name):
            return module.preprocess_input
    raise UserError(f"evaluation.features=keras:{name}: Keras has no such application")


def _in_batches(features: Extractor) -> Extractor:
    """Batches of one size, the last filled up, so that nothing is traced twice."""

    def look(images: np.ndarray) -> np.ndarray:
        padded = whole_batches(images, BATCH)
        parts = [features(padded[i : i + BATCH]) for i in range(0, len(padded), BATCH)]
        return np.concatenate(parts)[: len(images)].astype(np.float64) if parts else np.zeros((0, 0))

    return look
