"""What the compiler is told, where its own choice is slow."""

import functools

import jax
import jax.numpy as jnp

Options = dict[str, str | bool]

# Of the CPU's: which operations are left to the YNN library. By default of jaxlib 0.10 convolutions and reductions are among them, with
# which a step of these networks takes up to 1.6 times as long (docs/benchmarks.md); products of matrices are faster with it.
PRODUCTS_ALONE: Options = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"}


@functools.cache
def options() -> Options | None:
    """Returns options for programs that take long, as `jax.jit` takes them; None where the compiler doesn't know them or needs none."""
    return PRODUCTS_ALONE if jax.default_backend() == "cpu" and known(PRODUCTS_ALONE) else None


def known(some: Options) -> bool:
    """Returns whether this machine's compiler takes options: they come and go with its versions."""
    try:
        jax.jit(lambda x: x).lower(jnp.zeros(())).compile(compiler_options=some)
    except RuntimeError:  # INVALID_ARGUMENT: No such compile option
        return False
    return True
