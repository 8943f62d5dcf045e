"""What is asked of a config before anything runs: fields that there are, by their names of today, with values that they may have."""

import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ml_collections import ConfigDict

from gan_jax.collection.named_periods import Periods
from gan_jax.errors import UserError
from gan_jax.settings import BY_NAME, OPEN_SECTION, SETTINGS

FORMER = {field.was: field for field in SETTINGS if field.was}


def check(config: ConfigDict) -> None:
    """Gives fields their names of today, and raises UserError for one that can't be: unknown, missing, of another type or out of bounds."""
    _rename(config)
    flat = flatten(config.to_dict())
    for name in sorted(flat.keys() - BY_NAME.keys()):
        if not name.startswith(f"{OPEN_SECTION}."):
            close = difflib.get_close_matches(name, BY_NAME, 1)
            raise UserError(f"config.{name}: no such field" + (f"; did you mean config.{close[0]}?" if close else ""))
    for name in BY_NAME:
        if name not in flat:
            raise UserError(f"config.{name}: missing; a config begins with that of gan_jax.default_config.get_config()")
        check_value(name, flat[name])
    Periods.of(config.collection)


def check_value(name: str, value: Any) -> None:
    """Raises UserError for a value that a field can't have."""
    if fault := BY_NAME[name].fault(value):
        raise UserError(f"config.{name}={value!r}: {fault}")


def renamed(tree: Mapping[str, Any], where: Any, prefix: str = "") -> dict[str, Any]:
    """Returns a config as it was written, nested, by the names and values of today; says on stderr what is called otherwise in `where`."""
    made: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            made[key] = renamed(value, where, f"{prefix}{key}.")
        else:
            name, made_of = _today(f"{prefix}{key}", value, f"{where}: ")
            made[name.removeprefix(prefix)] = made_of
    return made


def renamed_flags(words: Sequence[str]) -> list[str]:
    """Returns the words of a command line with the fields' names of today."""
    made = []
    for word in words:
        match = re.fullmatch(r"(--?config\.)([\w.]+)(?:=(.*))?", word, re.DOTALL)
        if match and match[2] in FORMER:
            name, value = _today(match[2], match[3], "")
            word = match[1] + name + ("" if match[3] is None else f"={value}")
        made.append(word)
    return made


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns {'a.b': 1} of {'a': {'b': 1}}. Tuples become lists, as which they come back from JSON."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = list(value) if isinstance(value, tuple) else value
    return flat


def _rename(config: ConfigDict) -> None:
    """Gives former names and values in a config those of today; says so on stderr."""
    for name in (*FORMER, *(field.name for field in SETTINGS if field.renamed)):
        *sections, last = name.split(".")
        branch = config
        for section in sections:
            branch = branch.get(section, {})
        if last in branch:
            today, value = _today(name, branch[last], "")
            with branch.unlocked():
                if name in FORMER:
                    del branch[last]
                branch[today.rpartition(".")[2]] = value


def _today(name: str, value: Any, where: str) -> tuple[str, Any]:
    """Returns a field's name and value as they are called today; says on stderr where one of them was another."""
    field = FORMER.get(name) or BY_NAME.get(name)
    if not field:
        return name, value
    now = field.renamed.get(value, value) if isinstance(value, str) else value
    today = field.name if name in FORMER else name
    if (today, now) != (name, value):
        said = "" if value is None else f"={value}"
        print(f"gan_jax: {where}config.{name}{said} is called config.{today}{said and f'={now}'} now", file=sys.stderr)
    return today, now
