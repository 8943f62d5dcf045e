"""Opens a generator from one string."""

import pathlib

import jax.numpy as jnp
import numpy as np
from jax import Array

from gan_jax.models import networks
from gan_jax.models.generator import Generator
from gan_jax.training import loop
from gan_jax.training.trained import read_trained


def open_generator(source: str | pathlib.Path, precision: str = "auto") -> Generator:
    """The averaged generator of a trained study, from its workdir, or of a file of the Progressive GAN authors' pretrained networks.

    `precision` is that of its convolutions, as in `config.training.precision`. Raises UserError where there is none.
    """
    found = read_trained(source, loop.compute_dtype(precision))
    network, level, alpha = found.generator, found.level, np.float32(found.alpha)

    def apply(variables, latents: Array) -> Array:
        return network.apply(variables, latents, level=level, alpha=jnp.asarray(alpha))

    params = networks.variables(found.generator_params, found.generator_stats)
    return Generator(str(source), network.latent_size + network.label_size, 2**level, params, apply, network.label_size)
