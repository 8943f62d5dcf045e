"""The measured figures of evaluation.json, each beside its interval and the floor it is to be read against."""

import math
import pathlib

import numpy as np

from gan_jax.errors import UserError
from gan_jax.report import plots, results


def number_text(value: float | None) -> str:
    """Three significant digits; whole from a thousand on; a dash for what is not known."""
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    places = 2 if value == 0 else min(8, max(0, 2 - math.floor(math.log10(abs(value)))))
    return ("0" if value == 0 else f"{value:.{places}f}").replace("-", "−")


def evaluation_section(workdir: pathlib.Path) -> dict | None:
    """Tables and the plot along the morphs, or None if nothing has been evaluated."""
    return None
