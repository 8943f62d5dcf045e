"""The Van Goghs of `configs/van_gogh.py` by a Progressive GAN at 128 px, with half the paper's channels.

    python -m gan_jax study --config=configs/van_gogh_pggan.py --workdir=runs/van_gogh_pggan \\
        --config.collection.images=$V/van_gogh_images --config.collection.table=$V/van_gogh_data.txt

Made for five minutes on one large GPU. It knows the year and has latents for every painting, as that config has: docs/between.md. Expect
his palettes and brushwork, landscapes that keep together on the way from one to another, and from chance patches and heads that are hardly
heads; the DCGAN gets nearer to the paintings in less time, and paints more things that one knows.
"""

from ml_collections import ConfigDict

from gan_jax.default_config import get_config as get_default
from gan_jax.demo_config import with_ways


def get_config() -> ConfigDict:
    config = with_ways(get_default())
    config.collection.source = "folder"
    config.collection.resolution = 128
    config.collection.periods.early = "..1885"
    config.collection.periods.late = "1888.."

    model, training = config.model, config.training
    model.name = "pggan"
    model.latent_size = 256
    model.fmap_base = 4096
    model.fmap_max = 256
    # Without this, what is enlarged keeps a grid: few pictures don't teach their networks better.
    model.smooth = True
    # A discriminator as the DCGAN's: it is the paper's that keeps samples of few pictures alike.
    model.batch_norm = True
    model.local_contrast = True
    # Grain of its own for brushwork, which else is a tile repeated; in coarse layers it takes forms away.
    model.noise = True
    model.noise_from = 64

    # Few pictures: a loss without penalties, which batch norm takes the place of, and augmentation that gets stronger while the
    # discriminator knows its pictures by heart. Few steps: rates by which weights, which begin at about 1 here, move as much in a step as a
    # DCGAN's do.
    training.loss = "non-saturating"
    training.augment = "adaptive"
    training.augment_colour = 0.2
    training.learning_rate = 0.006
    # The discriminator is no faster than the generator, and the slower, the stronger the augmentation is. Else it wins: samples have fewer
    # patterns, and ways get worse.
    training.discriminator_slowing = 0.75
    # As in that config: it looks for forms through a network that knows photographs, at the size that this learnt at, which paintings are
    # compared with their reconstructions by, too; and these weigh more than by default. Its weights begin at about 0.02.
    training.projected_discriminator = 1.0
    training.projected_resolution = 224
    training.paintings = 30.0
    training.paintings_forms = 0.3
    training.projected_rate = 0.03
    training.adam_b1 = 0.5
    training.adam_b2 = 0.99
    training.batch_size = 64
    training.paintings_spread = 0.1
    # From the full size on: growing takes minutes that so short a training does not have.
    training.first_resolution = 128
    training.total_kimg = 250.0
    training.log_every_kimg = 5.0
    training.sample_every_kimg = 50.0
    training.checkpoint_every_kimg = 50.0

    config.inversion.steps = 300
    config.inversion.restarts = 4
    config.tuning.steps = 300
    return config
