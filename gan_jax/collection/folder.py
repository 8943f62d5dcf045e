"""Which file of a folder a table means, and nothing outside the folder."""

import os
import pathlib
import re
import unicodedata
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass

from gan_jax.errors import UserError
from gan_jax.reading import walk

MOST_FILES = 1_000_000
# Kinds of images that are read (HEIC with help), and those that are only listed.
_READ = (
    "jpe?g|jpe|jfif|jif|mpo|png|apng|gif|bmp|dib|tiff?|webp|avifs?|hei[cf]|hif|jp2|"
    "j2k|j2c|jpc|jpf|jpx|p[pgbn]m|tga|icb|vda|vst|pcx|psd|dds|sgi|qoi"
)
_LISTED = "jxl|rgba?|bw|ico|icns|xbm|xpm|svg|eps|cr2|cr3|nef|arw|dng|orf|rw2|raf"
IMAGE_SUFFIX = re.compile(rf"\.(?:{_READ})$", re.IGNORECASE)
_PICTURE_SUFFIX = re.compile(rf"\.(?:{_READ}|{_LISTED})$", re.IGNORECASE)
_ENCODED = re.compile("[%+?#!;|,]")
_SEVERAL = re.compile(r"; |, |\s*[|]\s*")  # between the names of a record's images
_IIIF = re.compile(r"/([^/]+)/[^/]+/[^/]+/!?[0-9]+/(?:default|native|color)\.[a-z0-9]+$", re.IGNORECASE)  # region, size, rotation, quality
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,20}://", re.IGNORECASE)


class _Ambiguous(LookupError):
    """A name that fits several files."""


def images_in(folder: pathlib.Path | str) -> list[pathlib.Path]:
    """Returns the images that lie in a folder, by name. Raises UserError where there are none."""
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    found = sorted(path for path in folder.iterdir() if path.is_file() and IMAGE_SUFFIX.search(path.name))
    if not found:
        raise UserError(f"{folder}: no images in this folder")
    return found


@dataclass(frozen=True)
class ImageFolder:
    root: pathlib.Path
    files: tuple[str, ...]  # all that aren't hidden, relative to the root, with "/"
    links: tuple[str, ...]  # those that lead to folders, which are not followed
    exact: frozenset[str]
    stems: frozenset[str]  # last parts of the files, as `_loose` writes them
    lookups: tuple[tuple[Callable[[str], str], dict[str, list[str]]], ...]  # (key of a name, files by that key), the strictest first

    def images(self) -> list[str]:
        """Returns the files that are images by their suffix."""
        return [file for file in self.files if _PICTURE_SUFFIX.search(file)]

    def has(self, name: str) -> bool:
        """Returns whether a table's name is that of a file, or of several."""
        try:
            return bool(self.find(name))
        except _Ambiguous:
            return True
        except LookupError:
            return False

    def leads_out(self, file: str) -> bool:
        """Returns whether a file is a link to something outside of the folder, or round in a circle, which then must not be read."""
        try:
            return not (self.root / file).resolve(strict=True).is_relative_to(self.root.resolve())
        except (OSError, RuntimeError):
            return True

    def find(self, name: str) -> str:
        """Returns the file that a table calls `name`: by its exact name, in any case, without the suffix, or anywhere in the subfolders.

        Of an address, and of a path on another machine ("C:\\\\...", "../..."), only the last part is looked for; "%20" is a space.
        Raises LookupError with the reason if there is no such file in the folder, or more than one.
        """
        if name in self.exact:
            return name
        wanted = name.strip().strip("\"'").strip().replace("\\", "/")
        if not wanted:
            raise LookupError("the row names no file")
        # Most names of a large table are those of no file, which a look at their last part shows.
        simple = not _ENCODED.search(wanted) and _loose(wanted) not in self.stems
        for candidate in () if simple else _candidates(wanted):
            for key, by_key in self.lookups:
                found = by_key.get(key(candidate), [])
                if len(found) > 1:
                    raise _Ambiguous(f"{name!r} fits {len(found)} files, {found[0]!r} and {found[1]!r} among them")
                if found:
                    return found[0]
        if _leads_out(wanted):
            raise LookupError(f"{name!r} leads out of the images folder, and no file in it is called {_candidates(wanted)[-1]!r}")
        raise LookupError(f"no file is called {name!r}")


def index_folder(root: pathlib.Path | str) -> ImageFolder:
    """Lists a folder and its subfolders once. Raises UserError if it is no folder."""
    root = pathlib.Path(root)
    if not root.is_dir():
        raise UserError(f"config.collection.images={root}: no such folder")
    files: list[str] = []
    links: list[str] = []
    for place, folders, names in walk(root):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        below = pathlib.Path(place).relative_to(root)
        links += [(below / folder).as_posix() for folder in folders if os.path.islink(os.path.join(place, folder))]
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
        (_loose, _by(_loose, images)),
    )
    return ImageFolder(root, tuple(files), tuple(links), frozenset(files), frozenset(map(_loose, files)), lookups)


def is_address(name: str) -> bool:
    """Returns whether a name is that of something on another machine, such as "https://..."."""
    return bool(_ADDRESS.match(name.strip()))


def _leads_out(path: str) -> bool:
    return path.startswith("/") or bool(re.match("[A-Za-z]:", path)) or ".." in path.split("/")


def _candidates(path: str) -> list[str]:
    """Returns what a path may be called in the folder, the likeliest first; nothing that leads out of it."""
    found = []
    address = is_address(path)
    several = _SEVERAL.split(path, maxsplit=1)
    if len(several) == 2 and IMAGE_SUFFIX.search(several[0]):
        path = several[0]
    readings = [] if address else [path]
    if "; " in path:
        path = several[0]
    cut = re.split("[?#]", path, maxsplit=1)
    readings.append(cut[0])
    if address and (picture := _IIIF.search(cut[0])):
        readings.append(cut[0][: picture.end(1)])
    if len(cut) == 2:  # "download.php?file=1.jpg"
        readings += [value for value in re.split("[&=]", cut[1]) if IMAGE_SUFFIX.search(value)]
    for reading in readings:
        once = urllib.parse.unquote(reading)
        for text in dict.fromkeys((reading, once, urllib.parse.unquote(once), once.replace("+", " "))):
            parts = [part for part in text.split("/") if part not in ("", ".")]
            if parts and not address and not _leads_out(text):
                found.append("/".join(parts))
            if parts and parts[-1] != "..":
                found.append(parts[-1])
                size = parts[-1].rpartition("!")[0]  # WikiArt's "starry-night.jpg!Large.jpg"
                if IMAGE_SUFFIX.search(size):
                    found.append(size)
    if address and len(cut) == 2:
        found.append(path.rpartition("/")[2])  # as wget names what it gets from there
    return list(dict.fromkeys(found)) or [path]


def _by(key: Callable[[str], str], files: list[str]) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for file in files:
        result.setdefault(key(file), []).append(file)
    return result


def _folded(name: str) -> str:
    """Without case, and with accents in one piece, as macOS doesn't write them."""
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    return _PICTURE_SUFFIX.sub("", _folded(name))


def _base(name: str) -> str:
    return _folded(name).rpartition("/")[2]


def _base_stem(name: str) -> str:
    return _PICTURE_SUFFIX.sub("", _base(name))


def _loose(name: str) -> str:
    """Returns the last part with spaces for what stands in their place when files are downloaded: "Café_de_nuit" is "café de nuit"."""
    return re.sub("[ _+]+", " ", _base_stem(name))
