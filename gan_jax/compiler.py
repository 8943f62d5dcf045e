"""What the compiler is told, where its own choice is slow."""

import functools

import jax
import jax.numpy as jnp

Options = dict[str, str | bool]

# Of the CPU's: which operations are left to the YNN library. By default of jaxlib 0.10 convolutions and reductions are among them, with
# which a step of these networks takes up to 1.6 times as long (docs/benchmarks.md); products of matrices are faster with it.
PRODUCTS_ALONE: Options = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"}

# Of a GPU's: how it chooses among its algorithms. By default it also compares the results of all of them, and writes kernels of its own for
# products of matrices, many for each: a third of the time that a training step of `configs/van_gogh.py` needs to compile, which is then no
# faster (docs/benchmarks.md).
QUICK_CHOICE: Options = {"xla_gpu_autotune_level": "2", "xla_gpu_enable_triton_gemm": False}


@functools.cache
def options(quick: bool = True) -> Options | None:
    """Returns options for programs that take long, as `jax.jit` takes them; None where the compiler doesn't know them or needs none.

    quick: whether a GPU's compiler shall choose sooner among its algorithms; not for what runs for hours.
    """
    wanted = {"cpu": PRODUCTS_ALONE, "gpu": QUICK_CHOICE if quick else None}.get(jax.default_backend())
    return wanted if wanted and known(wanted) else None


def known(some: Options) -> bool:
    """Returns whether this machine's compiler takes options: they come and go with its versions."""
    try:
        jax.jit(lambda x: x).lower(jnp.zeros(())).compile(compiler_options=some)
    except RuntimeError:  # INVALID_ARGUMENT: No such compile option
        return False
    return True
