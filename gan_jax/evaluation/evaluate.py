"""Every figure of a study: how good the images are, and whether those between are of the years between.

paintings, generated images, frames ──▶ features ──▶ distances, verdicts, chronology, copies, truth, style ──▶ words and tables
"""

import contextlib
import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax.collection.motif import CURVES, style_of
from gan_jax.evaluation import answer, chronology, distances, motifs, style, summary, tables, truth, verdicts
from gan_jax.evaluation.inputs import CROSS_FADE, PERIODS, Competitors, Extract, Paintings, Seen, look
from gan_jax.metrics import alignment, copies
from gan_jax.metrics.features import BANDS, TEXTURE_NAMES
from gan_jax.metrics.image_set import MINIMUM, ImageSet
from gan_jax.metrics.intervals import bootstrap

OTHER_IMAGES = 2000  # generated ones that are seen by features other than the first
PARAMETERS = tuple(name for name, *_ in CURVES)  # of the built-in painter's style


def evaluate(
    paintings: Paintings,
    generated: np.ndarray,
    morphs: Competitors,
    extractors: Mapping[str, Extract],
    *,
    seed: int,
    repeats: int,
) -> tuple[dict[str, Any], dict[str, tables.Rows]]:
    """Judges a study. Deterministic in its arguments.

    Args:
      paintings: of the collection; those of 'early' and 'late' were trained on, those of 'between' held out.
      generated: uint8 [n, r, r, 3], images of random latents.
      morphs: the study's frames and those of what it is put beside. A cross-fade of the paintings is added here; and where a competitor
        has some of the pairs alone, the study and the cross-fade over the same pairs.
      extractors: what measures images uint8 [n, r, r, 3] as features [n, d], by name; the first is what the verdicts rest on.
      seed: of everything that is drawn.
      repeats: how many times each real set is split into halves for its floor.

    Returns evaluation.json (see `distances.distances`; the rest is described where it is made) and the rows of its tables by name.
    Raises UserError for arrays of other shapes and too few paintings.
    """
    early, late = (paintings.images[morphs.ends[:, k]] for k in (0, 1))
    study, *others = morphs.frames
    frames = {study: morphs.frames[study], CROSS_FADE: verdicts.cross_fade(early, late, morphs.t)}
    asked = dataclasses.replace(morphs, frames=frames | {name: morphs.frames[name] for name in others})
    morphs = asked.like_with_like()

    primary, *more = extractors
    seen = look(paintings, generated, morphs, extractors[primary], primary)
    real = {period: seen.paintings[paintings.of(period)] for period in PERIODS}
    middle = verdicts.middle_of(morphs.years, paintings.years[paintings.of("between")])
    figures: dict[str, Any] = {"seed": int(seed), "resolution": int(paintings.images.shape[1]), "features": list(extractors)}
    figures |= distances.distances(
        real, seen.generated, seen.frames[study], morphs.t, seed=seed, repeats=repeats,
        competitors={name: each for name, each in seen.frames.items() if name != study},
        closely=(0, middle, len(morphs.t) - 1),
    )  # fmt: skip
    for name, place in ((study, figures["morph"]), *figures["competitors"].items()):
        for at, value in zip(place, _sharpness(paintings, seen.frames[name], primary)):
            at["sharpness"] = value
    figures["middle"] = {"k": middle, "t": float(morphs.t[middle]), "year": float(morphs.years[:, middle].mean())}
    judged = {name: seen.frames[name] for name in asked.frames}
    figures["verdicts"] = verdicts.verdicts(real, judged, middle, seed, MINIMUM, study, asked.some)
    figures["some_pairs"] = {name: morphs.of(name).tolist() for name in morphs.some}

    groups = motifs.motifs(paintings.images, list(paintings.titles))
    dates, figures["chronology"] = _chronology(paintings, seen, morphs, groups, figures, seed)
    nearest, figures["copies"] = _copies(paintings, generated, morphs)
    figures["truth"] = _truth(paintings, seen, morphs, groups, seed)
    curves = _style(paintings, seed)
    figures["style"] = [_curve(curve) for curve in curves]
    # Further features look at the middle alone, and at so many generated images: a discriminator takes its time on a CPU.
    there = dataclasses.replace(
        morphs, frames={name: each[:, middle : middle + 1] for name, each in morphs.frames.items()}, t=morphs.t[middle : middle + 1]
    )
    figures["other"] = {
        name: _other(look(paintings, generated[:OTHER_IMAGES], there, extractors[name], name), paintings, there, seed, repeats)
        for name in more
    }
    figures["spans"] = {period: _span(paintings.years[paintings.of(period)]) for period in PERIODS}
    figures["summary"], figures["answer"] = summary.summary(figures), answer.answer(figures)
    return figures, {
        "works": tables.painting_rows(paintings, seen, dates, curves, seed),
        "frames": tables.frame_rows(seen, morphs, dates, nearest),
        "generated": tables.generated_rows(seen, dates, nearest),
        "style": tables.style_rows(curves),
        "competitors": tables.competitor_rows(figures),
        "chronology": tables.chronology_rows(figures),
    }


def _span(years: np.ndarray) -> str:
    """Returns the calendar years of paintings [n], as people write them; '' for none with a date."""
    known = np.floor(years[np.isfinite(years)]).astype(int)
    if not len(known):
        return ""
    return f"{known.min()}" if known.min() == known.max() else f"{known.min()} to {known.max()}"


def _sharpness(paintings: Paintings, frames: ImageSet, primary: str) -> list[float | None]:
    """At each t the fine detail of frames [pairs, T] in parts of that of the paintings trained on: energy of the spectrum's highest octave,
    geometric means. None where the features are not of texture."""
    if primary != "texture":
        return [None] * frames.features.shape[1]
    column = TEXTURE_NAMES.index(f"scale_{BANDS[0]}")
    trained = np.concatenate([paintings.of("early"), paintings.of("late")])
    real = paintings.features["texture"][trained, column].mean()
    return (10 ** (frames.features[..., column].mean(axis=0) - real)).tolist()


def _chronology(
    paintings: Paintings, seen: Seen, morphs: Competitors, groups: np.ndarray, figures: Mapping[str, Any], seed: int
) -> tuple[tables.Dates | None, dict[str, Any]]:
    dated = np.isfinite(paintings.years)
    features, uncertainty = seen.paintings.features[dated], paintings.uncertainty[dated] if paintings.uncertainty is not None else None
    try:
        known = chronology.fit(features, paintings.years[dated], groups[dated], seed, uncertainty)
    except ValueError as error:
        return None, {"reason": str(error)}
    found: dict[str, Any] = {
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
        return None, found | {"reason": f"paintings left out can't be dated by colour and texture better than chance would do ({guess})"}
    said = np.full(len(paintings.years), np.nan)
    said[dated] = known.said
    periods = {}
    for name in PERIODS:
        of_period = said[paintings.of(name)]
        of_period = of_period[np.isfinite(of_period)]
        periods[name] = bootstrap(of_period, seed) if len(of_period) >= MINIMUM else None
    found["periods"] = {name: dataclasses.asdict(each) if each else None for name, each in periods.items()}
    nothing = {name: np.full(each.features.shape[:2], np.nan) for name, each in seen.frames.items()}
    dates = tables.Dates(said, known(seen.generated.features), nothing)
    if len(morphs.years) and (periods["early"] is None or periods["late"] is None):
        return dates, found | {"reason": f"fewer than {MINIMUM} dated paintings in a period"}
    try:
        datings = _datings(known, paintings, seen, morphs, groups, seed)
    except ValueError as error:
        return dates, found | {"reason": str(error)}
    study = next(iter(seen.frames))
    passages = {name: chronology.passage(seen.frames[name].features, morphs.t, dating) for name, dating in datings.items()}
    ways = {name: _passage(passage, morphs.years[morphs.of(name)]) for name, passage in passages.items()}
    for name, between in _between(known, paintings, seen, datings, figures).items():
        ways[name] |= between
    return dataclasses.replace(dates, frames={name: each.looks_like for name, each in passages.items()}), (
        found | ways.pop(study) | {"competitors": ways}
    )


def _datings(
    known: chronology.Chronology, paintings: Paintings, seen: Seen, morphs: Competitors, groups: np.ndarray, seed: int
) -> dict[str, chronology.Pairs]:
    """Returns by competitor what dates its frames. Raises ValueError where the study's can't be dated; of fewer pairs nothing is said."""
    dated = np.isfinite(paintings.years)
    place = np.where(dated, np.cumsum(dated) - 1, -1)  # among the dated paintings

    def of(name: str) -> chronology.Pairs:
        ends = place[morphs.ends[morphs.of(name)]].reshape(-1, 2)
        return chronology.pairs(known, seen.paintings.features[dated], groups[dated], ends, seed)

    study = next(iter(seen.frames))
    datings = dict.fromkeys((name for name in seen.frames if name not in morphs.some), of(study))
    for name in morphs.some:
        with contextlib.suppress(ValueError):
            datings[name] = of(name)
    return {name: datings[name] for name in seen.frames if name in datings}


def _between(
    known: chronology.Chronology,
    paintings: Paintings,
    seen: Seen,
    datings: Mapping[str, chronology.Pairs],
    figures: Mapping[str, Any],
) -> dict[str, dict[str, Any]]:
    """Says by competitor whether the frames in the middle lie between the paintings of both periods."""
    dated, middle, study = np.isfinite(paintings.years), figures["middle"]["k"], next(iter(seen.frames))
    features = seen.paintings.features[dated]
    early, late = (np.isin(np.flatnonzero(dated), paintings.of(period)) for period in ("early", "late"))
    compositions = alignment.Compositions(paintings.images[np.concatenate([paintings.of("early"), paintings.of("late")])])
    of_real = figures["manifold"]["between"]["precision"] or figures["manifold"]["floor"]["precision"]
    found = {}
    for name, dating in datings.items():
        way = figures["morph"] if name == study else figures["competitors"][name]
        at = seen.frames[name][:, middle]
        reason = chronology.no_paintings(way[middle]["precision"], of_real, alignment.upside_down(compositions, at.images), len(at))
        between = chronology.between(at.features, dating, known, features, early, late)
        found[name] = {
            "between": "silent" if reason else between.said,
            "between_reason": reason or between.reason,
            "between_part": dataclasses.asdict(between.part) if between.part else None,
        }
    return found


def _passage(passage: chronology.Passage, years: np.ndarray) -> dict[str, Any]:
    return {
        "rank": dataclasses.asdict(passage.rank),
        "later": passage.later,
        "by_t": [{"year": float(year), **dataclasses.asdict(one)} for year, one in zip(years.mean(axis=0), passage.by_t)],
    }


def _copies(paintings: Paintings, generated: np.ndarray, morphs: Competitors) -> tuple[tables.Near | None, dict[str, Any]]:
    trained = np.sort(np.concatenate([paintings.of("early"), paintings.of("late")]))
    try:
        training = copies.Copies(paintings.images[trained])
    except ValueError as error:
        return None, {"reason": str(error)}
    study = next(iter(morphs.frames.values()))

    def nearest(images: np.ndarray) -> tuple[copies.Nearest, np.ndarray]:
        found = training(images)
        return dataclasses.replace(found, painting=trained[found.painting]), training.near(found)

    of_generated, copied = nearest(generated)
    of_frames, copied_frames = nearest(study.reshape(-1, *study.shape[2:]))
    by_t = copied_frames.reshape(study.shape[:2])
    figures = {
        "reason": None,
        "threshold": training.threshold,
        "expected": copies.EXPECTED,
        "generated": _part(copied),
        "works": len(np.unique(of_generated.painting[copied])),
        "chance": training.chance(of_generated),
        "by_t": [{"t": float(t), **_part(column)} for t, column in zip(morphs.t, by_t.T)],
    }
    return tables.Near(of_generated, of_frames, copied, copied_frames), figures


def _part(near: np.ndarray) -> dict[str, Any]:
    return {"n": len(near), "near": int(near.sum()), "part": float(near.mean()) if len(near) else 0.0}


def _truth(paintings: Paintings, seen: Seen, morphs: Competitors, groups: np.ndarray, seed: int) -> dict[str, Any] | None:
    """Returns the known truth of the built-in painter. Real paintings stand for competitors too: the ends of each pair, held still."""
    if paintings.parameters is None or not len(morphs.years):
        return None
    frames = {name: each.features for name, each in seen.frames.items()}
    for name, end in zip(verdicts.STANDING, morphs.ends.T):
        frames[name] = np.repeat(seen.paintings.features[end][:, None], len(morphs.t), axis=1)
    styles = [[style_of(year) for year in pair] for pair in morphs.years]
    true = {name: np.array([[getattr(one, name) for one in pair] for pair in styles]) for name in paintings.parameters}
    early, late = paintings.of("early"), paintings.of("late")
    return truth.truth(seen.paintings.features, paintings.parameters, groups, early, late, frames, true, seed, morphs.some)


def _style(paintings: Paintings, seed: int) -> list[style.Curve]:
    dated = np.flatnonzero(np.isfinite(paintings.years))
    if len(dated) < style.MINIMUM:
        return []
    places = dated.tolist()
    shown = [paintings.named[i] or paintings.periods[i] for i in places] if paintings.further else [paintings.periods[i] for i in places]
    return style.curves(paintings.features["texture"][dated], paintings.years[dated], shown, (*PERIODS, *paintings.further), seed)


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


def _other(seen: Seen, paintings: Paintings, middle: Competitors, seed: int, repeats: int) -> dict[str, Any]:
    """By features other than the first: generated images, and the middle of the morphs."""
    real = {period: seen.paintings[paintings.of(period)] for period in PERIODS}
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
