"""TF-Hub modules with known weights against the same function in JAX."""

import functools
import http.server
import re
import sys
import tarfile
import threading
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import hub
from gan_jax.errors import UserError
from gan_jax.latents import inversion, tutorial
from gan_jax.models.likeness import Weights

pytest.importorskip("tensorflow_hub", exc_type=ImportError)
import hub_module  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's own


@pytest.fixture(scope="module", params=["", "resize"])
def module(request, tmp_path_factory):
    """A module of operations that XLA compiles, and one that it can't."""
    called = []
    in_tensorflow = hub._called
    patch = pytest.MonkeyPatch()
    patch.setattr(hub, "_called", lambda *arguments: called.append(1) or in_tensorflow(*arguments))
    folder = tmp_path_factory.mktemp("hub") / "module"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hub_module.write_module(folder, request.param)
        assert hub.is_module(str(folder))
        opened = hub.open_module(str(folder))
    patch.undo()
    assert bool(called) == (request.param == "resize")
    return opened


def reference(z):
    return 2 * jax.nn.sigmoid(jnp.einsum("nl,lyxc->nyxc", z, jnp.asarray(hub_module.weights()))) - 1


def test_images_and_gradients_are_the_functions(module):
    assert (module.latent_size, module.resolution) == (hub_module.LATENT_SIZE, hub_module.RESOLUTION)
    z = jax.random.normal(jax.random.key(0), (5, module.latent_size))
    np.testing.assert_allclose(jax.jit(module.__call__)(z), reference(z), atol=1e-5)
    g = jax.random.normal(jax.random.key(1), (5, 16, 16, 3))
    ours, theirs = (jax.jit(jax.grad(lambda z, f=f: (f(z) * g).sum()))(z) for f in (module, reference))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_latents_are_recovered(module):
    truth = np.asarray(module.draw(jax.random.key(2), 4))
    settings = inversion.Settings(
        steps=120, restarts=2, candidates=64, learning_rate=0.1, noise=0.05, patience=120, batch_size=8,
        weights=Weights(1.0, 0.3, 0.3), calibration=0,
    )  # fmt: skip
    found = inversion.invert(module, module.images(truth), settings, 0)
    assert np.all((found.latents * truth).sum(1) / module.latent_size > 0.99)
    assert np.all(found.error < 0.03)


def test_the_tutorials_recipe_runs_on_it(module):
    truth = np.asarray(module.draw(jax.random.key(3), 2))
    paintings = module.images(truth)
    start, end = (tutorial.search(module, paintings, 0, steps) for steps in (1, 100))
    before, after = (inversion.rms(module.images(z), paintings).mean() for z in (start, end))
    assert after < 0.8 * before


def test_what_is_no_module_is_one_line(tmp_path):
    with pytest.raises(UserError, match="can't be had|no saved model"):
        hub.open_module(str(tmp_path))
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\x00nonsense")
    with pytest.raises(UserError, match="no saved model"):
        hub.open_module(str(tmp_path))


def paint(folder, out):
    """Opens a module, paints with it, and gives back why not. Nothing may have been written into `out`."""
    try:
        module = hub.open_module(str(folder))
        module.images(np.zeros((1, module.latent_size), np.float32))
    except Exception as error:
        refused = error
    else:
        refused = None
    assert not list(out.iterdir())
    return refused


@pytest.fixture
def out(tmp_path):
    """A folder that is empty, and a checkpoint that could be merged into it."""
    import tensorflow as tf

    (tmp_path / "out").mkdir()
    (tmp_path / "out-source").mkdir()
    tf.raw_ops.SaveV2(prefix=str(tmp_path / "out-source/saved"), tensor_names=["x"], shape_and_slices=[""], tensors=[tf.zeros(2)])
    return tmp_path / "out"


@pytest.mark.parametrize("place", hub_module.PLACES)
@pytest.mark.parametrize("operation", hub_module.BEYOND)
def test_a_module_that_reaches_beyond_itself_is_refused_before_it_does(tmp_path, out, operation, place):
    hub_module.write_module(tmp_path / "module", operation, place, str(out))
    refused = paint(tmp_path / "module", out)
    assert isinstance(refused, UserError) and "\n" not in str(refused)
    assert re.search(rf"refused, .* reach beyond the module: (.*, )?{operation}\b", str(refused))


@pytest.mark.parametrize("place", ["signature", "resource"])
@pytest.mark.parametrize("operation", hub_module.BEYOND)
def test_so_is_one_in_tf2s_format(tmp_path, out, operation, place):
    hub_module.write_second_module(tmp_path / "module", operation, place, str(out))
    refused = paint(tmp_path / "module", out)
    assert isinstance(refused, UserError) and "\n" not in str(refused)
    assert re.search(rf"refused, .* reach beyond the module: (.*, )?{operation}\b", str(refused))


def the_same(module, painted=reference, tolerance=1e-5, *, gradients=True):
    """Whether a module's images and gradients are those of `painted`."""
    z = jax.random.normal(jax.random.key(0), (3, module.latent_size))
    np.testing.assert_allclose(module(z), painted(z), atol=tolerance)
    if not gradients:
        return
    g = jax.random.normal(jax.random.key(1), (3, 16, 16, 3))
    ours, theirs = (jax.grad(lambda z, f=f: (f(z) * g).sum())(z) for f in (module, painted))
    assert np.abs(theirs).max() > 0.1
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=100 * tolerance)


def test_variables_of_every_kind_are_restored(tmp_path):
    import tensorflow as tf

    hub_module.write_module(tmp_path / "reference", resource=False)
    the_same(hub.open_module(str(tmp_path / "reference")))
    hub_module.write_second_module(tmp_path / "second")
    the_same(hub.open_module(str(tmp_path / "second")))
    # A variable that is begun with a checkpoint has an operation that reads one, which isn't run.
    checkpoint, kernel = str(tmp_path / "before"), hub_module.weights().reshape(hub_module.LATENT_SIZE, -1)
    tf.raw_ops.SaveV2(prefix=checkpoint, tensor_names=["kernel"], shape_and_slices=[""], tensors=[kernel])
    hub_module.write_module(tmp_path / "begun", "checkpoint", out=checkpoint)
    for file in tmp_path.glob("before*"):
        file.unlink()
    the_same(hub.open_module(str(tmp_path / "begun")))


def test_a_module_of_the_first_hub_has_a_graph_for_use_and_no_saver(tmp_path):
    from tensorflow.core.protobuf import saved_model_pb2

    hub_module.write_module(tmp_path)
    hub_module.change(tmp_path, lambda graph: graph.ClearField("saver_def"))
    model = saved_model_pb2.SavedModel.FromString((tmp_path / "saved_model.pb").read_bytes())
    model.meta_graphs.add().CopyFrom(model.meta_graphs[0])
    model.meta_graphs[1].meta_info_def.tags.append("train")
    (tmp_path / "saved_model.pb").write_bytes(model.SerializeToString())
    (tmp_path / "tfhub_module.pb").write_bytes(b"\x08\x03")
    the_same(hub.open_module(str(tmp_path)))
    model.meta_graphs[1].graph_def.node.add(name="beyond", op="WriteFile")
    (tmp_path / "saved_model.pb").write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match="beyond the module: WriteFile"):
        hub.open_module(str(tmp_path))


@pytest.mark.parametrize("old", [True, False])
def test_what_generators_are_made_of_is_opened(tmp_path, old):
    import tensorflow as tf

    hub_module.write_network(tmp_path / "module", old_control_flow=old)
    module = hub.open_module(str(tmp_path / "module"))
    as_it_is = tf.saved_model.load(str(tmp_path / "module")).signatures["default"]
    painted = hub._called(tf, lambda z: as_it_is(z)["default"], 16)
    assert np.std(painted(jnp.ones((1, module.latent_size)))) > 0.01
    the_same(module, lambda z: painted(z) * 2 - 1, 1e-4, gradients=not old)  # TensorFlow has none of an old loop that was loaded


def test_a_function_with_the_name_of_an_operation_is_refused(tmp_path, out):
    def edit(graph):
        function = graph.graph_def.library.function.add()
        function.signature.name = "WriteFile"

    hub_module.write_module(tmp_path / "module", "WriteFile", "signature", str(out))
    hub_module.change(tmp_path / "module", edit)
    assert "beyond the module: WriteFile" in str(paint(tmp_path / "module", out))


def test_what_is_checked_is_what_is_opened(tmp_path, out):
    from google.protobuf import text_format
    from tensorflow.core.protobuf import saved_model_pb2

    hub_module.write_module(tmp_path / "written", "WriteFile", "opening", str(out))
    hub_module.write_module(tmp_path / "module")
    model = saved_model_pb2.SavedModel.FromString((tmp_path / "written/saved_model.pb").read_bytes())
    (tmp_path / "module/saved_model.pbtxt").write_text(text_format.MessageToString(model))
    assert paint(tmp_path / "module", out) is None
    (tmp_path / "module/saved_model.pb").unlink()
    assert "no saved model" in str(paint(tmp_path / "module", out))


def test_a_folder_is_opened_without_tensorflow_hub_and_an_address_asks_for_it(tmp_path, monkeypatch):
    hub_module.write_module(tmp_path / "module")
    monkeypatch.setitem(sys.modules, "tensorflow_hub", None)
    the_same(hub.open_module(str(tmp_path / "module")))
    with pytest.raises(UserError, match="^progan-128: needs tensorflow and tensorflow-hub"):
        hub.open_module("progan-128")


def test_without_a_network_the_address_is_named():
    with pytest.raises(UserError, match="http://127.0.0.1:9/module/1: can't be had"):
        hub.open_module("http://127.0.0.1:9/module/1")


def test_a_module_is_downloaded_from_the_address_that_has_it(tmp_path, monkeypatch, capsys):
    hub_module.write_module(tmp_path / "module")
    (tmp_path / "site").mkdir()
    with tarfile.open(tmp_path / "site" / "module.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "module", ".")
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setitem(hub.ADDRESSES, "progan-128", (f"{site}/gone", f"{site}/module.tar.gz"))
        monkeypatch.chdir(tmp_path)
        the_same(hub.open_module("progan-128"))
        server.shutdown()
    assert f"gan_jax: {site}/module.tar.gz answered for progan-128\n" in capsys.readouterr().err
