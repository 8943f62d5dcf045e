"""What a user names is a regular file, or one line says that it is none: no pipe, device or endless file is waited for."""

import os
import signal
import stat
import subprocess

import pytest
from command import command
from tiny import tiny_config

from gan_jax import hub_safety
from gan_jax.collection import tfds
from gan_jax.collection.folder import index_folder
from gan_jax.collection.images import read_images
from gan_jax.collection.tables import read_table
from gan_jax.errors import UserError
from gan_jax.generators import open_generator
from gan_jax.models.pickles import read_networks
from gan_jax.stages import given
from gan_jax.study import Study
from gan_jax.training.checkpoints import Checkpoints

READERS = {
    "table": read_table,
    "picture": lambda path: read_images([path], 16),
    "networks": read_networks,
    "generator": open_generator,
    "saved_model.pb": lambda path: hub_safety.write_copy("module", path.parent, path.parent),
    "features.json": tfds.check_features,
    "dataset_info.json": lambda path: tfds.check_descriptions(path.parent),
}


@pytest.fixture(autouse=True)
def in_time():
    """Ends a test that waits for what never comes."""

    def end(*_):
        raise TimeoutError("waits")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", ["/dev/zero", "/dev/tty", "a pipe"])
@pytest.mark.parametrize("name", READERS)
def test_pipes_and_devices_are_one_line(tmp_path, name, kind):
    path = tmp_path / name
    os.mkfifo(path) if kind == "a pipe" else path.symlink_to(kind)
    with pytest.raises(UserError, match="not a regular file|not a file") as caught:
        READERS[name](path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in READERS if name not in ("generator", "dataset_info.json")])
def test_what_passes_for_a_regular_file_and_never_ends_is_not_waited_for(tmp_path, monkeypatch, name):
    """As the kernel's log at /proc/kmsg does: here a pipe that somebody keeps open, and writes nothing to."""
    os.mkfifo(tmp_path / name)
    writer = os.open(tmp_path / name, os.O_RDWR)
    monkeypatch.setattr(stat, "S_ISREG", lambda mode: True)
    try:
        with pytest.raises(UserError, match="can't be read|not|no header|empty"):
            READERS[name](tmp_path / name)
    finally:
        os.close(writer)


def test_links_to_files_are_followed(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "table.csv").write_text("file,title,date\na.jpg,Sower,1888\n")
    (tmp_path / "table.csv").symlink_to(tmp_path / "there" / "table.csv")
    assert len(read_table(tmp_path / "table.csv").rows) == 1


@pytest.mark.parametrize("read", [index_folder, read_table, given.listed, Checkpoints])
def test_folders_in_each_other_without_end_are_one_line(tmp_path, monkeypatch, read):
    monkeypatch.chdir(tmp_path)
    for _ in range(1200):
        os.mkdir("a")
        os.chdir("a")
    try:
        with pytest.raises(UserError, match="more than 100 folders in each other"):
            read(tmp_path)
    finally:
        os.chdir(tmp_path)
        subprocess.run(["rm", "-rf", "a"], check=True)  # Python's own way ends with an error


def test_a_config_says_what_it_is_not(tmp_path):
    for path, said in (("/dev/zero", "not a regular file"), (tmp_path, "not a regular file"), (tmp_path / "config.py", "no such file")):
        done = command("prepare", f"--workdir={tmp_path / 'study'}", f"--config={path}")
        assert done.returncode == 2 and done.stderr.startswith(f"gan_jax: --config={path}: {said};")


def test_variables_and_descriptions_of_endless_size_are_not_opened(tmp_path):
    from tensorflow.core.protobuf import saved_model_pb2

    (tmp_path / "saved_model.pb").write_bytes(saved_model_pb2.SavedModel(saved_model_schema_version=1).SerializeToString())
    (tmp_path / "variables").mkdir()
    os.mkfifo(tmp_path / "variables" / "variables.index")
    with pytest.raises(UserError, match=r"variables\.index: not a regular file"):
        hub_safety.write_copy("module", tmp_path, tmp_path)
    os.truncate(tmp_path / "saved_model.pb", 2**40)
    with pytest.raises(UserError, match="module: no saved model .*more than 512 MiB"):
        hub_safety.write_copy("module", tmp_path, tmp_path)
    (tmp_path / "features.json").touch()
    os.truncate(tmp_path / "features.json", 2**40)
    with pytest.raises(UserError, match="features.json: has 1,099,511,627,776 bytes, at most 33,554,432 are read"):
        tfds.check_descriptions(tmp_path)


def test_a_record_that_somebody_blew_up_is_not_read_as_a_whole(tmp_path, capsys):
    (tmp_path / "config.json").write_bytes(b'{"config": {}')
    os.truncate(tmp_path / "config.json", 2**40)
    assert Study(tiny_config(), tmp_path, writes=False).seen == 0
    assert "config.json: damaged (cut short)" in capsys.readouterr().err
