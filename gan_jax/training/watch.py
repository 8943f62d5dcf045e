"""What is measured of a generator's images while it trains."""

from collections.abc import Callable

import numpy as np

from gan_jax.metrics import kid, ms_ssim
from gan_jax.metrics.copies import Copies
from gan_jax.metrics.features import Standardiser
from gan_jax.metrics.image_set import MINIMUM
from gan_jax.pictures import shrunk

PAIRS = 100  # of samples, for their diversity
SIDE = 64  # pixels, at most, at which pairs are compared: training waits meanwhile
SEED = 0


class Watch:
    """Puts images beside the paintings that are trained on, and beside those held out.

    The held-out paintings are of other years, so their distance does not fall to zero; it rises where the network only repeats what it has
    seen. `paintings` and `held_out` are uint8 [n, r, r, 3]; `extract` measures images as features [n, d].
    """

    def __init__(self, paintings: np.ndarray, held_out: np.ndarray, extract: Callable[[np.ndarray], np.ndarray]):
        self._paintings, self._extract = paintings, extract
        features = extract(paintings)
        self._standardise = Standardiser.fit(features)
        self._training = self._standardise(features)
        self._held_out = self._standardise(extract(held_out)) if len(held_out) >= MINIMUM else None
        self._copies = Copies(paintings)

    def __call__(self, images: np.ndarray) -> dict[str, float]:
        """Returns figures of generated images uint8 [n, r, r, 3]:

        kid_training, kid_held_out: distances to both sets of paintings; the second is missing where too few are held out.
        diversity: 1 less the mean MS-SSIM of random pairs.
        copies: part of the images that are near copies of training paintings.
        nearest: median distance to the nearest training painting: 1 less the correlation of light and dark.
        """
        points = self._standardise(self._extract(images))
        figures = {"kid_training": kid.estimate(points, self._training)}
        if self._held_out is not None:
            figures["kid_held_out"] = kid.estimate(points, self._held_out)
        figures["diversity"] = 1 - ms_ssim.diversity(shrunk(images, SIDE) * 255, PAIRS, SEED).value
        found = self._copies(images)
        figures["copies"] = float(self._copies.near(found).mean())
        figures["nearest"] = float(np.median(found.distance))
        return figures

    def distance(self, images: np.ndarray) -> float:
        """Returns `kid_training` of images uint8 [n, r, r, 3] alone."""
        return kid.estimate(self._standardise(self._extract(images)), self._training)

    def nearest(self, images: np.ndarray) -> np.ndarray:
        """Returns the training paintings that are most like images uint8 [n, r, r, 3]: as many paintings."""
        return self._paintings[self._copies(images).painting]
