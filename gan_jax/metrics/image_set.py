"""A set of images and what is measured of each."""

import dataclasses
from collections.abc import Callable

import numpy as np

MINIMUM = 8  # images a set: with fewer, an interval says little more than that there are few


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """Images beside their features: one cut of both is a set again."""

    images: np.ndarray  # uint8 [n, r, r, 3], or [n, T, r, r, 3] for frames
    features: np.ndarray  # float64 [n, d], or [n, T, d]

    def __post_init__(self) -> None:
        if self.images.ndim - 2 != self.features.ndim or self.images.shape[: self.features.ndim - 1] != self.features.shape[:-1]:
            raise ValueError(f"images {list(self.images.shape)} and features {list(self.features.shape)} are not of the same images")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, where) -> "ImageSet":
        return ImageSet(self.images[where], self.features[where])

    @classmethod
    def of(cls, images: np.ndarray, extract: Callable[[np.ndarray], np.ndarray]) -> "ImageSet":
        """Measures images uint8 [..., r, r, 3] by `extract`, which takes [n, r, r, 3] to [n, d]."""
        lead = images.shape[:-3]
        features = extract(images.reshape(-1, *images.shape[-3:]))
        return cls(images, features.reshape(*lead, features.shape[-1]))


def joined(*sets: ImageSet) -> ImageSet:
    return ImageSet(np.concatenate([one.images for one in sets]), np.concatenate([one.features for one in sets]))
