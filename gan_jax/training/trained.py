"""Networks that were trained before: read from a study's workdir or a published file, and as a start for another training."""

import dataclasses
import functools
import pathlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from ml_collections import ConfigDict

from gan_jax import default_config, reading
from gan_jax.config import renamed
from gan_jax.errors import UserError
from gan_jax.models import networks, reference
from gan_jax.models.generator import Years, on_sphere
from gan_jax.settings import BY_NAME
from gan_jax.training.checkpoints import Checkpoints
from gan_jax.training.state import TrainState, init_state

Tree = Mapping[str, Any]

SHOWN = 8  # layers that are named, of those that don't match


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
    years: Years | None = None  # of networks that know the year
    painting_latents: np.ndarray | None = None  # [m, latent_size], of the paintings trained on, where they have some of their own
    projected_params: Tree | None = None  # of the second discriminator, where there was one


def read_trained(source: str | pathlib.Path, dtype: DTypeLike) -> Trained:
    """Opens a workdir, at its best checkpoint, or a file of the authors' pretrained networks. Raises UserError where there is none."""
    path = pathlib.Path(source)
    if path.is_file():
        published = reference.read_published(path, dtype)
        g, d = jax.tree.map(jnp.asarray, (published.generator_params, published.discriminator_params))
        return Trained(published.generator, published.discriminator, g, {}, d, {}, published.level, published.alpha)
    if not path.is_dir():
        raise UserError(f"{source}: " + ("not a regular file" if path.exists() else "no such workdir or file of networks"))
    if not (path / "config.json").is_file():
        raise UserError(f"{source}: not the workdir of a study (it has no config.json)")
    if not (path / "checkpoints").is_dir():
        raise UserError(f"{source}: no checkpoint here; `train` makes one")
    config = default_config.get_config()
    try:
        config.update(ConfigDict(renamed(reading.read_json(path / "config.json")["config"], path / "config.json")))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"{path / 'config.json'}: not written by this program") from None
    resolution = config.collection.resolution
    generator, discriminator = networks.build(config.model, resolution, dtype)
    with Checkpoints(path / "checkpoints") as checkpoints:
        found = checkpoints.open_best(functools.partial(state_like, config))
    if found is None:
        raise UserError(f"{path / 'checkpoints'}: no checkpoint here; `train` makes one")
    _, state, about = found
    d = state.discriminator
    years = about.get("years")
    return Trained(
        generator,
        discriminator,
        state.ema_params,
        state.ema_stats,
        d.params,
        d.stats,
        about["level"],
        float(about["alpha"]),
        Years(float(years["mean"]), float(years["deviation"]), tuple(years["seen"])) if years else None,
        np.asarray(on_sphere(state.works["ema"])) if state.works else None,
        state.projected.params if state.projected else None,
    )


def state_like(config: ConfigDict, about: Tree) -> TrainState:
    """Returns shapes, types and one device for the state of a config's training, of which a checkpoint says what it is `about`."""
    resolution, placement = config.collection.resolution, jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    generator, discriminator = networks.build(config.model, resolution, jnp.float32)
    level, own = networks.full_level(resolution), about.get("works", 0)
    side = about.get("projected", 0)
    if side is True:  # from before there was a choice
        side = BY_NAME["training.projected_resolution"].done_before
    like = jax.eval_shape(lambda: init_state(generator, discriminator, level, 0, count=own, side=side))
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=placement), like)


def config_of_latest(workdir: pathlib.Path) -> Tree:
    """Returns the config that the latest checkpoint was written with, {} where it can't be read."""
    with Checkpoints(workdir / "checkpoints") as checkpoints:
        latest = checkpoints.latest()
        found = checkpoints.told(latest).get("config") if latest is not None else None
    return found if isinstance(found, Mapping) else {}


def ends_whole(workdir: pathlib.Path, config: ConfigDict) -> bool:
    """Returns whether the latest checkpoint of a training is there, and is what was saved."""
    with Checkpoints(workdir / "checkpoints") as checkpoints:
        latest = checkpoints.latest()
        return latest is not None and checkpoints.is_whole(latest, functools.partial(state_like, config))


def init_from(source: str, state: TrainState) -> TrainState:
    """Returns a new state that begins with networks trained elsewhere, layer by layer where names and shapes match.

    Networks may have grown further there or here, and have other widths: layers that don't match begin as new, and are named on stderr.
    Raises UserError where nothing matches.
    """
    found = read_trained(source, jnp.float32)
    missing: list[str] = []

    def taken(there: Tree, here: Tree, network: str) -> Tree:
        return _matching(there, here, (network,), missing)

    g = dataclasses.replace(
        state.generator,
        params=taken(found.generator_params, state.generator.params, "generator"),
        stats=_matching(found.generator_stats, state.generator.stats, (), []),
    )
    d = dataclasses.replace(
        state.discriminator,
        params=taken(found.discriminator_params, state.discriminator.params, "discriminator"),
        stats=_matching(found.discriminator_stats, state.discriminator.stats, (), []),
    )
    second, players = state.projected, [g.params, d.params]
    if second:
        second = dataclasses.replace(second, params=taken(found.projected_params or {}, second.params, "projected discriminator"))
        players.append(second.params)
    layers = sum(1 for tree in players for _ in _layers(tree))
    if len(missing) == layers:
        raise UserError(f"config.training.init_from={source!r}: no layer of it has the name and the shape of one here, e.g. {missing[0]}")
    if missing:
        shown = "; ".join(missing[:SHOWN]) + (f"; and {len(missing) - SHOWN} more" if len(missing) > SHOWN else "")
        print(f"gan_jax: {source}: {layers - len(missing)} of {layers} layers taken; these begin as new: {shown}", file=sys.stderr)
    # The average gets buffers of its own, since the state is donated.
    params, stats = jax.tree.map(jnp.copy, (g.params, g.stats))
    return dataclasses.replace(state, generator=g, discriminator=d, ema_params=params, ema_stats=stats, projected=second)


def _is_layer(tree: Tree) -> bool:
    return not any(isinstance(value, Mapping) for value in tree.values())


def _layers(tree: Tree) -> Iterator[Tree]:
    for value in [tree] if _is_layer(tree) else tree.values():
        yield from [value] if not isinstance(value, Mapping) or _is_layer(value) else _layers(value)


def _matching(there: Any, here: Any, name: tuple[str, ...], missing: list[str]) -> Any:
    """`here`, with the layers of `there` that have the same names and shapes; the others' names and shapes go to `missing`."""
    if isinstance(here, Mapping) and not _is_layer(here):
        there = there if isinstance(there, Mapping) else {}
        return {key: _matching(there.get(key), here[key], (*name, key), missing) for key in here}
    shapes = [jax.tree.map(lambda x: tuple(x.shape), tree) for tree in (there, here)]
    if shapes[0] == shapes[1]:
        return there
    missing.append(f"{'/'.join(name)} ({_said(shapes[0])} there, {_said(shapes[1])} here)")
    return here


def _said(shapes: Any) -> str:
    """Returns the largest of a layer's arrays."""
    if shapes is None:
        return "missing"
    arrays: list[tuple[int, ...]] = list(shapes.values()) if isinstance(shapes, Mapping) else [shapes]
    largest = max(arrays, key=len)
    return "x".join(map(str, largest))
