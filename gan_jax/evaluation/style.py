"""How a painter's style moves with the years, in quantities that people have words for."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from gan_jax.metrics.features import BANDS, HUES, STROKES, TEXTURE_NAMES
from gan_jax.metrics.intervals import ENDS, ROUNDS, Estimate, bootstrap

POINTS = 61  # of a curve
SMOOTHING = 0.12  # standard deviation of the smoothing kernel, in parts of the span of years
MINIMUM = 8  # paintings


def _column(features: np.ndarray, name: str) -> np.ndarray:
    return features[:, TEXTURE_NAMES.index(name)]


def _hue(features: np.ndarray) -> np.ndarray:
    return np.stack([_column(features, "green_red_mean"), _column(features, "blue_yellow_mean")], axis=1)


def _orientation(features: np.ndarray) -> np.ndarray:
    """Returns the sum of the strokes' directions, each twice its angle: strokes have no sign."""
    angles = 2 * np.pi * np.arange(len(STROKES)) / len(STROKES)
    shares = np.stack([_column(features, f"stroke_{name}") for name in STROKES], axis=1)
    return shares @ np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _scale(features: np.ndarray) -> np.ndarray:
    """Returns mean octave of the spectrum's energy above what is smooth; a band's energy is its mean times its number of frequencies."""
    octaves = np.arange(len(BANDS))
    energy = np.stack([10 ** _column(features, f"scale_{name}") * 4.0**-k for k, name in enumerate(BANDS)], axis=1)
    return 2.0 ** (1 + energy @ octaves / np.maximum(energy.sum(axis=1), 1e-12))


@dataclasses.dataclass(frozen=True)
class Quantity:
    """A number for each painting, or the direction of a vector [n, 2], whose angle has a period."""

    name: str
    unit: str
    about: str
    of: Callable[[np.ndarray], np.ndarray]  # texture features [n, d] to [n] or [n, 2]
    circle: float | None = None  # degrees after which the angle is the same again

    def read(self, values: np.ndarray) -> np.ndarray:
        """Returns means [..., 1] or [..., 2] as people read them [...]."""
        if self.circle is None:
            return values[..., 0]
        return np.mod(np.degrees(np.arctan2(values[..., 1], values[..., 0])) * self.circle / 360, self.circle)


QUANTITIES = (
    Quantity("brightness", "CIELAB L, 0 to 100", "How light the images are on the whole.", lambda x: _column(x, "lightness_mean")),
    Quantity("contrast", "CIELAB L", "How far light and dark lie apart.", lambda x: _column(x, "lightness_std")),
    Quantity("saturation", "CIELAB chroma", "How far the colours are from grey.", lambda x: _column(x, "chroma_mean")),
    Quantity("hue", "degrees", f"The mean colour: {', '.join(f'{name} at {45 * k}' for k, name in enumerate(HUES))}.", _hue, 360.0),
    Quantity("warmth", "CIELAB b", "Yellow against blue, on the whole.", lambda x: _column(x, "blue_yellow_mean")),
    Quantity(
        "stroke direction",
        "degrees",
        "Which way strokes run: 0 lies flat, 45 rises to the right, 90 is upright, 135 falls; 180 lies flat again.",
        _orientation,
        180.0,
    ),
    Quantity("stroke order", "0 to 1", "How far neighbouring strokes run the same way.", lambda x: _column(x, "stroke_coherence")),
    Quantity("stroke size", "pixels", "How wide the typical mark is, at the resolution of the study.", _scale),
)


@dataclasses.dataclass(frozen=True)
class Curve:
    """A quantity over the years, with a band that holds 95 % of what other paintings of the same kind would give."""

    quantity: Quantity
    years: np.ndarray  # [points]
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    periods: dict[str, Estimate | None]
    paintings: np.ndarray  # [n], the quantity of each painting


def curves(features: np.ndarray, years: np.ndarray, periods: Sequence[str], names: Sequence[str], seed: int) -> list[Curve]:
    """Fits curves to the texture features [n, d] of dated paintings. Raises ValueError for fewer than eight.

    periods: of each painting. names: the periods whose means are asked for.
    """
    if len(years) < MINIMUM:
        raise ValueError(f"{len(years)} dated paintings, at least {MINIMUM} are needed")
    at = np.linspace(years.min(), years.max(), POINTS)
    width = max(SMOOTHING * np.ptp(years), 1e-6)
    weights = np.exp(-0.5 * ((at[:, None] - years) / width) ** 2)  # [points, n]
    # Of each round, how often every painting was drawn: smoothing is then one product.
    times = np.random.default_rng(seed).multinomial(len(years), np.full(len(years), 1 / len(years)), size=ROUNDS // 2)
    found = []
    for quantity in QUANTITIES:
        each = quantity.of(features).reshape(len(features), -1)
        value = quantity.read(_smooth(weights, at, years, each))
        drawn = np.stack([quantity.read(_smooth(weights * row, at, years, each)) for row in times])
        low, high = _band(drawn, value, quantity.circle)
        means = {name: _mean(quantity, each[[period == name for period in periods]], seed) for name in names}
        found.append(Curve(quantity, at, value, low, high, means, quantity.read(each)))
    return found


def _smooth(weights: np.ndarray, at: np.ndarray, years: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Local lines [points, c] through values [n, c] (Fan 1993): unlike local means they don't bend at the ends."""
    total = weights.sum(axis=1)
    middle = (weights @ years) / total
    off = years[None] - middle[:, None]
    weighted = weights * off
    mean = (weights @ values) / total[:, None]
    spread = (weighted * off).sum(axis=1)
    slope = (weighted @ values) / np.maximum(spread, 1e-9 * total)[:, None]
    return mean + slope * (at - middle)[:, None]


def _band(drawn: np.ndarray, value: np.ndarray, circle: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles over the rounds, for angles taken about the curve so that 359 and 1 are neighbours."""
    if circle is None:
        return tuple(np.percentile(drawn, ENDS, axis=0))
    off = np.mod(drawn - value + circle / 2, circle) - circle / 2
    return tuple(value + np.percentile(off, ENDS, axis=0))


def _mean(quantity: Quantity, each: np.ndarray, seed: int) -> Estimate | None:
    if len(each) < MINIMUM:
        return None
    value = float(quantity.read(each.mean(axis=0)))
    if quantity.circle is None:
        return bootstrap(each[:, 0], seed)
    circle = quantity.circle
    drawn = each[np.random.default_rng(seed).integers(0, len(each), (ROUNDS, len(each)))].mean(axis=1)
    low, high = _band(quantity.read(drawn), np.array(value), circle)
    return Estimate(value, float(low), float(high))


def map_of(features: np.ndarray, seed: int) -> np.ndarray:
    """Returns places [n, 2] in 0 to 1 at which paintings of like standardised features [n, d] lie near each other (t-SNE)."""
    from sklearn.manifold import TSNE

    embed = TSNE(perplexity=max(2.0, min(30.0, len(features) / 5)), init="pca", random_state=seed % 2**32)
    # Its threads wait for each other by turning: on a core that has something else to do, two take twenty times as long as one.
    with threadpool_limits(1):
        places = embed.fit_transform(features)
    low, span = places.min(axis=0), np.maximum(np.ptp(places, axis=0), 1e-9)
    return (places - low) / span
