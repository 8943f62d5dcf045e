"""One line a stage, with the time left."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

import tqdm

T = TypeVar("T")


class Progress(tqdm.tqdm):
    """A progress line on stderr: `stage  42%  done/total  elapsed, left, note`.

    On a terminal the line is redrawn in place; in a log file a new one is written every `log_seconds`.
    """

    def __init__(self, stage: str, total: int, *, initial: int = 0, unit: str = "", scale: bool = False, log_seconds: float = 15.0):
        terminal = sys.stderr.isatty()
        self.seconds_left: float | None = None
        super().__init__(
            total=total,
            initial=initial,
            desc=f"{stage:<9}",
            unit=unit,
            unit_scale=scale,
            mininterval=0.2 if terminal else log_seconds,
            maxinterval=1.0 if terminal else log_seconds,
            dynamic_ncols=terminal,
            ncols=None if terminal else 110,
            bar_format="{desc} {percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt}{unit} [{elapsed}, {left} left{postfix}]",
            file=sys.stderr,
        )

    @property
    def format_dict(self) -> dict:
        values = super().format_dict
        rate = values["rate"] or (values["n"] - values["initial"]) / max(values["elapsed"], 1e-9)
        left = (values["total"] - values["n"]) / rate if self.seconds_left is None and rate else self.seconds_left
        values["left"] = "?" if left is None else self.format_interval(left)
        return values

    def advance(self, steps: int = 1, note: str = "", seconds_left: float | None = None) -> None:
        """Counts `steps` as done; the rest is shown the next time the line is drawn.

        `note` stands at the end of the line. `seconds_left` is for work whose later steps take longer; without it the time left is
        the steps left at the rate so far.
        """
        self.seconds_left = seconds_left
        if note:
            self.set_postfix_str(note, refresh=False)
        self.update(steps)

    def say(self, text: str) -> None:
        """Writes a line of its own, above the progress."""
        self.write(text, file=sys.stderr)


def follow(stage: str, items: Iterable[T], total: int) -> Iterator[T]:
    """Yields the items and shows how many are done."""
    with Progress(stage, total) as progress:
        for item in items:
            yield item
            progress.advance()


def duration(seconds: float) -> str:
    """Says how long something takes, in the largest unit of which it is one and a half at least."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"
