"""A painter of landscapes who never lived, and whose style moves with the year along known curves.

The subjects (fields, trees, hills, a sun, a cottage) don't depend on the year; palette, contrast and brushwork do. So this is the
one collection for which the right answer between two periods is known: `motif.style_of(year)`. NumPy only, and the same bytes for the
same seed as far as NumPy's sine and cosine agree between machines.
"""

import dataclasses
import math

import numpy as np

from gan_jax.collection.brushwork import paint
from gan_jax.collection.motif import draw_style, draw_subject, title_of
from gan_jax.errors import UserError
from gan_jax.progress import follow


def paint_collection(
    paintings: int, first_year: float, last_year: float, seed: int, resolution: int
) -> tuple[list[dict[str, str]], np.ndarray]:
    """Paints a collection with its table, in the order of the years.

    Painting i depends on (seed, i) and the span only: more paintings, or another resolution, leave those there are as they were. Its file's
    number is i + 1. The years of any number of paintings lie evenly over the span (golden-ratio sequence) up to a small jitter.

    Returns:
      Rows with `file`, `title`, `date` (a decimal year) and each true parameter of the painting's `Style`, all as text; images uint8
      [paintings, resolution, resolution, 3].
    """
    if paintings < 1:
        raise UserError(f"paintings={paintings}: the painter paints at least 1")
    if resolution < 4:
        raise UserError(f"resolution={resolution}: the painter paints at least 4 pixels a side")
    if not (math.isfinite(first_year) and math.isfinite(last_year) and first_year <= last_year):
        raise UserError(f"first_year={first_year}, last_year={last_year}: the first year can't be after the last")
    if seed < 0:
        raise UserError(f"seed={seed}: a seed is 0 or more")
    start = np.random.Generator(np.random.PCG64(seed)).random()
    rows, images = [], np.empty((paintings, resolution, resolution, 3), np.uint8)
    for i in follow("prepare", range(paintings), paintings):
        # Streams of their own, so that a change in how one is used moves nothing else.
        calendar, motif, hand, brush = (
            np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed, spawn_key=(i,)).spawn(4)
        )
        place = (start + i * (math.sqrt(5.0) - 1.0) / 2.0 + 0.02 * (calendar.random() - 0.5)) % 1.0
        date = f"{first_year + (last_year - first_year) * place:.3f}"
        subject, style = draw_subject(motif), draw_style(float(date), hand)
        images[i] = paint(subject, style, resolution, brush)
        values = {name: f"{value:.5f}" for name, value in dataclasses.asdict(style).items()}
        rows.append({"file": f"painted_{i + 1:04d}.png", "title": title_of(subject), "date": date} | values)
    order = sorted(range(paintings), key=lambda i: (float(rows[i]["date"]), i))
    return [rows[i] for i in order], images[order]
