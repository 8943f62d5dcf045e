"""How often the evaluation says yes where the truth is no, and how often it says yes where the truth is yes.

    python -m tests.false_yes            prints the tables of docs/judging.md (an hour on one core)
    python -m tests.false_yes --rounds 40 --paintings 60,360 --only later

Paintings are points with a style that moves with the years, or does not; frames are points as a cross-fade, a network that has learnt
nothing or a perfect one would have them. Everything is drawn from seeds, so that the tables are the same every time.
"""

import argparse
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

SIZES = (40, 60, 120, 360)
T = np.linspace(0, 1, 9)
COLUMNS = 24


@dataclasses.dataclass(frozen=True)
class World:
    """Paintings of ten years, of which three and a half in the middle are held out, as points of correlated features."""

    features: np.ndarray  # [n, d]
    years: np.ndarray  # [n], in order
    ends: np.ndarray  # [pairs, 2]
    hand: "Hand"

    def of(self, period: str) -> np.ndarray:
        first, last = {"early": (1880, 1883.25), "between": (1883.25, 1886.75), "late": (1886.75, 1890)}[period]
        return np.flatnonzero((self.years >= first) & (self.years < last))


@dataclasses.dataclass(frozen=True)
class Hand:
    """A painter: `style` [d] is how features move in a standard deviation of the years, `spread` [d, d] how paintings scatter.

    The style is in the first half of the features, and the other half is independent of it.
    """

    style: np.ndarray
    spread: np.ndarray

    def paint(self, years: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Features [..., d] of paintings of such years [...]."""
        moved = ((years - 1885) / 2.9)[..., None] * self.style
        return moved + rng.normal(size=(*years.shape, len(self.style))) @ self.spread


def world(paintings: int, rng: np.random.Generator, strength: float) -> World:
    """strength: how far the style moves in ten years; 0: the years say nothing, as if they had been shuffled among the paintings."""
    half = COLUMNS // 2
    spread = np.zeros((COLUMNS, COLUMNS))
    for part in (slice(0, half), slice(half, COLUMNS)):
        spread[part, part] = np.linalg.qr(rng.normal(size=(half, half)))[0] / np.sqrt(1 + np.arange(half) / 4)[:, None]
    style = np.concatenate([rng.normal(size=half), np.zeros(half)])
    hand = Hand(strength * style / np.linalg.norm(style), spread)
    years = np.sort(rng.uniform(1880, 1890, paintings))
    made = World(hand.paint(years, rng), years, np.zeros((0, 2), int), hand)
    early, late = made.of("early"), made.of("late")
    count = max(8, int(0.75 * min(len(early), len(late))))
    ends = (
        np.stack([rng.permutation(early)[:count], rng.permutation(late)[:count]], axis=1) if min(len(early), len(late)) >= 8 else made.ends
    )
    return dataclasses.replace(made, ends=ends)


def cross_fade(here: World, rng: np.random.Generator) -> np.ndarray:
    """[pairs, T, d]: the ends mixed, and what laying two pictures over each other does to both the most in the middle."""
    first, last = here.features[here.ends[:, 0], None], here.features[here.ends[:, 1], None]
    faded = rng.normal(size=COLUMNS) @ here.hand.spread
    return (1 - T[:, None]) * first + T[:, None] * last + np.sin(np.pi * T)[:, None] * faded


def drift(here: World, rng: np.random.Generator) -> np.ndarray:
    """[pairs, T, d]: all frames move on the way in one direction, of features that have nothing to do with the years or the style."""
    way = (rng.normal(size=COLUMNS) @ here.hand.spread) * (here.hand.style == 0)
    return here.features[here.ends[:, 0], None] + 2 * T[:, None] * way + 0.1 * rng.normal(size=(len(here.ends), len(T), COLUMNS))


def still(here: World, rng: np.random.Generator) -> np.ndarray:
    """[pairs, T, d]: the early painting all the way, with a little noise."""
    return here.features[here.ends[:, 0], None] + 0.1 * rng.normal(size=(len(here.ends), len(T), COLUMNS))


def true(here: World, rng: np.random.Generator) -> np.ndarray:
    """[pairs, T, d]: paintings of the very years."""
    first, last = here.years[here.ends[:, :1]], here.years[here.ends[:, 1:]]
    return here.hand.paint((1 - T) * first + T * last, rng)


Frames = Callable[[World, np.random.Generator], np.ndarray]
LATER: dict[str, tuple[float, Frames, bool]] = {  # strength of the style, frames, whether yes is right
    "the years say nothing; cross-fades": (0.0, cross_fade, False),
    "frames drift, but not with the years": (1.5, drift, False),
    "frames stand still": (1.5, still, False),
    "cross-fades of a painter who changed a little": (0.5, cross_fade, True),
    "cross-fades of a painter who changed": (1.5, cross_fade, True),
    "paintings of the very years": (1.5, true, True),
}


def dated(here: World, seed: int) -> tuple[Any, Any]:
    """A fit that tells the years of paintings, and what dates the frames of the pairs by it; None for both where nothing is said."""
    from gan_jax.evaluation import chronology

    groups = np.arange(len(here.years))
    try:
        known = chronology.fit(here.features, here.years, groups, seed)
        return (known, chronology.pairs(known, here.features, groups, here.ends, seed)) if known.tells else (None, None)
    except ValueError:  # too few paintings or pairs
        return None, None


def later(paintings: int, seed: int, case: str) -> bool | None:
    """Whether a study says that its frames look later the further they are on the way; None where it says nothing."""
    from gan_jax.evaluation import chronology

    strength, frames, _ = LATER[case]
    rng = np.random.default_rng([seed, paintings])
    here = world(paintings, rng, strength)
    _, dating = dated(here, seed)
    return chronology.passage(frames(here, rng), T, dating).later == "yes" if dating else None


def paintings_of(*periods: str) -> Frames:
    """[pairs, T, d]: new paintings of these periods, in turn, at every t."""

    def paint(here: World, rng: np.random.Generator) -> np.ndarray:
        years = np.stack([rng.choice(here.years[here.of(periods[k % len(periods)])], len(T)) for k in range(len(here.ends))])
        return here.hand.paint(years, rng)

    return paint


def grey(here: World, rng: np.random.Generator) -> np.ndarray:
    """[pairs, T, d]: the same picture over and over, which looks like the middle of all years and like no painting."""
    off = rng.normal(size=COLUMNS) @ here.hand.spread
    return np.tile(here.features.mean(axis=0) + 6 * off / np.linalg.norm(off), (len(here.ends), len(T), 1))


BETWEEN: dict[str, tuple[float, Frames, bool]] = {
    "the years say nothing; cross-fades": (0.0, cross_fade, False),
    "new early paintings": (1.5, paintings_of("early"), False),
    "new late paintings": (1.5, paintings_of("late"), False),
    "new early and late paintings, in turn": (1.5, paintings_of("early", "late"), False),
    "one grey picture": (1.5, grey, False),
    "paintings of the very years": (1.5, true, True),
    "the same, of a painter who changed much": (3.0, true, True),
}


def between(paintings: int, seed: int, case: str) -> bool | None:
    """Whether a study says that its middle looks later than the early paintings and earlier than the late ones."""
    from gan_jax.evaluation import chronology
    from gan_jax.metrics import manifold

    strength, frames, _ = BETWEEN[case]
    rng = np.random.default_rng([seed, paintings])
    here = world(paintings, rng, strength)
    known, dating = dated(here, seed)
    if dating is None:
        return None
    trained = here.features[np.concatenate([here.of("early"), here.of("late")])]
    moving = frames(here, rng)[:, len(T) // 2]
    try:
        precision, of_real = (manifold.manifold(trained, each).precision for each in (moving, here.features[here.of("between")]))
    except ValueError:  # too few paintings
        return None
    if chronology.no_paintings(precision, of_real):
        return None
    early, late = (np.isin(np.arange(paintings), here.of(period)) for period in ("early", "late"))
    said = chronology.between(moving, dating, known, here.features, early, late).said
    return None if said == "silent" else said == "yes"


def pictures(count: int, rng: np.random.Generator) -> np.ndarray:
    """Paintings as patches of colour: uint8 [count, 32, 32, 3]."""
    patches = rng.integers(0, 256, (count, 6, 6, 3), np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((32, 32), Image.Resampling.BICUBIC)) for one in patches])


def cropped(images: np.ndarray) -> np.ndarray:
    """Without an eighth on the right and below, at the size from before."""
    return np.stack([np.asarray(Image.fromarray(one[:28, :28]).resize((32, 32))) for one in images])


def noisy(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.clip(images + rng.normal(0, 12, images.shape), 0, 255).astype(np.uint8)


COPIES: dict[str, tuple[Callable[[np.ndarray, np.random.Generator], np.ndarray], bool]] = {
    "new paintings": (lambda paintings, rng: pictures(100, rng), False),
    "one grey picture": (lambda paintings, rng: np.full((100, 32, 32, 3), 127, np.uint8), False),
    "the paintings' mean, and noise": (lambda paintings, rng: noisy(np.tile(paintings.mean(axis=0), (100, 1, 1, 1)), rng), False),
    "new paintings, blurred": (lambda paintings, rng: ndimage.gaussian_filter(pictures(100, rng), (0, 3, 3, 0)), False),
    "one in three a copy, mirrored, with noise": (lambda paintings, rng: mixed(noisy(paintings[:, :, ::-1], rng), rng), True),
    "one in three a copy, moved by two pixels": (lambda paintings, rng: mixed(np.roll(paintings, (2, -2), axis=(1, 2)), rng), True),
    "one in three a copy, cropped by an eighth": (lambda paintings, rng: mixed(cropped(paintings), rng), True),
    "one in three a copy, in other colours": (lambda paintings, rng: mixed(paintings[..., [1, 2, 0]], rng), True),
}


def mixed(copies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([copies[rng.integers(0, len(copies), 33)], pictures(67, rng)])


def by_heart(paintings: int, seed: int, case: str) -> bool:
    """Whether a study says that a network repeats paintings by heart."""
    from gan_jax.evaluation import summary
    from gan_jax.metrics.copies import Copies

    rng = np.random.default_rng([seed, paintings])
    trained = pictures(2 * paintings // 3, rng)
    training = Copies(trained)
    found = training(COPIES[case][0](trained, rng))
    return summary.by_heart(training.near(found).mean(), training.chance(found))


def other_fades(here: World, rng: np.random.Generator) -> np.ndarray:
    """[pairs, T, d]: cross-fades of other paintings of the same years, in the same way."""
    mirror = dataclasses.replace(here, features=here.hand.paint(here.years, rng))
    return cross_fade(mirror, np.random.default_rng(FADE))


FADE = 5  # how laying pictures over each other changes them, the same for a study's frames and the cross-fade beside them
NEARER: dict[str, tuple[float, Frames, str, bool]] = {  # and what the frames are asked to be nearer than
    "new early paintings, beside the early ones": (1.5, paintings_of("early"), "the early works", False),
    "new late paintings, beside the late ones": (1.5, paintings_of("late"), "the late works", False),
    "new early and late paintings, beside both": (1.5, paintings_of("early", "late"), "both, mixed", False),
    "other cross-fades, beside the cross-fade": (1.5, other_fades, "cross-fade", False),
    "paintings of the very years, beside all": (1.5, true, "all", True),
    "the same, of a painter who changed much": (3.0, true, "all", True),
}


def judged(paintings: int, seed: int, case: str) -> list[dict] | None:
    """The verdicts of a study."""
    from gan_jax.evaluation import verdicts
    from gan_jax.metrics.image_set import ImageSet

    def blank(features: np.ndarray) -> ImageSet:
        return ImageSet(np.zeros((*features.shape[:-1], 1, 1, 3), np.uint8), features)

    strength, frames, *_ = NEARER[case]
    rng = np.random.default_rng([seed, paintings])
    here = world(paintings, rng, strength)
    if not len(here.ends):
        return None
    real = {period: blank(here.features[here.of(period)]) for period in ("early", "between", "late")}
    shown = {"ours": blank(frames(here, rng)), "cross-fade": blank(cross_fade(here, np.random.default_rng(FADE)))}
    return verdicts.verdicts(real, shown, len(T) // 2, seed, 8, "ours")


def nearer(paintings: int, seed: int, case: str) -> bool | None:
    """Whether a study says that its frames are nearer to the years between."""
    beside, said = NEARER[case][2], judged(paintings, seed, case)
    if said is None or said[0]["verdict"] is None:
        return None
    return all(one["verdict"] == "nearer" for one in said if beside in ("all", one["name"]))


ABLE: dict[str, tuple[str, str]] = {
    "could have been shown, by its own account": ("paintings of the very years, beside all", ""),
    "the same, of a painter who changed much": ("the same, of a painter who changed much", ""),
}


def able(paintings: int, seed: int, case: str) -> bool | None:
    """Whether a study says of itself that it could have found its frames nearer than all, if they were."""
    from gan_jax.evaluation import verdicts

    said = judged(paintings, seed, ABLE[case][0])
    if said is None or said[0]["power"] is None:
        return None
    return min(one["power"] for one in said) >= verdicts.ABLE


QUESTIONS = {
    "later": (LATER, later),
    "between": (BETWEEN, between),
    "by heart": (COPIES, by_heart),
    "nearer": (NEARER, nearer),
    "able": (ABLE, able),
}


def rate(question: str, case: str, paintings: int, rounds: int) -> tuple[float, float]:
    """Parts of the rounds in which the answer is yes, and in which nothing is said."""
    ask = QUESTIONS[question][1]
    said = [ask(paintings, seed, case) for seed in range(rounds)]
    return sum(one is True for one in said) / rounds, sum(one is None for one in said) / rounds


def table(question: str, sizes: tuple[int, ...], rounds: int) -> Iterator[str]:
    """Lines of Markdown."""
    columns = " | ".join(f"{paintings} paintings" for paintings in sizes)
    yield f"| {question}: says yes (says nothing), {rounds} rounds | right | {columns} |"
    yield "| --- | --- |" + " --- |" * len(sizes)
    for case, (*_, right) in QUESTIONS[question][0].items():
        cells = []
        for paintings in sizes:
            yes, nothing = rate(question, case, paintings, rounds)
            cells.append(f"{yes:.1%}" + (f" ({nothing:.0%})" if nothing else ""))
        yield f"| {case} | {right if isinstance(right, str) else 'yes' if right else 'no'} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=400)
    options.add_argument("--paintings", default=",".join(map(str, SIZES)))
    options.add_argument("--only", default="", choices=("", *QUESTIONS))
    chosen = options.parse_args()
    for name in QUESTIONS:
        if chosen.only in ("", name):
            for line in table(name, tuple(int(size) for size in chosen.paintings.split(",")), chosen.rounds):
                print(line, flush=True)
            print()
