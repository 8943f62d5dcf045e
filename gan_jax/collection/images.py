"""Images of any kind into squares of pixels."""

import dataclasses
import hashlib
import pathlib
import warnings

import numpy as np
from PIL import Image, ImageOps

# Ordinary pictures. Formats that start other programs (EPS) or that are documents are not opened.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "TGA", "ICO")
SUFFIXES = {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".ppm", ".pgm", ".jp2", ".tga"}
FITS = ("crop", "pad", "squash")
MAX_BYTES = 512 * 2**20
FINGERPRINT = 32  # pixels
ORIENTATION = 0x0112  # the EXIF tag; from 5 on the picture lies on its side


class ImageError(Exception):
    """An image that can't be used; the message says why, in a few words."""


@dataclasses.dataclass(frozen=True)
class Fitted:
    image: np.ndarray  # uint8 [resolution, resolution, 3]
    width: int  # pixels of the picture as it is shown, after EXIF rotation
    height: int
    digest: str  # of the decoded pixels: equal for exact copies, whatever the file
    fingerprint: np.ndarray  # float32 [3 * 32 * 32], the whole picture at 32 x 32 pixels about its mean, of length 1


def load_image(path: pathlib.Path, resolution: int, fit: str, max_pixels: int) -> Fitted:
    """Reads an image, turns it as its EXIF says, and fits it into a square by Lanczos.

    Transparent parts are put on white; 16-bit grey is scaled by its range. `fit` is "crop" (the centre square), "pad" (the mean colour
    of its border around it) or "squash". Of several frames the first is taken.

    Raises ImageError for what is no image, is truncated, or has more than `max_pixels` pixels (which is known before it is decoded).
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(f"the file has {path.stat().st_size:,} bytes")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on metadata; what makes a picture unusable is an exception
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > max_pixels:
                    raise ImageError(f"{image.width} x {image.height} pixels are more than config.collection.max_pixels={max_pixels}")
                width, height = image.size if image.getexif().get(ORIENTATION, 1) < 5 else image.size[::-1]
                image.draft("RGB", (2 * resolution, 2 * resolution))
                picture = _rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError:
        raise ImageError(f"more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels, which is never decoded") from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise ImageError(_reason(error)) from None
    small = np.asarray(picture.resize((FINGERPRINT, FINGERPRINT), Image.Resampling.BOX), np.float32).reshape(-1)
    small = small - small.mean()
    small = small / max(float(np.linalg.norm(small)), 1e-6)
    digest = hashlib.sha256(repr(picture.size).encode() + picture.tobytes()).hexdigest()
    return Fitted(np.asarray(fitted(picture, resolution, fit)), width, height, digest, small)


def fitted(picture: Image.Image, resolution: int, fit: str) -> Image.Image:
    """An RGB picture in a square of `resolution` pixels."""
    size = (resolution, resolution)
    if fit == "squash":
        return picture.resize(size, Image.Resampling.LANCZOS)
    if fit == "crop":
        return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
    pixels = np.asarray(picture)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).mean(axis=0)
    return ImageOps.pad(picture, size, Image.Resampling.LANCZOS, color=tuple(int(c) for c in border.round()))


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, np.float64)
        # 16-bit files use their range; floats and wider integers are taken to go from their least to their greatest value.
        low, high = (
            (0.0, 65535.0) if image.mode.startswith("I;16") or (values.min() >= 0 and values.max() > 255) else (values.min(), values.max())
        )
        image = Image.fromarray(np.clip((values - low) / max(high - low, 1e-9) * 255, 0, 255).round().astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _reason(error: BaseException) -> str:
    text = str(error)
    if "cannot identify image file" in text:
        return "not an image, or of a kind that is not read"
    return f"can't be decoded ({text[:100]})" if text else f"can't be decoded ({type(error).__name__})"
