"""The examples of docs/library.md, run as they stand there."""

import pathlib
import re
import shutil

import numpy as np
import pytest
from command import command

from gan_jax.pictures import write_png

DOCS = pathlib.Path(__file__).parents[1] / "docs" / "library.md"
TINY = (
    "--config.collection.resolution=16", "--config.collection.painter.paintings=60", "--config.model.width=8", "--config.model.year=True",
    "--config.training.total_kimg=0.064", "--config.training.watch_images=0",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    """What the examples expect: a study, an image and two folders of images."""
    here = tmp_path_factory.mktemp("library")
    for verb in ("prepare", "train"):
        assert command(verb, f"--workdir={here / 'runs' / 'van_gogh'}", *TINY).returncode == 0
    images = np.load(here / "runs" / "van_gogh" / "collection" / "images.npy")
    write_png(here / "wheatfield.png", images[0])
    for name, some in (("real", images[:20]), ("made", 255 - images[20:40])):
        for i, image in enumerate(some):
            write_png(here / name / f"{i}.png", image)
    yield here
    shutil.rmtree(here)


def test_the_examples_run_one_after_the_other(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    examples = re.findall(r"^```python\n(.*?)^```$", DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(examples) == 5
    here: dict = {}
    for example in examples:
        exec(example, here)
    assert here["images"].shape == (16, 16, 16, 3) and here["images"].dtype == np.uint8
    assert here["reconstruction"].shape == (16, 16, 3) and here["latents"].shape == (here["generator"].latent_size,)
    assert here["found"].error.shape == (1,) and len(here["collection"].paintings) == 60
    # Negatives of paintings are further from paintings than chance could make them.
    distance = here["kid"].kid(here["standardise"](here["made"]), here["standardise"](here["real"]), seed=0)
    assert distance.low > 0 and str(distance) in capsys.readouterr().out
