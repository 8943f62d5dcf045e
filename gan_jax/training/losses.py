"""Losses of both players, of scores [n] and of slopes [n, h, w, 3] (a score's gradient by its image). Every result is [n]."""

import jax
import jax.numpy as jnp
from jax import Array

YEARS_WIDE = 2.0  # standard deviations from the mean to the outermost neighbourhoods


def wasserstein_discriminator(real: Array, fake: Array) -> Array:
    """Arjovsky et al. 2017, equation 2, to be made small."""
    return fake - real


def wasserstein_generator(fake: Array) -> Array:
    return -fake


def gradient_penalty(slopes: Array) -> Array:
    """(|slope| - 1)^2 at points between real and generated images (Gulrajani et al. 2017, equation 3)."""
    return (_norm(slopes) - 1) ** 2


def drift(real: Array) -> Array:
    """score(real)^2, which keeps the critic's scores near zero (Karras et al. 2018, appendix A.1)."""
    return real**2


def non_saturating_discriminator(real: Array, fake: Array) -> Array:
    """-log D(real) - log(1 - D(fake)), of logits (Goodfellow et al. 2014, equation 1)."""
    return jax.nn.softplus(-real) + jax.nn.softplus(fake)


def non_saturating_generator(fake: Array) -> Array:
    """-log D(fake), of logits (Goodfellow et al. 2014, section 3)."""
    return jax.nn.softplus(-fake)


def hinge_discriminator(real: Array, fake: Array) -> Array:
    """max(0, 1 - D(real)) + max(0, 1 + D(fake)) (Lim and Ye 2017; Miyato et al. 2018, equation 16)."""
    return jax.nn.relu(1 - real) + jax.nn.relu(1 + fake)


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Of one-hot labels [n, label_size] by their logits (Odena et al. 2017, equation 3)."""
    return -jnp.sum(labels * jax.nn.log_softmax(logits), axis=1)


def r1(slopes: Array) -> Array:
    """|slope|^2 / 2 at real images (Mescheder et al. 2018, equation 9)."""
    return jnp.sum(slopes**2, axis=(1, 2, 3)) / 2


def of_year(scores: Array, logits: Array, years: Array) -> Array:
    """Scores [n] of images by whether they are real and of their years [n, 1], from scores and logits [n, k] that know no year.

    A projection discriminator (Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637): what is known of a year are its memberships in
    k neighbourhoods of time, which overlap, and sum to 1. Years are in standard deviations from their mean.
    """
    centres = jnp.linspace(-YEARS_WIDE, YEARS_WIDE, logits.shape[1])
    member = jax.nn.softmax(-0.5 * ((years - centres[None]) / (centres[1] - centres[0])) ** 2, axis=1)
    return scores + (logits * member).sum(axis=1)


def _norm(slopes: Array) -> Array:
    # The gradient of a square root is infinite at zero, where a new critic can be.
    return jnp.sqrt(jnp.sum(slopes**2, axis=(1, 2, 3)) + 1e-12)


# What each player makes small, by the name in the config: (of scores of real and fake, of scores of fake). The hinge's generator is
# that of Wasserstein (Miyato et al. 2018, equation 17).
PLAYERS = {
    "wgan-gp": (wasserstein_discriminator, wasserstein_generator),
    "non-saturating": (non_saturating_discriminator, non_saturating_generator),
    "hinge": (hinge_discriminator, wasserstein_generator),
}
