"""Every figure of a study: how good the pictures are, and whether those between are of the years between.

works, generated images, frames ──▶ features ──▶ distances, verdicts, chronology, copies, truth, style ──▶ words and tables
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax.collection.motif import CURVES, style_of
from gan_jax.evaluation import alignment, answer, chronology, copies, distances, motifs, style, summary, truth, verdicts
from gan_jax.evaluation.distances import MINIMUM
from gan_jax.evaluation.features import BANDS, TEXTURE_NAMES, Standardiser
from gan_jax.evaluation.image_set import ImageSet
from gan_jax.evaluation.intervals import bootstrap
from gan_jax.evaluation.manifold import distances as apart
from gan_jax.progress import Progress

PERIODS = distances.PERIODS
STUDY = "this study"
DIRECT = "random samples of the same year"
OTHER_IMAGES = 2000  # generated ones that are seen by features other than the first
PARAMETERS = tuple(name for name, *_ in CURVES)  # of the built-in painter's style

Extract = Callable[[np.ndarray], np.ndarray]
Rows = list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Works:
    """The real works of a collection."""

    images: np.ndarray  # uint8 [n, r, r, 3]
    features: Mapping[str, np.ndarray]  # [n, d] by name, 'texture' among them
    years: np.ndarray  # [n], NaN for works without a date
    periods: Sequence[str]  # of each
    titles: Sequence[str]
    files: Sequence[str]
    parameters: Mapping[str, np.ndarray] | None = None  # of the built-in painter, each style parameter's true value [n]
    uncertainty: np.ndarray | None = None  # [n], years either way; None where every date is known
    named: Sequence[str] = ()  # of each the further period that it is shown under, '' for none; () where there is no such period

    def of(self, period: str) -> np.ndarray:
        return np.flatnonzero(np.array(self.periods) == period)

    @property
    def further(self) -> list[str]:
        """The periods that works are shown under beside early, between and late, in order of time."""
        named = np.array(self.named)
        return sorted({*self.named} - {""}, key=lambda name: self.years[named == name].min())


@dataclasses.dataclass(frozen=True)
class Morphs:
    """Frames of pairs of works."""

    frames: Mapping[str, np.ndarray]  # uint8 [pairs, T, r, r, 3] by competitor, STUDY first
    t: np.ndarray  # [T]
    years: np.ndarray  # [pairs, T]
    ends: np.ndarray  # [pairs, 2], places of the early and the late work


def evaluate(
    works: Works,
    generated: np.ndarray,
    morphs: Morphs,
    extractors: Mapping[str, Extract],
    *,
    seed: int,
    repeats: int,
) -> tuple[dict[str, Any], dict[str, Rows]]:
    """Judges a study. Deterministic in its arguments.

    Args:
      works: of the collection; those of 'early' and 'late' were trained on, those of 'between' held out.
      generated: uint8 [n, r, r, 3], images of random latents.
      morphs: the study's frames and those of what it is put beside. A cross-fade of the paintings is added here.
      extractors: what measures pictures uint8 [n, r, r, 3] as features [n, d], by name; the first is what the verdicts rest on.
      seed: of everything that is drawn.
      repeats: how many times each real set is split into halves for its floor.

    Returns evaluation.json (see `distances.distances`; the rest is described where it is made) and the rows of its tables by name.
    Raises UserError for arrays of other shapes and too few works.
    """
    early, late = (works.images[morphs.ends[:, k]] for k in (0, 1))
    study, *others = morphs.frames
    frames = {study: morphs.frames[study], verdicts.CROSS_FADE: verdicts.cross_fade(early, late, morphs.t)}
    morphs = dataclasses.replace(morphs, frames=frames | {name: morphs.frames[name] for name in others})

    primary, *more = extractors
    seen = _look(works, generated, morphs, extractors[primary], primary)
    real = {period: seen.works[works.of(period)] for period in PERIODS}
    middle = verdicts.middle_of(morphs.years, works.years[works.of("between")])
    figures: dict[str, Any] = {"seed": int(seed), "resolution": int(works.images.shape[1]), "features": list(extractors)}
    figures |= distances.distances(
        real, seen.generated, seen.frames[study], morphs.t, seed=seed, repeats=repeats,
        competitors={name: each for name, each in seen.frames.items() if name != study},
        closely=(0, middle, len(morphs.t) - 1),
    )  # fmt: skip
    for name, place in ((study, figures["morph"]), *figures["competitors"].items()):
        for at, value in zip(place, _sharpness(works, seen.frames[name], primary)):
            at["sharpness"] = value
    figures["middle"] = {"k": middle, "t": float(morphs.t[middle]), "year": float(morphs.years[:, middle].mean())}
    figures["verdicts"] = verdicts.verdicts(real, seen.frames, middle, seed, MINIMUM, study)

    groups = motifs.motifs(works.images, list(works.titles))
    dates, figures["chronology"] = _chronology(works, seen, morphs, groups, figures, seed)
    nearest, figures["copies"] = _copies(works, generated, morphs)
    figures["truth"] = _truth(works, seen, morphs, groups, seed)
    curves = _style(works, seed)
    figures["style"] = [_curve(curve) for curve in curves]
    # Further features look at the middle alone, and at so many generated images: a discriminator takes its time on a CPU.
    there = dataclasses.replace(
        morphs, frames={name: each[:, middle : middle + 1] for name, each in morphs.frames.items()}, t=morphs.t[middle : middle + 1]
    )
    figures["other"] = {
        name: _other(_look(works, generated[:OTHER_IMAGES], there, extractors[name], name), works, there, seed, repeats) for name in more
    }
    figures["spans"] = {period: _span(works.years[works.of(period)]) for period in PERIODS}
    figures["summary"], figures["answer"] = summary.summary(figures), answer.answer(figures)
    return figures, {
        "works": _work_rows(works, seen, dates, curves, seed),
        "frames": _frame_rows(works, seen, morphs, dates, nearest),
        "generated": _generated_rows(works, seen, dates, nearest),
        "style": [
            {"quantity": curve.quantity.name, "year": f"{year:.3f}", "value": value, "low": low, "high": high}
            for curve in curves
            for year, value, low, high in zip(curve.years, curve.value, curve.low, curve.high)
        ],
        "competitors": _competitor_rows(figures),
        "chronology": _chronology_rows(figures),
    }


def _span(years: np.ndarray) -> str:
    """The calendar years of works [n], as people write them; '' for none with a date."""
    known = np.floor(years[np.isfinite(years)]).astype(int)
    if not len(known):
        return ""
    return f"{known.min()}" if known.min() == known.max() else f"{known.min()} to {known.max()}"


def _sharpness(works: Works, frames: ImageSet, primary: str) -> list[float | None]:
    """At each t the fine detail of frames [pairs, T] in parts of that of the works trained on: energy of the spectrum's highest octave,
    geometric means. None where the features are not of texture."""
    if primary != "texture":
        return [None] * frames.features.shape[1]
    column = TEXTURE_NAMES.index(f"scale_{BANDS[0]}")
    trained = np.concatenate([works.of("early"), works.of("late")])
    real = works.features["texture"][trained, column].mean()
    return (10 ** (frames.features[..., column].mean(axis=0) - real)).tolist()


@dataclasses.dataclass(frozen=True)
class _Seen:
    """The same as Works, generated and Morphs, with features."""

    works: ImageSet
    generated: ImageSet
    frames: dict[str, ImageSet]


def _look(works: Works, generated: np.ndarray, morphs: Morphs, extract: Extract, name: str) -> _Seen:
    with Progress("look", 1 + len(morphs.frames)) as progress:
        looked = ImageSet.of(generated, extract)
        progress.advance(1, name)
        frames = {}
        for key, each in morphs.frames.items():
            frames[key] = ImageSet.of(each, extract)
            progress.advance(1, name)
    return _Seen(ImageSet(works.images, works.features[name]), looked, frames)


@dataclasses.dataclass(frozen=True)
class _Dates:
    """What year pictures look like."""

    works: np.ndarray  # [n], NaN for those without a date
    generated: np.ndarray
    frames: Mapping[str, np.ndarray]  # [pairs, T] by competitor


def _chronology(
    works: Works, seen: _Seen, morphs: Morphs, groups: np.ndarray, figures: Mapping[str, Any], seed: int
) -> tuple[_Dates | None, dict[str, Any]]:
    dated = np.isfinite(works.years)
    features, uncertainty = seen.works.features[dated], works.uncertainty[dated] if works.uncertainty is not None else None
    try:
        known = chronology.fit(features, works.years[dated], groups[dated], seed, uncertainty)
    except ValueError as error:
        return None, {"reason": str(error)}
    found = {
        "reason": None,
        "works": len(known.years),
        "groups": known.groups,
        "folds": chronology.FOLDS,
        "error": known.error,
        "guess": known.guess,
        "correlation": known.correlation,
        "chance": known.chance,
    }
    if not known.tells:
        guess = f"off by {known.error:.1f} years, by guessing {known.guess:.1f}"
        return None, found | {"reason": f"works left out can't be dated by colour and texture better than chance would do ({guess})"}
    said = np.full(len(works.years), np.nan)
    said[dated] = known.said
    periods = {}
    for name in PERIODS:
        of_period = said[works.of(name)]
        of_period = of_period[np.isfinite(of_period)]
        periods[name] = bootstrap(of_period, seed) if len(of_period) >= MINIMUM else None
    found["periods"] = {name: dataclasses.asdict(each) if each else None for name, each in periods.items()}
    nothing = {name: np.full(each.features.shape[:2], np.nan) for name, each in seen.frames.items()}
    dates = _Dates(said, known(seen.generated.features), nothing)
    if len(morphs.years) and (periods["early"] is None or periods["late"] is None):
        return dates, found | {"reason": f"fewer than {MINIMUM} dated works in a period"}
    place = np.where(dated, np.cumsum(dated) - 1, -1)  # among the dated works
    try:
        dating = chronology.pairs(known, features, groups[dated], place[morphs.ends].reshape(-1, 2), seed)
    except ValueError as error:
        return dates, found | {"reason": str(error)}
    passages = {name: chronology.passage(each.features, morphs.t, dating) for name, each in seen.frames.items()}
    middle = figures["middle"]["k"]
    early, late = (np.isin(np.flatnonzero(dated), works.of(period)) for period in ("early", "late"))
    ways, study = {}, next(iter(passages))
    compositions = alignment.Compositions(works.images[np.concatenate([works.of("early"), works.of("late")])])
    of_real = figures["manifold"]["between"]["precision"] or figures["manifold"]["floor"]["precision"]
    for name, passage in passages.items():
        way = figures["morph"] if name == study else figures["competitors"][name]
        at = seen.frames[name][:, middle]
        reason = chronology.no_paintings(way[middle]["precision"], of_real, alignment.upside_down(compositions, at.images), len(at))
        between = chronology.between(at.features, dating, known, features, early, late)
        ways[name] = _passage(passage, morphs.years) | {
            "between": "silent" if reason else between.said,
            "between_reason": reason or between.reason,
            "between_part": dataclasses.asdict(between.part) if between.part else None,
        }
    return dataclasses.replace(dates, frames={name: each.looks_like for name, each in passages.items()}), (
        found | ways.pop(study) | {"competitors": ways}
    )


def _passage(passage: chronology.Passage, years: np.ndarray) -> dict[str, Any]:
    return {
        "rank": dataclasses.asdict(passage.rank),
        "later": passage.later,
        "by_t": [{"year": float(year), **dataclasses.asdict(one)} for year, one in zip(years.mean(axis=0), passage.by_t)],
    }


@dataclasses.dataclass(frozen=True)
class _Near:
    """The training works nearest to pictures, as places in the collection."""

    generated: copies.Nearest
    frames: copies.Nearest  # of the study, pairs after each other
    copy_generated: np.ndarray
    copy_frames: np.ndarray


def _copies(works: Works, generated: np.ndarray, morphs: Morphs) -> tuple[_Near | None, dict[str, Any]]:
    trained = np.sort(np.concatenate([works.of("early"), works.of("late")]))
    try:
        training = copies.Copies(works.images[trained])
    except ValueError as error:
        return None, {"reason": str(error)}
    study = next(iter(morphs.frames.values()))

    def nearest(images: np.ndarray) -> tuple[copies.Nearest, np.ndarray]:
        found = training(images)
        return dataclasses.replace(found, work=trained[found.work]), training.near(found)

    of_generated, copied = nearest(generated)
    of_frames, copied_frames = nearest(study.reshape(-1, *study.shape[2:]))
    by_t = copied_frames.reshape(study.shape[:2])
    figures = {
        "reason": None,
        "threshold": training.threshold,
        "expected": copies.EXPECTED,
        "generated": _part(copied),
        "works": len(np.unique(of_generated.work[copied])),
        "chance": training.chance(of_generated),
        "by_t": [{"t": float(t), **_part(column)} for t, column in zip(morphs.t, by_t.T)],
    }
    return _Near(of_generated, of_frames, copied, copied_frames), figures


def _part(near: np.ndarray) -> dict[str, Any]:
    return {"n": len(near), "near": int(near.sum()), "part": float(near.mean()) if len(near) else 0.0}


def _truth(works: Works, seen: _Seen, morphs: Morphs, groups: np.ndarray, seed: int) -> dict[str, Any] | None:
    """The known truth of the built-in painter. Real works stand for competitors too: the ends of each pair, held still."""
    if works.parameters is None or not len(morphs.years):
        return None
    frames = {name: each.features for name, each in seen.frames.items()}
    for name, end in zip(verdicts.STANDING, morphs.ends.T):
        frames[name] = np.repeat(seen.works.features[end][:, None], len(morphs.t), axis=1)
    styles = [[style_of(year) for year in pair] for pair in morphs.years]
    true = {name: np.array([[getattr(one, name) for one in pair] for pair in styles]) for name in works.parameters}
    return truth.truth(seen.works.features, works.parameters, groups, works.of("early"), works.of("late"), frames, true, seed)


def _style(works: Works, seed: int) -> list[style.Curve]:
    dated = np.flatnonzero(np.isfinite(works.years))
    if len(dated) < style.MINIMUM:
        return []
    shown = [works.named[i] or works.periods[i] for i in dated] if works.further else [works.periods[i] for i in dated]
    return style.curves(works.features["texture"][dated], works.years[dated], shown, (*PERIODS, *works.further), seed)


def _curve(curve: style.Curve) -> dict[str, Any]:
    quantity = curve.quantity
    return {
        "name": quantity.name,
        "unit": quantity.unit,
        "about": quantity.about,
        "circle": quantity.circle,
        **{name: getattr(curve, name).tolist() for name in ("years", "value", "low", "high")},
        "periods": {name: dataclasses.asdict(each) if each else None for name, each in curve.periods.items()},
    }


def _other(seen: _Seen, works: Works, middle: Morphs, seed: int, repeats: int) -> dict[str, Any]:
    """By features other than the first: generated images, and the middle of the morphs."""
    real = {period: seen.works[works.of(period)] for period in PERIODS}
    study, *others = seen.frames
    competitors = {name: seen.frames[name] for name in others}
    found = distances.distances(
        real, seen.generated, seen.frames[study], middle.t, seed=seed, repeats=repeats, competitors=competitors, pixels_too=False
    )
    ways = {study: found["morph"], **found["competitors"]}
    return {
        "comparisons": found["comparisons"],
        "floors": found["floors"],
        "ceiling": found["ceiling"],
        "middle": {name: way[0]["against"]["between"] for name, way in ways.items()},
    }


def _work_rows(works: Works, seen: _Seen, dates: _Dates | None, curves: Sequence[style.Curve], seed: int) -> Rows:
    rows = [
        {"index": i, "file": works.files[i], "title": works.titles[i], "year": _number(works.years[i]), "period": works.periods[i]}
        for i in range(len(works.years))
    ]
    if works.further:
        rows = [row | {"named": name} for row, name in zip(rows, works.named)]
    said = dates.works if dates else np.full(len(rows), np.nan)
    dated = np.flatnonzero(np.isfinite(works.years))
    places = style.map_of(Standardiser.fit(seen.works.features)(seen.works.features), seed) if len(rows) >= style.MINIMUM else None
    for i, row in enumerate(rows):
        row |= {"looks_like": _number(said[i]), "ahead": _number(said[i] - works.years[i])}
    for curve in curves:
        values = np.full(len(rows), np.nan)
        values[dated] = curve.works
        for row, value in zip(rows, values):
            row[curve.quantity.name] = _number(value)
    for i, row in enumerate(rows):
        row |= {"map_x": _number(places[i, 0]) if places is not None else "", "map_y": _number(places[i, 1]) if places is not None else ""}
    return rows


def _resembles(works: ImageSet, pictures: np.ndarray) -> np.ndarray:
    """Of pictures' features [n, d] the real works that are most like them [n]."""
    standardise = Standardiser.fit(works.features)
    return apart(standardise(pictures), standardise(works.features)).argmin(axis=1) if len(pictures) else np.zeros(0, int)


def _frame_rows(works: Works, seen: _Seen, morphs: Morphs, dates: _Dates | None, near: _Near | None) -> Rows:
    study = next(iter(morphs.frames))
    features = seen.frames[study].features
    resembles = _resembles(seen.works, features.reshape(-1, features.shape[-1]))
    rows = []
    for pair, (early, late) in enumerate(morphs.ends.tolist()):
        for k, t in enumerate(morphs.t):
            i = pair * len(morphs.t) + k
            said = _number(dates.frames[study][pair, k]) if dates else ""
            rows.append({"pair": pair, "frame": k, "t": f"{t:.4f}", "year": _number(morphs.years[pair, k]), "looks_like": said,
                         "early_index": early, "late_index": late, **_neighbours(resembles, near.frames if near else None,
                         near.copy_frames if near else None, i)})  # fmt: skip
    return rows


def _generated_rows(works: Works, seen: _Seen, dates: _Dates | None, near: _Near | None) -> Rows:
    resembles = _resembles(seen.works, seen.generated.features)
    return [
        {
            "image": i,
            "looks_like": _number(dates.generated[i]) if dates else "",
            **_neighbours(resembles, near.generated if near else None, near.copy_generated if near else None, i),
        }
        for i in range(len(seen.generated))
    ]


def _neighbours(resembles: np.ndarray, nearest: copies.Nearest | None, copied: np.ndarray | None, i: int) -> dict[str, Any]:
    row: dict[str, Any] = {"resembles_index": int(resembles[i]), "nearest_index": "", "distance": "", "copy": ""}
    if nearest is not None:
        row |= {"nearest_index": int(nearest.work[i]), "distance": f"{nearest.distance[i]:.4f}", "copy": int(copied[i])}
    return row


def _competitor_rows(figures: Mapping[str, Any]) -> Rows:
    """How far from the works between, at each t; standing sets have none."""
    rows = []
    rank = {STUDY: figures["chronology"].get("rank"), **{
        name: each["rank"] for name, each in figures["chronology"].get("competitors", {}).items()
    }}  # fmt: skip
    ways = {STUDY: figures["morph"], **figures["competitors"]}
    places = [(name, _number(place["t"]), place["against"]["between"], place) for name, way in ways.items() for place in way]
    for name, t, comparison, place in [*places, *((one["name"], "", one["comparison"], None) for one in figures["standing"])]:
        numbers = {"kid": comparison["kid"]["value"], "kid_low": comparison["kid"]["low"], "kid_high": comparison["kid"]["high"],
                   "swd": comparison["swd"]["value"], "frechet": comparison["frechet"]["value"],
                   "rank": (rank.get(name) or {}).get("value"), "kid_training": place["training"]["value"] if place else None,
                   "precision": place["precision"] if place else None, "sharpness": place["sharpness"] if place else None}  # fmt: skip
        rows.append({"competitor": name, "t": t} | {key: _number(value) for key, value in numbers.items()})
    return rows


def _chronology_rows(figures: Mapping[str, Any]) -> Rows:
    found = figures["chronology"]
    if found["reason"]:
        return []
    ways = {STUDY: found["by_t"], **{name: each["by_t"] for name, each in found["competitors"].items()}}
    return [
        {"competitor": name, "t": _number(moment["t"]), "year": _number(place["year"])}
        | {key: _number(place[source]) for key, source in (("looks_like", "value"), ("low", "low"), ("high", "high"))}
        for name, way in ways.items()
        for moment, place in zip(figures["morph"], way)
    ]


def _number(value: float | None) -> str:
    return "" if value is None or not np.isfinite(value) else f"{value:.6g}"
