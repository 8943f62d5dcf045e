"""What the page shows of the network: its images over training, the paintings it rebuilds, its curves."""

import math
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from gan_jax.collection.aspect import matted
from gan_jax.latents.inverted import Inversion
from gan_jax.report import data_uris, plots
from gan_jax.report.paintings import Paintings, spread
from gan_jax.training.health import merit

SAMPLE_GRIDS = 6
REBUILT = 6  # paintings each among the closest, the middle and the furthest
COMPARED = 256  # paintings each set against another one, for the error of unrelated images
CURVES = {
    "loss/discriminator": "the discriminator's loss",
    "loss/generator": "the generator's loss",
    "loss/projected": "the second discriminator's loss",
    "loss/generator_projected": "the generator's loss by the second discriminator",
    "loss/labels": "the discriminator's loss of labels",
    "loss/works": "how unlike the paintings the network's versions are",
    "score/real": "the discriminator's score of real paintings",
    "score/fake": "the discriminator's score of generated images",
    "score/real_projected": "the second discriminator's score of real paintings",
    "score/fake_projected": "the second discriminator's score of generated images",
}
MOST_CURVES = 6  # in a panel
MOST_LEVELS = 12
WATCHED = "watch/kid_training"
MOST_WATCHED = 12  # checkpoints in the table


def sample_section(workdir: pathlib.Path) -> dict | None:
    """Grids of the same latents over training, and the averaged generator's."""
    grids = sorted((int(path.stem[5:]), path) for path in (workdir / "samples").glob("kimg_*.png") if path.stem[5:].isdigit())
    final = workdir / "samples" / "final.png"
    if not grids and not final.exists():
        return None
    shown = [grids[place] for place in spread(len(grids), SAMPLE_GRIDS)]
    over_time = [{"kimg": kimg, "uri": data_uris.picture_file(path, 480)} for kimg, path in shown]
    largest = final if final.exists() else grids[-1][1]
    return {
        "final": data_uris.picture_file(largest, 1100),
        "averaged": final.exists(),
        "over_time": [grid for grid in over_time if grid["uri"]],
        "grids": len(grids),
    }


def inversion_section(inversion: Inversion | None, paintings: Paintings) -> dict | None:
    """Returns paintings beside what the generator makes of them: the best, the middle and the worst, and the error by period."""
    if inversion is None:
        return None
    indices = inversion.indices
    rebuilt = matted(inversion.reconstructions, paintings.collection.aspects[indices], paintings.fit)
    order = [place for place in np.argsort(inversion.error, kind="stable").tolist() if math.isfinite(inversion.error[place])]
    if not order:
        return None
    count = max(1, min(REBUILT, len(order) // 3))
    middle = (len(order) - count) // 2
    groups = {"The closest": order[:count]}
    if len(order) >= 3:
        groups |= {"In the middle": order[middle : middle + count], "The furthest": order[-count:]}
    size = min(192, max(96, rebuilt.shape[1]))

    def shown(place: int) -> dict:
        painting, correlation = paintings[indices[place]], float(inversion.correlation[place])
        return {
            "title": painting.title,
            "year": painting.year,
            "error": float(inversion.error[place]),
            "correlation": correlation if math.isfinite(correlation) else None,
            "uri": data_uris.row([paintings.images[indices[place]], rebuilt[place]], size),
        }

    periods = [paintings[index].period for index in indices]
    errors = {
        period: np.array([inversion.error[place] for place in sorted(order) if periods[place] == period])
        for period in sorted({periods[place] for place in order}, key=lambda name: _order(paintings.periods, name))
    }
    unrelated = unrelated_error(paintings.collection.images)
    return {
        "paintings": len(indices),
        "groups": [{"name": name, "paintings": [shown(place) for place in places]} for name, places in groups.items()],
        "plot": plots.error_by_period(list(errors.values()), [paintings.colour(period) for period in errors], unrelated),
        "periods": [
            {
                "name": period,
                "colour": paintings.colour(period),
                "paintings": len(values),
                "median": float(np.median(values)),
                "low": float(np.percentile(values, 25)),
                "high": float(np.percentile(values, 75)),
            }
            for period, values in errors.items()
        ],
        "unrelated": unrelated,
        "correlated": bool(np.isfinite(inversion.correlation).any()),
    }


def _order(periods: Sequence[str], name: str) -> tuple[int, str]:
    return (periods.index(name) if name in periods else len(periods), name)


def unrelated_error(images: np.ndarray) -> float | None:
    """Returns the median error between a painting and another one of the collection: what an inversion that fails would get.

    images: uint8 [n, h, w, 3]. The error is the root mean square difference on the scale where black is -1 and white 1.
    """
    if len(images) < 2:
        return None
    chosen = images[np.array(spread(len(images), COMPARED))].astype(np.float32) / 127.5
    others = np.roll(chosen, max(1, len(chosen) // 2), axis=0)
    return float(np.median(np.sqrt(np.mean((chosen - others) ** 2, axis=(1, 2, 3)))))


def training_section(log: Mapping[str, np.ndarray]) -> dict | None:
    """Losses and scores over images seen, and how long each resolution took; None without a log."""
    if "images" not in log:
        return None
    images = log["images"]
    levels, stages = {}, []
    if "resolution" in log:
        for resolution in np.unique(log["resolution"][np.isfinite(log["resolution"])])[:MOST_LEVELS]:
            at = log["resolution"] == resolution
            levels[float(images[at][0])] = int(resolution)
            speeds = log.get("images_per_second", np.full(len(images), math.nan))[at]
            speeds = speeds[np.isfinite(speeds)]
            stages.append(
                {
                    "resolution": int(resolution),
                    "first": float(images[at][0]),
                    "last": float(images[at][-1]),
                    "speed": float(np.median(speeds)) if len(speeds) else None,
                }
            )
    panels, legends = [], []
    for family in ("loss/", "score/"):
        keys = [key for key in log if key.startswith(family) and np.isfinite(log[key]).any()][:MOST_CURVES]
        shades = dict(zip(keys, plots.CURVE_COLOURS, strict=False))
        if keys:
            panels.append({key: (shades[key], log[key]) for key in keys})
            legends.append([{"name": CURVES.get(key, key), "colour": shades[key]} for key in keys])
    return {
        "images": float(images[-1]),
        "plot": plots.curves_over_images(images, panels, levels) if panels else None,
        "legends": legends,
        "stages": stages,
        "watched": _watched(log),
    }


def _watched(log: Mapping[str, np.ndarray]) -> list[dict]:
    """Returns what was measured of the checkpoints' images, the best among them."""
    if WATCHED not in log:
        return []
    places = np.flatnonzero(np.isfinite(log[WATCHED]))
    measured = {name.removeprefix("watch/"): np.nan_to_num(values) for name, values in log.items()}
    best = places[merit(measured)[places].argmin()] if len(places) else None
    shown = sorted({places[k] for k in spread(len(places), MOST_WATCHED)} | ({best} if best is not None else set()))
    names = ("kid_training", "kid_ways", "kid_held_out", "diversity", "copies")
    nothing = np.full(len(log["images"]), math.nan)
    figures = {name: log.get(f"watch/{name}", nothing) for name in names}
    return [
        {"images": float(log["images"][k]), "best": k == best}
        | {name: float(values[k]) if np.isfinite(values[k]) else None for name, values in figures.items()}
        for k in shown
    ]
