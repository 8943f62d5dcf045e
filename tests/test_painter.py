"""The built-in painter: known curves, subjects that don't depend on the year, paintings that depend on (seed, i) alone."""

import colorsys
import dataclasses
import math
import re

import numpy as np
import pytest

from gan_jax.collection import brushwork, motif, painter
from gan_jax.errors import UserError

YEARS = (1880.0, 1883.0, 1887.0, 1890.0)
PARAMETERS = [field.name for field in dataclasses.fields(motif.Style)]


def generator(seed):
    return np.random.Generator(np.random.PCG64(seed))


def box(image, size):
    side = image.shape[0] // size
    return image.astype(float).reshape(size, side, size, side, 3).mean(axis=(1, 3))


def correlation(a, b):
    return np.corrcoef(np.ravel(a).astype(float), np.ravel(b).astype(float))[0, 1]


def luminance(image):
    return image.astype(float) @ np.array([0.2126, 0.7152, 0.0722]) / 255


@pytest.fixture(scope="module")
def collection():
    return painter.paint_collection(24, 1880, 1890, seed=3, resolution=32)


@pytest.fixture(scope="module")
def same_subjects():
    """Five subjects, each painted by the same hand in the styles of four years: [5, 4, 64, 64, 3]."""
    return np.array(
        [
            [brushwork.paint(motif.draw_subject(generator(i)), motif.style_of(year), 64, generator(100 + i)) for year in YEARS]
            for i in range(5)
        ]
    )


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_paintings(collection):
    rows, images = painter.paint_collection(24, 1880, 1890, seed=3, resolution=32)
    assert rows == collection[0] and np.array_equal(images, collection[1])
    others, other_images = painter.paint_collection(24, 1880, 1890, seed=4, resolution=32)
    assert [row["title"] for row in others] != [row["title"] for row in rows]
    assert not np.array_equal(other_images, images)
    assert images.shape == (24, 32, 32, 3) and images.dtype == np.uint8


def test_a_smaller_collection_is_part_of_a_larger_one(collection):
    few, few_images = painter.paint_collection(7, 1880, 1890, seed=3, resolution=32)
    place = {row["file"]: i for i, row in enumerate(collection[0])}
    assert sorted(row["file"] for row in few) == [f"painted_{i:04d}.png" for i in range(1, 8)]
    for row, image in zip(few, few_images, strict=True):
        assert row == collection[0][place[row["file"]]]
        assert np.array_equal(image, collection[1][place[row["file"]]])


def test_the_table_does_not_depend_on_the_resolution_and_the_span_moves_only_the_style():
    small, _ = painter.paint_collection(5, 1880, 1890, seed=3, resolution=8)
    large, _ = painter.paint_collection(5, 1880, 1890, seed=3, resolution=20)
    assert small == large
    early, _ = painter.paint_collection(5, 1880, 1881, seed=3, resolution=8)
    assert {row["file"]: row["title"] for row in early} == {row["file"]: row["title"] for row in small}


@pytest.mark.parametrize("resolution", [64, 128])
def test_a_larger_rendering_reduced_is_the_smaller_rendering(resolution):
    for i, year in enumerate((1881.0, 1889.0)):
        subject, style = motif.draw_subject(generator(i)), motif.style_of(year)
        large, small = (brushwork.paint(subject, style, r, generator(7 + i)) for r in (resolution, 32))
        assert correlation(box(large, 32), small) > 0.98
        assert np.abs(box(large, 32) - small).mean() < 4.0  # of 255


@pytest.mark.parametrize("resolution", [4, 37, 130])
def test_any_resolution_is_painted_to_the_edges(resolution):
    image = brushwork.paint(motif.draw_subject(generator(0)), motif.style_of(1890), resolution, generator(1))
    assert image.shape == (resolution, resolution, 3)
    # Sky above and ground below, in the corners too: no unpainted margin of one colour.
    assert np.abs(image[0].astype(int) - image[-1].astype(int)).max(axis=-1).min() > 20


def test_early_strokes_hatch_along_the_horizon_and_late_ones_swirl():
    subject = dataclasses.replace(motif.draw_subject(generator(0)), trees=(), house_x=None, path_x=None, hill_height=0.0)

    def sky_slopes(year):
        sky = luminance(brushwork.paint(subject, motif.style_of(year), 128, generator(5)))[: int(128 * subject.horizon) - 8]
        return np.abs(np.diff(sky, axis=1)).mean(), np.abs(np.diff(sky, axis=0)).mean()

    early_x, early_y = sky_slopes(1880)
    late_x, late_y = sky_slopes(1890)
    assert min(early_x, late_x) > 1e-3
    # Horizontal hatching changes little along its lines; swirls change as much one way as the other.
    assert early_x / early_y < 0.75 < late_x / late_y < 1.35


def test_a_subject_looks_the_same_in_layout_whatever_the_year(same_subjects):
    coarse = np.array([[luminance(box(image, 8)) for image in row] for row in same_subjects])
    same = [correlation(coarse[i, 0], coarse[i, 3]) for i in range(5)]
    assert min(same) > 0.4
    others = [correlation(coarse[i, 0], coarse[j, 3]) for i in range(5) for j in range(5) if i != j]
    assert np.mean(same) > np.mean(others) + 0.1


def test_measured_saturation_contrast_and_light_rise_with_the_year(same_subjects):
    def saturation(image):
        return np.mean([colorsys.rgb_to_hsv(*pixel)[1] for pixel in box(image, 16).reshape(-1, 3) / 255])

    for of in (saturation, lambda image: np.ptp(image.astype(float), axis=-1).mean(), lambda image: luminance(image).mean()):
        for row in same_subjects:
            assert np.all(np.diff([of(image) for image in row]) > 0)
    contrast = np.array([[luminance(image).std() for image in row] for row in same_subjects])
    assert np.all(np.diff(contrast.mean(axis=0)) > 0)
    assert np.all(contrast[:, -1] > 1.3 * contrast[:, 0])


def test_warmth_alone_moves_the_shadows_from_blue_to_brown_and_the_lights_less():
    subject, style = motif.draw_subject(generator(0)), motif.style_of(1885)
    blue, brown = (brushwork.paint(subject, dataclasses.replace(style, warmth=w), 64, generator(1)).astype(float) for w in (-0.8, 0.8))
    change = (brown[..., 0] - brown[..., 2]) - (blue[..., 0] - blue[..., 2])
    light = luminance((blue + brown) / 2)
    dark, bright = light < np.quantile(light, 0.2), light > np.quantile(light, 0.8)
    assert change[dark].mean() > 1.3 * change[bright].mean() > 0


def test_subjects_are_drawn_without_the_year_and_stay_inside_the_picture():
    assert motif.draw_subject(generator(5)) == motif.draw_subject(generator(5))
    subjects = [motif.draw_subject(generator(i)) for i in range(300)]
    for s in subjects:
        assert 0.4 < s.horizon < 0.65 and s.sun_radius < s.sun_y < s.horizon and s.sun_radius < s.sun_x < 1 - s.sun_radius
        for tree in s.trees:
            assert s.horizon < tree.foot < 0.95 and tree.foot - tree.height > 0 and 0.05 < tree.x < 0.95
    assert {len(s.trees) for s in subjects} == {0, 1, 2, 3}
    assert {(s.season, s.hour) for s in subjects} == {(a, b) for a in motif.FIELDS for b in motif.SUNS}


def test_style_is_the_table_at_its_ends_and_in_the_middle():
    assert [name for name, *_ in motif.CURVES] == PARAMETERS
    # By hand: steady is half way, soon three quarters, turn half, late 0.25 * (1.6 - 0.3).
    middle = {"steady": 0.5, "soon": 0.75, "turn": 0.5, "late": 0.325}
    for name, early, late, shape in motif.CURVES:
        for year, part in ((1880, 0.0), (1890, 1.0), (1885, middle[shape]), (1870, 0.0), (1900, 1.0)):
            assert getattr(motif.style_of(year), name) == pytest.approx(early + (late - early) * part, abs=1e-12), (name, year)


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_tells_the_year(name):
    values = np.array([getattr(motif.style_of(year), name) for year in np.linspace(1880, 1890, 101)])
    steps = np.diff(values)
    assert np.all(steps > 0) or np.all(steps < 0)
    assert np.abs(steps).max() < 0.03 * np.ptp(values)  # smooth: no step of more than three times the mean


def test_each_painting_lies_near_the_curve_at_its_date_but_not_on_it(collection):
    deviations = []
    for row in collection[0]:
        curve = motif.style_of(float(row["date"]))
        for name, early, late, _ in motif.CURVES:
            deviations.append((float(row[name]) - getattr(curve, name)) / (late - early))
    assert np.abs(deviations).max() <= 0.1 + 1e-3
    assert 0.03 < np.std(deviations) < 0.06  # 0.05 less what is cut
    assert abs(np.mean(deviations)) < 0.015


def test_the_years_are_even_over_the_span_and_in_order(collection):
    dates = [float(row["date"]) for row in collection[0]]
    assert dates == sorted(dates) and dates[0] >= 1880 and dates[-1] <= 1890
    assert np.all(np.histogram(dates, bins=4, range=(1880, 1890))[0] >= 4)  # 24 paintings: 6 each if perfectly even
    assert all(re.fullmatch(r"18\d\d\.\d{3}", row["date"]) for row in collection[0])
    assert len(set(dates)) == 24


def test_rows_are_text_with_plain_titles(collection):
    rows = collection[0]
    for row in rows:
        assert list(row) == ["file", "title", "date", *PARAMETERS]
        assert all(isinstance(value, str) for value in row.values())
        assert re.fullmatch(r"[A-Z][A-Za-z ,]+", row["title"])
        assert all(math.isfinite(float(row[name])) and len(row[name].split(".")[1]) >= 4 for name in PARAMETERS)
    assert len({row["title"] for row in rows}) > 12


def test_a_title_says_what_is_in_the_picture():
    trees = tuple(motif.Tree(x, 0.7, 0.4, True) for x in (0.2, 0.5))
    subject = motif.Subject("summer", "evening", 0.5, 0.0, 0.0, 0.8, 0.3, 0.06, trees, None, None, 0.5)
    assert motif.title_of(subject) == "Wheat Field with Two Cypresses and a Low Sun"
    bare = dataclasses.replace(subject, trees=(), season="spring", hour="noon", hill_height=0.15)
    assert motif.title_of(bare) == "Meadow beneath Hills with a High Sun"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((0, 1880, 1890, 0, 32), "paintings=0"),
        ((1, 1890, 1880, 0, 32), "first_year=1890"),
        ((1, 1880, math.nan, 0, 32), "last_year=nan"),
        ((1, 1880, 1890, -1, 32), "seed=-1"),
        ((1, 1880, 1890, 0, 2), "resolution=2"),
    ],
)
def test_what_cannot_be_painted_is_named(arguments, field):
    with pytest.raises(UserError, match=field):
        painter.paint_collection(*arguments)
