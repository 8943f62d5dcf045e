"""Images into data URIs, small enough for a page that carries them all."""

import base64
import dataclasses
import io
import pathlib
import sys

import numpy as np
from PIL import Image, ImageOps

from gan_jax import reading
from gan_jax.errors import UserError
from gan_jax.morphing.films import there_and_back

JPEG_QUALITY = 82
FILM_QUALITY = 72
LARGEST_SIDE = 8192  # an image file of more pixels a side is not opened


def data_uri(content: bytes, kind: str) -> str:
    """Returns bytes as a `data:` address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def fit(picture: Image.Image, size: int) -> Image.Image:
    """Shrinks an image to `size` wide, or enlarges a small one by a whole factor so that its pixels stay squares."""
    if picture.width > size:
        return picture.resize((size, max(1, round(picture.height * size / picture.width))), Image.Resampling.LANCZOS)
    return ImageOps.scale(picture, size // picture.width, Image.Resampling.NEAREST) if size >= 2 * picture.width else picture


def encode(picture: Image.Image, original_width: int) -> str:
    """Returns an image as a data URI: PNG where single pixels are seen (originals under 64 px), JPEG otherwise."""
    buffer = io.BytesIO()
    if original_width < 64:
        picture.save(buffer, "PNG")
        return data_uri(buffer.getvalue(), "image/png")
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True, subsampling=0 if picture.width < 128 else 2)
    return data_uri(buffer.getvalue(), "image/jpeg")


def thumbnail(image: np.ndarray, size: int) -> str:
    """Returns one uint8 image [height, width, 3], at most `size` pixels wide."""
    return encode(fit(Image.fromarray(np.asarray(image)), size), image.shape[1])


def row(images: list[np.ndarray], size: int, colour: str | tuple[int, int, int] | None = None) -> str:
    """Returns images side by side in columns of equal width, as one image; with a colour, the first and last are framed in it.

    images: uint8 [height, width, 3] each, any sizes. With a colour, column k of n covers the k-th n-th of the width, so that labels
    can be set under it.
    """
    gap = max(2, size // 24)
    canvas = Image.new("RGB", (len(images) * (size + 2 * gap), size + 2 * gap), "white")
    for column, image in enumerate(images):
        left = column * (size + 2 * gap)
        if colour and column in (0, len(images) - 1):
            canvas.paste(colour, (left, 0, left + size + 2 * gap, size + 2 * gap))
        picture = ImageOps.contain(fit(Image.fromarray(np.asarray(image)), size), (size, size))
        canvas.paste(picture, (left + gap + (size - picture.width) // 2, gap + (size - picture.height) // 2))
    if not colour:
        canvas = canvas.crop((gap, gap, canvas.width - gap, canvas.height - gap))
    return encode(canvas, min(image.shape[1] for image in images))


def strip(images: np.ndarray, size: int) -> str:
    """Returns uint8 [n, height, width, 3] side by side without gaps, each `size` pixels wide, as one JPEG."""
    pictures = [fit(Image.fromarray(np.asarray(image)), size).resize((size, size), Image.Resampling.NEAREST) for image in images]
    canvas = Image.new("RGB", (len(pictures) * size, size))
    for place, picture in enumerate(pictures):
        canvas.paste(picture, (place * size, 0))
    return encode(canvas, canvas.width)


def picture_file(path: pathlib.Path, size: int) -> str | None:
    """Returns an image file at most `size` pixels wide; None where there is none, or, with a line on stderr, where it can't be read."""
    picture = _opened(path)
    return encode(fit(picture.convert("RGB"), size), 64 if picture.width > 256 else 1) if picture else None


def _opened(path: pathlib.Path) -> Image.Image | None:
    if not path.exists():
        return None
    try:
        return reading.read_picture(path, LARGEST_SIDE)
    except UserError as error:
        print(f"gan_jax: {error}; the page goes without it", file=sys.stderr)
        return None


@dataclasses.dataclass(frozen=True)
class Film:
    """A moving image and its first frame, both as data URIs, and its size in pixels."""

    uri: str
    still: str
    width: int
    height: int


def gif(path: pathlib.Path, most_bytes: int) -> Film | None:
    """Returns a GIF file as it is; None where there is none or it is larger than `most_bytes`, or, with a line on stderr, can't be read."""
    if not path.exists() or path.stat().st_size > most_bytes:
        return None
    film = _opened(path)
    if film is None:
        return None
    return Film(data_uri(reading.read_bytes(path, most_bytes), "image/gif"), encode(film.convert("RGB"), film.width), *film.size)


def moving(frames: np.ndarray, milliseconds: int) -> Film:
    """Returns uint8 [t, h, w, 3] there and back, as one animated WebP: a tenth of the GIF's size."""
    moments = [Image.fromarray(frame) for frame in there_and_back(frames)]
    buffer = io.BytesIO()
    moments[0].save(buffer, "WEBP", save_all=True, append_images=moments[1:], duration=milliseconds, loop=0, quality=FILM_QUALITY, method=2)
    return Film(data_uri(buffer.getvalue(), "image/webp"), encode(moments[0], moments[0].width), *moments[0].size)
