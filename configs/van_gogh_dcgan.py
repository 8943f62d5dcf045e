"""The Van Goghs of `configs/van_gogh.py` by a DCGAN of the paper's size, at 64 px.

    python -m gan_jax study --config=configs/van_gogh_dcgan.py --workdir=runs/van_gogh_dcgan \\
        --config.collection.images=$V/van_gogh_images --config.collection.table=$V/van_gogh_data.txt
"""

from ml_collections import ConfigDict

from gan_jax.default_config import get_config as get_default
from gan_jax.demo_config import with_ways


def get_config() -> ConfigDict:
    config = with_ways(get_default())
    config.collection.source = "folder"
    config.collection.resolution = 64
    config.collection.periods.early = "..1885"
    config.collection.periods.late = "1888.."

    config.model.latent_size = 100
    config.model.width = 64

    training = config.training
    training.batch_size = 64
    # So few paintings are soon known by heart. A discriminator that learns more slowly holds that back, and augmentation that gets stronger
    # with it; with falling rates, pictures get better to the end of the schedule.
    training.learning_rate = 0.0005
    training.learning_rate_decay = 0.3
    training.discriminator_rate = 0.5
    training.augment = "adaptive"
    training.augment_kinds = ("colour", "translation", "cutout")  # zooming takes the finest strokes away
    training.augment_colour = 0.4
    training.total_kimg = 1500.0
    training.paintings_detail = 2
    training.paintings_spread = 0.1
    training.log_every_kimg = 10.0
    training.sample_every_kimg = 200.0
    training.checkpoint_every_kimg = 200.0
    return config
