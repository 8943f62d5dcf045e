"""Set once for all tests: four emulated devices, no silent promotion; programs compile fast rather than run fast."""

import os

os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "")
    + " --xla_force_host_platform_device_count=4 --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)
os.environ["JAX_PLATFORMS"] = "cpu"
# Threads of XLA. By default as many as there are cores: on two, three devices that wait for a fourth leave it none, and the process ends.
os.environ["NPROC"] = "16"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import gc
import hashlib
import pathlib

import jax
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


compiled: dict[str, jax.stages.Compiled] = {}
compile_anew = jax.stages.Lowered.compile


def compile_once(lowered: jax.stages.Lowered, *options, **more) -> jax.stages.Compiled:
    """Tests train the same tiny networks again and again: what has been compiled ahead in this process serves for the same text."""
    key = hashlib.sha256(f"{lowered.as_text()} {lowered.in_tree} {lowered.out_tree} {options} {more}".encode()).hexdigest()
    if key not in compiled:
        compiled[key] = compile_anew(lowered, *options, **more)
    return compiled[key]


jax.stages.Lowered.compile = compile_once

MAPPINGS = pathlib.Path("/proc/self/maps")
MOST_MAPPINGS = 25_000  # Linux lets a process have 65,530


@pytest.fixture(autouse=True)
def no_old_programs():
    """Every compiled program keeps pieces of memory mapped; without any left the next one ends the process."""
    yield
    if MAPPINGS.exists() and MAPPINGS.read_bytes().count(b"\n") > MOST_MAPPINGS:
        compiled.clear()
        jax.clear_caches()
        gc.collect()
