"""What training does when, as pure functions of the images seen.

A schedule is a tuple of phases end to end. Progressive GAN fades each resolution in, then holds it (Karras et al. 2018, appendix A);
DCGAN has a single phase.
"""

import dataclasses
import math
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Phase:
    """A span of training with one level, batch size and learning rate. The optimizers restart at its beginning."""

    start: int  # images seen
    end: int  # images seen; end - start is a multiple of batch_size
    level: int  # log2 of the resolution
    fading: bool
    batch_size: int  # over all devices
    learning_rate: float

    def alpha(self, images_seen: int) -> float:
        """Returns the weight of the newest level, 0 to 1."""
        return (images_seen - self.start) / (self.end - self.start) if self.fading else 1.0

    @property
    def resolution(self) -> int:
        return 2**self.level


def growing(
    *,
    resolution: int,
    first_resolution: int,
    total_kimg: float,
    stable_kimg: float,
    fade_kimg: float,
    batch_size: Callable[[int], int],
    learning_rate: Callable[[int], float],
) -> tuple[Phase, ...]:
    """Returns the phases of Progressive GAN: the first resolution stable, each next one fading in, then stable, the last one to the end.

    `batch_size` and `learning_rate` give the value for a resolution. A schedule that is cut off by `total_kimg` ends early; lengths
    are rounded up to whole batches.
    """
    phases: list[Phase] = []
    last = int(math.log2(resolution))
    for level in range(int(math.log2(first_resolution)), last + 1):
        for fading in (True, False):
            start = phases[-1].end if phases else 0
            left = total_kimg * 1000 - start
            if left <= 0 or (fading and not phases):
                continue
            wanted = (fade_kimg if fading else stable_kimg) * 1000
            length = left if level == last and not fading else min(wanted, left)
            if length > 0:
                batch = batch_size(2**level)
                length = math.ceil(length / batch) * batch
                phases.append(Phase(start, start + length, level, fading, batch, learning_rate(2**level)))
    return tuple(phases)


def constant(*, resolution: int, total_kimg: float, batch_size: int, learning_rate: float) -> tuple[Phase, ...]:
    """Returns the one phase of a network that doesn't grow."""
    length = math.ceil(total_kimg * 1000 / batch_size) * batch_size
    return (Phase(0, length, int(math.log2(resolution)), False, batch_size, learning_rate),)


DECAY_STEPS = 256  # in which rates fall: each other value is sent to the devices


def decay(images_seen: int, total: int, part: float) -> float:
    """Gives what is left of the learning rates after so many images: 1, then evenly less over the last `part` (0 to 1) of the total."""
    if images_seen <= (1 - part) * total:
        return 1.0
    return math.ceil(max(0.0, (total - images_seen) / (part * total)) * DECAY_STEPS) / DECAY_STEPS


def phase_at(phases: tuple[Phase, ...], images_seen: int) -> Phase:
    """Returns the phase that the next batch belongs to; the last one when training is over."""
    return next((phase for phase in phases if images_seen < phase.end), phases[-1])


def images_at_end(phases: tuple[Phase, ...], images_seen: int) -> int:
    """Returns the images seen when a training that goes on from `images_seen` has ended.

    Where its batches had another size before, phases end in the middle of one, and the last one takes it past the schedule.
    """
    for phase in phases:
        images_seen += max(0, math.ceil((phase.end - images_seen) / phase.batch_size)) * phase.batch_size
    return images_seen


def due(every_kimg: float, before: int, after: int) -> bool:
    """Returns whether a multiple of `every_kimg` thousand images lies in (before, after]; 0 is never."""
    every = every_kimg * 1000
    return every > 0 and math.floor(after / every) > math.floor(before / every)
