"""Adapts a generator to a few paintings, so that it paints them at the latents that were found for them.

Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images", 2021. Each group of paintings gets a generator of its own, which
paints both ends of a morph and the frames between. A round tunes as many groups as there are devices, one on each.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from optax.contrib import MuonDimensionNumbers

from gan_jax import compiler, keys, pictures
from gan_jax.models.generator import Critic, Generator, on_sphere
from gan_jax.models.layers import STDDEV_GROUP
from gan_jax.models.likeness import Weights, distance, features_of, unlike_statistics
from gan_jax.progress import Progress

RAMP_UP = 0.1  # the first part of the steps, over which the learning rate rises: too little is known of the gradients then
RAMP_DOWN = 0.5  # the last part, over which it falls to zero along a cosine
KERNELS = 0.2  # of the learning rate: by how much Muon moves the weights of a kernel in a step, root mean square
ITERATIONS = 3  # of its Newton and Schulz: five, as is usual, take longer and paint no nearer at 32 px (docs/tried.md)
MOMENTUM, SQUARES = 0.9, 0.99  # how much of the gradients before stays, and of their squares
NOTE_EVERY = 10  # steps
OTHERS = 1024  # random latents, towards which a generator is held to what it painted before


@dataclasses.dataclass(frozen=True)
class Settings:
    steps: int  # each with all paintings of a group
    optimizer: str  # of OPTIMIZERS
    learning_rate: float
    locality: float  # weight of what keeps other latents' images as they were
    statistics: float  # weight of what keeps as much of every feature as there is in a painting, wherever it is
    weights: Weights


Group = tuple[np.ndarray, np.ndarray]  # latents [m, latent_size] and paintings uint8 [m, r, r, 3]


def tuned(generator: Generator, groups: Sequence[Group], settings: Settings, seed: int) -> Iterator[Generator]:
    """Returns for each group the generator after some steps of painting its paintings at their latents.

    Its networks' averages (of batch norm) and whatever else is no parameter stay as they are. Between each painting's latents and
    random ones it is held to what it painted before, by the same distance. A generator without parameters of its own, as TF-Hub's
    are, and one without steps to take come back as they are.
    """
    if not settings.steps or generator.params is None:
        yield from (generator for _ in groups)
        return
    devices = jax.local_devices() if generator.divisible else jax.local_devices()[:1]
    mesh = Mesh(np.array(devices), ("groups",))
    divided, everywhere = NamedSharding(mesh, PartitionSpec("groups")), NamedSharding(mesh, PartitionSpec())
    critic = generator.critic
    others = np.asarray(generator.draw(keys.key(seed), OTHERS))
    before, kept = _split(generator.params)
    before, kept, critic_params, others = jax.device_put((before, kept, critic.params if critic else None, others), everywhere)
    begin, step = _programs(generator.apply, critic.features if critic else None, settings, mesh, generator.label_size)
    rounds = [list(groups[first : first + len(devices)]) for first in range(0, len(groups), len(devices))]
    here = jax.local_devices()[0]
    with Progress("tune", len(rounds) * settings.steps) as progress:
        for some in rounds:
            # A group that is smaller than the first, as the last may be, sees its paintings more than once: one program does for all.
            size = _whole(max(len(latents) for latents, _ in (groups[0], *some)))
            full = [some[i % len(some)] for i in range(len(devices))]
            places = [np.resize(np.arange(len(latents)), size) for latents, _ in full]
            z = np.stack([latents[at] for (latents, _), at in zip(full, places)])
            target = np.stack([pictures.to_float(paintings[at]) for (_, paintings), at in zip(full, places)])
            z, target = jax.device_put((z, target), divided)
            trained, state, seen = begin(target, before, critic_params)
            for i in range(settings.steps):
                trained, state, loss = step(trained, state, z, target, seen, before, kept, critic_params, others, np.int32(i))
                if (i + 1) % NOTE_EVERY == 0 or i + 1 == settings.steps:
                    progress.advance(i % NOTE_EVERY + 1, f"loss {float(loss.mean()):.3f}")
            for i in range(len(some)):
                one = jax.device_put(jax.tree.map(lambda x: x[i], trained), here)
                yield dataclasses.replace(generator, params=_joined(one, jax.device_put(kept, here)))


def learning_rates(settings: Settings) -> optax.Schedule:
    """Returns the learning rate by the step, counted from 0. The first one is above zero, and only the one after the last would be zero."""
    rise, hold = int(settings.steps * RAMP_UP), int(settings.steps * (1 - RAMP_DOWN))
    return optax.join_schedules(
        [
            optax.linear_schedule(settings.learning_rate / (rise + 1), settings.learning_rate, rise),
            optax.constant_schedule(settings.learning_rate),
            optax.cosine_decay_schedule(settings.learning_rate, settings.steps - hold),
        ],
        [rise, hold],
    )


def adam(settings: Settings) -> optax.GradientTransformation:
    """Returns Adam, by the settings' learning rates."""
    return optax.adam(learning_rates(settings), b1=MOMENTUM, b2=SQUARES)


def muon(settings: Settings) -> optax.GradientTransformation:
    """Returns Muon for kernels, Adam for the rest, by the settings' learning rates.

    Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) moves a kernel by as much in every direction of its matrix. Fine
    strokes are in directions in which the gradient is small: by Adam they come last. It moves other latents' images as much: `locality`
    holds them less.
    """
    return optax.contrib.muon(
        learning_rates(settings),
        beta=MOMENTUM,
        ns_steps=ITERATIONS,
        adam_b1=MOMENTUM,
        adam_b2=SQUARES,
        consistent_rms=KERNELS,
        muon_weight_dimension_numbers=functools.partial(jax.tree.map, _matrix),
    )


OPTIMIZERS = {"adam": adam, "muon": muon}


def _matrix(weights: Array) -> MuonDimensionNumbers | None:
    """Returns which axes of weights are the rows and the columns of a matrix; None where they are no kernel.

    Kernels of convolutions are [a, h, w, b], of an excitation [h, w, b, a], of dense layers [a, b]: a by itself is one side.
    """
    if weights.ndim < 2 or 1 in (weights.shape[0], weights.shape[-1]):  # a bias, or a year's, which has one row
        return None
    rows = 3 if weights.ndim == 4 and weights.shape[1] != weights.shape[2] else 1  # axes
    return MuonDimensionNumbers(tuple(range(rows)), tuple(range(rows, weights.ndim)))


def _whole(size: int) -> int:
    """Whole groups for the discriminator's minibatch statistics, which its features don't use but its program has to shape."""
    return size if size <= STDDEV_GROUP else -(-size // STDDEV_GROUP) * STDDEV_GROUP


def _split(params: Any) -> tuple[Any, Any]:
    """Returns what is trained, and what is not: of a Flax network's variables its parameters, of anything else all."""
    if isinstance(params, dict) and "params" in params:
        return params["params"], {name: value for name, value in params.items() if name != "params"}
    return params, None


def _joined(trained: Any, kept: Any) -> Any:
    return trained if kept is None else {"params": trained, **kept}


@functools.lru_cache(maxsize=4)
def _programs(apply: Callable, features: Callable | None, settings: Settings, mesh: Mesh, label_size: int) -> tuple[Callable, Callable]:
    """Returns how a round begins, and its step. What a device trains is that device's part of arrays [devices, ...]."""
    critic_of = Critic(None, features) if features else None
    optimizer = OPTIMIZERS[settings.optimizer](settings)
    own, same = PartitionSpec("groups"), PartitionSpec()

    def each(function: Callable, *, own_first: int, arguments: int) -> Callable:
        """Returns a program in which each device has a group of its own: the first arguments and all results are [devices, ...]."""

        def on_device(*given: Any) -> Any:
            mine = jax.tree.map(lambda x: x[0], given[:own_first])
            return jax.tree.map(lambda x: x[None], function(*mine, *given[own_first:]))

        specs = (own,) * own_first + (same,) * (arguments - own_first)
        return jax.shard_map(on_device, mesh=mesh, in_specs=specs, out_specs=own, check_vma=False)

    def begin(target: Array, before: Any, critic: Any) -> tuple[Any, Any, list[Array]]:
        return before, optimizer.init(before), features_of(critic_of, critic, target)

    def unlike(critic: Any, images: Array, wanted: Array, there: list[Array]) -> Array:
        seen = features_of(critic_of, critic, images)
        loss = distance(images, wanted, seen, there).total(settings.weights).mean()
        if seen and settings.statistics:
            loss += settings.statistics * unlike_statistics(seen, there).mean()
        return loss

    def step(trained, state, z: Array, target: Array, of_target: list[Array], before, kept, critic, others: Array, i: Array):
        near, there = z[:0], target[:0]
        if settings.locality:
            # Anywhere on the way from a painting's latents to those of another image.
            away = others[(i * len(z) + jnp.arange(len(z))) % OTHERS]
            near = on_sphere(z + jnp.linspace(0.3, 1.0, len(z))[:, None] * (away - z), label_size)
            there = jax.lax.stop_gradient(apply(_joined(before, kept), near))

        def total(trained) -> Array:
            images = apply(_joined(trained, kept), jnp.concatenate([z, near]))
            loss = unlike(critic, images[: len(z)], target, of_target)
            if settings.locality:
                loss += settings.locality * unlike(critic, images[len(z) :], there, features_of(critic_of, critic, there))
            return loss

        loss, gradient = jax.value_and_grad(total)(trained)
        with jax.numpy_dtype_promotion("standard"):  # optax raises a float to its integer count
            update, state = optimizer.update(gradient, state, trained)
        return optax.apply_updates(trained, update), state, loss

    # Not several steps in one program: XLA's loops on a CPU take ten times as long as their parts.
    compiled = functools.partial(jax.jit, compiler_options=compiler.options())
    return compiled(each(begin, own_first=1, arguments=3)), compiled(each(step, own_first=5, arguments=10), donate_argnums=(0, 1))
