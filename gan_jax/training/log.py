"""The figures of a training run, for programs (metrics.jsonl) and for TensorBoard (event files)."""

import json
import math
import pathlib
import sys
import threading
from collections.abc import Mapping
from typing import Any

import tensorboardX

from gan_jax import files, reading


class Log:
    """Appends to `folder`/metrics.jsonl and to an event file beside it."""

    def __init__(self, folder: pathlib.Path, images_seen: int):
        """Goes on at `images_seen`: lines of a run that was cut off after its last checkpoint are dropped, for they come again."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "metrics.jsonl"
        if reading.is_there(path):
            found = [(line, _images(values)) for line, values in reading.read_lines(path)]
            lines, at = [line for line, _ in found], [images for _, images in found]
            if at.count(None) or (not lines and images_seen):
                what = f"{at.count(None)} of {len(lines)} lines can't be read and are left out" if lines else "empty"
                print(f"gan_jax: {path}: damaged ({what}); goes on", file=sys.stderr)
            kept = [line for line, images in zip(lines, at) if images is not None and images <= images_seen]
            with files.atomic_file(path) as temporary:
                temporary.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        self._lines = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115 (closed with the log)
        # By its whole path: a relative one that begins with "gs:" or "s3:" would be taken for a place in a cloud.
        place, purge = str(folder.absolute()), images_seen + 1 if images_seen else None
        self._events = tensorboardX.SummaryWriter(place, write_to_disk=True, purge_step=purge)
        self._writing = threading.Lock()  # what is measured of samples comes from another thread

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_) -> None:
        self._lines.close()
        self._events.close()

    def write(self, images_seen: int, values: Mapping[str, float]) -> None:
        """Writes one line: `images` and the values, rounded to six digits; null stands for what is not a number."""
        rounded = {name: float(f"{value:.6g}") if math.isfinite(value) else None for name, value in values.items()}
        with self._writing:
            self._lines.write(json.dumps({"images": images_seen, **rounded}) + "\n")
            for name, value in rounded.items():
                if value is not None:
                    self._events.add_scalar(name, value, images_seen)


class NoLog:
    """For processes that don't write."""

    def __enter__(self) -> "NoLog":
        return self

    def __exit__(self, *_) -> None:
        pass

    def write(self, images_seen: int, values: Mapping[str, float]) -> None:
        pass


def _images(values: Mapping[str, Any] | None) -> float | None:
    """Returns images seen by a line of the log; None where it is damaged: half of one, written as the run was cut off, or zeros."""
    images = (values or {}).get("images")
    return images if isinstance(images, int | float) else None
