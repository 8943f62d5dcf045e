"""A config that notes which of its fields are read: what a stage was made with is what its code asked for."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

GONE = object()


class Noted:
    """Looks like a ConfigDict to those who read it. Nothing can be written to it.

    Reading a field notes its name, as in "collection.fit". Going through the names of a section, or asking whether it has one, notes the
    section: then a field that comes to it counts as well.
    """

    def __init__(self, config: ConfigDict, read: set[str] | None = None, prefix: str = ""):
        """Wraps a config, or a section of it; names of what is read go to `read`."""
        self._config, self._read, self._prefix = config, set() if read is None else read, prefix

    @property
    def names_read(self) -> frozenset[str]:
        """Returns the names of fields and sections that were read so far."""
        return frozenset(self._read)

    def __getitem__(self, name: str) -> Any:
        value = self._config[name]
        if isinstance(value, ConfigDict):
            return Noted(value, self._read, f"{self._prefix}{name}.")
        self._read.add(f"{self._prefix}{name}")
        return value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(*error.args) from None

    def __contains__(self, name: str) -> bool:
        self._note_section()
        return name in self._config

    def __iter__(self) -> Iterator[str]:
        self._note_section()
        return iter(self._config)

    def keys(self) -> list[str]:
        """Returns the names in this section."""
        return list(self)

    def items(self) -> list[tuple[str, Any]]:
        """Returns the names in this section with what they name."""
        return [(name, self[name]) for name in self]

    def to_dict(self) -> dict[str, Any]:
        """Returns all of this section."""
        self._note_section()
        return self._config.to_dict()

    def _note_section(self) -> None:
        self._read.add(self._prefix.removesuffix("."))


def looked_up(config: Mapping[str, Any], names: Iterable[str], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns what a config, as nested dicts, says of fields and sections, by their names.

    Those that it no longer has say what they said `before`, so that a field that is gone changes nothing.
    """
    said: dict[str, Any] = {}
    for name in names:
        value: Any = config
        for part in filter(None, name.split(".")):
            value = value.get(part, GONE) if isinstance(value, Mapping) else GONE
        said[name] = (before or {}).get(name) if value is GONE else value
    return said
