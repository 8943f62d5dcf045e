"""Opens a generator from one string."""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from gan_jax import files
from gan_jax.errors import UserError
from gan_jax.models import networks
from gan_jax.models.generator import Generator
from gan_jax.training import loop
from gan_jax.training.checkpoints import Checkpoints
from gan_jax.training.step import init_state


def open_generator(source: str | pathlib.Path) -> Generator:
    """The generator of a trained study, from its workdir: the averaged one of the latest checkpoint.

    Raises UserError where there is none.
    """
    workdir = pathlib.Path(source)
    if not (workdir / "config.json").is_file():
        raise UserError(f"{source}: not the workdir of a study (it has no config.json)")
    if not (workdir / "checkpoints").is_dir():
        raise UserError(f"{source}: no checkpoint here; `train` makes one")
    config = ConfigDict(files.read_json(workdir / "config.json")["config"])
    resolution = config.collection.resolution
    network, discriminator = networks.build(config.model, resolution, loop.compute_dtype(config.training.precision))
    with Checkpoints(workdir / "checkpoints") as checkpoints:
        latest = checkpoints.latest()
        if latest is None:
            raise UserError(f"{workdir / 'checkpoints'}: no checkpoint here; `train` makes one")
        about = checkpoints.about(latest)
        placement = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
        like = jax.eval_shape(lambda: init_state(network, discriminator, networks.full_level(resolution), 0))
        like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=placement), like)
        state = checkpoints.restore(latest, like)
    level, alpha = about["level"], np.float32(about["alpha"])

    def apply(variables, latents: Array) -> Array:
        return network.apply(variables, latents, level=level, alpha=jnp.asarray(alpha))

    params = {"params": state.ema_params, **({"batch_stats": state.ema_stats} if state.ema_stats else {})}
    return Generator(str(source), config.model.latent_size, 2**level, params, apply)
