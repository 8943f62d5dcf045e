"""Pictures in their own shapes again, against pictures whose shapes are known."""

import json

import numpy as np
import pytest
from PIL import Image
from tiny import tiny_config

from gan_jax import reading
from gan_jax.collection import aspect
from gan_jax.collection.images import load_image
from gan_jax.collection.painter import paint_collection
from gan_jax.report.paintings import Paintings
from gan_jax.report.results import Results
from gan_jax.study import Study

RNG = np.random.default_rng(0)


def halves(width: int, height: int) -> Image.Image:
    """Left half red, right half blue."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2, 0] = 255
    picture[:, width // 2 :, 2] = 255
    return Image.fromarray(picture)


@pytest.mark.parametrize("width, height, shape", [(96, 48, (32, 64)), (48, 96, (64, 32)), (50, 50, (64, 64))])
@pytest.mark.parametrize("fit", ["pad", "squash"])
def test_what_was_fitted_into_a_square_comes_back(tmp_path, fit, width, height, shape):
    halves(width, height).save(tmp_path / "a.png")
    fitted = load_image(tmp_path / "a.png", 64, fit, 10**6)
    own = aspect.in_own_shape(fitted.image, fitted.width / fitted.height, fit)
    assert own.shape == (*shape, 3)
    expected = np.asarray(halves(shape[1], shape[0])).astype(int)
    inner = np.abs(np.arange(shape[1]) - shape[1] / 2 + 0.5) > 4  # beside the edge, where filters ring
    assert np.abs(own.astype(int) - expected)[:, inner].max() <= 8


def test_a_cropped_picture_stays_as_it_is():
    image = RNG.integers(0, 256, (16, 16, 3)).astype(np.uint8)
    np.testing.assert_array_equal(aspect.in_own_shape(image, 3.0, "crop"), image)
    images = image[None]
    assert aspect.matted(images, np.array([2.0]), "crop") is images


@pytest.mark.parametrize("fit", ["pad", "squash"])
def test_on_its_mat_a_picture_has_its_shape(fit):
    dark = np.zeros((2, 3, 32, 32, 3), np.uint8)
    shapes = np.array([[1.0, 2.0, 0.5], [4.0, 0.25, 1.0]])
    shown = aspect.matted(dark, shapes, fit)
    assert shown.shape == dark.shape and len(shown) == 2
    for at in np.ndindex(2, 3):
        covered = (shown[at] == 0).all(axis=-1)
        rows, columns = covered.any(axis=1), covered.any(axis=0)
        assert covered.sum() == rows.sum() * columns.sum()
        assert columns.sum() / rows.sum() == shapes[at] and max(rows.sum(), columns.sum()) == 32
        assert (shown[at][~covered] == aspect.MAT).all()
    np.testing.assert_array_equal(shown[:][1, 0], shown[1, 0])
    np.testing.assert_array_equal(shown[1, [2, 0]], np.stack([shown[1, 2], shown[1, 0]]))
    assert not dark.any()


def test_shapes_go_evenly_from_one_to_the_other():
    shapes = aspect.between(np.array([0.5, 1.0]), np.array([2.0, 1.0]), np.array([0, 0.5, 1]))
    np.testing.assert_allclose(shapes, [[0.5, 1, 2], [1, 1, 1]])


def test_a_study_of_wide_pictures_shows_them_wide(tmp_path):
    rows, images = paint_collection(48, 1880.0, 1890.0, 0, 32)  # as many as other tiny studies have, whose programs then serve
    (tmp_path / "paintings").mkdir()
    lines = ["file,title,date"]
    for row, image in zip(rows, images):
        Image.fromarray(image).resize((64, 32)).save(tmp_path / "paintings" / row["file"])
        lines.append(f'{row["file"]},"{row["title"]}",{row["date"]}')
    (tmp_path / "paintings.csv").write_text("\n".join(lines))
    config = tiny_config()
    config.collection.update(source="folder", table=str(tmp_path / "paintings.csv"), images=str(tmp_path / "paintings"), fit="squash")
    dict(Study(config, tmp_path / "run").run_all())
    run = tmp_path / "run"
    size = config.collection.resolution

    def covered(image) -> float:
        return float((np.asarray(image) != aspect.MAT).any(axis=-1).mean())

    for name in ("inversion/side_by_side.png", "morphs/contact_sheet.png", "morphs/tuning.png", "morphs/pair_000.png", "morphs/shift.png"):
        assert 0.3 < covered(Image.open(run / name)) < 0.6, name
    assert reading.read_array(run / "morphs" / "frames.npy").shape[2:] == (size, size, 3)  # what is judged is what the network painted
    paintings = Paintings.of(Results.load(run))
    assert len(paintings.collection.aspects) == 48 and (paintings.collection.aspects == 2).all()
    assert covered(paintings.images[0]) == 0.5
    assert covered(paintings.collection.images[0]) > 0.9
    assert json.loads((run / "config.json").read_text())["config"]["collection"]["fit"] == "squash"
