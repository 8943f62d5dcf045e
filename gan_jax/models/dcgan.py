"""The networks of "Unsupervised Representation Learning with Deep Convolutional GANs" (Radford et al., ICLR 2016).

At 64 px they are the paper's; at another power of two the same rule holds: widths halve from layer to layer down to `width`.
They have one level. The signatures are those of `pggan`, so that whatever trains or uses the one can use the other.
"""

import functools
import math
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike
from ml_collections import ConfigDict

from gan_jax.models.batch_norm import BatchNorm
from gan_jax.models.convolutions import conv, strided_conv, transposed_conv, wide
from gan_jax.models.layers import Layer, leaky_relu, modulated, pixel_noise, reduce, smooth, with_local_contrast

WEIGHT_STDDEV = 0.02  # section 4
GROWS = False
EXCITED = 3  # doublings from a layer that excites to the one that is excited; 4 in FastGAN, whose images are larger
POOLED = 4  # pixels a side of what excites


def build(
    model: ConfigDict, resolution: int, labels: int, discriminator_labels: int, dtype: DTypeLike, axis_name: str | None
) -> tuple[nn.Module, nn.Module]:
    """Returns (generator, discriminator) for `config.model`; `axis_name` names the devices whose batch statistics are taken together."""
    sizes: dict[str, Any] = dict(resolution=resolution, width=model.width, axis_name=axis_name, dtype=dtype)
    extras = dict(timed=model.year, smooth=model.smooth, noise=model.noise, noise_from=model.noise_from, excitation=model.excitation)
    extras |= dict(convolutions=model.convolutions, convolutions_up_to=model.convolutions_up_to)
    generator = Generator(latent_size=model.latent_size, label_size=labels, **extras, **sizes)
    sees: dict[str, Any] = dict(smooth=model.smooth_discriminator, contrast=model.local_contrast)
    return generator, Discriminator(label_size=discriminator_labels, **sees, **sizes)


def layers(model: ConfigDict, level: int) -> tuple[list[Layer], list[Layer]]:
    """Returns those of (the generator, the discriminator)."""
    widths = [3] + [model.width * 2**i for i in range(level - 2)]  # from the image down to 4x4
    kernels = [(4 ** (level - i), 4, near, far) for i, (near, far) in enumerate(zip(widths, widths[1:]))]
    generated = [(16, 1, widths[-1], model.latent_size), *kernels[1:]]
    twice = functools.partial(_twice, model.convolutions, model.convolutions_up_to)
    if twice(2**level):
        last = _last_width(model.width)
        generated += [(4**level, 4, last, model.width), (4**level, 9, 3, last)]
    else:
        generated += kernels[:1]
    generated += [(4 ** (level - i), 9, width, width) for i, width in enumerate(widths[1:-1], start=1) if twice(2 ** (level - i))]
    for near, far in zip(widths[1:], widths[1 + EXCITED :]) if model.excitation else ():
        generated += [(1, 16, near, far), (1, 1, near, near)]
    (pixels, taps, near, far), *others = kernels
    return generated, [(16, 1, widths[-1], 1), (pixels, taps, near * (1 + model.local_contrast), far), *others]


def _twice(convolutions: int, up_to: int, side: int) -> bool:
    """Returns whether a generator has a second convolution at a size."""
    return convolutions > 1 and (side <= up_to or not up_to)


def _last_width(width: int) -> int:
    """Returns the channels at the size of the image, which only a generator with a second convolution there has."""
    return max(1, width // 2)


def _kernel(module: nn.Module, name: str, shape: tuple[int, ...]) -> Array:
    return module.param(name, nn.initializers.normal(WEIGHT_STDDEV), shape).astype(module.dtype)


class Excitation(nn.Module):
    """Weighs the channels of a fine layer [n, h, w, c] by what a coarse one [n, h', w', d] says, each by 0 to 2.

    The skip-layer excitation of Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis"
    (https://arxiv.org/abs/2101.04775, section 3.1): what an image is of decides what strokes it has. A new one hardly changes a channel.
    """

    dtype: DTypeLike

    @nn.compact
    def __call__(self, fine: Array, coarse: Array) -> Array:
        c, d = fine.shape[-1], coarse.shape[-1]
        squeeze = self.param("squeeze", nn.initializers.normal((POOLED**2 * d) ** -0.5), (POOLED, POOLED, d, c))
        excite = self.param("excite", nn.initializers.normal(c**-0.5), (c, c))
        pooled = reduce(wide(coarse), coarse.shape[1] // POOLED)
        weights = 2 * nn.sigmoid(leaky_relu(jnp.einsum("nhwd,hwdc->nc", pooled, squeeze)) @ excite)
        return (wide(fine) * weights[:, None, None]).astype(self.dtype)


class Generator(nn.Module):
    """Latents [n, latent_size + label_size] to images [n, resolution, resolution, 3], float32 in [-1, 1].

    Labels, where a network has them, stand behind the latents, one-hot in training. The year of a `timed` network is its label; it also
    scales and shifts each channel after its batch norm, by learnt amounts that begin at none.

    `smooth`, `noise`, `excitation` and a second of the `convolutions` are not of the paper. What the first two do is said of Progressive
    GAN's generator, the third of `Excitation`. The paper's layers enlarge and convolve in one: each of four neighbouring pixels has weights
    of its own, and where an image is even they leave a mesh. A second convolution at each size, of 3x3, sees all four, as Progressive
    GAN's do.
    """

    FIRST = "norm_project"  # the module whose output is the layer next to the latents

    resolution: int
    latent_size: int = 100
    label_size: int = 0
    width: int = 64
    timed: bool = False
    smooth: bool = False
    noise: bool = False
    noise_from: int = 0  # pixels a side of the first layers that have some
    excitation: bool = False
    convolutions: int = 1  # at each size that is enlarged to
    convolutions_up_to: int = 0  # pixels a side of the last such size that has a second one; 0: the image's
    axis_name: str | None = None  # devices over which batch statistics are taken together in training
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, latents: Array, *, level: int, alpha: Array, train: bool = False, seeds: Array | None = None) -> Array:
        """`level` and `alpha` [] change nothing: these networks don't grow.

        `seeds` uint32 [n] give each image noise of its own; without them it is the same for all, and images depend on latents alone.
        """
        del level, alpha
        layers = int(math.log2(self.resolution)) - 2
        channels = self.width * 2 ** (layers - 1)
        twice = functools.partial(_twice, self.convolutions, self.convolutions_up_to)
        sides = [4 * 2**i for i in range(layers + twice(self.resolution))]
        noisy = [side for side in sides if side >= self.noise_from] if self.noise else []
        noise = dict(zip(noisy, pixel_noise(jnp.zeros(1, jnp.uint32) if seeds is None else seeds, noisy)))

        def activated(x: Array, name: str) -> Array:
            x = BatchNorm(self.axis_name, self.dtype, name=f"norm_{name}")(x, train)
            if self.timed:
                kernel = self.param(f"year_{name}", nn.initializers.zeros, (self.label_size, 2 * x.shape[-1]))
                x = modulated(x, latents[:, self.latent_size :], kernel)
            if (added := noise.get(x.shape[1])) is not None:
                strength = self.param(f"noise_{name}", nn.initializers.zeros, (x.shape[-1],))
                x = x + (added * strength[None, None, None]).astype(self.dtype)
            return nn.relu(x)

        def enlarged(x: Array, name: str, channels: int) -> Array:
            x = transposed_conv(x, _kernel(self, name, (x.shape[-1], 4, 4, channels)))
            return smooth(x) if self.smooth else x

        kernel = _kernel(self, "project", (latents.shape[-1], 4, 4, channels))
        x = activated(jnp.einsum("nl,lhwc->nhwc", latents.astype(self.dtype), kernel), "project")
        coarse = [x]
        for i in range(layers - 1):
            channels //= 2
            x = enlarged(x, f"conv_{i}", channels)
            if self.excitation and i + 1 >= EXCITED:
                x = Excitation(self.dtype, name=f"excite_{i}")(x, coarse[i + 1 - EXCITED])
            x = activated(x, str(i))
            if twice(sides[i + 1]):
                x = conv(x, _kernel(self, f"second_{i}", (channels, 3, 3, channels)))
                x = activated(x, f"second_{i}")
            coarse.append(x)
        if twice(self.resolution):
            x = activated(enlarged(x, "conv_last", _last_width(self.width)), "last")
            x = conv(x, _kernel(self, "to_rgb", (3, 3, 3, x.shape[-1])))
        else:
            x = transposed_conv(x, _kernel(self, "to_rgb", (x.shape[-1], 4, 4, 3)))
        return jnp.tanh(x.astype(jnp.float32))

    def active(self, level: int) -> None:
        """Names none: every parameter is always in use."""
        del level


class Discriminator(nn.Module):
    """Images [n, resolution, resolution, 3] to scores [n] and logits of their labels [n, label_size], float32.

    `smooth` and `contrast` are not of the paper. With `smooth`, what a layer takes every other pixel of is smoothed before, but for the
    image, whose finest strokes are to be seen. Without it a stroke that is moved by one pixel is another one to all coarser layers. With
    `contrast` the first layer also sees the image's local contrast, in which the canvas of a dark painting is as clear as that of a light
    one.
    """

    group = 1  # images of a batch that it has to see together

    resolution: int
    label_size: int = 0
    width: int = 64
    smooth: bool = False
    contrast: bool = False
    axis_name: str | None = None
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, images: Array, *, level: int, alpha: Array, train: bool = False, batches: int = 1) -> tuple[Array, Array]:
        """`level` and `alpha` [] change nothing: these networks don't grow.

        Images may hold several `batches`, one after the other, whose statistics are kept apart. Where the collection "features" is
        mutable, it gets what each layer hands on to the next.
        """
        del level, alpha
        layers = int(math.log2(self.resolution)) - 2
        x = with_local_contrast(images) if self.contrast else images
        x = x.astype(self.dtype)
        for i in range(layers):
            x = smooth(x) if self.smooth and i > 0 else x
            x = strided_conv(x, _kernel(self, f"conv_{i}", (self.width * 2**i, 4, 4, x.shape[-1])))
            if i > 0:
                x = BatchNorm(self.axis_name, self.dtype, name=f"norm_{i}")(x, train, batches)
            x = leaky_relu(x)
            if not self.is_initializing():
                self.sow("features", f"layer_{i}", x)
        kernel = _kernel(self, "score", (*x.shape[1:], 1 + self.label_size))  # a 4x4 convolution over a 4x4 image
        x = jnp.einsum("nhwc,hwco->no", x, kernel).astype(jnp.float32)
        return x[:, 0], x[:, 1:]

    def active(self, level: int) -> None:
        """Names none: every parameter is always in use."""
        del level

    def shallow(self, layers: int) -> set[str]:
        """Returns names of the top-level parameters of so many layers next to the image, never of the score."""
        return {f"{name}_{i}" for i in range(min(layers, int(math.log2(self.resolution)) - 2)) for name in ("conv", "norm")}
