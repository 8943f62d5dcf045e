"""The 776 dated Van Goghs of a public repository: early to 1885, late from 1888, and 1886-87 held out to judge by.

    git clone --depth 1 https://github.com/culturevis/imageplot
    V=imageplot/sample_files/van_gogh
    python -m gan_jax study --config=configs/van_gogh.py --workdir=runs/van_gogh \\
        --config.collection.images=$V/van_gogh_images --config.collection.table=$V/van_gogh_data.txt

A Progressive GAN at 128 px with half the paper's channels, made for ten minutes on one large GPU; `configs/van_gogh.py:resolution=32`
is a small one for a CPU. Expect the palette and the composition of landscapes, still lifes and heads, not their drawing: a few hundred
pictures and a few minutes are little for a GAN.
"""

from ml_collections import ConfigDict

from gan_jax.default_config import get_config as get_default


def get_config(argument: str = "resolution=128") -> ConfigDict:
    """`argument`: resolution=R. Up to 32 px the networks are small and the schedule is short."""
    config = get_default()
    resolution = int(argument.removeprefix("resolution="))
    small = resolution <= 32
    config.collection.source = "folder"
    config.collection.resolution = resolution
    config.collection.periods.early = "..1885"
    config.collection.periods.late = "1888.."

    config.model.name = "pggan"
    config.model.latent_size = 64 if small else 256
    config.model.fmap_base = 256 if small else 4096
    config.model.fmap_max = 48 if small else 256

    training = config.training
    # A few hundred works fill each resolution quickly, and most of what is seen should be at the last.
    training.first_resolution = 8 if small else 16
    training.stable_kimg = 4.0 if small else 30.0
    training.fade_kimg = 4.0 if small else 30.0
    training.total_kimg = 40.0 if small else 400.0
    training.batch_size = 16 if small else 64
    training.loss = "wgan-gp"
    training.learning_rate = 0.001
    training.adam_b1 = 0.0
    training.adam_b2 = 0.99
    if not small:
        training.log_every_kimg = 5.0
        training.sample_every_kimg = 50.0
        training.checkpoint_every_kimg = 100.0
    return config
