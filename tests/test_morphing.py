"""Pairs, frames and films."""

import itertools

import imageio.v3 as iio
import jax
import numpy as np
import pytest
from test_latents import toy_generator

from gan_jax import pictures
from gan_jax.errors import UserError
from gan_jax.morphing import animation, pairing
from gan_jax.morphing.morph import morph

RNG = np.random.default_rng(0)


def scenes(n: int) -> np.ndarray:
    """uint8 [n, 16, 16, 3], unlike each other in layout and in colour."""
    return (RNG.random((n, 4, 4, 3)).repeat(4, 1).repeat(4, 2) * 200 + 20).astype(np.uint8)


@pytest.mark.parametrize("colour", [0.0, 0.5, 1.0])
def test_a_set_is_paired_with_its_own_shuffled_and_repainted_self(colour):
    early = scenes(12)
    order = RNG.permutation(12)
    late = np.clip(early[order] * np.array([0.9, 0.6, 0.5]) + np.array([20, 60, 90]), 0, 255).astype(np.uint8)
    pairs, early_alone, late_alone = pairing.assign(pairing.distances(early, late, colour), 1.0)
    assert {(pair.early, pair.late) for pair in pairs} == {(int(order[j]), j) for j in range(12)}
    assert not early_alone and not late_alone


def test_distances_are_one_on_average():
    assert pairing.distances(scenes(5), scenes(9), 0.3).mean() == pytest.approx(1, rel=1e-6)


def test_the_assignment_is_the_best_of_all():
    distance = RNG.random((4, 6))
    pairs, _, late_alone = pairing.assign(distance, 1.0)
    best = min(sum(distance[i, j] for i, j in enumerate(columns)) for columns in itertools.permutations(range(6), 4))
    assert sum(pair.distance for pair in pairs) == pytest.approx(best)
    assert [pair.distance for pair in pairs] == sorted(pair.distance for pair in pairs)
    assert len(late_alone) == 2 and all("taken by a nearer work" in work.reason for work in late_alone)


def test_what_is_too_far_stays_alone_with_its_reason():
    distance = np.array([[0.1, 0.2, 8.0], [0.2, 0.1, 8.0], [5.0, 5.0, 9.0]])
    pairs, early_alone, late_alone = pairing.assign(distance, 0.7)
    assert {(pair.early, pair.late) for pair in pairs} == {(0, 0), (1, 1)}
    assert [(work.work, work.reason) for work in early_alone] == [(2, late_alone[0].reason)]
    assert "too far: 9.00" in late_alone[0].reason


def test_every_frame_has_its_date_and_the_ends_are_the_works():
    generator = toy_generator()
    a, b = (np.asarray(generator.draw(jax.random.key(i), 9)) for i in (0, 1))
    made = morph(generator, a, b, np.full(9, 1884.0), np.linspace(1888, 1890, 9), frames=5, path="slerp")
    np.testing.assert_allclose(made.years[0], [1884, 1885, 1886, 1887, 1888])
    np.testing.assert_allclose(made.years[:, -1], np.linspace(1888, 1890, 9))
    np.testing.assert_array_equal(made.frames[:, 0], generator.images(a))
    np.testing.assert_array_equal(made.frames[:, -1], generator.images(b))
    with pytest.raises(UserError, match="config.morphing.path='zigzag'"):
        morph(generator, a, b, np.zeros(9), np.zeros(9), frames=5, path="zigzag")
    with pytest.raises(UserError, match="config.morphing.frames=1"):
        morph(generator, a, b, np.zeros(9), np.zeros(9), frames=1, path="slerp")


def test_films_read_back_as_they_were(tmp_path):
    frames = scenes(4).repeat(4, 1).repeat(4, 2)  # 64 px
    film = animation.there_and_back(frames)
    assert len(film) == 6 and np.array_equal(film[4], frames[2]) and np.array_equal(film[5], frames[1])
    with animation.workshop() as pool:
        pool.submit(animation.write_pair, tmp_path, "a", frames, np.linspace(0, 1, 4), 64, 10.0).result()
        pool.submit(animation.write_mp4, tmp_path / "odd.mp4", film[:, :-1], 10.0).result()
        mp4, odd = (pool.submit(iio.imread, tmp_path / name, plugin="FFMPEG").result() for name in ("a.mp4", "odd.mp4"))
    gif = iio.imread(tmp_path / "a.gif")
    assert gif.shape[:3] == (6, 64, 64) and mp4.shape == film.shape and odd.shape == (6, 62, 64, 3)
    assert np.abs(gif[..., :3].astype(int) - film).mean() < 8 and np.abs(mp4.astype(int) - film).mean() < 12
    assert iio.immeta(tmp_path / "a.gif")["duration"] == 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "a.mp4", "frames", "odd.mp4"]
    np.testing.assert_array_equal(iio.imread(tmp_path / "frames" / "a" / "t_1.000.png"), frames[3])


def test_sizes_of_pictures():
    images = scenes(3)
    assert animation.resized(images, 40).shape == (3, 48, 48, 3)
    assert animation.resized(images, 10).shape == (3, 10, 10, 3)
    np.testing.assert_array_equal(animation.resized(images, 48)[:, 1::3, 1::3], images)
    sheet = pictures.grid(images, columns=2, gap=2)
    assert sheet.shape == (34, 34, 3)
    np.testing.assert_array_equal(sheet[18:, :16], images[2])
    assert np.all(sheet[18:, 18:] == 255)
    assert animation.moving_grid(np.stack([scenes(5)] * 4), 3, 64).shape == (5, 66, 66, 3)


def test_bytes_and_floats_are_each_others_inverse():
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, -1)
    np.testing.assert_array_equal(pictures.to_uint8(pictures.to_float(every)), every)
    assert pictures.to_uint8(np.array([-7.0, 7.0])).tolist() == [0, 255]
