"""The training step of both papers in PyTorch, as fast as it goes there: the peer of `benchmark --peer`. The one file that imports PyTorch.

Networks are functions of the parameters that ours begin with, by the same names. Tuned: channels last, bfloat16 by autocast or TF32 on a
GPU, cuDNN's own choice of algorithms, fused Adam, the average as one operation on all tensors, nothing read back by the host.

Images and activations are [n, c, h, w] in the memory order of [n, h, w, c]; kernels are [c_out, c_in, k, k], transposed ones
[c_in, c_out, k, k].
"""

import contextlib
import math
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from ml_collections import ConfigDict
from torch import Tensor

from gan_jax.models import batch_norm, networks
from gan_jax.models.layers import LEAKY_SLOPE, PIXEL_NORM_EPSILON, STDDEV_EPSILON, STDDEV_GROUP
from gan_jax.training.schedule import Phase

Params = Mapping[str, Tensor]
LAYOUT = torch.channels_last
VERSION = torch.__version__


def device() -> torch.device:
    """Returns what it runs on: the first GPU, or the processors."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, LEAKY_SLOPE)


def pixel_norm(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.float().square().mean(1, keepdim=True) + PIXEL_NORM_EPSILON).to(x.dtype)


def enlarged(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


class Dcgan:
    """Both networks of Radford et al. 2016, at any power of two: widths halve from layer to layer. `alpha` changes nothing."""

    def __init__(self, model: ConfigDict, level: int):
        self.layers = level - 2

    def generate(self, p: Params, stats: Params, latents: Tensor, alpha: float) -> Tensor:
        def activated(x: Tensor, name: str) -> Tensor:
            return F.relu(normalised(x, p, stats, f"norm_{name}"))

        x = latents[:, :, None, None].contiguous(memory_format=LAYOUT)
        x = activated(F.conv_transpose2d(x, p["project"]), "project")
        for i in range(self.layers - 1):
            x = activated(F.conv_transpose2d(x, p[f"conv_{i}"], stride=2, padding=1), str(i))
        return torch.tanh(F.conv_transpose2d(x, p["to_rgb"], stride=2, padding=1).float())

    def discriminate(self, p: Params, stats: Params, images: Tensor, alpha: float) -> Tensor:
        x = images
        for i in range(self.layers):
            x = F.conv2d(x, p[f"conv_{i}"], stride=2, padding=1)
            x = leaky(normalised(x, p, stats, f"norm_{i}") if i else x)
        return F.conv2d(x, p["score"]).float().flatten()


def normalised(x: Tensor, p: Params, stats: Params, name: str) -> Tensor:
    """Normalises by the statistics of this batch; the running statistics follow it."""
    running = stats[f"{name}/mean"], stats[f"{name}/var"]
    momentum = 1 - batch_norm.MOMENTUM
    return F.batch_norm(x, *running, p[f"{name}/scale"], p[f"{name}/bias"], training=True, momentum=momentum, eps=batch_norm.EPSILON)


class Pggan:
    """Both networks of Karras et al. 2018, grown to a level. Where `fused`, scaling is part of the convolutions, as in ours."""

    def __init__(self, model: ConfigDict, level: int):
        self.level, self.fused = level, model.fused_scale

    def generate(self, p: Params, stats: Params, latents: Tensor, alpha: float) -> Tensor:
        def activated(x: Tensor, name: str) -> Tensor:
            return pixel_norm(leaky(x + p[f"{name}/bias"].to(x.dtype)[None, :, None, None]))

        kernel = p["block_2/kernel"]
        latents = pixel_norm(latents) * (math.sqrt(2) / 4 / math.sqrt(len(kernel)))
        x = (latents @ kernel.flatten(1)).view(-1, *kernel.shape[1:]).contiguous(memory_format=LAYOUT)
        x, images = activated(x, "block_2"), {}
        for l in range(2, self.level + 1):
            if l > 2:
                x = activated(self._up(x, scaled(p[f"block_{l}/conv_up/kernel"])), f"block_{l}/conv_up")
            x = activated(F.conv2d(x, scaled(p[f"block_{l}/conv/kernel"]), padding=1), f"block_{l}/conv")
            if l >= self.level - 1:
                images[l] = F.conv2d(x, scaled(p[f"to_rgb_{l}/kernel"], 1.0), p[f"to_rgb_{l}/bias"]).float()
        return images[2] if self.level == 2 else torch.lerp(enlarged(images[self.level - 1]), images[self.level], alpha)

    def _up(self, x: Tensor, kernel: Tensor) -> Tensor:
        if not self.fused:
            return F.conv2d(enlarged(x), kernel, padding=1)
        return F.conv_transpose2d(x, spread(kernel.flip(2, 3)).transpose(0, 1), stride=2, padding=1)

    def _down(self, x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        if not self.fused:
            return F.avg_pool2d(leaky(F.conv2d(x, kernel, bias, padding=1)), 2)
        return leaky(F.conv2d(x, spread(kernel) / 4, bias, stride=2, padding=1))

    def discriminate(self, p: Params, stats: Params, images: Tensor, alpha: float) -> Tensor:
        def from_rgb(l: int) -> Tensor:
            small = F.avg_pool2d(images, 2 ** (self.level - l)) if l < self.level else images
            return leaky(F.conv2d(small, scaled(p[f"from_rgb_{l}/kernel"]), p[f"from_rgb_{l}/bias"]))

        def conv(x: Tensor, name: str) -> Tensor:
            return leaky(F.conv2d(x, scaled(p[f"{name}/kernel"]), p[f"{name}/bias"], padding=1))

        x = from_rgb(self.level)
        for l in range(self.level, 2, -1):
            x = conv(x, f"block_{l}/conv")
            x = self._down(x, scaled(p[f"block_{l}/conv_down/kernel"]), p[f"block_{l}/conv_down/bias"])
            x = torch.lerp(from_rgb(l - 1), x, alpha) if l == self.level else x
        x = conv(with_deviation(x), "block_2/conv").flatten(1)
        x = leaky(F.linear(x, scaled(p["block_2/dense/kernel"]), p["block_2/dense/bias"]))
        return F.linear(x, scaled(p["block_2/score/kernel"], 1.0), p["block_2/score/bias"]).float().flatten()


def scaled(kernel: Tensor, gain: float = math.sqrt(2)) -> Tensor:
    """Karras et al. 2018, section 4.1."""
    return kernel * (gain / math.sqrt(kernel[0].numel()))


def spread(kernel: Tensor) -> Tensor:
    """Turns [d, c, 3, 3] into [d, c, 4, 4]: the sum of the kernel in its four places."""
    kernel = F.pad(kernel, (1, 1, 1, 1))
    return kernel[:, :, 1:, 1:] + kernel[:, :, :-1, 1:] + kernel[:, :, 1:, :-1] + kernel[:, :, :-1, :-1]


def with_deviation(x: Tensor) -> Tensor:
    """Karras et al. 2018, section 3: one channel more, the deviation within groups."""
    n, _, h, w = x.shape
    group = min(STDDEV_GROUP, n)
    deviation = (x.float().reshape(group, n // group, -1).var(0, unbiased=False) + STDDEV_EPSILON).sqrt().mean(1)  # [n / group]
    return torch.cat([x, deviation.repeat(group)[:, None, None, None].expand(n, 1, h, w).to(x.dtype)], 1).contiguous(memory_format=LAYOUT)


NETWORKS: Mapping[str, type[Dcgan] | type[Pggan]] = {"dcgan": Dcgan, "pggan": Pggan}


class Step:
    """Training of both players on images that lie on the device."""

    def __init__(
        self,
        config: ConfigDict,
        phase: Phase,
        players: tuple[tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]], ...],
        images: np.ndarray,
        *,
        narrow: bool,
        compiled: bool,
    ):
        """Places everything on the device.

        Args:
          players: of the generator and the discriminator the parameters and the batch statistics, as `comparison.laid_out` gives them.
          images: uint8 [m, 3, r, r], to draw batches from.
          narrow: whether convolutions are in bfloat16.
          compiled: whether networks go through torch.compile, but for the penalty, whose second derivatives it does not have.
        """
        torch.backends.cudnn.benchmark = torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
        training, self._device = config.training, device()
        self._training, self._batch, self._narrow = training, phase.batch_size, narrow
        self._alpha, self._latent_size = 0.5 if networks.of(config.model.name).GROWS else 1.0, config.model.latent_size
        (self.generator, self._g_stats), (self.discriminator, self._d_stats) = (
            [self._placed(each) for each in player] for player in players
        )
        for parameter in (*self.generator.values(), *self.discriminator.values()):
            parameter.requires_grad_()
        self.average = [tensor.detach().clone() for tensor in self._averaged()]
        self._images = torch.as_tensor(images, device=self._device).contiguous(memory_format=LAYOUT)
        adam = dict(betas=(training.adam_b1, training.adam_b2), eps=training.adam_epsilon, fused=True)
        self._g_adam = torch.optim.Adam(self.generator.values(), lr=phase.learning_rate, **adam)
        self._d_adam = torch.optim.Adam(self.discriminator.values(), lr=phase.learning_rate * training.discriminator_rate, **adam)
        decay = training.ema_decay or 0.5 ** (phase.batch_size / (training.ema_half_life_kimg * 1000))
        self._weight = 1 - decay
        network = NETWORKS[config.model.name](config.model, phase.level)
        self._plain = network.discriminate
        made: Callable = torch.compile if compiled else lambda function: function
        self._generate, self._discriminate = made(network.generate), made(network.discriminate)

    def run(self, steps: int) -> float:
        """Returns seconds of a step, over so many: the clock is read when the device is idle."""
        self._wait()
        begin = time.perf_counter()
        for _ in range(steps):
            self.step()
        self._wait()
        return (time.perf_counter() - begin) / steps

    def step(self) -> None:
        """Steps the discriminator, the generator and its average."""
        training, critic = self._training, self._training.loss == "wgan-gp"
        discriminator_loss, generator_loss = LOSSES[training.loss]
        real = self._drawn()
        with torch.no_grad() if training.fresh_latents else contextlib.nullcontext():
            fake = self._painted()
        seen = fake.detach()
        self._d_adam.zero_grad(set_to_none=True)
        of_real, of_fake = self._scores(real), self._scores(seen)
        loss = discriminator_loss(of_real, of_fake)
        if critic:
            loss = loss + training.gradient_penalty * self.penalty(real, seen) + training.drift * of_real.square()
        loss.mean().backward()
        self._d_adam.step()
        self._g_adam.zero_grad(set_to_none=True)
        for parameter in self.discriminator.values():
            parameter.requires_grad_(False)
        of_fake = self._scores(self._painted() if training.fresh_latents else fake)
        generator_loss(of_fake).mean().backward()
        for parameter in self.discriminator.values():
            parameter.requires_grad_(True)
        self._g_adam.step()
        torch._foreach_lerp_(self.average, self._averaged(), self._weight)

    def penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        """Returns (|gradient| - 1)^2 [n] at chance points between images [n, 3, r, r] (Gulrajani et al. 2017)."""
        mix = torch.rand(self._batch, 1, 1, 1, device=self._device)
        between = torch.lerp(real, fake, mix).requires_grad_()
        with self._precision():
            scores = self._plain(self.discriminator, self._d_stats, between, self._alpha)
        (gradients,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
        return ((gradients.float().square().sum((1, 2, 3)) + 1e-12).sqrt() - 1).square()

    def _drawn(self) -> Tensor:
        """Real images of a batch, mirrored half the time; the newest level counts for as much as in generated ones."""
        chosen = torch.randint(len(self._images), (self._batch,), device=self._device)
        images = self._images[chosen].float() / 127.5 - 1
        if self._training.mirror:
            images = torch.where(torch.rand(self._batch, 1, 1, 1, device=self._device) < 0.5, images.flip(3), images)
        if self._alpha < 1:
            images = torch.lerp(enlarged(F.avg_pool2d(images, 2)), images, self._alpha)
        return images.contiguous(memory_format=LAYOUT)

    def _painted(self) -> Tensor:
        latents = torch.randn(self._batch, self._latent_size, device=self._device)
        with self._precision():
            return self._generate(self.generator, self._g_stats, latents, self._alpha)

    def _scores(self, images: Tensor) -> Tensor:
        with self._precision():
            return self._discriminate(self.discriminator, self._d_stats, images, self._alpha)

    def _precision(self) -> contextlib.AbstractContextManager:
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._narrow)

    def _averaged(self) -> list[Tensor]:
        return [parameter.detach() for parameter in self.generator.values()] + list(self._g_stats.values())

    def _placed(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
        placed = {name: torch.tensor(array, device=self._device) for name, array in arrays.items()}
        return {name: x.contiguous(memory_format=LAYOUT) if x.ndim == 4 else x for name, x in placed.items()}

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()


# Of scores [n], without penalties, by the name in the config: (the discriminator's, of real and generated images; the generator's).
LOSSES: Mapping[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "wgan-gp": (lambda real, fake: fake - real, lambda fake: -fake),
    "non-saturating": (lambda real, fake: F.softplus(-real) + F.softplus(fake), lambda fake: F.softplus(-fake)),
    "hinge": (lambda real, fake: F.relu(1 - real) + F.relu(1 + fake), lambda fake: -fake),
}
