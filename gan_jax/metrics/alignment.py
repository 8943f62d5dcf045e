"""How alike the composition of two images is, whatever their colours and contrast, mirrored or not, a little moved or cropped.

Of an image its middle is taken, and looked for in the other one: at every place some pixels either way, at three sizes, and mirrored.
Compared is light and dark with the mean and the contrast taken out, so that an image without any is like nothing.
"""

import functools

import numpy as np

from gan_jax.pictures import shrunk

BASE = 32  # pixels of the images that are looked at, at most
PART = 0.75  # of a side: the middle that is looked for
CELLS = 12  # a side, of the middle
MOVED = 2  # pixels of the base, either way
ZOOMS = (1.0, 0.94, 0.88)  # parts of a side that a copy may show
WEAK = 0.02  # standard deviation of a colour, of 1, below which it is not made stronger
FLAT = 0.1  # standard deviation of light and dark, of about 1, below which there is no composition


class Compositions:
    """Compares images with paintings, uint8 [n, r, r, 3]."""

    def __init__(self, paintings: np.ndarray):
        self._light = _light(paintings)

    def __len__(self) -> int:
        return len(self._light)

    def likeness(self, images: np.ndarray) -> np.ndarray:
        """Correlates the light and dark of images uint8 [m, r, r, 3] with that of each painting, where they lie best: [m, n], 0 to 1."""
        light = _light(images)
        side = light.shape[1]
        middle = _normalised(_cut(light, side, 1.0, 0, 0))
        best = np.zeros((len(images), len(self._light)), np.float32)
        for paintings in (self._light, self._light[:, :, ::-1]):
            for zoom in ZOOMS:
                for down in range(-MOVED, MOVED + 1):
                    for right in range(-MOVED, MOVED + 1):
                        np.maximum(best, middle @ _normalised(_cut(paintings, side, zoom, down, right)).T, out=best)
        return np.clip(best, 0, 1)


def upside_down(paintings: Compositions, images: np.ndarray) -> int:
    """Returns how many images uint8 [m, r, r, 3] are more like the paintings, in the mean over these, when they are turned over."""
    as_is, turned = (paintings.likeness(each).mean(axis=1) for each in (images, images[:, ::-1]))
    return int((turned > as_is).sum())


def _light(images: np.ndarray) -> np.ndarray:
    """Returns float32 [n, s, s], the mean of the three colours, each with its mean and contrast taken out: exchanged colours don't change
    it, nor does a tint. A colour that hardly varies stays as weak as it is."""
    colours = shrunk(images, BASE)
    colours = colours - colours.mean(axis=(1, 2), keepdims=True)
    return (colours / np.maximum(colours.std(axis=(1, 2), keepdims=True), WEAK)).mean(axis=3).astype(np.float32)


def _cut(light: np.ndarray, side: int, zoom: float, down: int, right: int) -> np.ndarray:
    """Returns the window [n, CELLS * CELLS] of images [n, side, side], `zoom` times the middle and moved by so many pixels."""
    rows, columns = (_cells(side, zoom, moved) for moved in (down, right))
    return np.matmul(rows, light @ columns.T).reshape(len(light), -1)


@functools.lru_cache(maxsize=256)
def _cells(side: int, zoom: float, moved: int) -> np.ndarray:
    """Returns [CELLS, side]: how much each pixel counts in the mean of each cell."""
    width = PART * zoom * side / CELLS
    starts = (side - CELLS * width) / 2 + moved + width * np.arange(CELLS)[:, None]
    pixels = np.arange(side)
    return (np.clip(np.minimum(starts + width, pixels + 1) - np.maximum(starts, pixels), 0, None) / width).astype(np.float32)


def _normalised(cells: np.ndarray) -> np.ndarray:
    """Returns [n, d] with the mean and the contrast taken out; nothing at all where there was none."""
    cells = cells - cells.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(cells, axis=1, keepdims=True)
    return np.where(lengths > FLAT * CELLS, cells / np.maximum(lengths, 1e-9), 0).astype(np.float32)
