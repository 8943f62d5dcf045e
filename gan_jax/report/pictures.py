"""Pictures into data URIs, small enough for a page that carries them all."""

import base64
import io
import pathlib

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

JPEG_QUALITY = 82
LARGEST_SIDE = 8192  # a picture file of more pixels a side is not opened


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as a `data:` address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def fit(picture: Image.Image, size: int) -> Image.Image:
    """Shrinks a picture to `size` wide, or enlarges a small one by a whole factor so that its pixels stay squares."""
    if picture.width > size:
        return picture.resize((size, max(1, round(picture.height * size / picture.width))), Image.Resampling.LANCZOS)
    return ImageOps.scale(picture, size // picture.width, Image.Resampling.NEAREST) if size >= 2 * picture.width else picture


def encode(picture: Image.Image, original_width: int) -> str:
    """A picture as a data URI: PNG where single pixels are seen (originals under 64 px), JPEG otherwise."""
    buffer = io.BytesIO()
    if original_width < 64:
        picture.save(buffer, "PNG", optimize=True)
        return data_uri(buffer.getvalue(), "image/png")
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True, subsampling=0 if picture.width < 128 else 2)
    return data_uri(buffer.getvalue(), "image/jpeg")


def thumbnail(image: np.ndarray, size: int) -> str:
    """One uint8 image [height, width, 3] at most `size` pixels wide."""
    return encode(fit(Image.fromarray(np.asarray(image)), size), image.shape[1])


def row(images: list[np.ndarray], size: int, colour: str | None = None) -> str:
    """Images side by side in columns of equal width, as one picture; with a colour, the first and last are framed in it.

    images: uint8 [height, width, 3] each, any sizes. Column k of n covers the k-th n-th of the picture's width, so labels
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
    return encode(canvas, min(image.shape[1] for image in images))


def picture_file(path: pathlib.Path, size: int) -> str | None:
    """A picture file at most `size` pixels wide, or None if it can't be read."""
    try:
        with Image.open(path) as picture:
            if max(picture.size) > LARGEST_SIDE:
                return None
            return encode(fit(picture.convert("RGB"), size), 64 if picture.width > 256 else 1)
    except (OSError, UnidentifiedImageError, ValueError):
        return None


def animation(path: pathlib.Path, budget: int) -> tuple[str, str, int, int] | None:
    """A GIF as (moving picture, its first frame, width, height) in data URIs of at most about `budget` bytes.

    A GIF within the budget goes in as it is. A larger one becomes an animated WebP of every second frame, smaller until
    it fits. None if the file is absent or can't be read, or does not fit even then.
    """
    try:
        with Image.open(path, formats=["GIF"]) as film:
            if max(film.size) > LARGEST_SIDE:
                return None
            still = encode(fit(film.convert("RGB"), 640), film.width)
            if path.stat().st_size <= budget:
                return data_uri(path.read_bytes(), "image/gif"), still, film.width, film.height
            for width in (720, 540, 400, 280):
                content, size = _film(film, min(width, film.width))
                if len(content) <= budget:
                    return data_uri(content, "image/webp"), still, *size
    except (OSError, UnidentifiedImageError, ValueError, EOFError):
        pass
    return None


def _film(film: Image.Image, width: int) -> tuple[bytes, tuple[int, int]]:
    """Every second frame of a film at `width`, as WebP, and its size. Only the small frames are held."""
    size = (width, max(1, round(film.height * width / film.width)))
    frames, durations = [], []
    for number, frame in enumerate(ImageSequence.Iterator(film)):
        if number % 2 == 0:
            frames.append(frame.convert("RGB").resize(size, Image.Resampling.BOX))
            durations.append(0)
        durations[-1] += frame.info.get("duration", 80)
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], duration=durations, loop=0, quality=60, method=2)
    return buffer.getvalue(), size
