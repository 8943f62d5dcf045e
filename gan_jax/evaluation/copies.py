"""Where near copies were found before `gan_jax.metrics` had them: for scripts that import them from here."""

from gan_jax.metrics.copies import Copies

__all__ = ["Copies"]
