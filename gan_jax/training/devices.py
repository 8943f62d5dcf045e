"""Placement on devices: the only file that knows pmap.

State is replicated over the local devices, a step runs on all of them at once, and named-axis collectives combine what they find.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from gan_jax import compiler
from gan_jax.training import hosts

AXIS = "devices"


def count() -> int:
    """Returns devices that share a batch, on all hosts."""
    return jax.device_count()


def replicate(tree: Any, among: Sequence[jax.Device] | None = None) -> Any:
    """Places every array of the tree on all local devices, or on those of `among`."""
    return jax.device_put(tree, _everywhere(among))


def replicated(tree: Any) -> Any:
    """Returns the shapes, types and placement that `replicate` would give arrays of these shapes and types, which need not be there."""
    placement = _everywhere()
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=placement), tree)


def _everywhere(among: Sequence[jax.Device] | None = None) -> NamedSharding:
    return NamedSharding(Mesh(np.array(among or jax.local_devices()), (AXIS,)), PartitionSpec())


def unreplicate(tree: Any) -> Any:
    """Returns replicated arrays as they are on one device of this process."""
    return jax.tree.map(lambda x: x.addressable_data(0), tree)


class Program:
    """`step(state, *replicated) -> (state, metrics)`, compiled to run on all local devices, or on those of `among`.

    `step` finds the number of its device by `jax.lax.axis_index(AXIS)` and must end with the same values on each: it combines
    gradients and metrics itself. A call donates its state. Compiling can be done in another thread than calling.
    """

    def __init__(
        self, step: Callable, state: Any, *replicated: Any, among: Sequence[jax.Device] | None = None, library_products: bool = False
    ):
        """Compiles for the shapes and the placement of the arguments, which are not run; `library_products` is of `compiler.options`."""

        def on_device(_, state, replicated):
            return step(state, *replicated)

        parallel = jax.pmap(on_device, axis_name=AXIS, in_axes=(0, None, None), out_axes=(None, None), donate_argnums=(1,), devices=among)
        # pmap wants one argument that is spread over the devices, to know how many there are.
        self._spread = np.zeros(len(among or jax.local_devices()), np.int32)
        arguments = abstract((state, replicated))
        if hosts.count() > 1:  # then lowering wants arrays
            arguments = jax.tree.map(lambda x: replicate(np.zeros(x.shape, x.dtype), among), arguments)
        # What is compiled for several processes doesn't take the arrays of one; pmap does, and finds the program in JAX's cache, where
        # it has no options.
        options = compiler.options(library_products) if hosts.count() == 1 else None
        self.compiled = parallel.lower(self._spread, *arguments).compile(compiler_options=options)
        self._run = parallel if hosts.count() > 1 else self.compiled

    def __call__(self, state: Any, *replicated: Any) -> tuple[Any, Any]:
        return self._run(self._spread, state, replicated)

    @property
    def memory(self) -> int:
        """Returns the bytes that each device needs for a call: arguments, results, and what lies between them."""
        sizes = self.compiled.memory_analysis()
        whole = sizes.argument_size_in_bytes + sizes.output_size_in_bytes - sizes.alias_size_in_bytes + sizes.temp_size_in_bytes
        return int(whole + sizes.generated_code_size_in_bytes)


def memory_limit() -> int | None:
    """Returns the bytes that programs and their arrays may use on each local device; None where the device doesn't say."""
    limits = [(device.memory_stats() or {}).get("bytes_limit", 0) for device in jax.local_devices()]
    return min(limits) or None


def unused_memory() -> int | None:
    """Returns the bytes on each local device that nothing has needed so far; None where the device doesn't say."""
    found = [device.memory_stats() or {} for device in jax.local_devices()]
    if not all({"bytes_limit", "peak_bytes_in_use"} <= each.keys() for each in found):
        return None
    return min(each["bytes_limit"] - each["peak_bytes_in_use"] for each in found)


def abstract(tree: Any) -> Any:
    """Returns the shapes, types and placement of a tree of arrays, which stay known when the arrays are gone."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(np.shape(x), x.dtype, sharding=getattr(x, "sharding", None)), tree)
