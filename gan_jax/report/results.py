"""Everything of a study that its page shows, loaded once from the workdir."""

import dataclasses
import math
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gan_jax import reading
from gan_jax.collection.paintings import Collection
from gan_jax.errors import UserError
from gan_jax.evaluation.evaluation import FIGURES, Evaluation
from gan_jax.latents.inverted import Inversion
from gan_jax.latents.samples import GENERATED, Samples
from gan_jax.morphing.morphs import Morphs


@dataclasses.dataclass(frozen=True, eq=False)
class Results:
    """What the stages have made; None for what is not there yet."""

    workdir: pathlib.Path
    record: Mapping[str, Any]  # config.json
    collection: Collection
    log: Mapping[str, np.ndarray]  # of the training, see `read_log`
    samples: Samples | None
    inversion: Inversion | None
    morphs: Morphs | None
    evaluation: Evaluation | None

    @classmethod
    def load(cls, workdir: pathlib.Path) -> "Results":
        """Reads a workdir. Only the collection must be there. Raises UserError for what is damaged or does not fit together."""
        record = reading.read_object(workdir / "config.json") if reading.is_there(workdir / "config.json") else {}
        collection = Collection.load(workdir / "collection")
        paintings = len(collection.paintings)
        samples, inversion, morphs = (workdir / name for name in ("samples", "inversion", "morphs"))
        return cls(
            workdir,
            record,
            collection,
            read_log(workdir / "log" / "metrics.jsonl"),
            Samples.load(samples) if reading.is_there(samples / GENERATED) else None,
            Inversion.load(inversion, paintings) if reading.is_there(inversion / "inversion.csv") else None,
            Morphs.load(morphs, paintings) if reading.is_there(morphs / "pairs.csv") else None,
            Evaluation.load(workdir, paintings) if reading.is_there(workdir / FIGURES) else None,
        )

    def setting(self, *names: str) -> Any:
        """Returns a field of the config that the study was made with, None where it is not on record."""
        value = self.record.get("config")
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value


def read_log(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Reads log/metrics.jsonl into one float64 array [lines] a key; what a line lacks is NaN. {} where there is none.

    Lines that are damaged (a run that was stopped while writing) or have no `images` are passed over, as are values
    that are not finite numbers. Rows come back in the order of images seen; two lines with the same count are one row, and what
    both say the later one says. Raises UserError for what is no file, or larger than any training's.
    """
    if not reading.is_there(path):
        return {}
    rows: dict[float, dict[str, float]] = {}
    for _, found in reading.read_lines(path):
        values = {key: float(value) for key, value in (found or {}).items() if _is_finite(value)}
        if "images" in values:
            rows[values["images"]] = rows.get(values["images"], {}) | values
    keys = sorted({key for row in rows.values() for key in row})
    if len(keys) * len(rows) > reading.MOST_CELLS:
        raise UserError(f"{path}: {len(rows):,} lines with {len(keys):,} figures, which is more than a training writes")
    ordered = [rows[images] for images in sorted(rows)]
    return {key: np.array([row.get(key, math.nan) for row in ordered]) for key in keys}


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e300


def evaluated(results: Results, read: Callable[[Mapping[str, Any]], Any]) -> Any:
    """Gives what `read` makes of evaluation.json, None without one.

    Raises UserError if it is laid out otherwise than `evaluate` writes it.
    """
    if results.evaluation is None:
        return None
    try:
        return read(results.evaluation.figures)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        said = f"{type(error).__name__}: {reading.shown_error(error)}"
        raise UserError(f"{results.workdir / FIGURES}: not as `evaluate` writes it ({said}); run `evaluate` again") from None
