"""Reads the variables of the reference implementation of Progressive GAN into our parameters.

The reference (tkarras/progressive_growing_of_gans) names its variables by resolution, `32x32/Conv0_up/weight`, and its colour layers by
the distance from the full resolution, `ToRGB_lod0/weight`. Its activations are [n, c, h, w], so dense layers meet the 4x4 images in
another order; and its fused enlargement is a transposed convolution, which sees its kernel [k, k, out, in] mirrored.
"""

import math
from collections.abc import Mapping

import numpy as np

Params = dict[str, dict]


def generator_params(variables: Mapping[str, np.ndarray], resolution: int) -> Params:
    """Parameters of `pggan.Generator` from variables named as in the reference, without the leading `G/`."""
    top = int(math.log2(resolution))
    dense = variables["4x4/Dense/weight"]
    params: Params = {
        "block_2": {
            "kernel": dense.reshape(dense.shape[0], -1, 4, 4).transpose(0, 2, 3, 1),
            "bias": variables["4x4/Dense/bias"],
            "conv": _layer(variables, "4x4/Conv"),
        }
    }
    for level in range(2, top + 1):
        params[f"to_rgb_{level}"] = _layer(variables, f"ToRGB_lod{top - level}")
        if level > 2:
            name = f"{2**level}x{2**level}"
            if f"{name}/Conv0_up/weight" in variables:
                fused = _layer(variables, f"{name}/Conv0_up")
                up = {"kernel": fused["kernel"][::-1, ::-1].transpose(0, 1, 3, 2), "bias": fused["bias"]}
            else:
                up = _layer(variables, f"{name}/Conv0")
            params[f"block_{level}"] = {"conv_up": up, "conv": _layer(variables, f"{name}/Conv1")}
    return params


def discriminator_params(variables: Mapping[str, np.ndarray], resolution: int) -> Params:
    """Parameters of `pggan.Discriminator` from variables named as in the reference, without the leading `D/`."""
    top = int(math.log2(resolution))
    dense = variables["4x4/Dense0/weight"]
    params: Params = {
        "block_2": {
            "conv": _layer(variables, "4x4/Conv"),
            "dense": {
                "kernel": dense.reshape(-1, 4, 4, dense.shape[1]).transpose(1, 2, 0, 3).reshape(dense.shape),
                "bias": variables["4x4/Dense0/bias"],
            },
            "score": _layer(variables, "4x4/Dense1"),
        }
    }
    for level in range(2, top + 1):
        params[f"from_rgb_{level}"] = _layer(variables, f"FromRGB_lod{top - level}")
        if level > 2:
            name = f"{2**level}x{2**level}"
            down = "Conv1_down" if f"{name}/Conv1_down/weight" in variables else "Conv1"
            params[f"block_{level}"] = {"conv": _layer(variables, f"{name}/Conv0"), "conv_down": _layer(variables, f"{name}/{down}")}
    return params


def _layer(variables: Mapping[str, np.ndarray], name: str) -> Params:
    return {"kernel": variables[f"{name}/weight"], "bias": variables[f"{name}/bias"]}
