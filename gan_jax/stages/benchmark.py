import functools
import pathlib

from ml_collections import ConfigDict

from gan_jax.benchmark import comparison, roofline
from gan_jax.benchmark.speed import asked_for
from gan_jax.benchmark.speed import benchmark as measure
from gan_jax.collection import collection as collections
from gan_jax.stages.common import trained_on
from gan_jax.stages.train import learnt
from gan_jax.training import devices, hosts, loop


def benchmark(config: ConfigDict, workdir: pathlib.Path, source: str, peer: bool = False, compiled: bool = False) -> None:
    """Makes benchmark.json: how fast this machine is. For "real" input: of the collection in the workdir, or else of the config.

    peer, compiled: whether a PyTorch step is timed beside ours, and goes through torch.compile.
    """
    images, beside = None, None
    if peer:
        comparison.check(config, devices.count())
        beside = functools.partial(comparison.compare, compiled=compiled)
    if source == "real":
        if config.collection.source == "tfds" or (workdir / "collection" / "paintings.csv").exists():
            images = learnt(config, workdir).images
        else:
            collection = collections.prepare(config.collection)
            images = collection.images[trained_on(collection)]
    say = print if hosts.is_primary() else lambda text: None
    measure(config, workdir, source, images, say, beside)
    say(f"\n{workdir / 'benchmark.json'}")


def on_paper(config: ConfigDict) -> None:
    """Says what a training step would need at best on a chip that is not at hand; nothing runs."""
    schedule = loop.make_schedule(config.training, config.model, config.collection.resolution)
    roofline.table(config, asked_for(schedule, tuple(config.benchmark.resolutions), config.benchmark.batch_size), print)
