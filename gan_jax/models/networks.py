"""Both players from a config."""

import math
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from ml_collections import ConfigDict

from gan_jax.errors import UserError
from gan_jax.models import dcgan, pggan

YEAR_FEATURES = 8  # neighbourhoods of time in which a discriminator knows what paintings look like
LABELS = ("early", "late")  # of conditional networks, in the order of their inputs: the periods that are trained on


def compute_dtype(precision: str) -> jnp.dtype:
    """Returns the type of the convolutions. "auto" is bfloat16 where the device has it in hardware."""
    if precision == "auto":
        return jnp.dtype(jnp.float32 if jax.default_backend() == "cpu" else jnp.bfloat16)
    return jnp.dtype(precision)


def build(model: ConfigDict, resolution: int, dtype: DTypeLike, axis_name: str | None = None) -> tuple[nn.Module, nn.Module]:
    """Returns (generator, discriminator) for `config.model`.

    `axis_name` names the devices over which synchronised batch statistics are taken in training.
    """
    labels = label_size(model)
    discriminator_labels = YEAR_FEATURES if model.year else labels
    if model.name == "pggan":
        sizes = dict(resolution=resolution, label_size=labels, fmap_base=model.fmap_base, fmap_max=model.fmap_max)
        sizes |= dict(smooth=model.smooth, dtype=dtype)
        grown = pggan.Generator(latent_size=model.latent_size, timed=model.year, noise=model.noise, **sizes)
        return grown, pggan.Discriminator(fused_scale=model.fused_scale, **sizes | dict(label_size=discriminator_labels))
    if model.name == "dcgan":
        axis_name = axis_name if model.sync_batch_norm else None
        sizes = dict(resolution=resolution, label_size=labels, width=model.width, axis_name=axis_name, dtype=dtype)
        extras = dict(timed=model.year, smooth=model.smooth, noise=model.noise, excitation=model.excitation)
        generator = dcgan.Generator(latent_size=model.latent_size, **extras, **sizes)
        return generator, dcgan.Discriminator(**sizes | dict(label_size=discriminator_labels))
    raise UserError(f"config.model.name={model.name!r}: there is 'pggan' and 'dcgan'")


def label_size(model: ConfigDict) -> int:
    """Returns how many of the generator's inputs are the label. Raises UserError for two kinds of label at once."""
    if model.conditional and model.year:
        raise UserError("config.model.conditional and config.model.year: a network has the one or the other as its label")
    return len(LABELS) if model.conditional else int(model.year)


# What a layer multiplies for one image: `taps` products of a vector by a matrix [far, near] at each of `pixels`, where `near` are the
# channels on the side of the image, at its size, and `far` those on the side of the latents.
Layer = tuple[int, int, int, int]
TILE = (8, 128)  # a TPU keeps arrays in tiles of so many rows and columns


def layers(model: ConfigDict, level: int) -> tuple[list[Layer], list[Layer]]:
    """Those of (the generator, the discriminator) at a level: (pixels, taps, near, far).

    Counted from the architecture: kernels and dense layers, scaling fused with its convolution, nothing else.
    """
    if model.name == "dcgan":
        widths = [3] + [model.width * 2**i for i in range(level - 2)]  # from the image down to 4x4
        kernels = [(4 ** (level - i), 4, near, far) for i, (near, far) in enumerate(zip(widths, widths[1:]))]
        squeezed = []
        for near, far in zip(widths[1:], widths[1 + dcgan.EXCITED :]) if model.excitation else ():
            squeezed += [(1, 16, near, far), (1, 1, near, near)]
        return [(16, 1, widths[-1], model.latent_size), *kernels, *squeezed], [(16, 1, widths[-1], 1), *kernels]
    channels = [pggan.width(stage, model.fmap_base, model.fmap_max) for stage in range(level)]
    both = [(16, 9, channels[1], channels[1])]
    # For each level one plain 3x3 at its size, and one fused with the scaling: 16 products for 4 pixels.
    both += [(4**l, 9, channels[l - 1], channels[l - 1]) for l in range(3, level + 1)]
    both += [(4**l, 4, channels[l - 1], channels[l - 2]) for l in range(3, level + 1)]
    both += [(4**l, 1, 3, channels[l - 1]) for l in range(max(2, level - 1), level + 1)]
    end = [(16, 9, 1, channels[1]), (16, 1, channels[1], channels[0]), (1, 1, channels[0], 1)]  # the standard deviation, the dense layers
    return [(16, 1, channels[1], model.latent_size), *both], [*end, *both]


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
