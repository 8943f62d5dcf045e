"""Set once for all tests: four emulated devices, no silent promotion; programs compile fast rather than run fast, and each is traced and
compiled once."""

import os

from xla_flags import FAST

os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4 {FAST}"
os.environ["JAX_PLATFORMS"] = "cpu"
# Threads of XLA. By default as many as there are cores: on two, three devices that wait for a fourth leave it none, and the process ends.
os.environ["NPROC"] = "16"
# Of scikit-learn and the linear algebra: several that wait for each other keep processors busy, which two processes of tests share.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import functools
import gc
import hashlib
import pathlib
from typing import Any

import jax
import pytest
from jax._src import compiler

from gan_jax.latents import search
from gan_jax.training import devices, hosts, step

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


programs: dict[str, Any] = {}
compile_anew = compiler.compile_or_get_cached


def compile_once(backend, module, devices, options, host_callbacks, *more):
    """Tests train the same tiny networks again and again: what has been compiled in this process serves for the same text."""
    if host_callbacks:
        return compile_anew(backend, module, devices, options, host_callbacks, *more)
    said = f"{module} {[device.id for device in devices.flat]}".encode() + options.SerializeAsString()
    key = hashlib.sha256(said).hexdigest()
    if key not in programs:
        programs[key] = compile_anew(backend, module, devices, options, host_callbacks, *more)
    return programs[key]


compiler.compile_or_get_cached = compile_once

# And what has been traced: the steps of the same settings, for arrays of the same shapes. No test changes what a step calls.
step.make_step = functools.cache(step.make_step)
trace_anew = devices.Program.__init__
traced: dict[Any, dict[str, Any]] = {}


def trace_once(program, of, state, *replicated, among=None, library_products=False):
    leaves, tree = jax.tree.flatten(devices.abstract((state, replicated)))
    key = of, tree, tuple(leaves), tuple(among or ()), hosts.count()
    if key not in traced:
        trace_anew(program, of, state, *replicated, among=among, library_products=library_products)  # which is nothing to a CPU
        traced[key] = dict(vars(program))
    vars(program).update(traced[key])


devices.Program.__init__ = trace_once
search.MEASURED = 0.05  # seconds in which the speed of searches is measured; no test asks how well, but for one with a clock of its own

# Modules that take ten seconds or more, the longest first: else those of few tests come last, and one process waits for the other.
LONG = (
    "training", "projected", "survival", "study", "hosts", "notebook", "cut", "alone", "models", "evaluate", "latents", "own_latents",
    "lowering", "features", "step", "benchmark", "damaged", "counts", "library", "report", "plan", "false_yes", "explorer", "quality",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {f"test_{name}": i for i, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


def pytest_collection_finish() -> None:
    """Tracing makes many small objects, which Python looks through again and again for garbage: seldom, and not through all modules."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


MAPPINGS = pathlib.Path("/proc/self/maps")
MOST_MAPPINGS = 25_000  # Linux lets a process have 65,530
MORE_PROGRAMS = 50  # after which it is looked again, which takes a hundredth of a second
looked_at = 0


@pytest.fixture(autouse=True)
def no_old_programs():
    """Every compiled program keeps pieces of memory mapped; without any left the next one ends the process."""
    global looked_at
    yield
    if abs(len(programs) - looked_at) > MORE_PROGRAMS:
        if MAPPINGS.exists() and MAPPINGS.read_bytes().count(b"\n") > MOST_MAPPINGS:
            programs.clear()
            traced.clear()
            step.make_step.cache_clear()
            jax.clear_caches()
            gc.collect()
        looked_at = len(programs)
