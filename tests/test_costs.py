"""Small files that would take minutes or gigabytes are refused by what their headers say."""

import io
import os
import pathlib
import struct
import subprocess
import sys
import textwrap
import zlib

import numpy as np
import pytest
from command import ROOT
from PIL import Image

from gan_jax.collection import costs, images
from gan_jax.collection.colours import as_srgb
from gan_jax.collection.images import ImageError, load_image


def written(kind: str, **options) -> bytes:
    """A file of 24 x 16 pixels."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)).save(file, kind, **options)
    return file.getvalue()


def refused(content: bytes, tmp_path) -> str:
    """The reason, which is the same for a file and for what is in it."""
    (tmp_path / "picture").write_bytes(content)
    reasons = []
    for source in (content, tmp_path / "picture"):
        with pytest.raises(ImageError) as error:
            load_image(source, 16)
        reasons.append(str(error.value))
    assert reasons[0] == reasons[1]
    return reasons[0]


def directory(*entries: tuple[int, int, int], order: str = "<", big: bool = False) -> bytes:
    """A TIFF of entries by tag, type and count, whose values are not there."""
    mark = b"II" if order == "<" else b"MM"
    if big:
        head = mark + struct.pack(order + "HHHQQ", 43, 8, 0, 16, len(entries))
        return head + b"".join(struct.pack(order + "HHQQ", tag, kind, count, 99) for tag, kind, count in entries) + bytes(99)
    head = mark + struct.pack(order + "HLH", 42, 8, len(entries))
    return head + b"".join(struct.pack(order + "HHLL", tag, kind, count, 99) for tag, kind, count in entries) + bytes(99)


def test_what_is_decoded_pixel_by_pixel_in_python_may_be_small_alone(tmp_path):
    head = b"qoif" + struct.pack(">LLBB", 3000, 2000, 3, 0)
    assert refused(head + bytes(100), tmp_path) == "3000 x 2000 pixels: of QOI at most 4,194,304 are read; PNG has more"
    line = b"qoif" + struct.pack(">LLBB", 24, 16, 3, 0) + b"\xfe\x10\x80\xf0" + 6 * b"\xfd" + b"\xca" + bytes(7) + b"\1"
    image = load_image(line, 16).image
    assert image.shape == (16, 16, 3) and np.abs(image.reshape(-1, 3).astype(int) - [16, 128, 240]).max() <= 1


@pytest.mark.parametrize("order, big", [("<", False), (">", False), ("<", True)])
def test_a_tiff_of_very_many_strips_is_not_opened(tmp_path, order, big):
    said = refused(directory((256, 4, 1), (273, 4, 2_000_000), order=order, big=big), tmp_path)
    assert said == "a TIFF with a list of 2,000,000 numbers, at most 262,144 are read"
    texts = directory((273, 4, 200_000), (700, 1, 2**31), (33723, 7, 2**31), order=order, big=big)
    costs.check_lists(io.BytesIO(texts))  # which stay bytes


@pytest.mark.parametrize("content", [b"II*\0", b"II*\0\xff\xff\xff\xff", directory((273, 4, 9))[:20], b"II", b"MM\0", b""])
def test_a_tiff_that_is_cut_off_is_left_to_the_decoder(content):
    costs.check_lists(io.BytesIO(content))


def test_a_jpeg_of_many_scans_is_not_decoded(tmp_path, monkeypatch):
    whole = written("JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    assert refused(whole[:-2] + whole[last:-2] * 12_000 + whole[-2:], tmp_path) == "a JPEG of more than 10,000 scans"
    load_image(whole[:-2] + whole[last:-2] * 100 + whole[-2:], 16)
    monkeypatch.setattr(costs, "MOST_SCANNED", 24 * 16 * 50)  # as of a large image
    assert refused(whole[:-2] + whole[last:-2] * 100 + whole[-2:], tmp_path) == "a JPEG of more than 50 scans"
    load_image(whole, 16)


def test_a_jpeg_of_many_blocks_of_exif_is_not_opened(tmp_path):
    whole = written("JPEG")
    block = b"\xff\xe1" + struct.pack(">H", 1008) + b"Exif\0\0" + bytes(1000)
    assert refused(whole[:2] + block * 65 + whole[2:], tmp_path) == "more than 64 blocks of EXIF"
    load_image(whole[:2] + block * 64 + whole[2:], 16)


@pytest.mark.parametrize("kind", [b"P1", b"P2", b"P3"])
def test_a_ppm_in_digits_is_not_read_for_minutes(tmp_path, kind):
    head = kind + b"\n5000 5000\n" + b"255\n" * (kind != b"P1")
    assert refused(head + b"#\n" * 1001, tmp_path) == "a PPM with more than 1,000 comments"
    assert refused(head + b" " * 2**26, tmp_path) == f"a PPM in digits of {2**26 + len(head):,} bytes, at most 67,108,864 are read"
    numbers = b"1 " * 24 * (3 if kind == b"P3" else 1)
    assert load_image(kind + b"\n6 4 " + b"9 " * (kind != b"P1") + b"#\n" * 900 + numbers, 16).width == 6


def test_exif_of_many_megabytes_does_not_turn_an_image():
    def turned(more: int) -> tuple[int, int]:
        exif = directory((274, 3, 1)).replace(struct.pack("<L", 99), struct.pack("<L", 6)) + bytes(more)
        whole, chunk = written("PNG"), b"eXIf" + exif
        place = whole.index(b"IDAT") - 4
        chunk = struct.pack(">I", len(exif)) + chunk + struct.pack(">I", zlib.crc32(chunk))
        found = load_image(whole[:place] + chunk + whole[place:], 16)
        return found.width, found.height

    assert turned(0) == (16, 24) and turned(2**21) == (24, 16)


@pytest.mark.parametrize("cut", range(1, 7))
def test_marks_are_counted_once_wherever_a_file_is_cut_into_pieces(monkeypatch, cut):
    content = b"Exif\0\0Exif\0Exif\0\0--Exif\0\0"
    monkeypatch.setattr(costs, "PIECE", cut)
    assert costs._times(io.BytesIO(content), b"Exif\0\0", 9) == content.count(b"Exif\0\0") == 3


@pytest.mark.parametrize("filling, some, many", [(b"\xff", 900, 30_000), (b"\xff\xfe\0\2", 900, 30_000), (b"a", 5, 30_000)])
def test_a_jpeg_of_segments_without_end_is_not_opened(tmp_path, filling, some, many):
    """Pillow keeps each of them, and reads what is between them byte by byte."""
    whole = written("JPEG")
    start, rest = whole[:20], whole[20:]  # after its first segment
    assert load_image(start + filling * some + rest, 16).width == 24
    assert refused(start + filling * many + rest, tmp_path) == "a JPEG of more than 20,000 segments"


def test_a_png_of_chunks_without_end_is_not_opened(tmp_path):
    whole, chunk = written("PNG"), bytes(4) + b"prVt" + struct.pack(">I", zlib.crc32(b"prVt"))
    assert load_image(whole[:33] + chunk * 1000 + whole[33:], 16).width == 24
    for place in (33, len(whole) - 12):
        assert refused(whole[:place] + chunk * 300_000 + whole[place:], tmp_path) == "a PNG of more than 262,144 chunks"


@pytest.mark.parametrize("filling", [b"!\xfe\1a\0", b"!\xff\1a\0", b"!\xfe" + b"\1a" * 9 + b"\0", b"\1"])
def test_a_gif_of_blocks_without_end_is_not_opened(tmp_path, filling):
    whole = written("GIF")
    start = 13 + 3 * 2 ** (whole[10] % 8 + 1)
    assert whole[10] & 0x80 and load_image(whole[:start] + filling * 1000 + whole[start:], 16).width == 24
    said = refused(whole[:start] + filling * 300_000 + whole[start:], tmp_path)
    assert said == "a GIF of more than 262,144 blocks before its first frame"


@pytest.mark.parametrize("filling", [b" ", b"#\n", b"#" + b"a" * 99 + b"\n"])
def test_a_ppm_with_a_header_without_end_is_not_opened(tmp_path, filling):
    pixels = b"24 16 255\n" + bytes(range(128)) * 9
    assert load_image(b"P6\n" + filling * 100 + pixels, 16).width == 24
    assert refused(b"P6\n" + filling * 70_000 + pixels, tmp_path) == "a PPM with a header of more than 65,536 bytes"


def noise(path: pathlib.Path, kind: str, **options) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8)
    Image.fromarray(pixels).save(path, kind, **options)


def test_a_file_that_somebody_cuts_off_meanwhile_is_damaged(tmp_path):
    """Of what is mapped into memory the system would end the process."""
    noise(tmp_path / "picture", "JPEG")
    script = """
        import os
        from gan_jax.collection import costs, images
        check = costs.check_size
        def cut(*given):
            os.truncate("picture", 700)
            check(*given)
        costs.check_size = cut
        try:
            images.load_image("picture", 16)
        except images.ImageError as error:
            print(error)
    """
    code, environment = textwrap.dedent(script), {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("damaged: "), done


@pytest.mark.parametrize("kind, options", [("BMP", {}), ("TIFF", {"compression": "tiff_adobe_deflate"}), ("PNG", {})])
def test_decoders_can_map_nothing(tmp_path, monkeypatch, kind, options):
    """They would do so by a file's name, as Pillow does, or by its number, as libtiff does."""
    noise(tmp_path / "picture", kind, **options)
    decoded, fitted = [], images._fitted

    def seen(image, *more):
        with pytest.raises(OSError):
            image.fp.fileno()
        decoded.append(image.filename)
        return fitted(image, *more)

    monkeypatch.setattr(images, "_fitted", seen)
    assert load_image(tmp_path / "picture", 16).width == 700 and decoded == [""]


def test_a_line_is_no_image(tmp_path):
    rows = zlib.compress(bytes(2 * 200_000))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 1, 200_000, 8, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts)
    assert refused(b"\x89PNG\r\n\x1a\n" + body, tmp_path) == "1 x 200000 pixels: more than 131,072 on a side"


def test_transparency_takes_no_copy_more_than_it_must():
    """Over white, whatever the mode; of 64 MB of pixels not more than as many again, and their alpha."""
    colours = Image.fromarray(np.random.default_rng(1).integers(0, 256, (8, 8, 4), np.uint8))
    for image in (colours, colours.convert("LA")):
        expected = Image.alpha_composite(Image.new("RGBA", (8, 8), "white"), image.convert("RGBA")).convert("RGB")
        np.testing.assert_allclose(np.asarray(as_srgb(image)).astype(int), np.asarray(expected), atol=1)
    script = """
        import resource
        from PIL import Image
        from gan_jax.collection.colours import as_srgb
        image = Image.new("LA", (4096, 4096))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        as_srgb(image)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 120 * 1024
