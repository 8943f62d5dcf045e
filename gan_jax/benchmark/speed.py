"""How fast this machine trains, inverts and samples: what `python -m gan_jax benchmark` measures.

Training is timed level by level as its steps run in the loop: batch drawn on the device, both players, their penalty, Adam, the average.
A window is so many steps that it takes some seconds; the clock is read before and after, with the devices idle, and never between.
"""

import contextlib
import dataclasses
import importlib.metadata
import io
import json
import math
import pathlib
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gan_jax import __version__, files, keys, reading
from gan_jax.benchmark.roofline import step_work
from gan_jax.errors import UserError
from gan_jax.latents import inversion
from gan_jax.latents.search import Settings as SearchSettings
from gan_jax.models import networks, projected
from gan_jax.models.generator import Apply, Critic, Features, Generator, Years
from gan_jax.models.likeness import Weights
from gan_jax.training import devices, hosts, loop
from gan_jax.training.schedule import Phase
from gan_jax.training.settings import own_latents, projected_side
from gan_jax.training.state import Data, init_state
from gan_jax.training.step import make_step
from gan_jax.training.stream import Images

PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")
SYNTHETIC = 256  # images to draw from where none are given
WARM_UP = 3  # steps
IMAGES_TIMED = 512  # images sampled in a window
PAINTINGS = 64  # inverted at once


@dataclasses.dataclass(frozen=True)
class Timing:
    """Seconds of a step in each window."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """Returns half the distance from the fastest to the slowest window, as a share of the median."""
        return (max(self.seconds) - min(self.seconds)) / 2 / self.median


def benchmark(
    config: ConfigDict,
    workdir: pathlib.Path,
    source: str,
    images: Images | None = None,
    say: Callable[[str], None] = print,
    peer: Callable[[ConfigDict, Phase, jnp.dtype], dict[str, Any]] | None = None,
) -> dict:
    """Measures, prints a table as it goes, and writes `workdir`/benchmark.json.

    Args:
      config: of a study; `config.benchmark` says what to measure.
      source: "synthetic": the bare step; "real": the loop besides, with its input and its log.
      images: the collection for "real", uint8 [n, r, r, 3]; they may lie on a disk.
      peer: measures another program's step of a level beside ours, as `comparison.compare`.
    Returns:
      What is in the file.
    """
    settings, training = config.benchmark, config.training
    jax.config.update("jax_enable_compilation_cache", False)  # compiling is measured too
    resolution = config.collection.resolution
    schedule = loop.make_schedule(training, config.model, resolution)
    phases = asked_for(schedule, tuple(settings.resolutions), settings.batch_size)
    dtype = networks.compute_dtype(training.precision)
    machine = f"{devices.count()} x {jax.devices()[0].device_kind}"
    ceiling = matrix_ceiling(dtype)
    say(f"{machine}; {config.model.name} in {dtype}; a product of matrices reaches {ceiling / 1e12:,.1f} TFLOP/s on a device\n")

    table = Table(say)
    rows = []
    for phase in phases:
        row = measure_level(config, phase, dtype, ceiling)
        if source == "real":
            assert images is not None, "the collection is needed for real input"
            row["loop_images_per_second"] = measure_loop(config, phase, images, row["ms_per_step"] / 1000)
            row["loop_share"] = row["loop_images_per_second"] / row["images_per_second"]
        rows.append(row)
        table.add(row)
    days, estimated = schedule_days(config.model, schedule, rows)
    say(f"\nThe schedule of {schedule[-1].end / 1e6:.2f} million images takes {days:.2f} days here" + (" (in part estimated)" * estimated))
    for row in rows:
        if "scaling" in row:
            say(
                f"{row['resolution']} px: {devices.count()} devices do {row['scaling']:.2f} times what one does with its share of the batch"
            )
    if peer:
        for phase, row in zip(phases, rows):
            row["peer"] = peer(config, phase, dtype)
            say(row["peer"]["said"])
    painting = measure_painting(config, phases[-1], dtype) if settings.painting else None
    if painting:
        say(
            f"{painting['resolution']} px: {painting['images_per_second']:,.0f} images/s sampled on one device; inversion of {PAINTINGS} "
            f"paintings at once: {painting['inversion_steps_per_second']:,.0f} steps/s of a latent, "
            f"{painting['inversion_seconds_per_painting']:.2f} s for a painting ({config.inversion.steps} steps, "
            f"{config.inversion.restarts} starts)"
        )
    result = {
        "device": machine,
        "host": platform.platform(),
        "versions": {"gan_jax": __version__} | {name: importlib.metadata.version(name) for name in PACKAGES},
        "precision": str(dtype),
        "input": source,
        "matrix_ceiling_tflops": ceiling / 1e12,
        "levels": rows,
        "schedule_days": days,
        "schedule_days_estimated_in_part": estimated,
        "painting": painting,
        "config": json.loads(config.to_json_best_effort()),
    }
    if hosts.is_primary():
        files.write_json(workdir / "benchmark.json", result)
    return result


def asked_for(schedule: tuple[Phase, ...], resolutions: tuple[int, ...], batch_size: int) -> list[Phase]:
    """Returns one phase of each level: of those asked for, or of all. Raises UserError for a resolution that the schedule doesn't have."""
    by_resolution = {phase.resolution: phase for phase in schedule}
    for resolution in resolutions:
        if resolution not in by_resolution:
            raise UserError(f"config.benchmark.resolutions: {resolution} is not in the schedule, which has {sorted(by_resolution)}")
    phases = [by_resolution[resolution] for resolution in resolutions or sorted(by_resolution)]
    if batch_size and batch_size % devices.count():
        raise UserError(f"config.benchmark.batch_size={batch_size}: doesn't divide by {devices.count()} devices")
    return [dataclasses.replace(phase, batch_size=batch_size or phase.batch_size) for phase in phases]


def measure_level(config: ConfigDict, phase: Phase, dtype: jnp.dtype, ceiling: float) -> dict[str, Any]:
    """Returns the bare step of a level, half faded in: its speed on all devices, and on one where there are several."""
    count = devices.count()
    timing, program, compile_seconds = time_step(config, phase, dtype, count)
    rate = phase.batch_size / timing.median
    operations = 2 * step_work(config, phase.level, phase.batch_size) * rate / count
    row = {
        "resolution": phase.resolution,
        "batch_size": phase.batch_size,
        "devices": count,
        "images_per_second": rate,
        "images_per_second_per_device": rate / count,
        "spread": timing.spread,
        "ms_per_step": timing.median * 1000,
        "seconds_per_kimg": 1000 / rate,
        "tflops_per_device": operations / 1e12,
        "share_of_ceiling": operations / ceiling,
        "memory_gib": program.memory / 2**30,
        "compile_seconds": compile_seconds,
        "tile_waste": networks.tile_waste(config.model, phase.level, phase.batch_size // count),
        "windows_ms": [seconds * 1000 for seconds in timing.seconds],
    }
    if count > 1 and hosts.count() == 1:
        share = dataclasses.replace(phase, batch_size=phase.batch_size // count)
        one, _, _ = time_step(config, share, dtype, 1)
        row["scaling"] = rate / (share.batch_size / one.median)
    return row


def time_step(
    config: ConfigDict, phase: Phase, dtype: jnp.dtype, count: int, with_r1: bool = True
) -> tuple[Timing, devices.Program, float]:
    """Returns the step of a level on the first `count` devices, its program, and the seconds that compiling took.

    with_r1: whether it is a step with the R1 penalty, where the config has one.
    """
    run, program, compile_seconds = prepare_step(config, phase, dtype, count, with_r1)
    steps = steps_in(config.benchmark.seconds, run)
    return Timing(tuple(run(steps) for _ in range(config.benchmark.windows))), program, compile_seconds


def steps_in(seconds: float, run: Callable[[int], float]) -> int:
    """Warms up what runs so many steps and returns the seconds of one; returns how many of them take so many seconds, one at least.

    Where one takes as long as that, as large networks do on a CPU, two are enough to warm up: more would take minutes.
    """
    run(1)  # which may compile
    if run(1) >= seconds:
        return 1
    run(WARM_UP - 2)
    return math.ceil(seconds / run(WARM_UP))


def prepare_step(
    config: ConfigDict, phase: Phase, dtype: jnp.dtype, count: int, with_r1: bool = True
) -> tuple[Callable[[int], float], devices.Program, float]:
    """Returns what runs so many steps and says the seconds of one, its program, and the seconds that compiling took."""
    generator, discriminator = networks.build(config.model, phase.resolution, dtype, devices.AXIS)
    constants = loop.step_settings(config.training)
    step = make_step(generator, discriminator, constants, level=phase.level, batch_size=phase.batch_size, devices=count, with_r1=with_r1)
    among = jax.local_devices()[:count]
    own, side = own_latents(config.training, SYNTHETIC), projected_side(constants)
    state = devices.replicate(init_state(generator, discriminator, phase.level, config.seed, count=own, side=side), among)
    images = np.random.default_rng(0).integers(0, 256, (SYNTHETIC, phase.resolution, phase.resolution, 3), np.uint8)
    labels = np.zeros((SYNTHETIC, generator.label_size), np.float32)
    labels[:, :1] = 1
    alpha = 0.5 if networks.of(config.model.name).GROWS else 1.0
    frozen = projected.frozen() if side else {}
    data = images, labels, np.int32(config.seed), frozen
    placed = devices.replicate((data, np.float32(alpha), np.float32(phase.learning_rate)), among)
    inputs = Data(*placed[0]), *placed[1:]
    begin = time.perf_counter()
    program = devices.Program(step, state, *inputs, among=among, library_products=side > 0)
    compile_seconds = time.perf_counter() - begin

    def run(steps: int) -> float:
        nonlocal state
        begin = time.perf_counter()
        for _ in range(steps):
            state, _ = program(state, *inputs)
        jax.block_until_ready(state)
        return (time.perf_counter() - begin) / steps

    return run, program, compile_seconds


def measure_loop(config: ConfigDict, phase: Phase, images: Images, step_seconds: float) -> float:
    """Returns images per second of `loop.train` itself, from its own log: the median of as many intervals as the bare step has windows."""
    config = config.copy_and_resolve_references()
    training = config.training
    per_interval = math.ceil(config.benchmark.seconds / step_seconds) * phase.batch_size / 1000
    training.update(
        first_resolution=phase.resolution,
        total_kimg=per_interval * (config.benchmark.windows + 2),
        batch_size=phase.batch_size,
        log_every_kimg=per_interval,
        sample_every_kimg=0.0,
        checkpoint_every_kimg=0.0,
        init_from="",
    )
    training.batch_size_by_resolution[f"r{phase.resolution}"] = phase.batch_size
    times = images.shape[1] // phase.resolution
    if not times:
        raise UserError(f"--input=real: the collection is at {images.shape[1]} px, less than {phase.resolution}; give another --workdir")
    labels = np.zeros((images.shape[0], networks.label_size(config.model)), np.float32)
    labels[:, :1] = 1
    with tempfile.TemporaryDirectory() as folder, quiet():
        loop.train(config, _Smaller(images, times), labels, pathlib.Path(folder), {})
        if not hosts.is_primary():
            return math.nan  # the primary process has the log
        lines = [found or {} for _, found in reading.read_lines(pathlib.Path(folder) / "log" / "metrics.jsonl")]
    return statistics.median([line["images_per_second"] for line in lines if "images_per_second" in line])


class _Smaller:
    """Every n-th pixel of images, read from where they are."""

    def __init__(self, images: Images, times: int):
        self._images, self._times = images, times
        self.shape: tuple[int, ...] = (images.shape[0], images.shape[1] // times, images.shape[2] // times, 3)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self._images[rows][:, :: self._times, :: self._times]


def measure_painting(config: ConfigDict, phase: Phase, dtype: jnp.dtype) -> dict[str, float]:
    """Times sampling with a generator of the level on one device, and inversion, with its discriminator's features, on all."""
    generator = untrained(config, phase.level, dtype)
    latents = np.asarray(generator.draw(keys.key(1), IMAGES_TIMED))
    paintings = generator.images(latents[:PAINTINGS])
    sampling = Timing(tuple(seconds_of(lambda: generator.images(latents)) for _ in range(1 + config.benchmark.windows))[1:])
    whole: dict[str, Any] = dict(
        restarts=1, candidates=PAINTINGS, batch_size=PAINTINGS, learning_rate=0.1, noise=0.1, patience=10**6, calibration=0
    )

    def search(steps: int) -> float:
        settings = SearchSettings(steps=steps, weights=Weights(1.0, 1.0, 1.0), **whole)
        with quiet():
            return seconds_of(lambda: inversion.invert(generator, paintings, settings, seed=0))

    # Each length of a search is a program of its own: what a longer one takes more than a shorter one is steps, and nothing else.
    short, long = (statistics.median([search(steps) for _ in range(1 + config.benchmark.windows)][1:]) for steps in (20, 120))
    per_second = 100 * PAINTINGS / max(long - short, 1e-9)
    return {
        "resolution": phase.resolution,
        "images_per_second": IMAGES_TIMED / sampling.median,
        "spread": sampling.spread,
        "inversion_steps_per_second": per_second,
        "inversion_seconds_per_painting": config.inversion.steps * config.inversion.restarts / per_second,
    }


def untrained(config: ConfigDict, level: int, dtype: jnp.dtype) -> Generator:
    """Returns a generator of the config at a level, and its critic, as they begin."""
    resolution = 2**level
    network, discriminator = networks.build(config.model, resolution, dtype)
    size = network.latent_size + network.label_size
    at = dict(level=level, alpha=jnp.float32(1))
    variables = jax.jit(lambda: network.init(keys.key(0), jnp.zeros((1, size)), **at))()
    critic = jax.jit(lambda: discriminator.init(keys.key(0), jnp.zeros((1, resolution, resolution, 3)), **at))()
    return Generator(
        "benchmark",
        size,
        resolution,
        variables,
        Apply(network, level, 1.0),
        network.label_size,
        Years(0.0, 1.0, (0.0,)) if config.model.year else None,
        None,
        Critic(critic, Features(discriminator, level, 1.0)),
    )


def quiet() -> contextlib.AbstractContextManager:
    """Shows no progress lines between those of the table."""
    return contextlib.redirect_stderr(io.StringIO())


def seconds_of(action: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    jax.block_until_ready(action())
    return time.perf_counter() - begin


def matrix_ceiling(dtype: jnp.dtype) -> float:
    """Operations a second of one device in products of square matrices, the best of several."""
    n = 1024 if jax.default_backend() == "cpu" else 8192
    a = jnp.ones((n, n), dtype) / n

    @jax.jit
    def products(a):
        b = a
        for _ in range(8):
            b = a @ b
        return b

    products(a).block_until_ready()
    return 8 * 2 * n**3 / min(seconds_of(lambda: products(a)) for _ in range(8))


def schedule_days(model: ConfigDict, schedule: tuple[Phase, ...], rows: list[dict[str, Any]]) -> tuple[float, bool]:
    """Days that a schedule takes at the speeds measured; levels that were not are taken to be as efficient as the nearest that was."""
    rates = {row["resolution"]: row["images_per_second"] for row in rows}
    seconds, estimated = 0.0, False
    for phase in schedule:
        nearest = min(rates, key=lambda resolution: abs(math.log2(resolution) - phase.level))
        less = sum(networks.work(model, int(math.log2(nearest)))) / sum(networks.work(model, phase.level))
        seconds += (phase.end - phase.start) / (rates[nearest] * less)
        estimated |= nearest != phase.resolution
    return seconds / 86400, estimated


class Table:
    """A line for each level, as soon as it is measured."""

    COLUMNS = (
        ("px", "resolution", "d"),
        ("batch", "batch_size", "d"),
        ("images/s", "images_per_second", ",.0f"),
        ("±", "spread", ".1%"),
        ("per device", "images_per_second_per_device", ",.0f"),
        ("ms/step", "ms_per_step", ",.2f"),
        ("s/kimg", "seconds_per_kimg", ",.3f"),
        ("TFLOP/s", "tflops_per_device", ",.2f"),
        ("of ceiling", "share_of_ceiling", ".0%"),
        ("GiB", "memory_gib", ".2f"),
        ("compile s", "compile_seconds", ".1f"),
        ("TPU waste", "tile_waste", ".0%"),
        ("loop", "loop_share", ".1%"),
    )

    def __init__(self, say: Callable[[str], None]):
        self._say, self._begun = say, False

    def add(self, row: dict[str, Any]) -> None:
        columns = [column for column in self.COLUMNS if column[1] in row]
        if not self._begun:
            self._say("  ".join(f"{title:>10}" for title, _, _ in columns))
            self._begun = True
        self._say("  ".join(f"{row[name]:>10{form}}" for _, name, form in columns))
