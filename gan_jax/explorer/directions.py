"""Directions in which images change most, and how far each of them goes with time.

Principal components of what the generator's first layer makes of random latents, led back to latents by regression (Härkönen et al. 2020,
"GANSpace", https://arxiv.org/abs/2004.02546, section 2.2). The paintings' latents and years say which of them go with time.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy import stats
from sklearn.decomposition import PCA

from gan_jax.models.generator import Generator

SAMPLES = 2048  # latents by chance
BATCH = 256
COMPONENTS = 32  # the largest, of which those are shown that go with time most

FirstLayer = Callable[[Any, Array], Array]


@dataclasses.dataclass(frozen=True, eq=False)
class Directions:
    """Holds k directions, those that go with time most first; without dated paintings those in which the first layer changes most."""

    moves: np.ndarray  # [k, latent_size - label_size], float32: what one standard deviation of a component adds to latents
    correlations: np.ndarray  # [k], Pearson's, of the paintings' places along each and their years; NaN without them


def find(generator: Generator, latents: np.ndarray, years: np.ndarray, count: int, seed: int = 0) -> Directions | None:
    """Returns `count` directions, or as many as there are; None for a generator whose first layer can't be seen.

    Labels, the year among them, are held at their mean: what is found is what latents alone do.

    Args:
      latents, years: [n, latent_size] and [n], of paintings; fewer than three say nothing of time.
    """
    first = generator.first
    if first is None:
        return None
    size = generator.latent_size - generator.label_size
    drawn = np.random.default_rng(seed).standard_normal((SAMPLES, size)).astype(np.float32)
    seen = _first_layer(generator, first, drawn)
    components = PCA(min(COMPONENTS, size, seen.shape[1]), svd_solver="randomized", random_state=seed)
    scores = components.fit_transform(seen)  # [SAMPLES, k], without correlation to each other
    deviations = scores.std(axis=0)
    held = deviations > 1e-6 * deviations[0]  # the others are rounding
    scores, deviations = scores[:, held], deviations[held]
    # Least squares of latents by scores, one at a time since scores have no correlation; then for a standard deviation of each.
    moves = (scores.T @ drawn / (scores**2).sum(axis=0)[:, None] * deviations[:, None]).astype(np.float32)
    correlations = np.full(len(moves), np.nan)
    if len(years) >= 3 and np.ptp(years) > 0:
        places = components.transform(_first_layer(generator, first, latents[:, :size]))[:, held]
        correlations = np.array([stats.pearsonr(place, years).statistic if np.ptp(place) > 0 else 0.0 for place in places.T])
        order = np.argsort(-np.abs(correlations), kind="stable")
        moves, correlations = moves[order], correlations[order]
    return Directions(moves[:count], correlations[:count])


def _first_layer(generator: Generator, first: FirstLayer, latents: np.ndarray) -> np.ndarray:
    """Returns [n, k] of latents without their labels [n, d]."""
    label = generator.labels.mean(axis=0, keepdims=True) if generator.label_size else np.zeros((1, 0), np.float32)
    joined = np.concatenate([latents, np.repeat(label, len(latents), axis=0)], axis=1).astype(np.float32)
    program = jax.jit(first)
    seen = [np.asarray(program(generator.params, jnp.asarray(joined[i : i + BATCH]))) for i in range(0, len(joined), BATCH)]
    return np.concatenate(seen).reshape(len(latents), -1)
