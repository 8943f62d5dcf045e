"""The built-in painter's landscapes at 32 px by a small DCGAN (width 32, latents 64): what is done where no config is named.

The network knows the year, and every painting trained on has latents of its own: see "The way between" in docs/training.md.
"""

from ml_collections import ConfigDict

from gan_jax.default_config import get_config as get_default


def get_config() -> ConfigDict:
    config = with_ways(get_default())
    config.model.smooth = True
    # Half as many paintings a step as on a GPU, and of less weight: few images are seen here.
    config.training.paintings = 3.0
    config.training.paintings_batch = 16
    return config


def with_ways(config: ConfigDict) -> ConfigDict:
    """Makes a config's networks learn the ways between paintings beside samples; returns it."""
    config.model.year = True
    config.training.paintings = 10.0
    # Where ways are learnt, a tuned generator paints their ends alone: nothing else has to stay as it was.
    config.tuning.locality = 0.0
    return config
