"""One process at a time in a workdir: who comes second is told who is there, and what a process that is gone left is taken over."""

import errno
import fcntl
import json
import os
import socket
import subprocess
import sys

import pytest

from gan_jax import in_use
from gan_jax.errors import UserError
from gan_jax.in_use import workdir_in_use

GONE = 2**22 + 1  # above the largest number that Linux gives a process


def left_by(workdir, **who):
    """What a process leaves that is killed."""
    me = {"host": socket.gethostname(), "process": os.getpid(), "began": in_use._began(os.getpid())}
    (workdir / in_use.FILE).write_text(json.dumps(me | {"verb": "train", "since": "2026-01-02 03:04:05"} | who))


@pytest.fixture
def no_locks(monkeypatch):
    """A file system without locks."""

    def refuse(file, operation):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.fixture
def clock(monkeypatch):
    """Sleeps that end at once; what is appended happens in them, one after the other."""
    happens = []
    monkeypatch.setattr(in_use.time, "sleep", lambda seconds: happens.pop(0)() if happens else None)
    return happens


def test_the_second_is_told_who_is_there(tmp_path):
    workdir = tmp_path / "new" / "study"
    with workdir_in_use(workdir, "train"):
        who = rf"`train` is at work there since 20\d\d-.*\(process {os.getpid()} on {socket.gethostname()}\)"
        with pytest.raises(UserError, match=who), workdir_in_use(workdir, "report"):
            pass
        with pytest.raises(UserError, match=who), workdir_in_use(workdir, "report"):
            pass
        (workdir / "config.json").touch()
    with workdir_in_use(workdir, "report"):
        pass
    assert (workdir / in_use.FILE).read_bytes() == b""


def test_a_folder_in_which_nothing_is_made_is_gone_and_one_that_was_there_is_not(tmp_path):
    for workdir in (tmp_path / "new", tmp_path):
        with workdir_in_use(workdir, "study"):
            assert workdir.is_dir()
        assert workdir.exists() == (workdir == tmp_path)


def test_the_command_line_says_it_in_a_line(tmp_path):
    with workdir_in_use(tmp_path, "train"):
        words = [sys.executable, "-m", "gan_jax", "sample", f"--workdir={tmp_path}"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"gan_jax: {tmp_path}: `train` is at work there") and done.stderr.count("\n") == 1


def test_an_error_lets_it_go(tmp_path):
    with pytest.raises(ZeroDivisionError), workdir_in_use(tmp_path, "train"):
        raise ZeroDivisionError
    with workdir_in_use(tmp_path, "train"):
        pass


def test_what_a_killed_process_left_is_taken_over(tmp_path):
    words = "import os, pathlib; from gan_jax.in_use import workdir_in_use"
    kill = f"{words}\nwith workdir_in_use(pathlib.Path({str(tmp_path)!r}), 'train'): os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", kill], check=False).returncode == -9
    assert json.loads((tmp_path / in_use.FILE).read_text())["verb"] == "train"
    with workdir_in_use(tmp_path, "train"):
        pass


@pytest.mark.parametrize("said", [b"", b"\0" * 80, b'{"host"', b"[" * 4000, b"[1]", b'{"host": {}}', b"\xff", b'{"process": -1}'])
def test_a_damaged_file_is_nobodys(tmp_path, said, no_locks, monkeypatch):
    monkeypatch.delattr(in_use, "_touches")  # nobody is waited for
    (tmp_path / in_use.FILE).write_bytes(said)
    with workdir_in_use(tmp_path, "train"):
        pass


@pytest.mark.parametrize("who, there", [({}, True), ({"began": "1"}, False), ({"process": GONE}, False), ({"process": 10**30}, False)])
def test_without_locks_a_process_of_this_host_is_looked_for(tmp_path, no_locks, who, there):
    left_by(tmp_path, **who)
    if there:
        with pytest.raises(UserError, match="`train` is at work there since 2026-01-02 03:04:05"), workdir_in_use(tmp_path, "train"):
            pass
    else:
        with workdir_in_use(tmp_path, "train"):
            pass


@pytest.mark.parametrize("locks", [True, False])
def test_a_process_of_another_host_is_watched(tmp_path, clock, locks, request, capsys):
    if not locks:
        request.getfixturevalue("no_locks")
    left_by(tmp_path, host="elsewhere", process=GONE)
    clock += [lambda: None, lambda: os.utime(tmp_path / in_use.FILE, (1, 1))]  # whatever its clock says
    with pytest.raises(UserError, match=f"process {GONE} on elsewhere"), workdir_in_use(tmp_path, "train"):
        pass
    assert "elsewhere was at work here; 40 seconds tell" in capsys.readouterr().err
    with workdir_in_use(tmp_path, "train"):  # it touches nothing any more
        assert json.loads((tmp_path / in_use.FILE).read_text())["host"] == socket.gethostname()


def test_who_holds_it_touches_it(tmp_path, monkeypatch):
    monkeypatch.setattr(in_use, "BEAT", 0.001)
    path = tmp_path / in_use.FILE
    with workdir_in_use(tmp_path, "train"):
        os.utime(path, (1, 1))
        while path.stat().st_mtime == 1:
            pass


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "other").write_text("precious")
    (tmp_path / in_use.FILE).symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic links"), workdir_in_use(tmp_path, "train"):
        pass
    assert (tmp_path / "other").read_text() == "precious"


def test_where_nothing_can_be_written_nothing_is_held(tmp_path):
    (tmp_path / "file").write_text("")
    for workdir in (tmp_path / "file", tmp_path / "file" / "below"):
        with workdir_in_use(workdir, "report"):
            pass


def test_a_pipe_in_its_place_is_named(tmp_path):
    os.mkfifo(tmp_path / in_use.FILE)
    with pytest.raises(UserError, match="in_use: not a regular file; remove it"), workdir_in_use(tmp_path, "train"):
        pass
