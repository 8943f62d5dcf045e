"""Which file of a folder a table means, and nothing outside the folder."""

import os
import pathlib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from gan_jax.collection.catalogue import IMAGE_SUFFIX
from gan_jax.errors import UserError

MOST_FILES = 1_000_000


@dataclass(frozen=True)
class ImageFolder:
    root: pathlib.Path
    files: tuple[str, ...]  # all that aren't hidden, relative to the root, with "/"
    lookups: tuple[tuple[Callable[[str], str], dict[str, list[str]]], ...]  # (key of a name, files by that key), the strictest first

    def images(self) -> list[str]:
        """The files that are pictures by their suffix."""
        return [file for file in self.files if IMAGE_SUFFIX.search(file)]

    def leads_out(self, file: str) -> bool:
        """Whether a file is a link to something outside of the folder, which then must not be read."""
        return not (self.root / file).resolve().is_relative_to(self.root.resolve())

    def find(self, name: str) -> str:
        """The file that a table calls `name`: by its exact name, in any case, without the suffix, or anywhere in the subfolders.

        Raises LookupError with the reason if there is none, more than one, or if the name leads out of the folder.
        """
        wanted = name.strip().replace("\\", "/")
        if not wanted:
            raise LookupError("the row names no file")
        path = pathlib.PurePosixPath(wanted)
        if path.is_absolute() or ".." in path.parts or pathlib.PureWindowsPath(wanted).drive:
            raise LookupError(f"{name!r} leads out of the images folder")
        for key, by_key in self.lookups:
            found = by_key.get(key(str(path)), [])
            if len(found) > 1:
                raise LookupError(f"{name!r} fits {len(found)} files, {found[0]!r} and {found[1]!r} among them")
            if found:
                return found[0]
        raise LookupError(f"no file is called {name!r}")


def index_folder(root: pathlib.Path | str) -> ImageFolder:
    """Lists a folder and its subfolders once. Raises UserError if it is no folder."""
    root = pathlib.Path(root)
    if not root.is_dir():
        raise UserError(f"config.collection.images={root}: no such folder")
    files: list[str] = []
    for place, folders, names in os.walk(root):  # links to folders are not followed
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        below = pathlib.Path(place).relative_to(root)
        files += [(below / name).as_posix() for name in sorted(names) if not name.startswith(".")]
        if len(files) > MOST_FILES:
            raise UserError(f"{root}: more than {MOST_FILES:,} files; name the folder that holds the images alone")
    images = [file for file in files if IMAGE_SUFFIX.search(file)]
    lookups = (
        (str, _by(str, files)),
        (_folded, _by(_folded, files)),
        (_stem, _by(_stem, images)),
        (_base, _by(_base, files)),
        (_base_stem, _by(_base_stem, images)),
    )
    return ImageFolder(root, tuple(files), lookups)


def _by(key: Callable[[str], str], files: list[str]) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for file in files:
        result.setdefault(key(file), []).append(file)
    return result


def _folded(name: str) -> str:
    """Without case, and with accents in one piece, as macOS doesn't write them."""
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    return IMAGE_SUFFIX.sub("", _folded(name))


def _base(name: str) -> str:
    return _folded(name).rpartition("/")[2]


def _base_stem(name: str) -> str:
    return IMAGE_SUFFIX.sub("", _base(name))
