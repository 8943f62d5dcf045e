"""Opens a generator from one string."""

import pathlib

from gan_jax import hub
from gan_jax.models import networks
from gan_jax.models.generator import Apply, Critic, Features, First, Generator
from gan_jax.training.trained import read_trained


def open_generator(source: str | pathlib.Path, precision: str = "auto") -> Generator:
    """Returns the averaged generator of a trained study, from its workdir; or of a file of the Progressive GAN authors' pretrained
    networks; or a module of TF-Hub, from its address or a folder.

    `precision` is that of our own networks' convolutions, as in `config.training.precision`. Raises UserError where there is none.
    """
    if hub.is_module(str(source)):
        return hub.open_module(str(source))
    found = read_trained(source, networks.compute_dtype(precision))
    network, grown = found.generator, (found.level, found.alpha)
    critic = networks.variables(found.discriminator_params, found.discriminator_stats)
    return Generator(
        str(source),
        network.latent_size + network.label_size,
        2**found.level,
        networks.variables(found.generator_params, found.generator_stats),
        Apply(network, *grown),
        network.label_size,
        found.years,
        found.painting_latents,
        Critic(critic, Features(found.discriminator, *grown)),
        first=First(network, *grown),
    )
