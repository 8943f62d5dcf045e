"""What the compiler is told, where its own choice is slow."""

import functools
import os

import jax
import jax.numpy as jnp

Options = dict[str, str | bool]

# Of the CPU's: which operations are left to the YNN library. By default of jaxlib 0.10 convolutions and reductions are among them, with
# which a step of these networks takes up to 1.6 times as long (docs/benchmarks.md); products of matrices are faster with it.
PRODUCTS_ALONE: Options = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"}

# Of a GPU's: that products of matrices are left to its library. By default XLA also writes many kernels of its own for each of them, and
# tries them all. The network that a second discriminator looks through is full of such products: compiling takes longer, and steps are no
# faster (docs/benchmarks.md). Of steps without it this was not measured.
LIBRARY_PRODUCTS: Options = {"xla_gpu_enable_triton_gemm": False}


@functools.cache
def options(library_products: bool = False) -> Options | None:
    """Returns options for programs that take long, as `jax.jit` takes them; None where the compiler doesn't know them or needs none.

    What the user says in XLA_FLAGS holds.

    library_products: whether a GPU's products of matrices are left to its library.
    """
    wanted = {"cpu": PRODUCTS_ALONE, "gpu": LIBRARY_PRODUCTS if library_products else {}}.get(jax.default_backend(), {})
    wanted = {name: value for name, value in wanted.items() if name not in os.environ.get("XLA_FLAGS", "")}
    return wanted if wanted and known(wanted) else None


def known(some: Options) -> bool:
    """Returns whether this machine's compiler takes options: they come and go with its versions."""
    try:
        jax.jit(lambda x: x).lower(jnp.zeros(())).compile(compiler_options=some)
    except RuntimeError:  # INVALID_ARGUMENT: No such compile option
        return False
    return True
