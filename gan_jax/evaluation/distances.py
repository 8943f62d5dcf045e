"""Distances between sets, and what each is like: generated images and frames of morphs by real paintings, with floors and a ceiling."""

import contextlib
import dataclasses
import os
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from gan_jax.errors import UserError
from gan_jax.evaluation.inputs import PERIODS
from gan_jax.metrics import kid, manifold, swd
from gan_jax.metrics.distances import DISTANCES, Distance, Figure
from gan_jax.metrics.features import Standardiser
from gan_jax.metrics.image_set import MINIMUM, ImageSet, joined
from gan_jax.metrics.properties import PROPERTIES
from gan_jax.progress import Progress

MAX_IMAGES = 5000  # a set; KID's memory grows as the square
MOST_THREADS = 16  # each with the neighbourhoods of a place's frames or of two halves of a set, 60 to 150 MB

NOTES = (
    "KID is unbiased, so it can be below zero; its interval holds 95 % of the values from random halves of both sets and takes the "
    "paintings for independent of each other.",
    "SWD and the Fréchet distance grow as sets get smaller: read each against a floor and a ceiling, and mind n. A floor's halves are "
    "at most half as many paintings as its set has, so it lies a little high.",
    "SWD sees texture: the mean colour and the contrast of a whole set do not count. A mixture of two sets can lie further from both "
    "than they lie from each other.",
    "SWD's spread is over random directions only; the floors' spread is over which paintings were drawn.",
    "Early and late paintings were trained on, and the morphs set out from them, so frames near t = 0 and t = 1 may fall below the floor. "
    "The paintings between were not trained on.",
)


@dataclasses.dataclass(frozen=True)
class _Set:
    """One set of paintings, looked at once. Without a reason there are descriptors too, from 16 pixels on."""

    name: str
    images: np.ndarray  # [n, r, r, 3] uint8
    points: np.ndarray  # [n, d] standardised features
    reason: str | None = None  # why nothing can be said about it
    descriptors: swd.Descriptors | None = None

    def taken(self, distance: Distance) -> np.ndarray | swd.Descriptors | None:
        """Returns what a distance is taken of."""
        return self.points if distance.of == "features" else self.descriptors


@dataclasses.dataclass(frozen=True)
class _Eye:
    """How each set is looked at."""

    standardise: Standardiser
    seed: int
    pixels_too: bool  # whether there are descriptors

    def cut(self, name: str, image_set: ImageSet) -> dict[int, np.ndarray] | None:
        """Returns the neighbourhoods of a set, where there are descriptors of it."""
        # The frames have one name at every t, so their neighbourhoods are cut at the same places and the curve over t is smooth.
        usable = self.pixels_too and image_set.images.shape[1] >= swd.MINIMUM_RESOLUTION and len(image_set) >= MINIMUM
        return swd.neighbourhoods(image_set.images, _seed(self.seed, "places", name)) if usable else None

    def look(self, name: str, image_set: ImageSet, patches: Mapping[int, np.ndarray] | None) -> _Set:
        points = self.standardise(image_set.features)
        if len(image_set) < MINIMUM:
            return _Set(name, image_set.images, points, f"{name}: {len(image_set)} images, at least {MINIMUM} are needed")
        described = swd.describe(patches, _seed(self.seed, "directions")) if patches else None
        return _Set(name, image_set.images, points, None, described)


def distances(
    real: Mapping[str, ImageSet],
    generated: ImageSet,
    frames: ImageSet,
    t: np.ndarray,
    *,
    seed: int,
    repeats: int = 8,
    competitors: Mapping[str, ImageSet] | None = None,
    closely: Collection[int] | None = None,
    pixels_too: bool = True,
) -> dict[str, Any]:
    """Judges generated images and morphs by real paintings. Deterministic in its arguments.

    Args:
      real: n_i images for 'early', 'late' and 'between'; the last is held out of training. A set that is missing or has fewer
        than 8 paintings gets no figures, and a reason; early and late together need 8.
      generated: n images of random latents.
      frames: images [pairs, T, r, r, 3], the morphs, and t [T] their places, 0 the early end and 1 the late one.
      seed: of everything that is drawn.
      repeats: how many times each real set is split into halves for its floor, at least 2.
      competitors: frames like `frames`, of the same pairs or of some of them, at the same t, by other means.
      closely: places in t at which competitors get their SWD, which takes the most time; None: all.
      pixels_too: whether SWD and properties are worked out at all, which do not depend on the features.

    Returns a dict of plain Python values, every float finite. `reason` is None where there is a figure; where there is none, every
    value beside the reason is None (and `by_level` empty).

        {
          'sets': {'early'|'between'|'late'|'training'|'generated'|'frames': number of images that was used},
          'comparisons': [Comparison],          'generated' with 'training', which is early and late together
          'morph': [{'t': float, 'against': {'early'|'between'|'late': Comparison}, PROPERTY: Property,     in the order of t
                     'training': the KID to what was trained on, 'precision': float, part that lies among it}],
          'competitors': {name: list like 'morph', without properties},
          'standing': [{'name': str, 'comparison': Comparison}],      early, late and both of them with 'between'
          'floors': {'early'|'between'|'late'|'training': Floor},     two random halves of one set, over and over
          'ceiling': Comparison,                                      'early' with 'late'
          PROPERTY: {'early'|'between'|'late'|'training'|'generated': Property},     PROPERTY: each name in `metrics.properties.PROPERTIES`
          'manifold': {'generated'|'between': Manifold, among 'training', 'floor': Manifold, 'frames': [{'t': float, **Manifold}]},
          'notes': [str],
        }
        Comparison: {'a': name, 'b': name, 'n_a': int, 'n_b': int,    the frames at one t have the name 'frames'
          name of a distance: {'value', 'reason'}, for each of `metrics.distances.DISTANCES`, with its 'low' and 'high' or 'spread',
            and 'by_level': {'64': float, ...}, finest level first, where it has them}
        Floor: {'n': images in each half, 'repeats': int,             value: mean over repeats; spread: standard deviation
          name of a distance: {'value', 'spread', 'reason'}, with 'by_level' too}
        Property: {'value', 'error', 'n': int, 'reason'}, with 'pairs' where its value is a mean over pairs; error: standard error
        Manifold: {'precision', 'recall', 'density', 'coverage', 'reason'}

    Raises UserError for arrays of other shapes, too few training paintings, or repeats below 2.
    """
    competitors = competitors or {}
    sets = {name: real[name] for name in PERIODS if name in real and len(real[name])}
    resolution = _check(sets, generated, frames, t, repeats)
    for name, each in competitors.items():
        if each.images.shape[1:] != frames.images.shape[1:] or len(each) > len(frames):
            raise UserError(f"{name}: {list(each.images.shape)}, the morphs are {list(frames.images.shape)}")
    notes = list(NOTES)
    empty = ImageSet(np.zeros((0, resolution, resolution, 3), np.uint8), np.zeros((0, frames.features.shape[-1])))
    sets = {name: _limited(name, sets[name], seed, notes) if name in sets else empty for name in PERIODS}
    sets["training"] = _limited("training", joined(sets["early"], sets["late"]), seed, notes)
    frames, generated = _limited("frames", frames, seed, notes), _limited("generated", generated, seed, notes)
    eye = _Eye(Standardiser.fit(sets["training"].features), seed, pixels_too)

    with Progress("compare", len(sets) * (1 + repeats) + 1 + len(t) * (1 + len(competitors))) as progress, _threads() as pool:

        def whole(name: str, image_set: ImageSet) -> tuple[_Set, dict[int, np.ndarray] | None]:
            patches = eye.cut(name, image_set)
            return eye.look(name, image_set, patches), patches

        looked = {name: pool.submit(whole, name, each) for name, each in {**sets, "generated": generated}.items()}
        seen, of_sets, of_halves = {}, {}, {}
        for name in tuple(looked):
            # The neighbourhoods of a set serve its description and its floor, and go: they are the largest thing here.
            seen[name], patches = looked.pop(name).result()
            of_sets[name] = pool.submit(_properties, seen[name], seed, pixels_too)
            progress.advance(1, name)
            if name in sets:
                half = min(len(sets[name]) // 2, len(frames)) if len(frames) >= MINIMUM else len(sets[name]) // 2
                of_halves[name] = pool.submit(_floor, seen[name], patches, half, seed, repeats)
            del patches

        def along(frames: ImageSet, of_place: Callable[[_Set], dict[str, Any]], closely: Collection[int]) -> list[Future]:
            """Begins what `of_place` says of the frames at each t."""

            def at(k: int) -> dict[str, Any]:
                # One name for all: the same draws of places, directions and pairs make the sets comparable.
                patches = eye.cut("frames", frames[:, k]) if k in closely else None
                return {"t": float(t[k]), **of_place(eye.look("frames", frames[:, k], patches))}

            return [pool.submit(at, k) for k in range(len(t))]

        def said(name: str, places: Sequence[Future]) -> list[dict[str, Any]]:
            found = []
            for place in places:
                found.append(place.result())
                progress.advance(1, f"{name}, t = {found[-1]['t']:.2f}")
            return found

        def beside(here: _Set) -> dict[str, Any]:
            return {
                "against": {name: _comparison(here, seen[name], seed) for name in PERIODS},
                "training": _distance("kid", here, seen["training"], seed),
                "precision": _manifold(seen["training"], here, seed)["precision"],
            }

        def own(here: _Set) -> dict[str, Any]:
            return beside(here) | _properties(here, seed, pixels_too) | {"manifold": _manifold(seen["between"], here, seed)}

        everywhere = range(len(t))
        ours = along(frames, own, everywhere)
        theirs = {
            name: along(_limited("frames", each, seed, notes), beside, everywhere if closely is None else closely)
            for name, each in competitors.items()
        }
        floors = {}
        for name in tuple(of_halves):
            floors[name] = of_halves.pop(name).result()
            progress.advance(repeats, f"floor of {name}")
        morph = said("this study", ours)
        others = {name: said(name, places) for name, places in theirs.items()}
        properties = {name: each.result() for name, each in of_sets.items()}

    lying = [{"t": place["t"], **place.pop("manifold")} for place in morph]
    both = dataclasses.replace(seen["training"], name="both, mixed")
    return {
        "sets": {**{name: len(one.images) for name, one in seen.items()}, "frames": len(frames)},
        "comparisons": [_comparison(seen["generated"], seen["training"], seed)],
        "morph": morph,
        "competitors": others,
        "standing": [
            {"name": name, "comparison": _comparison(one, seen["between"], seed)}
            for name, one in (("the early works", seen["early"]), ("the late works", seen["late"]), ("both, mixed", both))
        ],
        "floors": floors,
        "ceiling": _comparison(seen["early"], seen["late"], seed),
        **{each: {name: figures[each] for name, figures in properties.items()} for each in PROPERTIES},
        "manifold": {
            "generated": _manifold(seen["training"], seen["generated"], seed),
            "between": _manifold(seen["training"], seen["between"], seed),
            "floor": _manifold_of_halves(seen["training"], seed),
            "frames": lying,
        },
        "notes": notes,
    }


@contextlib.contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """NumPy lets other threads run; one place or one split alone would leave most cores idle.

    Products of matrices stay in their thread: with threads of their own, on many cores, they would wait for each other's.
    """
    pool = ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS))
    with threadpool_limits(1, "blas"):
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)  # what has not begun, where something went wrong or was interrupted


def _seed(seed: int, *words: str) -> int:
    """Returns a seed for each purpose, so that no figure depends on which others were worked out before it."""
    return zlib.crc32("/".join([str(seed), *words]).encode())


def _check(sets: Mapping[str, ImageSet], generated: ImageSet, frames: ImageSet, t: np.ndarray, repeats: int) -> int:
    """Returns the resolution that all have in common; UserError where they don't."""
    count = sum(len(sets[name]) for name in ("early", "late") if name in sets)
    if count < MINIMUM:
        raise UserError(f"early and late: {count} paintings together, evaluating needs at least {MINIMUM}")
    if repeats < 2:
        raise UserError(f"evaluation.repeats={repeats}: at least 2 are needed for a spread")
    shape = frames.images.shape
    if len(shape) != 5 or not len(t) or np.shape(t) != (shape[1],) or not np.isfinite(t).all():
        raise UserError(f"morphs: frames {list(shape)} and t {list(np.shape(t))}, they should be [pairs, T, r, r, 3] and [T]")
    resolution = int((sets["early"] if "early" in sets else sets["late"]).images.shape[1])
    for name, image_set in {**sets, "generated": generated, "frames": frames[:, 0]}.items():
        images = image_set.images
        if len(images) and (images.shape[1:] != (resolution, resolution, 3) or images.dtype != np.uint8):
            raise UserError(f"{name}: {images.dtype} {list(images.shape)}, it should be uint8 [n, {resolution}, {resolution}, 3]")
    return resolution


def _limited(name: str, image_set: ImageSet, seed: int, notes: list[str]) -> ImageSet:
    """Returns a set, or some of a larger one, drawn by chance, which `notes` then say."""
    if len(image_set) <= MAX_IMAGES:
        return image_set
    notes.append(f"{name}: {MAX_IMAGES:,} of {len(image_set):,} were drawn at random and used.")
    chosen = np.random.default_rng(_seed(seed, "limit", name)).choice(len(image_set), MAX_IMAGES, replace=False)
    return image_set[np.sort(chosen)]


def _why_not(distance: Distance, a: _Set, b: _Set) -> str | None:
    """Returns why there is no such distance of two sets, None where there is one."""
    if a.reason or b.reason or distance.of == "features":
        return a.reason or b.reason
    if (a.descriptors is None or b.descriptors is None) and a.images.shape[1] >= swd.MINIMUM_RESOLUTION:
        return "the sliced Wasserstein distance was not asked for"
    if a.descriptors is None or b.descriptors is None:
        return f"the sliced Wasserstein distance needs {swd.MINIMUM_RESOLUTION} pixels, not {a.images.shape[1]}"
    return None


def _comparison(a: _Set, b: _Set, seed: int) -> Figure:
    """Returns all distances between two sets, or why there are none."""
    sizes = {"a": a.name, "b": b.name, "n_a": len(a.images), "n_b": len(b.images)}
    return {**sizes, **{name: _distance(name, a, b, seed) for name in DISTANCES}}


def _distance(name: str, a: _Set, b: _Set, seed: int) -> Figure:
    distance = DISTANCES[name]
    reason = _why_not(distance, a, b)
    if reason:
        return distance.absent(reason)
    return distance.compare(a.taken(distance), b.taken(distance), _seed(seed, name, a.name, b.name))


def _properties(one: _Set, seed: int, asked: bool) -> dict[str, Figure]:
    """Returns all properties of a set, or why there are none."""
    figures = {}
    for name, each in PROPERTIES.items():
        reason = one.reason or (None if asked else f"{name} was not asked for")
        if reason:
            figures[name] = each.absent(len(one.images), reason)
        else:
            # The same draws at every t: the difference between two places is then that of the frames alone.
            figures[name] = {**each.measure(one.images, _seed(seed, name, one.name)), "reason": None}
    return figures


def _manifold(real: _Set, generated: _Set, seed: int) -> Figure:
    """As many generated as real images, where there are more: recall and coverage rise with their number."""
    reason = real.reason or generated.reason
    if reason:
        return {"precision": None, "recall": None, "density": None, "coverage": None, "reason": reason}
    order = np.random.default_rng(_seed(seed, "manifold")).permutation(len(generated.points))[: len(real.points)]
    return {**dataclasses.asdict(manifold.manifold(real.points, generated.points[order])), "reason": None}


def _manifold_of_halves(one: _Set, seed: int) -> Figure:
    """Returns how two random halves of a set lie among each other: as well as real would."""
    half = len(one.images) // 2
    few = f"{one.name}: halves of {half} images, at least {manifold.MINIMUM} are needed" if half < manifold.MINIMUM else None
    places = next(_halves(one, half, seed, 1))
    first, second = (dataclasses.replace(one, points=one.points[part], reason=few) for part in places)
    return _manifold(first, second, seed)


def _halves(one: _Set, half: int, seed: int, repeats: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places of two disjoint random subsets of `half` paintings each, `repeats` times."""
    rng = np.random.default_rng(_seed(seed, "halves", one.name))
    for _ in range(repeats):
        order = rng.permutation(len(one.images))
        yield order[:half], order[half : 2 * half]


def _floor(one: _Set, patches: Mapping[int, np.ndarray] | None, half: int, seed: int, repeats: int) -> Figure:
    """Returns the distances between random halves of one real set: what they are where nothing differs but the paintings drawn."""
    reason = one.reason
    if reason is None and half < kid.MINIMUM:
        reason = f"{one.name}: halves of {half} images, at least {kid.MINIMUM} are needed"
    if reason:
        return {"n": half, "repeats": repeats, **{name: _mean_and_spread(each, [], reason) for name, each in DISTANCES.items()}}

    def split(i: int, first: np.ndarray, second: np.ndarray) -> dict[str, Figure]:
        halves: dict[str, tuple[Any, Any]] = {"features": (one.points[first], one.points[second])}
        if patches is not None and one.descriptors is not None:
            # One set of directions for each split, in turn: the splits differ by far more than the directions do.
            here, there = ({level: taken[part] for level, taken in patches.items()} for part in (first, second))
            directions = one.descriptors.seed, (i % swd.REPEATS,)
            halves["neighbourhoods"] = (swd.describe(here, *directions), swd.describe(there, *directions))
        return {name: each.measure(*halves[each.of], None) for name, each in DISTANCES.items() if each.of in halves}

    found = [split(i, *halves) for i, halves in enumerate(_halves(one, half, seed, repeats))]
    floors = {
        name: _mean_and_spread(each, [figures[name] for figures in found if name in figures], _why_not(each, one, one))
        for name, each in DISTANCES.items()
    }
    return {"n": half, "repeats": repeats, **floors}


def _mean_and_spread(distance: Distance, found: Sequence[Figure], reason: str | None) -> Figure:
    """Returns the floor of a distance from what was found of each split; of none, why."""
    values = [each["value"] for each in found]
    known = {"value": float(np.mean(values)), "spread": float(np.std(values, ddof=1))} if found else {"value": None, "spread": None}
    levels = found[0]["by_level"] if distance.by_level and found else ()
    by_level = {level: float(np.mean([each["by_level"][level] for each in found])) for level in levels}
    return {**known, "reason": reason, **({"by_level": by_level} if distance.by_level else {})}
