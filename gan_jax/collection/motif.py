"""What the built-in painter paints, and how: styles that move with the year along known curves, subjects that don't.

Coordinates are in parts of the image's side: x to the right, y downwards, both 0 to 1.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

FIRST_YEAR, LAST_YEAR = 1880.0, 1890.0  # of the curves; a year outside takes the style of the nearer end
DEVIATION = 0.05  # standard deviation of one painting around the curve, in parts of a parameter's change over the ten years
LARGEST_DEVIATION = 2.0  # in standard deviations: what lies beyond is cut


@dataclasses.dataclass(frozen=True)
class Style:
    """How an image is painted. Lengths are in parts of its side."""

    saturation: float  # factor of every colour's distance from grey: 0 grey, 1 as out of the tube
    brightness: float  # factor of all light, 0 to 1
    contrast: float  # factor of the distance from middle grey, 0 to 1.5
    warmth: float  # of the shadows and the varnish: about 1 brown, 0 neutral, -1 blue
    stroke_length: float  # 0.02 to 0.3
    stroke_width: float  # 0.01 to 0.1
    curl: float  # 0: straight hatching; 1: strokes swirl round the sun and in eddies of the sky
    brokenness: float  # 0: neighbouring strokes blend; 1: each keeps a colour of its own


SHAPES: dict[str, Callable[[float], float]] = {  # of the part of the ten years that is over to the part of the change that is done
    "steady": lambda s: s,
    "soon": lambda s: s * (2.0 - s),
    "late": lambda s: s * s * (1.6 - 0.6 * s),
    "turn": lambda s: s * s * (3.0 - 2.0 * s),
}

# (parameter, value in 1880, value in 1890, shape). Every one is strictly monotone, so that a style has one year; the shapes differ,
# so that the years between aren't a mere mixture of the two ends: colour comes first, light and contrast follow, the swirl is last.
CURVES: tuple[tuple[str, float, float, str], ...] = (
    ("saturation", 0.26, 1.10, "soon"),  # earths and greys, then pigments as they come
    ("brightness", 0.70, 1.02, "steady"),  # a dark room, then the south
    ("contrast", 0.66, 1.18, "turn"),  # everything close in tone, then yellow against blue
    ("warmth", 0.90, -0.80, "turn"),  # brown shadows, then blue ones
    ("stroke_length", 0.055, 0.150, "steady"),  # short hatching, then long ribbons
    ("stroke_width", 0.018, 0.028, "steady"),  # a small brush, then a loaded one
    ("curl", 0.00, 1.00, "late"),  # straight for years, then all at once
    ("brokenness", 0.20, 1.00, "turn"),  # blended, then unmixed
)


def style_of(year: float) -> Style:
    """Returns the style of a year, without any painting's own deviation; before 1880 that of 1880, after 1890 that of 1890."""
    done = min(max((year - FIRST_YEAR) / (LAST_YEAR - FIRST_YEAR), 0.0), 1.0)
    return Style(**{name: early + (late - early) * SHAPES[shape](done) for name, early, late, shape in CURVES})


def draw_style(year: float, rng: np.random.Generator) -> Style:
    """Returns the style of one painting: `style_of(year)` and a small deviation of its own in each parameter (see DEVIATION)."""
    noise = np.clip(rng.standard_normal(len(CURVES)), -LARGEST_DEVIATION, LARGEST_DEVIATION) * DEVIATION
    curve = style_of(year)
    values = {name: getattr(curve, name) + (late - early) * float(z) for (name, early, late, _), z in zip(CURVES, noise, strict=True)}
    return dataclasses.replace(curve, **values | {"curl": min(max(values["curl"], 0.0), 1.0)})


FIELDS = {"spring": "Meadow", "summer": "Wheat Field", "autumn": "Ploughed Field"}
SUNS = {"morning": "Rising Sun", "noon": "High Sun", "evening": "Low Sun"}


@dataclasses.dataclass(frozen=True)
class Tree:
    x: float
    foot: float  # y of its foot
    height: float
    cypress: bool  # otherwise round


@dataclasses.dataclass(frozen=True)
class Subject:
    """What is in an image. Nothing here depends on the year."""

    season: str  # one of FIELDS
    hour: str  # one of SUNS
    horizon: float  # y
    hill_height: float  # above the horizon; 0 is a plain
    hill_phase: float  # radians
    sun_x: float
    sun_y: float
    sun_radius: float
    trees: tuple[Tree, ...]  # far ones first
    house_x: float | None
    path_x: float | None  # x at which a path leaves the image below
    vanishing_x: float  # where furrows and path run to on the horizon


def draw_subject(rng: np.random.Generator) -> Subject:
    """Draws one landscape. A fixed number of random numbers is used, whatever is drawn."""
    u = rng.random(32)
    horizon = 0.46 + 0.14 * u[0]
    hour = ("morning", "noon", "evening")[int(3 * u[1])]
    left = bool(u[2] < 0.5)  # the sun's side; the largest tree stands on the other
    sun_y = 0.13 + 0.07 * u[3] if hour == "noon" else horizon - 0.21 + 0.07 * u[3]
    side = 0.18 + 0.20 * u[4]
    count = (0, 1, 1, 2, 2, 3)[int(6 * u[5])]
    cypresses = bool(u[6] < 0.45)
    places = (0.76 + 0.12 * u[7], 0.52 + 0.12 * u[8], 0.10 + 0.10 * u[9])  # counted from the sun's side
    feet = (horizon + 0.16 + 0.10 * u[10], horizon + 0.08 + 0.05 * u[11], horizon + 0.12 + 0.08 * u[12])
    trees = [
        Tree(
            x=float(place if left else 1.0 - place),
            foot=float(foot),
            height=float((0.95 if cypresses else 0.80) * (foot - horizon) + (0.34 if cypresses else 0.22) * (0.85 + 0.3 * size)),
            cypress=cypresses,
        )
        for place, foot, size in zip(places[:count], feet, u[13:16], strict=False)
    ]
    return Subject(
        season=tuple(FIELDS)[int(3 * u[16])],
        hour=hour,
        horizon=float(horizon),
        hill_height=float(0.05 + 0.11 * u[17]) if u[18] < 0.75 else 0.0,
        hill_phase=float(2 * math.pi * u[19]),
        sun_x=float(side if left else 1.0 - side),
        sun_y=float(sun_y),
        sun_radius=float(0.050 + 0.025 * u[20]),
        trees=tuple(sorted(trees, key=lambda tree: tree.foot)),
        house_x=float(0.30 + 0.40 * u[21]) if u[22] < 0.35 else None,
        path_x=float(0.30 + 0.40 * u[23]) if u[24] < 0.40 else None,
        vanishing_x=float(0.25 + 0.50 * u[25]),
    )


def title_of(subject: Subject) -> str:
    """Returns a plausible title in plain words, such as "Wheat Field with Two Cypresses and a Low Sun"."""
    things = []
    if subject.house_x is not None:
        things.append("a Cottage")
    if subject.trees:
        count, cypress = len(subject.trees), subject.trees[0].cypress
        one, many = ("Cypress", "Cypresses") if cypress else ("Tree", "Trees")
        things.append(f"a {one}" if count == 1 else f"{('Two', 'Three')[count - 2]} {many}")
    if subject.path_x is not None:
        things.append("a Path")
    things.append(f"a {SUNS[subject.hour]}")
    where = " beneath Hills" if subject.hill_height > 0.11 else ""
    return f"{FIELDS[subject.season]}{where} with {', '.join(things[:-1])}{' and ' if things[:-1] else ''}{things[-1]}"
