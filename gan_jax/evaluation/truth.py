"""On the built-in painter the true style of every year is known: how far from it are frames?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gan_jax.evaluation.chronology import FOLDS, STRENGTHS
from gan_jax.metrics.intervals import ROUNDS, percentiles

SKILL = 0.5  # R^2 in paintings left out, from which on a parameter counts as measured


def truth(
    features: np.ndarray,
    values: Mapping[str, np.ndarray],
    groups: np.ndarray,
    early: np.ndarray,
    late: np.ndarray,
    frames: Mapping[str, np.ndarray],
    true: Mapping[str, np.ndarray],
    seed: int,
    some: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Any] | None:
    """Measures each parameter of style in frames by a ridge regression on real paintings, and compares with the truth of their years.

    Args:
      features: of the real paintings [n, d].
      values: each parameter's true value in them [n].
      groups: [n], paintings that are left out together.
      early, late: which paintings [n] are of the two periods; their mean true values are the ends of the way that errors are parts of.
      frames: features [pairs, T, d] by the name of the competitor; [p, T, d] of one in `some`.
      true: each parameter's true value at the frames' years [pairs, T].
      seed: of the folds and of the pairs that are drawn.
      some: numbers [p] of the pairs of competitors without the others.

    Returns the entry 'truth' of the evaluation; None where no parameter can be measured.
    """
    folds = list(GroupKFold(FOLDS, shuffle=True, random_state=seed % 2**32).split(features, groups=groups))
    parameters: list[dict[str, Any]] = []
    off: dict[str, dict[str, np.ndarray]] = {name: {} for name in frames}  # [pairs, T] in parts of the way, by parameter
    for name, value in values.items():
        fits, said = [], np.empty(len(value))
        for kept, left in folds:
            fits.append(make_pipeline(StandardScaler(), RidgeCV(STRENGTHS)).fit(features[kept], value[kept]))
            said[left] = fits[-1].predict(features[left])
        skill = float(1 - np.square(said - value).mean() / max(value.var(), 1e-12))
        way = float(value[late].mean() - value[early].mean())
        parameters.append({"name": name, "skill": skill, "early": float(value[early].mean()), "late": float(value[late].mean())})
        if skill < SKILL or abs(way) < 1e-9:
            continue
        for competitor, seen in frames.items():
            measured = np.mean([fit.predict(seen.reshape(-1, seen.shape[-1])) for fit in fits], axis=0).reshape(seen.shape[:2])
            there = true[name][some[competitor]] if some and competitor in some else true[name]
            off[competitor][name] = (measured - there) / abs(way)
    compared = [name for name in values if any(name in each for each in off.values())]
    if not compared:
        return None
    competitors = [_competitor(name, {key: each[key] for key in compared}, seed) for name, each in off.items()]
    best = min((entry for entry in competitors if entry["name"] not in (some or {})), key=lambda entry: entry["error"])  # over all pairs
    text = (
        f"The true style of every year is known here. The frames' mean style is off by {competitors[0]['error']:.2f} of the way from early "
        f"to late ({competitors[0]['low']:.2f} to {competitors[0]['high']:.2f}), over {len(compared)} parameters that can be measured; "
        f"nearest to the truth is {best['name']}, with {best['error']:.2f}."
    )
    return {"parameters": parameters, "competitors": competitors, "text": text}


def _competitor(name: str, off: Mapping[str, np.ndarray], seed: int) -> dict[str, Any]:
    """`off`: [pairs, T] by parameter. What counts is the mean over pairs: a single frame's error is mostly that of measuring it."""
    stack = np.stack(list(off.values()))  # [parameters, pairs, T]
    bias = np.abs(stack.mean(axis=1))  # [parameters, T]
    rng = np.random.default_rng(seed)
    rounds = (np.abs(stack[:, rng.integers(0, stack.shape[1], stack.shape[1])].mean(axis=1)).mean() for _ in range(ROUNDS // 4))
    low, high = percentiles(np.fromiter(rounds, float))
    by_parameter = dict(zip(off, bias.mean(axis=1).tolist()))
    by_t = bias.mean(axis=0).tolist()
    return {"name": name, "error": float(bias.mean()), "low": low, "high": high, "by_parameter": by_parameter, "by_t": by_t}
