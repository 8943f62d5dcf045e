"""A dataset that TFDS has prepared is learnt from where it lies; nothing of it is run, nothing downloaded."""

import io
import json
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image
from test_study import ROOT
from tiny import tiny_config

from gan_jax.collection.images import load_image
from gan_jax.collection.tfds import Pictures
from gan_jax.errors import UserError
from gan_jax.study import Study
from gan_jax.training.stream import Blocks, Stream

COUNT = 40
DAMAGED = 33  # of the split "damaged"


def picture(i: int) -> bytes:
    """A PNG of 30 x (20 + i) pixels."""
    pixels = np.random.default_rng(i).integers(0, 256, (20 + i, 30, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The folder of datasets: `faces` with two splits, `ages` without pictures, and `slow` in records that are read one after the other."""
    folder = tmp_path_factory.mktemp("datasets")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's and TFDS's own
        import tensorflow_datasets as tfds

        class Faces(tfds.core.GeneratorBasedBuilder):
            VERSION = tfds.core.Version("1.2.0")

            def _info(self):
                features = {"face": tfds.features.Image(shape=(None, None, 3)), "age": tfds.features.Scalar(np.int64)}
                return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

            def _split_generators(self, _):
                return {"train": self._generate_examples(None), "damaged": self._generate_examples(DAMAGED)}

            def _generate_examples(self, damaged):
                for i in range(COUNT):
                    yield i, {"face": io.BytesIO(b"no picture" if i == damaged else picture(i)), "age": i}

        class Ages(Faces):
            def _info(self):
                features = tfds.features.FeaturesDict({"age": tfds.features.Scalar(np.int64)})
                return tfds.core.DatasetInfo(builder=self, features=features)

            def _generate_examples(self, _):
                yield 0, {"age": 0}

        class Slow(Faces):
            pass

        for builder, kind in ((Faces, "array_record"), (Ages, "array_record"), (Slow, "tfrecord")):
            builder(data_dir=folder, file_format=kind).download_and_prepare()
    return folder


def section(prepared, **changes):
    config = tiny_config().collection
    config.update({"source": "tfds", "tfds": "faces", "tfds_folder": str(prepared), **changes})
    return config


def ages(pictures: Pictures) -> np.ndarray:
    """TFDS shuffles what it prepares: which example each row is."""
    whole = pictures[np.arange(COUNT)]
    made = [load_image(picture(i), 16, "crop", 10**6).image for i in range(COUNT)]
    return np.array([next(i for i in range(COUNT) if (made[i] == image).all()) for image in whole])


def test_pictures_are_those_of_the_dataset(prepared):
    pictures = Pictures(section(prepared))
    assert pictures.shape == (COUNT, 16, 16, 3) and pictures.name == "faces/1.2.0, train"
    rows = ages(pictures)
    assert sorted(rows) == list(range(COUNT))
    chosen = np.array([5, 39, 0, 5])
    for row, image in zip(chosen, pictures[chosen]):
        np.testing.assert_array_equal(image, load_image(picture(rows[row]), 16, "crop", 10**6).image)
    by_folder = Pictures(section(prepared, tfds=str(prepared / "faces" / "1.2.0"), tfds_folder=""))
    np.testing.assert_array_equal(by_folder[chosen], pictures[chosen])


def test_they_stream_like_any_others(prepared):
    pictures = Pictures(section(prepared))
    blocks = Blocks.of(pictures.shape[:2], 8, 2 * 12 * 3 * 8**2, 3)
    assert blocks.span
    labels = np.zeros((COUNT, 0), np.float32)
    for begin in (0, 100):
        there, here = (Stream(images, labels, 8, blocks, begin, lambda data: data) for images in (pictures, pictures[np.arange(COUNT)]))
        np.testing.assert_array_equal(there(begin).images, here(begin).images)
        np.testing.assert_array_equal(there(begin + 60).images, here(begin + 60).images)


def test_a_study_of_them_goes_as_far_as_there_is_no_need_of_dates(prepared, tmp_path):
    config = tiny_config()
    config.model.year, config.training.paintings = False, 0.0
    config.collection = section(prepared)
    config.training.update(resident_gib=2 * 12 * 3 * 16**2 / 2**30, total_kimg=0.064)
    study = Study(config, tmp_path / "study")
    said = dict(study.run_all())
    assert list(said) == ["prepare", "train", "sample"] and all(study.standing().values())
    assert said["prepare"] == "40 images of faces/1.2.0, train, without dates"
    assert json.loads((tmp_path / "study" / "collection" / "undated.json").read_text())["pictures"] == COUNT
    with pytest.raises(UserError, match="images without dates, which `invert` needs; with --generator="):
        study.run("invert")
    with pytest.raises(UserError, match="images without dates, which `evaluate` needs$"):
        study.run("evaluate")
    config.collection.tfds_split = "damaged"
    with pytest.raises(UserError, match="begun with another config: config.collection.tfds_split is 'train' there"):
        Study(config, tmp_path / "study")


def test_networks_with_labels_want_periods(prepared, tmp_path):
    config = tiny_config()
    config.collection = section(prepared)
    config.model.update(conditional=True, year=False)
    study = Study(config, tmp_path / "study")
    study.run("prepare")
    with pytest.raises(UserError, match="neither periods nor years; try --config.model.year=False"):
        study.run("train")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"tfds": ""}, "config.collection.tfds: name a dataset"),
        (
            {"tfds": "celeb_a"},
            r"not prepared in .*; this makes it: python -c .*tfds.builder\('celeb_a', data_dir='.*', file_format='array_record'\)",
        ),
        ({"tfds": "faces:1.1.0"}, "not prepared in"),
        ({"tfds": "../faces"}, "neither the name of a dataset"),
        ({"tfds": "kaggle:faces"}, "neither the name of a dataset"),
        ({"tfds_split": "test"}, "config.collection.tfds_split='test': .*there is train, damaged"),
        ({"tfds_image": "age"}, "config.collection.tfds_image='age': .*there is face"),
        ({"tfds": "slow"}, "prepared in a format that can't be read from any place; in another folder, this makes it"),
        ({"tfds_image": "nothing"}, "there is face"),
        ({"tfds": "ages"}, "none of its features is an image"),
    ],
)
def test_what_is_not_there_is_named(prepared, changes, message):
    with pytest.raises(UserError, match=message):
        Pictures(section(prepared, **changes))


def test_a_dataset_with_configs_has_to_be_named_with_one(prepared, tmp_path):
    shutil.copytree(prepared / "faces" / "1.2.0", tmp_path / "faces" / "small" / "1.2.0")
    with pytest.raises(UserError, match="has to say which: faces/small"):
        Pictures(section(tmp_path))
    assert Pictures(section(tmp_path, tfds="faces/small:1.2.0")).shape[0] == COUNT


def test_of_several_versions_the_newest_is_read(prepared, tmp_path):
    for version in ("1.2.0", "1.10.0"):
        shutil.copytree(prepared / "faces" / "1.2.0", tmp_path / "faces" / version)
    about = tmp_path / "faces" / "1.10.0" / "dataset_info.json"
    about.write_text(about.read_text().replace('"1.2.0"', '"1.10.0"'))
    assert Pictures(section(tmp_path)).name == "faces/1.10.0, train"


def test_a_damaged_picture_is_named(prepared):
    pictures = Pictures(section(prepared, tfds_split="damaged"))
    with pytest.raises(UserError, match=r"config.collection.tfds: image \d+ of faces/1.2.0, damaged: not an image of a kind that is read"):
        pictures[np.arange(COUNT)]


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": [{"pythonClassName": "evil.Feature"}]}', '{"type": "evil.Feature"}'])
def test_a_hostile_description_runs_nothing(prepared, tmp_path, monkeypatch, text):
    shutil.copytree(prepared / "faces", tmp_path / "faces")
    (tmp_path / "faces" / "1.2.0" / "features.json").write_text(text)
    (tmp_path / "evil.py").write_text("raise SystemExit('was run')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="features.json"):
        Pictures(section(tmp_path))


def test_damaged_datasets_are_one_line(prepared, tmp_path):
    shutil.copytree(prepared / "faces", tmp_path / "faces")
    opened = Pictures(section(tmp_path))
    about, shard = tmp_path / "faces" / "1.2.0" / "dataset_info.json", next((tmp_path / "faces" / "1.2.0").glob("faces-train*"))
    whole, text = shard.read_bytes(), about.read_text()
    shard.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(UserError, match="its records can't be read|not a dataset that TFDS can read"):
        Pictures(section(tmp_path))[np.arange(COUNT)]
    shard.unlink()
    with pytest.raises(UserError, match="faces-train.* is not a file in there"):
        Pictures(section(tmp_path))
    shard.write_bytes(whole)
    assert Pictures(section(tmp_path)).shape == opened.shape
    about.write_text(text[: len(text) // 2])
    with pytest.raises(UserError, match="not a dataset that TFDS can read"):
        Pictures(section(tmp_path))


def test_a_description_leads_nowhere_else(prepared, tmp_path):
    shutil.copytree(prepared / "faces", tmp_path / "faces")
    about = tmp_path / "faces" / "1.2.0" / "dataset_info.json"
    text = about.read_text()
    assert "{DATASET}-{SPLIT}" in text
    about.write_text(text.replace("{DATASET}-{SPLIT}", "../{DATASET}-{SPLIT}"))
    shard = next((tmp_path / "faces" / "1.2.0").glob("faces-train*"))
    shard.rename(shard.parents[1] / shard.name)
    with pytest.raises(UserError, match="is not a file in there|not a dataset"):
        Pictures(section(tmp_path))


def test_they_are_read_without_tensorflow(prepared):
    read = (
        "import sys, numpy; from ml_collections import ConfigDict; from gan_jax.collection.tfds import Pictures\n"
        f"config = ConfigDict(dict(tfds='faces', tfds_folder={str(prepared)!r}, tfds_split='train', tfds_image='', fit='crop',"
        "resolution=16, max_pixels=10**6))\n"
        "assert Pictures(config)[numpy.arange(3)].shape == (3, 16, 16, 3) and 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", read], cwd=ROOT, check=True, timeout=600)
