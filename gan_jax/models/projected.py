"""A second discriminator, which looks at images through a network that knows photographs.

Sauer et al. 2021, "Projected GANs Converge Faster" (https://arxiv.org/abs/2111.01007): the network is frozen, its features are mixed by
random weights that are never trained, and a small discriminator learns from those of each size. It stands beside the first one, as in
Kumari et al. 2022, "Ensembling Off-the-shelf Models for GAN Training" (https://arxiv.org/abs/2112.09130). A few hundred paintings are too
few to learn from what a head or a house is; this network knows it already. The first discriminator goes on looking at strokes.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from gan_jax.models import efficientnet
from gan_jax.models.batch_norm import BatchNorm
from gan_jax.models.convolutions import conv, strided_conv
from gan_jax.models.dcgan import WEIGHT_STDDEV
from gan_jax.models.layers import Layer, leaky_relu

Tree = Mapping[str, Any]

MIXED = 64  # channels of the mixed features
WIDTH = 128  # channels behind the first downsampling
PATCHES = 4  # a side, at least, each of which gets a score: at 128 px 4, at 224 px 7; coarse features may have fewer
SEED = 0  # of the random weights: the same for all trainings


def frozen() -> Tree:
    """Returns what is never trained: the network's weights ("photographs"), and for each size of `efficientnet.SEEN` kernels that mix its
    features ("mixing"): "channels" [MIXED, c], and across sizes "scales" [MIXED, 3, 3, MIXED]. Raises UserError as `efficientnet.weights`.
    """
    draw = np.random.RandomState(SEED).standard_normal  # NumPy never changes what that draws
    mixing = []
    for c in efficientnet.SEEN.values():
        channels, scales = draw((MIXED, c)) * c**-0.5, draw((MIXED, 3, 3, MIXED)) * (9 * MIXED) ** -0.5
        mixing.append({"channels": channels.astype(np.float32), "scales": scales.astype(np.float32)})
    return {"photographs": efficientnet.weights(), "mixing": mixing}


def beside(discriminator: nn.Module, side: int) -> "ProjectedDiscriminator":
    """Returns the second discriminator that fits to a first one, and sees images at so many pixels a side."""
    d = discriminator
    return ProjectedDiscriminator(side, d.label_size, MIXED, WIDTH, d.axis_name, d.dtype)


def layers(labels: int, side: int) -> tuple[list[Layer], list[Layer]]:
    """Returns the layers that an image goes through where it is seen at `side` pixels a side, of (what is frozen, what learns), counted as
    `networks.layers` does."""
    fixed, learnt = efficientnet.layers(side), []
    for size, channels in zip(sides(side), efficientnet.SEEN.values()):
        fixed += [(size**2, 1, channels, MIXED), (size**2, 9, MIXED, MIXED)]
        near = MIXED
        for halving in range(_halvings(size)):
            near, before = _width(WIDTH, halving), near
            learnt += [((size >> halving) ** 2, 4, before, near)]
        patches = (size >> _halvings(size)) ** 2
        learnt += [(patches, 9, near, 2 * WIDTH), (patches, 1, 2 * WIDTH, 1 + labels)]
    return fixed, learnt


def work(labels: int, side: int) -> float:
    """Returns multiplications for one image, forwards."""
    return float(sum(math.prod(layer) for part in layers(labels, side) for layer in part))


def sides(side: int) -> list[int]:
    """Returns pixels a side of the features of images of so many, from fine to coarse."""
    return [-(-side // shrunk) for shrunk in (4, 8, 16, 32)]


def _halvings(side: int) -> int:
    """Returns how often features of a side are halved."""
    return int(math.log2(max(1, side // PATCHES)))


def _width(first: int, halving: int) -> int:
    """Returns channels behind a halving; `first`: behind the first one."""
    return first * min(4, 2**halving)


class ProjectedDiscriminator(nn.Module):
    """Mixed features of images to scores [n, patches] and logits of their labels [n, patches, label_size], float32.

    Its batch norms always take the statistics of the batch that they see.
    """

    side: int  # pixels that images are resized to: what photographs show has to be of some size to be seen, and strokes need not be
    label_size: int = 0
    mixed: int = MIXED
    width: int = WIDTH
    axis_name: str | None = None  # devices over which batch statistics are taken together
    dtype: DTypeLike = jnp.float32

    def features(self, frozen: Tree, images: Array) -> list[Array]:
        """Returns mixed features [n, side, side, mixed] of images [n, r, r, 3] in [-1, 1], for each of `sides`.

        Each has what is seen at its own size, and all that is coarser. `frozen` is as the function of that name makes it.
        """
        images = jax.image.resize(images, (len(images), self.side, self.side, 3), "bilinear")
        mixed: list[Array] = []
        seen = efficientnet.features(frozen["photographs"], images, self.dtype)
        for x, mixing in reversed(list(zip(seen, frozen["mixing"]))):
            y = jnp.einsum("nhwc,dc->nhwd", x, jnp.asarray(mixing["channels"], self.dtype))
            if mixed:
                y = y + jax.image.resize(mixed[-1], y.shape, "bilinear")
            mixed.append(conv(y, jnp.asarray(mixing["scales"], self.dtype)))
        return mixed[::-1]

    def blank(self) -> list[Array]:
        """Returns features of no image, to initialise with."""
        return [jnp.zeros((1, side, side, self.mixed)) for side in sides(self.side)]

    @nn.compact
    def __call__(self, features: Sequence[Array], *, batches: int = 1) -> tuple[Array, Array]:
        """Scores `features` of several `batches` of images, one after the other, whose statistics are kept apart."""
        found = []
        for i, x in enumerate(each.astype(self.dtype) for each in features):

            def layer(x: Array, name: str, channels: int, taps: int, i: int = i) -> Array:
                kernel = self._kernel(f"{name}_{i}", (channels, taps, taps, x.shape[-1]))
                x = strided_conv(x, kernel) if taps == 4 else conv(x, kernel)
                return leaky_relu(BatchNorm(self.axis_name, self.dtype, name=f"norm_{name}_{i}")(x, True, batches))

            for halving in range(_halvings(x.shape[1])):
                x = layer(x, f"downsample_{halving}", _width(self.width, halving), 4)
            x = layer(x, "last", 2 * self.width, 3)
            x = jnp.einsum("nhwc,co->nhwo", x, self._kernel(f"score_{i}", (x.shape[-1], 1 + self.label_size)))
            found.append(x.reshape(len(x), -1, 1 + self.label_size))
        scores = jnp.concatenate(found, axis=1).astype(jnp.float32)
        return scores[..., 0], scores[..., 1:]

    def _kernel(self, name: str, shape: tuple[int, ...]) -> Array:
        return self.param(name, nn.initializers.normal(WEIGHT_STDDEV), shape).astype(self.dtype)
