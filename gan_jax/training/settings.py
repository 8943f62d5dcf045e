"""The constants of a training step."""

import dataclasses

from ml_collections import ConfigDict


@dataclasses.dataclass(frozen=True)
class StepSettings:
    """The constants of a step; each is described in `gan_jax/settings.py`."""

    loss: str
    paintings: float
    paintings_batch: int
    paintings_rate: float
    paintings_spread: float
    paintings_detail: int
    paintings_forms: float
    between: float
    year_width: float  # in standard deviations of the paintings' years
    fresh_latents: bool
    discriminator_rate: float
    discriminator_slowing: float
    projected_discriminator: float
    projected_resolution: int
    projected_rate: float
    projected_share: float
    freeze_discriminator: int
    gradient_penalty: float
    drift: float
    r1: float
    r1_every: int
    label_weight: float
    adam_b1: float
    adam_b2: float
    adam_epsilon: float
    ema_decay: float
    ema_half_life_kimg: float
    ema_ramp_up: float
    mirror: bool
    augment: str
    augment_kinds: tuple[str, ...]
    augment_colour: float
    augment_strength: float
    augment_target: float
    augment_kimg: float


def projected_side(training: ConfigDict | StepSettings) -> int:
    """Returns pixels a side at which a projected discriminator sees images, by settings as in the section `training`; 0: there is none."""
    return training.projected_resolution if training.projected_discriminator else 0


def projected_images(settings: StepSettings, images: int) -> int:
    """Returns how many images of a device's batch, or of a microbatch, a projected discriminator sees: the first, at least one.

    Where the share is a number of quarters, and `batches.shares` divides groups of four, these are the same on one device and on several.
    """
    return max(1, round(images * settings.projected_share))


def own_latents(training: ConfigDict, paintings: int) -> int:
    """Returns how many of so many paintings have latents of their own, by the section `training` of a config."""
    return paintings if training.paintings else 0
