"""Both players from a config."""

import importlib
import math
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from ml_collections import ConfigDict

from gan_jax.errors import UserError
from gan_jax.models.layers import Layer
from gan_jax.settings import BY_NAME

YEAR_FEATURES = 8  # neighbourhoods of time in which a discriminator knows what paintings look like
# By the name in the config, which is that of a file here. Each has both players, with the signatures and methods of `dcgan`; `build`,
# `layers`, and whether they grow.
NETWORKS: dict[str, ModuleType] = {name: importlib.import_module(f"gan_jax.models.{name}") for name in BY_NAME["model.name"].choices}
LABELS = ("early", "late")  # of conditional networks, in the order of their inputs: the periods that are trained on


def compute_dtype(precision: str) -> jnp.dtype:
    """Returns the type of the convolutions. "auto" is bfloat16 where the device has it in hardware."""
    if precision == "auto":
        return jnp.dtype(jnp.float32 if jax.default_backend() == "cpu" else jnp.bfloat16)
    return jnp.dtype(precision)


def of(name: str) -> ModuleType:
    """Returns the file of a network by `config.model.name`. Raises UserError for one that there isn't."""
    if name not in NETWORKS:
        raise UserError(f"config.model.name={name!r}: there is {' and '.join(map(repr, NETWORKS))}")
    return NETWORKS[name]


def build(model: ConfigDict, resolution: int, dtype: DTypeLike, axis_name: str | None = None) -> tuple[nn.Module, nn.Module]:
    """Returns (generator, discriminator) for `config.model`.

    `axis_name` names the devices over which synchronised batch statistics are taken in training.
    """
    labels = label_size(model)
    players: tuple[nn.Module, nn.Module] = of(model.name).build(
        model, resolution, labels, YEAR_FEATURES if model.year else labels, dtype, axis_name if model.sync_batch_norm else None
    )
    return players


def label_size(model: ConfigDict) -> int:
    """Returns how many of the generator's inputs are the label. Raises UserError for two kinds of label at once."""
    if model.conditional and model.year:
        raise UserError("config.model.conditional and config.model.year: a network has the one or the other as its label")
    return len(LABELS) if model.conditional else int(model.year)


TILE = (8, 128)  # a TPU keeps arrays in tiles of so many rows and columns


def layers(model: ConfigDict, level: int) -> tuple[list[Layer], list[Layer]]:
    """Returns those of (the generator, the discriminator) at a level.

    Counted from the architecture: kernels and dense layers, scaling fused with its convolution, nothing else.
    """
    counted: tuple[list[Layer], list[Layer]] = of(model.name).layers(model, level)
    return counted


def work(model: ConfigDict, level: int) -> tuple[float, float]:
    """Returns multiplications of (the generator, the discriminator) for one image at a level, forwards."""
    generator, discriminator = (float(sum(map(math.prod, player))) for player in layers(model, level))
    return generator, discriminator


def tile_waste(model: ConfigDict, level: int, batch: int) -> float:
    """Returns part of a TPU's tiles that would hold nothing, 0 to 1, in both players' activations for a device's batch.

    At each pixel there are [batch, channels] or [channels, batch], whichever wastes less, as its compiler chooses.
    """
    used = taken = 0
    for pixels, _, channels, _ in sum(layers(model, level), []):
        used += pixels * batch * channels
        taken += pixels * min(padded(batch, channels), padded(channels, batch))
    return 1 - used / taken


def padded(*shape: int) -> int:
    """Returns places in the tiles that an array [rows, columns] takes."""
    return math.prod(math.ceil(n / tile) * tile for n, tile in zip(shape, TILE))


def variables(params: Mapping[str, Any], stats: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a network's `apply` takes; `stats` are those of batch norm, or {}."""
    return {"params": params, **({"batch_stats": stats} if stats else {})}


def full_level(resolution: int) -> int:
    """Returns log2 of a resolution."""
    return int(math.log2(resolution))
