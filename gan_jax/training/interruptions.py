"""When a training is to save, and when to stop: by signals, by the time that it is given, and by minutes since its last checkpoint."""

import contextlib
import dataclasses
import signal
import threading
import time
from collections.abc import Callable, Iterator

from ml_collections import ConfigDict

from gan_jax.errors import Stopped
from gan_jax.training import hosts

INTERRUPTED = 130  # the exit code of what Ctrl-C has ended


@contextlib.contextmanager
def stop_requests() -> Iterator[Callable[[], int | None]]:
    """Yields a function that says which signal came, Ctrl-C's, SIGTERM or that of a terminal that is gone, or None.

    Between two steps is the only place to stop: within one the old state is given away and the new one is not there yet. A second
    signal acts as ever.
    """
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # where Python delivers no signals
        yield lambda: None
        return

    def ask(number: int, _) -> None:
        asked.append(number)
        signal.signal(number, before[number])

    numbers: list[int] = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield lambda: asked[0] if asked else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is asked of a training between two steps."""

    signal: int  # that came; 0: none
    over: bool  # its time is
    late: bool  # a checkpoint is due by the clock

    @property
    def to_save(self) -> bool:
        return bool(self.signal or self.over or self.late)

    def stop(self, seen: int, total: int) -> None:
        """Raises Stopped where it has to stop, after so many images of a total."""
        if self.signal or self.over:
            why = "stopped" if self.signal else "out of time (config.training.time_limit_hours)"
            done = f"{seen / 1000:.1f} of {total / 1000:.1f} kimg"
            code = INTERRUPTED if self.signal == signal.SIGINT else 0
            raise Stopped(f"{why} at {done}; the same command goes on from there", code)


class Clock:
    """What the clock and signals ask of a training: of several processes all hear the same."""

    def __init__(self, training: ConfigDict, began: float, stopping: Callable[[], int | None]):
        """`training`: the section of the config. `began`: `time.monotonic()` when the time that is given began."""
        self._training, self._began, self._stopping, self._saved = training, began, stopping, time.monotonic()

    def saved(self) -> None:
        """Takes note that a checkpoint has just been saved."""
        self._saved = time.monotonic()

    def asked(self, together: bool) -> Asked:
        """Returns what is asked now. `together`: whether several processes agree now, for which all wait; else nothing is asked of them."""
        training, now = self._training, time.monotonic()
        over = bool(training.time_limit_hours) and now - self._began >= 3600 * training.time_limit_hours
        signalled = self._stopping()  # asked once: a signal between saving and stopping would lose what is not saved
        late = bool(training.checkpoint_every_minutes) and now - self._saved >= 60 * training.checkpoint_every_minutes
        if hosts.count() > 1:  # clocks and signals are each one's own, and all must stop at the same step
            signalled, over, late = hosts.agree(signalled or 0, over, late) if together else (0, 0, 0)
        return Asked(signalled or 0, bool(over), bool(late))
