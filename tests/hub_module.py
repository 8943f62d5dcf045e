"""Makes modules in the form of TF-Hub's Progressive GAN, with weights that are known, and the same function in NumPy terms for JAX."""

import pathlib

import numpy as np

LATENT_SIZE, RESOLUTION = 6, 16


def weights() -> np.ndarray:
    """[LATENT_SIZE, 16, 16, 3]: smooth fields of colour."""
    axis = np.linspace(0, np.pi, RESOLUTION)
    waves = [np.outer(np.cos(i * axis), np.cos(j * axis)) for i, j in ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2))]
    colours = np.random.default_rng(0).normal(size=(LATENT_SIZE, 3))
    return np.einsum("lyx,lc->lyxc", np.stack(waves), colours).astype(np.float32)


def write_module(folder: pathlib.Path, operation: str = "") -> None:
    """A TF1-format module: z to sigmoid(z @ weights). `operation`: "resize" takes it through one that XLA can't compile, "read" through
    one that reads a file."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        z = v1.placeholder(tf.float32, [None, LATENT_SIZE], "z")
        kernel = v1.get_variable("kernel", initializer=weights().reshape(LATENT_SIZE, -1), use_resource=True)
        images = tf.sigmoid(tf.reshape(tf.matmul(z, kernel), [-1, RESOLUTION, RESOLUTION, 3]))
        if operation == "resize":
            images = tf.raw_ops.ResizeBicubic(images=images, size=[RESOLUTION, RESOLUTION])  # to what they are already
        if operation == "read":
            images = images + 0 * tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder))
        signature = v1.saved_model.predict_signature_def({"default": z}, {"default": images})
        builder.add_meta_graph_and_variables(session, [], {"default": signature})
        builder.save()


CLASSES = 7


def inception_weights() -> np.ndarray:
    """[3, CLASSES]"""
    return np.random.default_rng(1).normal(size=(3, CLASSES)).astype(np.float32)


def write_inception(folder: pathlib.Path, layer: str = "pool_3") -> None:
    """A module in the form of TF-GAN's Inception: images [n, 299, 299, 3] to {`layer`: the mean of tanh(image @ weights)}."""
    import tensorflow as tf

    class Inception(tf.Module):
        def __init__(self):
            super().__init__()
            self.kernel = tf.Variable(inception_weights())

        @tf.function(input_signature=[tf.TensorSpec([None, 299, 299, 3], tf.float32)])
        def __call__(self, images):
            seen = tf.tanh(tf.einsum("nhwc,ck->nhwk", images, self.kernel))
            return {layer: tf.reduce_mean(seen, [1, 2], keepdims=True), "logits": images[:, 0, 0]}

    tf.saved_model.save(Inception(), str(folder))
