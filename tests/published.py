"""Networks in the form in which the authors of Progressive GAN publish theirs, with random weights."""

import pickle
import sys
import types

import numpy as np


def variables(*, resolution: int, fmap_base: int, fmap_max: int, latent_size: int, label_size: int = 0, fused: bool = True, seed: int = 0):
    """The variables of (G, D) by the reference's names, float32. The same for a seed on any machine, with any numpy."""
    random = np.random.RandomState(seed)
    top = int(np.log2(resolution))

    def channels(stage: int) -> int:
        return min(fmap_base // 2**stage, fmap_max)

    def draw(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    def layer(name: str, *shape: int, out: int = -1) -> dict[str, np.ndarray]:
        return {f"{name}/weight": draw(*shape), f"{name}/bias": 0.1 * draw(shape[out])}

    c = channels(1)
    g = {"4x4/Dense/weight": draw(latent_size + label_size, 16 * c), "4x4/Dense/bias": 0.1 * draw(c)} | layer("4x4/Conv", 3, 3, c, c)
    d = layer("4x4/Conv", 3, 3, c + 1, c) | layer("4x4/Dense0", 16 * c, channels(0)) | layer("4x4/Dense1", channels(0), 1 + label_size)
    for level in range(2, top + 1):
        here, below, above = channels(level - 1), channels(level - 2), f"{2**level}x{2**level}"
        g |= layer(f"ToRGB_lod{top - level}", 1, 1, here, 3)
        d |= layer(f"FromRGB_lod{top - level}", 1, 1, 3, here)
        if level > 2:
            up = layer(f"{above}/Conv0_up", 3, 3, here, below, out=2) if fused else layer(f"{above}/Conv0", 3, 3, below, here)
            g |= up | layer(f"{above}/Conv1", 3, 3, here, here)
            d |= layer(f"{above}/Conv0", 3, 3, here, here) | layer(f"{above}/Conv1_down" if fused else f"{above}/Conv1", 3, 3, here, below)
    return g, d


SIZES = dict(resolution=16, fmap_base=64, fmap_max=8, latent_size=6)


def file(*, protocol: int = 4, change=lambda states: None, **sizes) -> bytes:
    """A file of (G, D, Gs). `change` may alter the three states before they are written."""
    sizes = SIZES | sizes
    g, d = variables(**sizes)
    gs, _ = variables(**sizes | {"seed": 1})
    kwargs = {"num_channels": 3} | {name: sizes[name] for name in ("resolution", "fmap_base", "fmap_max")}
    kwargs |= {"label_size": sizes.get("label_size", 0), "fused_scale": sizes.get("fused", True)}
    states = [
        {
            "version": 2,
            "name": name,
            "static_kwargs": dict(kwargs),
            "build_module_src": "raise SystemExit('this source was run')",
            "build_func_name": function,
            "variables": [("lod", np.float32(0.0)), *found.items()],
        }
        for name, function, found in (("G", "G_paper", g), ("D", "D_paper", d), ("Gs", "G_paper", gs))
    ]
    change(states)
    return dump(states, protocol)


def dump(states: list[dict], protocol: int) -> bytes:
    """The states as `tfutil.Network` objects: as published, but for the class that only stands for theirs here."""
    module = types.ModuleType("tfutil")

    class Network:
        def __init__(self, state):
            self.state = state

        def __getstate__(self):
            return self.state

    Network.__module__, Network.__qualname__ = "tfutil", "Network"
    module.Network = Network
    sys.modules["tfutil"] = module
    try:
        return pickle.dumps(tuple(Network(state) for state in states), protocol)
    finally:
        del sys.modules["tfutil"]
