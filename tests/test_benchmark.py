"""What the benchmark measures agrees with itself, and its estimates with arithmetic."""

import json

import jax
import numpy as np
import pytest
from test_schedule import config_file

from gan_jax import benchmark, default_config
from gan_jax.errors import UserError
from gan_jax.models import networks
from gan_jax.training import loop

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3)).astype(np.uint8)


def tiny():
    config = default_config.get_config()
    config.collection.resolution = 16
    config.model.update(name="pggan", latent_size=8, fmap_base=64, fmap_max=8)
    config.training.update(loss="wgan-gp", batch_size=16, total_kimg=3.0, first_resolution=4, stable_kimg=0.5, fade_kimg=0.5)
    config.inversion.steps = 10
    config.benchmark.update(windows=3, seconds=0.05, resolutions=(8, 16))
    return config


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    said, folder = [], tmp_path_factory.mktemp("benchmark")
    cache = jax.config.jax_enable_compilation_cache
    config = tiny()
    config.training.loss = "non-saturating"  # compiles in half the time
    result = benchmark.benchmark(config, folder, "real", IMAGES, said.append)
    jax.config.update("jax_enable_compilation_cache", cache)
    return result, said, folder


def test_figures_of_a_level_agree_with_each_other(measured):
    result, said, folder = measured
    assert json.loads((folder / "benchmark.json").read_text()) == json.loads(json.dumps(result))
    assert [row["resolution"] for row in result["levels"]] == [8, 16]
    for row in result["levels"]:
        assert row["images_per_second"] == pytest.approx(16 / np.median(row["windows_ms"]) * 1000)
        assert row["seconds_per_kimg"] * row["images_per_second"] == pytest.approx(1000)
        assert row["images_per_second_per_device"] == pytest.approx(row["images_per_second"] / 4)
        assert row["share_of_ceiling"] == pytest.approx(row["tflops_per_device"] / result["matrix_ceiling_tflops"])
        assert len(row["windows_ms"]) == 3 and row["memory_gib"] > 0 and row["compile_seconds"] > 0
        assert 0 < row["tile_waste"] < 1 and row["scaling"] > 0 and row["loop_images_per_second"] > 0
    assert result["painting"]["images_per_second"] > 0 and result["painting"]["inversion_seconds_per_painting"] > 0
    lines = "\n".join(said)
    assert "images/s" in lines and "4 devices do" in lines and "estimated" in lines


def test_days_of_a_schedule_by_hand():
    config = tiny()
    schedule = loop.make_schedule(config.training, "pggan", 16)
    assert [(phase.resolution, phase.end - phase.start) for phase in schedule] == [(4, 512), (8, 512), (8, 512), (16, 512), (16, 960)]
    work = {size: sum(networks.work(config.model, int(np.log2(size)))) for size in (4, 8, 16)}
    rows = [{"resolution": 8, "images_per_second": 100.0}, {"resolution": 16, "images_per_second": 10.0}]
    days, estimated = benchmark.schedule_days(config.model, schedule, rows)
    seconds = 1024 / 100 + 1472 / 10 + 512 / (100 * work[8] / work[4])
    assert days == pytest.approx(seconds / 86400) and estimated
    rows.append({"resolution": 4, "images_per_second": 1000.0})
    assert benchmark.schedule_days(config.model, schedule, rows) == (pytest.approx((1024 / 100 + 1472 / 10 + 0.512) / 86400), False)


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
    assert benchmark.step_work(config, 4) == pytest.approx(generator * g + discriminator * d)


def test_a_step_of_the_paper_at_128_px_is_half_a_teraflop_an_image():
    config = tiny()
    config.model.update(latent_size=512, fmap_base=8192, fmap_max=512)
    config.training.fresh_latents = True
    assert 2 * benchmark.step_work(config, 7) == pytest.approx(0.49e12, rel=0.02)


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
    for phase in loop.make_schedule(config.training, config.model.name, config.collection.resolution):
        assert networks.tile_waste(config.model, phase.level, phase.batch_size) <= most


def test_a_collection_that_is_too_small_is_named():
    config = tiny()
    phase = loop.make_schedule(config.training, "pggan", 16)[-1]
    with pytest.raises(UserError, match="--input=real: the collection is at 8 px, less than 16"):
        benchmark.measure_loop(config, phase, IMAGES[:, ::2, ::2], 0.1)


def test_a_level_that_is_not_there_is_named():
    config = tiny()
    schedule = loop.make_schedule(config.training, "pggan", 16)
    with pytest.raises(UserError, match=r"config.benchmark.resolutions: 32 is not in the schedule, which has \[4, 8, 16\]"):
        benchmark.asked_for(schedule, (32,), 0)
    with pytest.raises(UserError, match="config.benchmark.batch_size=6: doesn't divide by 4 devices"):
        benchmark.asked_for(schedule, (), 6)
    assert [phase.batch_size for phase in benchmark.asked_for(schedule, (), 0)] == [16, 16, 16]
