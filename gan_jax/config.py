"""What is asked of a config before anything runs: fields that there are, by their names of today, with values that they may have."""

import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ml_collections import ConfigDict

from gan_jax.collection.named_periods import Periods
from gan_jax.errors import MOST_SET, UserError, shown
from gan_jax.settings import BY_NAME, OPEN_SECTION, SETTINGS

FORMER = {field.was: field for field in SETTINGS if field.was}
_SAID: set[str] = set()  # lines of a process; a workdir's config is read more than once


def check(config: ConfigDict) -> None:
    """Gives fields their names of today, and raises UserError for one that can't be: unknown, missing, of another type or out of bounds."""
    rename(config)
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


def rename(config: ConfigDict, words: Sequence[str] = ()) -> None:
    """Gives former names and values in a config those of today; says so on stderr.

    words: of the command line, by the names of today. Fields that it names stay as they are, whatever a config file says by a former name.
    """
    given = {match[1] for word in words if (match := re.match(r"--?config\.([\w.]+)", word))}
    for name in (*FORMER, *(field.name for field in SETTINGS if field.renamed)):
        *sections, last = name.split(".")
        branch = config
        for section in sections:
            branch = branch.get(section, {})
        if last in branch:
            now, value, change = _today(name, branch[last])
            if change:
                print(f"gan_jax: {change}", file=sys.stderr)
            with branch.unlocked(), branch.ignore_type():
                if name in FORMER:
                    del branch[last]
                if name == now or now not in given:
                    branch[now.rpartition(".")[2]] = value


def check_value(name: str, value: Any) -> None:
    """Raises UserError for a value that a field can't have."""
    if fault := BY_NAME[name].fault(value):
        raise UserError(f"config.{name}={shown(value, MOST_SET)}: {fault}")


def today(name: str) -> str:
    """Returns a field's name of today."""
    return FORMER[name].name if name in FORMER else name


def renamed(tree: Mapping[str, Any], where: Any) -> dict[str, Any]:
    """Returns a config as it was written, nested, by the names and values of today; says on stderr, once a process, what is called
    otherwise in `where`."""
    changes: list[str] = []
    made = _renamed(tree, "", changes)
    line = f"gan_jax: {where}: {'; '.join(changes)}"
    if changes and line not in _SAID:
        _SAID.add(line)
        print(line, file=sys.stderr)
    return made


def renamed_flags(words: Sequence[str]) -> list[str]:
    """Returns the words of a command line with the fields' names of today."""
    made = []
    for word in words:
        match = re.fullmatch(r"(--?config\.)([\w.]+)(?:=(.*))?", word, re.DOTALL)
        if match and match[2] in FORMER:
            name, value, change = _today(match[2], match[3])
            print(f"gan_jax: {change}", file=sys.stderr)
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


def _renamed(tree: Mapping[str, Any], prefix: str, changes: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            made[key] = _renamed(value, f"{prefix}{key}.", changes)
        else:
            name, made_of, change = _today(f"{prefix}{key}", value)
            changes += [change] if change else []
            made[name.removeprefix(prefix)] = made_of
    return made


def _today(name: str, value: Any) -> tuple[str, Any, str]:
    """Returns a field's name and value as they are called today; says where one of them was another, "" where none was."""
    field = FORMER.get(name) or BY_NAME.get(name)
    if not field:
        return name, value, ""
    now = field.renamed.get(value, value) if isinstance(value, str) else value
    if (today(name), now) == (name, value):
        return name, value, ""
    said = "" if value is None else f"={value}"
    return today(name), now, f"config.{name}{said} is called config.{today(name)}{said and f'={now}'} now"
