"""What the benchmark measures agrees with itself, and its estimates with arithmetic."""

import json
import math
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from command import command
from test_schedule import config_file

from gan_jax import default_config
from gan_jax.benchmark import roofline, speed
from gan_jax.errors import UserError
from gan_jax.models import networks
from gan_jax.models.generator import Generator
from gan_jax.training import devices, levels, loop, meter

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3)).astype(np.uint8)


def tiny():
    config = default_config.get_config()
    config.collection.resolution = 16
    config.model.update(name="pggan", latent_size=8, fmap_base=64, fmap_max=8)
    config.training.update(loss="wgan-gp", batch_size=16, total_kimg=3.0, first_resolution=4, stable_kimg=0.5, fade_kimg=0.5)
    config.inversion.steps = 10
    config.benchmark.update(windows=3, seconds=0.05, resolutions=(8, 16))
    return config


def quick():
    """The same with a loss that compiles in half the time."""
    config = tiny()
    config.training.loss = "non-saturating"
    return config


def numbers(resolution: int) -> list[int]:
    """How many the generator and the discriminator learn."""
    made = []
    for network, shape in zip(networks.build(tiny().model, resolution, jnp.float32), ((1, 8), (1, resolution, resolution, 3))):
        at = dict(level=int(np.log2(resolution)), alpha=jnp.float32(1))
        variables = jax.eval_shape(lambda: network.init(jax.random.key(0), jnp.zeros(shape), **at))
        made.append(sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(variables["params"])))
    return made


class Machine:
    """A machine of known speed: its clock goes on by what work takes on it, and by a little at each reading."""

    COMPILING, ON_ALL, ON_ONE, BESIDE_A_STEP, IMAGE, SEARCH, READING = 2.0, 0.05, 0.04, 0.0125, 0.002, 0.01, 1e-7  # seconds

    def __init__(self):
        self.now = 0.0

    def read(self) -> float:
        self.now += self.READING
        return self.now

    def taking(self, call, seconds):
        """The same call, which takes as long as `seconds` says of its arguments, whatever is called within it."""

        def taken(*given, **named):
            begin = self.now
            result = call(*given, **named)
            self.now = begin + seconds(*given, **named)
            return result

        return taken


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    said, folder, machine = [], tmp_path_factory.mktemp("benchmark"), Machine()
    cache = jax.config.jax_enable_compilation_cache

    def step_seconds(program, *_) -> float:
        return machine.ON_ALL if len(program._spread) > 1 else machine.ON_ONE

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "IMAGES_TIMED", 32)
        patch.setattr(speed, "PAINTINGS", 8)
        patch.setattr(speed, "time", types.SimpleNamespace(perf_counter=machine.read))
        patch.setattr(meter, "time", types.SimpleNamespace(monotonic=machine.read))
        program, level = devices.Program, levels.Level
        patch.setattr(program, "__init__", machine.taking(program.__init__, lambda *_, **__: machine.COMPILING))
        patch.setattr(program, "__call__", machine.taking(program.__call__, step_seconds))
        patch.setattr(level, "__call__", machine.taking(level.__call__, lambda *_: machine.ON_ALL + machine.BESIDE_A_STEP))
        patch.setattr(Generator, "images", machine.taking(Generator.images, lambda _, latents: machine.IMAGE * len(latents)))
        search = machine.taking(speed.inversion.invert, lambda _, paintings, settings, **__: 1 + machine.SEARCH * settings.steps)
        patch.setattr(speed.inversion, "invert", search)
        result = speed.benchmark(quick(), folder, "real", IMAGES, said.append)
    jax.config.update("jax_enable_compilation_cache", cache)
    return result, said, folder


def about(value: float):
    """But for what readings of the clock take."""
    return pytest.approx(value, rel=1e-4)


def test_the_speed_of_a_machine_that_is_known_is_what_is_measured(measured):
    result, said, folder = measured
    assert json.loads((folder / "benchmark.json").read_text()) == json.loads(json.dumps(result))
    assert [row["resolution"] for row in result["levels"]] == [8, 16]
    assert result["matrix_ceiling_tflops"] == about(8 * 2 * 1024**3 / 1e-7 / 1e12)
    for row in result["levels"]:
        level = int(np.log2(row["resolution"]))
        # 16 images in 0.05 s; one device does its four of them in 0.04 s; in the loop a step takes a quarter more.
        assert row["windows_ms"] == [about(50)] * 3 and row["ms_per_step"] == about(50) and row["compile_seconds"] == about(2)
        assert (row["images_per_second"], row["images_per_second_per_device"]) == (about(320), about(80))
        assert row["seconds_per_kimg"] == about(3.125)
        assert (row["scaling"], row["loop_images_per_second"], row["loop_share"]) == (about(3.2), about(256), about(0.8))
        assert row["tflops_per_device"] == about(2 * speed.step_work(quick(), level) * 80 / 1e12)
        assert row["share_of_ceiling"] == pytest.approx(row["tflops_per_device"] / result["matrix_ceiling_tflops"])
        assert row["tile_waste"] == networks.tile_waste(tiny().model, level, 4)
        # A step needs the images that it draws from and its state at least: parameters, an average, and two moments of each.
        generator, discriminator = numbers(row["resolution"])
        needed = 4 * (4 * generator + 3 * discriminator) + speed.SYNTHETIC * row["resolution"] ** 2 * 3
        assert needed < row["memory_gib"] * 2**30 < 20 * needed, (needed, row["memory_gib"] * 2**30)
    painting = result["painting"]
    assert painting["images_per_second"] == about(500)
    # A hundred steps more take a second more, for each of 8 paintings.
    assert painting["inversion_steps_per_second"] == about(800)
    assert painting["inversion_seconds_per_painting"] == about(10 * tiny().inversion.restarts / 800)
    lines = "\n".join(said)
    assert "images/s" in lines and "4 devices do 3.20 times" in lines and "estimated" in lines


def test_days_of_a_schedule_by_hand():
    config = tiny()
    schedule = loop.make_schedule(config.training, config.model, 16)
    assert [(phase.resolution, phase.end - phase.start) for phase in schedule] == [(4, 512), (8, 512), (8, 512), (16, 512), (16, 960)]
    work = {size: sum(networks.work(config.model, int(np.log2(size)))) for size in (4, 8, 16)}
    rows = [{"resolution": 8, "images_per_second": 100.0}, {"resolution": 16, "images_per_second": 10.0}]
    days, estimated = speed.schedule_days(config.model, schedule, rows)
    seconds = 1024 / 100 + 1472 / 10 + 512 / (100 * work[8] / work[4])
    assert days == pytest.approx(seconds / 86400) and estimated
    rows.append({"resolution": 4, "images_per_second": 1000.0})
    assert speed.schedule_days(config.model, schedule, rows) == (pytest.approx((1024 / 100 + 1472 / 10 + 0.512) / 86400), False)


@pytest.mark.parametrize(
    "changes, generator, discriminator",
    [
        ({"loss": "wgan-gp", "fresh_latents": True}, 4, 14),
        ({"loss": "hinge", "r1": 1.0, "r1_every": 16}, 3, 8 + 6 / 16),
        ({"loss": "non-saturating"}, 3, 8),
    ],
)
def test_work_of_a_step_is_passes_times_multiplications(changes, generator, discriminator):
    config = tiny()
    config.training.update(changes)
    g, d = networks.work(config.model, 4)
    assert speed.step_work(config, 4) == pytest.approx(generator * g + discriminator * d)


def test_a_step_of_the_paper_at_128_px_is_half_a_teraflop_an_image():
    config = tiny()
    config.model.update(latent_size=512, fmap_base=8192, fmap_max=512)
    config.training.fresh_latents = True
    assert 2 * speed.step_work(config, 7) == pytest.approx(0.49e12, rel=0.02)


def test_a_step_on_paper_by_hand():
    """A DCGAN of 8 px: from 5 latents to 4x4 with 128 channels, and to 8x8 with 3 by 4x4 kernels; and back to one score."""
    config = default_config.get_config()
    config.model.update(width=128, latent_size=5)
    n, generator, discriminator = 128, 3, 8  # images, and passes of the networks
    pixels, dense, score = 64 * 4 * 3 * 128, 16 * 128 * 5, 16 * 128 * 1
    flops = 2 * n * (generator * (dense + pixels) + discriminator * (score + pixels))
    # [128, 128] lies in whole tiles; [128, 3] does so as [3, 128], in one of eight rows; [128, 5] and [128, 1] too.
    coarse, image, ends = 16 * n * 128, 64 * 8 * n, 8 * n
    kernel = 16 * 3 * 128
    through = 2 * (generator * (ends + 2 * coarse + image + kernel + dense) + discriminator * (ends + 2 * coarse + image + kernel + score))
    touched = 9 * 4 * (2 * kernel + dense + score)
    slow = roofline.at_best(config, 3, n, roofline.Chip("", 1.0, math.inf))
    assert (slow.flops, slow.seconds) == (pytest.approx(flops), pytest.approx(flops))
    narrow = roofline.at_best(config, 3, n, roofline.Chip("", math.inf, 1.0))
    assert (narrow.bytes, narrow.seconds) == (pytest.approx(through + touched), pytest.approx(through + touched))
    assert narrow.intensity == pytest.approx(flops / (through + touched))
    assert narrow.waste == pytest.approx(1 - (16 * 128 + 64 * 3) * n / (coarse + image))
    # Paintings that have latents of their own are as many passes more as they are parts of a batch.
    config.training.update(paintings=1.0, paintings_batch=16, batch_size=64)
    assert roofline.passes(config.training) == (3 + 3 / 4, 8 + 3 / 4)
    # Of twice the batch they are half the part.
    assert roofline.passes(config.training, 128) == (3 + 3 / 8, 8 + 3 / 8)
    g, d = networks.work(config.model, 3)
    assert roofline.step_work(config, 3, 128) == pytest.approx((3 + 3 / 8) * g + (8 + 3 / 8) * d)


def test_a_step_on_paper_is_said_for_each_batch_and_nothing_is_written(tmp_path):
    words = ("benchmark", "--paper", "--config=configs/pggan.py:resolution=128", f"--workdir={tmp_path}")
    said = command(*words, "--config.benchmark.resolutions=(64,128)")
    rows = [line.split() for line in said.stdout.splitlines()[3:]]
    assert (said.returncode, [row[:2] for row in rows]) == (0, [["64", "32"], ["128", "16"]]) and not list(tmp_path.iterdir())
    assert "not measured: one TPU v5e" in said.stdout
    # Not above what the arithmetic alone takes.
    config = config_file("pggan").get_config("resolution=128")
    for row in rows:
        most = 197e12 / (2 * roofline.step_work(config, int(math.log2(int(row[0])))))
        assert 0.7 * most < float(row[-1].replace(",", "")) <= most


def test_tiles_by_hand():
    config = default_config.get_config()  # DCGAN: 4x4 with 2 channels to 8x8 with 3
    config.model.update(width=2, latent_size=5)
    # 12 images: [12, 2] in tiles of [8, 128] take 2 of them, [2, 12] one, so that a pixel takes 1,024 of which 24 are used; 36 of 3.
    used, taken = 2 * (16 * 24 + 64 * 36), 2 * (16 + 64) * 1024
    assert networks.tile_waste(config.model, 3, 12) == pytest.approx(1 - used / taken)
    config.model.width = 128
    assert networks.tile_waste(config.model, 3, 8) == pytest.approx(1 - (16 * 128 * 8 + 64 * 3 * 8) / (80 * 1024))


@pytest.mark.parametrize(
    "name, argument, most",
    [
        ("dcgan", "", 0.14),
        ("pggan", "resolution=128", 0.14),
        ("van_gogh_pggan", "", 0.4),
        ("van_gogh", "", 0.5),
        ("van_gogh_dcgan", "", 0.5),
    ],
)
def test_shipped_configs_waste_no_more_of_a_tpus_tiles_than_is_said(name, argument, most):
    config = config_file(name).get_config(*filter(None, [argument]))
    for phase in loop.make_schedule(config.training, config.model, config.collection.resolution):
        assert networks.tile_waste(config.model, phase.level, phase.batch_size) <= most


@pytest.mark.parametrize(
    "seconds_of_a_step, ran, steps", [(30.0, [1, 1], 1), (2.0, [1, 1], 1), (0.5, [1, 1, 1, 3], 4), (0.3, [1, 1, 1, 3], 7)]
)
def test_a_slow_step_is_warmed_up_twice(seconds_of_a_step, ran, steps):
    asked = []
    assert speed.steps_in(2.0, lambda steps: asked.append(steps) or seconds_of_a_step) == steps
    assert asked == ran


def test_a_collection_that_is_too_small_is_named():
    config = tiny()
    phase = loop.make_schedule(config.training, config.model, 16)[-1]
    with pytest.raises(UserError, match="--input=real: the collection is at 8 px, less than 16"):
        speed.measure_loop(config, phase, IMAGES[:, ::2, ::2], 0.1)


def test_a_level_that_is_not_there_is_named():
    config = tiny()
    schedule = loop.make_schedule(config.training, config.model, 16)
    with pytest.raises(UserError, match=r"config.benchmark.resolutions: 32 is not in the schedule, which has \[4, 8, 16\]"):
        speed.asked_for(schedule, (32,), 0)
    with pytest.raises(UserError, match="config.benchmark.batch_size=6: doesn't divide by 4 devices"):
        speed.asked_for(schedule, (), 6)
    assert [phase.batch_size for phase in speed.asked_for(schedule, (), 0)] == [16, 16, 16]
