"""The morph of a set of early works into a set of late ones: frames with their dates."""

import dataclasses
from collections.abc import Callable

import numpy as np

from gan_jax.errors import UserError
from gan_jax.latents.paths import EASINGS, PATHS
from gan_jax.models.generator import Generator


@dataclasses.dataclass(frozen=True)
class Morph:
    """For p pairs at T times."""

    t: np.ndarray  # [T], 0 at the early end, 1 at the late one
    years: np.ndarray  # [p, T], from the date of the early work to that of the late one
    frames: np.ndarray  # uint8 [p, T, r, r, 3]


def times(frames: int, easing: str) -> np.ndarray:
    """[frames] places on a path, from 0 to 1."""
    if easing not in EASINGS:
        raise UserError(f"config.morphing.easing={easing!r}: there is {', '.join(map(repr, EASINGS))}")
    if frames < 2:
        raise UserError(f"config.morphing.frames={frames}: at least 2 are needed")
    return EASINGS[easing](np.linspace(0, 1, frames))


def morph(
    generator: Generator,
    early: np.ndarray,
    late: np.ndarray,
    early_years: np.ndarray,
    late_years: np.ndarray,
    t: np.ndarray,
    path: str,
    count: Callable[[int], None] = lambda pairs: None,
) -> Morph:
    """Travels from the latents of early works to those of their late counterparts.

    Args:
      generator: makes the frames.
      early, late: latents [p, latent_size].
      early_years, late_years: [p].
      t: of `times`.
      path: a key of `latents.paths.PATHS`.
      count: is told of pairs that are done.
    """
    if path not in PATHS:
        raise UserError(f"config.morphing.path={path!r}: there is {', '.join(map(repr, PATHS))}")
    made = np.empty((len(early), len(t), generator.resolution, generator.resolution, 3), np.uint8)
    for first in range(0, len(early), 8):
        part = slice(first, first + 8)
        latents = PATHS[path](early[part], late[part], t)
        made[part] = generator.images(latents.reshape(-1, latents.shape[-1])).reshape(-1, *made.shape[1:])
        count(len(latents))
    return Morph(t, early_years[:, None] + t * (late_years - early_years)[:, None], made)
