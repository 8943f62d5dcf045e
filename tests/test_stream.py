"""Images that don't fit onto a device: which ones come when, and that a training doesn't notice."""

import numpy as np
import pytest
from test_training import IMAGES, NO_LABELS, interrupted_at, read_state, tiny

from gan_jax.errors import Stopped
from gan_jax.training import batches, levels, loop
from gan_jax.training.stream import Blocks, Rows, Stream, budget, read

MANY = np.random.default_rng(0).integers(0, 256, (50, 16, 16, 3), np.uint8)
LABELS = np.eye(2, dtype=np.float32)[np.arange(50) % 2]
BYTES = 2 * 12 * 3 * 16**2  # 12 images, and the next 12


def blocks(resolution=16, bytes_there=BYTES, seed=3, **changes) -> Blocks:
    return Blocks.of(MANY.shape[:2], resolution, bytes_there, seed, **changes)


def stream(resolution=16, bytes_there=BYTES, begin=0) -> Stream:
    return Stream(MANY, LABELS, resolution, blocks(resolution, bytes_there), begin, lambda data: data)


def test_what_fits_is_there_from_the_beginning_with_the_seed():
    whole = stream(bytes_there=MANY.nbytes)
    assert whole.here.seed == blocks().seed == 3
    for seen in (0, 10**6):
        np.testing.assert_array_equal(whole(seen).images, MANY)
        np.testing.assert_array_equal(whole(seen).labels, LABELS)


@pytest.mark.parametrize("processes", [1, 3])
def test_every_image_comes_once_a_round(processes):
    readers = [blocks(process=i, processes=processes) for i in range(processes)]
    assert {reader.size for reader in readers} == {12} and {reader.span for reader in readers} == {12}
    sequence = np.concatenate([reader.rows(k) for k in range(25) for reader in readers])
    for first in range(0, len(sequence) // 50 * 50, 50):
        assert sorted(sequence[first : first + 50]) == list(range(50))
    assert (sequence[:50] != sequence[50:100]).any()
    assert (blocks(seed=4).rows(0) != readers[0].rows(0)).any()


def test_blocks_follow_each_other_and_a_later_start_finds_the_same():
    through = stream()
    for seen in range(0, 200, 4):
        data = through(seen)
        assert blocks().at(seen) == seen // 12
        rows = blocks().rows(seen // 12)
        np.testing.assert_array_equal(data.images, MANY[rows])
        np.testing.assert_array_equal(data.labels, LABELS[rows])
        if seen % 28 == 0:
            np.testing.assert_array_equal(stream(begin=seen)(seen).images, data.images)


def test_lower_levels_keep_more_for_longer():
    memory = 2 * 20 * 3 * 8**2
    small, lower = stream(8, memory), blocks(8, memory)
    assert (lower.size, lower.span) == (20, 80)
    np.testing.assert_array_equal(small(79).images, batches.at_resolution(MANY[lower.rows(0)], 8))
    np.testing.assert_array_equal(small(80).images, batches.at_resolution(MANY[lower.rows(1)], 8))


def test_rows_of_a_file_are_read_where_they_lie(tmp_path):
    path = tmp_path / "images.npy"
    np.save(path, MANY)
    on_disk = Rows(np.load(path, mmap_mode="r"), np.arange(50)[::2])
    assert on_disk.shape == (25, 16, 16, 3)
    wanted = np.array([7, 3, 24, 3])
    np.testing.assert_array_equal(read(on_disk, wanted, 8), batches.at_resolution(MANY[::2][wanted], 8))


def test_the_budget_is_a_part_of_the_memory():
    assert budget(2.0, 10**9) == 2 * 2**30
    assert budget(0.0, 8 * 10**9) == 2 * 10**9
    assert budget(0.0, None) > 2**20


def test_a_training_that_streams_ends_where_it_would_have(tmp_path, monkeypatch):
    few = 2 * 8 * 3 * 16**2 / 2**30  # 8 of the images at 16 px
    config = tiny(first_resolution=16, loss="non-saturating", resident_gib=few)
    assert len(IMAGES) > 8
    loop.train(config, IMAGES, NO_LABELS, tmp_path / "whole", {})
    whole = read_state(config, tmp_path / "whole")
    monkeypatch.setattr(levels.Level, "__call__", interrupted_at(130, levels.Level.__call__))
    with pytest.raises(Stopped):
        loop.train(config, IMAGES, NO_LABELS, tmp_path / "stopped", {})
    monkeypatch.undo()
    loop.train(config, IMAGES, NO_LABELS, tmp_path / "stopped", {})
    np.testing.assert_equal(read_state(config, tmp_path / "stopped"), whole)
