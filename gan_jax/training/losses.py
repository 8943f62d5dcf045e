"""Everything that depends on the loss: what both players make small, the discriminator's penalty, where its scores have a border.

Of scores [n] and of input gradients [n, h, w, 3] (of a score by its image). Losses and penalties are [n].
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from gan_jax.training.settings import StepSettings

MEMORY = 0.99  # of a critic's border, a step
YEARS_WIDE = 2.0  # standard deviations from the mean to the outermost neighbourhoods


def wasserstein_discriminator(real: Array, fake: Array) -> Array:
    """Returns D(fake) - D(real) (Arjovsky et al. 2017, equation 2), to be made small."""
    return fake - real


def wasserstein_generator(fake: Array) -> Array:
    """Returns -D(fake) (Arjovsky et al. 2017, equation 2)."""
    return -fake


def gradient_penalty(gradients: Array) -> Array:
    """Returns (|gradient| - 1)^2 at points between real and generated images (Gulrajani et al. 2017, equation 3)."""
    return (_norm(gradients) - 1) ** 2


def drift(real: Array) -> Array:
    """Returns score(real)^2, which keeps the critic's scores near zero (Karras et al. 2018, appendix A.1)."""
    return real**2


def non_saturating_discriminator(real: Array, fake: Array) -> Array:
    """Returns -log D(real) - log(1 - D(fake)), of logits (Goodfellow et al. 2014, equation 1)."""
    return jax.nn.softplus(-real) + jax.nn.softplus(fake)


def non_saturating_generator(fake: Array) -> Array:
    """Returns -log D(fake), of logits (Goodfellow et al. 2014, section 3)."""
    return jax.nn.softplus(-fake)


def hinge_discriminator(real: Array, fake: Array) -> Array:
    """Returns max(0, 1 - D(real)) + max(0, 1 + D(fake)) (Lim and Ye 2017; Miyato et al. 2018, equation 16)."""
    return jax.nn.relu(1 - real) + jax.nn.relu(1 + fake)


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Returns the cross-entropy [n] of one-hot labels [n, label_size] by their logits (Odena et al. 2017, equation 3)."""
    return -jnp.sum(labels * jax.nn.log_softmax(logits), axis=1)


def r1(gradients: Array) -> Array:
    """Returns |gradient|^2 / 2 at real images (Mescheder et al. 2018, equation 9)."""
    return jnp.sum(gradients**2, axis=(1, 2, 3)) / 2


def of_year(scores: Array, logits: Array, years: Array) -> Array:
    """Returns scores [n] of images by whether they are real and of their years [n, 1], from scores and logits [n, k] that know no year.

    Scores may be [n, patches], with logits [n, patches, k]. A projection discriminator (Miyato and Koyama 2018,
    https://arxiv.org/abs/1802.05637): what is known of a year are its memberships in k neighbourhoods of time, which overlap, and sum to 1.
    Years are in standard deviations from their mean.
    """
    centres = jnp.linspace(-YEARS_WIDE, YEARS_WIDE, logits.shape[-1])
    member = jax.nn.softmax(-0.5 * ((years - centres[None]) / (centres[1] - centres[0])) ** 2, axis=1)
    return of_label(scores, logits, member)


def of_label(scores: Array, logits: Array, labels: Array) -> Array:
    """Returns scores [n] or [n, patches] of images by whether they are real and have labels [n, k], from those that know none."""
    return scores + (logits * labels.reshape(len(labels), *(1,) * (logits.ndim - 2), -1)).sum(axis=-1)


def _norm(gradients: Array) -> Array:
    # The gradient of a square root is infinite at zero, where a new critic can be.
    return jnp.sqrt(jnp.sum(gradients**2, axis=(1, 2, 3)) + 1e-12)


@dataclasses.dataclass(frozen=True)
class Loss:
    """What each player makes small."""

    discriminator: Callable[[Array, Array], Array]  # of scores of real and of generated images
    generator: Callable[[Array], Array]  # of scores of generated images
    critic: bool = False  # scores are no logits: they have no border of their own, and the penalty is that between the images


# By the name in the config. The hinge's generator is that of Wasserstein (Miyato et al. 2018, equation 17).
LOSSES = {
    "wgan-gp": Loss(wasserstein_discriminator, wasserstein_generator, critic=True),
    "non-saturating": Loss(non_saturating_discriminator, non_saturating_generator),
    "hinge": Loss(hinge_discriminator, wasserstein_generator),
}


def penalty_every(loss: str, r1: float, r1_every: int) -> int:
    """Returns steps from one that has a penalty to the next; 0 for none. R1 may be lazy (Karras et al. 2020, StyleGAN2, appendix B)."""
    return 1 if LOSSES[loss].critic else r1_every if r1 else 0


def penalised(
    loss: Array,
    settings: StepSettings,
    real: Array,
    generated: Array,
    mix: Array,
    scores: Array,
    input_gradients: Callable[[Array], Array],
) -> tuple[Array, Array | None]:
    """Adds the discriminator's penalty to its loss [n].

    Args:
      real, generated: images [n, r, r, 3], as the discriminator sees them.
      mix: [n], 0 to 1, places between both.
      scores: [n], of the real images.
      input_gradients: of images [n, r, r, 3], the gradient of each score by its image.
    Returns:
      The sum, and the penalty [n] without its weight; None where the settings have none.
    """
    if LOSSES[settings.loss].critic:
        penalty = gradient_penalty(input_gradients(real + (generated - real) * mix[:, None, None, None]))
        return loss + settings.gradient_penalty * penalty + settings.drift * drift(scores), penalty
    if settings.r1:
        # What is asked for once in so many steps weighs as much more.
        penalty = r1(input_gradients(real))
        return loss + settings.r1 * settings.r1_every * penalty, penalty
    return loss, None


def border(loss: str, before: Array, real: Array, generated: Array) -> Array:
    """Returns where the scores of real and of generated images part, after a step with such mean scores [].

    A Wasserstein critic knows no border of its own: there it is the running mean between the two. The other losses put it at zero.
    """
    return before * MEMORY + (real + generated) / 2 * (1 - MEMORY) if LOSSES[loss].critic else before
