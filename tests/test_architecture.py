"""The direction of imports, as docs/architecture.md has it."""

import ast
import pathlib

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "gan_jax"
ROOMS = {
    "collection": set(),
    "models": set(),
    "metrics": {"models"},
    "training": {"models", "metrics"},
    "latents": {"models"},
    "morphing": {"models", "latents"},
    "evaluation": {"metrics", "collection"},
    "report": {"collection", "training"},
}
KNOWN_TO_ONE = {"orbax": {"training/checkpoints.py"}, "tensorflow_datasets": {"collection/tfds.py"}}


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


def test_the_page_takes_rules_of_other_rooms_that_need_no_jax():
    names = {name for path in (PACKAGE / "report").glob("*.py") for name in imported(path) if name.startswith("gan_jax.")}
    rules = {".".join(name.split(".")[1:3]) for name in names if name.split(".")[1] in ("collection", "training")}
    assert rules == {"collection.aspect", "collection.column_names", "training.health"}
    for rule in rules:
        assert not any(name.split(".")[0] == "jax" for name in imported(PACKAGE / f"{rule.replace('.', '/')}.py"))


def files_that_import(library: str, top_level: bool = False) -> set[str]:
    paths = [path for path in PACKAGE.rglob("*.py") if any(name.split(".")[0] == library for name in imported(path, top_level))]
    return {path.relative_to(PACKAGE).as_posix() for path in paths}


@pytest.mark.parametrize("library", KNOWN_TO_ONE)
def test_some_libraries_are_known_to_one_file(library):
    assert files_that_import(library) == KNOWN_TO_ONE[library]


def test_tensorflow_is_imported_when_it_is_used():
    assert files_that_import("tensorflow") == {"hub_safety.py"}  # `hub.py` asks for it by name
    assert not files_that_import("tensorflow", top_level=True) | files_that_import("tensorflow_datasets", top_level=True)
