"""The 776 dated Van Goghs of a public repository: early to 1885, late from 1888, and 1886-87 held out to judge by.

    git clone --depth 1 https://github.com/culturevis/imageplot
    V=imageplot/sample_files/van_gogh
    python -m gan_jax study --config=configs/van_gogh.py --workdir=runs/van_gogh \\
        --config.collection.images=$V/van_gogh_images --config.collection.table=$V/van_gogh_data.txt

A DCGAN of the paper's widths at 128 px, for minutes on one large GPU; `configs/van_gogh.py:resolution=32` is the demo's small one, for a
CPU; `configs/van_gogh.py:batch=128` fills a TPU's tiles and sees twice as many images. All know the year, and have latents for every
painting: docs/between.md. Expect paintings that can still be recognised a quarter of the way to another one, and between them fields,
orchards, houses and heads in his palettes and strokes; forms of samples are loose, faces are masks, and hands are not to be looked at.
"""

from ml_collections import ConfigDict

from gan_jax.default_config import arguments
from gan_jax.default_config import get_config as get_default
from gan_jax.demo_config import get_config as get_demo
from gan_jax.demo_config import with_ways


def get_config(argument: str = "") -> ConfigDict:
    """`argument`: resolution=R, 128 if none is given; and from 64 px on batch=N, 64 if none is, with as many steps as that has."""
    resolution, batch = arguments(argument, resolution=128, batch=64)
    config = with_ways(get_default()) if resolution > 32 else get_demo()
    config.collection.source = "folder"
    config.collection.resolution = resolution
    config.collection.periods.early = "..1885"
    config.collection.periods.late = "1888.."

    training = config.training
    if resolution <= 32:
        training.total_kimg = 200.0
        return config

    config.model.latent_size = 100
    config.model.width = 64

    # The paper's loss and batch norm. What helps most, over seeds: a discriminator that looks for forms (it smooths) and for strokes
    # wherever they are (it sees local contrast), with a generator that can follow; noise in its finest layers, for the grain of paintings;
    # coarse layers that weigh the channels of fine ones; and paintings' latents that are kept spread. The paintings are known by heart
    # after some hundred views of each; augmentation that gets stronger with that holds it back. The discriminator learns the more slowly,
    # the stronger the augmentation is: samples were nearer with that (docs/tried.md). Forms come from a second discriminator, which looks
    # through a network that knows photographs, at 192 px, not much less than it learnt at. By that network paintings are compared with
    # their reconstructions too, and these weigh more than usual: a way begins and ends with what can be recognised as the two paintings.
    # Samples and ways get nearer the more steps there are, up to the most that were tried, so steps are made short: the second
    # discriminator sees half of a step's images, fewer paintings are compared in each, and all networks learn at twice the paper's rate.
    # Which checkpoint is the best one differs between runs: there is one to choose after every 50,000 images. A fifth of the changes of
    # contrast and saturation: at full strength they end up in the images, some of which are flooded with one bright colour.
    config.model.excitation = True
    config.model.convolutions = 2
    config.model.smooth = True
    config.model.smooth_discriminator = True
    config.model.local_contrast = True
    config.model.noise = True
    config.model.noise_from = 64
    training.discriminator_slowing = 0.75
    training.projected_discriminator = 1.0
    training.projected_resolution = 192
    training.projected_share = 0.5
    training.learning_rate = 0.0004
    training.augment = "adaptive"
    training.augment_colour = 0.2
    training.batch_size = batch
    training.paintings = 30.0
    training.paintings_forms = 0.3
    training.paintings_batch = max(batch // 4, 1)
    training.paintings_spread = 0.1
    training.total_kimg = 500.0 * batch / 64
    training.log_every_kimg = 10.0
    training.sample_every_kimg = 50.0
    training.checkpoint_every_kimg = 50.0

    config.inversion.steps = 300
    config.inversion.restarts = 4
    config.tuning.pairs = 12
    config.tuning.steps = 600
    config.tuning.pixels = 5.0
    return config
