"""DCGAN as published: Radford et al., "Unsupervised Representation Learning with Deep Convolutional GANs", ICLR 2016.

64 px, latents of 100, widths 64 to 512, Adam 2e-4 with beta1 0.5, batches of 128, the non-saturating loss (section 4); one set of
latents a step for both players, as in its authors' code (soumith/dcgan.torch). The paper sees each of its images a handful of times; the
length here is for some hundreds of paintings.

    python -m gan_jax study --config=configs/dcgan.py --workdir=runs/dcgan \\
        --config.collection.source=folder --config.collection.images=IMAGES --config.collection.table=TABLE
"""

from ml_collections import ConfigDict

from gan_jax.default_config import arguments
from gan_jax.default_config import get_config as get_default


def get_config(argument: str = "") -> ConfigDict:
    """`argument`: resolution=R, 32, 64 or 128; other sizes follow the same rule."""
    config = get_default()
    (config.collection.resolution,) = arguments(argument, resolution=64)

    config.model.latent_size = 100
    config.model.width = 64

    config.training.total_kimg = 2000.0
    config.training.batch_size = 128
    config.training.log_every_kimg = 10.0
    config.training.sample_every_kimg = 100.0
    config.training.checkpoint_every_kimg = 250.0
    return config
