"""Paintings that have latents of their own, learnt with the networks: where a morph begins and ends, the network paints them.

What a network has seen by chance alone it need not be able to paint again, and what a search finds lies outside of what it knows. Here
the generator also paints every painting at its own latents (Bojanowski et al. 2018, "Optimizing the Latent Space of Generative Networks"),
and the discriminator also looks at what it paints on the way from one painting to another.

Paintings are compared without their finest strokes: a network that has to repeat those is punished least for leaving them out, and paints
fog. They are the discriminator's to ask for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from gan_jax.models.generator import on_sphere
from gan_jax.models.layers import lerp, reduce
from gan_jax.models.likeness import difference_of_features, distance

Tree = Mapping[str, Any]

STRUCTURE, FEATURES = 0.3, 0.3  # weights beside that of the colours
ENDS = 0.1  # of a way's length: so much at either end is the painting itself, which would else be met by no chance
ADAM = optax.scale_by_adam(0.9, 0.99)


def begin(key: Array, count: int, latent_size: int) -> Tree:
    """Returns latents [count, latent_size] by chance, the state of their Adam, and their average; {} for no paintings."""
    if not count:
        return {}
    latents = on_sphere(jax.random.normal(key, (count, latent_size)))
    return {"latents": latents, "adam": ADAM.init(latents), "ema": latents + 0}


def learn(own: Tree, gradient: Array, learning_rate: float, by: float, weight: Array) -> Tree:
    """Returns a step of Adam on the latents, which stay on their sphere and are spread `by`; `weight` [] of them enters the average."""
    with jax.numpy_dtype_promotion("standard"):  # optax raises a float to its integer count
        update, adam = ADAM.update(gradient, own["adam"])
    latents = own["latents"] - learning_rate * update
    latents = on_sphere(spread(latents, by) if by else latents)
    return {"latents": latents, "adam": adam, "ema": lerp(own["ema"], latents, weight)}


def spread(latents: Array, by: float) -> Array:
    """Moves latents [m, d] towards a mean of zero and the same variance in every direction, the covariance that chance has, `by` a part of
    the way.

    Left alone they gather in some directions and leave others empty. What lies between paintings, and what the generator learns of it, is
    then another region than that of samples. Fewer paintings than d span a space of their own, and are spread over that one.
    """
    m, d = latents.shape
    latents = latents - by * latents.mean(axis=0, keepdims=True)
    covariance = latents.T @ latents / max(m, d)
    return latents + by * (latents - latents @ covariance)


def on_ways(latents: Array, first: Array, last: Array, t: Array) -> Array:
    """Returns latents [n, latent_size] on great circles between paintings, t [n, 1] of the way (0 to 1) from `first` to `last`: places [n].

    What `latents.paths.slerp` is on the host, for latents of one length.
    """
    a, b = on_sphere(latents[first]), on_sphere(latents[last])
    angle = jnp.arccos(jnp.clip((a * b).sum(axis=1, keepdims=True) / a.shape[1], -0.9999, 0.9999))
    return (jnp.sin((1 - t) * angle) * a + jnp.sin(t * angle) * b) / jnp.sin(angle)


def places(uniform: Array) -> Array:
    """Returns places on ways, 0 to 1, of numbers [n, 1] drawn from there: as often at each end as in ENDS of the way."""
    return jnp.clip(uniform * (1 + 2 * ENDS) - ENDS, 0.0, 1.0)


def unlike(images: Array, paintings: Array, features: Sequence[tuple[Array, Array]], detail: int) -> Array:
    """Returns how far images [n, r, r, 3] are from paintings, [n].

    Args:
      features: of each layer of the discriminator what it sees in the paintings and in the images, [n, h, w, c] both.
      detail: pixels a side that are averaged first; layers as fine as that are left out.
    """
    parts = distance(reduce(images, detail), reduce(paintings, detail))
    coarse = [pair for pair in features if 2 * detail * pair[0].shape[1] <= images.shape[1]]
    return parts.pixels + STRUCTURE * parts.structure + FEATURES * unlike_features(coarse)


def unlike_features(features: Sequence[tuple[Array, Array]]) -> Array:
    """Returns how far images are from paintings [n], by features [n, h, w, c] of the ones and the others, a pair for each layer."""
    return sum((difference_of_features(a, b) for a, b in features), jnp.float32(0)) / max(1, len(features))
