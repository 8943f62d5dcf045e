"""The images of a level on the devices: all of them where they fit, else a block at a time.

A block is drawn from while so many images are seen as it holds, and the next one is read meanwhile. Blocks follow each other in one
endless sequence, in which every image comes once a round and each round has an order of its own: which block it is, and what is in it,
is a function of the seed and the images seen, so that a training that was stopped goes on with the same ones. Each process reads its own.
"""

import dataclasses
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np

from gan_jax.training import batches
from gan_jax.training.state import Data

SHARE = 0.25  # of a device's memory, for images
CHUNK = 256  # images that are read and reduced at once
MOST = 1 << 16  # images of a block, whatever its resolution: the first one has to be read before anything begins


class Images(Protocol):
    """uint8 [n, r, r, 3], of which parts are read: an array, one that is memory-mapped, or some rows of one."""

    shape: tuple[int, ...]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray: ...


class Rows:
    """Some rows of an array, which stays where it is."""

    def __init__(self, images: np.ndarray, rows: np.ndarray):
        self._images, self._rows = images, rows
        self.shape = (len(rows), *images.shape[1:])

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self._images[self._rows[rows]]


def read(images: Images, rows: np.ndarray, resolution: int) -> np.ndarray:
    """Returns uint8 [m, resolution, resolution, 3]: rows [m] of images, box-filtered."""
    made = np.empty((len(rows), resolution, resolution, 3), np.uint8)
    order = np.argsort(rows, kind="stable")  # as they lie on a disk
    for first in range(0, len(rows), CHUNK):
        part = order[first : first + CHUNK]
        made[part] = batches.at_resolution(np.asarray(images[rows[part]]), resolution)
    return made


def budget(gib: float, memory: int | None) -> int:
    """Returns bytes of images that may lie on a device: `gib`, or with 0 a share of its `memory`; of a CPU's, that of the machine."""
    if gib:
        return int(gib * 2**30)
    return int(SHARE * (memory or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")))


@dataclasses.dataclass(frozen=True)
class Blocks:
    """Says which images lie on the devices when: a function of the seed and the images seen."""

    images: int  # all of them
    size: int  # images of a block
    span: int  # images seen from one block to the next; 0: there is one, which has all
    seed: int
    process: int = 0  # which one this is, of those that read
    processes: int = 1

    @classmethod
    def of(cls, shape: tuple[int, int], resolution: int, bytes_there: int, seed: int, process: int = 0, processes: int = 1) -> "Blocks":
        """Returns the blocks of a level.

        Args:
          shape: of all images at their full resolution, [n, r].
          resolution: of the level.
          bytes_there: how much may lie on each device.
        """
        n, full = shape
        each = 3 * resolution**2
        if n * each <= bytes_there:
            return cls(n, n, 0, seed, process, processes)
        size = max(1, min(n, MOST, bytes_there // (2 * each)))  # while the next one comes there are two
        # Lower levels are faster and as much has to be read for an image of theirs: they keep a block for longer.
        return cls(n, size, size * (full // resolution) ** 2 if size < n else 0, seed, process, processes)

    def at(self, seen: int) -> int:
        """Returns the block that is drawn from when so many images have been seen."""
        return seen // self.span if self.span else 0

    def rows(self, k: int) -> np.ndarray:
        """Returns which images block k of this process has, [size]."""
        n = self.images
        if not self.span:
            return np.arange(n)
        first = (k * self.processes + self.process) * self.size
        rounds = range(first // n, (first + self.size - 1) // n + 1)
        orders = np.concatenate([np.random.default_rng([self.seed, each]).permutation(n) for each in rounds])
        return orders[first - rounds[0] * n :][: self.size]


class Stream:
    """The images of one level and their labels, as they lie on the devices; the next block is read while one is drawn from."""

    def __init__(
        self,
        images: Images,
        labels: np.ndarray,
        resolution: int,
        blocks: Blocks,
        begin: int,
        place: Callable[[Any], Any],
        frozen: Mapping[str, Any] | None = None,
    ):
        """Places what is needed first.

        Args:
          images: all of them, at their full resolution.
          labels: float32 [n, label_size].
          resolution: of the level.
          begin: images that will have been seen.
          place: puts a tree of arrays onto the devices.
          frozen: what a projected discriminator looks through.
        """
        self._images, self._labels, self._resolution, self._blocks, self._place = images, labels, resolution, blocks, place
        self._seed, self._frozen = place((np.int32(blocks.seed), frozen or {}))
        self._thread = ThreadPoolExecutor(1, "read")
        self._k = blocks.at(begin)
        self.here = self._read(self._k)
        self._next: Future[Data] | None = self._thread.submit(self._read, self._k + 1) if blocks.span else None

    def __call__(self, seen: int) -> Data:
        """Returns what a step is to draw from when so many images have been seen."""
        k = self._blocks.at(seen)
        if k != self._k:
            self.here = self._next.result() if self._next and k == self._k + 1 else self._read(k)
            self._k, self._next = k, self._thread.submit(self._read, k + 1)
        return self.here

    def _read(self, k: int) -> Data:
        rows = self._blocks.rows(k)
        images, labels = self._place((read(self._images, rows, self._resolution), self._labels[rows]))
        return Data(images, labels, self._seed, self._frozen)
