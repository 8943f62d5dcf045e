"""Pairs, frames and films."""

import itertools
import math
import os
import signal
import subprocess
import sys
import textwrap

import imageio.v3 as iio
import jax
import numpy as np
import pytest
from command import ROOT
from PIL import Image
from test_latents import toy_generator

from gan_jax import pictures
from gan_jax.morphing import films, pairing, scene
from gan_jax.morphing.morph import morph, times

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
    assert len(late_alone) == 2 and all("taken by a nearer painting" in left.reason for left in late_alone)


def test_what_is_too_far_stays_alone_with_its_reason():
    distance = np.array([[0.1, 0.2, 8.0], [0.2, 0.1, 8.0], [5.0, 5.0, 9.0]])
    pairs, early_alone, late_alone = pairing.assign(distance, 0.7)
    assert {(pair.early, pair.late) for pair in pairs} == {(0, 0), (1, 1)}
    assert [(left.painting, left.reason) for left in early_alone] == [(2, "every counterpart is taken by a nearer painting")]
    assert [(left.painting, left.reason) for left in late_alone] == [(2, "its nearest counterpart is too far: 8.00, the limit is 6.80")]


def test_of_pairs_that_are_near_enough_as_many_are_made_as_can_be():
    distance = np.array([[0.0, 3.0], [3.5, 6.0]])
    pairs, early_alone, late_alone = pairing.assign(distance, 0.7)  # 0 and 6 would be the smaller sum, but 6 is too far
    assert {(pair.early, pair.late) for pair in pairs} == {(0, 1), (1, 0)} and not early_alone and not late_alone


def test_every_frame_has_its_date_and_the_ends_are_the_paintings():
    generator = toy_generator()
    a, b = (np.asarray(generator.draw(jax.random.key(i), 9)) for i in (0, 1))
    made = morph(generator, a, b, np.full(9, 1884.0), np.linspace(1888, 1890, 9), times(5, "none"), "slerp")
    np.testing.assert_allclose(made.years[0], [1884, 1885, 1886, 1887, 1888])
    np.testing.assert_allclose(made.years[:, -1], np.linspace(1888, 1890, 9))
    np.testing.assert_array_equal(made.frames[:, 0], generator.images(a))
    np.testing.assert_array_equal(made.frames[:, -1], generator.images(b))
    np.testing.assert_allclose(times(5, "smooth"), [0, 0.15625, 0.5, 0.84375, 1])


def test_many_early_paintings_may_share_a_late_one():
    distance = np.array([[0.1, 0.5], [0.2, 0.6], [0.9, 0.3]])
    pairs, early_alone, late_alone = pairing.assign(distance, 1.0, "many-to-one")
    assert {(pair.early, pair.late) for pair in pairs} == {(0, 0), (1, 0), (2, 1)}
    assert not early_alone and not late_alone
    pairs, _, late_alone = pairing.assign(distance[:2], 1.0, "many-to-one")
    assert [(left.painting, left.reason) for left in late_alone] == [(1, "no early painting is nearest to it")]


def test_paintings_of_one_subject_find_each_other():
    """Pictures that look alike in every combination: only what the table says can decide."""
    early, late = scenes(1).repeat(4, 0), scenes(1).repeat(4, 0)
    rows = [{"Genre": "Landscape"}, {"genre": "portrait "}, {"genre": "still life"}, {"genre": ""}]
    subjects = pairing.disagreement(rows, [rows[i] for i in (2, 0, 3, 1)], ["genre", "motif"])
    expected = np.ones((4, 4))
    expected[0, 1] = expected[1, 3] = expected[2, 0] = 0
    expected[3] = expected[:, 2] = 0.5
    np.testing.assert_array_equal(subjects, expected)
    pairs, _, _ = pairing.assign(pairing.distances(early, late, 0.5, subjects, 0.3), 1.0)
    assert {(0, 1), (1, 3), (2, 0), (3, 2)} == {(pair.early, pair.late) for pair in pairs}
    assert pairing.disagreement([{"place": "Arles"}], [{"place": "Arles"}], ["genre"]) is None


def test_a_chain_rises_in_date_and_goes_by_what_is_alike():
    a, b = scenes(2)
    images = np.stack([a, b, a, b, a, b])
    years = np.array([1880.0, 1880.5, 1884.0, 1884.5, 1888.0, 1888.5])
    assert pairing.chain(images, years, 3) in ([0, 2, 4], [1, 3, 5])
    assert pairing.chain(images, years, 0) == [] and pairing.chain(images[:1], years[:1], 4) == []
    everything = pairing.chain(scenes(30), RNG.uniform(1880, 1890, 30), 8)
    assert 2 <= len(everything) <= 8


def test_the_figure_of_the_two_sets_frames_pairs_in_one_colour_and_marks_the_rest():
    early, late = scenes(3), scenes(2)
    sheet = scene.two_sets(early, late, [(0, 1), (2, 0)], size=16, columns=3, border=4)
    corner = [tuple(sheet[0, x]) for x in (0, 26, 52)] + [tuple(sheet[0, 76 + 16 + x]) for x in (0, 26)]
    assert corner[0] == corner[4] == scene.pair_colour(0) and corner[2] == corner[3] == scene.pair_colour(1)
    assert corner[1] == scene.PAPER
    np.testing.assert_array_equal(sheet[4:20, 4:20], early[0])
    assert np.any(sheet[4:20, 30:46] != early[1])
    assert len({scene.pair_colour(i) for i in range(30)}) == 30


def test_films_begin_and_end_with_the_paintings_and_say_the_year():
    paintings, made = scenes(2), scenes(5)
    ends = [scene.Frame(painting, "A <b>title</b> " * 30, year, scenes(3)) for painting, year in zip(paintings, (1884.0, 1889.0))]
    frames = [scene.Frame(image, "between", 1884.0 + k, scenes(3)) for k, image in enumerate(made)]
    film = scene.scene(scene.with_ends(frames, *ends), 64, captions=True)
    assert film.shape[0] == 5 + 2 * scene.HOLD and film.shape[2] == 64 and film.shape[1] > 64 + 20
    np.testing.assert_array_equal(film[0, :64], films.resized(paintings[0], 64))
    np.testing.assert_array_equal(film[-1, :64], films.resized(paintings[1], 64))
    caption = film[scene.HOLD : scene.HOLD + 2, 64:92]
    assert np.any(caption[0] != caption[1])  # another year
    plain = scene.scene([scene.Frame(made[0], "", math.nan, made[:0])], 64, captions=False)
    np.testing.assert_array_equal(plain[0], films.resized(made[0], 64))
    assert scene.nearest_in_time(np.array([1880.0, 1885.0, 1890.0, 1886.0]), 1886.2, 2).tolist() == [1, 3]


def test_processes_that_make_films_do_not_wait_for_jax():
    code = "import sys, gan_jax.morphing.films, gan_jax.morphing.scene; sys.exit('jax' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("work", ["os.getpid", "time.sleep"])  # one that waits for more to do, and one that is at work
def test_processes_that_make_films_end_with_the_program_that_is_killed(tmp_path, work):
    program = f"""
        import os, signal, time
        from gan_jax.morphing.films import workshop

        if __name__ == "__main__":
            pool = workshop()
            pool.submit(os.getpid).result()
            print(*pool._processes, flush=True)
            pool.submit({work}, *[1000][: {work} is time.sleep])
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    words, environment = [sys.executable, str(tmp_path / "program.py")], {**os.environ, "PYTHONPATH": str(ROOT)}
    # They hold what it writes to: it is read to its end when all of them are gone.
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL and done.stdout.split(), done.stderr


def test_half_a_film_does_not_take_its_name(tmp_path):
    """An encoder that may write no more than a few kB, as on a full disk, says so, but ends well."""
    program = f"""
        import pathlib, resource
        import numpy as np
        from gan_jax.errors import UserError
        from gan_jax.morphing.films import write_mp4

        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
        try:
            write_mp4({str(tmp_path / "film.mp4")!r}, np.random.default_rng(0).integers(0, 256, (9, 128, 128, 3), np.uint8), 9)
        except (UserError, OSError) as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "film.mp4: the encoder left a damaged film" in done.stdout, done.stderr
    assert not list(tmp_path.iterdir())


def test_films_read_back_as_they_were(tmp_path):
    frames = scenes(4).repeat(4, 1).repeat(4, 2)  # 64 px
    film = films.there_and_back(frames)
    assert len(film) == 6 and np.array_equal(film[4], frames[2]) and np.array_equal(film[5], frames[1])
    with films.workshop() as pool:
        pool.submit(films.write_films, tmp_path / "a", frames, 10.0, ("gif", "mp4", "webp"), "there-and-back").result()
        pool.submit(films.write_films, tmp_path / "once", frames, 10.0, ("gif",), "loop").result()
        pool.submit(films.write_mp4, tmp_path / "odd.mp4", film[:, :-1], 10.0).result()
        mp4, odd = (pool.submit(iio.imread, tmp_path / name, plugin="FFMPEG").result() for name in ("a.mp4", "odd.mp4"))
    gif = iio.imread(tmp_path / "a.gif")
    assert gif.shape[:3] == (6, 64, 64) and mp4.shape == film.shape and odd.shape == (6, 62, 64, 3)
    assert np.abs(gif[..., :3].astype(int) - film).mean() < 8 and np.abs(mp4.astype(int) - film).mean() < 12
    assert iio.immeta(tmp_path / "a.gif")["duration"] == 100
    webp = iio.imread(tmp_path / "a.webp", index=...)
    assert webp.shape[:3] == (6, 64, 64) and np.abs(webp[..., :3].astype(int) - film).mean() < 12
    assert len(iio.imread(tmp_path / "once.gif")) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "a.mp4", "a.webp", "odd.mp4", "once.gif"]


def test_few_colours_are_near_and_lines_stay_white_and_letters_black():
    """Lines of one pixel and a dot, which no part of the pixels need meet."""
    frame = np.random.default_rng(0).integers(40, 216, (24, 24, 3), dtype=np.uint8).repeat(11, 0).repeat(11, 1)
    frame[:, 131], frame[7], frame[200, 200] = 255, 255, 0
    seen = np.asarray(films.in_few_colours(frame).convert("RGB")).astype(int)
    assert len(np.unique(seen.reshape(-1, 3), axis=0)) <= 256
    by_median_cut = np.asarray(Image.fromarray(frame).quantize(256, dither=Image.Dither.NONE).convert("RGB")).astype(int)
    assert np.abs(seen - frame).mean() < np.abs(by_median_cut - frame).mean()
    assert seen[:, 131].min() == seen[7].min() == 255 and seen[200, 200].max() == 0


def test_sizes_of_pictures():
    images = scenes(3)
    assert films.resized(images, 40).shape == (3, 48, 48, 3)
    assert films.resized(images, 10).shape == (3, 10, 10, 3)
    np.testing.assert_array_equal(films.resized(images, 48)[:, 1::3, 1::3], images)
    sheet = pictures.grid(images, columns=2, gap=2)
    assert sheet.shape == (34, 34, 3)
    np.testing.assert_array_equal(sheet[18:, :16], images[2])
    assert np.all(sheet[18:, 18:] == 255)
    assert films.moving_grid(np.stack([scenes(5)] * 4), 3, 64).shape == (5, 66, 66, 3)


def test_bytes_and_floats_are_each_others_inverse():
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, -1)
    np.testing.assert_array_equal(pictures.to_uint8(pictures.to_float(every)), every)
    assert pictures.to_uint8(np.array([-7.0, 7.0])).tolist() == [0, 255]
