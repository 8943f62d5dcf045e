"""The published way of finding latents, to the letter: TF-Hub's tutorial "TF-Hub generative image module", for Progressive GAN.

One random start a painting; the sum of absolute differences of colours in [0, 1], and how far the latents' length is from sqrt(512);
200 steps of Keras's Adam at 0.01. The tutorial runs it eagerly for one painting; here it is one program for many, with the same figures.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from gan_jax import keys, pictures
from gan_jax.models.generator import Generator
from gan_jax.progress import Progress

STEPS = 200
LEARNING_RATE = 0.01
KERAS_EPSILON = 1e-7
BATCH = 64  # paintings at once; each has a loss of its own, so this changes nothing


def search(generator: Generator, paintings: np.ndarray, seed: int, steps: int = STEPS) -> np.ndarray:
    """Returns latents [n, latent_size] for paintings uint8 [n, r, r, 3]."""
    start = np.array(jax.random.normal(keys.key(seed), (len(paintings), generator.latent_size)))
    step = _program(generator.apply)
    size = min(BATCH, len(paintings))
    found = np.empty_like(start)
    # The last batch is moved back to be full: another size would be another program to compile.
    begins = [min(begin, len(paintings) - size) for begin in range(0, len(paintings), size)]
    with Progress("tutorial", len(begins) * steps) as progress:
        for begin in begins:
            part = slice(begin, begin + size)
            z, target = jnp.asarray(start[part]), jnp.asarray(pictures.to_float(paintings[part]))
            state = optax.scale_by_adam(eps=KERAS_EPSILON).init(z)
            for i in range(steps):
                z, state = step(generator.params, z, state, target)
                if (i + 1) % 10 == 0 or i + 1 == steps:
                    jax.block_until_ready(z)
                    progress.advance(i % 10 + 1)
            found[part] = z
    return found


def steps_of(paintings: int, steps: int = STEPS) -> int:
    """Returns the steps of single images in which so many paintings are searched."""
    size = min(BATCH, paintings)
    return -(-paintings // size) * size * steps


def loss_of(images: Array, target: Array, z: Array) -> Array:
    """Returns [n], of images and targets [n, r, r, 3] in [-1, 1] and latents [n, latent_size]."""
    return jnp.abs(images - target).sum(axis=(1, 2, 3)) / 2 + jnp.abs(jnp.linalg.norm(z, axis=-1) - math.sqrt(z.shape[-1]))


@functools.lru_cache(maxsize=4)
def _program(apply: Callable) -> Callable:
    adam = optax.scale_by_adam(eps=KERAS_EPSILON)

    @jax.jit
    def step(params: Any, z: Array, state: optax.ScaleByAdamState, target: Array):
        gradient = jax.grad(lambda z: loss_of(apply(params, z), target, z).sum())(z)
        with jax.numpy_dtype_promotion("standard"):  # optax raises a float to its integer count
            update, state = adam.update(gradient, state)
        return z - LEARNING_RATE * update, state

    return step
