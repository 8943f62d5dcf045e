"""Random keys."""

import jax


def key(seed: int | jax.Array) -> jax.Array:
    """Returns a key whose draws come from the device's own generator (Philox).

    JAX's default, threefry, is compiled anew into every program: a network's initialisation takes a minute to compile on a CPU, and
    with this seconds. The same seed gives the same draws on the same kind of device.
    """
    return jax.random.key(seed, impl="rbg")
