"""What year a picture looks like, and whether morphs go through the years in order.

A ridge regression from features to the year, fitted on real works. Everything that is said of a real work comes from a fit that has not
seen it, nor another work of its motif; what is said of a generated picture is the mean of those fits.
"""

import dataclasses

import numpy as np
from scipy import stats
from scipy.sparse.csgraph import connected_components
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from gan_jax.evaluation.intervals import Estimate, bootstrap
from gan_jax.pictures import shrunk

FOLDS = 5
MINIMUM = 20  # works, of at least as many motifs as there are folds
STRENGTHS = np.logspace(-1, 4, 16)  # of the ridge, chosen by leaving one out
SIDE = 16  # pixels at which near copies are looked for
ALIKE = 0.9  # correlation of two pictures' light and dark from which on they are of one motif


@dataclasses.dataclass(frozen=True)
class Chronology:
    """Fits that each leave a part of the works out, and what they say of the works left out."""

    fits: list[Pipeline]
    years: np.ndarray  # [n], true
    said: np.ndarray  # [n], by the fit that has not seen the work
    groups: int

    @property
    def error(self) -> float:
        """Mean absolute error of works left out, in years."""
        return float(np.abs(self.said - self.years).mean())

    @property
    def guess(self) -> float:
        """The same error of one who always says the median year."""
        return float(np.abs(self.years - np.median(self.years)).mean())

    @property
    def correlation(self) -> float:
        return rank_correlation(self.years, self.said)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """The years that pictures [..., d] look like: [...]."""
        flat = features.reshape(-1, features.shape[-1])
        said = np.mean([fit.predict(flat) for fit in self.fits], axis=0) if len(flat) else np.zeros(0)
        return said.reshape(features.shape[:-1])


def fit(features: np.ndarray, years: np.ndarray, groups: np.ndarray, seed: int) -> Chronology:
    """From real works' features [n, d] and years [n]; works of one group are left out together.

    Raises ValueError for fewer than 20 works, or fewer groups than folds.
    """
    count = len(np.unique(groups))
    if len(years) < MINIMUM or count < FOLDS:
        raise ValueError(f"{len(years)} dated works of {count} motifs, at least {MINIMUM} and {FOLDS} are needed")
    said, fits = np.empty(len(years)), []
    for kept, left in GroupKFold(FOLDS, shuffle=True, random_state=seed % 2**32).split(features, years, groups):
        fits.append(make_pipeline(StandardScaler(), RidgeCV(STRENGTHS)).fit(features[kept], years[kept]))
        said[left] = fits[-1].predict(features[left])
    return Chronology(fits, years, said, count)


def motifs(images: np.ndarray, titles: list[str]) -> np.ndarray:
    """A number for each work [n]: the same for works of one title, and for pictures whose light and dark lie alike."""
    light = shrunk(images, SIDE).mean(axis=3).reshape(len(images), -1)
    light = light - light.mean(axis=1, keepdims=True)
    light /= np.maximum(np.linalg.norm(light, axis=1, keepdims=True), 1e-6)
    alike = light @ light.T > ALIKE
    names = np.array([title.strip().casefold() or f"\0{i}" for i, title in enumerate(titles)])
    return connected_components(alike | (names[:, None] == names[None]))[1]


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's; 0 where one of the two is constant, which orders nothing."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(stats.spearmanr(a, b).statistic)


@dataclasses.dataclass(frozen=True)
class Passage:
    """How a set of morphs goes through the years."""

    looks_like: np.ndarray  # [pairs, T], years
    rank: Estimate  # of the pairs' Spearman correlations of t and the year that a frame looks like: their mean
    by_t: list[Estimate]  # mean year at each t
    later: str  # 'yes', 'no', 'reversed' or 'undecided'
    between: str  # 'yes', 'no' or 'undecided'


def passage(looks_like: np.ndarray, t: np.ndarray, middle: int, early: Estimate, late: Estimate, seed: int) -> Passage:
    """Of the years [pairs, T] that frames look like.

    middle: the place that is asked whether it lies between. early, late: mean years said of real works of the periods, left out.
    """
    rank = bootstrap(np.array([rank_correlation(t, pair) for pair in looks_like]), seed)
    by_t = [bootstrap(column, seed) for column in looks_like.T]
    return Passage(looks_like, rank, by_t, later(rank), between(by_t[middle], early, late))


def later(rank: Estimate) -> str:
    """Whether frames get later with t: by a rank correlation that is at least a quarter, beyond doubt above or below zero."""
    if rank.low > 0:
        return "yes" if rank.value >= 0.25 else "undecided"
    if rank.high < 0:
        return "reversed" if rank.value <= -0.25 else "undecided"
    return "no"


def between(middle: Estimate, early: Estimate, late: Estimate) -> str:
    """Whether the middle looks later than the early works and earlier than the late ones, beyond the doubt in both."""
    if middle.low > early.high and middle.high < late.low:
        return "yes"
    return "no" if middle.value <= early.high or middle.value >= late.low else "undecided"
