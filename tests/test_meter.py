import json

import jax.numpy as jnp
import pytest

from gan_jax.default_config import get_config
from gan_jax.progress import Progress
from gan_jax.training import meter
from gan_jax.training.log import Log
from gan_jax.training.schedule import constant

BATCH = 10
STEP = 0.5  # seconds on the devices


class Devices:
    """A queue that steps are put into at once, and a clock that a fetch puts forward to the end of what it fetches."""

    def __init__(self):
        self.now, self.done_at = 0.0, 0.0

    def step(self, figures):
        self.done_at = max(self.done_at, self.now) + STEP
        return {name: jnp.float32(value) for name, value in figures.items()}


@pytest.mark.parametrize("flushes", [(), (4,), (4, 5), (2, 3, 4, 5, 6)])
def test_a_speed_is_the_devices_however_often_the_log_waits_for_them(flushes, tmp_path, monkeypatch):
    devices = Devices()
    ends = {}  # of what waits to be fetched
    (phase,) = constant(resolution=16, total_kimg=1.0, batch_size=BATCH, learning_rate=0.1)
    monkeypatch.setattr(meter.time, "monotonic", lambda: devices.now)
    with Log(tmp_path, 0) as log, Progress("train", 1000) as progress:
        subject = meter.Meter(log, progress, (phase,), get_config())
        fetch = subject._fetch

        def fetching(idle):
            if subject._waiting:
                devices.now = max(devices.now, ends[subject._waiting[0]])
            fetch(idle)

        monkeypatch.setattr(subject, "_fetch", fetching)
        subject.begin(phase)
        for i in range(1, 41):
            figures = devices.step({"loss": i})
            ends[i * BATCH] = devices.done_at
            if i == 1:
                devices.now = devices.done_at  # the first step is waited for
            subject.count(figures, 1.0, 0.1, i * BATCH, 1, log_now=i % 5 == 0)
            if i % 5 == 0 and i // 5 in flushes:
                subject.flush()
        subject.flush()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["images"] for line in lines] == [50 * k for k in range(1, 9)]
    assert [line["loss"] for line in lines] == [5 * k - 2 for k in range(1, 9)]
    speeds = [line["images_per_second"] for line in lines if "images_per_second" in line]
    assert len(speeds) >= 3
    assert speeds == pytest.approx([BATCH / STEP] * len(speeds))
