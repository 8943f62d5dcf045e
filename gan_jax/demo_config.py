"""The built-in painter's landscapes at 32 px by a small DCGAN (width 32, latents 64): what is done where no config is named.

The network knows the year, and every painting trained on has latents of its own: docs/between.md.
"""

from ml_collections import ConfigDict

from gan_jax.default_config import get_config as get_default

LARGE = 64  # channels next to the image


def get_config(width: int = 32) -> ConfigDict:
    """Makes the config with so many channels next to the image. From `LARGE` of them on it is for a GPU, and sees ten times as much."""
    config = with_ways(get_default())
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
    if width >= LARGE:
        # With few images a falling rate and spread latents make ways worse here; with so many these three are the best that was tried.
        config.model.excitation = True
        config.training.batch_size = 64
        config.training.learning_rate_decay = 0.3
        config.training.paintings_spread = 0.1
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
