"""What stands around a frame: the paintings at both ends, a title, the year, and real paintings of that year."""

import colorsys
import dataclasses
import math
import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan_jax import pictures
from gan_jax.morphing.films import Settings, resized

INK, PAPER = (40, 38, 34), (252, 250, 245)
HOLD = 3  # frames for which a painting stands still at its end


@dataclasses.dataclass(frozen=True)
class Frame:
    """An image with what is said of it."""

    image: np.ndarray  # uint8 [r, r, 3]
    title: str
    year: float
    beside: np.ndarray  # uint8 [k, r, r, 3], real paintings of about that year


def scene(frames: Sequence[Frame], size: int, captions: bool) -> np.ndarray:
    """Returns uint8 [t, h, w, 3]: each image `size` wide or a little more, its caption and what is beside it below."""
    return np.stack([_drawn(frame, size, captions) for frame in frames])


def with_ends(frames: list[Frame], early: Frame, late: Frame) -> list[Frame]:
    """Returns the two paintings before and after the frames, each for a moment."""
    return [early] * HOLD + frames + [late] * HOLD


def nearest_in_time(years: np.ndarray, year: float, most: int) -> np.ndarray:
    """Returns places of the `most` paintings whose dates [n] are nearest to a year, in order of date."""
    return np.sort(np.argsort(np.abs(years - year), kind="stable")[:most])


def strip(frames: np.ndarray, size: int) -> np.ndarray:
    """Returns uint8 [n, r, r, 3] side by side: [h, w, 3]."""
    return pictures.grid(resized(frames, size), len(frames))


def write_pair(
    folder: pathlib.Path,
    name: str,
    frames: np.ndarray,
    t: np.ndarray,
    row: np.ndarray,
    scenes: Sequence[Frame],
    settings: Settings,
) -> None:
    """Writes everything of one pair; without `scenes` no film. Called in processes of their own, so it stands where nothing imports JAX.

    Args:
      frames: uint8 [t, r, r, 3]; as they are they go to `folder`/frames/`name`.
      t: places of the frames, [t].
      row: uint8 [n, r, r, 3], side by side in one image.
      scenes: what the film shows.
    """
    for place, frame in zip(t, frames):
        pictures.write_png(folder / "frames" / name / f"t_{place:.3f}.png", frame)
    pictures.write_png(folder / f"{name}.png", strip(row, 128))
    if scenes:
        settings.write(folder / name, scene(scenes, settings.size, settings.captions))


def two_sets(
    early: np.ndarray, late: np.ndarray, pairs: Sequence[tuple[int, int]], size: int = 56, columns: int = 12, border: int = 4
) -> np.ndarray:
    """Returns the early set on the left and the late one on the right, in order; the paintings of a pair have frames of one colour, and
    those without a counterpart are pale and crossed.

    Args:
      early, late: uint8 [n, r, r, 3] and [m, r, r, 3].
      pairs: places (early, late).
    """
    early_colours: dict[int, tuple[int, int, int]] = {}
    late_colours: dict[int, tuple[int, int, int]] = {}
    for number, (first, second) in enumerate(pairs):
        # Pairs that share a painting share its colour.
        colour = late_colours.get(second) or early_colours.get(first) or pair_colour(number)
        early_colours[first] = late_colours[second] = colour
    sheets = []
    for images, colours in ((early, early_colours), (late, late_colours)):
        small = resized(images, size)
        side = small.shape[1] + 2 * border
        framed = np.empty((len(small), side, side, 3), np.uint8)
        for i, image in enumerate(small):
            framed[i] = colours.get(i, PAPER)
            framed[i, border:-border, border:-border] = image if i in colours else _pale(image)
        sheets.append(pictures.grid(framed, columns, background=255))
    height = max(sheet.shape[0] for sheet in sheets)
    padded = [np.pad(sheet, ((0, height - len(sheet)), (0, 0), (0, 0)), constant_values=255) for sheet in sheets]
    return np.concatenate([padded[0], np.full((height, 4 * border, 3), 255, np.uint8), padded[1]], axis=1)


def pair_colour(number: int) -> tuple[int, int, int]:
    """Hues apart by the golden angle, in three depths, so that neighbours differ."""
    red, green, blue = colorsys.hsv_to_rgb(number * 0.381966 % 1, (0.75, 0.55, 0.9)[number % 3], (0.8, 0.6, 0.95)[number % 3])
    return round(255 * red), round(255 * green), round(255 * blue)


def _pale(image: np.ndarray) -> np.ndarray:
    pale = (image * 0.35 + 165).astype(np.uint8)
    size = len(pale)
    for i in range(size):
        pale[i, [i, size - 1 - i]] = 120
    return pale


def _drawn(frame: Frame, size: int, captions: bool) -> np.ndarray:
    picture = resized(frame.image, size)
    side = picture.shape[1]
    small = side // max(3, len(frame.beside)) if len(frame.beside) else 0
    line = max(14, side // 14) if captions else 0
    below = (small + 6) if small else 0
    sheet = Image.new("RGB", (side, side + 2 * line + below), PAPER)
    sheet.paste(Image.fromarray(picture), (0, 0))
    if captions:
        draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=0.75 * line)
        draw.text((4, side + line * 0.1), _fitting(draw, font, frame.title, side - 8), INK, font)
        draw.text((4, side + line * 1.05), _year(frame.year), INK, font)
    for i, image in enumerate(frame.beside):
        sheet.paste(Image.fromarray(image).resize((small - 4, small - 4), Image.Resampling.LANCZOS), (i * small + 2, side + 2 * line + 4))
    return np.asarray(sheet)


def _year(year: float) -> str:
    return "" if math.isnan(year) else f"{math.floor(year)}"


def _fitting(draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, text: str, width: float) -> str:
    """As much of a text as fits, on one line."""
    text = "".join(character if character.isprintable() else " " for character in text)[:200]
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(text + "…", font) > width:
        text = text[:-1]
    return text + "…"
