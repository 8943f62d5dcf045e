"""How much a study has to do: counts of pieces of work, as pure functions of its config and its collection."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ml_collections import ConfigDict

from gan_jax.collection.named_periods import Periods
from gan_jax.collection.paintings import Collection
from gan_jax.metrics.image_set import MINIMUM
from gan_jax.morphing.frames import FRAMES_A_STATION, SHIFTED
from gan_jax.stages import sample
from gan_jax.stages.baseline import drawn
from gan_jax.stages.morph import pair
from gan_jax.training.schedule import Phase


@dataclass(frozen=True)
class Paintings:
    """How many paintings a study has."""

    total: int
    early: int
    late: int
    pairs: int  # that are morphed; at most so many where nothing is prepared yet

    @classmethod
    def of(cls, collection: Collection, morphing: ConfigDict) -> "Paintings":
        """Counts those of a collection. Raises UserError where no two paintings are near enough for a pair."""
        early, late = (len(collection.period(name)) for name in ("early", "late"))
        return cls(len(collection.paintings), early, late, len(pair(collection, morphing)[0]))

    @classmethod
    def of_painter(cls, collection: ConfigDict, morphing: ConfigDict) -> "Paintings":
        """Returns how many the built-in painter will have painted, by its span of years, over which its paintings lie evenly.

        collection, morphing: these sections of the config.
        """
        painter = collection.painter
        first, last = painter.first_year, painter.last_year
        spans = Periods.of(collection).spans

        def of(period: str) -> int:
            start, end = (min(max(year, first), last) for year in spans[period])
            return round(painter.paintings * (end - start) / max(last - first, 1e-9))

        early, late = of("early"), of("late")
        return cls(painter.paintings, early, late, min(early, late) if morphing.assignment == "one-to-one" else early)

    @property
    def of_periods(self) -> int:
        """Returns how many are of either period: what is trained on and inverted."""
        return self.early + self.late

    def learnt(self, period: str) -> int:
        """Returns how many are trained on. `period`: `config.training.period`."""
        return {"": self.of_periods, "early": self.early, "late": self.late}[period]


def steps(phases: Sequence[Phase], seen: int) -> int:
    """Returns training steps of phases, of which `seen` images are behind."""
    return sum((phase.end - max(phase.start, min(seen, phase.end))) // phase.batch_size for phase in phases)


def waits(training: Sequence[float], compiling: Sequence[float]) -> list[float]:
    """Returns seconds that each level waits for its compiled program, when that of the one before is over.

    Args:
      training, compiling: seconds of each level. Levels are compiled one after the other from the beginning, while those before train.
    """
    over, compiled, found = 0.0, 0.0, []
    for trains, compiles in zip(training, compiling):
        compiled += compiles
        found.append(max(0.0, compiled - over))
        over = max(over, compiled) + trains
    return found


def looks(schedule: Sequence[Phase], training: ConfigDict, seen: int, seconds: float) -> int:
    """Returns how often a training of so many seconds looks at samples, which it does with each checkpoint of grown networks."""
    if training.watch_images < MINIMUM:
        return 0
    begin, end = max(seen, schedule[-1].start), schedule[-1].end
    every, minutes = int(training.checkpoint_every_kimg * 1000), training.checkpoint_every_minutes
    by_images = end // every - begin // every + (end % every > 0) if every else 1
    part = (end - begin) / max(end - seen, 1)
    return max(by_images, 1 + int(seconds * part / (60 * minutes)) if minutes else 1)


def samples(config: ConfigDict) -> int:
    """Returns images that `sample` paints: those of the sample, of the sheet of years and of the film."""
    sampling, truncated = config.sampling, config.sampling.truncation != 1
    sheet = sample.YEARS_ROWS * sample.YEARS_COLUMNS if config.model.year else 0
    return (
        sampling.images + sheet + sample.WALKS * walk_frames(config) + (sample.sampling.CANDIDATES * (1 + bool(sampling.walk)) * truncated)
    )


def walk_frames(config: ConfigDict) -> int:
    """Returns frames of the film of walks."""
    return config.sampling.walk * sample.FRAMES


def searches(config: ConfigDict, paintings: Paintings) -> int:
    """Returns searches for latents, from every start: for paintings that have none of their own, and where there are any, for samples to
    compare with."""
    own = paintings.learnt(config.training.period) if config.training.paintings and not config.generator else 0
    searched = paintings.of_periods - own
    return (searched + config.inversion.calibration) * config.inversion.restarts if searched else 0


def rounds(count: int, at_once: int) -> int:
    """Returns how many rounds `count` pieces of work take, of which so many are done at once."""
    return math.ceil(count / at_once)


def stations(config: ConfigDict, paintings: Paintings) -> int:
    """Returns paintings that the film through the years goes by, at most; 0 where there is no such film."""
    count = min(config.morphing.stations, paintings.of_periods)
    return count if count > 1 else 0


def tuning_groups(config: ConfigDict, paintings: Paintings) -> int:
    """Returns how many times the generator is tuned: to so many pairs at a time, and to the stations of the years."""
    return rounds(paintings.pairs, config.tuning.pairs) + (stations(config, paintings) > 0)


def beside_the_pairs(config: ConfigDict, paintings: Paintings) -> int:
    """Returns images that `morph` paints beside the frames of its pairs: both ends before and after tuning, shifts, the way through the
    years, and samples at the frames' years where the network knows the year."""
    frames, pairs = config.morphing.frames, paintings.pairs
    shifts = min(SHIFTED, pairs) * frames
    direct = pairs * frames if config.model.year else 0
    return 4 * pairs + shifts + years_frames(config, paintings) + direct


def years_frames(config: ConfigDict, paintings: Paintings) -> int:
    """Returns frames of the film through the years."""
    count = stations(config, paintings)
    return (count - 1) * FRAMES_A_STATION + 1 if count else 0


def painted_by_baseline(config: ConfigDict, paintings: Paintings) -> int:
    """Returns pairs that the generator of a baseline paints."""
    return len(drawn(config.baseline.pairs, paintings.pairs) or range(paintings.pairs))


def judged(config: ConfigDict, paintings: Paintings) -> int:
    """Returns images that `evaluate` compares: paintings, samples, and frames of the study and of what they are put beside."""
    return paintings.total + config.sampling.images + config.morphing.frames * judged_pairs(config, paintings)


def judged_pairs(config: ConfigDict, paintings: Paintings) -> int:
    """Returns pairs whose frames are judged: of the study, a cross-fade, samples of the same year, images of another tool; of each way of
    a baseline, and where that has some of the pairs alone, of the study and the cross-fade over these."""
    all_pairs = 2 + bool(config.model.year) + bool(config.baseline.frames)
    painted = painted_by_baseline(config, paintings)
    ways = (1 + bool(config.baseline.tutorial) + 2 * (painted < paintings.pairs)) if config.baseline.generator else 0
    return all_pairs * paintings.pairs + ways * painted
