"""Batches, drawn on the device from uint8 images that live there.

What a step draws is a function of (seed, images seen) alone. Every device draws the whole batch and keeps its share, so the same
images meet the same latents on any number of devices.
"""

import dataclasses
import math

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gan_jax import keys
from gan_jax.models.layers import STDDEV_GROUP, enlarge, lerp, reduce
from gan_jax.training import augmentation, paintings
from gan_jax.training.augmentation import Chances
from gan_jax.training.settings import StepSettings, projected_side
from gan_jax.training.state import Data, TrainState

# What is drawn by a step's key with such a number. What a training draws stays the same as long as none gets another one.
AUGMENTATION, NOISE, INPUTS, YEARS, FRESH_INPUTS, OWN_PAINTINGS, OWN_MOVES = range(1, 8)


@flax.struct.dataclass
class Inputs:
    """What the generator paints from."""

    latents: Array  # [n, latent_size]
    labels: Array  # [n, label_size]
    noise: Array | None = None  # uint32 [n], seeds of each image's noise, of generators that have some


@flax.struct.dataclass
class Batch:
    """What the discriminator learns from: real images, and inputs of as many generated ones."""

    real: Array  # [n, r, r, 3]
    labels: Array  # [n, label_size], of the real images
    inputs: Inputs
    mix: Array  # [n], places between a real and a generated image, 0 to 1
    augment_real: Chances | None = None
    augment_generated: Chances | None = None
    strength: Array | None = None  # [n], all alike: that of the augmentation
    generated: Array | None = None  # [n, r, r, 3], where they are painted already
    seen: list[Array] | None = None  # [m, h, w, c] each, what a second discriminator's network has seen in the first of them already


@flax.struct.dataclass
class OwnPaintings:
    """Paintings that the generator paints at latents of their own."""

    which: Array  # [k], places among all paintings
    images: Array  # [k, r, r, 3]
    labels: Array  # [k, label_size]
    noise: Array | None = None  # uint32 [k]
    moves: Chances | None = None  # of k: how they and what is painted for them are moved before a second discriminator's network sees both


@flax.struct.dataclass
class GeneratorBatch:
    """What the generator learns from."""

    inputs: Inputs
    augment: Chances | None = None
    strength: Array | None = None  # [n]
    paintings: OwnPaintings | None = None


@dataclasses.dataclass(frozen=True)
class Share:
    """A device's share of the batches that all devices draw alike."""

    batch_size: int  # over all devices
    devices: int
    index: Array  # [], the device's number

    def of(self, batch: Array) -> Array:
        """Takes the share [n / devices, ...] of a batch [n, ...]."""
        return shares(batch, self.devices, self.index)

    def normal(self, key: Array, width: int) -> Array:
        """Draws [batch_size / devices, width]."""
        return self.of(jax.random.normal(key, (self.batch_size, width)))

    def uniform(self, key: Array) -> Array:
        """Draws [batch_size / devices, 1], from 0 to 1."""
        return self.of(jax.random.uniform(key, (self.batch_size, 1)))

    def places(self, key: Array, among: int) -> Array:
        """Draws [batch_size / devices] from 0 to `among`, which is left out."""
        return self.of(jax.random.randint(key, (self.batch_size,), 0, among))


def at_resolution(images: np.ndarray, resolution: int) -> np.ndarray:
    """Box-filters uint8 [n, r, r, 3] to a lower resolution and rounds, as the reference stores its levels."""
    n, size = images.shape[:2]
    times = size // resolution
    if times == 1:
        return images
    sums = images.reshape(n, resolution, times, resolution, times, 3).sum(axis=(2, 4), dtype=np.uint32)
    return ((sums + times * times // 2) // (times * times)).astype(np.uint8)


def shares(batch: Array, count: int, index: Array | None = None) -> Array:
    """Splits [n, ...] into shares of whole groups of the minibatch standard deviation.

    Returns:
      All shares [count, n / count, ...], or with `index` [] only that one, [n / count, ...].
    """
    n = batch.shape[0]
    group = math.gcd(STDDEV_GROUP, n // count)
    parts = batch.reshape(group, count, n // (group * count), *batch.shape[1:])
    if index is None:
        return jnp.moveaxis(parts, 1, 0).reshape(count, n // count, *batch.shape[1:])
    return jax.lax.dynamic_index_in_dim(parts, index, axis=1, keepdims=False).reshape(n // count, *batch.shape[1:])


def of_about(years: Array, wanted: Array, width: float, uniform: Array) -> Array:
    """Draws for each of `wanted` [n, 1] a painting of about that year: its place [n] in `years` [m, 1], all in the same units.

    The nearer, the likelier, by a normal density of that width; where no painting is near, the nearest on both sides are left. The soft
    neighbourhoods of Ding et al. 2021, "CcGAN: Continuous Conditional GANs", https://arxiv.org/abs/2011.07466. `uniform` [n, 1],
    drawn from 0 to 1, decides.
    """
    likely = jax.nn.softmax(-0.5 * ((wanted - years[:, 0][None]) / width) ** 2, axis=1)
    return jnp.minimum((jnp.cumsum(likely, axis=1) < uniform).sum(axis=1), len(years) - 1)


def real_images(images: Array, indices: Array, mirrored: Array, alpha: Array) -> Array:
    """Takes images from uint8 [m, r, r, 3] by `indices` [n]: float32 [n, r, r, 3] in [-1, 1].

    Those `mirrored` [n] are flipped left to right. Where the newest level counts only for `alpha`, the rest is the image of the level
    below, enlarged: real images fade in like generated ones.
    """
    batch = images[indices].astype(jnp.float32) / 127.5 - 1
    batch = jnp.where(mirrored[:, None, None, None], batch[:, :, ::-1], batch)
    return lerp(enlarge(reduce(batch)), batch, alpha)


def draw_batch(
    state: TrainState, data: Data, alpha: Array, settings: StepSettings, generator: nn.Module, share: Share
) -> tuple[Batch, GeneratorBatch]:
    """Draws what both players learn from in the step after `state`: a function of the seed and the images seen alone.

    Without fresh latents the generator learns from the images that the discriminator sees: its inputs are the same, and with a second
    discriminator these are augmented alike, too.
    """
    key = jax.random.fold_in(keys.key(data.seed), state.images_seen)
    of_images, of_mirror, of_mix, of_latents, of_fresh, of_labels = jax.random.split(key, 6)
    m, size = data.images.shape[0], generator.latent_size

    def imagine(number: int, latents: Array, labels: Array) -> Inputs:
        own = state.works["latents"] if settings.paintings > 0 else None
        return imagined(jax.random.fold_in(key, number), latents, labels, data.labels, own, settings, share, timed=generator.timed)

    # Drawn before they are used: the compiler would draw them again for each pixel.
    mirror = jax.random.bernoulli(of_mirror, 0.5 if settings.mirror else 0.0, (share.batch_size,))
    chosen, mirrored = jax.lax.optimization_barrier((share.places(of_images, m), share.of(mirror)))
    inputs = imagine(INPUTS, share.normal(of_latents, size), data.labels[chosen])
    labels = data.labels[chosen]
    if generator.timed:
        # What stands beside a painting of a year are paintings of about that year.
        uniform = share.uniform(jax.random.fold_in(key, YEARS))
        labels = inputs.labels
        chosen = jax.lax.optimization_barrier(of_about(data.labels, labels, settings.year_width, uniform))
    batch = Batch(
        real_images(data.images, chosen, mirrored, alpha),
        labels,
        inputs,
        share.of(jax.random.uniform(of_mix, (share.batch_size,))),
    )
    for_generator = GeneratorBatch(inputs)
    if settings.fresh_latents:
        for_generator = GeneratorBatch(imagine(FRESH_INPUTS, share.normal(of_fresh, size), data.labels[share.places(of_labels, m)]))
    if generator.noise:
        seeds = jax.random.bits(jax.random.fold_in(key, NOISE), (2, share.batch_size), jnp.uint32)
        batch = dataclasses.replace(batch, inputs=dataclasses.replace(batch.inputs, noise=share.of(seeds[0])))
        noise = share.of(seeds[1] if settings.fresh_latents else seeds[0])
        for_generator = dataclasses.replace(for_generator, inputs=dataclasses.replace(for_generator.inputs, noise=noise))
    if settings.augment != "none":
        real, generated, again = (
            jax.tree.map(share.of, augmentation.draw(each, share.batch_size, settings.augment_kinds))
            for each in jax.random.split(jax.random.fold_in(key, AUGMENTATION), 3)
        )
        if projected_side(settings) and not settings.fresh_latents:
            again = generated  # so the second discriminator's network need not look at them twice
        strength = jnp.broadcast_to(state.augmentation.strength, share.batch_size // share.devices)
        batch = dataclasses.replace(batch, augment_real=real, augment_generated=generated, strength=strength)
        for_generator = dataclasses.replace(for_generator, augment=again, strength=strength)
    if settings.paintings > 0:
        which = share.of(jax.random.randint(jax.random.fold_in(key, OWN_PAINTINGS), (settings.paintings_batch,), 0, m))
        own = own_paintings(data, which, alpha, noise=generator.noise)
        if settings.paintings_forms and projected_side(settings):
            moves = augmentation.draw(jax.random.fold_in(key, OWN_MOVES), settings.paintings_batch, augmentation.MOVES)
            own = dataclasses.replace(own, moves=jax.tree.map(share.of, moves))
        for_generator = dataclasses.replace(for_generator, paintings=own)
    return batch, for_generator


def imagined(
    key: Array,
    latents: Array,
    labels: Array,
    of_paintings: Array,
    own: Array | None,
    settings: StepSettings,
    share: Share,
    *,
    timed: bool,
) -> Inputs:
    """Returns what is to be painted: latents by chance or on the way between two paintings, with their labels.

    Args:
      latents, labels: by chance, [n, latent_size] and [n, label_size].
      of_paintings: labels [m, label_size] of all paintings.
      own: latents [m, latent_size] of all paintings; None where they have none, and nothing lies on ways.
      timed: whether labels are years, which are moved by chance.
    """
    if timed:
        labels = labels + settings.year_width * share.normal(jax.random.fold_in(key, 0), 1)
    if own is None:
        return Inputs(latents, labels)
    of_first, of_last, of_t, of_which = jax.random.split(jax.random.fold_in(key, 1), 4)
    first, last = (share.places(each, len(of_paintings)) for each in (of_first, of_last))
    t = share.of(paintings.places(jax.random.uniform(of_t, (share.batch_size, 1))))
    on_way = share.of(jax.random.bernoulli(of_which, settings.between, (share.batch_size, 1)))
    latents = jnp.where(on_way, paintings.on_ways(own, first, last, t), latents)
    return Inputs(latents, jnp.where(on_way, lerp(of_paintings[first], of_paintings[last], t), labels))


def own_paintings(data: Data, which: Array, alpha: Array, *, noise: bool) -> OwnPaintings:
    """Returns the paintings at places [k], with the noise that all images have after training where the generator has some."""
    images = real_images(data.images, which, jnp.zeros(which.shape, bool), alpha)
    return OwnPaintings(which, images, data.labels[which], jnp.zeros(which.shape, jnp.uint32) if noise else None)
