"""The command line in the process of the tests: a start of JAX less for each."""

import contextlib
import io
import os
import pathlib
import subprocess
import warnings

from absl import flags

from gan_jax import __main__ as program

ROOT = pathlib.Path(__file__).parents[1]


def command(*words: str) -> subprocess.CompletedProcess:
    """What `gan-jax` with these words, called in the project's folder, would end with."""
    out, err, code, here = io.StringIO(), io.StringIO(), 0, os.getcwd()
    os.chdir(ROOT)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "the load_module", DeprecationWarning)  # how ml_collections reads a config
            program.run(words, flags.FlagValues())
    except SystemExit as end:
        code = end.code or 0
    finally:
        os.chdir(here)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())
