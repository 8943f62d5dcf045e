"""Files of images that would cost far more time or memory than their pixels: what their headers say of it, before anything is decoded."""

import io
import os
import pathlib
import re
import struct
from typing import BinaryIO

from gan_jax.collection.colours import ImageError
from gan_jax.reading import open_named

MOST_SIDE = 2**17  # px; rows are allocated one by one
MOST_BLOCKS = 64  # of EXIF in a JPEG, of 64 kB each; Pillow copies all of them for each
MOST_EXIF = 2**20  # bytes; Pillow makes Python's numbers of them
MOST_NUMBERS = 2**18  # in one entry of a TIFF: a strip each, of which Pillow makes a dozen objects
MOST_SEGMENTS = 20_000  # of a JPEG before its first scan, and bytes between them; of 64 kB each more than any file has
MOST_CHUNKS = 2**18  # of a PNG, whose writers make them of eight kB or more, and blocks of a GIF before its first frame
MOST_HEAD = 2**16  # bytes of a PPM's header, which Pillow reads one by one
MOST_SCANS = 10_000  # of a JPEG
MOST_SCANNED = 2**34  # pixels times scans: seconds of decoding; an image of 150 million pixels may have 114, and cameras write ten
MOST_PLAIN = 2**26  # bytes of a PPM that is written in digits, which Pillow reads in Python
MOST_COMMENTS = 1_000  # in it, each of which is cut out by itself
SLOW = ("DDS", "QOI")  # formats that Pillow decodes in Python, a million pixels a second
MOST_SLOW = 2**22  # pixels of an image in one of them
PIECE = 2**20  # bytes that are looked through at once
_TEXTS = (1, 2, 7)  # types of a TIFF's entries that stay bytes: BYTE, ASCII, UNDEFINED


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


def check_lists(file: BinaryIO) -> None:
    """Raises ImageError for a JPEG, a PNG, a GIF, a TIFF or a PPM with lists that are too long to be opened."""
    start = _start(file)
    if start == b"\xff\xd8":
        _check_segments(file)
        if _times(file, b"Exif\0\0", MOST_BLOCKS) > MOST_BLOCKS:
            raise ImageError(f"more than {MOST_BLOCKS} blocks of EXIF")
    if start == b"\x89P":
        _check_chunks(file)
    if start == b"GI":
        _check_blocks(file)
    if start in (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"):
        _check_head(file)
    if start in (b"II", b"MM") and (numbers := _longest_list(file)) > MOST_NUMBERS:
        raise ImageError(f"a TIFF with a list of {numbers:,} numbers, at most {MOST_NUMBERS:,} are read")
    if start in (b"P1", b"P2", b"P3"):
        if (size := size_of(file)) > MOST_PLAIN:
            raise ImageError(f"a PPM in digits of {size:,} bytes, at most {MOST_PLAIN:,} are read")
        if _times(file, b"#", MOST_COMMENTS) > MOST_COMMENTS:
            raise ImageError(f"a PPM with more than {MOST_COMMENTS:,} comments")


def check_scans(file: BinaryIO, pixels: int) -> None:
    """Raises ImageError for a JPEG of so many scans, each of which goes over all its pixels, that it would take minutes."""
    most = min(MOST_SCANS, MOST_SCANNED // pixels)
    if _start(file) == b"\xff\xd8" and _times(file, b"\xff\xda", most) > most:
        raise ImageError(f"a JPEG of more than {most:,} scans")


def _check_segments(file: BinaryIO) -> None:
    """Raises ImageError for a JPEG of more segments than `MOST_SEGMENTS` (ITU-T T.81, B.1.1)."""
    file.seek(2)
    for _ in range(MOST_SEGMENTS):
        mark = file.read(2)
        if len(mark) < 2 or mark == b"\xff\xda":
            return
        if mark[0] != 0xFF or mark[1] == 0xFF:  # what fills
            file.seek(-1, os.SEEK_CUR)
        elif mark[1] > 1 and not 0xD0 <= mark[1] <= 0xD9:  # others have no length
            file.seek(max(0, int.from_bytes(file.read(2)) - 2), os.SEEK_CUR)
    raise ImageError(f"a JPEG of more than {MOST_SEGMENTS:,} segments")


def _check_chunks(file: BinaryIO) -> None:
    """Raises ImageError for a PNG of more chunks than `MOST_CHUNKS`."""
    file.seek(8)
    for _ in range(MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        file.seek(int.from_bytes(head[:4]) + 4, os.SEEK_CUR)
    raise ImageError(f"a PNG of more than {MOST_CHUNKS:,} chunks")


def _check_blocks(file: BinaryIO) -> None:
    """Raises ImageError for a GIF of more blocks, and bytes between them, than `MOST_CHUNKS` before its first frame (GIF89a, 17 to 26)."""
    file.seek(10)
    flags = file.read(3)[:1]
    if flags and flags[0] & 0x80:  # a table of colours
        file.seek(3 * 2 ** (flags[0] % 8 + 1), os.SEEK_CUR)
    within = False
    for _ in range(MOST_CHUNKS):
        byte = file.read(1)
        if not byte or (not within and byte in b",;"):
            return
        if within:
            within = byte != b"\0"
            file.seek(byte[0], os.SEEK_CUR)
        elif byte == b"!":
            within = bool(file.read(1))
    raise ImageError(f"a GIF of more than {MOST_CHUNKS:,} blocks before its first frame")


def _check_head(file: BinaryIO) -> None:
    """Raises ImageError for a PPM whose sizes don't stand in its first `MOST_HEAD` bytes."""
    file.seek(0)
    head = file.read(MOST_HEAD)
    words = 3 if head[:2] in (b"P1", b"P4") else 4  # its kind, width and height, and what is white where it isn't black and white
    if len(head) == MOST_HEAD and len(re.sub(rb"#[^\r\n]*", b"", head).split(None, words)) < words:
        raise ImageError(f"a PPM with a header of more than {MOST_HEAD:,} bytes")


class Unmapped(io.BufferedReader):
    """A file without the number by which libraries would map it into memory: if somebody cuts off what is mapped, the process ends."""

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")


def opened(source: pathlib.Path | str | bytes) -> BinaryIO:
    """Opens a file, or what is in one, to be read piece by piece. Raises ImageError for what is no file or can't be read."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        file = Unmapped(open_named(source).detach())
        try:
            file.seek(0)
        except OSError:  # some files of the system can be read from their beginning alone
            file.close()
            raise
        return file
    except OSError as error:
        there = os.path.isfile(source)
        raise ImageError(f"can't be read ({error.strerror})" if there else "not a file") from None


def size_of(file: BinaryIO) -> int:
    """Returns how many bytes a file has."""
    return file.seek(0, os.SEEK_END)


def _start(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(2)


def _times(file: BinaryIO, mark: bytes, most: int) -> int:
    """Returns how many times a mark is found; of more than `most` times, some of them."""
    file.seek(0)
    times, before = 0, b""
    while times <= most and (piece := file.read(PIECE)):
        piece = before + piece
        times += piece.count(mark)
        before = piece[max(0, len(piece) - len(mark) + 1) :]  # too short for a mark, so that none counts twice
    return times


def _longest_list(file: BinaryIO) -> int:
    """Returns how many numbers the longest entry of a TIFF's first directory says that it has (TIFF 6.0, section 2; BigTIFF)."""
    file.seek(0)
    head = file.read(16)
    order, big = "<" if head[:2] == b"II" else ">", head[2:3] == b"+"  # 43, as Pillow tells them, whatever the order
    place, count, entry = (struct.Struct(order + kind) for kind in (("8xQ", "Q", "2xHQ8x") if big else ("4xL", "H", "2xHL4x")))
    try:
        (first,) = place.unpack_from(head)
        file.seek(first)
        (entries,) = count.unpack(file.read(count.size))
        listed = file.read(min(entries, MOST_NUMBERS) * entry.size)
        return max((numbers for kind, numbers in entry.iter_unpack(listed) if kind not in _TEXTS), default=0)
    except (struct.error, OverflowError, OSError):  # cut off, as Pillow will say
        return 0
