"""The configs that come with the program: in configs/ beside it, or inside of it where it was installed."""

import ast
import pathlib
from collections.abc import Iterator

_PACKAGE = pathlib.Path(__file__).resolve().parent
FOLDER = next((folder for folder in (_PACKAGE / "configs", _PACKAGE.parent / "configs") if folder.is_dir()), _PACKAGE / "configs")


def found(config: str) -> str:
    """Returns what a command calls a config, FILE or NAME with a colon and arguments behind it or not, with the path of its file.

    A shipped one is meant by its name, "van_gogh" or "van_gogh:resolution=32", and by its path in the project, "configs/van_gogh.py", where
    there is no such file from here.
    """
    path, colon, argument = config.partition(":")
    if pathlib.Path(path).is_file():
        return config
    shipped = FOLDER / f"{path.removeprefix('configs/').removesuffix('.py')}.py"
    return f"{shipped}{colon}{argument}" if shipped.parent == FOLDER and shipped.is_file() else config


def listed() -> Iterator[tuple[str, str]]:
    """Yields names of the shipped configs with what they say of themselves first."""
    for file in sorted(FOLDER.glob("*.py")):
        # Read, not run.
        text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        yield file.stem, " ".join(text.split("\n\n")[0].split())
