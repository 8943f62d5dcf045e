"""Opens what a study has learnt on a page."""

import pathlib
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import reading
from gan_jax.collection.paintings import Collection
from gan_jax.explorer import directions
from gan_jax.explorer.explorer import Explorer, Known
from gan_jax.latents.inverted import Inversion
from gan_jax.models.generator import Generator
from gan_jax.stages.common import collection_of, generator_of, labels_of, learnt_works

SHOWN = 8  # directions


def explorer_of(config: ConfigDict, workdir: pathlib.Path) -> Explorer:
    """Returns the explorer of a study: with the paintings whose latents its inversion has found, or its training has learnt."""
    generator = generator_of(config, workdir)
    paintings = known(config, workdir, generator)
    latents = np.array([painting.latents for painting in paintings]).reshape(-1, generator.latent_size)
    found = directions.find(generator, latents, np.array([painting.year for painting in paintings]), SHOWN, config.seed)
    return Explorer(generator, paintings, found, config.morphing.path)


def known(config: ConfigDict, workdir: pathlib.Path, generator: Generator) -> list[Known]:
    """Returns the paintings whose latents are known, by year."""
    if not (workdir / "collection").is_dir():
        return []
    collection = collection_of(workdir)
    by_index = latents_of(config, workdir, collection, generator)
    return [
        Known(work.title, work.file, work.year, latents, collection.images[index])
        for index, latents in sorted(by_index.items())
        for work in [collection.paintings[index]]
    ]


def latents_of(config: ConfigDict, workdir: pathlib.Path, collection: Collection, generator: Generator) -> dict[int, np.ndarray]:
    """Returns latents [latent_size] by a painting's place in the collection; none of other networks than these."""
    if reading.is_there(workdir / "inversion" / "inversion.csv"):
        inverted = Inversion.load(workdir / "inversion", len(collection.paintings))
        if inverted.latents.shape[1] == generator.latent_size:
            return dict(zip(inverted.indices, inverted.latents))
    if generator.works is None:
        return {}
    indices = learnt_works(collection, config)
    own = np.concatenate([generator.works, labels_of(generator, collection, indices)], axis=1)
    return dict(zip(indices.tolist(), own))


def explore(config: ConfigDict, workdir: pathlib.Path, port: int, said: Any) -> None:
    """Shows the page until Ctrl-C. Saved images go to explored/."""
    from gan_jax.explorer import page  # where Bokeh is not installed, said before anything is opened

    page.serve(explorer_of(config, workdir), workdir / "explored", port, said)
