"""Finds the latents of real paintings by gradient descent, many paintings and several starts at a time.

Starts are the generated images that are nearest to a painting, of many. The loss compares pixels and ever coarser means of them, by
absolute differences. Latents stay on the sphere on which the generator was trained.
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

from gan_jax import keys, pictures
from gan_jax.models.generator import Generator, on_sphere
from gan_jax.models.layers import reduce
from gan_jax.progress import Progress

COARSE = 8  # pixels: the size at which starts are chosen, and the coarsest of the loss
RAMP_DOWN = 0.5  # the last part of the steps, over which the learning rate falls to zero along a cosine


@dataclasses.dataclass(frozen=True)
class Inversion:
    """What was found for n paintings, of the best of their starts."""

    latents: np.ndarray  # [n, latent_size], float32, of length sqrt(latent_size)
    reconstructions: np.ndarray  # uint8 [n, r, r, 3]
    error: np.ndarray  # [n], root mean square difference from the painting, images being in [-1, 1]
    correlation: np.ndarray  # [n], of the painting's and the reconstruction's pixels about their means, -1 to 1
    disagreement: np.ndarray  # [n], root mean square difference between the best two starts' images; 0 with one start


def invert(
    generator: Generator,
    paintings: np.ndarray,
    *,
    steps: int,
    restarts: int,
    candidates: int,
    learning_rate: float,
    batch_size: int,
    structure: float,
    seed: int,
) -> Inversion:
    """Finds latents for paintings.

    Args:
      generator: what is searched.
      paintings: uint8 [n, r, r, 3], r the generator's resolution.
      steps, learning_rate: of Adam.
      restarts: starts for each painting.
      candidates: generated images that the starts are chosen from, at least `restarts`.
      batch_size: latents optimised at once.
      structure: weight of the coarser scales against pixels.
      seed: of the candidates.
    """
    n = len(paintings)
    targets = pictures.to_float(paintings)
    starts = _nearest(generator, targets, restarts, max(candidates, restarts), batch_size, seed)  # [n, restarts, latent_size]
    latents = starts.reshape(n * restarts, -1)
    owners = np.repeat(np.arange(n), restarts)
    batch_size = min(batch_size, n * restarts)
    begins = [min(begin, n * restarts - batch_size) for begin in range(0, n * restarts, batch_size)]
    step = _make_step(generator.apply, steps, learning_rate, structure)
    found = np.empty_like(latents)
    images = np.empty((n * restarts, *targets.shape[1:]), np.float32)
    with Progress("invert", len(begins) * steps) as progress:
        for begin in begins:
            part = slice(begin, begin + batch_size)
            target = jnp.asarray(targets[owners[part]])
            z = jnp.asarray(latents[part])
            adam = optax.scale_by_adam().init(z)
            for i in range(steps):
                z, adam, loss = step(generator.params, target, z, adam, np.float32(i))
                if (i + 1) % 10 == 0 or i + 1 == steps:
                    jax.block_until_ready(loss)
                    progress.advance(i % 10 + 1, f"loss {float(loss):.3f}")
            found[part] = z
            images[part] = _apply(generator.apply, generator.params, z)

    error = _rms(images - targets[owners]).reshape(n, restarts)
    order = np.argsort(error, axis=1, kind="stable")
    best = np.arange(n) * restarts + order[:, 0]
    second = np.arange(n) * restarts + order[:, min(1, restarts - 1)]
    return Inversion(
        found[best],
        pictures.to_uint8(images[best]),
        error.min(axis=1),
        _correlation(images[best], targets),
        _rms(images[best] - images[second]),
    )


def _make_step(apply: Callable, steps: int, learning_rate: float, structure: float) -> Callable:
    """A jitted step of Adam on latents [b, latent_size], each for its own target."""
    adam = optax.scale_by_adam(b1=0.9, b2=0.99)
    hold = int(steps * (1 - RAMP_DOWN))
    schedule = optax.join_schedules(
        [optax.constant_schedule(learning_rate), optax.cosine_decay_schedule(learning_rate, steps - hold)], [hold]
    )

    def loss_of(z: Array, params: Any, target: Array) -> Array:
        return _distance(apply(params, on_sphere(z)), target, structure).sum()

    @functools.partial(jax.jit, donate_argnums=(2, 3))
    def step(params: Any, target: Array, z: Array, state: optax.ScaleByAdamState, i: Array):
        loss, gradient = jax.value_and_grad(loss_of)(z, params, target)
        with jax.numpy_dtype_promotion("standard"):  # optax raises a float to its integer count
            update, state = adam.update(gradient, state)
        return on_sphere(z - schedule(i) * update), state, loss / z.shape[0]

    return step


def _distance(images: Array, target: Array, structure: float) -> Array:
    """[b]: mean absolute difference, and `structure` times its mean over the coarser scales."""
    difference = images - target
    fine = jnp.abs(difference).mean(axis=(1, 2, 3))
    coarse = []
    while difference.shape[1] > COARSE:
        difference = reduce(difference)
        coarse.append(jnp.abs(difference).mean(axis=(1, 2, 3)))
    return fine + structure * sum(coarse) / len(coarse) if coarse else fine


def _nearest(generator: Generator, targets: np.ndarray, restarts: int, candidates: int, batch_size: int, seed: int) -> np.ndarray:
    """Latents [n, restarts, latent_size] whose images are nearest to each target at a coarse scale."""
    latents = np.asarray(generator.draw(keys.key(seed), candidates))
    times = max(1, generator.resolution // COARSE)

    def coarse(images: np.ndarray) -> np.ndarray:
        return np.asarray(reduce(jnp.asarray(images), times)).reshape(len(images), -1)

    made = coarse(pictures.to_float(generator.images(latents, batch_size)))
    wanted = coarse(targets)
    distance = (wanted**2).sum(1)[:, None] - 2 * wanted @ made.T + (made**2).sum(1)[None]
    return latents[np.argsort(distance, axis=1, kind="stable")[:, :restarts]]


@functools.partial(jax.jit, static_argnums=0)
def _apply(apply: Callable, params: Any, latents: Array) -> Array:
    return apply(params, latents)


def _rms(difference: np.ndarray) -> np.ndarray:
    return np.sqrt(np.mean(difference.astype(np.float64) ** 2, axis=(1, 2, 3)))


def _correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = (x - x.mean(axis=(1, 2, 3), keepdims=True) for x in (a, b))
    return (a * b).sum(axis=(1, 2, 3)) / np.maximum(np.sqrt((a**2).sum(axis=(1, 2, 3)) * (b**2).sum(axis=(1, 2, 3))), 1e-12)
