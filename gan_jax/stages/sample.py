import pathlib
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from gan_jax import files, keys, pictures
from gan_jax.errors import UserError
from gan_jax.models.generator import Generator
from gan_jax.progress import Progress
from gan_jax.stages.common import PERIODS, generator_of


def sample(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """samples/generated.npy and samples/final.png: images of random latents."""
    generator = generator_of(config, workdir)
    latents = generator.draw(keys.key(config.seed + 1), config.sampling.images, label_of(config.sampling.period, generator))
    with Progress("sample", len(latents)) as progress:
        images = generator.images(latents, count=progress.advance)
    files.write_array(workdir / "samples" / "generated.npy", images)
    pictures.write_png(workdir / "samples" / "final.png", pictures.grid(pictures.enlarged(images[:64], 64)))
    return f"{len(images)} images; {workdir / 'samples' / 'final.png'}"


def label_of(period: str, generator: Generator) -> int | None:
    """The label of a period, None for all of them."""
    if not period:
        return None
    if period not in PERIODS:
        raise UserError(f"config.sampling.period={period!r}: there is {' and '.join(PERIODS)}")
    if generator.label_size != len(PERIODS):
        raise UserError(f"config.sampling.period={period!r}: {generator.name} was trained without labels (config.model.conditional)")
    return PERIODS.index(period)
