"""Ways from one latent to another. Those in PATHS take a, b [n, latent_size] and t [frames] in [0, 1]: [n, frames, latent_size]."""

from collections.abc import Callable

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator


def linear(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Returns the straight line."""
    t = t[None, :, None]
    return (1 - t) * a[:, None] + t * b[:, None]


def rescaled(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Returns the straight line, then scaled to the length of its start, as the TF-Hub tutorial of Progressive GAN does."""
    line = linear(a, b, t)
    length = np.linalg.norm(line, axis=-1, keepdims=True)
    return line * (np.linalg.norm(a, axis=-1)[:, None, None] / np.maximum(length, 1e-12))


def slerp(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Returns the great circle at constant speed, its length going linearly from that of `a` to that of `b` (Shoemake 1985).

    From one end of the sphere to the opposite, where all half circles are as short, it is one of them.
    """
    length_a, length_b = (np.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
    unit_a, unit_b = a / np.maximum(length_a, 1e-12), b / np.maximum(length_b, 1e-12)
    angle = np.arccos(np.clip(np.sum(unit_a * unit_b, axis=-1), -1, 1))[:, None, None]
    t = t[None, :, None]
    sine = np.sin(angle)
    # Where the two are nearly one direction the line is as good.
    straight = sine < 1e-6
    weight_a = np.where(straight, 1 - t, np.sin((1 - t) * angle) / np.where(straight, 1, sine))
    weight_b = np.where(straight, t, np.sin(t * angle) / np.where(straight, 1, sine))
    path = weight_a * unit_a[:, None] + weight_b * unit_b[:, None]
    opposite = straight & (angle > 1)
    if a.shape[-1] > 1 and opposite.any():
        half = np.cos(np.pi * t) * unit_a[:, None] + np.sin(np.pi * t) * _perpendicular(unit_a)[:, None]
        path = np.where(opposite, half, path)
    return path * ((1 - t) * length_a[:, None] + t * length_b[:, None])


def _perpendicular(units: np.ndarray) -> np.ndarray:
    """Returns unit vectors at right angles to others [n, d], each in the plane with the axis that the other has least of."""
    axes = np.eye(units.shape[1])[np.abs(units).argmin(axis=1)]
    across = axes - (axes * units).sum(axis=1, keepdims=True) * units
    return across / np.linalg.norm(across, axis=1, keepdims=True)


def with_labels(path: str, a: np.ndarray, b: np.ndarray, t: np.ndarray, label_size: int) -> np.ndarray:
    """Goes on the path of that name; the last `label_size` of the latents are labels, which go straight."""
    size = a.shape[-1] - label_size
    return np.concatenate([PATHS[path](a[:, :size], b[:, :size], t), linear(a[:, size:], b[:, size:], t)], axis=-1)


PATHS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {"slerp": slerp, "rescaled": rescaled, "linear": linear}


def smooth(t: np.ndarray) -> np.ndarray:
    """Returns 3t^2 - 2t^3: starts and stops without a jerk."""
    return t * t * (3 - 2 * t)


EASINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"none": lambda t: t, "smooth": smooth}


def spline(points: np.ndarray, times: np.ndarray, at: np.ndarray, label_size: int = 0) -> np.ndarray:
    """Goes through all points in order of time, without corners, then scaled to their lengths: [len(at), latent_size].

    The curve is by the distances between the points, and dates only say how far along it one is, which rises steadily: by the dates
    themselves, paintings of nearly one date that are far apart would throw it off.

    Args:
      points: latents [k, latent_size], k at least 2; the last `label_size` of them are labels, which go straight from one to the next.
      times: [k], rising strictly.
      at: [frames], between the first and the last of `times`.
    """
    if label_size:
        labels = [np.interp(at, times, column) for column in points[:, -label_size:].T]
        return np.concatenate([spline(points[:, :-label_size], times, at), np.stack(labels, axis=1)], axis=1)
    along = np.concatenate([[0.0], np.cumsum(np.maximum(np.linalg.norm(np.diff(points, axis=0), axis=1), 1e-6))])
    curve = CubicSpline(along, points, bc_type="natural")(PchipInterpolator(times, along)(at))
    length = np.interp(at, times, np.linalg.norm(points, axis=-1))
    return curve * (length / np.maximum(np.linalg.norm(curve, axis=-1), 1e-12))[:, None]


def mean_shift(start: np.ndarray, early: np.ndarray, late: np.ndarray, t: np.ndarray, label_size: int = 0) -> np.ndarray:
    """Goes from each start [n, latent_size] along the difference between the means of two sets: [n, frames, latent_size].

    The set's early paintings become, all together, as late as the late ones: at t = 1 the whole difference is added. Latents keep their
    length, since the generator knows no other. Where there are labels, the last `label_size`, they alone move: the network knows what
    time does, and what is painted stays as it is.
    """
    if label_size:
        labels = start[:, None, -label_size:] + t[None, :, None] * (late.mean(axis=0) - early.mean(axis=0))[None, None, -label_size:]
        still = np.broadcast_to(start[:, None, :-label_size], (*labels.shape[:2], start.shape[1] - label_size))
        return np.concatenate([still, labels], axis=2)
    moved = start[:, None] + t[None, :, None] * (late.mean(axis=0) - early.mean(axis=0))[None, None]
    length = np.linalg.norm(moved, axis=-1, keepdims=True)
    return moved * (np.linalg.norm(start, axis=-1)[:, None, None] / np.maximum(length, 1e-12))
