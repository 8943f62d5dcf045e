"""Progressive GAN as published: Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation", ICLR 2018.

The settings are those of the authors' code (tkarras/progressive_growing_of_gans, `config.py`, `train.py` and `loss.py`), with its
presets for 1, 2, 4 and 8 devices: 600 thousand images fading in and 600 thousand stable for each resolution from 4 px on, 12 million in
all, WGAN-GP with drift, Adam (0, 0.99), an average of 0.999 a step. `python -m gan_jax benchmark` says how long that takes on a machine;
their own 1024 px took two weeks to a month on a V100, and its FID was 7.3 on CelebA-HQ.

    python -m gan_jax study --config=configs/pggan.py:resolution=128 --workdir=runs/pggan \\
        --config.collection.source=folder --config.collection.images=IMAGES --config.collection.table=TABLE
    python -m gan_jax train --config=configs/pggan.py:resolution=1024,devices=8 --workdir=runs/large
"""

from ml_collections import ConfigDict

from gan_jax.default_config import arguments, by_resolution
from gan_jax.default_config import get_config as get_default

# By devices: the batch over all of them at resolutions that have none of their own, those that have, and learning rates above 0.001.
PRESETS = {
    1: (4, dict(r4=128, r8=128, r16=128, r32=64, r64=32, r128=16, r256=8), dict(r1024=0.0015)),
    2: (8, dict(r4=256, r8=256, r16=128, r32=64, r64=32, r128=16), dict(r512=0.0015, r1024=0.002)),
    4: (16, dict(r4=512, r8=256, r16=128, r32=64, r64=32), dict(r256=0.0015, r512=0.002, r1024=0.003)),
    8: (32, dict(r4=512, r8=256, r16=128, r32=64), dict(r128=0.0015, r256=0.002, r512=0.003, r1024=0.003)),
}


def get_config(argument: str = "") -> ConfigDict:
    """`argument`: resolution=R, a power of two from 16 to 1024, and devices=N, the preset to take: 1, 2, 4 or 8."""
    resolution, devices = arguments(argument, resolution=128, devices=1)
    if devices not in PRESETS:
        raise ValueError(f"devices={devices}: there are presets for {sorted(PRESETS)}")
    batch_size, batch_sizes, learning_rates = PRESETS[devices]
    config = get_default()
    config.collection.resolution = resolution

    config.model.name = "pggan"
    config.model.latent_size = 512

    training = config.training
    training.total_kimg = 12000.0
    training.stable_kimg = 600.0
    training.fade_kimg = 600.0
    training.loss = "wgan-gp"
    training.fresh_latents = True
    training.batch_size = batch_size
    training.batch_size_by_resolution = by_resolution(**batch_sizes)
    training.learning_rate = 0.001
    training.learning_rate_by_resolution = by_resolution(0.0, **learning_rates)
    training.adam_b1 = 0.0
    training.adam_b2 = 0.99
    training.ema_decay = 0.999
    training.log_every_kimg = 10.0
    training.sample_every_kimg = 100.0
    training.checkpoint_every_kimg = 250.0
    return config
