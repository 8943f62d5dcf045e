"""A tuned PyTorch step of the same work beside ours, in windows that take turns: what `benchmark --peer` measures."""

import importlib.util
import statistics
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gan_jax.benchmark import speed
from gan_jax.errors import UserError
from gan_jax.models import networks
from gan_jax.training.schedule import Phase
from gan_jax.training.state import init_state
from gan_jax.training.step import active_layers

# Fields at which the networks and the step are those of the papers: the peer knows no others.
PLAIN = {
    "model.conditional": False,
    "model.year": False,
    "model.smooth": False,
    "model.smooth_discriminator": False,
    "model.local_contrast": False,
    "model.batch_norm": False,
    "model.noise": False,
    "model.convolutions": 1,
    "model.excitation": False,
    "training.paintings": 0.0,
    "training.augment": "none",
    "training.projected_discriminator": 0.0,
    "training.r1": 0.0,
    "training.freeze_discriminator": 0,
}
# Networks and losses that it has, as `pytorch.py` does.
KNOWN = {"model.name": ("dcgan", "pggan"), "training.loss": ("wgan-gp", "non-saturating", "hinge")}


def check(config: ConfigDict, devices: int) -> None:
    """Raises UserError where there is no PyTorch, for what the peer does not do, and on several devices."""
    if importlib.util.find_spec("torch") is None:
        raise UserError("--peer: needs PyTorch, which is not installed here; `python -m pip install torch` brings it")
    for field, plain in PLAIN.items():
        section, name = field.split(".")
        if (value := config[section][name]) != plain:
            raise UserError(f"--peer: config.{field}={value!r}: the peer is the papers' alone; try --config=pggan or --config=dcgan")
    for field, known in KNOWN.items():
        section, name = field.split(".")
        if (value := config[section][name]) not in known:
            raise UserError(f"--peer: config.{field}={value!r}: the peer has {' and '.join(map(repr, known))} alone")
    if devices > 1:
        raise UserError(f"--peer: measures one device, there are {devices}; CUDA_VISIBLE_DEVICES=0 shows one of them")


def laid_out(tree: Mapping[str, Any], prefix: str = "") -> dict[str, np.ndarray]:
    """Returns the arrays of one of our networks by their names, "block_3/conv/kernel", in PyTorch's layout.

    Kernels [a, k, k, b] become [a, b, k, k], that of DCGAN's score [4, 4, c, 1] becomes [1, c, 4, 4]; dense ones [c, d] become [d, c],
    and where c is places of an image too, [h w c], they are reordered to [c h w].
    """
    found: dict[str, np.ndarray] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            found |= laid_out(value, f"{prefix}{name}/")
            continue
        array = np.asarray(value)
        if array.ndim == 4:
            array = array.transpose(3, 2, 0, 1) if name == "score" else np.moveaxis(array, 3, 1)
        elif array.ndim == 2:
            places = array.reshape(4, 4, -1, array.shape[1]) if prefix.endswith("dense/") else array[None, None]
            array = places.transpose(3, 2, 0, 1).reshape(array.shape[1], -1)
        found[prefix + name] = np.array(array)  # of its own memory
    return found


def players(config: ConfigDict, phase: Phase) -> tuple[tuple[dict[str, np.ndarray], dict[str, np.ndarray]], ...]:
    """Returns the parameters that a level uses and the batch statistics of both players, as ours begin."""
    both = networks.build(config.model, phase.resolution, jnp.float32)
    state = init_state(*both, phase.level, config.seed)
    found = []
    for network, player in zip(both, (state.generator, state.discriminator)):
        active = active_layers(network, phase.level, player)
        found.append((laid_out({name: player.params[name] for name in active}), laid_out(player.stats)))
    return tuple(found)


def compare(config: ConfigDict, phase: Phase, dtype: jnp.dtype, compiled: bool) -> dict[str, Any]:
    """Returns both speeds on one device, in images a second, with their spreads, and the ratio, ours in parts of the peer's.

    compiled: whether the peer's networks go through torch.compile. Raises UserError where JAX and PyTorch are on different devices.
    """
    from gan_jax.benchmark import pytorch

    if (there := pytorch.device().type) != ("cpu" if jax.default_backend() == "cpu" else "cuda"):
        raise UserError(f"--peer: PyTorch runs on {there!r} and JAX on {jax.default_backend()!r}; both have to see the same device")
    images = np.random.default_rng(0).integers(0, 256, (speed.SYNTHETIC, 3, phase.resolution, phase.resolution), np.uint8)
    made = players(config, phase)
    peer = pytorch.Step(config, phase, made, images, narrow=dtype == jnp.bfloat16, compiled=compiled)
    ours, _, _ = speed.prepare_step(config, phase, dtype, 1)
    result = in_turn(ours, peer.run, config.benchmark.seconds, config.benchmark.windows)
    result["peer_images_per_second"] = phase.batch_size / result.pop("peer").median
    result["images_per_second"] = phase.batch_size / result.pop("ours").median
    parameters = [sum(array.size for array in params.values()) for params, _ in made]
    found = {"peer": f"PyTorch {pytorch.VERSION}", "compiled": compiled, "parameters": parameters, **result}
    return found | {"said": line(phase, found)}


def in_turn(ours: Callable[[int], float], peer: Callable[[int], float], seconds: float, windows: int) -> dict[str, Any]:
    """Runs windows of `seconds` in turn. `ours` and `peer` run so many steps and return seconds of one.

    Returns the timings "ours" and "peer", their spreads, and the median "ratio" of neighbouring windows with the least and the greatest.
    """
    of_ours, of_peer = (speed.steps_in(seconds, run) for run in (ours, peer))
    turns = [(ours(of_ours), peer(of_peer)) for _ in range(windows)]
    timings = [speed.Timing(each) for each in zip(*turns)]
    ratios = [theirs / own for own, theirs in turns]
    return {
        "ours": timings[0],
        "peer": timings[1],
        "spread": timings[0].spread,
        "peer_spread": timings[1].spread,
        "ratio": statistics.median(ratios),
        "ratio_least": min(ratios),
        "ratio_greatest": max(ratios),
    }


def line(phase: Phase, found: Mapping[str, Any]) -> str:
    """Says what was measured of a level."""
    return (
        f"{phase.resolution:>4} px, batch {phase.batch_size}: {found['peer']}{', compiled' * found['compiled']}, "
        f"{found['peer_images_per_second']:,.0f} images/s ± {found['peer_spread']:.1%}; this {found['images_per_second']:,.0f} "
        f"± {found['spread']:.1%}; ratio {found['ratio']:.2f} ({found['ratio_least']:.2f} to {found['ratio_greatest']:.2f})"
    )
