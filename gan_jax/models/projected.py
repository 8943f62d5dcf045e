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

SIDE = 128  # pixels: smaller images are enlarged to it, since photographs' things have to be of some size to be seen
MIXED = 64  # channels of the mixed features
WIDTH = 128  # channels of a discriminator's first layer
PLACES = 4  # a side, at which each discriminator gives a score, where there are so many
SEED = 0  # of the random weights: the same for all trainings


def frozen() -> Tree:
    """Returns what is never trained: the network's weights and those that mix its features. Raises UserError as `efficientnet.weights`."""
    keys = jax.random.split(jax.random.key(SEED, impl="threefry2x32"), (len(efficientnet.SEEN), 2))
    mixing = []
    for (across, along), channels in zip(keys, efficientnet.SEEN.values()):
        one = jax.random.normal(across, (MIXED, channels)) * channels**-0.5
        mixing.append((np.asarray(one), np.asarray(jax.random.normal(along, (MIXED, 3, 3, MIXED)) * (9 * MIXED) ** -0.5)))
    return {"photographs": efficientnet.weights(), "mixing": mixing}


def beside(discriminator: nn.Module) -> "ProjectedDiscriminator":
    """Returns the second discriminator that fits to a first one."""
    d = discriminator
    return ProjectedDiscriminator(resolution=d.resolution, label_size=d.label_size, axis_name=d.axis_name, dtype=d.dtype)


def sides(resolution: int) -> list[int]:
    """Returns pixels a side of the features of images, from fine to coarse."""
    return [-(-max(SIDE, resolution) // shrunk) for shrunk in (4, 8, 16, 32)]


def layers(resolution: int, labels: int) -> tuple[list[Layer], list[Layer]]:
    """Returns those of (what is frozen, what learns from its features), as `networks.layers` counts."""
    fixed, learnt = efficientnet.layers(max(SIDE, resolution)), []
    for side, channels in zip(sides(resolution), efficientnet.SEEN.values()):
        fixed += [(side**2, 1, channels, MIXED), (side**2, 9, MIXED, MIXED)]
        near = MIXED
        for halving in range(_halvings(side)):
            near, before = _width(halving), near
            learnt += [((side >> halving) ** 2, 4, before, near)]
        places = (side >> _halvings(side)) ** 2
        learnt += [(places, 9, near, 2 * WIDTH), (places, 1, 2 * WIDTH, 1 + labels)]
    return fixed, learnt


def _halvings(side: int) -> int:
    """Returns how often features of a side are halved."""
    return int(math.log2(max(1, side // PLACES)))


def _width(halving: int) -> int:
    """Returns channels behind a halving."""
    return WIDTH * min(4, 2**halving)


class ProjectedDiscriminator(nn.Module):
    """Mixed features of images to scores [n, places] and logits of their labels [n, places, label_size], float32.

    Its batch norms always take the statistics of the batch that they see.
    """

    resolution: int
    label_size: int = 0
    axis_name: str | None = None  # devices over which batch statistics are taken together
    dtype: DTypeLike = jnp.float32

    def look(self, frozen: Tree, images: Array) -> list[Array]:
        """Returns mixed features [n, side, side, MIXED] of images [n, r, r, 3], for each of `sides(resolution)`.

        Each has what is seen at its own size, and all that is coarser.
        """
        side = max(SIDE, self.resolution)
        if images.shape[1] != side:
            images = jax.image.resize(images, (len(images), side, side, 3), "bilinear")
        mixed: list[Array] = []
        seen = efficientnet.features(frozen["photographs"], images, self.dtype)
        for x, (across, along) in reversed(list(zip(seen, frozen["mixing"]))):
            y = jnp.einsum("nhwc,dc->nhwd", x, jnp.asarray(across, self.dtype))
            if mixed:
                y = y + jax.image.resize(mixed[-1], y.shape, "bilinear")
            mixed.append(conv(y, jnp.asarray(along, self.dtype)))
        return mixed[::-1]

    @nn.compact
    def __call__(self, features: Sequence[Array], *, batches: int = 1) -> tuple[Array, Array]:
        """`features` as `look` makes them, of several `batches` of images one after the other, whose statistics are kept apart."""
        found = []
        for i, x in enumerate(each.astype(self.dtype) for each in features):

            def layer(x: Array, name: str, channels: int, taps: int, i: int = i) -> Array:
                kernel = self._kernel(f"{name}_{i}", (channels, taps, taps, x.shape[-1]))
                x = strided_conv(x, kernel) if taps == 4 else conv(x, kernel)
                return leaky_relu(BatchNorm(self.axis_name, self.dtype, name=f"norm_{name}_{i}")(x, True, batches))

            for halving in range(_halvings(x.shape[1])):
                x = layer(x, f"halve_{halving}", _width(halving), 4)
            x = layer(x, "last", 2 * WIDTH, 3)
            x = jnp.einsum("nhwc,co->nhwo", x, self._kernel(f"score_{i}", (x.shape[-1], 1 + self.label_size)))
            found.append(x.reshape(len(x), -1, 1 + self.label_size))
        scores = jnp.concatenate(found, axis=1).astype(jnp.float32)
        return scores[..., 0], scores[..., 1:]

    def _kernel(self, name: str, shape: tuple[int, ...]) -> Array:
        return self.param(name, nn.initializers.normal(WEIGHT_STDDEV), shape).astype(self.dtype)
