"""The built-in painter's landscapes at 32 px by a small DCGAN (width 32, latents 64): the default config, and what `launch/demo.sh` runs.

Minutes on two CPU cores, most of it training. Expect recognisable fields, trees and suns, grey-brown early ones and bright late ones, and
morphs in which the palette turns with the year.

    python -m gan_jax study --config=configs/demo.py --workdir=runs/demo
    python -m gan_jax study --config=configs/demo.py --workdir=runs/longer --config.training.total_kimg=500

Two larger ones are for a GPU, in minutes too (docs/between.md). `configs/demo.py:resolution=64` has twice the pixels a side, and looks
through a network that knows photographs: what it painted on the way was nearer to the years between than a cross-fade.
`configs/demo.py:width=64` stays at 32 px, with twice the channels and ten times the images: samples are nearest to the paintings, and the
way was as near as a cross-fade in two of three.
"""

from ml_collections import ConfigDict

from gan_jax.default_config import arguments
from gan_jax.demo_config import get_config as get_demo


def get_config(argument: str = "") -> ConfigDict:
    """`argument`: resolution=R, pixels a side, and width=N, the channels next to the image; 32 if none is given, a GPU's from 64 on."""
    return get_demo(*arguments(argument, resolution=32, width=32))
