"""Images as they are found into squares of one size, and what tells two copies of one image.

Colours are those of sRGB. An image needs about 8 bytes of memory a pixel while it is decoded.
"""

import contextlib
import functools
import hashlib
import os
import pathlib
import threading
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import scipy.fft
from PIL import ExifTags, Image, ImageFile

from gan_jax.collection import costs
from gan_jax.collection.colours import ImageError, as_srgb, scaled
from gan_jax.errors import UserError

# Formats that hold pixels and nothing that runs; EPS and PDF, which would start Ghostscript, are not among them.
FORMATS = ("JPEG", "MPO", "PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "AVIF", "PPM", "JPEG2000", "PCX", "PSD", "SGI", "DDS", "QOI")
BY_NAME = {".tga": "TGA", ".icb": "TGA", ".vda": "TGA", ".vst": "TGA"}  # has no mark to know it by: any file might be one
_HEIC = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim")
LARGEST_FILE = 2**29  # bytes; some decoders read the whole file before they look at it
PLAIN = 3  # of 255; what JPEG makes of a single colour
EVEN = 10  # of 255, across a strip of a thumbnail that is called empty
MOST_PIXELS = 2 * 2**30 // 12  # Pillow opens nothing larger: twice a quarter of a GiB at three bytes each
MANY_PIXELS = 2**24  # images larger than this are decoded one at a time
MANY_BYTES = 2**24  # so are files larger than this
REDUCING_GAP = 3.0  # Pillow's documentation: as good as without, in most cases

THUMBNAIL = 32  # px; the pHash of Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010), section 3.2.1
# Among 776 paintings of van Gogh these find the one photograph that is there twice (distance 2, similarity 0.99) and keep all
# paintings that repeat a motif; the nearest of those are at 4 and 0.88, and 12 and 0.93. Recompression, halving, a third more
# brightness or contrast and cropping by 1% on each side stay within 8 and above 0.96 in 97% of cases, cropping by 2% in 70%.
NEAR_DISTANCE = 8  # of 64 bits
NEAR_SIMILARITY = 0.96

_TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_large_pictures = threading.RLock()  # of large files and of many pixels, which one may be both


@dataclass(frozen=True)
class Fitted:
    image: np.ndarray  # uint8 [resolution, resolution, 3]
    width: int  # px, of the image as found, after its EXIF rotation
    height: int
    checksum: str  # of all its pixels
    thumbnail: np.ndarray  # uint8 [32, 32, 3], all of the image squeezed


def load_image(source: pathlib.Path | str | bytes, resolution: int, fit: str = "crop", max_pixels: int = MOST_PIXELS) -> Fitted:
    """Decodes the first frame of an image in any mode, over white where it is transparent, and fits it into a square.

    `source` is a file, or what is in one. `fit` is 'crop' for the square in the middle, 'pad' for all of it between bars in the mean
    colour of its border, or 'squash'. Raises ImageError for what is no image, is damaged, or by its header has more than `max_pixels`
    pixels (or more than the 178,956,970 beyond which Pillow opens nothing).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _load(source, resolution, fit, max_pixels)


def read_images(
    paths: Iterable[pathlib.Path | str], resolution: int, fit: str = "crop", max_pixels: int = MOST_PIXELS
) -> tuple[np.ndarray, np.ndarray]:
    """Reads some images as `load_image` does: uint8 [n, resolution, resolution, 3], and their width over height as they were found [n].

    Raises UserError for what is no image.
    """
    fitted = []
    for path in paths:
        try:
            fitted.append(load_image(path, resolution, fit, max_pixels))
        except (ImageError, OSError) as error:
            raise UserError(f"{path}: {error}") from None
    return np.stack([one.image for one in fitted]), np.array([one.width / one.height for one in fitted])


def load_images(
    sources: Sequence[pathlib.Path | bytes], resolution: int, fit: str, max_pixels: int, loaded: Callable[[], None] = lambda: None
) -> list[Fitted | ImageError]:
    """Loads many at once, in threads, as `load_image` one; calls `loaded` after each; an error stands in place of what can't be used."""

    def attempt(source: pathlib.Path | bytes) -> Fitted | ImageError:
        try:
            return _load(source, resolution, fit, max_pixels)
        except ImageError as error:
            return error

    # Filters of warnings belong to the whole process, so they are set here and not in the threads.
    with warnings.catch_warnings(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        warnings.simplefilter("ignore")
        results = []
        for result in pool.map(attempt, sources):
            results.append(result)
            loaded()
    return results


def _load(source: pathlib.Path | str | bytes, resolution: int, fit: str, max_pixels: int) -> Fitted:
    with costs.opened(source) as file:
        if (size := costs.size_of(file)) > LARGEST_FILE:
            raise ImageError(f"larger than {LARGEST_FILE >> 20} MiB")
        with _large_pictures if size > MANY_BYTES else contextlib.nullcontext():
            return _decoded(file, _formats(source), resolution, fit, max_pixels)


def _decoded(file: BinaryIO, formats: list[str], resolution: int, fit: str, max_pixels: int) -> Fitted:
    try:
        costs.check_lists(file)
        with Image.open(file, formats=formats) as image:
            width, height = image.size
            costs.check_size(width, height, max_pixels, image.format)
            place = file.tell()  # where its decoder goes on
            costs.check_scans(file, width * height)
            file.seek(place)
            with _large_pictures if width * height > MANY_PIXELS else contextlib.nullcontext():
                return _fitted(image, resolution, fit)
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise ImageError(f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels") from None
    except Image.UnidentifiedImageError:
        if _head(file)[4:8] == b"ftyp" and _head(file)[8:12] in _HEIC:
            raise ImageError("HEIC, which needs `pip install pillow-heif`; or save it as JPEG or PNG") from None
        raise ImageError(f"not an image of a kind that is read ({', '.join(FORMATS)})") from None
    except Exception as error:  # a decoder that meets a damaged or hostile file may raise anything
        raise ImageError(f"damaged: {' '.join(str(error).split())[:100] or type(error).__name__}") from None


def _formats(source: pathlib.Path | str | bytes) -> list[str]:
    """Those that this Pillow was built with, and HEIC where pillow-heif is installed."""
    Image.init()
    named = "" if isinstance(source, bytes) else BY_NAME.get(pathlib.Path(source).suffix.lower(), "")
    return [name for name in (*FORMATS, *_heic(), named) if name in Image.OPEN]


@functools.cache
def _heic() -> tuple[str, ...]:
    try:
        import pillow_heif
    except ImportError:
        return ()
    pillow_heif.register_heif_opener()
    return ("HEIF",)


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(16)


def _fitted(image: ImageFile.ImageFile, resolution: int, fit: str) -> Fitted:
    width, height = found = image.size
    # A JPEG can be decoded at an eighth to a half of its size, which saves most of the time a large one takes.
    needed = max(resolution, THUMBNAIL) * REDUCING_GAP / (max(found) if fit == "pad" else min(found))
    if needed < 1:
        image.draft(None, (round(width * needed), round(height * needed)))
    drafted = image.size != found
    deep = any("16" in str(tile.args) for tile in image.tile)  # before loading, which forgets it
    image.load()
    orientation = _orientation(image)  # after loading, since Pillow turns a TIFF by itself and then forgets the tag
    picture = as_srgb(scaled(image) if deep and image.mode == "RGB" else image)
    if orientation in _TURNED:
        picture = picture.transpose(_TURNED[orientation])
    if not drafted:
        width, height = picture.size
    elif orientation >= 5:
        width, height = height, width
    thumbnail = picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX, reducing_gap=REDUCING_GAP)
    return Fitted(_square(picture, resolution, fit), width, height, checksum(picture), np.asarray(thumbnail))


def _orientation(image: Image.Image) -> int:
    if len(image.info.get("exif", b"")) > costs.MOST_EXIF:
        return 1
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # EXIF that is damaged says nothing; the image may be whole
        return 1


def is_plain(thumbnail: np.ndarray) -> bool:
    """Returns whether uint8 [32, 32, 3] is of a single colour, but for the noise of compression."""
    return bool((np.ptp(thumbnail.reshape(-1, 3).astype(int), axis=0) <= PLAIN).all())


def border(thumbnail: np.ndarray) -> float:
    """Returns which share of an image, by its thumbnail uint8 [32, 32, 3], are empty strips along opposite edges, 0 to 1."""
    rows = np.ptp(thumbnail.astype(int), axis=1).max(axis=1) <= EVEN  # [32]
    columns = np.ptp(thumbnail.astype(int), axis=0).max(axis=1) <= EVEN
    inner = 1.0
    for strips in (rows, columns):
        first, last = (int(np.argmin(strips)), int(np.argmin(strips[::-1]))) if not strips.all() else (0, 0)
        if first and last:
            inner *= 1 - (first + last) / len(strips)
    return 1 - inner


def _square(picture: Image.Image, resolution: int, fit: str) -> np.ndarray:
    width, height = picture.size
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return _resized(picture, (resolution, resolution), (left, top, left + side, top + side))
    if fit == "squash":
        return _resized(picture, (resolution, resolution), (0, 0, width, height))
    if fit != "pad":
        raise ValueError(f"fit is 'crop', 'pad' or 'squash', not {fit!r}")
    scale = resolution / max(width, height)
    inner = _resized(picture, (max(1, round(width * scale)), max(1, round(height * scale))), (0, 0, width, height))
    border = np.concatenate([inner[0], inner[-1], inner[:, 0], inner[:, -1]])  # [pixels, 3]
    square = np.empty((resolution, resolution, 3), np.uint8)
    square[:] = np.rint(border.mean(axis=0, dtype=np.float64)).astype(np.uint8)
    top, left = (resolution - inner.shape[0]) // 2, (resolution - inner.shape[1]) // 2
    square[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return square


def _resized(picture: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(picture.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=REDUCING_GAP))


def checksum(picture: Image.Image) -> str:
    """Returns SHA-256 of the size and the pixels: the same for an image and its lossless copy in another format."""
    result = hashlib.sha256(f"{picture.mode} {picture.width} {picture.height} ".encode())
    for top in range(0, picture.height, 256):  # in strips, for memory
        result.update(picture.crop((0, top, picture.width, min(top + 256, picture.height))).tobytes())
    return result.hexdigest()


def perceptual_hash(thumbnail: np.ndarray) -> np.uint64:
    """Returns the pHash of uint8 [32, 32, 3]: which of the 64 lowest cosine terms of the grey image are above their median."""
    grey = thumbnail.astype(np.float64) @ np.array([0.299, 0.587, 0.114])  # [32, 32], ITU-R BT.601
    terms = scipy.fft.dctn(grey, norm="ortho")[:8, :8].ravel()
    return np.packbits(terms > np.median(terms[1:])).view(np.uint64)[0]


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Correlates the colours of two thumbnails: -1 to 1; 0 where one is of a single colour."""
    a, b = (x.astype(np.float64).ravel() - x.mean() for x in (a, b))
    length = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / length) if length > 0 else 0.0


def duplicates(pictures: Sequence[Fitted], distance: int | None) -> dict[int, tuple[int, int | None]]:
    """Returns which images are copies: {index: (index of the one to keep, hash distance, or None if all pixels are the same)}.

    Of each set the largest is kept, of equals the first. A near copy is within `distance` bits of the kept one's hash and at
    least `NEAR_SIMILARITY` like it; `distance` None looks for exact copies only.
    """
    order = sorted(range(len(pictures)), key=lambda i: -pictures[i].width * pictures[i].height)  # stable
    hashes = np.array([perceptual_hash(picture.thumbnail) for picture in pictures], np.uint64)
    kept: list[int] = []
    kept_hashes = np.empty(len(pictures), np.uint64)
    checksums: dict[str, int] = {}
    copies: dict[int, tuple[int, int | None]] = {}
    for i in order:
        if pictures[i].checksum in checksums:
            copies[i] = (checksums[pictures[i].checksum], None)
            continue
        if distance is not None:
            distances = np.bitwise_count(kept_hashes[: len(kept)] ^ hashes[i])
            for place in np.flatnonzero(distances <= distance):
                if similarity(pictures[i].thumbnail, pictures[kept[place]].thumbnail) >= NEAR_SIMILARITY:
                    copies[i] = (kept[place], int(distances[place]))
                    break
        if i not in copies:
            checksums[pictures[i].checksum] = i
            kept_hashes[len(kept)] = hashes[i]
            kept.append(i)
    return copies
