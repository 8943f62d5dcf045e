"""Progressive GAN once more, as plain as it can be written: NumPy in float64, images [n, channels, h, w], one line a layer.

Karras et al. 2018, https://arxiv.org/abs/1710.10196, appendix A, with the reference implementation's names of variables, their run-time
scales and its `lod` (0 at the full resolution, 1 at half of it). With the reference's own variables, this text and the reference differed
by at most 6e-6 in what they made at 32 px, at lods 0, 0.3, 1, 1.6 and 3, with fused scaling and without: what agrees with the one agrees
with the other.
"""

from collections.abc import Mapping

import numpy as np

Variables = Mapping[str, np.ndarray]


def scaled(weight: np.ndarray, gain: float, inputs: int) -> np.ndarray:
    return weight.astype(np.float64) * gain / np.sqrt(inputs)


def biased(x: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return x + bias.reshape(1, -1, *[1] * (x.ndim - 2))


def lrelu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


def pixel_norm(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-8)


def correlate(x: np.ndarray, weight: np.ndarray, before: int, after: int, stride: int = 1) -> np.ndarray:
    """[n, a, h, w] with a kernel [k, k, a, b], so many zeros before and after."""
    k, size = len(weight), x.shape[2]
    x = np.pad(x, ((0, 0), (0, 0), (before, after), (before, after)))
    steps = range(0, size + before + after - k + 1, stride)
    y = np.zeros((len(x), weight.shape[3], len(steps), len(steps)))
    for i, top in enumerate(steps):
        for j, left in enumerate(steps):
            y[:, :, i, j] = np.einsum("nahw,hwab->nb", x[:, :, top : top + k, left : left + k], weight)
    return y


def conv(x: np.ndarray, v: Variables, name: str, gain: float = np.sqrt(2)) -> np.ndarray:
    weight = v[f"{name}/weight"]
    k = len(weight)
    return biased(correlate(x, scaled(weight, gain, k * k * x.shape[1]), k // 2, k // 2), v[f"{name}/bias"])


def dense(x: np.ndarray, v: Variables, name: str, gain: float = np.sqrt(2)) -> np.ndarray:
    x = x.reshape(len(x), -1)
    return biased(x @ scaled(v[f"{name}/weight"], gain, x.shape[1]), v[f"{name}/bias"])


def upscale(x: np.ndarray) -> np.ndarray:
    return x.repeat(2, axis=2).repeat(2, axis=3)


def downscale(x: np.ndarray) -> np.ndarray:
    return x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2).mean(axis=(3, 5))


def spread(weight: np.ndarray) -> np.ndarray:
    """A kernel [3, 3, ...] at four places of one of [4, 4, ...], summed."""
    w = np.pad(weight, ((1, 1), (1, 1), (0, 0), (0, 0)))
    return w[1:, 1:] + w[:-1, 1:] + w[1:, :-1] + w[:-1, :-1]


def upscaling_conv(x: np.ndarray, v: Variables, name: str) -> np.ndarray:
    """A convolution transposed, with a stride of two: each pixel paints the kernel [4, 4, b, a]."""
    weight = v[f"{name}/weight"]
    weight = spread(scaled(weight, np.sqrt(2), 9 * x.shape[1]))
    n, _, size, _ = x.shape
    y = np.zeros((n, weight.shape[2], 2 * size + 2, 2 * size + 2))
    for i in range(size):
        for j in range(size):
            y[:, :, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += np.einsum("na,hwba->nbhw", x[:, :, i, j], weight)
    return biased(y[:, :, 1:-1, 1:-1], v[f"{name}/bias"])


def downscaling_conv(x: np.ndarray, v: Variables, name: str) -> np.ndarray:
    weight = spread(scaled(v[f"{name}/weight"], np.sqrt(2), 9 * x.shape[1])) / 4
    return biased(correlate(x, weight, 1, 1, stride=2), v[f"{name}/bias"])


def faded(here: np.ndarray, below: np.ndarray, weight: float) -> np.ndarray:
    return here + (below - here) * np.clip(weight, 0, 1)


def generator(v: Variables, latents: np.ndarray, lod: float, top: int) -> np.ndarray:
    """Images [n, 3, r, r] of latents [n, latent_size], whatever the lod at the full resolution, r = 2**top."""
    x = pixel_norm(latents.astype(np.float64))
    inputs, bias = x.shape[1], v["4x4/Dense/bias"]
    x = x @ scaled(v["4x4/Dense/weight"], np.sqrt(2) / 4, inputs)
    x = pixel_norm(lrelu(biased(x.reshape(len(x), -1, 4, 4), bias)))
    x = pixel_norm(lrelu(conv(x, v, "4x4/Conv")))
    images = conv(x, v, f"ToRGB_lod{top - 2}", 1)
    for level in range(3, top + 1):
        name = f"{2**level}x{2**level}"
        x = upscaling_conv(x, v, f"{name}/Conv0_up") if f"{name}/Conv0_up/weight" in v else conv(upscale(x), v, f"{name}/Conv0")
        x = pixel_norm(lrelu(conv(pixel_norm(lrelu(x)), v, f"{name}/Conv1")))
        images = faded(conv(x, v, f"ToRGB_lod{top - level}", 1), upscale(images), lod - (top - level))
    return images


def discriminator(v: Variables, images: np.ndarray, lod: float, top: int) -> np.ndarray:
    """Scores [n] of images [n, 3, r, r] at the full resolution."""
    images = images.astype(np.float64)
    x = lrelu(conv(images, v, "FromRGB_lod0"))
    for level in range(top, 2, -1):
        name = f"{2**level}x{2**level}"
        x = lrelu(conv(x, v, f"{name}/Conv0"))
        if f"{name}/Conv1_down/weight" in v:
            x = lrelu(downscaling_conv(x, v, f"{name}/Conv1_down"))
        else:
            x = downscale(lrelu(conv(x, v, f"{name}/Conv1")))
        images = downscale(images)
        x = faded(x, lrelu(conv(images, v, f"FromRGB_lod{top - level + 1}")), lod - (top - level))
    groups = x.reshape(4, -1, *x.shape[1:])
    deviation = np.sqrt(groups.var(axis=0) + 1e-8).mean(axis=(1, 2, 3))  # [n / 4]
    x = np.concatenate([x, np.tile(deviation, 4)[:, None, None, None] * np.ones((len(x), 1, 4, 4))], axis=1)
    x = lrelu(dense(lrelu(conv(x, v, "4x4/Conv")), v, "4x4/Dense0"))
    return dense(x, v, "4x4/Dense1", 1)[:, 0]
