"""Memory in large pages on Linux, for everything that computes on processors."""

import os
import pathlib
import sys
from collections.abc import Mapping

SETTING = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled")
TUNABLE = "glibc.malloc.hugetlb=1"  # since glibc 2.35; older ones, and other libraries, pass it over


def use_huge_pages() -> None:
    """Begins the program anew, asking for huge pages, where the system gives them only to those who ask.

    A training step on a CPU writes hundreds of MB of new memory, which the kernel hands out 4 kB at a time: with pages of 2 MB it is 5
    to 15 % faster. The allocator asks for them by an environment variable that is read before Python begins.
    """
    try:
        setting = SETTING.read_text()
    except OSError:
        return
    if wanted(setting, os.environ):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "GLIBC_TUNABLES": TUNABLE})


def wanted(setting: str, environment: Mapping[str, str]) -> bool:
    """Returns whether asking changes anything. Who has set GLIBC_TUNABLES, to whatever, has decided."""
    return "[madvise]" in setting and "GLIBC_TUNABLES" not in environment
