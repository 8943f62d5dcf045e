"""How the built-in painter paints: a scene of colours and directions, covered with strokes. NumPy only.

Coordinates are in parts of the image's side: x to the right, y downwards, both 0 to 1.
"""

import dataclasses
import math

import numpy as np

from gan_jax.collection.motif import Style, Subject, Tree

# --- Scene: what the painter sees -------------------------------------------------------------------------------------------------

GRID = 128  # side of the maps from which strokes take colour and direction, at every resolution
SKIES = {  # above, at the horizon, the sun, its halo
    "morning": ((0.30, 0.55, 0.85), (0.98, 0.86, 0.62), (1.00, 0.88, 0.35), (1.00, 0.90, 0.50)),
    "noon": ((0.10, 0.36, 0.84), (0.52, 0.78, 0.95), (1.00, 0.90, 0.20), (0.98, 0.95, 0.55)),
    "evening": ((0.22, 0.28, 0.66), (0.98, 0.66, 0.28), (1.00, 0.62, 0.12), (1.00, 0.78, 0.25)),
}
GROUNDS = {  # light, dark, leaves of round trees
    "spring": ((0.66, 0.80, 0.30), (0.30, 0.56, 0.22), (0.16, 0.46, 0.20)),
    "summer": ((1.00, 0.82, 0.18), (0.82, 0.56, 0.10), (0.12, 0.42, 0.22)),
    "autumn": ((0.86, 0.54, 0.28), (0.50, 0.30, 0.24), (0.78, 0.36, 0.08)),
}
CYPRESS, TRUNK, WALL, ROOF, PATH = (0.05, 0.30, 0.22), (0.30, 0.18, 0.12), (0.94, 0.90, 0.78), (0.78, 0.30, 0.16), (0.93, 0.80, 0.60)
FAR_HILL, NEAR_HILL = (0.38, 0.46, 0.78), (0.18, 0.44, 0.46)


@dataclasses.dataclass
class Scene:
    """Maps on the grid. Each `lay` puts one thing in front of what is there."""

    colour: np.ndarray  # [GRID, GRID, 3]
    flow: np.ndarray  # [GRID, GRID, 2], the direction (x, y) of the strokes, of any length
    thing: np.ndarray  # [GRID, GRID] int, which thing is in front: strokes of the upper layers end at its edge

    def lay(self, inside: np.ndarray, colour: np.ndarray | tuple, x_flow: np.ndarray | float, y_flow: np.ndarray | float) -> None:
        """Lays a thing where `inside` [GRID, GRID] is positive; colour is [3] or [GRID, GRID, 3]."""
        here = inside > 0.0
        self.colour[here] = np.broadcast_to(colour, self.colour.shape)[here]
        self.flow[here] = np.stack(np.broadcast_arrays(x_flow, y_flow, inside)[:2], axis=-1)[here]
        self.thing[here] = self.thing.max() + 1


def _mix(a: np.ndarray | tuple, b: np.ndarray | tuple, part: np.ndarray) -> np.ndarray:
    part = np.clip(part, 0.0, 1.0)[..., None]
    return np.asarray(a) * (1.0 - part) + np.asarray(b) * part


def _axes() -> tuple[np.ndarray, np.ndarray]:
    """x [1, GRID] and y [GRID, 1] of the grid's cells."""
    middles = (np.arange(GRID) + 0.5) / GRID
    return middles[None, :], middles[:, None]


def _eddies(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Curl noise of large eddies: a potential of random waves, about -1 to 1, and the divergence-free field along its contours."""
    waves = 7
    angle, phase = 2 * math.pi * rng.random((2, waves))
    number = 2 * math.pi * (1.2 + 1.6 * rng.random(waves))  # radians a side: eddies of a third of the image
    potential, dx, dy = (np.zeros(np.broadcast_shapes(x.shape, y.shape)) for _ in range(3))
    for k in range(waves):
        a, b = number[k] * math.cos(angle[k]), number[k] * math.sin(angle[k])
        inner = a * x + b * y + phase[k]
        potential += np.sin(inner) / math.sqrt(waves)
        slope = np.cos(inner) / math.sqrt(waves)
        dx, dy = dx + a * slope, dy + b * slope
    return potential, -dy / 8.0, dx / 8.0


def _see(subject: Subject, style: Style, rng: np.random.Generator) -> Scene:
    """Returns the scene in the style's palette, with the directions that strokes will follow."""
    s, curl = subject, style.curl
    x, y = _axes()
    potential, eddy_x, eddy_y = _eddies(rng, x, y)
    above, low, sun, halo = SKIES[s.hour]
    light, dark, _ = GROUNDS[s.season]
    lit = 1.0 if s.sun_x > 0.5 else -1.0  # which side of things the sun lights

    # Sky: round the sun and in eddies as the curl grows.
    from_x, from_y = x - s.sun_x, y - s.sun_y
    distance = np.sqrt(from_x**2 + from_y**2)
    near = np.exp(-((distance / 0.22) ** 2))
    sky = _mix(above, low, (y / s.horizon) ** 1.6 + 0 * x)
    sky = _mix(sky, (1.0, 1.0, 1.0), 0.34 * curl * np.clip(np.sin(5.0 * potential), 0.0, 1.0))
    sky = _mix(sky, above, 0.45 * curl * np.clip(-np.sin(5.0 * potential), 0.0, 1.0))
    rings = 0.75 - 0.25 * curl * np.cos(2 * math.pi * distance / 0.085)
    sky = _mix(sky, halo, np.exp(-((distance / (0.13 + 0.05 * curl)) ** 2)) * rings)
    round_x, round_y = -from_y / (distance + 0.02), from_x / (distance + 0.02)
    hatch = 1.0 - 0.8 * curl
    flow = [hatch * a + curl * (near * 2.0 * b + (1.0 - near) * c) for a, b, c in ((1.0, round_x, eddy_x), (0.0, round_y, eddy_y))]
    scene = Scene(np.zeros((GRID, GRID, 3)), np.zeros((GRID, GRID, 2)), np.zeros((GRID, GRID), np.int64))
    scene.lay(np.ones((GRID, GRID)), sky, *flow)
    scene.lay(s.sun_radius - distance, sun, hatch + curl * round_x, curl * round_y)

    # Hills.
    if s.hill_height > 0.0:
        for part, wave, colour in ((1.0, 4.2, FAR_HILL), (0.5, 6.1, NEAR_HILL)):
            inner = wave * x + s.hill_phase * (1.5 if part < 1.0 else 1.0)
            top = s.horizon - s.hill_height * part * (0.62 + 0.38 * np.sin(inner))
            slope = -s.hill_height * part * 0.38 * wave * np.cos(inner)
            colours = _mix(colour, np.minimum(np.add(colour, 0.22), 1.0), 0.5 + lit * slope * 2.0 + 0.4 * curl * np.sin(60.0 * (y - top)))
            scene.lay(y - top, colours, 1.0, curl * (slope * 1.5 + 0.4 * eddy_y))

    # Ground, its furrows and the path run to one point on the horizon.
    depth = np.maximum(y - s.horizon, 0.0)
    run = (x - s.vanishing_x) / (depth + 0.06)
    furrows = 0.5 + 0.5 * np.sin(7.0 * run) * np.clip(depth * 6.0, 0.0, 1.0)
    ground = _mix(light, dark, 0.75 * furrows + 0.35 * depth)
    toward = curl * np.sign(x - s.vanishing_x + 1e-9)
    ground_flow = ((1.0 - curl) + toward * (x - s.vanishing_x) + 0.25 * curl * eddy_x, toward * (depth + 0.06) + 0.25 * curl * eddy_y)
    scene.lay(depth - 1e-9 + 0 * x, ground, *ground_flow)
    if s.path_x is not None:
        end = (s.path_x - s.vanishing_x) / (1.0 - s.horizon)
        middle = s.vanishing_x + end * depth + 0.05 * np.sin(9.0 * depth)
        scene.lay(np.where(depth > 0, 0.012 + 0.20 * depth - np.abs(x - middle), -1.0), PATH, (1 - curl) + curl * end, curl)

    if s.house_x is not None:
        _lay_house(scene, s.house_x, s.horizon + 0.06, curl, lit)
    for tree in s.trees:
        _lay_tree(scene, tree, s, curl, lit)
    scene.colour = _palette(scene.colour, style)
    return scene


def _lay_house(scene: Scene, middle: float, foot: float, curl: float, lit: float) -> None:
    """A wall, a roof and a door; `lit` is 1 when the sun is on the right, else -1."""
    x, y = _axes()
    across, up = (x - middle) / 0.16, (foot - y) / 0.16  # -0.5 to 0.5, 0 to 1
    scene.lay(np.minimum(0.5 - np.abs(across), np.minimum(up, 0.62 - up)), WALL, 1.0 - curl, 0.8 * curl)
    scene.lay(np.minimum(0.68 - np.abs(across) - 0.45 * (up - 0.5), np.minimum(up - 0.5, 1.0 - up)), ROOF, 1.0, 0.5 * curl)
    scene.lay(np.minimum(0.09 - np.abs(across - 0.2 * lit), np.minimum(up, 0.36 - up)), TRUNK, 0.3, 1.0)


def _lay_tree(scene: Scene, tree: Tree, subject: Subject, curl: float, lit: float) -> None:
    """A shadow on the ground away from the sun, a trunk, and a crown with a lit and a dark side."""
    x, y = _axes()
    _, dark, leaves = GROUNDS[subject.season]
    across, up = x - tree.x, (tree.foot - y) / tree.height
    fall = 1.0 - ((across + 0.25 * lit * tree.height) / (0.32 * tree.height)) ** 2 - ((y - tree.foot) / 0.022) ** 2
    scene.lay(np.where(y > subject.horizon, fall, -1.0), np.multiply(dark, 0.55), 1.0, 0.15 * curl)
    scene.lay(np.minimum((0.05 if tree.cypress else 0.06) * tree.height - np.abs(across), np.minimum(up, 0.5 - up)), TRUNK, 0.1, 1.0)
    flow: tuple[np.ndarray, np.ndarray | float]  # to the right, downwards
    if tree.cypress:
        half = 0.27 * tree.height * np.clip((up - 0.06) * 4.0, 0.0, 1.0) ** 0.7 * np.clip(1.0 - up, 0.0, 1.0) ** 0.8
        inside = half - np.abs(across - 0.03 * curl * np.sin(9.0 * up))
        colour, flow = CYPRESS, (0.9 * curl * np.sin(16.0 * up + 9.0 * across), -1.0)
    else:
        rise = y - (tree.foot - 0.66 * tree.height)  # from the crown's middle, downwards
        angle = np.arctan2(rise, across)
        inside = 0.36 * tree.height * (1.0 + 0.07 * np.sin(5.0 * angle + 40.0 * tree.x)) - np.sqrt(across**2 + 1.15 * rise**2)
        colour, flow = leaves, ((1.0 - curl) * 0.6 - curl * np.sin(angle), (1.0 - curl) * 0.6 + curl * np.cos(angle))
    shade = 0.5 + lit * across / (0.5 * tree.height) + 0.35 * curl * np.sin(70.0 * (inside + 0.3 * across))
    scene.lay(inside, _mix(np.multiply(colour, 0.62), np.minimum(np.multiply(colour, 1.35) + 0.07, 1.0), shade), *flow)


def _palette(colour: np.ndarray, style: Style) -> np.ndarray:
    """Pure colours [..., 3] as this style mixes them."""
    grey = 0.30 * colour[..., :1] + 0.59 * colour[..., 1:2] + 0.11 * colour[..., 2:]
    colour = grey + style.saturation * (colour - grey)
    colour = style.brightness * (0.5 + style.contrast * (colour - 0.5))
    shadow = np.clip(1.0 - grey, 0.0, 1.0) ** 2
    colour = colour + style.warmth * (0.14 * shadow + 0.03) * np.array([0.55, 0.10, -0.75])
    return np.clip(colour, 0.0, 1.0)


# --- Brushwork -------------------------------------------------------------------------------------------------------------------

LAYERS = (  # (width and length in parts of the style's, how often the canvas is covered, strokes end at edges)
    (2.4, 1.3, 3.0, False),
    (1.3, 1.0, 2.0, True),
    (0.8, 0.7, 1.2, True),
)
STEPS = 6  # of a stroke's path to either side of its middle
BRISTLES = 5  # across a stroke
SPARE = 0.7  # samples of a stroke lie at most this many pixels apart, so that none is missed
MOST_SAMPLES = 1 << 20  # at once, which bounds memory at any resolution
SMALLEST_CANVAS = 128  # pixels; smaller images are reductions of it


def _look(field: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Returns values of a map [GRID, GRID, ...] at points [..., 2]; those outside take the border's."""
    at = np.clip((points * GRID).astype(np.int64), 0, GRID - 1)
    return field[at[..., 1], at[..., 0]]


def _trace(scene: Scene, middle: np.ndarray, length: float, ends: bool) -> tuple[np.ndarray, np.ndarray]:
    """Follows the flow from each middle [n, 2] both ways: paths and unit directions [n, 2 * STEPS + 1, 2]."""
    own = _look(scene.thing, middle)
    start = _look(scene.flow, middle)
    halves = []
    for sign in (-1.0, 1.0):
        point, direction, alive = middle, sign * start, np.ones(len(middle), bool)
        path = []
        for _ in range(STEPS):
            following = point + direction * (length / (2 * STEPS))
            if ends:
                alive = alive & (_look(scene.thing, following) == own)
            point = np.where(alive[:, None], following, point)
            turned = _look(scene.flow, point)
            # A direction has no sign on canvas: the hand goes on the way it went.
            direction = np.where((turned * direction).sum(axis=-1, keepdims=True) < 0.0, -turned, turned)
            path.append((point, sign * direction))
        halves.append(path)
    steps = [*reversed(halves[0]), (middle, start), *halves[1]]
    return np.stack([p for p, _ in steps], axis=1), np.stack([d for _, d in steps], axis=1)


def _cover(paths: np.ndarray, directions: np.ndarray, length: float, width: float, canvas: int) -> np.ndarray:
    """For each pixel [canvas * canvas], the last stroke over it times BRISTLES plus the bristle, or -1."""
    along = max(2 * STEPS + 1, math.ceil(length * canvas / SPARE))
    across = math.ceil(width * canvas / SPARE) + 1
    place = np.linspace(0.0, 2 * STEPS, along)
    before = np.minimum(place.astype(np.int64), 2 * STEPS - 1)
    part = (place - before)[:, None]
    taper = 1.0 - np.abs(place / STEPS - 1.0) ** 4  # round ends
    offset = np.linspace(-0.5, 0.5, across)
    bristle = np.minimum(((offset + 0.5) * BRISTLES).astype(np.int64), BRISTLES - 1)
    wide = canvas + 2  # a margin of one pixel takes what falls outside
    last = np.full(wide * wide, -1, np.int64)
    batch = max(1, MOST_SAMPLES // (along * across))
    for first in range(0, len(paths), batch):
        line, way = (a[first : first + batch] for a in (paths, directions))
        line, way = (a[:, before] * (1.0 - part) + a[:, before + 1] * part for a in (line * canvas + 1.0, way * (width * canvas)))
        x, y = line[..., 0, None], line[..., 1, None]  # [n, along, 1]
        side_x, side_y = -way[..., 1] * taper, way[..., 0] * taper  # [n, along]
        column = np.clip(x + side_x[..., None] * offset, 0.0, wide - 0.5).astype(np.int64)
        row = np.clip(y + side_y[..., None] * offset, 0.0, wide - 0.5).astype(np.int64)
        stroke = (first + np.arange(len(line)))[:, None, None] * BRISTLES + bristle
        # Not an assignment by index: NumPy doesn't promise which of several values for one pixel would stay.
        np.maximum.at(last, (row * wide + column).ravel(), np.broadcast_to(stroke, row.shape).ravel())
    return last.reshape(wide, wide)[1:-1, 1:-1].ravel()


def paint(subject: Subject, style: Style, resolution: int, rng: np.random.Generator) -> np.ndarray:
    """Paints a subject in a style, as uint8 [resolution, resolution, 3].

    The same generator state gives the same strokes at every resolution.
    """
    canvas = resolution * max(2, math.ceil(SMALLEST_CANVAS / resolution))
    scene = _see(subject, style, rng)
    scene.flow /= np.sqrt((scene.flow**2).sum(axis=-1, keepdims=True)) + 1e-6
    front, paints, strokes = np.full(canvas * canvas, -1, np.int64), [], 0
    for wide, long, times, ends in LAYERS:
        width, length = wide * style.stroke_width, long * style.stroke_length
        count = math.ceil(times / (width * length))
        # Roberts' R2 sequence (2018): even cover, and neighbours in it lie far apart, so that no edge of the order shows.
        plastic = 1.32471795724474602596
        even = (rng.random(2) + np.arange(count)[:, None] * np.array([1 / plastic, 1 / plastic**2])) % 1.0
        middle = even * 1.06 - 0.03 + rng.normal(0.0, 0.2 * width, (count, 2))
        own = rng.normal(0.0, 1.0, (count, 4)) * style.brokenness * np.array([0.035, 0.030, 0.045, 0.035])
        hairs = rng.normal(0.0, 0.018 + 0.030 * style.brokenness, (count, BRISTLES))
        colour = np.clip(_look(scene.colour, middle) + own[:, :3] + own[:, 3:], 0.0, 1.0)
        paints.append((colour[:, None] * (1.0 + hairs[..., None])).reshape(-1, 3))  # [count * BRISTLES, 3]
        last = _cover(*_trace(scene, middle, length, ends), length, width, canvas)
        front = np.where(last >= 0, last + strokes * BRISTLES, front)
        strokes += count
    bare = scene.colour.mean(axis=(0, 1))[None]  # the toned canvas: the last row, which -1 takes
    picture = np.concatenate([*paints, bare])[front]
    block = canvas // resolution
    picture = picture.reshape(resolution, block, resolution, block, 3).mean(axis=(1, 3))
    return np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
