"""A training step on paper: what a chip would need for it at best, layer by layer, whichever takes longer of arithmetic and memory.

The roofline of Williams et al. 2009. Nothing is measured here: it is for machines that are not at hand, and says which widths and batches
leave a TPU's tiles empty.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence

import jax.numpy as jnp
from ml_collections import ConfigDict

from gan_jax.models import networks, projected
from gan_jax.models.layers import Layer
from gan_jax.training import losses
from gan_jax.training.schedule import Phase
from gan_jax.training.settings import projected_side

WIDE, NARROW = 4, 2  # bytes of a float32 and of a bfloat16
# Of each parameter, in float32, once a step: read gradient, parameter, both moments and average; write all but the gradient.
TOUCHED = 9


@dataclasses.dataclass(frozen=True)
class Chip:
    """What a chip can do at most, by its maker."""

    name: str
    flops: float  # operations a second in bfloat16
    bandwidth: float  # bytes a second of its memory


V5E = Chip("TPU v5e", 197e12, 819e9)  # https://cloud.google.com/tpu/docs/v5e


@dataclasses.dataclass(frozen=True)
class OnPaper:
    """A step at best."""

    flops: float  # operations
    bytes: float  # through the chip's memory, tiles that are partly empty included
    seconds: float
    waste: float  # part of the activations' tiles that holds nothing, 0 to 1

    @property
    def intensity(self) -> float:
        """Returns operations a byte."""
        return self.flops / self.bytes


def passes(training: ConfigDict, batch: int | None = None) -> tuple[float, float]:
    """Returns how often (the generator, the discriminator) goes over its layers in a step, in parts of a batch: of `batch` images,
    or as many as the config has.

    A pass forwards counts one; backwards one by inputs and one by weights. The discriminator sees real and generated images (3 each) and in
    the generator's step, forwards and by inputs (2); a penalty on its input gradients is both of these and again the derivatives of both
    (6). The generator makes images once for both players, or again with fresh latents, and learns from them. Paintings with latents of
    their own are painted and learnt from beside (3), and the discriminator sees them and what was painted, and is gone back through (3).
    """
    every = losses.penalty_every(training.loss, training.r1, training.r1_every)
    own = own_paintings(training, batch)
    generator = 4.0 if training.fresh_latents else 3.0
    return generator + 3 * own, 8 + (6.0 / every if every else 0.0) + 3 * own


def own_paintings(training: ConfigDict, batch: int | None = None) -> float:
    """Returns how many paintings a step reconstructs, in parts of `batch` images, or of as many as the config has."""
    return training.paintings_batch / (batch or training.batch_size) if training.paintings else 0.0


def at_best(config: ConfigDict, level: int, batch: int, chip: Chip = V5E) -> OnPaper:
    """Returns what a step of `batch` images on one chip takes at a level at best.

    Each pass reads a layer's images on one side and writes them on the other, in bfloat16, and reads its weights. What lies between layers
    (norms, activations, noise, augmentation) is taken to cost nothing, as if all of it were fused.
    """
    flops = moved = seconds = 0.0
    for network in _networks(config, level, batch):
        for layer in network.layers:
            work = network.passes * 2.0 * batch * math.prod(layer)
            weights = _weights(layer, network.dense)
            through = network.passes * NARROW * (sum(map(_held, _sides(layer, batch, network.dense))) + weights)
            kept = TOUCHED * WIDE * weights * network.learns
            flops, moved = flops + work, moved + through + kept
            seconds += max(work / chip.flops, through / chip.bandwidth) + kept / chip.bandwidth
    return OnPaper(flops, moved, seconds, networks.tile_waste(config.model, level, batch))


def table(config: ConfigDict, phases: Sequence[Phase], say: Callable[[str], None], chip: Chip = V5E) -> None:
    """Says a line for each level and batch of some phases."""
    say(f"On paper, not measured: one {chip.name} at best ({chip.flops / 1e12:.0f} TFLOP/s in bfloat16, {chip.bandwidth / 1e9:.0f} GB/s)\n")
    say("  ".join(f"{title:>11}" for title in ("px", "batch", "tiles empty", "FLOP/byte", "ms/step", "images/s")))
    for level, batch in dict.fromkeys((phase.level, phase.batch_size) for phase in phases):
        step = at_best(config, level, batch, chip)
        of_step = f"{step.waste:.0%}", f"{step.intensity:.0f}", f"{1000 * step.seconds:.3f}", f"{batch / step.seconds:,.0f}"
        say("  ".join(f"{cell:>11}" for cell in (2**level, batch, *of_step)))


def step_work(config: ConfigDict, level: int, batch: int | None = None) -> float:
    """Returns multiplications of a training step for one image of `batch`, or of as many as the config has."""
    return sum(network.passes * sum(map(math.prod, network.layers)) for network in _networks(config, level, batch))


@dataclasses.dataclass(frozen=True)
class _Network:
    """What a step does with a network."""

    passes: float  # over its layers, in parts of a batch
    layers: list[Layer]
    dense: bool = True  # whether it has dense layers between 16 pixels and latents or a score
    learns: bool = True


def _networks(config: ConfigDict, level: int, batch: int | None) -> list[_Network]:
    """Returns all that a step goes through.

    The network that a second discriminator looks through sees a share of a step's images, as that does: the real ones once, painted ones
    once for all players or, with fresh latents, once for each. Only the generator's step is taken back through it. Where paintings are
    compared by it, it sees them, and what was painted in their place, and is gone back through.
    """
    both = [_Network(*each) for each in zip(passes(config.training, batch), networks.layers(config.model, level))]
    side = projected_side(config.training)
    if not side:
        return both
    fixed, learnt = projected.layers(networks.build(config.model, 2**level, jnp.float32)[1].label_size, side)
    own = own_paintings(config.training, batch) if config.training.paintings_forms else 0.0
    share, looks = config.training.projected_share, 4 if config.training.fresh_latents else 3
    return [*both, _Network(looks * share + 3 * own, fixed, dense=False, learns=False), _Network(8 * share, learnt, dense=False)]


def _sides(layer: Layer, batch: int, dense: bool) -> Iterator[tuple[int, int, int]]:
    """Yields (pixels, batch, channels) of the images on both sides of a layer. One with four products a pixel scales by two."""
    pixels, taps, near, far = layer
    yield pixels, batch, near
    # A depthwise convolution hands on as many channels as it gets.
    yield 1 if dense and _is_dense(layer) else pixels // 4 if taps == 4 else pixels, batch, near if far == 1 and taps > 4 else far


def _held(side: tuple[int, int, int]) -> float:
    """Returns numbers that the tiles of images (pixels, batch, channels) hold, the empty places too."""
    pixels, batch, channels = side
    return pixels * min(networks.padded(batch, channels), networks.padded(channels, batch))


def _weights(layer: Layer, dense: bool) -> int:
    """Returns the weights of a layer. A scaling convolution has sixteen taps, four for each pixel; a dense layer one for each pixel."""
    pixels, taps, near, far = layer
    return (pixels if dense and _is_dense(layer) else 16 if taps == 4 else taps) * near * far


def _is_dense(layer: Layer) -> bool:
    """Returns whether a layer stands between latents or scores and the 16 pixels next to them."""
    pixels, taps, near, _ = layer
    return taps == 1 and pixels <= 16 and near > 3
