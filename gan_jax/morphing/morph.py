"""The morph of a set of early paintings into a set of late ones: frames with their dates."""

import dataclasses
from collections.abc import Callable

import jax
import numpy as np

from gan_jax.latents.paths import EASINGS, smooth, with_labels
from gan_jax.models.generator import Generator


@dataclasses.dataclass(frozen=True)
class Morph:
    """For p pairs at T times."""

    t: np.ndarray  # [T], 0 at the early end, 1 at the late one
    years: np.ndarray  # [p, T], from the date of the early painting to that of the late one
    frames: np.ndarray  # uint8 [p, T, r, r, 3]


def times(frames: int, easing: str) -> np.ndarray:
    """Returns [frames] places on a path, from 0 to 1."""
    return EASINGS[easing](np.linspace(0, 1, frames))


def hold(t: np.ndarray, reach: float) -> np.ndarray:
    """Returns [T], how much of what was learnt for a morph's ends, to which a generator is tuned, is in what paints at places t [T].

    All of it at the ends, none from `reach` of the way on, where the generator is the trained one: tuning makes the ends those paintings,
    and would take strokes from what lies between. All of it everywhere where `reach` is 0.
    """
    return smooth(np.clip(1 - np.minimum(t, 1 - t) / reach, 0.0, 1.0)) if reach else np.ones(len(t))


def paint(trained: Generator, tuned: Generator, latents: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns uint8 [n, r, r, 3] of latents [n, latent_size], each by the generator whose parameters lie `weights` [n] of the way from
    those of the trained one to those of the tuned one (Wang et al. 2019, "Deep Network Interpolation for Continuous Imagery Effect
    Transition", https://arxiv.org/abs/1811.10515)."""
    made = np.empty((len(latents), trained.resolution, trained.resolution, 3), np.uint8)
    for weight in np.unique(weights).tolist():
        painter = tuned if weight else trained
        if 0 < weight < 1 and trained.params is not None:
            painter = dataclasses.replace(trained, params=jax.tree.map(lambda a, b: a + weight * (b - a), trained.params, tuned.params))
        made[weights == weight] = painter.images(latents[weights == weight])
    return made


def morph(
    generator: Generator,
    early: np.ndarray,
    late: np.ndarray,
    early_years: np.ndarray,
    late_years: np.ndarray,
    t: np.ndarray,
    path: str,
    count: Callable[[int], None] = lambda pairs: None,
    tuned: Generator | None = None,
    reach: float = 0.0,
) -> Morph:
    """Travels from the latents of early paintings to those of their late counterparts.

    Args:
      generator: makes the frames.
      early, late: latents [p, latent_size].
      early_years, late_years: [p].
      t: of `times`.
      path: a key of `latents.paths.PATHS`.
      count: is told of pairs that are done.
      tuned: the same generator, tuned to the ends, which makes the frames near them as `hold` says of `reach`.
    """
    weights = hold(t, reach) if tuned else np.zeros(len(t))
    made = np.empty((len(early), len(t), generator.resolution, generator.resolution, 3), np.uint8)
    for first in range(0, len(early), 8):
        part = slice(first, first + 8)
        latents = with_labels(path, early[part], late[part], t, generator.label_size)
        frames = paint(generator, tuned or generator, latents.reshape(-1, latents.shape[-1]), np.tile(weights, len(latents)))
        made[part] = frames.reshape(-1, *made.shape[1:])
        count(len(latents))
    return Morph(t, early_years[:, None] + t * (late_years - early_years)[:, None], made)
