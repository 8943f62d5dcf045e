"""Opens what a study has learnt on a page."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax.explorer import directions
from gan_jax.explorer.explorer import Explorer, Known
from gan_jax.latents.inverted import Inversion
from gan_jax.models.generator import Generator
from gan_jax.stages.common import collection_of, generator_of, own_latents

SHOWN = 8  # directions


def explorer_of(config: ConfigDict, workdir: pathlib.Path, inverted: bool) -> Explorer:
    """Returns the explorer of a study. `inverted`: whether its inversion is of these networks and paintings."""
    generator = generator_of(config, workdir)
    paintings = known(config, workdir, generator, inverted)
    latents = np.array([painting.latents for painting in paintings]).reshape(-1, generator.latent_size)
    found = directions.find(generator, latents, np.array([painting.year for painting in paintings]), SHOWN, config.seed)
    return Explorer(generator, paintings, found, config.morphing.path)


def known(config: ConfigDict, workdir: pathlib.Path, generator: Generator, inverted: bool) -> list[Known]:
    """Returns the paintings whose latents the inversion has found, or else training has learnt, by year."""
    if not (workdir / "collection").is_dir():
        return []
    collection = collection_of(workdir)
    if inverted:
        inversion = Inversion.load(workdir / "inversion", len(collection.paintings))
        latents = dict(zip(inversion.indices, inversion.latents))
    else:
        latents = own_latents(generator, collection, config)
    paintings = [(collection.paintings[index], index) for index in sorted(latents)]
    return [Known(painting.title, painting.file, painting.year, latents[index], collection.images[index]) for painting, index in paintings]


def explore(config: ConfigDict, workdir: pathlib.Path, inverted: bool, port: int, said: Callable[[str], Any]) -> None:
    """Shows the page until Ctrl-C; `said` is told its address. Saved images go to explored/."""
    from gan_jax.explorer import page  # where Bokeh is not installed, said before anything is opened

    page.serve(explorer_of(config, workdir, inverted), workdir / "explored", port, said)
