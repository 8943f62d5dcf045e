"""Files of images that would cost far more time or memory than their pixels: what their headers say of it, before anything is decoded."""

import mmap
import os
import pathlib
import struct

from gan_jax.collection.colours import ImageError

MOST_SIDE = 2**17  # px; rows are allocated one by one
MOST_BLOCKS = 64  # of EXIF in a JPEG, of 64 kB each; Pillow copies all of them for each
MOST_EXIF = 2**20  # bytes; Pillow makes Python's numbers of them
MOST_NUMBERS = 2**18  # in one entry of a TIFF: a strip each, of which Pillow makes a dozen objects
MOST_SCANS = 10_000  # of a JPEG
MOST_SCANNED = 2**34  # pixels times scans: seconds of decoding; an image of 150 million pixels may have 114, and cameras write ten
MOST_PLAIN = 2**26  # bytes of a PPM that is written in digits, which Pillow reads in Python
MOST_COMMENTS = 1_000  # in it, each of which is cut out by itself
SLOW = ("DDS", "QOI")  # formats that Pillow decodes in Python, a million pixels a second
MOST_SLOW = 2**22  # pixels of an image in one of them
_TEXTS = (1, 2, 7)  # types of a TIFF's entries that stay bytes: BYTE, ASCII, UNDEFINED

Content = bytes | mmap.mmap


def check_size(width: int, height: int, max_pixels: int, kind: str | None = None) -> None:
    """Raises ImageError for an image of no pixels or of too many; `kind` is its format, as Pillow calls it."""
    if width < 1 or height < 1:
        raise ImageError("empty")
    if width * height > max_pixels:
        raise ImageError(f"{width} x {height} pixels are more than config.collection.max_pixels={max_pixels}")
    if kind in SLOW and width * height > MOST_SLOW:
        raise ImageError(f"{width} x {height} pixels: of {kind} at most {MOST_SLOW:,} are read; PNG has more")
    if max(width, height) > MOST_SIDE:
        raise ImageError(f"{width} x {height} pixels: more than {MOST_SIDE:,} on a side")


def check_lists(content: Content) -> None:
    """Raises ImageError for a JPEG, a TIFF or a PPM with lists that are too long to be opened."""
    if content[:2] == b"\xff\xd8" and _times(content, b"Exif\0\0", MOST_BLOCKS) > MOST_BLOCKS:
        raise ImageError(f"more than {MOST_BLOCKS} blocks of EXIF")
    if content[:2] in (b"II", b"MM") and (numbers := _longest_list(content)) > MOST_NUMBERS:
        raise ImageError(f"a TIFF with a list of {numbers:,} numbers, at most {MOST_NUMBERS:,} are read")
    if content[:2] in (b"P1", b"P2", b"P3"):
        if len(content) > MOST_PLAIN:
            raise ImageError(f"a PPM in digits of {len(content):,} bytes, at most {MOST_PLAIN:,} are read")
        if _times(content, b"#", MOST_COMMENTS) > MOST_COMMENTS:
            raise ImageError(f"a PPM with more than {MOST_COMMENTS:,} comments")


def check_scans(content: Content, pixels: int) -> None:
    """Raises ImageError for a JPEG of so many scans, each of which goes over all its pixels, that it would take minutes."""
    most = min(MOST_SCANS, MOST_SCANNED // pixels)
    if content[:2] == b"\xff\xd8" and _times(content, b"\xff\xda", most) > most:
        raise ImageError(f"a JPEG of more than {most:,} scans")


def content_of(source: pathlib.Path | str | bytes) -> Content:
    """Returns what is in a file, of which only what is looked at is read."""
    if isinstance(source, bytes) or not os.path.getsize(source):
        return source if isinstance(source, bytes) else b""
    with open(source, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _times(content: Content, mark: bytes, most: int) -> int:
    """Returns how many times a mark is found, up to one more than `most`."""
    times, place = 0, content.find(mark)
    while place >= 0 and times <= most:
        times, place = times + 1, content.find(mark, place + len(mark))
    return times


def _longest_list(content: Content) -> int:
    """Returns how many numbers the longest entry of a TIFF's first directory says that it has (TIFF 6.0, section 2; BigTIFF)."""
    order, big = "<" if content[:2] == b"II" else ">", content[2:3] == b"+"  # 43, as Pillow tells them, whatever the order
    place, count, entry = (struct.Struct(order + kind) for kind in (("8xQ", "Q", "2xHQ8x") if big else ("4xL", "H", "2xHL4x")))
    try:
        (first,) = place.unpack_from(content)
        (entries,) = count.unpack_from(content, first)
        first += count.size
        found = (entry.unpack_from(content, first + number * entry.size) for number in range(min(entries, MOST_NUMBERS)))
        return max((numbers for kind, numbers in found if kind not in _TEXTS), default=0)
    except (struct.error, OverflowError):  # cut off, as Pillow will say
        return 0
