"""The direction of imports, as docs/architecture.md has it."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "gan_jax"
ROOMS = {
    "collection": set(),
    "models": set(),
    "metrics": {"models"},
    "training": {"models", "metrics"},
    "latents": {"models"},
    "morphing": {"collection", "models", "latents"},
    "evaluation": {"metrics", "collection"},
    "report": {"collection", "metrics", "training", "latents", "morphing", "evaluation"},
    "explorer": {"models", "latents"},
}
# What stages hand on: a class with `save` and `load`, and what its files hold.
ARTEFACTS = {
    "collection.paintings", "latents.samples", "latents.inverted", "morphing.morphs", "morphing.baseline", "evaluation.evaluation",
}  # fmt: skip
KNOWN_TO_ONE = {
    "orbax": {"training/checkpoints.py"},
    "tensorflow_datasets": {"collection/tfds.py"},
    "bokeh": {"explorer/page.py"},
    "torch": {"benchmark/pytorch.py"},
}


def imported(path: pathlib.Path, top_level: bool = False) -> set[str]:
    """Names of what a file imports; `top_level`: as it is read, not as its functions are called."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_what_stands_before_them(room):
    for path in (PACKAGE / room).rglob("*.py"):
        others = {name.split(".")[1] for name in imported(path) if name.startswith("gan_jax.")}
        assert others & {*ROOMS, "stages", "study", "generators"} <= ROOMS[room] | {room}, path


WITHOUT_JAX = ("report.page", "report.comparison", "morphing.films", "morphing.scene", "morphing.baseline", "latents.samples")


def test_the_page_and_what_makes_films_start_without_jax():
    modules = ", ".join(f"gan_jax.{name}" for name in WITHOUT_JAX)
    check = f"import sys, {modules}; assert not {{'jax', 'ml_collections'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", check], cwd=PACKAGE.parent, check=True)


def test_the_page_takes_of_other_rooms_what_they_made_and_rules():
    names = {
        name
        for path in (PACKAGE / "report").glob("*.py")
        for name in imported(path)
        if name.startswith("gan_jax.") and not name.startswith("gan_jax.report")
    }
    parts = [name.split(".")[1:3] for name in names]
    rules = {"collection.aspect", "collection.column_names", "metrics.distances", "metrics.properties"}
    rules |= {"morphing.films", "morphing.scene", "training.health"}
    assert {".".join(part) for part in parts if part[0] in ROOMS} == rules | ARTEFACTS - {"morphing.baseline"}


def test_a_workdir_is_read_in_one_place():
    """What reads files of a study by itself is `reading.py`."""
    readers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"np\.load\(|np\.lib\.format|json\.loads?\(|csv\.(reader|DictReader)\(", path.read_text(encoding="utf-8"))
    }
    beside = {"benchmark/speed.py", "in_use.py"}  # of the config at hand, or of a file that it holds open
    of_the_user = {"collection/csv_tables.py", "collection/json_tables.py"}
    assert readers == {"reading.py"} | beside | of_the_user


def files_that_import(library: str, top_level: bool = False) -> set[str]:
    paths = [path for path in PACKAGE.rglob("*.py") if any(name.split(".")[0] == library for name in imported(path, top_level))]
    return {path.relative_to(PACKAGE).as_posix() for path in paths}


@pytest.mark.parametrize("library", KNOWN_TO_ONE)
def test_some_libraries_are_known_to_one_file(library):
    assert files_that_import(library) == KNOWN_TO_ONE[library]


def test_a_clock_that_jumps_changes_nothing():
    """The time of day is said of a workdir in use, and is in the name of a damaged checkpoint: durations are of clocks that only go on."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            if name in ("time.time", "time.time_ns", "time.strftime", "time.localtime") or name.endswith((".now", ".today", ".utcnow")):
                found.add((str(path.relative_to(PACKAGE)), name))
    assert found == {("in_use.py", "time.strftime"), ("training/checkpoints.py", "time.time_ns")}


def test_docstrings_of_public_functions_begin_with_a_verb():
    without = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {said.splitlines()[0]}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and (said := ast.get_docstring(node))
        if not re.match(r"[A-Z][a-z-]+s\b", said)
    ]
    assert not without, "\n".join(without)


def test_tensorflow_is_imported_when_it_is_used():
    assert files_that_import("tensorflow") == {"hub_safety.py"}  # `hub.py` asks for it by name
    assert not files_that_import("tensorflow", top_level=True) | files_that_import("tensorflow_datasets", top_level=True)
