"""The Colab notebook, executed from its first cell to its last at toy size."""

import ast
import copy
import csv
import os
import re
import warnings

import numpy as np
import pytest
from packaging.requirements import Requirement
from PIL import Image
from survival import ROOT
from xla_flags import FAST

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOK = ROOT / "launch" / "colab_tpu.ipynb"
TINY = (
    "--config.collection.resolution=16 --config.collection.min_paintings=8 --config.model.latent_size=8 --config.model.width=4 "
    "--config.training.total_kimg=0.128 --config.training.batch_size=16 --config.training.checkpoint_every_kimg=0.064 "
    "--config.training.sample_every_kimg=0.064 --config.inversion.steps=4 --config.inversion.candidates=32 --config.tuning.steps=4 "
    "--config.inversion.calibration=8 --config.morphing.frames=3 --config.morphing.size=32 --config.morphing.stations=3 "
    "--config.sampling.images=32 --config.sampling.walk=0 --config.evaluation.repeats=2 --config.morphing.films=0 "
    "--config.morphing.formats=\"('gif',)\" --config.training.watch_images=16 --config.training.augment=none "
    "--config.model.convolutions=1"
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
    with open(folder / "paintings.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "title", "date"])
        for i in range(32):
            Image.fromarray(rng.integers(0, 256, (20, 24, 3), np.uint8)).save(folder / f"{i}.png")
            table.writerow([f"{i}.png", f"Painting {i}", 1880 + i // 4])
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


def test_what_is_there_stays_and_what_is_missing_is_named(notebook):
    install = next(cell for cell in notebook.cells if cell.cell_type == "code")
    names = {"re": re, "Requirement": Requirement}
    functions = [node for node in ast.parse(install.source).body if isinstance(node, ast.FunctionDef) and node.name == "lacking"]
    exec(compile(ast.Module(functions, []), "cell", "exec"), names)
    there = {"jax": "0.7.2", "ml-collections": "0.9", "tqdm": "5.0rc1"}
    missing, untried = names["lacking"](["jax>=0.7.2,<0.12", "ml_collections>=1.1", "tensorboardX>=2.6.4,<3", "tqdm>=4"], there)
    assert missing == ["tensorboardX<3,>=2.6.4"] and untried == ["ml_collections 0.9 was not tried (>=1.1)"]


def execute(cells: list) -> list:
    """Runs them in a new kernel; the cells with their outputs."""
    cells = [nbformat.from_dict(cell | {"id": f"cell-{i}"}) for i, cell in enumerate(map(copy.deepcopy, cells))]  # one may be there twice
    notebook = nbformat.v4.new_notebook(cells=cells)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Jupyter's own
        client = nbclient.NotebookClient(
            notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(ROOT / "launch")}}
        )
        client.execute(env={**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": FAST})
    return notebook.cells


def page_in(cell) -> str:
    return next(output.data["text/html"] for output in cell.outputs if "text/html" in output.get("data", {}))


@pytest.fixture(scope="module")
def first_kernel(notebook, pictures, tmp_path_factory):
    """All cells as they are but for the size of the study; then own pictures, cut off at once; then a run that fails. By their names."""
    install, demo, own, train, report = (cell for cell in notebook.cells if cell.cell_type == "code")
    folder = tmp_path_factory.mktemp("first")
    cells = {
        "install": install,
        "demo": filled(demo, DEMO=str(folder / "demo"), SETTINGS=TINY + " --config.collection.painter.paintings=48"),
        "own": own,
        "train": train,
        "report": report,
        "told": own_pictures(own, pictures),
        "cut": filled(train, HOURS=1e-9, **mine(folder)),
        "early": report,
        "failed": filled(demo, DEMO=str(folder / "failed"), SETTINGS="--config.nonsense=1"),
    }
    cells["failed"].metadata["tags"] = ["raises-exception"]
    return folder, dict(zip(cells, execute(list(cells.values())), strict=True))


def own_pictures(cell, pictures):
    return filled(cell, PICTURES=str(pictures), EARLY="..1882", LATE="1885..")


def mine(folder) -> dict[str, str]:
    return dict(WORKDIR=str(folder / "mine"), CONFIG="configs/demo.py", MORE=TINY)


def test_run_all_shows_a_study_and_leaves_the_rest_alone(first_kernel):
    folder, cells = first_kernel
    install = text(cells["install"])
    assert "CpuDevice" in install and "'jax': '" in install and "installed: nothing" in install
    assert {"image/png", "image/gif"} <= kinds(cells["demo"]) and "report" in text(cells["demo"])
    assert "Fill in PICTURES" in text(cells["own"]) and "Cell 3 says which pictures" in text(cells["train"])
    page = page_in(cells["report"])
    assert "srcdoc=" in page and len(page) > (folder / "demo" / "report.html").stat().st_size
    assert text(cells["report"]) == ""


def test_own_pictures_are_trained_on_and_a_new_kernel_goes_on(notebook, pictures, first_kernel):
    folder, cells = first_kernel
    assert "paintings.csv" in text(cells["told"])
    assert "out of time (config.training.time_limit_hours)" in text(cells["cut"]) and "trained on" not in text(cells["cut"])
    assert "There is no report yet" in text(cells["early"])
    install, _, own, train, report = (cell for cell in notebook.cells if cell.cell_type == "code")
    again = [install, own_pictures(own, pictures), filled(train, **mine(folder)), report]  # cells 1, 3 and 4, as they say
    *_, whole, report = execute(again)
    assert "trained on" in text(whole) and "image/png" in kinds(whole)
    assert "srcdoc=" in page_in(report) and "Painting 3" in (folder / "mine" / "report.html").read_text()


def test_a_run_that_fails_ends_its_cell(first_kernel):
    (error,) = (output for output in first_kernel[1]["failed"].outputs if output.output_type == "error")
    assert error.ename == "SystemExit" and "gan_jax study ended with code 2" in error.evalue
