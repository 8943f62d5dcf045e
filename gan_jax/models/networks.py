"""Both players from a config."""

import math
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
from jax.typing import DTypeLike
from ml_collections import ConfigDict

from gan_jax.errors import UserError
from gan_jax.models import dcgan, pggan

LABELS = ("early", "late")  # of conditional networks, in the order of their inputs: the periods that are trained on


def build(model: ConfigDict, resolution: int, dtype: DTypeLike, axis_name: str | None = None) -> tuple[nn.Module, nn.Module]:
    """Returns (generator, discriminator) for `config.model`.

    `axis_name` names the devices over which synchronised batch statistics are taken in training.
    """
    label_size = len(LABELS) if model.conditional else 0
    if model.name == "pggan":
        sizes = dict(resolution=resolution, label_size=label_size, fmap_base=model.fmap_base, fmap_max=model.fmap_max)
        sizes |= dict(smooth=model.smooth, dtype=dtype)
        generator = pggan.Generator(latent_size=model.latent_size, noise=model.noise, **sizes)
        return generator, pggan.Discriminator(fused_scale=model.fused_scale, **sizes)
    if model.name == "dcgan":
        axis_name = axis_name if model.sync_batch_norm else None
        sizes = dict(resolution=resolution, label_size=label_size, width=model.width, axis_name=axis_name, dtype=dtype)
        return dcgan.Generator(latent_size=model.latent_size, **sizes), dcgan.Discriminator(**sizes)
    raise UserError(f"config.model.name={model.name!r}: there is 'pggan' and 'dcgan'")


def work(model: ConfigDict, level: int) -> tuple[float, float]:
    """Multiplications of (the generator, the discriminator) for one image at a level, forwards.

    Counted from the architecture: kernels and dense layers, scaling fused with its convolution, nothing else.
    """
    if model.name == "dcgan":
        widths = [3] + [model.width * 2**i for i in range(level - 2)]  # from the image down to 4x4
        kernels = sum(4 ** (level - i - 1) * 16 * a * b for i, (a, b) in enumerate(zip(widths, widths[1:])))
        return float(16 * widths[-1] * model.latent_size + kernels), float(16 * widths[-1] + kernels)
    channels = [pggan.width(stage, model.fmap_base, model.fmap_max) for stage in range(level)]
    first = 16 * 9 * channels[1] ** 2
    colours = sum(3 * 4**l * channels[l - 1] for l in range(max(2, level - 1), level + 1))
    # For each level one plain 3x3 at its size, and one fused with the scaling: 16 products for 4 pixels.
    grown = sum(4**l * (9 * channels[l - 1] ** 2 + 4 * channels[l - 1] * channels[l - 2]) for l in range(3, level + 1))
    generator = 16 * channels[1] * model.latent_size + first + grown + colours
    end = 16 * 9 * channels[1] + 16 * channels[1] * channels[0] + channels[0]  # the standard deviation's channel, and the dense layers
    return float(generator), float(end + first + grown + colours)


def variables(params: Mapping[str, Any], stats: Mapping[str, Any]) -> dict[str, Any]:
    """What a network's `apply` takes; `stats` are those of batch norm, or {}."""
    return {"params": params, **({"batch_stats": stats} if stats else {})}


def full_level(resolution: int) -> int:
    """log2 of a resolution."""
    return int(math.log2(resolution))
