"""Which paintings are of one motif, and so are seen or left out together."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse.csgraph import connected_components

from gan_jax.metrics.alignment import Compositions

# Of light and dark, from which on two images are of one motif. Copies that are mirrored, moved by two pixels, cropped by an eighth or
# tinted are at 0.99 and more; of 65,000 couples of the built-in painter's paintings, which share their motifs, one is above this.
ALIKE = 0.95


def motifs(images: np.ndarray, titles: Sequence[str]) -> np.ndarray:
    """Returns a number for each painting [n] of uint8 [n, r, r, 3]: the same for paintings of one title, and for near copies (see
    `alignment`)."""
    names = np.array([title.strip().casefold() or f"\0{i}" for i, title in enumerate(titles)])
    alike = Compositions(images).likeness(images) > ALIKE
    # A copy that is cropped shows a part of the painting, but the painting no part of it.
    return connected_components(alike | alike.T | (names[:, None] == names[None]), directed=False)[1]
