"""Images of a TFDS dataset that lies prepared on this machine, read one by one from where they are.

Nothing is downloaded, and nothing of the dataset's is run: its code isn't needed to read it. TFDS reads without TensorFlow.
"""

import os
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gan_jax.collection.images import ImageError, load_images
from gan_jax.errors import UserError
from gan_jax.reading import check_size, open_named, parse_json

NAME = re.compile(r"(?P<name>\w+(/[\w.+-]+)?)(:(?P<version>\d+\.\d+\.\d+))?")
VERSION = re.compile(r"\d+\.\d+\.\d+")
DESCRIPTION = "dataset_info.json"  # in the folder of each version of a dataset
MOST_DESCRIBED = 2**25  # bytes of a description
OWN_FEATURES = "tensorflow_datasets."  # a class of any other module would be imported
CLASS_KEYS = ("pythonClassName", "python_class_name", "type")  # the last as older versions wrote it


class Pictures:
    """The images of one split, decoded and fitted when they are asked for: uint8 [n, r, r, 3], of which rows are read."""

    def __init__(self, config: Any):
        """Opens what `config` (the section `collection`) names. Raises UserError where it is not there or has no images."""
        folder = find(config.tfds, config.tfds_folder)
        check_descriptions(folder)
        check_features(folder / "features.json")
        import tensorflow_datasets as tfds
        from tensorflow_datasets.proto import tf_example_pb2

        wanted, split = config.tfds_image, config.tfds_split
        try:
            builder = tfds.builder_from_directory(folder)
            features = builder.info.features
            pictures = [
                name for name, feature in features.items() if isinstance(feature, tfds.features.Image) and feature.np_dtype == np.uint8
            ]
            if wanted not in pictures and (wanted or len(pictures) != 1):
                there = f"there is {', '.join(pictures)}" if pictures else "none of its features is an image"
                raise UserError(f"config.collection.tfds_image={wanted!r}: {folder}: {there}")
            self._feature = wanted or pictures[0]
            if split not in builder.info.splits:
                raise UserError(f"config.collection.tfds_split={split!r}: {folder}: there is {', '.join(builder.info.splits)}")
            check_files(folder, builder.info.splits[split].filepaths)
            # As they stand in the records: TFDS would decode every feature, whatever is asked of it, and without our limits.
            self._source = builder.as_data_source(split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES)
            self._parse = tf_example_pb2.Example.FromString
            self.name = f"{builder.info.full_name}, {split}"
            self.shape: tuple[int, ...] = (len(self._source), config.resolution, config.resolution, 3)
        except UserError:
            raise
        except NotImplementedError:
            advice = how_to_get(builder.name, "FOLDER")
            raise UserError(f"{folder}: prepared in a format that can't be read from any place; in another folder, {advice}") from None
        except Exception as error:  # whatever a reader of damaged files may raise
            raise UserError(f"{folder}: not a dataset that TFDS can read ({one_line(error)})") from None
        self._folder, self._fit, self._max_pixels = folder, config.fit, config.max_pixels

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Returns uint8 [m, r, r, 3]: rows [m]. Raises UserError for an image that is none, by its number."""
        try:
            records = self._source.__getitems__(np.asarray(rows).tolist())
            found = [self._parse(record).features.feature[self._feature].bytes_list.value[0] for record in records]
        except Exception as error:
            raise UserError(f"{self._folder}: its records can't be read ({one_line(error)})") from None
        images = np.empty((len(found), *self.shape[1:]), np.uint8)
        for i, picture in enumerate(load_images(found, self.shape[1], self._fit, self._max_pixels)):
            if isinstance(picture, ImageError):
                raise UserError(f"config.collection.tfds: image {rows[i]} of {self.name}: {picture}")
            images[i] = picture.image
        return images


def one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def check_files(folder: pathlib.Path, files: Sequence[os.PathLike]) -> None:
    """Raises UserError where a description leads to other files than those in its folder."""
    for path in map(pathlib.Path, files):
        if path.resolve().parent != folder.resolve() or not path.is_file():
            raise UserError(f"{folder}: {path.name[:100]} is not a file in there")


def check_descriptions(folder: pathlib.Path) -> None:
    """Raises UserError for a description in a dataset's folder that TFDS would wait for or never have read."""
    for path in sorted((*folder.glob("*.json"), *folder.glob("*.txt"))):
        try:
            with open_named(path) as file:
                check_size(file, path, MOST_DESCRIBED)
        except OSError as error:
            raise UserError(f"{path}: can't be read ({error.strerror})") from None


def find(dataset: str, root: str) -> pathlib.Path:
    """Returns the folder of a dataset's version, the newest where none is named. Raises UserError, and says how to get one."""
    if not dataset:
        raise UserError("config.collection.tfds: name a dataset")
    by_path = pathlib.Path(dataset).expanduser()
    if (by_path / DESCRIPTION).is_file():
        return by_path
    where = pathlib.Path(root or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    named = NAME.fullmatch(dataset)
    if not named:
        raise UserError(f"config.collection.tfds={dataset!r}: neither the name of a dataset (celeb_a, food101:2.0.0) nor the folder of one")
    folder = where / named["name"]
    versions = sorted(_versions(folder), key=lambda version: tuple(map(int, version.split("."))))
    if named["version"]:
        versions = [version for version in versions if version == named["version"]]
    if not versions:
        configs = sorted(f"{folder.name}/{each.name}" for each in folder.glob("*") if any(_versions(each)))
        if configs:
            raise UserError(f"config.collection.tfds={dataset!r}: has to say which: {', '.join(configs)}")
        raise UserError(f"config.collection.tfds={dataset!r}: not prepared in {where}; {how_to_get(dataset, str(where))}")
    return folder / versions[-1]


def how_to_get(dataset: str, folder: str) -> str:
    """Returns what makes it. (TFDS's own command wants Apache Beam, whatever it is asked for.)"""
    make = f"tfds.builder({dataset!r}, data_dir={folder!r}, file_format='array_record').download_and_prepare()"
    return f'this makes it: python -c "import tensorflow_datasets as tfds; {make}"'


def _versions(folder: pathlib.Path) -> Iterator[str]:
    return (each.parent.name for each in folder.glob(f"*/{DESCRIPTION}") if VERSION.fullmatch(each.parent.name))


def check_features(path: pathlib.Path) -> None:
    """Raises UserError for a description that would have other classes imported than those of TFDS."""
    try:
        with open_named(path) as file:
            written = (file.read(MOST_DESCRIBED) or b"").decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not the features of a dataset ({error})") from None
    unread = [parse_json(written, path)]
    while unread:
        value = unread.pop()
        if isinstance(value, dict):
            for key in CLASS_KEYS:
                if isinstance(name := value.get(key), str) and not name.startswith(OWN_FEATURES):
                    raise UserError(f"{path}: has a feature of {name[:100]}, which is not TFDS's own")
            unread += value.values()
        elif isinstance(value, list):
            unread += value
