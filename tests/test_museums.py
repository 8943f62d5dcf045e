"""Catalogues as museums publish them, rebuilt small with their quirks: read without a word of help."""

import csv
import io
import json

import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from gan_jax import default_config
from gan_jax.collection import collection as collections

# Of each painting the file, how the table writes its date, and the years that this allows (from, to before).
TATE = [
    ("A00001_8.jpg", "c.1823–4", 1818, 1830), ("A00002_8.jpg", "1825, reprinted 1874", 1825, 1826),
    ("A00003_8.jpg", "exhibited 1833", 1833, 1834),
    ("A00004_8.jpg", "?1827–9", 1822, 1835), ("A00005_8.jpg", "published 1859–61", 1859, 1862),
    ("A00006_8.jpg", "1828 (or 1836", 1828, 1837),
    ("A00007_8.jpg", "c.1909–10, cast 1955–6", 1904, 1916), ("A00008_8.jpg", "after c.1830", 1826, 1846),
]  # fmt: skip
MET = [
    ("DT1001.jpg", "ca. 1887", "1884", "1890", 1884, 1891), ("DT1002.jpg", "1889", "1889", "1889", 1889, 1890),
    ("DT1003.jpg", "19th century", "1858", "1888", 1858, 1889), ("DT1004.jpg", "1877 (?)", "1877", "1877", 1877, 1878),
    ("DT1005.jpg", "", "1880", "1885", 1880, 1886), ("DT1006.jpg", "winter 1885", "1885", "1885", 1885, 1886),
    ("DT1007.jpg", "Meiji period (1868–1912)", "1868", "1912", 1868, 1913), ("DT1008.jpg", "1886, cast 1920", "1886", "1886", 1886, 1887),
]  # fmt: skip
COPENHAGEN = [
    ("KMS1.jpg", "1880-1882", 1880, 1883), ("KMS2.jpg", "1885", 1885, 1886), ("KMS3.jpg", "omkring 1888", 1883, 1894),
    ("KMS4.jpg", "før 1890", 1880, 1890), ("KMS5.jpg", "maj 1886", 1886 + 4 / 12, 1886 + 5 / 12), ("KMS6.jpg", "1880'erne", 1880, 1890),
    ("KMS7.jpg", "sommeren 1887", 1887 + 5 / 12, 1887 + 8 / 12),
    ("KMS9.jpg", "måske i Skagen", None, None), ("KMS8.jpg", "uden år", None, None),
]  # fmt: skip


def table(rows: list[dict[str, str]], **dialect: str) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def painted(folder, names) -> None:
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for name in names:
        Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((64, 48)).save(folder / name)


def prepared(folder, path, early: str, late: str) -> collections.Collection:
    config: ConfigDict = default_config.get_config().collection
    config.update(source="folder", table=str(path), images=str(folder), resolution=16, min_paintings=1, uncertain="keep")
    config.periods.update(early=early, late=late)
    return collections.prepare(config)


def expect(collection: collections.Collection, years: dict[str, tuple[float, float]]) -> None:
    found = {one.file: (one.year - one.uncertainty, one.year + one.uncertainty) for one in collection.paintings}
    assert found.keys() == years.keys()
    for file, span in years.items():
        assert found[file] == pytest.approx(span, abs=1e-6), file


def test_tate(tmp_path):
    """Latin-1, addresses of thumbnails, an acquisition year, a year of its own beside the text of the date."""
    rows = [
        {"id": str(1000 + n), "accession_number": file[:6], "artist": "Turner, Joseph Mallord William", "artistId": "558",
         "title": f"Étude {n}: a river, with trees", "dateText": text, "medium": "Graphite on paper", "year": str(int(first) + 5),
         "acquisitionYear": "1856", "dimensions": "support: 160 x 110 mm", "width": "160", "height": "110", "units": "mm",
         "thumbnailUrl": f"http://www.example.org/art/images/work/A/A00/{file}", "url": f"http://www.example.org/art/artworks/{n}"}
        for n, (file, text, first, _) in enumerate(TATE)
    ]  # fmt: skip
    painted(tmp_path / "pictures", [file for file, *_ in TATE])
    (tmp_path / "artwork_data.csv").write_bytes(table(rows).encode("cp1252"))
    collection = prepared(tmp_path / "pictures", tmp_path / "artwork_data.csv", "..1830", "1831..")
    expect(collection, {file: (first, last) for file, _, first, last in TATE})
    assert "columns: file 'thumbnailUrl', title 'title', date 'dateText'" in collection.notes
    assert any("cp1252, which is guessed" in note for note in collection.notes)
    assert collection.paintings[0].title.startswith("Étude")


def test_the_metropolitan_museum(tmp_path):
    """UTF-8 with a mark, names with spaces, begin and end of objects and of artists, a record's stamp, files with another ending."""
    rows = [
        {"Object Number": f"49.30.{n}", "Is Public Domain": "True", "Object ID": str(436000 + n), "AccessionYear": "1949",
         "Object Name": "Painting", "Title": f"Work, {n}", "Artist Begin Date": "1853", "Artist End Date": "1890", "Object Date": text,
         "Object Begin Date": begin, "Object End Date": end, "Medium": "Oil on canvas", "Metadata Date": "2023-01-05T04:30:00Z",
         "primaryImage": f"https://images.example.org/CRDImages/ep/original/{file}"}
        for n, (file, text, begin, end, _, _) in enumerate(MET)
    ]  # fmt: skip
    painted(tmp_path / "pictures", [file.replace("jpg", "png") for file, *_ in MET])
    (tmp_path / "MetObjects.csv").write_text(table(rows), encoding="utf-8-sig")
    collection = prepared(tmp_path / "pictures", tmp_path / "MetObjects.csv", "..1885", "1886..")
    expect(collection, {file.replace("jpg", "png"): span for file, *_, first, last in MET for span in [(first, last)]})
    assert (
        "columns: file 'primaryImage', title 'Title', date 'Object Date', from 'Object Begin Date' to 'Object End Date'" in collection.notes
    )


def test_a_danish_museum_in_json(tmp_path):
    """Nested records in an object, Danish dates in one list each, and paintings whose dates are not understood: those are listed."""
    items = [
        {"id": n, "titles": [{"title": f"Æbletræ {n}", "language": "dansk"}], "created": "2020-04-03T10:00:00Z",
         "modified": "2023-11-01T10:00:00Z", "production_date": [{"period": text}], "image_native": f"https://x.example.org/iip/{file}?w=2000"}
        for n, (file, text, _, _) in enumerate(COPENHAGEN)
    ]  # fmt: skip
    painted(tmp_path / "pictures", [file for file, *_ in COPENHAGEN])
    (tmp_path / "smk.json").write_text(json.dumps({"offset": 0, "found": len(items), "items": items}, ensure_ascii=False), encoding="utf-8")
    collection = prepared(tmp_path / "pictures", tmp_path / "smk.json", "..1885", "1886..")
    expect(collection, {file: (first, last) for file, _, first, last in COPENHAGEN if first is not None})
    assert "columns: file 'image_native', title 'titles.title', date 'production_date.period'" in collection.notes
    assert {one.file for one in collection.skipped} == {file for file, _, first, _ in COPENHAGEN if first is None}
