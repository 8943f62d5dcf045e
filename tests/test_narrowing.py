"""Narrowing: paintings that were made unlike on purpose are left out, each with the reason it was given."""

import csv
import re

import numpy as np
import pytest
from PIL import Image

from gan_jax import default_config, reading
from gan_jax.collection import collection as collections
from gan_jax.collection.painter import paint_collection
from gan_jax.morphing.narrowing import Period, narrow
from gan_jax.stages import narrow as stage

RNG = np.random.default_rng(0)


def period(n: int) -> Period:
    images = np.zeros((n, 8, 8, 3), np.uint8)
    return Period(images, RNG.normal(size=(n, 5)), RNG.uniform(0.8, 1.4, n), ["field"] * n)


@pytest.fixture
def sets():
    early, late = period(30), period(40)
    distance = RNG.uniform(1, 2, (30, 40))
    near = RNG.permutation(40)[:30]
    distance[np.arange(30), near] = np.linspace(0.1, 0.4, 30)  # early painting i has a counterpart of its own, further and further
    return early, late, distance, near


def test_the_nearest_pairs_are_kept_and_every_other_painting_has_a_reason(sets):
    early, late, distance, near = sets
    found = narrow(early, late, distance, 10, "genre")
    plain = [i for i in range(30) if i not in found.reasons[0] or found.reasons[0][i].startswith("unlike")]
    shown = [i for i in plain if near[i] not in found.reasons[1] or found.reasons[1][near[i]].startswith("unlike")]
    assert [(pair.early, pair.late) for pair in found.pairs] == [(i, near[i]) for i in shown[:10]]
    for side, (n, said) in enumerate(zip((30, 40), found.reasons)):
        kept = {(pair.early, pair.late)[side] for pair in found.pairs}
        assert kept.isdisjoint(said) and kept | set(said) == set(range(n))
    assert sum(reason.startswith("surplus") for reason in found.reasons[1].values()) >= 8


def test_each_oddity_is_named(sets):
    early, late, distance, _ = sets
    early.kinds[:3] = ["sea"] * 3  # in one period only
    late.kinds[:9] = [""] * 9  # nothing is said of these
    early.aspects[5] = 3.0
    early.features[7] = 40.0
    late.features[11] = -40.0
    found = narrow(early, late, distance, 30, "genre")
    for i in range(3):
        assert found.reasons[0][i] == "genre: sea is the genre of 3 early and 0 late paintings; 8 of each are needed"
    assert found.reasons[0][5].startswith("shape: 3.00 times as wide as high; paintings of both periods have 0.8")
    assert found.reasons[0][7].startswith("alone: ") and found.reasons[1][11].startswith("alone: ")
    assert found.alone[0][7] > 1 and not any("genre" in reason for reason in found.reasons[1].values())


def test_two_periods_with_no_kind_in_common_have_no_pairs(sets):
    early, late, distance, _ = sets
    early.kinds[:] = ["sea"] * 30
    found = narrow(early, late, distance, 30, "genre")
    assert not found.pairs and len(found.reasons[0]) == 30 and len(found.reasons[1]) == 40


def test_its_table_makes_the_narrower_collection(tmp_path):
    rows, images = paint_collection(60, 1880.0, 1890.0, 0, 32)
    (tmp_path / "paintings").mkdir()
    for row, image in zip(rows, images):
        Image.fromarray(image).save(tmp_path / "paintings" / row["file"])
    with open(tmp_path / "paintings.csv", "w", newline="") as table:
        writer = csv.DictWriter(table, ["file", "title", "date", "genre"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row | {"genre": "landscape", "title": "=1+1, <b>" + row["title"]} for row in rows)
    config = default_config.get_config()
    config.narrowing.paintings = 12
    config.collection.update(source="folder", table=str(tmp_path / "paintings.csv"), images=str(tmp_path / "paintings"), min_paintings=8)
    whole = collections.prepare(config.collection)
    whole.save(tmp_path / "run" / "collection")
    said = stage.narrow(config, tmp_path / "run")
    config.collection.table = re.search(r"--config.collection.table=(.*)", said)[1]
    narrowed = collections.prepare(config.collection)
    assert len(narrowed.period("early")) == len(narrowed.period("late")) == 12
    assert len(narrowed.period("between")) == len(whole.period("between"))
    by_file = {painting.file: painting for painting in whole.paintings}
    for painting in narrowed.paintings:
        before = by_file[painting.file]
        assert (painting.title, painting.year, painting.period) == (before.title, before.year, before.period)
    folder = tmp_path / "run" / "narrowing"
    listed = {row["file"]: row for row in reading.read_csv(folder / "works.csv")}
    assert len(listed) == len(whole.period("early")) + len(whole.period("late"))
    trained = {painting.file for painting in narrowed.paintings if painting.period in ("early", "late")}
    assert {file for file, row in listed.items() if row["kept"] == "yes"} == trained
    assert all(bool(row["reason"]) == (row["kept"] == "no") for row in listed.values())
    assert {path.name for path in folder.iterdir()} == {"works.csv", "table.csv", "sets.png", "pairs.png", "alone.png"}
