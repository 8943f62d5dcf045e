"""Networks that were trained before: read from a study's workdir or a published file, and as a start for another training."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from ml_collections import ConfigDict

from gan_jax import default_config, files
from gan_jax.errors import UserError
from gan_jax.models import networks, reference
from gan_jax.training.checkpoints import Checkpoints
from gan_jax.training.step import TrainState, init_state

Tree = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Trained:
    """A pair of networks with what they have learnt. The generator is the averaged one."""

    generator: nn.Module
    discriminator: nn.Module
    generator_params: Tree
    generator_stats: Tree  # {} without batch norm
    discriminator_params: Tree
    discriminator_stats: Tree
    level: int  # how far they have grown
    alpha: float


def read_trained(source: str | pathlib.Path, dtype: DTypeLike) -> Trained:
    """Opens a workdir, at its latest checkpoint, or a file of the authors' pretrained networks. Raises UserError where there is none."""
    path = pathlib.Path(source)
    if path.is_file():
        found = reference.read_published(path, dtype)
        g, d = jax.tree.map(jnp.asarray, (found.generator_params, found.discriminator_params))
        return Trained(found.generator, found.discriminator, g, {}, d, {}, found.level, found.alpha)
    if not path.exists():
        raise UserError(f"{source}: no such workdir or file of networks")
    if not (path / "config.json").is_file():
        raise UserError(f"{source}: not the workdir of a study (it has no config.json)")
    if not (path / "checkpoints").is_dir():
        raise UserError(f"{source}: no checkpoint here; `train` makes one")
    config = default_config.get_config()
    try:
        config.update(ConfigDict(files.read_json(path / "config.json")["config"]))
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path / 'config.json'}: not written by this program") from None
    resolution = config.collection.resolution
    generator, discriminator = networks.build(config.model, resolution, dtype)
    with Checkpoints(path / "checkpoints") as checkpoints:
        latest = checkpoints.latest()
        if latest is None:
            raise UserError(f"{path / 'checkpoints'}: no checkpoint here; `train` makes one")
        about = checkpoints.about(latest)
        placement = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
        like = jax.eval_shape(lambda: init_state(generator, discriminator, networks.full_level(resolution), 0))
        like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=placement), like)
        state = checkpoints.restore(latest, like)
    d = state.discriminator
    return Trained(generator, discriminator, state.ema_params, state.ema_stats, d.params, d.stats, about["level"], float(about["alpha"]))


def start_from(source: str, state: TrainState) -> TrainState:
    """A new state that begins with networks trained elsewhere.

    Larger networks may be the start of smaller ones: of Progressive GANs the levels that the new one has are taken. Raises UserError
    where a parameter is missing or has another shape.
    """
    found = read_trained(source, jnp.float32)
    g = state.generator.replace(
        params=_fit(source, found.generator_params, state.generator.params),
        stats=_fit(source, found.generator_stats, state.generator.stats),
    )
    d = state.discriminator.replace(
        params=_fit(source, found.discriminator_params, state.discriminator.params),
        stats=_fit(source, found.discriminator_stats, state.discriminator.stats),
    )
    # The average gets buffers of its own, since the state is donated.
    return state.replace(
        generator=g, discriminator=d, ema_params=jax.tree.map(jnp.copy, g.params), ema_stats=jax.tree.map(jnp.copy, g.stats)
    )


def _fit(source: str, there: Tree, here: Tree, name: str = "") -> Tree:
    """The part of `there` that has the names and shapes of `here`."""
    if not isinstance(here, Mapping):
        shape = getattr(there, "shape", "missing")
        if shape != here.shape:
            raise UserError(
                f"config.training.start_from={source!r}: {name} is {shape} there and {here.shape} here; "
                "config.model has to be as it was there"
            )
        return there
    return {
        key: _fit(source, there.get(key) if isinstance(there, Mapping) else None, here[key], f"{name}/{key}".strip("/")) for key in here
    }
