"""Placement on devices: the only file that knows pmap.

State is replicated over the local devices, a step runs on all of them at once, and named-axis collectives combine what they find.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "devices"


def count() -> int:
    """Devices that share a batch, on all hosts."""
    return jax.device_count()


def replicate(tree: Any, among: Sequence[jax.Device] | None = None) -> Any:
    """Places every array of the tree on all local devices, or on those of `among`."""
    mesh = Mesh(np.array(among or jax.local_devices()), (AXIS,))
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))


def data_parallel(step: Callable, among: Sequence[jax.Device] | None = None) -> Callable:
    """Runs `step(state, *replicated) -> (state, metrics)` on all local devices, or on those of `among`.

    `step` finds the number of its device by `jax.lax.axis_index(AXIS)` and must end with the same values on each: it combines
    gradients and metrics itself. Its state is donated.
    """

    def on_device(_, state, replicated):
        return step(state, *replicated)

    parallel = jax.pmap(on_device, axis_name=AXIS, in_axes=(0, None, None), out_axes=(None, None), donate_argnums=(1,), devices=among)
    # pmap wants one argument that is spread over the devices, to know how many there are.
    spread = np.zeros(len(among or jax.local_devices()), np.int32)
    return lambda state, *replicated: parallel(spread, state, replicated)
