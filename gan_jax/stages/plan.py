"""What a command would do: stages, phases of the training, the memory and the time that they need on this device."""

from collections.abc import Callable

import jax
from ml_collections import ConfigDict

from gan_jax import benchmark
from gan_jax.models import networks
from gan_jax.progress import duration
from gan_jax.training import devices, loop
from gan_jax.training.state import init_state

SECONDS = 0.5  # a level is timed for


def plan(config: ConfigDict, stages: dict[str, bool], say: Callable[[str], None] = print) -> None:
    """Prints it. Every level is compiled, and its steps are timed on samples; nothing is written.

    Args:
      stages: by name, whether what a stage made still stands.
    """
    for name, complete in stages.items():
        say(f"{name:<9} {'complete' if complete else 'to do'}")
    if stages.get("train", True):
        return
    resolution = config.collection.resolution
    schedule = loop.make_schedule(config.training, config.model.name, resolution)
    dtype = networks.compute_dtype(config.training.precision)
    state = jax.eval_shape(
        lambda: init_state(*networks.build(config.model, resolution, dtype, devices.AXIS), networks.full_level(resolution), config.seed)
    )
    sizes = [sum(x.size for x in jax.tree.leaves(player.params)) / 1e6 for player in (state.generator, state.discriminator)]
    say(
        f"\n{config.model.name} at {resolution} px, {sizes[0]:.1f} and {sizes[1]:.1f} million parameters, on {devices.count()} x "
        f"{jax.devices()[0].device_kind} in {dtype}"
    )
    brief = config.copy_and_resolve_references()
    brief.benchmark.update(seconds=SECONDS, windows=1)
    spans = []
    for phase in benchmark.asked_for(schedule, (), 0):
        timing, program, compile_seconds = benchmark.time_step(brief, phase, dtype, devices.count())
        rate = phase.batch_size / timing.median
        kimg = sum(each.end - each.start for each in schedule if each.level == phase.level) / 1000
        spans.append(kimg * 1000 / rate)
        say(
            f"  {phase.resolution:>4} px: {kimg:>8,.1f} thousand images in batches of {phase.batch_size}, {rate:,.0f} a second, "
            f"{duration(spans[-1])}; {program.memory / 2**30:.2f} GiB a device; compiled in {compile_seconds:.0f} s"
        )
    say(f"training takes {duration(sum(spans))} here, beside compiling (which goes on while earlier levels train)")
