"""The built-in painter's landscapes by a DCGAN: at 32 px a small one (width 32, latents 64), what is done where no config is named.

The network knows the year, and every painting trained on has latents of its own: docs/between.md.
"""

from ml_collections import ConfigDict

from gan_jax.default_config import get_config as get_default

RESOLUTION, WIDTH = 64, 64  # pixels a side and channels next to the image, from which on a GPU is needed


def get_config(resolution: int = 32, width: int = 32) -> ConfigDict:
    """Makes the config at so many pixels a side, with so many channels next to the image; from `RESOLUTION` on with `WIDTH` or more."""
    config = with_ways(get_default())
    config.collection.resolution = resolution
    config.model.width = width
    config.model.smooth = True
    config.model.smooth_discriminator = True
    # At small sizes second convolutions bring more than the images that could be seen in the same time.
    config.model.convolutions = 2
    config.model.convolutions_up_to = 16
    # Half as many paintings a step as on a GPU, and of less weight: few images are seen here.
    config.training.paintings = 3.0
    config.training.paintings_batch = 16
    # So few paintings are known by heart before their brushwork is learnt; augmentation that gets stronger with that holds it back.
    config.training.augment = "adaptive"
    config.training.total_kimg = 200.0
    config.tuning.steps = 120
    config.tuning.statistics = 1.0
    config.tuning.pixels = 3.0
    if resolution >= RESOLUTION or width >= WIDTH:
        # With few images spread latents make ways worse here, and so does a falling rate at 32 px.
        config.model.width = max(width, WIDTH)
        config.training.batch_size = 64
        config.training.paintings_spread = 0.1
    if resolution >= RESOLUTION:
        # Strokes are seen at this size: second convolutions at all of them, and a discriminator that sees local contrast, which at 32 px
        # makes ways worse. A second one looks for forms through a network that knows photographs. Samples get no nearer to the paintings
        # after some hundred thousand images, so there are many looks.
        config.model.convolutions_up_to = 0
        config.model.local_contrast = True
        config.model.excitation = True
        config.training.projected_discriminator = 1.0
        config.training.total_kimg = 300.0
        config.training.log_every_kimg = 10.0
        config.training.sample_every_kimg = 50.0
        config.training.checkpoint_every_kimg = 50.0
    elif width >= WIDTH:
        config.training.learning_rate_decay = 0.3
        config.training.total_kimg = 2000.0
        config.training.log_every_kimg = 20.0
        config.training.sample_every_kimg = 200.0
        config.training.checkpoint_every_kimg = 400.0
    return config


def with_ways(config: ConfigDict) -> ConfigDict:
    """Makes a config's networks learn the ways between paintings beside samples; returns it."""
    config.model.year = True
    config.training.paintings = 10.0
    # Where ways are learnt, a tuned generator paints their ends alone: nothing else has to stay as it was.
    config.tuning.locality = 0.0
    config.tuning.optimizer = "muon"
    config.tuning.learning_rate = 0.003
    return config
