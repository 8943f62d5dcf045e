"""One process at a time in a workdir: a second one would write over what the first one makes.

The file `.in_use` says who is at work. The system's lock on it ends with the process that holds it, however that ends. Not every file
system has locks (Google Drive), or has them between hosts (some NFS). So who holds it also touches the file every few seconds, which
another host can watch.
"""

import contextlib
import errno
import fcntl
import json
import os
import pathlib
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from gan_jax.errors import UserError

FILE = ".in_use"
BEAT = 10.0  # seconds from one touch to the next
BEATS = 4  # without a touch, after which a process on another host is taken for gone
MOST = 4096  # bytes that are read of it
NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR}  # what is to be done there says so itself
WITHOUT_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}


@contextlib.contextmanager
def workdir_in_use(workdir: pathlib.Path, verb: str) -> Iterator[None]:
    """Holds a folder for this process and what it does there.

    Raises UserError that names who holds it already. What a process that is gone has left is taken over. Nothing is held where nothing can
    be written. A folder that is made here, and in which nothing is made, is gone afterwards.
    """
    path, was_there = workdir / FILE, workdir.exists()
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in NOT_WRITABLE:
            raise
        yield
        return
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise UserError(f"{path}: not a regular file; remove it")
        _take(file, workdir)
        me = {"host": socket.gethostname(), "process": os.getpid(), "began": _began(os.getpid())}
        _write(file, me | {"verb": verb, "since": time.strftime("%Y-%m-%d %H:%M:%S")})
        over = threading.Event()
        touching = threading.Thread(target=_keep_touching, args=(file, over), daemon=True)
        touching.start()
        try:
            yield
        finally:
            over.set()
            touching.join()  # before the number of the file may be another's
            _write(file, None)
            with contextlib.suppress(OSError):  # somebody else may be making something there, or have removed it
                if not was_there and os.listdir(workdir) == [FILE]:
                    path.unlink()
                    workdir.rmdir()
    finally:
        os.close(file)


def _take(file: int, workdir: pathlib.Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        locked = True
    except BlockingIOError:
        raise _busy(workdir, _holder(file)) from None
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        locked = False
    holder = _holder(file)
    if holder is None:
        return
    # With the lock in hand, another process on this host can't have it.
    here = holder.get("host") == socket.gethostname()
    if (not locked and _runs(holder)) if here else _touches(file, holder):
        raise _busy(workdir, holder)


def _busy(workdir: pathlib.Path, holder: dict[str, Any] | None) -> UserError:
    if holder is None:
        return UserError(f"{workdir}: another process is at work there; one at a time, or another --workdir")
    who = f"process {holder.get('process')} on {holder.get('host')}"
    return UserError(f"{workdir}: `{holder.get('verb')}` is at work there since {holder.get('since')} ({who}); one at a time")


def _holder(file: int) -> dict[str, Any] | None:
    """Returns what the file says; None where it names no process of any host, as an empty or a damaged one does."""
    try:
        said = json.loads(os.pread(file, MOST, 0))
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not all(isinstance(value, int | str | None) for value in said.values()):
        return None
    host, process = said.get("host"), said.get("process")
    if not isinstance(host, str) or not isinstance(process, int) or process <= 0:
        return None
    # Only short words of one line are shown.
    return {name: " ".join(value.split())[:80] if isinstance(value, str) else value for name, value in said.items()}


def _write(file: int, said: dict[str, Any] | None) -> None:
    with contextlib.suppress(OSError):  # of a full disk the work itself will tell
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(said).encode() if said else b"", 0)


def _runs(holder: dict[str, Any]) -> bool:
    """Returns whether the process is there, on this host, and is not another one by the same number."""
    process = holder["process"]
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return _began(process) == holder.get("began")


def _began(process: int) -> str | None:
    """When a process began, in ticks since the system did, where the system tells."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def _touches(file: int, holder: dict[str, Any]) -> bool:
    """Returns whether a process on another host goes on touching the file. Clocks of hosts differ, so only a change tells."""
    before = os.fstat(file).st_mtime_ns
    seconds = BEAT * BEATS
    print(f"gan_jax: {holder.get('host')} was at work here; {seconds:.0f} seconds tell whether it still is", file=sys.stderr)
    for _ in range(BEATS):
        time.sleep(BEAT)
        if os.fstat(file).st_mtime_ns != before:
            return True
    return False


def _keep_touching(file: int, over: threading.Event) -> None:
    while not over.wait(BEAT):
        with contextlib.suppress(OSError):
            os.utime(file)
