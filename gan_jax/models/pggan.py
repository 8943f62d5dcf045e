"""The networks of "Progressive Growing of GANs for Improved Quality, Stability, and Variation" (Karras et al., ICLR 2018, table 2).

Both grow: `level` says how far, `alpha` how much of the newest level counts. The tree of parameters is that of the full network from
the start; `active` names the part of it that a level uses.
"""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike
from ml_collections import ConfigDict

from gan_jax.models.batch_norm import BatchNorm
from gan_jax.models.convolutions import wide
from gan_jax.models.layers import (
    STDDEV_GROUP,
    EqualizedConv,
    EqualizedDense,
    Layer,
    add_bias,
    enlarge,
    leaky_relu_of,
    lerp,
    minibatch_stddev,
    modulated,
    normalised_leaky_relu_of,
    pixel_noise,
    pixel_norm,
    reduce,
    smooth,
    with_local_contrast,
)

GROWS = True
Noise = tuple[Array, Array]  # of a level's two convolutions, [n, h, w, 1] each; n is 1 where all images have the same


def width(stage: int, fmap_base: int, fmap_max: int) -> int:
    """Returns channels at a stage (the reference's `nf`): stage s works at 2^(s+1) pixels."""
    return max(1, min(fmap_base // 2**stage, fmap_max))


def build(
    model: ConfigDict, resolution: int, labels: int, discriminator_labels: int, dtype: DTypeLike, axis_name: str | None
) -> tuple[nn.Module, nn.Module]:
    """Returns (generator, discriminator) for `config.model`; `axis_name` names the devices whose batch statistics are taken together."""
    sizes: dict[str, Any] = dict(resolution=resolution, fmap_base=model.fmap_base, fmap_max=model.fmap_max)
    sizes |= dict(smooth=model.smooth, dtype=dtype)
    extras: dict[str, Any] = dict(timed=model.year, noise=model.noise, noise_from=model.noise_from)
    generator = Generator(latent_size=model.latent_size, label_size=labels, **extras, **sizes)
    sees: dict[str, Any] = dict(contrast=model.local_contrast, batch_norm=model.batch_norm, axis_name=axis_name)
    return generator, Discriminator(label_size=discriminator_labels, fused_scale=model.fused_scale, **sees, **sizes)


def layers(model: ConfigDict, level: int) -> tuple[list[Layer], list[Layer]]:
    """Returns those of (the generator, the discriminator) at a level."""
    channels = [width(stage, model.fmap_base, model.fmap_max) for stage in range(level)]
    both = [(16, 9, channels[1], channels[1])]
    # For each level one plain 3x3 at its size, and one fused with the scaling: 16 products for 4 pixels.
    both += [(4**l, 9, channels[l - 1], channels[l - 1]) for l in range(3, level + 1)]
    both += [(4**l, 4, channels[l - 1], channels[l - 2]) for l in range(3, level + 1)]
    both += [(4**l, 1, 3, channels[l - 1]) for l in range(max(2, level - 1), level + 1)]
    if model.batch_norm:
        discriminated = [(16, 1, channels[1], 1), *both[1:]]
    else:  # the standard deviation, the dense layers
        discriminated = [(16, 9, 1, channels[1]), (16, 1, channels[1], channels[0]), (1, 1, channels[0], 1), *both]
    if model.local_contrast:
        discriminated += [(4**l, 1, 3, channels[l - 1]) for l in range(max(2, level - 1), level + 1)]
    return [(16, 1, channels[1], model.latent_size), *both], discriminated


def _active(level: int, rgb: str) -> set[str]:
    blocks = {f"block_{l}" for l in range(2, level + 1)}
    return blocks | {f"{rgb}_{l}" for l in range(max(2, level - 1), level + 1)}


class GeneratorBlock(nn.Module):
    """The layers of one level: [n, h/2, w/2, c] to [n, h, w, features]; at level 2, [n, latent_size] to [n, 4, 4, features]."""

    level: int
    features: int
    smooth: bool
    dtype: DTypeLike

    @nn.compact
    def __call__(self, x: Array, noise: Noise | None, year: Array | None = None) -> Array:
        """`year` [n, 1], of timed networks."""
        if self.level == 2:
            # The bias is one a channel, so the dense layer is a convolution over a 1x1 image: its kernel holds the 4x4 places.
            kernel = self.param("kernel", nn.initializers.normal(1.0), (x.shape[-1], 4, 4, self.features))
            kernel = kernel * (math.sqrt(2) / 4 / math.sqrt(x.shape[-1]))
            bias = self.param("bias", nn.initializers.zeros, (self.features,))
            x = normalised_leaky_relu_of(jnp.einsum("nl,lhwc->nhwc", x.astype(self.dtype), kernel.astype(self.dtype)), bias)
            x = self._moved(x, year, 0)
        else:
            x = EqualizedConv(
                self.features,
                scaling="up",
                smoothing=self.smooth,
                activation=self._activation(noise, year, 0),
                dtype=self.dtype,
                name="conv_up",
            )(x)
        return EqualizedConv(self.features, activation=self._activation(noise, year, 1), dtype=self.dtype, name="conv")(x)

    def _activation(self, noise: Noise | None, year: Array | None, place: int) -> Callable[[Array, Array], Array]:
        """Returns what follows a convolution: with noise, some of it is added before; with a year, channels are scaled and shifted
        after."""
        if noise is None:
            return lambda x, bias: self._moved(normalised_leaky_relu_of(x, bias), year, place)
        strength = self.param(f"noise_{place}", nn.initializers.zeros, (self.features,))
        added = (noise[place] * strength[None, None, None]).astype(self.dtype)
        return lambda x, bias: self._moved(normalised_leaky_relu_of(x + added, bias), year, place)

    def _moved(self, x: Array, year: Array | None, place: int) -> Array:
        return x if year is None else modulated(x, year, self.param(f"year_{place}", nn.initializers.zeros, (1, 2 * self.features)))


def _noise(seeds: Array, level: int, noise_from: int = 0) -> dict[int, Noise]:
    """Returns the noise of the two convolutions of each level from so many pixels a side on."""
    noisy = [l for l in range(2, level + 1) if 2**l >= noise_from]
    layers = pixel_noise(seeds, [2**l for l in noisy for _ in range(2)])
    return {l: (layers[2 * i], layers[2 * i + 1]) for i, l in enumerate(noisy)}


class Generator(nn.Module):
    """Latents [n, latent_size + label_size] to images [n, 2^level, 2^level, 3], float32, linear (no tanh).

    Labels, where a network has them, stand behind the latents (one-hot in training) and are normalised together with them. The year of a
    `timed` network is not: it scales and shifts each channel after its pixel norm, by learnt amounts that begin at none. `smooth` is
    not of the paper: what is enlarged is smoothed, as in StyleGAN, where pixels side by side that begin equal leave a grid. Nor is
    `noise`, also as there: Gaussian, one value a pixel, by learnt weights before each activation that follows a convolution of
    `noise_from` pixels a side or more, so that brushwork need not be made of repetitions of what the latents hold.
    """

    FIRST = "block_2"  # the module whose output is the layer next to the latents

    resolution: int
    latent_size: int = 512
    label_size: int = 0
    fmap_base: int = 8192
    fmap_max: int = 512
    timed: bool = False
    smooth: bool = False
    noise: bool = False
    noise_from: int = 0  # pixels a side of the first layers that have some
    dtype: DTypeLike = jnp.float32

    def setup(self):
        levels = range(2, int(math.log2(self.resolution)) + 1)
        self.block = {str(l): GeneratorBlock(l, width(l - 1, self.fmap_base, self.fmap_max), self.smooth, self.dtype) for l in levels}
        self.to_rgb = {str(l): EqualizedConv(3, 1, gain=1.0, activation=add_bias, dtype=self.dtype) for l in levels}

    def __call__(self, latents: Array, *, level: int, alpha: Array, train: bool = False, seeds: Array | None = None) -> Array:
        """`alpha` [] is the weight of the newest level; `train` changes nothing (there is no batch norm here).

        `seeds` uint32 [n] give each image noise of its own; without them it is the same for all, and images depend on latents alone.
        Initialise at the full level: that makes the parameters of all.
        """
        del train
        noise = _noise(jnp.zeros(1, jnp.uint32) if seeds is None else seeds, level, self.noise_from) if self.noise else {}
        year = latents[:, self.latent_size :] if self.timed else None
        x = pixel_norm(latents[:, : self.latent_size] if self.timed else latents)
        images = {}
        for l in range(2, level + 1):
            x = self.block[str(l)](x, noise.get(l), year)
            if l >= level - 1 or self.is_initializing():
                images[l] = self.to_rgb[str(l)](x).astype(jnp.float32)
        return images[2] if level == 2 else lerp(enlarge(images[level - 1]), images[level], alpha)

    def active(self, level: int) -> set[str]:
        """Returns names of the top-level parameters that an image of this level depends on."""
        return _active(level, "to_rgb")


class DiscriminatorBlock(nn.Module):
    """The layers of one level: [n, h, w, c] to [n, h/2, w/2, features]; at level 2, [n, 4, 4, c] to [n, 1 + label_size]."""

    level: int
    hidden: int
    features: int
    label_size: int
    fused_scale: bool
    smooth: bool
    batch_norm: bool
    first: bool  # whether it is the block next to the image at the full resolution
    axis_name: str | None
    dtype: DTypeLike

    @nn.compact
    def __call__(self, x: Array, train: bool, batches: int) -> Array:
        if self.level == 2:
            if not self.batch_norm:
                x = EqualizedConv(self.hidden, dtype=self.dtype, name="conv")(minibatch_stddev(x, batches=batches))
                x = EqualizedDense(self.features, dtype=self.dtype, name="dense")(x.reshape(x.shape[0], -1))
            score = EqualizedDense(1 + self.label_size, gain=1.0, activation=add_bias, dtype=self.dtype, name="score")
            return wide(score(x.reshape(x.shape[0], -1)))

        def convolved(x: Array, name: str, features: int, norm: bool = self.batch_norm, **scaling: Any) -> Array:
            def normalised(x: Array, bias: Array) -> Array:
                x = BatchNorm(self.axis_name, self.dtype, biased=False, name="norm")(x, train, batches)
                return leaky_relu_of(x, bias)

            activation = normalised if norm else leaky_relu_of
            return EqualizedConv(features, activation=activation, dtype=self.dtype, name=name, **scaling)(x)

        x = convolved(x, "conv", self.hidden, norm=self.batch_norm and not self.first)
        if self.fused_scale:
            return convolved(x, "conv_down", self.features, scaling="down", smoothing=self.smooth)
        return reduce(convolved(smooth(x) if self.smooth else x, "conv_down", self.features))


class Discriminator(nn.Module):
    """Images [n, 2^level, 2^level, 3] to scores [n] and logits of their labels [n, label_size], float32.

    `fused_scale`, the reference's default, takes the mean of 2x2 before the bias and the activation, as part of the convolution;
    without it the mean comes after them. In the generator the two are one function.

    `smooth`, `contrast` and `batch_norm` are not of the paper. What is reduced is smoothed before. With `contrast` it sees an image's local
    contrast beside the image. With `batch_norm` each convolution of 3x3 but the first is followed by batch norm, and the score comes from
    all that is left at 4x4 pixels, without the minibatch standard deviation and the layers behind it, as in a DCGAN.
    """

    resolution: int
    label_size: int = 0
    fmap_base: int = 8192
    fmap_max: int = 512
    fused_scale: bool = True
    smooth: bool = False
    contrast: bool = False
    batch_norm: bool = False
    axis_name: str | None = None  # devices over which batch statistics are taken together in training
    dtype: DTypeLike = jnp.float32

    @property
    def group(self) -> int:
        """Returns how many images of a batch it has to see together, for their standard deviation."""
        return 1 if self.batch_norm else STDDEV_GROUP

    def setup(self):
        levels = range(2, int(math.log2(self.resolution)) + 1)
        channels = {s: width(s, self.fmap_base, self.fmap_max) for s in range(levels[-1])}
        self.from_rgb = {str(l): EqualizedConv(channels[l - 1], 1, dtype=self.dtype) for l in levels}
        same: dict[str, Any] = dict(label_size=self.label_size, fused_scale=self.fused_scale, smooth=self.smooth)
        same |= dict(batch_norm=self.batch_norm, axis_name=self.axis_name, dtype=self.dtype)
        self.block = {str(l): DiscriminatorBlock(l, channels[l - 1], channels[l - 2], first=l == levels[-1], **same) for l in levels}

    def __call__(self, images: Array, *, level: int, alpha: Array, train: bool = False, batches: int = 1) -> tuple[Array, Array]:
        """`alpha` [] is the weight of the newest level.

        Images may hold several `batches`, one after the other, whose statistics are kept apart. Where the collection "features" is
        mutable, it gets what each level hands on to the next.
        Initialise at the full level: that makes the parameters of all.
        """

        def from_rgb(l: int) -> Array:
            seen = reduce(images, 2 ** (level - l))
            return self.from_rgb[str(l)](with_local_contrast(seen) if self.contrast else seen)

        if self.is_initializing():
            for l in range(2, level - 1):
                from_rgb(l)
        x = from_rgb(level)
        for l in range(level, 1, -1):
            x = self.block[str(l)](x, train, batches)
            if l == level and l > 2:
                x = lerp(from_rgb(l - 1), x, alpha)
            if l > 2 and not self.is_initializing():
                self.sow("features", f"level_{l}", x)
        return x[:, 0], x[:, 1:]

    def active(self, level: int) -> set[str]:
        """Returns names of the top-level parameters that a score at this level depends on."""
        return _active(level, "from_rgb")

    def shallow(self, levels: int) -> set[str]:
        """Returns names of the top-level parameters of so many levels next to the image at its full resolution, never of the last one."""
        top = int(math.log2(self.resolution))
        return {f"{name}_{l}" for l in range(max(3, top + 1 - levels), top + 1) for name in ("block", "from_rgb")}
