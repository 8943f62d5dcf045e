import os
import sys

import pytest

from gan_jax import huge_pages


@pytest.mark.parametrize(
    "setting, environment, asks",
    [
        ("always [madvise] never\n", {}, True),
        ("[always] madvise never\n", {}, False),  # all memory has them
        ("always madvise [never]\n", {}, False),  # none can
        ("always [madvise] never\n", {"GLIBC_TUNABLES": ""}, False),
        ("always [madvise] never\n", {"GLIBC_TUNABLES": huge_pages.TUNABLE}, False),  # begun anew before
    ],
)
def test_the_program_begins_anew_only_where_that_changes_something(setting, environment, asks, tmp_path, monkeypatch):
    begun = []
    (tmp_path / "enabled").write_text(setting)
    monkeypatch.setattr(huge_pages, "SETTING", tmp_path / "enabled")
    monkeypatch.setattr(os, "environ", {"HOME": "/home", **environment})
    monkeypatch.setattr(os, "execve", lambda *arguments: begun.append(arguments))
    huge_pages.use_huge_pages()
    if asks:
        ((program, arguments, given),) = begun
        assert program == arguments[0] == sys.executable and arguments[1:] == sys.orig_argv[1:]
        assert given == {"HOME": "/home", "GLIBC_TUNABLES": huge_pages.TUNABLE}
    else:
        assert not begun


def test_systems_without_the_setting_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(huge_pages, "SETTING", tmp_path / "nothing")
    monkeypatch.setattr(os, "execve", lambda *_: pytest.fail("begun anew"))
    huge_pages.use_huge_pages()
