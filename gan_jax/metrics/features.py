"""Features of images by name, and how their columns are put on one footing."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import UserError
from gan_jax.metrics import pretrained
from gan_jax.metrics.texture import BANDS, HUES, PATTERNS, STROKES, TEXTURE_NAMES, texture
from gan_jax.models.generator import Critic
from gan_jax.pictures import to_float, whole_batches

__all__ = ["BANDS", "HUES", "PATTERNS", "STROKES", "TEXTURE_NAMES", "Extractor", "Standardiser", "discriminator", "extractor", "texture"]


@dataclasses.dataclass(frozen=True)
class Standardiser:
    """Puts feature columns on one footing: each is shifted and scaled by a reference set's mean and standard deviation."""

    mean: np.ndarray  # [d]
    std: np.ndarray  # [d]

    # So that one odd image cannot carry the whole of a cubic kernel. Among 256 Van Goghs one value in 700 lies beyond.
    LIMIT = 5.0
    CONSTANT = 1e-6  # a column that varies by less is constant, and keeps its own units

    @classmethod
    def fit(cls, features: np.ndarray) -> "Standardiser":
        """Takes mean and spread of the features [n, d] of real paintings. Raises ValueError for fewer than two paintings."""
        if len(features) < 2:
            raise ValueError(f"a standard deviation needs at least 2 paintings, not {len(features)}")
        std = features.std(axis=0, ddof=1)
        return cls(mean=features.mean(axis=0), std=np.where(std > cls.CONSTANT, std, 1.0))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Converts [n, d] to [n, d], float64, in standard deviations from the reference set's mean, limited to -5..5."""
        return np.clip((features - self.mean) / self.std, -self.LIMIT, self.LIMIT)


Extractor = Callable[[np.ndarray], np.ndarray]
BATCH = 64  # images at once; the last batch is filled up, so that there is one program


def extractor(name: str, critic: Critic | None = None) -> Extractor:
    """Returns what measures images uint8 [n, h, w, 3] as features float64 [n, d].

    name: "texture"; "discriminator", of `critic`; "inception", "inception:FOLDER"; or "keras:NAME". Raises UserError for another name,
    where there is no discriminator, and where a network's weights can't be had.
    """
    if name == "texture":
        return texture
    if name == "discriminator":
        if critic is None:
            raise UserError("evaluation.features=discriminator: the generator has no discriminator")
        return functools.partial(discriminator, critic)
    kind, _, of = name.partition(":")
    if kind == "inception":
        return pretrained.inception(of)
    if kind == "keras" and of:
        return pretrained.application(of)
    raise UserError(f"evaluation.features={name}: no such features; there are texture, discriminator, inception and keras:NAME")


def discriminator(critic: Critic, images: np.ndarray) -> np.ndarray:
    """Returns the critic's layers, each averaged over its places: mean and standard deviation of every channel.

    The mean says how much of something there is in an image, the deviation whether it is in one place or all over.
    """
    look = _summary_of(critic.features)
    padded = whole_batches(images, BATCH)
    parts = [np.asarray(look(critic.params, to_float(padded[i : i + BATCH]))) for i in range(0, len(padded), BATCH)]
    return np.concatenate(parts)[: len(images)].astype(np.float64) if parts else np.zeros((0, 0))


@functools.lru_cache(maxsize=4)
def _summary_of(features: Callable) -> Callable:
    @jax.jit
    def look(params: Any, images: jax.Array) -> jax.Array:
        layers = [layer.astype(jnp.float32) for layer in features(params, images)]
        return jnp.concatenate([f(layer, axis=(1, 2)) for layer in layers for f in (jnp.mean, jnp.std)], axis=1)

    return look
