"""Pictures of any kind become squares of uint8, and copies are told from versions of one motif."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageEnhance, features

from gan_jax.collection.images import (
    NEAR_DISTANCE,
    NEAR_SIMILARITY,
    ImageError,
    border,
    duplicates,
    is_plain,
    load_image,
    load_images,
    perceptual_hash,
    similarity,
)


def painting(seed: int = 0, width: int = 48, height: int = 32) -> np.ndarray:
    """uint8 [height, width, 3]: smooth enough to survive a JPEG."""
    y, x = np.mgrid[0:height, 0:width]
    numbers = np.random.default_rng(seed).uniform(0.2, 2, (3, 3))
    waves = [np.sin(x * a / width * 6 + y * b / height * 6 + c) for a, b, c in numbers]
    return (127 + 100 * np.stack(waves, -1)).astype(np.uint8)


def load(path, fit="squash", resolution=16, max_pixels=10**6):
    return load_image(path, resolution, fit, max_pixels)


def save(image: Image.Image, path, **options):
    image.save(path, **options)
    return path


def test_every_mode_shows_the_same_picture(tmp_path):
    rgb = Image.fromarray(painting())
    expected = load(save(rgb, tmp_path / "rgb.png")).image.astype(int)
    for name, image, tolerance in [
        ("rgba.png", rgb.convert("RGBA"), 0), ("palette.png", rgb.quantize(256), 6), ("rgb.jpg", rgb, 4), ("rgb.jp2", rgb, 4),
        ("cmyk.jpg", rgb.convert("CMYK"), 8), ("rgb.webp", rgb, 6), ("rgb.tif", rgb, 0), ("rgb.gif", rgb, 12), ("rgb.bmp", rgb, 0),
        ("ycc.jpg", rgb.convert("YCbCr"), 4), ("rgb.ppm", rgb, 0),
    ]:  # fmt: skip
        found = load(save(image, tmp_path / name))
        assert found.image.dtype == np.uint8 and found.image.shape == (16, 16, 3)
        assert np.abs(found.image - expected).mean() <= tolerance, name


def test_grey_of_every_depth(tmp_path):
    grey = painting()[..., 0]
    expected = load(save(Image.fromarray(grey), tmp_path / "8.png")).image.astype(int)
    assert np.array_equal(expected[..., 0], expected[..., 1])
    for name, values in [
        ("16.png", grey.astype(np.uint16) * 257), ("16.tif", grey.astype(np.uint16) * 257), ("32.tif", grey.astype(np.int32) * 257),
        ("10.png", grey.astype(np.uint16) * 4), ("12.tif", grey.astype(np.uint16) * 16), ("14.png", grey.astype(np.uint16) * 64),
        ("8in16.png", grey.astype(np.uint16)), ("float.tif", grey.astype(np.float32) / 255), ("float255.tif", grey.astype(np.float32)),
    ]:  # fmt: skip
        assert np.abs(load(save(Image.fromarray(values), tmp_path / name)).image - expected).max() <= 2, name
    black_and_white = load(save(Image.fromarray(grey > 127), tmp_path / "1.png"), resolution=32).image
    assert black_and_white.max() == 255 and black_and_white.min() == 0
    with pytest.raises(ImageError, match="of which none is known to be white"):
        load(save(Image.fromarray(grey.astype(np.float32) * 1e6), tmp_path / "infinite.tif"))


def test_colours_of_sixteen_bits_are_scaled_by_their_depth(tmp_path):
    colours = painting()
    expected = load(save(Image.fromarray(colours), tmp_path / "8.png")).image.astype(int)
    for shift in (8, 6, 4):  # 16, 14 and 12 bits
        rows = b"".join(b"\0" + row.tobytes() for row in (colours.astype(">u2") << shift).astype(">u2"))
        chunks = [(b"IHDR", struct.pack(">IIBBBBB", 48, 32, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
        data = b"".join(struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part)) for kind, part in chunks)
        (tmp_path / "16.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
        # Of 12 bits four are left, which are 17 of 255 apart.
        assert np.abs(load(tmp_path / "16.png").image - expected).mean() < {8: 1, 6: 5, 4: 12}[shift]


def swapped_profile() -> bytes:
    """An ICC profile in which red and green have changed places."""
    data = bytearray(
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace("sRGB".encode("utf-16-be"), "tRGB".encode("utf-16-be"))
    )
    entries = {bytes(data[place : place + 4]): place for place in range(132, 132 + 12 * int.from_bytes(data[128:132], "big"), 12)}
    red, green = (slice(entries[name] + 4, entries[name] + 12) for name in (b"rXYZ", b"gXYZ"))
    data[red], data[green] = data[green], data[red]
    return bytes(data)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
def test_colour_profiles_are_applied(tmp_path, name):
    red = Image.new("RGB", (40, 40), (200, 30, 40))
    found = load(save(red, tmp_path / name, icc_profile=swapped_profile(), **({"lossless": True} if "webp" in name else {"quality": 100})))
    assert np.abs(found.image.astype(int) - [30, 200, 40]).max() <= 6
    half = red.convert("RGBA")
    half.putalpha(0)
    assert np.all(load(save(half, tmp_path / "half.png", icc_profile=swapped_profile())).image == 255)


def test_profiles_of_srgb_and_damaged_ones_change_nothing(tmp_path):
    picture = Image.fromarray(painting())
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    expected = load(save(picture, tmp_path / "plain.png")).image
    for n, profile in enumerate((srgb, swapped_profile()[:200], b"nothing", swapped_profile()[:128] + b"\xff" * 2000)):
        np.testing.assert_array_equal(load(save(picture, tmp_path / f"{n}.png", icc_profile=profile)).image, expected)


def test_lab_is_read(tmp_path):
    picture = Image.fromarray(painting())
    lab = ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB")
    expected = load(save(picture, tmp_path / "rgb.png")).image.astype(int)
    assert np.abs(load(save(lab, tmp_path / "lab.tif")).image - expected).mean() < 3


def test_other_kinds_of_files_are_read(tmp_path):
    picture = Image.fromarray(painting())
    expected = load(save(picture, tmp_path / "rgb.png")).image.astype(int)
    for name in ("a.tga", "a.pcx", "a.sgi", "a.jfif", "a.dib", "a.avif", "a.jp2"):
        if name != "a.avif" or features.check("avif"):
            assert np.abs(load(save(picture, tmp_path / name)).image - expected).mean() < 4, name
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0" + b"mif1heic" * 10)
    with pytest.raises(ImageError, match="pip install pillow-heif"):
        load(tmp_path / "a.heic")


def test_a_single_colour_is_no_picture():
    grey = np.full((32, 32, 3), 120, np.uint8)
    noisy = grey + np.random.default_rng(0).integers(0, 3, grey.shape, dtype=np.uint8)
    assert is_plain(grey) and is_plain(noisy)
    dark = (painting(width=32, height=32) // 20).astype(np.uint8)  # a night that one can hardly see
    assert not is_plain(dark) and not is_plain(painting(width=32, height=32))


def test_empty_borders_are_measured():
    picture = np.array(Image.fromarray(painting(width=32, height=32)))
    assert border(picture) == 0.0
    framed = np.full((32, 32, 3), 250, np.uint8)
    framed[4:28, 4:28] = picture[4:28, 4:28]
    assert border(framed) == pytest.approx(1 - (24 / 32) ** 2)
    framed[:, :] = picture
    framed[:3] = framed[-3:] = 10
    assert border(framed) == pytest.approx(6 / 32)
    framed[:, :] = picture
    framed[:8] = 10  # a sky, with nothing like it below
    assert border(framed) == 0.0


def test_transparent_parts_are_white(tmp_path):
    assert np.all(load(save(Image.fromarray(np.zeros((20, 20, 4), np.uint8)), tmp_path / "rgba.png")).image == 255)
    half = np.zeros((20, 20, 2), np.uint8)
    half[..., 1] = 128
    assert np.all(load(save(Image.fromarray(half), tmp_path / "la.png")).image == 127)  # black, half covering white
    palette = Image.new("P", (20, 20), 1)
    palette.putpalette([10, 20, 30, 200, 100, 50])
    assert np.all(load(save(palette, tmp_path / "p.png", transparency=b"\xff\x00")).image == 255)
    assert np.all(load(save(palette, tmp_path / "p.gif", transparency=0)).image == [200, 100, 50])


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
@pytest.mark.parametrize("orientation, turns", [(3, 2), (6, 1), (8, 3)])  # quarter turns clockwise that show it upright
def test_exif_rotation_is_undone(tmp_path, orientation, turns, suffix):
    upright = painting()
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = load(
        save(
            Image.fromarray(np.rot90(upright, turns)),
            tmp_path / f"turned.{suffix}",
            exif=exif,
            **({"quality": 95} if suffix == "jpg" else {}),
        )
    )
    straight = load(save(Image.fromarray(upright), tmp_path / "upright.png"))
    assert (found.width, found.height) == (48, 32)
    assert np.abs(found.image.astype(int) - straight.image).mean() < 3


def test_a_large_jpeg_is_decoded_small_and_keeps_its_size(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    big = Image.fromarray(painting()).resize((1001, 1000), Image.Resampling.BICUBIC)
    plain = load(save(big, tmp_path / "plain.png"), max_pixels=2 * 10**6)
    for path, size in [(save(big, tmp_path / "a.jpg"), (1001, 1000)), (save(big, tmp_path / "b.jpg", exif=exif), (1000, 1001))]:
        found = load(path, max_pixels=2 * 10**6)
        assert (found.width, found.height) == size
        turned = plain.image if size == (1001, 1000) else np.rot90(plain.image, -1)
        assert np.abs(found.image.astype(int) - turned).mean() < 2


def test_fits(tmp_path):
    wide = np.zeros((16, 48, 3), np.uint8)
    wide[:, 16:32] = 255  # the square in the middle is white
    path = save(Image.fromarray(wide), tmp_path / "wide.png")
    assert np.all(load(path, "crop").image == 255)
    padded = load(path, "pad", 48).image
    np.testing.assert_array_equal(padded[16:32], wide)
    border = np.concatenate([wide[0], wide[-1], wide[:, 0], wide[:, -1]]).mean(axis=0)
    np.testing.assert_array_equal(padded[0], np.broadcast_to(border.round(), (48, 3)))
    squashed = load(path, "squash", 48).image
    assert np.all(squashed[:, 20:28] == 255) and np.all(squashed[:, :10] == 0)
    assert (load(path, "squash").width, load(path, "squash").height) == (48, 16)


def test_a_line_of_pixels_is_a_picture(tmp_path):
    path = save(Image.new("RGB", (3000, 1), (9, 8, 7)), tmp_path / "line.png")
    for fit in ("crop", "pad", "squash"):
        assert np.all(load(path, fit).image == [9, 8, 7])


def test_only_the_first_frame_counts(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    assert np.all(load(tmp_path / "film.gif").image == [255, 0, 0])


def test_what_can_not_be_used_says_why(tmp_path):
    good = save(Image.fromarray(painting(0, 200, 200)), tmp_path / "good.jpg")
    (tmp_path / "cut.jpg").write_bytes(good.read_bytes()[:2000])
    (tmp_path / "text.jpg").write_text("not an image")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "script.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    for name, reason in [
        ("cut.jpg", "truncated"), ("text.jpg", "not an image"), ("empty.png", "not an image"), ("script.jpg", "not an image"),
        ("missing.jpg", "not a file"), (".", "not a file"),
    ]:  # fmt: skip
        with pytest.raises(ImageError, match=reason):
            load(tmp_path / name)
    with pytest.raises(ImageError, match="200 x 200 pixels are more than config.collection.max_pixels=39999"):
        load(good, max_pixels=39999)


@pytest.mark.parametrize("side, reason", [(60_000, "more than 178,956,970 pixels"), (11_000, "11000 x 11000 pixels are more than")])
def test_a_bomb_is_refused_undecoded_and_without_a_warning(tmp_path, side, reason):
    # A header that promises side x side pixels, of which nothing follows. From 89 million on Pillow warns, from 179 it refuses.
    bomb = bytearray(save(Image.new("L", (8, 8)), tmp_path / "bomb.png").read_bytes())
    bomb[16:24] = side.to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4, "big")
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(ImageError, match=reason):
        load(tmp_path / "bomb.png", max_pixels=10**8)


@given(
    st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"]),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=8),
)
@settings(max_examples=150, deadline=None)
def test_damage_is_an_image_or_an_image_error(tmp_path_factory, kind, changes):
    file = io.BytesIO()
    Image.fromarray(painting()).save(file, kind)
    data = bytearray(file.getvalue())
    for place, value in changes:
        data[place % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(data)
    try:
        assert load(path).image.shape == (16, 16, 3)
    except ImageError as error:
        assert str(error) and "\n" not in str(error)


def test_many_are_loaded_as_one_is_and_leave_the_filters_of_warnings_alone(tmp_path):
    paths = [save(Image.fromarray(painting(i)), tmp_path / f"{i}.png") for i in range(6)] + [tmp_path / "missing.png"]
    counted, before = [], list(warnings.filters)
    found = load_images(paths, 16, "crop", 10**6, lambda: counted.append(1))
    assert warnings.filters == before and len(counted) == len(paths)
    for path, picture in zip(paths[:-1], found[:-1]):
        np.testing.assert_array_equal(picture.image, load(path, "crop").image)
    assert isinstance(found[-1], ImageError)


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def test_copies_are_found_and_the_largest_is_kept(tmp_path):
    original = Image.fromarray(painting(1, 120, 90))
    pictures = [
        ("small copy", original.resize((60, 45))), ("original", original), ("the same in another format", original),
        ("recompressed", jpeg(original, 40)), ("brighter", ImageEnhance.Brightness(original).enhance(1.2)),
        ("another", Image.fromarray(painting(2, 120, 90))), ("mirrored", original.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    ]  # fmt: skip
    loaded = [load(save(image, tmp_path / f"{i}.{'bmp' if i == 2 else 'png'}")) for i, (_, image) in enumerate(pictures)]
    copies = duplicates(loaded, NEAR_DISTANCE)
    assert sorted(copies) == [0, 2, 3, 4]
    assert {original for original, _ in copies.values()} == {1}
    assert copies[2][1] is None and copies[0][1] is not None  # exact and near
    assert duplicates(loaded, None) == {2: (1, None)}


def test_versions_of_one_motif_in_other_colours_are_kept(tmp_path):
    # The same drawing with red and blue exchanged: a close hash, which colour has to contradict.
    drawing = painting(3, 120, 90)
    versions = [load(save(Image.fromarray(colours), tmp_path / f"{i}.png")) for i, colours in enumerate((drawing, drawing[..., ::-1]))]
    assert similarity(versions[0].thumbnail, versions[1].thumbnail) < NEAR_SIMILARITY
    assert duplicates(versions, 64) == {}


def test_pictures_of_one_colour_are_not_near_each_other(tmp_path):
    plain = [load(save(Image.new("RGB", (30, 30), colour), tmp_path / f"{colour}.png")) for colour in ("red", "white", "black")]
    assert duplicates(plain, 64) == {}


def test_the_hash_holds_the_low_cosine_terms():
    thumbnail = painting(4, 32, 32)
    n = np.arange(32)
    basis = np.cos(np.pi * (n[None] + 0.5) * n[:8, None] / 32) * np.sqrt(np.where(n[:8, None] == 0, 1, 2) / 32)  # [8, 32], DCT-II
    terms = (basis @ (thumbnail @ np.array([0.299, 0.587, 0.114])) @ basis.T).ravel()
    expected = terms > np.median(terms[1:])
    found = np.unpackbits(np.array([perceptual_hash(thumbnail)]).view(np.uint8)).astype(bool)
    np.testing.assert_array_equal(found, expected)
