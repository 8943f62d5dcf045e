"""Squares, as networks have them, back into the shapes of the paintings that they stand for."""

from typing import Any

import numpy as np
from PIL import Image

FITS = ("crop", "pad", "squash")  # how paintings become squares
MAT = 255  # around an image that does not fill its square


def in_own_shape(image: np.ndarray, aspect: float, fit: str) -> np.ndarray:
    """Returns a square image uint8 [r, r, 3] as uint8 [h, w, 3], w / h being the aspect of its painting and the longer of them r.

    `fit` says how paintings became squares: what was squashed is pulled straight, bars that were added are cut off, and of what was cropped
    the rest is gone.
    """
    size = len(image)
    if fit == "crop":
        return image
    width, height = (max(1, round(size * side / max(1.0, aspect))) for side in (aspect, 1.0))
    if fit == "squash":
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))
    left, top = (size - width) // 2, (size - height) // 2
    return image[top : top + height, left : left + width]


class Matted:
    """Images [..., r, r, 3] that look like an array of them, each in its own shape on a mat; made when they are asked for."""

    def __init__(self, images: np.ndarray, aspects: np.ndarray, fit: str):
        """`aspects` [...], width over height of the paintings that the images stand for."""
        self._images, self._aspects, self._fit = images, aspects, fit
        self.shape, self.dtype = images.shape, images.dtype

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, key: Any) -> np.ndarray:
        """`key` chooses among the images, not within them."""
        chosen, aspects = np.array(self._images[key]), np.asarray(self._aspects[key])
        flat = chosen.reshape(-1, *chosen.shape[-3:])
        for image, aspect in zip(flat, aspects.ravel()):
            own = in_own_shape(image.copy(), float(aspect), self._fit)
            height, width, _ = own.shape
            top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
            image[:] = MAT
            image[top : top + height, left : left + width] = own
        return flat.reshape(chosen.shape)


def matted(images: np.ndarray, aspects: np.ndarray, fit: str) -> Any:
    """Returns the images themselves where they were cropped, else `Matted`."""
    return images if fit == "crop" else Matted(images, aspects, fit)


def between(early: np.ndarray, late: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Returns aspects [p, T] on the way from those of early paintings [p] to those of late ones."""
    return np.exp((1 - t) * np.log(early)[:, None] + t * np.log(late)[:, None])
