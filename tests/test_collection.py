"""Images of any kind, and a collection that accounts for every row and every file."""

import csv
import os
import zlib

import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from gan_jax import default_config
from gan_jax.collection import collection as collections
from gan_jax.collection.images import ImageError, load_image
from gan_jax.errors import UserError

RNG = np.random.default_rng(0)


def picture(width: int = 48, height: int = 32) -> np.ndarray:
    """uint8 [height, width, 3]: smooth enough to survive a JPEG."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x * a / width * 6 + y * b / height * 6 + c) for a, b, c in RNG.uniform(0.2, 2, (3, 3))]
    return (127 + 100 * np.stack(waves, -1)).astype(np.uint8)


def load(path, fit="squash", resolution=16, max_pixels=10**6):
    return load_image(path, resolution, fit, max_pixels)


def save(image: Image.Image, path, **options):
    image.save(path, **options)
    return path


def test_every_mode_shows_the_same_picture(tmp_path):
    rgb = Image.fromarray(picture())
    expected = load(save(rgb, tmp_path / "rgb.png")).image.astype(int)
    opaque = rgb.convert("RGBA")
    palette = rgb.quantize(256)
    for name, image, tolerance in [
        ("rgba.png", opaque, 1), ("palette.png", palette, 6), ("rgb.jpg", rgb, 4), ("cmyk.jpg", rgb.convert("CMYK"), 8),
        ("rgb.webp", rgb, 6), ("rgb.tif", rgb, 1), ("rgb.gif", rgb, 12), ("rgb.bmp", rgb, 1), ("ycc.jpg", rgb.convert("YCbCr"), 4),
    ]:  # fmt: skip
        assert np.abs(load(save(image, tmp_path / name)).image - expected).mean() <= tolerance, name


def test_grey_of_every_depth(tmp_path):
    grey = picture()[..., 0]
    expected = load(save(Image.fromarray(grey), tmp_path / "8.png")).image
    assert np.array_equal(expected[..., 0], expected[..., 1])
    deep = load(save(Image.fromarray(grey.astype(np.uint16) * 257), tmp_path / "16.png")).image
    assert np.abs(deep.astype(int) - expected).max() <= 2
    assert load(save(Image.fromarray(grey > 127), tmp_path / "1.png")).image.max() > 200


def test_transparent_parts_are_white(tmp_path):
    clear = np.zeros((20, 20, 4), np.uint8)
    assert np.all(load(save(Image.fromarray(clear), tmp_path / "a.png")).image == 255)
    half = np.zeros((20, 20, 2), np.uint8)
    half[..., 1] = 128
    assert np.all(np.abs(load(save(Image.fromarray(half), tmp_path / "b.png")).image.astype(int) - 127) <= 1)


@pytest.mark.parametrize("orientation, turn", [(3, 2), (6, 3), (8, 1)])
def test_exif_rotation_is_undone(tmp_path, orientation, turn):
    upright = picture(48, 32)
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = Image.fromarray(np.rot90(upright, -turn))
    found = load(save(turned, tmp_path / "turned.jpg", exif=exif, quality=95))
    assert (found.width, found.height) == (48, 32)
    straight = load(save(Image.fromarray(upright), tmp_path / "upright.jpg", quality=95))
    assert np.abs(found.image.astype(int) - straight.image).mean() < 3


def test_fits(tmp_path):
    wide = np.zeros((16, 48, 3), np.uint8)
    wide[:, 16:32] = 255  # the centre square is white
    path = save(Image.fromarray(wide), tmp_path / "wide.png")
    assert np.all(load(path, "crop").image[:, 2:-2] > 250)
    padded = load(path, "pad", 48).image
    assert padded.shape == (48, 48, 3) and np.all(padded[20:28, 20:28] == 255) and np.all(padded[0] == padded[0, 0])
    squashed = load(path, "squash", 48).image
    assert np.all(squashed[:, 20:28] > 250) and np.all(squashed[:, :10] < 5)
    assert (load(path, "squash").width, load(path, "squash").height) == (48, 16)


def test_what_can_not_be_used_says_why(tmp_path):
    good = save(Image.fromarray(picture(200, 200)), tmp_path / "good.jpg")
    (tmp_path / "cut.jpg").write_bytes(good.read_bytes()[:2000])
    (tmp_path / "text.jpg").write_text("not an image")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "script.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    for name, reason in [
        ("cut.jpg", "truncated"),
        ("text.jpg", "not an image"),
        ("empty.png", "not an image"),
        ("script.jpg", "not an image"),
    ]:
        with pytest.raises(ImageError, match=reason):
            load(tmp_path / name)
    with pytest.raises(ImageError, match="200 x 200 pixels are more than config.collection.max_pixels=39999"):
        load(good, max_pixels=39999)


def test_a_bomb_is_refused_undecoded(tmp_path):
    # A header that promises 60000 x 60000 pixels, of which nothing follows.
    bomb = bytearray(save(Image.new("L", (8, 8)), tmp_path / "bomb.png").read_bytes())
    bomb[16:24] = (60000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4, "big")
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(ImageError, match="more than 178,956,970 pixels"):
        load(tmp_path / "bomb.png", max_pixels=10**8)


@pytest.mark.parametrize(
    "text, span",
    [
        ("..1885", (-np.inf, 1886)),
        ("1888..", (1888, np.inf)),
        ("1880..1883", (1880, 1884)),
        ("1886", (1886, 1887)),
        ("..1885.5", (-np.inf, 1885.5)),
    ],
)
def test_spans_hold_whole_years(text, span):
    assert collections.parse_span(text, "field") == span


@pytest.mark.parametrize("text", ["", "..", "1888-1889", "1889..1887", "abc", "188.."])
def test_wrong_spans_are_named(text):
    with pytest.raises(UserError, match="config.x="):
        collections.parse_span(text, "config.x")


def test_periods_of_years():
    early, late = (-np.inf, 1886.0), (1888.0, 1890.0)
    assert [collections.period_of(year, early, late) for year in (1800, 1885.99, 1886, 1887.9, 1888, 1889.9, 1890)] == [
        "early", "early", "between", "between", "late", "late", "",
    ]  # fmt: skip


@pytest.fixture
def messy(tmp_path):
    """A folder with everything that is wrong with folders, and what is right in it."""
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    rows = []
    for i in range(12):
        Image.fromarray(picture()).save(folder / f"{i:02d}.png")
        rows.append([f"{i:02d}.png", f"Work {i}", str(1880 + i), "landscape"])
    rows[0][0] = "00.PNG"  # another case
    rows[1][0] = "01"  # no ending
    rows[2][0] = "elsewhere/02.png"  # another folder
    os.rename(folder / "03.png", folder / "sub" / "03.png")  # in a subfolder
    rows[4][2] = "some day"
    rows[5][3] = "portrait"
    (folder / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    Image.open(folder / "06.png").save(folder / "copy.png")  # an exact copy
    Image.open(folder / "07.png").convert("RGB").save(folder / "near.jpg", quality=60)  # a near one
    Image.fromarray(picture()).save(folder / "nobody.png")
    Image.fromarray(picture()).save(tmp_path / "secret.png")
    os.symlink(tmp_path / "secret.png", folder / "link.png")
    rows += [
        ["cut.jpg", "Cut", "1884", "landscape"], ["copy.png", "Copy", "1884", "landscape"], ["near.jpg", "Near", "1884", "landscape"],
        ["missing.png", "Missing", "1884", "landscape"], ["", "Nameless", "1884", "landscape"], ["08.png", "Again", "1884", "landscape"],
        ["../secret.png", "Outside", "1884", "landscape"], ["link.png", "Link", "1884", "landscape"],
    ]  # fmt: skip
    with open(tmp_path / "table.csv", "w", newline="") as file:
        csv.writer(file).writerows([["file", "title", "date", "year"], *rows, ["short", "row"]])
    table = (tmp_path / "table.csv").read_text().replace("file,title,date,year", "file,title,date,genre")
    (tmp_path / "table.csv").write_text(table)
    return tmp_path, len(rows) + 1


def config_of(folder, **changes) -> ConfigDict:
    config = default_config.get_config().collection
    config.update(source="folder", table=str(folder / "table.csv"), images=str(folder / "images"), resolution=16, min_works=2)
    config.periods.update(early="..1884", late="1888..")
    config.update(changes)
    return config


def test_nothing_disappears_silently(messy):
    folder, rows = messy
    collection = collections.prepare(config_of(folder, where="genre=landscape"))
    reasons = {work.title or work.file: work.reason for work in collection.skipped}
    assert len(collection.paintings) + len(collection.skipped) == rows + 1  # and one image without a row
    assert [work.title for work in collection.paintings] == [f"Work {i}" for i in (0, 1, 2, 3, 6, 7, 8, 9, 10, 11)]
    for name, reason in {
        "Work 4": "unreadable date: 'some day'", "Work 5": "not wanted: genre=landscape", "Cut": "unreadable image: ",
        "Copy": "exact duplicate: of 06.png", "Near": "near duplicate: of 07.png", "Missing": "no image: no such file",
        "Nameless": "no image: the row names no file", "Again": "exact duplicate: an earlier row", "Outside": "no image: ",
        "Link": "no image: ", "nobody.png": "no row: ", "table.csv": "malformed row: line 22: 2 fields",
    }.items():  # fmt: skip
        assert reasons[name].startswith(reason), (name, reasons[name])
    assert "10 works: 4 early, 2 between, 4 late; skipped: " in collections.summary(collection)


def test_a_collection_reads_back_as_it_was(messy, tmp_path):
    collection = collections.prepare(config_of(messy[0]))
    collections.save(collection, tmp_path / "saved")
    again = collections.load(tmp_path / "saved")
    assert again.paintings == collection.paintings and again.skipped == collection.skipped
    np.testing.assert_array_equal(again.images, collection.images)
    assert collection.paintings[0].columns == {"date": "1880", "genre": "landscape"}


def test_a_damaged_collection_is_one_line(messy, tmp_path):
    collections.save(collections.prepare(config_of(messy[0])), tmp_path / "saved")
    np.save(tmp_path / "saved" / "images.npy", np.zeros((3, 16, 16, 3), np.uint8))
    with pytest.raises(UserError, match="which don't belong together"):
        collections.load(tmp_path / "saved")
    (tmp_path / "saved" / "images.npy").write_bytes(b"nothing")
    with pytest.raises(UserError, match="images.npy: not an array of numbers"):
        collections.load(tmp_path / "saved")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"min_works": 5}, "config.collection.periods.early='..1884': [0-9]+ works are left in it, 5 are needed .*no image"),
        ({"images": "/nowhere"}, "config.collection.images=/nowhere: no such folder"),
        ({"table": "/nowhere.csv"}, "/nowhere.csv: no such file"),
        ({"table": ""}, "config.collection.table and config.collection.images"),
        ({"resolution": 48}, "config.collection.resolution=48"),
        ({"fit": "stretch"}, "config.collection.fit='stretch'"),
        ({"source": "web"}, "config.collection.source='web'"),
    ],
)
def test_wrong_settings_are_named(messy, changes, message):
    if "min_works" in changes:
        changes = {**changes, "where": "genre=landscape"}
    with pytest.raises(UserError, match=message):
        collections.prepare(config_of(messy[0], **changes))


def test_periods_that_overlap_are_an_error(messy):
    config = config_of(messy[0])
    config.periods.late = "1884.."
    with pytest.raises(UserError, match="early .* must end before late"):
        collections.prepare(config)


def test_the_built_in_painter_is_a_collection():
    config = default_config.get_config().collection
    config.painter.works = 60
    collection = collections.prepare(config)
    assert collection.images.shape == (60, 32, 32, 3) and not collection.skipped
    assert {painting.period for painting in collection.paintings} == {"early", "between", "late"}
    assert [painting.year for painting in collection.paintings] == sorted(painting.year for painting in collection.paintings)
