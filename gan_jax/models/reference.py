"""Reads the variables of the reference implementation of Progressive GAN into our parameters.

The reference (tkarras/progressive_growing_of_gans) names its variables by resolution, `32x32/Conv0_up/weight`, and its colour layers by
the distance from the full resolution, `ToRGB_lod0/weight`. Its activations are [n, c, h, w], so dense layers meet the 4x4 images in
another order; and its fused enlargement is a transposed convolution, which sees its kernel [k, k, out, in] mirrored.
"""

import dataclasses
import math
import pathlib
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from gan_jax import keys
from gan_jax.errors import UserError
from gan_jax.models import pggan
from gan_jax.models.pickles import read_networks, shown

Params = dict[str, Any]  # arrays by layer and name

RESOLUTIONS = tuple(2**level for level in range(2, 11))
# Settings of G_paper and D_paper with their defaults: those that only change sizes, and those without which it is another network.
SIZES = {"resolution": 32, "label_size": 0, "fmap_base": 8192, "fmap_max": 512}
LARGEST = 2**20  # of any size
AS_IN_THE_PAPER = {
    "num_channels": 3,
    "fmap_decay": 1.0,
    "normalize_latents": True,
    "use_wscale": True,
    "use_pixelnorm": True,
    "pixelnorm_epsilon": 1e-8,
    "use_leakyrelu": True,
    "mbstd_group_size": 4,
}


def generator_params(variables: Mapping[str, np.ndarray], resolution: int) -> Params:
    """Returns parameters of `pggan.Generator` from variables named as in the reference, without the leading `G/`."""
    top = int(math.log2(resolution))
    dense = variables["4x4/Dense/weight"]
    params: Params = {
        "block_2": {
            "kernel": dense.reshape(dense.shape[0], -1, 4, 4).transpose(0, 2, 3, 1),
            "bias": variables["4x4/Dense/bias"],
            "conv": _layer(variables, "4x4/Conv"),
        }
    }
    for level in range(2, top + 1):
        params[f"to_rgb_{level}"] = _layer(variables, f"ToRGB_lod{top - level}")
        if level > 2:
            name = f"{2**level}x{2**level}"
            if f"{name}/Conv0_up/weight" in variables:
                fused = variables[f"{name}/Conv0_up/weight"][::-1, ::-1].transpose(2, 0, 1, 3)
                up = {"kernel": fused, "bias": variables[f"{name}/Conv0_up/bias"]}
            else:
                up = _layer(variables, f"{name}/Conv0")
            params[f"block_{level}"] = {"conv_up": up, "conv": _layer(variables, f"{name}/Conv1")}
    return params


def discriminator_params(variables: Mapping[str, np.ndarray], resolution: int) -> Params:
    """Returns parameters of `pggan.Discriminator` from variables named as in the reference, without the leading `D/`."""
    top = int(math.log2(resolution))
    dense = variables["4x4/Dense0/weight"]
    params: Params = {
        "block_2": {
            "conv": _layer(variables, "4x4/Conv"),
            "dense": {
                "kernel": dense.reshape(-1, 4, 4, dense.shape[1]).transpose(1, 2, 0, 3).reshape(dense.shape),
                "bias": variables["4x4/Dense0/bias"],
            },
            "score": {"kernel": variables["4x4/Dense1/weight"], "bias": variables["4x4/Dense1/bias"]},
        }
    }
    for level in range(2, top + 1):
        params[f"from_rgb_{level}"] = _layer(variables, f"FromRGB_lod{top - level}")
        if level > 2:
            name = f"{2**level}x{2**level}"
            down = "Conv1_down" if f"{name}/Conv1_down/weight" in variables else "Conv1"
            params[f"block_{level}"] = {"conv": _layer(variables, f"{name}/Conv0"), "conv_down": _layer(variables, f"{name}/{down}")}
    return params


def _layer(variables: Mapping[str, np.ndarray], name: str) -> Params:
    return {"kernel": variables[f"{name}/weight"].transpose(3, 0, 1, 2), "bias": variables[f"{name}/bias"]}


@dataclasses.dataclass(frozen=True)
class PublishedNetworks:
    """The networks of a published file, with the parameters that fit them."""

    generator: pggan.Generator
    discriminator: pggan.Discriminator
    generator_params: Params  # of the averaged generator
    discriminator_params: Params
    level: int  # how far they had grown
    alpha: float


def read_published(path: pathlib.Path, dtype: DTypeLike = np.float32) -> PublishedNetworks:
    """Opens a file of the authors' pretrained networks.

    Raises UserError for a file that is none, or of networks that differ from the paper's in more than sizes.
    """
    _, d, gs = read_networks(path)
    if (gs.function, d.function) != ("G_paper", "D_paper"):
        raise UserError(f"{path}: networks {shown(gs.function)} and {shown(d.function)}; G_paper and D_paper are known")
    for network in (gs, d):
        for name, value in AS_IN_THE_PAPER.items():
            there = network.settings.get(name, value)
            if not isinstance(there, (bool, int, float)) or there != value:
                raise UserError(f"{path}: {network.function} has {name}={shown(there)}; only {value!r} is known")
    try:
        sizes = {name: gs.settings.get(name, default) for name, default in SIZES.items()}
        fused = d.settings.get("fused_scale", True)
        for name, value in {**sizes, "fused_scale": fused}.items():
            if type(value) is not (bool if name == "fused_scale" else int):
                raise TypeError(f"{name}={shown(value)}")
        latent_size = gs.variables["4x4/Dense/weight"].shape[0] - sizes["label_size"]
        resolution = sizes["resolution"]
        if resolution not in RESOLUTIONS or latent_size < 1 or min(sizes.values()) < 0 or max(sizes.values()) > LARGEST:
            raise ValueError(", ".join(f"{name}={shown(value)}" for name, value in {**sizes, "latent_size": latent_size}.items()))
        generator = pggan.Generator(latent_size=latent_size, dtype=dtype, **sizes)
        discriminator = pggan.Discriminator(fused_scale=fused, dtype=dtype, **sizes)
        g_params, d_params = generator_params(gs.variables, resolution), discriminator_params(d.variables, resolution)
        lod = float(gs.variables.get("lod", 0.0))
    except KeyError as error:
        raise UserError(f"{path}: has no variable {shown(error.args[0])}") from None
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        raise UserError(f"{path}: not networks of the paper ({shown(str(error))})") from None
    top = int(math.log2(resolution))
    _check(path, generator, g_params, (1, latent_size + sizes["label_size"]), top)
    _check(path, discriminator, d_params, (1, resolution, resolution, 3), top)
    if not 0 <= lod <= top - 2:
        raise UserError(f"{path}: lod {lod:g} is not a level of {resolution} px")
    level = top - math.floor(lod)
    as_float = {"generator_params": g_params, "discriminator_params": d_params}
    as_float = {name: jax.tree.map(lambda x: np.ascontiguousarray(x, np.float32), tree) for name, tree in as_float.items()}
    return PublishedNetworks(generator, discriminator, **as_float, level=level, alpha=1 - (lod - math.floor(lod)))


def _check(path: pathlib.Path, network: nn.Module, params: Params, inputs: tuple[int, ...], level: int) -> None:
    """Raises UserError unless the parameters have the names and shapes that the network's own have."""

    def init() -> Params:
        return network.init(keys.key(0), jnp.zeros(inputs), level=level, alpha=jnp.float32(1))["params"]

    def shapes(tree: Params) -> dict[str, tuple[int, ...]]:
        return {jax.tree_util.keystr(name, simple=True, separator="/"): x.shape for name, x in jax.tree_util.tree_leaves_with_path(tree)}

    wanted, there = shapes(jax.eval_shape(init)), shapes(params)
    for name in sorted(wanted):
        if there.get(name) != wanted[name]:
            raise UserError(f"{path}: {name} is {there.get(name, 'missing')}; networks of these settings have {wanted[name]}")
