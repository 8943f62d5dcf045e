"""TF-Hub modules with known weights against the same function in JAX."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import hub
from gan_jax.errors import UserError
from gan_jax.latents import inversion, tutorial
from gan_jax.latents.likeness import Weights

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


def test_a_module_that_reads_files_is_refused(tmp_path):
    hub_module.write_module(tmp_path / "module", "read")
    with pytest.raises(UserError, match="ReadFile, which reaches beyond the module"):
        hub.open_module(str(tmp_path / "module"))


def test_without_a_network_the_address_is_named():
    with pytest.raises(UserError, match="http://127.0.0.1:9/module/1: can't be had"):
        hub.open_module("http://127.0.0.1:9/module/1")
