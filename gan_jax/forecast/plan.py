"""What a command would do: stages, phases of the training, the memory and the time that they need on this device."""

import pathlib
from collections.abc import Callable, Mapping

import jax
from ml_collections import ConfigDict

from gan_jax.forecast import estimates
from gan_jax.forecast.counts import Paintings
from gan_jax.forecast.rehearsal import Part, Rehearsal, Unknown
from gan_jax.models import networks
from gan_jax.progress import duration
from gan_jax.stages.common import collection_of
from gan_jax.training import devices, loop
from gan_jax.training.state import init_state


def plan(config: ConfigDict, stages: Mapping[str, bool], here: Rehearsal, say: Callable[[str], None] = print) -> dict[str, float]:
    """Prints it, and measures as it goes: of every stage that is to do, small pieces. Nothing is written.

    Args:
      stages: by name, whether what a stage made still stands.
      here: what the pieces are made of.
    Returns:
      Seconds of each stage to do, where they are known.
    """
    for name in stages:
        if stages[name]:
            say(f"{name:<9} complete")
    to_do = [name for name in stages if not stages[name]]
    if not to_do:
        return {}
    if "train" in to_do:
        say(networks_of(config))
    known: dict[str, float] = {}
    for name in to_do:
        try:
            parts = estimates.STAGES[name](here)
        except Unknown as reason:
            say(f"{name:<9} to do: unknown yet; {reason}")
            continue
        known[name] = sum(part.seconds for part in parts)
        say(f"{name:<9} to do: {duration(known[name])}")
        for part in parts:
            say(f"{'':<11}{described(part)}")
    unknown = [name for name in to_do if name not in known]
    say(f"{'in all':<9} {duration(sum(known.values()))} here" + (f", beside {', '.join(unknown)}" if unknown else ""))
    return known


def rehearsal_of(config: ConfigDict, workdir: pathlib.Path, prepared: bool, seen: int, unasked: frozenset[str]) -> Rehearsal:
    """Returns what a plan measures with.

    Args:
      prepared: whether the collection of this config lies in the workdir; else only that of the built-in painter can be told before.
      seen: images that the training has behind it.
      unasked: names of fields that the workdir alone names.
    """
    paintings = None
    if prepared and config.collection.source != "tfds":
        paintings = Paintings.of(collection_of(workdir), config.morphing)
    elif config.collection.source == "painter" and not config.collection.period_column:
        paintings = Paintings.of_painter(config.collection, config.morphing)
    return Rehearsal(config, paintings, seen, unasked)


def networks_of(config: ConfigDict) -> str:
    """Says what is trained, on what. Raises UserError for a schedule that can't be."""
    resolution = config.collection.resolution
    loop.make_schedule(config.training, config.model, resolution)
    dtype = networks.compute_dtype(config.training.precision)
    state = jax.eval_shape(
        lambda: init_state(*networks.build(config.model, resolution, dtype, devices.AXIS), networks.full_level(resolution), config.seed)
    )
    sizes = [sum(x.size for x in jax.tree.leaves(player.params)) / 1e6 for player in (state.generator, state.discriminator)]
    return (
        f"\n{config.model.name} at {resolution} px, {sizes[0]:.1f} and {sizes[1]:.1f} million parameters, on {devices.count()} x "
        f"{jax.devices()[0].device_kind} in {dtype}\n"
    )


def described(part: Part) -> str:
    """Says what a part of a stage rests on."""
    once = f", and {part.once:.1f} s once" if part.once >= 0.05 else ""
    note = f" ({part.note})" if part.note else ""
    return f"{part.what}: {part.count:,.0f} of {brief(part.each)}{once}{note}"


def brief(seconds: float) -> str:
    """Says how long a piece of work takes, to three digits."""
    for unit, length in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
