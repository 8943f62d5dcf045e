"""What is measured of pictures while training: against sets of which it is known."""

import numpy as np
import pytest

from gan_jax.collection.painter import paint
from gan_jax.evaluation.features import texture
from gan_jax.evaluation.watch import Watch
