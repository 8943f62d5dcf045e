"""Where compiled programs are kept from one run to the next."""

import os
import pathlib

import jax


def use_compilation_cache() -> None:
    """Keeps compiled programs in the user's cache folder, or where JAX_COMPILATION_CACHE_DIR says, so that a restart begins at once.

    Not in the workdir: what is kept there is run as it is, and a workdir may come from anywhere. Not on a CPU, where a program that was
    kept is refused by the next process at best (jax-ml/jax issue 38445) and brings it down at worst.
    """
    if os.environ.get("JAX_COMPILATION_CACHE_DIR") or jax.default_backend() == "cpu":
        return
    home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    jax.config.update("jax_compilation_cache_dir", str(home / "gan_jax" / jax.default_backend()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 1.0)
