import pathlib
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from gan_jax.report.page import write_report


def report(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """Makes report.html: one page to read."""
    return str(write_report(workdir))
