"""Finds the latents of real paintings by gradient descent, many paintings and several starts at a time.

Starts are random, or generated images that are like the painting, of many. The loss compares pixels, structure at several scales, and
what the discriminator sees. Latents stay on the sphere on which the generator was trained; noise on them, which fades, keeps the search
from the nearest dent.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gan_jax import keys, pictures
from gan_jax.latents.inverted import Inversion
from gan_jax.latents.search import Settings, search
from gan_jax.models.generator import Critic, Generator
from gan_jax.models.layers import STDDEV_GROUP, reduce
from gan_jax.models.likeness import Parts, distance, features_of

COARSE = 8  # pixels: the size at which starts are chosen
CONFIDENCE = 0.95  # part of the generator's own images that lie inside what it knows, by definition


def invert(
    generator: Generator,
    paintings: np.ndarray,
    settings: Settings,
    seed: int,
    labels: np.ndarray | None = None,
    known: np.ndarray | None = None,
) -> Inversion:
    """Finds latents for paintings.

    Args:
      generator: what is searched.
      paintings: uint8 [n, r, r, 3], r the generator's resolution.
      seed: of candidates, random starts, noise and the generator's own images.
      labels: [n, label_size] of the paintings, which a search keeps; without them each start keeps that of the image it began from.
      known: [n, latent_size], latents that paintings have already, which are not searched; NaN for those that have none. Where all have
        some, the generator's own images are not searched either.
    """
    n = len(paintings)
    there = np.isfinite(known).all(axis=1) if known is not None else np.zeros(n, bool)
    # What a search finds is read against what it finds of the generator's own images; what is looked up is not.
    calibration = settings.calibration if not there.all() else 0
    own = np.asarray(generator.draw(jax.random.fold_in(keys.key(seed), 1), max(1, calibration)))[:calibration]
    targets = np.concatenate([paintings, generator.images(own)]) if len(own) else paintings
    searched = np.concatenate([~there, np.ones(len(own), bool)])
    latents, parts, steps = _searched(generator, targets, searched, settings, seed, labels)
    if known is not None and there.any():
        latents[:n][there] = known[there][:, None]
        measured = _measure(generator, known[there].astype(np.float32), paintings[there])
        for whole, part in zip(_each(parts), _each(measured)):
            whole[:n][there] = part[:, None]

    loss = parts.total(settings.weights)  # [n, restarts]
    order = np.argsort(loss, axis=1, kind="stable")
    best = np.arange(len(targets)), order[:, 0]
    second = np.arange(n), order[:n, min(1, settings.restarts - 1)]
    images = generator.images(latents[best])
    error = rms(images, targets)
    return Inversion(
        latents=latents[best][:n],
        reconstructions=images[:n],
        error=error[:n],
        correlation=_correlation(images[:n], paintings),
        structure=parts.structure[best][:n],
        features=parts.features[best][:n],
        loss=loss[best][:n],
        disagreement=rms(images[:n], generator.images(latents[second])),
        steps=steps[best][:n],
        limit=float(np.quantile(loss[best][n:], CONFIDENCE)) if len(own) else math.nan,
        recovered=error[n:],
    )


def _searched(
    generator: Generator, targets: np.ndarray, which: np.ndarray, settings: Settings, seed: int, labels: np.ndarray | None
) -> tuple[np.ndarray, Parts[np.ndarray], np.ndarray]:
    """Returns latents [m, restarts, latent_size], their distances and the steps to them [m, restarts], of targets uint8 [m, r, r, 3].

    Those of targets that are not among `which` [m] are to be filled in, after no steps. labels: of the first targets, as many as there are.
    """
    shape = len(targets), settings.restarts
    latents = np.empty((*shape, generator.latent_size), np.float32)
    parts, steps = Parts(*np.empty((3, *shape), np.float32)), np.zeros(shape, np.int32)
    if which.any():
        places = np.flatnonzero(which)
        starts = _starts(generator, targets[places], settings, seed)
        if labels is not None and generator.label_size:
            known = labels[which[: len(labels)]]
            starts[: len(known), :, -generator.label_size :] = known[:, None]
        owners = np.repeat(places, settings.restarts)
        found = search(generator, targets, owners, starts.reshape(len(owners), -1), settings, seed)
        for whole, part in zip((latents, *_each(parts), steps), (found[0], *_each(found[1]), found[2])):
            whole[places] = part.reshape(len(places), *whole.shape[1:])
    return latents, parts, steps


def _each(parts: Parts) -> tuple[Any, Any, Any]:
    return parts.pixels, parts.structure, parts.features


def _measure(generator: Generator, latents: np.ndarray, targets: np.ndarray) -> Parts[np.ndarray]:
    """Returns distances [n] of what is at latents [n, latent_size] from targets uint8 [n, r, r, 3]."""
    critic = generator.critic
    look = _measuring(generator.apply, critic.features if critic else None)
    size = min(64, -(-len(latents) // STDDEV_GROUP) * STDDEV_GROUP)
    padded = [pictures.whole_batches(x, size) for x in (latents, targets)]
    batches = [
        look(generator.params, critic.params if critic else None, padded[0][i : i + size], pictures.to_float(padded[1][i : i + size]))
        for i in range(0, len(padded[0]), size)
    ]
    pixels, structure, features = (np.concatenate(column)[: len(latents)] for column in zip(*map(_each, batches)))
    return Parts(pixels, structure, features)


@functools.lru_cache(maxsize=8)
def _measuring(apply: Callable, features: Callable | None) -> Callable:
    critic_of = Critic(None, features) if features else None

    @jax.jit
    def look(params: Any, critic: Any, latents: Array, target: Array) -> Parts:
        images = apply(params, latents)
        return distance(images, target, *(features_of(critic_of, critic, x) for x in (images, target)))

    return look


def _starts(generator: Generator, targets: np.ndarray, settings: Settings, seed: int) -> np.ndarray:
    """Returns latents [n, restarts, latent_size]: for each target those whose images are most like it, of many, and with several a random
    one.

    Alike is what has the same colours at 8 pixels, and the same features to the critic where there is one, averaged to 4.
    """
    restarts = settings.restarts
    chosen = restarts - 1 if restarts > 1 else 1
    latents = np.asarray(generator.draw(keys.key(seed), max(settings.candidates, chosen)))
    random = np.asarray(generator.draw(jax.random.fold_in(keys.key(seed), 3), len(targets)))[:, None]
    made, wanted = (_summaries(generator, images) for images in (generator.images(latents), targets))
    apart = np.zeros((len(targets), len(latents)))
    for a, b in zip(wanted, made):
        squares = (a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1)[None]
        apart += np.sqrt(np.maximum(squares, 0)) / max(np.sqrt(np.maximum(squares, 0)).mean(), 1e-12)
    nearest = latents[np.argsort(apart, axis=1, kind="stable")[:, :chosen]]
    return np.concatenate([nearest, random], axis=1)[:, :restarts]


def _summaries(generator: Generator, images: np.ndarray) -> list[np.ndarray]:
    """Returns colours and, where there is a critic, its features of uint8 [n, r, r, 3], small: each [n, d]."""
    look = _summary(generator.critic.features if generator.critic else None, generator.resolution)
    critic = generator.critic.params if generator.critic else None
    size = 64
    padded = pictures.whole_batches(images, size)
    batches = [look(critic, pictures.to_float(padded[i : i + size])) for i in range(0, len(padded), size)]
    return [np.concatenate([np.asarray(x) for x in column])[: len(images)].astype(np.float64) for column in zip(*batches)]


@functools.lru_cache(maxsize=8)
def _summary(features: Callable | None, resolution: int) -> Callable:
    @jax.jit
    def look(critic: Any, images: Array) -> list[Array]:
        small = [reduce(images, max(1, resolution // COARSE))]
        if features:
            layers = features_of(Critic(None, features), critic, images)
            small.append(jnp.concatenate([reduce(x, max(1, x.shape[1] // 4)).reshape(len(x), -1) for x in layers], axis=1))
        return [x.reshape(len(x), -1) for x in small]

    return look


def rms(images: np.ndarray, targets: np.ndarray) -> np.ndarray:
    difference = pictures.to_float(images) - pictures.to_float(targets)
    return np.sqrt(np.mean(difference.astype(np.float64) ** 2, axis=(1, 2, 3)))


def _correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = (x.astype(np.float64) - x.mean(axis=(1, 2, 3), keepdims=True) for x in (a, b))
    return (a * b).sum(axis=(1, 2, 3)) / np.maximum(np.sqrt((a**2).sum(axis=(1, 2, 3)) * (b**2).sum(axis=(1, 2, 3))), 1e-12)
