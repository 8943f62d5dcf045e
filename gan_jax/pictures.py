"""Images as the program has them into images as people see them."""

import math
import os

import imageio.v3 as iio
import numpy as np

from gan_jax import files


def to_uint8(images) -> np.ndarray:
    """Turns float [..., 3] in [-1, 1] into uint8; what lies outside is clipped. The inverse of `to_float`."""
    return np.clip(np.rint((np.asarray(images, np.float32) + 1) * 127.5), 0, 255).astype(np.uint8)


def to_float(images: np.ndarray) -> np.ndarray:
    """Converts uint8 [..., 3] to float32 in [-1, 1]."""
    return images.astype(np.float32) / 127.5 - 1


def whole_batches(each: np.ndarray, size: int) -> np.ndarray:
    """Returns images, or whatever else is taken `size` at a time, [n, ...], with the last one repeated until all batches are whole.

    A batch of another size would be another program to compile.
    """
    return np.concatenate([each, each[-1:].repeat(-len(each) % size, axis=0)])


def shrunk(images: np.ndarray, size: int) -> np.ndarray:
    """Returns uint8 [n, r, r, 3] box-filtered to at most `size` pixels a side, a divisor of r where r is larger: float64 in [0, 1]."""
    n, r = images.shape[:2]
    size = min(size, r)
    return images.reshape(n, size, r // size, size, r // size, 3).mean(axis=(2, 4)) / 255


def enlarged(images: np.ndarray, size: int) -> np.ndarray:
    """Returns [..., h, w, 3], each pixel a square of the smallest whole size that makes the height `size` or more."""
    times = max(1, math.ceil(size / images.shape[-3]))
    return images.repeat(times, axis=-3).repeat(times, axis=-2)


def grid(images: np.ndarray, columns: int = 0, gap: int = 2, background: int = 255) -> np.ndarray:
    """Puts uint8 [n, h, w, 3] into rows of `columns` (0: about as many as rows): uint8 [height, width, 3]."""
    n, h, w, _ = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, 3), background, np.uint8)
    for i, image in enumerate(images):
        y, x = i // columns * (h + gap), i % columns * (w + gap)
        sheet[y : y + h, x : x + w] = image
    return sheet


def write_png(path: os.PathLike | str, image: np.ndarray) -> None:
    """Writes uint8 [h, w, 3]."""
    with files.atomic_file(path) as temporary:
        # By way of memory: on a full disk imageio closes a file of its own twice, and the second error is a traceback.
        temporary.write_bytes(iio.imwrite("<bytes>", image, extension=".png"))
