"""A generator from TF-Hub behind the same face as ours, and the opening of any module. TensorFlow is imported when one is opened.

What is expected is the form of https://tfhub.dev/google/progan-128/1: a signature "default" that takes latents [n, latent_size], normal,
and gives images [n, r, r, 3] in [0, 1].

The site has moved to Kaggle, and a module has several addresses since: of those that are known (`ADDRESSES`) the first that answers is
taken.
"""

import contextlib
import importlib
import pathlib
import sys
import tempfile
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gan_jax import hub_safety
from gan_jax.errors import UserError
from gan_jax.models.generator import Generator

SIGNATURE = OUTPUT = "default"
WEB = ("https://", "http://")
# By its short name, where a module may be had: the old site, for which Kaggle answers; Kaggle's page in both of its forms, which sends the
# archive to those who ask as tensorflow_hub does; Kaggle's download; and the store that was behind the old site.
ADDRESSES = {
    "progan-128": (
        "https://tfhub.dev/google/progan-128/1",
        "https://www.kaggle.com/models/google/progan-128/frameworks/tensorFlow1/variations/progan-128/versions/1",
        "https://www.kaggle.com/models/google/progan-128/tensorFlow1/progan-128/1",
        "https://www.kaggle.com/api/v1/models/google/progan-128/tensorFlow1/progan-128/1/download",
        "https://storage.googleapis.com/tfhub-modules/google/progan-128/1.tar.gz",
    ),
}


def is_module(source: str) -> bool:
    """Returns whether a string names a TF-Hub module: an address, a folder with a saved model, or a short name of `ADDRESSES` where nothing
    else is called so."""
    if source.startswith(WEB) or (pathlib.Path(source) / "saved_model.pb").is_file():
        return True
    return source in ADDRESSES and not pathlib.Path(source).exists()


def addresses(handle: str) -> tuple[str, ...]:
    """Returns the addresses of a module, in the order to try them: the given one first, then those under which it is known as well."""
    if not handle.startswith(WEB):
        return ADDRESSES[handle]
    known = next((each for each in ADDRESSES.values() if _plain(handle) in map(_plain, each)), ())
    return (handle, *(address for address in known if _plain(address) != _plain(handle)))


def _plain(address: str) -> str:
    """An address without what makes no difference to the site that answers."""
    return address.partition("://")[2].partition("?")[0].removeprefix("www.").rstrip("/").lower()


def folder_of(handle: str, resolve: Callable[[str], str]) -> pathlib.Path:
    """Returns the folder of a module, and says on stderr which of its addresses answered.

    handle: a folder, an address or a short name. resolve: downloads from an address and returns the folder, or raises any exception.

    Raises UserError where no address answers, which names each of them with the reason, and the UserError of `resolve`.
    """
    if not handle.startswith(WEB) and (handle not in ADDRESSES or pathlib.Path(handle).exists()):
        return pathlib.Path(handle)
    reasons: dict[str, list[str]] = {}  # addresses by why they are of no use
    for address in addresses(handle):
        try:
            folder = pathlib.Path(resolve(address))
        except UserError:  # nothing is there to download with
            raise
        except Exception as error:  # of many kinds: addresses, networks, archives
            reason = one_line(error).replace(address, "it")
        else:
            if (folder / "saved_model.pb").is_file():
                print(f"gan_jax: {address} answered" + f" for {handle}" * (handle != address), file=sys.stderr)
                return folder
            reason = "what it gives holds no saved_model.pb"
        reasons.setdefault(reason, []).append(address)
    tried = "; ".join(f"{', '.join(where)} ({reason})" for reason, where in reasons.items())
    raise UserError(f"{handle}: can't be had: {tried}; a folder with the module would do, as docs/morphs.md says")


def open_module(handle: str) -> Generator:
    """Opens a module by its address or short name (downloaded once, then from the cache that TFHUB_CACHE_DIR names) or from a folder.

    Its function runs as a part of JAX's programs where XLA can compile all of it, and in TensorFlow, called from them, where not.
    Raises UserError where there is no TensorFlow, no network, no such module, or one of another form.
    """
    tf, module = load(handle)
    try:
        signature = module.signatures[SIGNATURE]
        (spec,) = signature.structured_input_signature[1].values()
        latent_size, resolution = spec.shape[-1], signature.structured_outputs[OUTPUT].shape[1]
        right = spec.shape.rank == 2 and signature.structured_outputs[OUTPUT].shape[1:] == (resolution, resolution, 3)
    except (AttributeError, KeyError, TypeError, ValueError):
        right = False
    if not right or not latent_size or not resolution:
        raise UserError(f"{handle}: has no signature {SIGNATURE!r} that turns latents [n, d] into images [n, r, r, 3]")
    # Whatever else the signature gives is left out, or XLA would have to compile it too.
    function = tf.function(lambda z: signature(z)[OUTPUT], input_signature=[tf.TensorSpec([None, latent_size], tf.float32)])
    function.keep = module  # a signature holds its variables, not the module that frees them
    images = _in_xla(function, latent_size)
    if images is None:
        images = _called(tf, function, resolution)
    return Generator(handle, int(latent_size), int(resolution), None, lambda _, z: images(z) * 2 - 1, divisible=False)


def load(handle: str) -> tuple[ModuleType, Any]:
    """Returns TensorFlow, and a module as `open_module` takes it. Raises UserError for one that can't be had or reaches beyond itself."""
    tf = tensorflow(handle)
    # What is downloaded takes tensorflow-hub; a folder is opened by TensorFlow's own loader.
    folder = folder_of(handle, lambda address: _import(handle, "tensorflow_hub").resolve(address))
    with tempfile.TemporaryDirectory(prefix="gan_jax_hub_") as copy:
        hub_safety.write_copy(handle, folder, pathlib.Path(copy))
        # Of the graphs of a module of TF1's hub, the one without tags is the one for use.
        tags: list[str] | None = [] if (folder / "tfhub_module.pb").is_file() else None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module = tf.saved_model.load(copy, tags=tags)
        except Exception as error:
            raise UserError(f"{handle}: can't be opened as a TF-Hub module ({one_line(error)})") from None
    return tf, module


def tensorflow(wanted_by: str) -> ModuleType:
    """Returns TensorFlow, which leaves the GPUs to JAX. Raises UserError where it is not installed."""
    tf = _import(wanted_by, "tensorflow")
    with contextlib.suppress(RuntimeError):  # it was begun before
        tf.config.set_visible_devices([], "GPU")  # it would take all of the memory that JAX needs
    return tf


def _import(wanted_by: str, package: str) -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what they say of each other's future is not for the user
            return importlib.import_module(package)
    except ImportError as error:
        raise UserError(f"{wanted_by}: needs tensorflow and tensorflow-hub ({one_line(error)})") from None


def _in_xla(function: Any, latent_size: int) -> Callable[[Array], Array] | None:
    """`function` as a part of JAX's programs, or None where XLA can't compile it or its gradient."""
    from jax.experimental import jax2tf

    images = jax2tf.call_tf(function)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            jax.jit(jax.grad(lambda z: images(z).sum())).lower(jnp.zeros((2, latent_size), jnp.float32)).compile()
    except Exception:  # of many kinds, by operation
        return None
    return images


def _called(tf: ModuleType, function: Any, resolution: int) -> Callable[[Array], Array]:
    """`function` run by TensorFlow, called from JAX's programs."""

    @tf.function(reduce_retracing=True)
    def gradient(z, g):
        with tf.GradientTape() as tape:
            tape.watch(z)
            images = function(z)
        return tape.gradient(images, z, output_gradients=g)

    @jax.custom_vjp
    def images(z: Array) -> Array:
        shape = jax.ShapeDtypeStruct((z.shape[0], resolution, resolution, 3), jnp.float32)
        return jax.pure_callback(lambda z: function(tf.constant(np.asarray(z))).numpy(), shape, z)

    def backward(z: Array, g: Array) -> tuple[Array]:
        def call(z, g):
            return gradient(tf.constant(np.asarray(z)), tf.constant(np.asarray(g))).numpy()

        return (jax.pure_callback(call, jax.ShapeDtypeStruct(z.shape, jnp.float32), z, g),)

    images.defvjp(lambda z: (images(z), z), backward)
    return images


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
