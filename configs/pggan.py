"""Progressive GAN as published: Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation", ICLR 2018.

The settings are those of the authors' code for one GPU (tkarras/progressive_growing_of_gans, `config.py` and `train.py`): 600 thousand
images fading in and 600 thousand stable for each resolution from 4 px on, 12 million in all, WGAN-GP with drift, Adam (0, 0.99). Their
average keeps 0.999 a step; here its half-life is counted in images, 10 thousand, which is 0.999 at a batch of 16.

    python -m gan_jax study --config=configs/pggan.py:resolution=128 --workdir=runs/pggan \\
        --config.collection.source=folder --config.collection.images=IMAGES --config.collection.table=TABLE
"""

from ml_collections import ConfigDict

from gan_jax.default_config import by_resolution
from gan_jax.default_config import get_config as get_default


def get_config(argument: str = "resolution=128") -> ConfigDict:
    """`argument`: resolution=R, a power of two from 16 to 1024."""
    config = get_default()
    config.collection.resolution = int(argument.removeprefix("resolution="))

    config.model.name = "pggan"
    config.model.latent_size = 512

    training = config.training
    training.total_kimg = 12000.0
    training.loss = "wgan-gp"
    training.batch_size = 4
    training.batch_size_by_resolution = by_resolution(r4=128, r8=128, r16=128, r32=64, r64=32, r128=16, r256=8)
    training.learning_rate = 0.001
    training.learning_rate_by_resolution = by_resolution(0.0, r1024=0.0015)
    training.adam_b1 = 0.0
    training.adam_b2 = 0.99
    training.log_every_kimg = 10.0
    training.sample_every_kimg = 100.0
    training.checkpoint_every_kimg = 250.0
    return config
