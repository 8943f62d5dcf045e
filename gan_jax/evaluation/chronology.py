"""What year an image looks like, and whether morphs go through the years in order.

A ridge regression from features to the year, fitted on real paintings. Everything that is said of a real painting comes from a fit that has
not seen it, nor another painting of its motif. Everything that is said of a frame comes from fits that have seen neither end of its pair,
nor another painting of their motifs; a study is asked only where the regression dates paintings that it has not seen better than chance
would.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
from scipy import stats
from sklearn.model_selection import GroupKFold

from gan_jax.metrics.intervals import Estimate, students_factor

FOLDS = 5
PAIR_FOLDS = 10  # parts of the pairs, each dated by a fit that leaves all their ends out
MINIMUM = 20  # paintings, of at least as many motifs as there are folds
LEAST_PAIRS = 8
STRENGTHS = np.logspace(-1, 4, 16)  # of the ridge, chosen by leaving one out
CONSTANT = 1e-9  # standard deviation of a feature, in parts of its mean, that is rounding
SHUFFLES = 499  # of the years among the paintings
CHANCE = 0.01  # part of the shuffles that may do as well, for a regression that is believed
TAIL = 0.01  # of the rounds beyond an interval, at either end; with a fortieth, yes was said too often where all pairs agree
ROUNDS = 200  # random halves of pairs and paintings, for the intervals
MOST = 0.75  # part of the early paintings that a frame between has to look later than, and of the late ones earlier than
DOUBT = 0.025  # chance of as many frames between, if they were paintings of a period, above which nothing is shown
MAJORITY = 0.5  # of the frames, that have to lie so
PAINTINGS = 0.5  # precision in parts of that of real paintings, below which frames are no paintings of the collection


@dataclasses.dataclass(frozen=True)
class Lines:
    """Several fits [f] from features [d] to a year."""

    slopes: np.ndarray  # [d, f]
    starts: np.ndarray  # [f]

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Returns years [..., f] of images [..., d]."""
        flat = features.reshape(-1, features.shape[-1])
        return (flat @ self.slopes + self.starts).reshape(*features.shape[:-1], len(self.starts))

    @classmethod
    def fitted(cls, features: np.ndarray, years: np.ndarray, weights: np.ndarray | None = None) -> "Lines":
        """Fits paintings' features [n, d] to their years [n] or several sets of them [n, f]; each has a ridge of its own.

        The same as scikit-learn's StandardScaler and RidgeCV, which spend most of the time of some hundred small fits on checking them.
        """
        weights = np.ones(len(years)) if weights is None else weights
        part, root = weights / weights.sum(), np.sqrt(weights)[:, None]
        middle, scale = features.mean(axis=0), features.std(axis=0)
        scale = np.where(scale > CONSTANT * np.maximum(1, np.abs(middle)), scale, 1.0)
        scaled, targets = (features - middle) / scale, years.reshape(len(years), -1)
        centre, mean = part @ scaled, part @ targets
        u, sizes, v = np.linalg.svd(root * (scaled - centre), full_matrices=False)
        wanted = root * (targets - mean)
        along = u.T @ wanted  # [r, f]
        best, chosen = np.full(targets.shape[1], np.inf), np.zeros((len(sizes), targets.shape[1]))
        for strength in STRENGTHS:
            kept = sizes**2 / (sizes**2 + strength)
            # What each painting's error would be, were it left out: the mean takes part of each, and the slopes another.
            left_out = (wanted - u @ (kept[:, None] * along)) / (1 - part - (u**2) @ kept)[:, None]
            error = np.square(left_out).sum(axis=0)
            better = error < best
            best[better] = error[better]
            chosen[:, better] = (sizes / (sizes**2 + strength))[:, None] * along[:, better]
        slopes = (v.T @ chosen) / scale[:, None]
        return cls(slopes, mean - (middle + centre * scale) @ slopes)

    @classmethod
    def joined(cls, several: list["Lines"]) -> "Lines":
        return cls(np.concatenate([one.slopes for one in several], axis=1), np.concatenate([one.starts for one in several]))


@dataclasses.dataclass(frozen=True)
class Chronology:
    """Fits that each leave a part of the paintings out, and what they say of the paintings left out."""

    fits: Lines
    years: np.ndarray  # [n], true
    said: np.ndarray  # [n], by the fit that has not seen the painting
    weights: np.ndarray | None  # [n], of the paintings in a fit: less for those whose dates are uncertain
    groups: int
    chance: float  # part of shuffled years that are told as well as the true ones

    @property
    def error(self) -> float:
        """Returns mean absolute error of paintings left out, in years."""
        return float(np.abs(self.said - self.years).mean())

    @property
    def guess(self) -> float:
        """Returns the same error of one who always says the median year."""
        return float(np.abs(self.years - np.median(self.years)).mean())

    @property
    def correlation(self) -> float:
        return rank_correlation(self.years, self.said)

    @property
    def tells(self) -> bool:
        """Returns whether years of paintings left out are told clearly better than by guessing."""
        return self.chance <= CHANCE and self.error < self.guess

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Returns the years that images [..., d], which have no ends, look like: [...]."""
        return self.fits(features).mean(axis=-1)


def fit(features: np.ndarray, years: np.ndarray, groups: np.ndarray, seed: int, uncertainty: np.ndarray | None = None) -> Chronology:
    """Fits real paintings' features [n, d] to their years [n]; paintings of one group are left out together.

    uncertainty: years either way [n]; None where every date is known.

    Raises ValueError for fewer than 20 paintings, or fewer groups than folds.
    """
    count = len(np.unique(groups))
    if len(years) < MINIMUM or count < FOLDS:
        raise ValueError(f"{len(years)} dated paintings of {count} motifs, at least {MINIMUM} and {FOLDS} are needed")
    folds = list(GroupKFold(FOLDS, shuffle=True, random_state=seed % 2**32).split(features, years, groups))
    # The first column are the years as they are, the others shuffled ones, all by the same folds.
    targets = np.concatenate([years[:, None], _shuffled(years, groups, seed)], axis=1)
    said = np.empty_like(targets)
    for kept, left in folds:
        said[left] = Lines.fitted(features[kept], targets[kept])(features[left])
    errors = np.square(said - targets).mean(axis=0)
    chance = (1 + np.sum(errors[1:] <= errors[0])) / (1 + SHUFFLES)
    weights = None
    if uncertainty is not None and np.any(uncertainty > 0):
        # The variance of a date that may be anywhere in its span is a third of the square of its half.
        weights = errors[0] / (errors[0] + np.square(uncertainty) / 3)
    fits = [Lines.fitted(features[kept], years[kept], None if weights is None else weights[kept]) for kept, _ in folds]
    own = np.empty(len(years))
    for line, (_, left) in zip(fits, folds):
        own[left] = line(features[left])[:, 0]
    return Chronology(Lines.joined(fits), years, own, weights, count, float(chance))


def _shuffled(years: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """Returns years [n, SHUFFLES] dealt out anew. Paintings of one motif are often of one time: motifs are moved as wholes, as far as they
    fit."""
    rng = np.random.default_rng([seed, 1])
    drawn = np.empty((len(years), SHUFFLES))
    for k in range(SHUFFLES):
        places, dealt = (np.lexsort((rng.random(len(years)), rng.permutation(groups.max() + 1)[groups])) for _ in range(2))
        drawn[places, k] = years[dealt]
    return drawn


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Returns Spearman's; 0 where one of the two is constant, which orders nothing."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(stats.spearmanr(a, b).statistic)


def rank_correlations(t: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Returns the rank correlation of each row of `said` [..., T] with t [T]: [...]."""
    # Images that are the same may differ by rounding.
    a, b = stats.rankdata(t), stats.rankdata(np.round(said, 6), axis=-1)
    a, b = a - a.mean(), b - b.mean(axis=-1, keepdims=True)
    lengths = np.sqrt((a @ a) * np.square(b).sum(axis=-1))
    return np.where(lengths > 0, b @ a / np.maximum(lengths, 1e-12), 0.0)


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Fits for the frames of pairs: none dates a pair of which it has seen an end, or another painting of an end's motif.

    The year that a frame looks like is told by `fits`, each of which leaves out a part of the pairs. How sure that is, is told by
    `rounds`: in each a random half of the pairs is dated by a fit on a random half of the other paintings. A half drawn without putting
    back scatters around the whole as the whole does around the truth, so the rounds' spread is that of pairs and fits together.
    """

    fits: Lines  # [PAIR_FOLDS]
    fold: np.ndarray  # [pairs], which of the fits dates the pair
    halves: Lines  # [ROUNDS]
    dated: np.ndarray  # bool [pairs, ROUNDS], whose pairs the round dates
    unseen: np.ndarray  # bool [n, ROUNDS], paintings that the round's fit has not seen, nor another of their motif

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Returns the years [pairs, T] that frames [pairs, T, d] look like."""
        said = self.fits(frames)
        return np.take_along_axis(said, self.fold[:, None, None], axis=2)[..., 0]


def pairs(known: Chronology, features: np.ndarray, groups: np.ndarray, ends: np.ndarray, seed: int) -> Pairs:
    """Fits for each pair, from the paintings that `known` was fitted on, and the places [pairs, 2] among them of each pair's ends, -1 for a
    painting without a date.

    Raises ValueError for fewer than eight pairs, and where too few paintings are left beside the ends.
    """
    if len(ends) < LEAST_PAIRS:
        raise ValueError(f"{len(ends)} pairs, at least {LEAST_PAIRS} are needed")
    rng = np.random.default_rng([seed, 2])
    motif = np.where(ends >= 0, groups[ends], -1)  # [pairs, 2]

    def line(kept: np.ndarray) -> Lines:
        if kept.sum() < MINIMUM // 2 or len(np.unique(groups[kept])) < FOLDS:
            raise ValueError(f"{kept.sum()} dated paintings beside the ends of the pairs, at least {MINIMUM // 2} are needed")
        return Lines.fitted(features[kept], known.years[kept], None if known.weights is None else known.weights[kept])

    fold = rng.permutation(len(ends)) % min(PAIR_FOLDS, len(ends))
    fits = [line(~np.isin(groups, motif[fold == k])) for k in range(fold.max() + 1)]
    halves, dated, unseen = [], np.zeros((len(ends), ROUNDS), bool), np.zeros((len(features), ROUNDS), bool)
    for k, (chosen, kept) in enumerate(_rounds(groups, motif, rng)):
        halves.append(line(kept))
        dated[:, k], unseen[:, k] = chosen, ~np.isin(groups, groups[kept])
    return Pairs(Lines.joined(fits), fold, Lines.joined(halves), dated, unseen)


def _rounds(groups: np.ndarray, motif: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields for each round the pairs that are dated, a half, and the paintings that are fitted: the other pairs' ends and half of the
    other motifs.

    So every painting is in half of the rounds: were some in most of them, the fits would differ by less than half as many paintings do.
    """
    alone = np.setdiff1d(groups, motif)
    for _ in range(ROUNDS):
        chosen = rng.permutation(len(motif)) < (len(motif) + 1) // 2
        others = np.setdiff1d(motif[~chosen], motif[chosen])
        yield chosen, np.isin(groups, np.concatenate([others, rng.permutation(alone)[: (len(alone) + 1) // 2]]))


@dataclasses.dataclass(frozen=True)
class Passage:
    """How a set of morphs goes through the years."""

    looks_like: np.ndarray  # [pairs, T], years
    rank: Estimate  # of the pairs' Spearman correlations of t and the year that a frame looks like: their mean
    by_t: list[Estimate]  # mean year at each t
    later: str  # 'yes', 'no', 'reversed' or 'undecided'


def passage(frames: np.ndarray, t: np.ndarray, dating: Pairs) -> Passage:
    """Dates frames at t [T] by their features [pairs, T, d]. Intervals are over which pairs and paintings of the regression there are."""
    said = dating(frames)
    ranks, years = [], []
    for k, chosen in enumerate(dating.dated.T):
        round_ = frames[chosen] @ dating.halves.slopes[:, k] + dating.halves.starts[k]  # [half, T]
        ranks.append(rank_correlations(t, round_).mean())
        years.append(round_.mean(axis=0))
    rank = around(rank_correlations(t, said).mean(), np.array(ranks), len(said))
    rank = Estimate(rank.value, max(-1.0, rank.low), min(1.0, rank.high))
    by_t = [around(value, column, len(said)) for value, column in zip(said.mean(axis=0), np.array(years).T)]
    return Passage(said, rank, by_t, later(rank))


@dataclasses.dataclass(frozen=True)
class Between:
    """How many frames look later than three in four of the early paintings and earlier than three in four of the late ones."""

    part: Estimate | None  # of the frames; of early paintings, or of late ones, it would be a quarter
    chance: float | None  # of so many, if the frames were new paintings of one of the periods
    said: str  # 'yes', 'no', 'undecided', or 'silent'
    reason: str | None = None  # why nothing is said


OVERLAP = "by the years they look like, early and late paintings can't be told apart"
UPSIDE_DOWN = "they stand on their heads ({} of {} are more like the paintings when turned over)"
NO_PAINTINGS = "they are no paintings of this collection (precision {:.2f}, of real paintings {:.2f})"


def between(frames: np.ndarray, dating: Pairs, known: Chronology, features: np.ndarray, early: np.ndarray, late: np.ndarray) -> Between:
    """Says whether frames lie between the periods, by the features [pairs, d] of one a pair.

    features: of the paintings that `known` was fitted on; early, late: which of them [n] are of the periods. Each frame is asked by itself:
    a mixture of early and late paintings has its mean in the middle, and none of them lies there.
    """
    at = dating(frames[:, None])[:, 0]
    sorted_early, sorted_late = np.sort(known.said[early]), np.sort(known.said[late])
    above, below = (int(np.ceil(MOST * len(said))) for said in (sorted_early, sorted_late))  # paintings that are passed
    later_than, earlier_than = sorted_early[above - 1], sorted_late[-below]
    if later_than >= earlier_than:
        return Between(None, None, "silent", OVERLAP)
    inside = (at > later_than) & (at < earlier_than)
    # Of paintings of one distribution, how many lie beyond the place of one among others is beta-binomial, whatever the distribution.
    chance = max(
        float(stats.betabinom.sf(inside.sum() - 1, len(at), len(said) + 1 - passed, passed))
        for said, passed in ((sorted_early, above), (sorted_late, below))
    )
    rounds = []
    years, real = dating.halves(frames), dating.halves(features)
    for k, (chosen, unseen) in enumerate(zip(dating.dated.T, dating.unseen.T)):
        cuts = np.quantile(real[unseen & early, k], MOST), np.quantile(real[unseen & late, k], 1 - MOST)
        rounds.append(np.mean((years[chosen, k] > cuts[0]) & (years[chosen, k] < cuts[1])))
    part = around(inside.mean(), np.array(rounds), len(at))
    part = Estimate(part.value, max(0.0, part.low), min(1.0, part.high))
    return Between(part, chance, lies_between(part.value, chance))


def lies_between(part: float, chance: float) -> str:
    """Returns whether frames lie between the periods: most of them, and more of them than there would be of a period's own paintings."""
    if chance > DOUBT:
        return "no"
    return "yes" if part >= MAJORITY else "undecided"


def no_paintings(precision: float | None, of_real: float | None, turned: int = 0, frames: int = 0) -> str | None:
    """Returns why nothing is said of frames that hardly lie among the paintings, or stand on their heads there; None where they do neither.

    turned: how many of the `frames` are more like paintings when they are turned over. Colour and texture don't see what is up.
    """
    if frames and stats.binom.sf(turned - 1, frames, 0.5) <= DOUBT:
        return UPSIDE_DOWN.format(turned, frames)
    if precision is None or of_real is None or precision >= PAINTINGS * of_real:
        return None
    return NO_PAINTINGS.format(precision, of_real)


def around(value: float, rounds: np.ndarray, pairs: int) -> Estimate:
    """Returns the interval of `value` from what rounds [r] of half as much scatter around their mean.

    Few pairs scatter less around their own mean than around the true one, and are no normal distribution: hence Student's.
    """
    low, high = np.quantile(students_factor(pairs) * (rounds - rounds.mean()), [TAIL, 1 - TAIL])
    return Estimate(float(value), float(value + low), float(value + high))


def later(rank: Estimate) -> str:
    """Returns whether frames get later with t: by a rank correlation that is at least a quarter, beyond doubt above or below zero."""
    if rank.low > 0:
        return "yes" if rank.value >= 0.25 else "undecided"
    if rank.high < 0:
        return "reversed" if rank.value <= -0.25 else "undecided"
    return "no"
