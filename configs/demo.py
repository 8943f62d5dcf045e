"""The built-in painter's landscapes at 32 px by a small DCGAN (width 32, latents 64): the default config, and what `launch/demo.sh` runs.

Minutes on two CPU cores, most of it training. Expect recognisable fields, trees and suns, grey-brown early ones and bright late ones, and
morphs in which the palette turns with the year.

    python -m gan_jax study --config=configs/demo.py --workdir=runs/demo
    python -m gan_jax study --config=configs/demo.py --workdir=runs/longer --config.training.total_kimg=500

`configs/demo.py:width=64` is for a GPU, with twice the channels and ten times the images, in minutes too: its samples can hardly be told
from the paintings, and what it paints on the way is about as near to the years between as a cross-fade is (docs/between.md).
"""

from ml_collections import ConfigDict

from gan_jax.default_config import arguments
from gan_jax.demo_config import get_config as get_demo


def get_config(argument: str = "") -> ConfigDict:
    """`argument`: width=N, the channels next to the image, 32 if none is given; from 64 on it is for a GPU."""
    return get_demo(*arguments(argument, width=32))
