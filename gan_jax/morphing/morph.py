"""The morph of a set of early works into a set of late ones: frames with their dates."""

import dataclasses

import numpy as np

from gan_jax.errors import UserError
from gan_jax.latents.paths import PATHS
from gan_jax.models.generator import Generator
from gan_jax.progress import Progress


@dataclasses.dataclass(frozen=True)
class Morph:
    """For p pairs at T times."""

    t: np.ndarray  # [T], 0 at the early end, 1 at the late one
    years: np.ndarray  # [p, T], from the date of the early work to that of the late one
    frames: np.ndarray  # uint8 [p, T, r, r, 3]


def morph(
    generator: Generator, early: np.ndarray, late: np.ndarray, early_years: np.ndarray, late_years: np.ndarray, *, frames: int, path: str
) -> Morph:
    """Travels from the latents of early works to those of their late counterparts.

    Args:
      generator: makes the frames.
      early, late: latents [p, latent_size].
      early_years, late_years: [p].
      frames: number of times, both ends included.
      path: a key of `latents.paths.PATHS`.
    """
    if path not in PATHS:
        raise UserError(f"config.morphing.path={path!r}: there is {', '.join(map(repr, PATHS))}")
    if frames < 2:
        raise UserError(f"config.morphing.frames={frames}: at least 2 are needed")
    t = np.linspace(0, 1, frames)
    made = np.empty((len(early), frames, generator.resolution, generator.resolution, 3), np.uint8)
    with Progress("morph", len(early)) as progress:
        for first in range(0, len(early), 8):
            part = slice(first, first + 8)
            latents = PATHS[path](early[part], late[part], t)
            made[part] = generator.images(latents.reshape(-1, latents.shape[-1])).reshape(-1, *made.shape[1:])
            progress.advance(len(latents))
    return Morph(t, early_years[:, None] + t * (late_years - early_years)[:, None], made)
