"""A collection accounts for every row and every file, and reads back as it was."""

import csv
import os

import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from gan_jax import default_config
from gan_jax.collection import collection as collections
from gan_jax.collection.folder import index_folder
from gan_jax.collection.periods import may_be_of, parse_span, period_of
from gan_jax.errors import UserError

RNG = np.random.default_rng(0)


def picture(width: int = 48, height: int = 32) -> np.ndarray:
    """uint8 [height, width, 3]: smooth enough to survive a JPEG, and another one each time."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x * a / width * 6 + y * b / height * 6 + c) for a, b, c in RNG.uniform(0.2, 2, (3, 3))]
    return (127 + 100 * np.stack(waves, -1)).astype(np.uint8)


@pytest.mark.parametrize(
    "text, span",
    [
        ("..1885", (-np.inf, 1886)),
        ("1888..", (1888, np.inf)),
        ("1880..1883", (1880, 1884)),
        ("1886", (1886, 1887)),
        ("..1885.5", (-np.inf, 1885.5)),
        ("1886.25..", (1886.25, np.inf)),
        ("1880.5 .. 1883.25", (1880.5, 1883.25)),
        (1886, (1886, 1887)),
        ("-480..-323", (-480, -322)),
        ("850..0900", (850, 901)),
    ],
)
def test_spans_hold_whole_years(text, span):
    assert parse_span(text, "field") == span


@pytest.mark.parametrize("text", ["", "..", "1888-1889", "1889..1887", "abc", "188..", "1885.5", "1885...1887", "1886.5..1886.5", "١٨٨٥"])
def test_wrong_spans_are_named(text):
    with pytest.raises(UserError, match="config.x="):
        parse_span(text, "config.x")


def test_periods_of_years():
    early, late = (-np.inf, 1886.0), (1888.0, 1890.0)
    assert [period_of(year, early, late) for year in (1800, 1885.99, 1886, 1887.9, 1888, 1889.9, 1890)] == [
        "early", "early", "between", "between", "late", "late", "",
    ]  # fmt: skip


def test_the_periods_that_a_date_may_be_of():
    early, late = (1880.0, 1886.0), (1888.0, 1890.0)
    for (first, last), periods in {
        (1885, 1886): ("early",),
        (1885.958, 1886.042): ("between",),  # January 1886, give or take half a month
        (1870, 1900): ("early", "between", "late"),
        (1884, 1887): ("early", "between"),
        (1886, 1888): ("between",),
        (1887, 1890): ("between", "late"),
        (1879, 1882): ("early",),  # or before it, which is no other period
        (1870, 1884): (),  # its middle is outside of all
    }.items():
        assert may_be_of((first + last) / 2, (last - first) / 2, early, late) == periods, (first, last)


def uncertain_config(tmp_path, **settings) -> ConfigDict:
    """Eight paintings of each of 1884, 1886 and 1889, and four that may be of several periods."""
    (tmp_path / "images").mkdir(parents=True)
    dates = ["1884"] * 8 + ["1886"] * 8 + ["1889"] * 8 + ["1870-1900", "1885-1886", "1886-1888", "1870-1879"]
    for i in range(len(dates)):
        Image.fromarray(picture()).save(tmp_path / "images" / f"{i}.png")
    rows = "".join(f"{i}.png,Painting {i},{date}\n" for i, date in enumerate(dates))
    (tmp_path / "table.csv").write_text(f"file,title,date\n{rows}")
    config = default_config.get_config().collection
    config.update(source="folder", table=str(tmp_path / "table.csv"), images=str(tmp_path / "images"), resolution=16, min_paintings=8)
    config.periods.update(early="..1885", late="1888..")
    config.near_duplicates = -1
    config.update(settings)
    return config


def test_paintings_that_may_be_of_several_periods_are_left_out_and_said(tmp_path):
    found = collections.prepare(uncertain_config(tmp_path))
    assert {painting.title for painting in found.paintings if painting.year < 1880} == {"Painting 27"}
    assert len(found.paintings) == 25 == len(found.images)
    assert {skipped.title: skipped.reason for skipped in found.skipped} == {
        "Painting 24": "uncertain date: 1870 to 1900, early or between or late",
        "Painting 25": "uncertain date: 1885 to 1886, early or between",
        "Painting 26": "uncertain date: 1886 to 1888, between or late",
    }
    said = collections.summary(found)
    assert said.endswith("3 skipped (3 uncertain dates); 11% of the dated paintings may as well be of another period, and are left out")
    config = uncertain_config(tmp_path / "again", uncertain="keep")
    config.update(table=str(tmp_path / "table.csv"), images=str(tmp_path / "images"))
    kept = collections.prepare(config)
    assert len(kept.paintings) == 28 and not kept.skipped and "another period" not in collections.summary(kept)
    assert {painting.title: painting.period for painting in kept.paintings}["Painting 24"] == "early"
    # The pictures stay beside their paintings.
    pictures = {painting.file: image for painting, image in zip(kept.paintings, kept.images)}
    for painting, image in zip(found.paintings, found.images):
        np.testing.assert_array_equal(image, pictures[painting.file])


@pytest.fixture
def messy(tmp_path):
    """A folder with everything that is wrong with folders, and what is right in it."""
    RNG.bit_generator.state = np.random.default_rng(0).bit_generator.state  # the same pictures for every test
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    rows = []
    for i in range(12):
        Image.fromarray(picture()).save(folder / f"{i:02d}.png")
        rows.append([f"{i:02d}.png", f"Painting {i}", str(1880 + i), "landscape"])
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
    config.update(source="folder", table=str(folder / "table.csv"), images=str(folder / "images"), resolution=16, min_paintings=2)
    config.periods.update(early="..1884", late="1888..")
    config.update(changes)
    return config


def test_nothing_disappears_silently(messy):
    folder, rows = messy
    collection = collections.prepare(config_of(folder, where="genre=landscape"))
    reasons = {painting.title or painting.file: painting.reason for painting in collection.skipped}
    assert len(collection.paintings) + len(collection.skipped) == rows + 1  # and one image without a row
    assert [painting.title for painting in collection.paintings] == [f"Painting {i}" for i in (0, 1, 2, 3, 6, 7, 8, 9, 10, 11)]
    for name, reason in {
        "Painting 4": "unreadable date: 'some day'", "Painting 5": "excluded row: not genre=landscape", "Cut": "unusable image: ",
        "Copy": "exact duplicate: same pixels as 06.png", "Near": "near duplicate: ", "Missing": "missing image: no file is called",
        "Nameless": "missing image: the row names no file", "Again": "exact duplicate: same pixels as 08.png",
        "Outside": "missing image: '../secret.png' leads out", "Link": "missing image: a link that leads out",
        "nobody.png": "unlisted image: ", "": "malformed row: line 22 of the table, 2 fields",
    }.items():  # fmt: skip
        assert reasons[name].startswith(reason), (name, reasons[name])
    summary = collections.summary(collection)
    assert summary.startswith("10 paintings: 4 early, 2 between, 4 late; 12 skipped (4 missing images, 2 exact duplicates, ")
    assert "1 near duplicate" in summary


def test_near_copies_can_be_kept(messy):
    kept = collections.prepare(config_of(messy[0], near_duplicates=-1))
    assert "Near" in [painting.title for painting in kept.paintings]
    assert any(skipped.title == "Copy" for skipped in kept.skipped)


def test_images_belong_to_their_paintings(messy):
    folder, _ = messy
    collection = collections.prepare(config_of(folder, fit="squash"))
    for painting, image in zip(collection.paintings, collection.images):
        with Image.open(folder / "images" / painting.file) as found:
            expected = np.asarray(found.resize((16, 16), Image.Resampling.LANCZOS, reducing_gap=3.0))
        np.testing.assert_array_equal(image, expected)
    assert [painting.year for painting in collection.paintings] == sorted(painting.year for painting in collection.paintings)
    early = collection.period("early")
    assert all(collection.paintings[i].year < 1885 for i in early) and len(early) > 0


@pytest.mark.parametrize("name", ["/etc/passwd", "C:\\secret.png", "../secret.png", "sub/../../secret.png", "..\\secret.png", "a/.."])
def test_no_name_leads_out_of_the_folder(messy, name):
    folder = index_folder(messy[0] / "images")
    with pytest.raises(LookupError, match="leads out of the images folder, and no file in it is called"):
        folder.find(name)


@pytest.mark.parametrize(
    "name, file",
    [
        ("06.png", "06.png"), (" 06.png ", "06.png"), ("./06.png", "06.png"), ("06.PNG", "06.png"), ("06", "06.png"), ("06.tif", "06.png"),
        ("3/06.png", "06.png"), ("images\\06.png", "06.png"), ("03.png", "sub/03.png"), ("sub/03", "sub/03.png"), ("03", "sub/03.png"),
        ("https://somewhere.org/06.png", "06.png"), ("https://somewhere.org/iiif/06.png?w=800", "06.png"),
        ("https://somewhere.org/06.png#top", "06.png"), ("https://somewhere.org/get.php?file=06.png&w=800", "06.png"),
        ("http://somewhere.org/s%70ace%20d.png", "space d.png"), ("space%20d.png", "space d.png"), ("space%2520d.png", "space d.png"),
        ("https://somewhere.org/space+d.png", "space d.png"), ("C:\\Users\\me\\Pictures\\06.png", "06.png"), ("../images/06.png", "06.png"),
        ("/home/me/06.png", "06.png"), ("\\\\server\\share\\06.png", "06.png"), ("file:///home/me/06.png", "06.png"),
        ('"06.png"', "06.png"),
        ("gs://bucket/sub/03.png", "sub/03.png"), ("06.png?w=800", "06.png"), ("50%25.png", "50%.png"),
        ("http://commons.example.org/wiki/Special:FilePath/Space%20d.png", "space d.png"), ("Space_D.png", "space d.png"),
        ("50%.png", "50%.png"), ("06.png|07.png", "06.png"), ("sub/03.png, sub/04.png", "sub/03.png"),
        ("https://somewhere.org/iiif/2/06/full/!800,800/0/default.jpg", "06.png"),
    ],
)  # fmt: skip
def test_a_file_is_found_by_the_names_tables_give_it(messy, name, file):
    for more in ("space d.png", "50%.png"):
        (messy[0] / "images" / more).write_bytes(b"")
    assert index_folder(messy[0] / "images").find(name) == file


def test_files_are_found_as_they_are_named_when_addresses_are_downloaded(tmp_path):
    (tmp_path / "get?id=1&w=800").write_bytes(b"")
    assert index_folder(tmp_path).find("https://somewhere.org/get?id=1&w=800") == "get?id=1&w=800"


def test_a_name_that_fits_two_files_is_not_guessed(tmp_path):
    for file in ("a/1.png", "b/1.png", "2.png", "2.jpg"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(b"")
    folder = index_folder(tmp_path)
    assert folder.find("a/1.png") == "a/1.png" and folder.find("2.jpg") == "2.jpg"
    for name in ("1.png", "2"):
        with pytest.raises(LookupError, match="fits 2 files"):
            folder.find(name)


def test_a_collection_reads_back_as_it_was(messy, tmp_path):
    collection = collections.prepare(config_of(messy[0]))
    collection.save(tmp_path / "saved")
    again = collections.Collection.load(tmp_path / "saved")
    assert again.paintings == collection.paintings and again.skipped == collection.skipped
    np.testing.assert_array_equal(again.images, collection.images)
    assert collection.paintings[0].columns == {"date": "1880", "genre": "landscape"}


def test_columns_with_our_names_and_any_text_read_back(tmp_path):
    columns = {"year": "c. 1888", "table:year": "x", "table:table:": "y", "Title": 'a "b", c;\r\nd\re\nf\t', "ü": "", "period": " late "}
    paintings = tuple(
        collections.Painting(f"{i}.png", 'Sun, "Moon"\nand stars', 1888 + i / 3, 1 / 24, period, 7, 5, columns)
        for i, period in enumerate(collections.PERIODS)
    )
    images = RNG.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    collection = collections.Collection(paintings, images, (collections.Skipped("a\n.png", "", "no: reason, at all"),))
    collection.save(tmp_path / "saved")
    again = collections.Collection.load(tmp_path / "saved")
    assert again.paintings == paintings and again.skipped == collection.skipped
    np.testing.assert_array_equal(again.images, images)


def test_a_damaged_collection_is_one_line(messy, tmp_path):
    saved = tmp_path / "saved"
    collection = collections.prepare(config_of(messy[0]))
    for path, damage, message in [
        (saved / "images.npy", lambda data: data[: len(data) // 2], "images.npy: not an array of numbers"),
        (saved / "images.npy", lambda data: b"nothing", "images.npy: not an array of numbers"),
        (saved / "images.npy", lambda data: data.replace(b"|u1", b"|i1"), r"images.npy: holds int8 \[11, 16, 16, 3\], uint8 is needed"),
        (saved / "images.npy", lambda data: data.replace(b"(11, 16, 16, 3)", b"(10, 16, 16, 3)"), "images.npy: not an array of numbers"),
        (saved / "paintings.csv", lambda data: data.replace(b"1880.5", b"never"), "row 1: year is 'never', it should be a number"),
        (saved / "paintings.csv", lambda data: data.replace(b",early,", b",soon,"), "row 1: year, uncertainty, period"),
        (saved / "paintings.csv", lambda data: data[:-30], "paintings.csv: row 11 is damaged"),
        (saved / "paintings.csv", lambda data: b"\xff" + data, "paintings.csv: not a table .*0xff"),
        (saved / "skipped.csv", lambda data: data.replace(b"file,title", b"file,name", 1), "skipped.csv: row 1 has no column 'title'"),
    ]:
        collection.save(saved)
        data = path.read_bytes()
        path.write_bytes(damage(data))
        assert path.read_bytes() != data
        with pytest.raises(UserError, match=message):
            collections.Collection.load(saved)
    with pytest.raises(UserError, match="paintings.csv: there is no such file"):
        collections.Collection.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"min_paintings": 5}, "config.collection.periods.early='..1884': 4 paintings, at least 5 are needed .*missing images"),
        ({"images": "/nowhere"}, "config.collection.images=/nowhere: no such folder"),
        ({"table": "/nowhere.csv"}, "/nowhere.csv: no such file"),
        ({"images": ""}, "config.collection.images: name the folder"),
        ({"where": "colour=red"}, "config.collection.where: .* has no column 'colour'"),
        ({"source": "painter", "where": "a=b"}, "config.collection.where='a=b': the built-in painter"),
        ({"table": ""}, "config.collection.table: name the table"),
    ],
)
def test_wrong_settings_are_named(messy, changes, message):
    if "min_paintings" in changes:
        changes = {**changes, "where": "genre=landscape"}
    with pytest.raises(UserError, match=message):
        collections.prepare(config_of(messy[0], **changes))


def test_periods_that_overlap_are_an_error(messy):
    config = config_of(messy[0])
    config.periods.late = "1884.."
    with pytest.raises(UserError, match="early ends at 1885, late begins at 1884; early has to end first"):
        collections.prepare(config)


def test_the_built_in_painter_is_a_collection():
    config = default_config.get_config().collection
    config.painter.paintings = 60
    collection = collections.prepare(config)
    assert all(abs(painting.year - float(painting.columns["date"])) < 1e-9 for painting in collection.paintings)
    assert collection.images.shape == (60, 32, 32, 3) and not collection.skipped
    assert {painting.period for painting in collection.paintings} == {"early", "between", "late"}
    assert [painting.year for painting in collection.paintings] == sorted(painting.year for painting in collection.paintings)


def test_links_to_folders_and_in_circles_are_named(messy):
    folder, _ = messy
    os.symlink(folder / "images" / "sub", folder / "images" / "again")
    os.symlink(folder / "images", folder / "images" / "sub" / "up")
    os.symlink(folder / "images" / "circle.png", folder / "images" / "circle.png")
    os.symlink(folder / "images" / "nowhere.png", folder / "images" / "dead.png")
    with open(folder / "table.csv", "a") as file:
        file.write("circle.png,Circle,1884,landscape\ndead.png,Dead,1884,landscape\n")
    skipped = collections.prepare(config_of(folder)).skipped
    reasons = {painting.title or painting.file: painting.reason for painting in skipped}
    assert reasons["again"].startswith("linked folder: not followed") and reasons["sub/up"].startswith("linked folder: not followed")
    assert reasons["Circle"] == reasons["Dead"] == "missing image: a link that leads out of the images folder, or nowhere"


def test_names_that_are_not_utf_8_and_files_of_every_kind_are_listed(messy):
    folder, _ = messy
    names = [b"caf\xe9.jpg", b"a.jfif", b"b.heic", b"c.avif", b"d.tga", b"e.jp2", b"f.JPE", b"g.nef"]
    for name in names:
        with open(os.path.join(os.fsencode(folder / "images"), name), "wb"):
            pass
    collection = collections.prepare(config_of(folder))
    listed = {painting.file for painting in collection.skipped if painting.reason == "unlisted image: no row names it"}
    assert {"caf\\udce9.jpg", "a.jfif", "b.heic", "c.avif", "d.tga", "e.jp2", "f.JPE", "g.nef"} <= listed
    collection.save(folder / "saved")
    assert collections.Collection.load(folder / "saved").skipped == collection.skipped


def test_what_was_left_out_is_known_where_no_collection_is_made(messy):
    with pytest.raises(collections.NotEnough, match="; the first: cut.jpg: unusable image|; the first: ") as error:
        collections.prepare(config_of(messy[0], min_paintings=50))
    assert {"Missing", "Outside"} <= {painting.title for painting in error.value.skipped}
    (messy[0] / "table.csv").write_text("file,title,date\n1.jpg,A\n2.jpg,B,1888,x\n")
    with pytest.raises(collections.NotEnough, match="no usable row: line 2: 2 fields") as error:
        collections.prepare(config_of(messy[0]))
    assert [painting.reason[:37] for painting in error.value.skipped] == [
        f"malformed row: line {n} of the table, {m}" for n, m in ((2, 2), (3, 4))
    ]


def test_placeholders_are_no_paintings(messy):
    folder, _ = messy
    nothing = Image.fromarray(picture())
    for n in range(5):
        Image.new("RGB", (20 + n, 20), (200, 200, 200)).save(folder / "images" / f"grey{n}.png")
        nothing.resize((60 + n, 40)).save(folder / "images" / f"none{n}.png")
    with open(folder / "table.csv", "a") as file:
        for n in range(5):
            file.write(f"grey{n}.png,Grey {n},1884,landscape\nnone{n}.png,None {n},188{n},landscape\n")
    collection = collections.prepare(config_of(folder))
    reasons = {painting.title: painting.reason for painting in collection.skipped}
    assert {reasons[f"Grey {n}"] for n in range(5)} == {"no image: a single colour"}
    assert {reasons[f"None {n}"] for n in range(5)} == {"placeholder: the image of several paintings"}


def test_small_pictures_and_empty_borders_are_counted(messy):
    folder, _ = messy
    for n in range(2):
        framed = np.full((80, 80, 3), 250, np.uint8)
        framed[16:64, 16:64] = picture(48, 48)
        Image.fromarray(framed).save(folder / "images" / f"framed{n}.png")
    with open(folder / "table.csv", "a") as file:
        file.write("framed0.png,Framed,1884,landscape\nframed1.png,Framed,1885,landscape\n")
    collection = collections.prepare(config_of(folder, resolution=64))
    assert "; 11 smaller than 64 px; 2 with empty borders" in collections.summary(collection)
    assert any(note.startswith("with empty borders: framed0.png, framed1.png") for note in collection.notes)


def test_rows_that_name_one_file_again_and_again_are_not_decoded(messy):
    folder, _ = messy
    with open(folder / "table.csv", "a") as file:
        file.writelines(f"09.png,Again {n},1889,landscape\n" for n in range(50))
    reasons = [painting.reason for painting in collections.prepare(config_of(folder)).skipped]
    assert reasons.count("repeated row: more than 10 rows name this file") == 41
