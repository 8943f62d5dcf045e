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


def write_module(folder: pathlib.Path, operation: str = "", place: str = "signature", out: str = "", *, resource: bool = True) -> None:
    """A TF1-format module: z to sigmoid(z @ weights), of a variable that is a `resource` or an old reference.

    `operation`: "resize" takes it through one that XLA can't compile, "checkpoint" begins its variable with the checkpoint `out`, and one
    of BEYOND is at `place` and would write into the folder `out`.
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        z = v1.placeholder(tf.float32, [None, LATENT_SIZE], "z")
        kernel = v1.get_variable("kernel", initializer=weights().reshape(LATENT_SIZE, -1), use_resource=resource)
        if operation == "checkpoint":
            v1.train.init_from_checkpoint(out, {"kernel": kernel})
        images = tf.sigmoid(tf.reshape(tf.matmul(z, kernel), [-1, RESOLUTION, RESOLUTION, 3]))
        if operation == "resize":
            images = tf.raw_ops.ResizeBicubic(images=images, size=[RESOLUTION, RESOLUTION])  # to what they are already
        beyond = None
        if operation in BEYOND and place == "function":
            images = tf.function(lambda images: after(BEYOND[operation](tf, out), images))(images)
        elif operation in BEYOND:
            with tf.control_dependencies([BEYOND[operation](tf, out)]):
                beyond = tf.no_op("beyond")
        if beyond is not None and place == "signature":
            images = after(beyond, images)
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder))
        signature = v1.saved_model.predict_signature_def({"default": z}, {"default": images})
        builder.add_meta_graph_and_variables(session, [], {"default": signature}, main_op=beyond if "opening" in place else None)
        builder.save()
    if place == "restoring":
        change(folder, lambda graph: setattr(graph.saver_def, "restore_op_name", "beyond"))
    if place == "old opening":
        change(folder, lambda graph: graph.collection_def["legacy_init_op"].CopyFrom(graph.collection_def.pop("saved_model_main_op")))


def write_second_module(folder: pathlib.Path, operation: str = "", place: str = "signature", out: str = "") -> None:
    """The same in TF2's format; `place` may be "signature" or "resource": what begins one of the module's objects."""
    import tensorflow as tf

    class Resource(tf.saved_model.experimental.TrackableResource):
        def _create_resource(self):
            return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[2])

        def _initialize(self):
            if place == "resource":
                BEYOND[operation](tf, out)

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.kernel = tf.Variable(weights().reshape(LATENT_SIZE, -1))
            self.resource = Resource()

        @tf.function(input_signature=[tf.TensorSpec([None, LATENT_SIZE], tf.float32, "default")])
        def paint(self, z):
            images = tf.sigmoid(tf.reshape(tf.matmul(z, self.kernel), [-1, RESOLUTION, RESOLUTION, 3]))
            return {"default": after(BEYOND[operation](tf, out), images) if operation and place == "signature" else images}

    module = Module()
    tf.saved_model.save(module, str(folder), signatures={"default": module.paint})


def write_network(folder: pathlib.Path, *, old_control_flow: bool) -> None:
    """A TF1-format module of what generators are made of: convolutions, upsampling, normalisation, noise, loops and conditions."""
    import tensorflow as tf

    v1 = tf.compat.v1
    was_new = v1.control_flow_v2_enabled()
    (v1.disable_control_flow_v2 if old_control_flow else v1.enable_control_flow_v2)()
    with tf.Graph().as_default(), v1.Session() as session:
        z = v1.placeholder(tf.float32, [None, LATENT_SIZE], "z")
        resource = not old_control_flow

        def variable(name, *shape):
            return v1.get_variable(name, shape, initializer=v1.random_normal_initializer(seed=1), use_resource=resource)

        x = tf.nn.leaky_relu(tf.reshape(z @ variable("dense", LATENT_SIZE, 32), [-1, 2, 2, 8]))
        x = v1.image.resize_nearest_neighbor(x, [4, 4])
        x = tf.nn.bias_add(tf.nn.conv2d(x, variable("conv", 3, 3, 8, 4), 1, "SAME"), variable("bias", 4))
        x = v1.nn.fused_batch_norm(
            x, variable("scale", 4), variable("offset", 4), variable("mean", 4), variable("var", 4) ** 2, is_training=False
        )[0]
        x = tf.nn.conv2d_transpose(x, variable("up", 3, 3, 3, 4), [tf.shape(x)[0], 8, 8, 3], 2)
        x = v1.image.resize_bilinear(x, [RESOLUTION, RESOLUTION]) + 0 * tf.random.normal(tf.shape(x)[:1])[:, None, None, None]
        _, x = v1.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 0.9), [0, x])
        x = v1.cond(tf.shape(x)[0] > 0, lambda: tf.tanh(x), lambda: x)
        images = tf.clip_by_value(x / tf.sqrt(tf.reduce_mean(x**2, 3, keepdims=True) + 1) / 2 + 0.5, 0, 1)
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder))
        signature = v1.saved_model.predict_signature_def({"default": z}, {"default": images})
        builder.add_meta_graph_and_variables(session, [], {"default": signature})
        builder.save()
    (v1.enable_control_flow_v2 if was_new else v1.disable_control_flow_v2)()


def after(beyond, images):
    """The images, for which `beyond` must have been run."""
    import tensorflow as tf

    with tf.control_dependencies([beyond]):
        return tf.identity(images)


def change(folder: pathlib.Path, edit) -> None:
    """Rewrites the module's first graph."""
    from tensorflow.core.protobuf import saved_model_pb2

    file = folder / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    edit(model.meta_graphs[0])
    file.write_bytes(model.SerializeToString())


def _save(tf, out):
    return tf.raw_ops.SaveV2(prefix=f"{out}/saved", tensor_names=["x"], shape_and_slices=[""], tensors=[tf.zeros(2)])


def _save_old(tf, out):
    return tf.raw_ops.Save(filename=f"{out}/saved", tensor_names=["x"], data=[tf.zeros(2)])


def _merge(tf, out):
    return tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=[f"{out}-source/saved"], destination_prefix=f"{out}/merged")


def _table(tf, out):
    table = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
    return tf.raw_ops.InitializeTableFromTextFileV2(table_handle=table, filename="/etc/hostname", key_index=-2, value_index=-1)


def _cached(tf, out):
    numbers = tf.raw_ops.RangeDataset(start=0, stop=1, step=1, output_types=[tf.int64], output_shapes=[[]])
    kept = tf.raw_ops.CacheDataset(input_dataset=numbers, filename=f"{out}/cache", output_types=[tf.int64], output_shapes=[[]])
    return tf.raw_ops.DatasetToSingleElement(dataset=kept, output_types=[tf.int64], output_shapes=[[]])[0]


def _summary(tf, out):
    writer = tf.raw_ops.SummaryWriter(shared_name="writer")
    return tf.raw_ops.CreateSummaryFileWriter(writer=writer, logdir=f"{out}/log", max_queue=1, flush_millis=1, filename_suffix="")


def _database(tf, out):
    writer = tf.raw_ops.SummaryWriter(shared_name="writer")
    return tf.raw_ops.CreateSummaryDbWriter(writer=writer, db_uri=f"file:{out}/db", experiment_name="", run_name="", user_name="")


# Operations that reach beyond a module, by name: (tensorflow, a folder that exists) to one of a graph, which would write there if it can.
BEYOND = {
    "ReadFile": lambda tf, out: tf.raw_ops.ReadFile(filename="/etc/hostname"),
    "WriteFile": lambda tf, out: tf.raw_ops.WriteFile(filename=f"{out}/written", contents="x"),
    "Save": _save_old,
    "SaveV2": _save,
    "MergeV2Checkpoints": _merge,
    "InitializeTableFromTextFileV2": _table,
    "DebugIdentity": lambda tf, out: tf.raw_ops.DebugIdentity(input=tf.zeros(2), tensor_name="x:0", debug_urls=[f"file://{out}"]),
    "DebugIdentityV2": lambda tf, out: tf.raw_ops.DebugIdentityV2(input=tf.zeros(2), tensor_debug_mode=8, debug_urls=[f"file://{out}"]),
    "CacheDataset": _cached,
    "CreateSummaryFileWriter": _summary,
    "CreateSummaryDbWriter": _database,
    "PrintV2": lambda tf, out: tf.raw_ops.PrintV2(input="x", output_stream=f"file://{out}/printed"),
    "PyFunc": lambda tf, out: tf.raw_ops.PyFunc(input=[], token="none", Tout=[tf.float32])[0],
}
PLACES = ("signature", "function", "opening", "old opening", "restoring")


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
