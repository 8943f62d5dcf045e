"""The built-in painter's landscapes at 32 px by a small DCGAN (width 32, latents 64): the default config, and what `launch/demo.sh` runs.

Less than six minutes on two CPU cores, most of it training. Expect recognisable fields, trees and suns, grey-brown early ones and bright
late ones, and morphs in which the palette turns with the year.

    python -m gan_jax study --config=configs/demo.py --workdir=runs/demo
    python -m gan_jax study --config=configs/demo.py --workdir=runs/longer --config.training.total_kimg=500
"""

from gan_jax.demo_config import get_config

__all__ = ["get_config"]
