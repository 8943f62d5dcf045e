"""Random latents: by seed, nearer to the ordinary, and in motion."""

import numpy as np

from gan_jax.latents.paths import slerp, smooth, with_labels
from gan_jax.models.generator import Generator
from gan_jax.pictures import shrunk

CANDIDATES = 256  # images that the most ordinary is chosen from
SIDE = 16  # pixels at which they are compared


def of_seeds(generator: Generator, seeds: np.ndarray, label: np.ndarray | None = None) -> np.ndarray:
    """Returns latents [n, latent_size], one of each seed: the same for a seed on every machine, whatever other seeds there are.

    They lie on the sphere that training's latents lie near. Where there are labels, each has the one that is given, [label_size], or a
    random one.
    """
    labels = generator.labels
    size = generator.latent_size - generator.label_size
    latents = np.empty((len(seeds), generator.latent_size), np.float32)
    for i, seed in enumerate(seeds):
        rng = np.random.default_rng(int(seed))
        latents[i, :size] = rng.standard_normal(size)
        if generator.label_size:
            latents[i, size:] = labels[rng.integers(len(labels))] if label is None else label
    latents[:, :size] = _on_sphere(latents[:, :size])
    return latents


def ordinary(generator: Generator) -> np.ndarray:
    """Returns the latents [latent_size] of the most ordinary of some samples: the one with the least mean distance to the others."""
    latents = of_seeds(generator, np.arange(CANDIDATES))
    points = shrunk(generator.images(latents), SIDE).reshape(CANDIDATES, -1)
    square = (points**2).sum(axis=1)
    apart = np.sqrt(np.maximum(0, square[:, None] + square[None] - 2 * points @ points.T))
    return latents[apart.mean(axis=1).argmin()]


def truncated(latents: np.ndarray, centre: np.ndarray, psi: float, label_size: int = 0) -> np.ndarray:
    """Returns latents [n, latent_size] moved towards a centre [latent_size]: as they are at psi = 1, at the centre at 0. They keep their
    length and their labels.

    The truncation trick (Marchesi 2017; Karras et al. 2019, appendix B) for latents on a sphere, which have no mean to go to.
    """
    size = latents.shape[1] - label_size
    moved = latents.copy()
    moved[:, :size] = slerp(np.broadcast_to(centre[:size], (len(latents), size)), latents[:, :size], np.array([psi]))[:, 0]
    return moved


def walk(stations: np.ndarray, frames: int, label_size: int = 0) -> np.ndarray:
    """Goes from station to station [k, latent_size] and back to the first, without a jerk: [k * frames, latent_size]."""
    t = smooth(np.arange(frames) / frames)
    return with_labels("slerp", stations, np.roll(stations, -1, axis=0), t, label_size).reshape(-1, stations.shape[1]).astype(np.float32)


def _on_sphere(latents: np.ndarray) -> np.ndarray:
    return latents * (np.sqrt(latents.shape[1]) / np.linalg.norm(latents, axis=1, keepdims=True))
