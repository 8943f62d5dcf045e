"""Adapts a generator to a few paintings, so that it paints them at the latents that were found for them.

Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images", 2021, for all paintings together: one generator paints both ends
of every morph, and the frames between come from it too.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from gan_jax import keys, pictures
from gan_jax.latents.likeness import Parts, Weights, distance, features_of
from gan_jax.models.generator import Critic, Generator, on_sphere
from gan_jax.models.layers import STDDEV_GROUP
from gan_jax.progress import Progress

RAMP_DOWN = 0.5  # the last part of the steps, over which the learning rate falls to zero along a cosine
NOTE_EVERY = 10  # steps


@dataclasses.dataclass(frozen=True)
class Settings:
    steps: int  # of Adam
    learning_rate: float
    batch_size: int  # paintings a step, over all devices
    locality: float  # weight of what keeps other latents' images as they were
    weights: Weights


def tune(generator: Generator, latents: np.ndarray, paintings: np.ndarray, settings: Settings, seed: int) -> Generator:
    """The generator after some steps of painting `paintings` at `latents`.

    Its networks' averages (of batch norm) and whatever else is no parameter stay as they are. Between each painting's latents and
    random ones it is held to what it painted before, by the same distance.

    Args:
      generator: with parameters of its own, as all but TF-Hub's are.
      latents: [n, latent_size].
      paintings: uint8 [n, r, r, 3].
    """
    if not settings.steps or not len(latents):
        return generator
    devices = jax.local_devices() if generator.divisible else jax.local_devices()[:1]
    mesh = Mesh(np.array(devices), ("images",))
    divided, everywhere = NamedSharding(mesh, PartitionSpec("images")), NamedSharding(mesh, PartitionSpec())
    whole = len(devices) * STDDEV_GROUP
    size = -(-settings.batch_size // whole) * whole
    critic = generator.critic
    before, kept = _split(generator.params)
    # What is trained is donated, step by step, so it must not be the generator's own.
    trained, before, kept, critic_params = jax.device_put(
        (jax.tree.map(jnp.copy, before), before, kept, critic.params if critic else None), everywhere
    )
    step = _program(generator.apply, critic.features if critic else None, settings)
    adam = jax.device_put(optax.scale_by_adam().init(trained), everywhere)
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(latents)) for _ in range(-(-settings.steps * size // len(latents)))])
    key = keys.key(seed)
    with Progress("tune", settings.steps) as progress:
        for i in range(settings.steps):
            part = order[i * size : (i + 1) * size]
            others = np.asarray(generator.draw(jax.random.fold_in(key, i), size))
            z, target, others = jax.device_put((latents[part], pictures.to_float(paintings[part]), others), divided)
            trained, adam, loss = step(trained, adam, before, kept, critic_params, z, target, others, np.float32(i))
            if (i + 1) % NOTE_EVERY == 0 or i + 1 == settings.steps:
                jax.block_until_ready(loss)
                progress.advance(i % NOTE_EVERY + 1, f"loss {float(loss):.3f}")
    here = jax.local_devices()[0]
    return dataclasses.replace(generator, params=jax.device_put(_joined(trained, kept), here))


def _split(params: Any) -> tuple[Any, Any]:
    """What is trained, and what is not: of a Flax network's variables its parameters, of anything else all."""
    if isinstance(params, dict) and "params" in params:
        return params["params"], {name: value for name, value in params.items() if name != "params"}
    return params, None


def _joined(trained: Any, kept: Any) -> Any:
    return trained if kept is None else {"params": trained, **kept}


@functools.lru_cache(maxsize=2)
def _program(apply: Callable, features: Callable | None, settings: Settings) -> Callable:
    critic_of = Critic(None, features) if features else None
    adam = optax.scale_by_adam(b1=0.9, b2=0.99)
    hold = int(settings.steps * (1 - RAMP_DOWN))
    schedule = optax.join_schedules(
        [optax.constant_schedule(settings.learning_rate), optax.cosine_decay_schedule(settings.learning_rate, settings.steps - hold)],
        [hold],
    )

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(trained, state, before, kept, critic, z: Array, target: Array, others: Array, i: Array):
        def parts(images: Array, wanted: Array) -> Parts:
            seen = features_of(critic_of, critic, wanted) if critic_of else None
            return distance(images, wanted, critic_of, critic, seen)

        # Anywhere on the way from a painting's latents to those of another image.
        near = on_sphere(z + jnp.linspace(0.3, 1.0, len(z))[:, None] * (others - z))
        there = jax.lax.stop_gradient(apply(_joined(before, kept), near))

        def total(trained) -> Array:
            images = apply(_joined(trained, kept), jnp.concatenate([z, near]))
            loss = parts(images[: len(z)], target).total(settings.weights).mean()
            if settings.locality:
                loss += settings.locality * parts(images[len(z) :], there).total(settings.weights).mean()
            return loss

        loss, gradient = jax.value_and_grad(total)(trained)
        with jax.numpy_dtype_promotion("standard"):  # optax raises a float to its integer count
            update, state = adam.update(gradient, state)
        rate = schedule(i)
        return jax.tree.map(lambda p, u: p - rate * u, trained, update), state, loss

    return step
