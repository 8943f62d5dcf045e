"""The Van Goghs of `configs/van_gogh.py` by a Progressive GAN at 128 px, with half the paper's channels.

    python -m gan_jax study --config=configs/van_gogh_pggan.py --workdir=runs/van_gogh_pggan \\
        --config.collection.images=$V/van_gogh_images --config.collection.table=$V/van_gogh_data.txt

Made for five minutes on one large GPU. It knows the year and has latents for every painting, as that config has: docs/between.md. Expect
his palettes and brushwork. On ways between paintings landscapes keep together; samples are patches, and heads that are hardly heads. The
DCGAN gets nearer to the paintings in less time, and paints more that one can recognise.
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
    # The discriminator's rate is the generator's, and falls as augmentation gets stronger. At 1.5 times that rate it won: samples were less
    # varied, ways worse (docs/tried.md).
    training.discriminator_slowing = 0.75
    # As in `configs/van_gogh.py` a second discriminator looks for forms through a network that knows photographs, at 224 px, the size which
    # that network learnt at. Paintings are compared with their reconstructions by that network too, and weigh more than by default. The
    # second discriminator's weights begin at about 0.02, so its rate is lower.
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
