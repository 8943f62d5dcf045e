"""What training changes, how it begins, and what it learns from."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from gan_jax import keys
from gan_jax.models import projected
from gan_jax.training import augmentation, paintings
from gan_jax.training.augmentation import Augmentation

Tree = Mapping[str, Any]


@flax.struct.dataclass
class Player:
    """A network that learns: its parameters, its batch statistics ({} without batch norm) and the state of its Adam."""

    params: Tree
    stats: Tree
    adam: optax.ScaleByAdamState


@flax.struct.dataclass
class TrainState:
    """Everything that training changes. The tree has the same shape from the first step to the last."""

    images_seen: Array  # [] int32
    generator: Player
    discriminator: Player
    ema_params: Tree
    ema_stats: Tree
    augmentation: Augmentation
    works: Tree  # the paintings' own latents, as `paintings.begin` makes them; checkpoints have them by the name of this field
    projected: Player | None = None  # the second discriminator, where there is one


@flax.struct.dataclass
class Data:
    """What is learnt, at one level."""

    images: Array  # uint8 [m, r, r, 3]
    labels: Array  # float32 [m, label_size]: one-hot, or the year in standard deviations from the mean; label_size is 0 without labels
    seed: Array  # [] int32, of all that steps draw: an argument of their program, which is the same for all seeds
    frozen: Tree = flax.struct.field(default_factory=dict)  # what a second discriminator looks through, as `projected.frozen` makes it


def init_state(
    generator: nn.Module,
    discriminator: nn.Module,
    level: int,
    seed: int,
    augment: str = "none",
    strength: float = 0.0,
    count: int = 0,
    side: int = 0,
) -> TrainState:
    """Returns a new state, on the default device.

    Args:
      level: the networks' full one.
      augment, strength: as in the settings of a step.
      count: paintings that have latents of their own.
      side: pixels at which a projected discriminator beside the first one sees images; 0: there is none.
    """
    state = _begin(generator, discriminator, level, augment, strength, count, side, np.int32(seed))
    # Donation needs buffers of its own for the average, which starts as the generator itself.
    params, stats = jax.tree.map(jnp.copy, (state.ema_params, state.ema_stats))
    return dataclasses.replace(state, ema_params=params, ema_stats=stats)


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 4, 5, 6))
def _begin(
    generator: nn.Module, discriminator: nn.Module, level: int, augment: str, strength: float, count: int, side: int, seed: Array
) -> TrainState:
    def player(network: nn.Module, key: Array, inputs: Array) -> Player:
        variables = network.init(key, inputs, level=level, alpha=jnp.float32(1))
        return new(variables["params"], variables.get("batch_stats", {}))

    def new(params: Tree, stats: Tree) -> Player:
        return Player(params, stats, optax.scale_by_adam().init(params))

    g_key, d_key = jax.random.split(keys.key(seed))
    g = player(generator, g_key, jnp.zeros((1, generator.latent_size + generator.label_size)))
    d = player(discriminator, d_key, jnp.zeros((1, 2**level, 2**level, 3)))
    own = paintings.begin(jax.random.fold_in(keys.key(seed), 1), count, generator.latent_size)
    begun = None
    if side:
        network = projected.beside(discriminator, side)
        begun = new(network.init(jax.random.fold_in(keys.key(seed), 2), network.blank())["params"], {})
    return TrainState(jnp.int32(0), g, d, g.params, g.stats, augmentation.begin(augment, strength), own, begun)


def restart_adam(state: TrainState) -> TrainState:
    """Forgets both Adams' moments and counts, as the reference does where a level starts to fade in and where it has."""

    def restart(player: Player) -> Player:
        return dataclasses.replace(player, adam=_zeros_like(player.adam))

    second = restart(state.projected) if state.projected else None
    return dataclasses.replace(state, generator=restart(state.generator), discriminator=restart(state.discriminator), projected=second)


@jax.jit
def _zeros_like(tree: Any) -> Any:
    return jax.tree.map(jnp.zeros_like, tree)  # one program; eagerly, every leaf would be one
