"""The Colab notebook, executed from its first cell to its last at toy size."""

import copy
import csv
import os
import re
import warnings

import numpy as np
import pytest
from PIL import Image
from survival import FAST, ROOT

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOK = ROOT / "launch" / "colab_tpu.ipynb"
TINY = (
    "--config.collection.resolution=16 --config.collection.min_works=8 --config.model.latent_size=8 --config.model.width=4 "
    "--config.training.total_kimg=0.128 --config.training.batch_size=16 --config.training.checkpoint_every_kimg=0.064 "
    "--config.training.sample_every_kimg=0.064 --config.inversion.steps=4 --config.inversion.candidates=32 --config.tuning.steps=4 "
    "--config.inversion.calibration=8 --config.morphing.frames=3 --config.morphing.size=32 --config.morphing.stations=3 "
    "--config.sampling.images=32 --config.sampling.walk=2 --config.evaluation.repeats=2"
)


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of pictures and its table."""
    folder = tmp_path_factory.mktemp("drive") / "my pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    with open(folder / "works.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "title", "date"])
        for i in range(32):
            Image.fromarray(rng.integers(0, 256, (20, 24, 3), np.uint8)).save(folder / f"{i}.png")
            table.writerow([f"{i}.png", f"Work {i}", 1880 + i // 4])
    return folder


def filled(cell, **fields):
    """A copy of a cell with these values in the fields of its form."""
    cell = copy.deepcopy(cell)
    for name, value in fields.items():
        cell.source, count = re.subn(rf"(?m)^{name} = .*?(?=  # @param)", lambda _: f"{name} = {value!r}", cell.source)
        assert count == 1, name
    return cell


def text(cell) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


def kinds(cell) -> set[str]:
    return {kind for output in cell.outputs for kind in output.get("data", {})}


def test_it_is_kept_without_outputs(notebook):
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")


def test_run_from_its_first_cell_to_its_last(notebook, pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", FAST)
    install, demo, own, train, report = (cell for cell in notebook.cells if cell.cell_type == "code")
    work = str(tmp_path / "mine")
    mine = dict(WORKDIR=work, CONFIG="configs/demo.py", MORE=TINY)
    notebook = copy.deepcopy(notebook)
    notebook.cells = [
        install,
        filled(demo, DEMO=str(tmp_path / "demo"), SETTINGS=TINY + " --config.collection.painter.works=48"),
        filled(own, PICTURES=""),
        filled(train, **mine),  # "Run all" before anything is filled in
        report,
        filled(own, PICTURES=str(pictures), EARLY="..1882", LATE="1885.."),
        filled(train, HOURS=1e-9, **mine),  # cut off
        filled(train, **mine),
        report,
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Jupyter's own
        client = nbclient.NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(ROOT / "launch")}}
        )
        client.execute(env={**os.environ, "JAX_PLATFORMS": "cpu"})
    install, demo, nothing, no_training, of_demo, own, cut, whole, of_mine = notebook.cells
    assert "CpuDevice" in text(install) and "'jax': '" in text(install)
    assert {"image/png", "image/gif"} <= kinds(demo) and "report" in text(demo)
    assert "Fill in PICTURES" in text(nothing) and "Cell 3 says which pictures" in text(no_training)
    assert "works.csv" in text(own)
    assert "out of time (config.training.time_limit_hours)" in text(cut) and "trained on" not in text(cut)
    assert "trained on" in text(whole) and "image/png" in kinds(whole)
    for cell, folder in ((of_demo, tmp_path / "demo"), (of_mine, tmp_path / "mine")):
        page = next(output.data["text/html"] for output in cell.outputs if "text/html" in output.get("data", {}))
        assert "srcdoc=" in page and len(page) > (folder / "report.html").stat().st_size
    assert "Work 3" in (tmp_path / "mine" / "report.html").read_text()


def test_a_run_that_fails_ends_its_cell(notebook, tmp_path):
    install, demo, *_ = (cell for cell in notebook.cells if cell.cell_type == "code")
    notebook = copy.deepcopy(notebook)
    notebook.cells = [install, filled(demo, DEMO=str(tmp_path), SETTINGS="--config.nonsense=1")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}})
        with pytest.raises(nbclient.exceptions.CellExecutionError, match="gan_jax study ended with code 2"):
            client.execute(env={**os.environ, "JAX_PLATFORMS": "cpu"})
