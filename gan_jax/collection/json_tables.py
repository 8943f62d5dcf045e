"""Records in JSON and JSON Lines as rows of a table."""

import json
from collections.abc import Iterator
from typing import Any

MOST_VALUES = 6_000_000  # in one file: what these take in memory stays below half a gigabyte
DEEPEST = 32  # objects and lists in each other
_LISTS_WITHIN = 3  # objects around the list of records: {"data": {"items": [...]}}

_OF_VALUES = {"value", "type", "datatype", "language", "xml:lang"}

Row = dict[str, str]


def is_json(text: str) -> bool:
    """Returns whether a text may be JSON, by how it begins."""
    return text[:1000].lstrip("\ufeff \t\r\n")[:1] in ("{", "[")


def records(text: str) -> Iterator[tuple[int, Row | str]]:
    """Yields (number of the record or line, its fields as texts, nested ones with dots between, or why it can't be read).

    Takes a list of objects, objects by their keys, an object of lists (a column each) or of the same by the rows' numbers, lists of cells
    below one of names, any of these within an object, one object alone, and an object a line. Raises ValueError for what is none of these.
    """
    if sum(map(text.count, "[{,:")) > 2 * MOST_VALUES:
        raise ValueError(f"more than {MOST_VALUES:,} values")
    try:
        found = _of(_loaded(text))
    except ValueError as error:
        lines = _lines(text)
        if lines is None:
            raise ValueError(f"not JSON ({error})") from None
        yield from lines
        return
    for n, record in enumerate(found, 1):
        if isinstance(record, dict):
            try:
                yield n, flat(record)
            except ValueError as error:
                yield n, str(error)
        else:
            yield n, "not an object with fields"


def flat(record: dict) -> Row:
    """Returns the fields of a record as texts: {"dating": {"year": 1888}} has "dating.year".

    Of a list, all values with "; " between; of a list of objects, those of each of their fields. Of a value with its type or language, as
    SPARQL and JSON-LD write them, the value. Raises ValueError for what is nested too deep.
    """
    row: dict[str, list[str]] = {}
    _flatten(record, "", row, 0)
    return {name: "; ".join(filter(None, values)) for name, values in row.items()}


def _flatten(value: Any, name: str, row: dict[str, list[str]], depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"more than {DEEPEST} objects in each other")
    if isinstance(value, dict):
        typed = {key.removeprefix("@"): part for key, part in value.items()}
        if "value" in typed and len(typed) > 1 and typed.keys() <= _OF_VALUES:
            value = {"": typed["value"]}
        for key, part in value.items():
            _flatten(part, f"{name}.{key}" if name and key else name or key, row, depth + 1)
    elif isinstance(value, list):
        if not any(isinstance(part, dict) for part in value):
            row.setdefault(name, [])
        for part in value:
            _flatten(part, name, row, depth + 1)
    else:
        row.setdefault(name, []).append(_text(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _loaded(text: str) -> Any:
    try:
        return json.loads(text.lstrip("\ufeff"), parse_constant=lambda constant: None)
    except RecursionError:
        raise ValueError("too many objects in each other") from None


def _lines(text: str) -> Iterator[tuple[int, Row | str]] | None:
    """JSON Lines, if the first line is an object."""

    def read(line: str) -> Row | str:
        try:
            record = _loaded(line)
            return flat(record) if isinstance(record, dict) else "not an object with fields"
        except ValueError as error:
            return f"not JSON ({error})"

    numbered = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not numbered or isinstance(read(numbered[0][1]), str):
        return None
    return ((n, read(line)) for n, line in numbered)


def _are_columns(parts: list) -> bool:
    """Returns whether these are lists of the same length, of no objects."""
    if len(parts) < 2 or not all(isinstance(part, list) for part in parts) or len({len(part) for part in parts}) > 1:
        return False
    return not any(isinstance(cell, dict) for part in parts for cell in part[:1])


def _objects(part: list) -> bool:
    return bool(part) and all(isinstance(record, dict) for record in part[:10])


def _by_numbers(parts: list) -> bool:
    """Returns whether these are columns of which each has its cells by the numbers of the rows, as pandas writes them."""
    same = len(parts) > 1 and all(isinstance(part, dict) and part.keys() == parts[0].keys() for part in parts)
    return same and list(parts[0]) == [str(n) for n in range(len(parts[0]))]


def _below_names(names: Any, rows: list) -> list | None:
    """Returns the records of lists of cells, if these are such and as long as the names."""
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        return None
    fit = all(isinstance(row, list) and len(row) == len(names) for row in rows)
    return [dict(zip(names, row)) for row in rows] if rows and fit else None


def _of(value: Any, depth: int = 0) -> list:
    """Returns the records in what a file holds. Raises ValueError if there are none."""
    if isinstance(value, list):
        return _below_names(value[0], value[1:]) or value if value else value
    if isinstance(value, dict) and value:
        parts = list(value.values())
        if _are_columns(parts):
            return [dict(zip(value, cells)) for cells in zip(*parts)]
        if _by_numbers(parts):
            return [dict(zip(value, cells)) for cells in zip(*(part.values() for part in parts))]
        table = [part for part in parts if isinstance(part, list) and part and isinstance(part[0], list)]
        for names in parts if len(table) == 1 else ():
            if below := _below_names(names, table[0]):
                return below
        if len(parts) > 1 and all(isinstance(part, dict) for part in parts) and set.intersection(*(set(part) for part in parts)):
            return [{"key": key} | part for key, part in value.items()]
        if depth < _LISTS_WITHIN:
            lists = [part for part in parts if isinstance(part, list) and _objects(part)]
            scalars = sum(not isinstance(part, dict | list) for part in parts)
            if lists and (scalars <= 8 or len(max(lists, key=len)) > len(parts)):
                return max(lists, key=len)
            inner = [part for part in parts if isinstance(part, dict)]
            if len(inner) > 1:  # lists of names alone, as in SPARQL's head, are no records
                inner = [part for part in inner if not all(isinstance(cell, list) and not _objects(cell) for cell in part.values())]
            if len(inner) == 1 and scalars <= 2:
                return _of(inner[0], depth + 1)
        return [value]
    raise ValueError("no records")
