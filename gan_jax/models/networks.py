"""Both players from a config."""

import math

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
        sizes = dict(resolution=resolution, label_size=label_size, fmap_base=model.fmap_base, fmap_max=model.fmap_max, dtype=dtype)
        return pggan.Generator(latent_size=model.latent_size, **sizes), pggan.Discriminator(fused_scale=model.fused_scale, **sizes)
    if model.name == "dcgan":
        axis_name = axis_name if model.sync_batch_norm else None
        sizes = dict(resolution=resolution, label_size=label_size, width=model.width, axis_name=axis_name, dtype=dtype)
        return dcgan.Generator(latent_size=model.latent_size, **sizes), dcgan.Discriminator(**sizes)
    raise UserError(f"config.model.name={model.name!r}: there is 'pggan' and 'dcgan'")


def work(model: ConfigDict, level: int) -> float:
    """Multiplications of a generator and a discriminator for one image at a level, nearly: what the time of a step grows with."""
    if model.name == "dcgan":
        return 1.0  # it has one level, and nothing to compare with
    channels = [pggan.width(stage, model.fmap_base, model.fmap_max) for stage in range(level)]
    total = 2 * 9 * channels[1] ** 2 * 16 + 2 * 16 * channels[1] * model.latent_size
    for l in range(3, level + 1):
        # One plain 3x3 at the size, and one fused with the scaling: 16 products for 4 pixels.
        total += 2 * 4**l * (9 * channels[l - 1] ** 2 + 4 * channels[l - 1] * channels[l - 2])
    return float(total)


def full_level(resolution: int) -> int:
    """log2 of a resolution."""
    return int(math.log2(resolution))
