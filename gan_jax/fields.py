"""What is known of a field of the config, and how a table of them is written: `settings.py` has the table."""

import dataclasses
import json
import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

from gan_jax import errors

INF = math.inf


@dataclasses.dataclass(frozen=True)
class Field:
    """Describes a field of the config. `integer`, `real` and the others below make one."""

    name: str  # as on the command line, behind --config.
    default: Any
    about: str  # what it is, with its unit
    kind: type  # int, float, bool, str; tuple for several of them
    bounds: tuple[float, float] | None = None  # least and greatest number, both included
    choices: tuple[Any, ...] = ()  # all that it may be; "keras:NAME" stands for any text behind "keras:". (): anything of its kind
    least: int = 0  # where it is several, how many at least
    keys: tuple[str, ...] = ()  # where it is a section of as many fields that are alike, their names
    resume: bool = False  # whether it may differ from the config that a workdir was begun with
    new: bool = False  # it came when there were workdirs; what was done before it changes no fingerprint
    before: Any = None  # what was done in workdirs from before it was there, where that is not the default
    was: str = ""  # its former name, by which fingerprints have it
    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)  # former values, with those of today

    @property
    def section(self) -> str:
        """Returns the section of the config; its own name for a field that stands in none."""
        return self.name.partition(".")[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Returns the names in the config: its own, where it is not several."""
        return tuple(f"{self.name}.{key}" for key in self.keys) or (self.name,)

    @property
    def done_before(self) -> Any:
        """Returns the value by which is done what was done in workdirs from before it was there."""
        return self.default if self.before is None else self.before

    def allowed(self) -> str:
        """Says in a few characters what it may be; "" for anything of its kind."""
        if self.choices:
            return ", ".join(map(shown, self.choices))
        if self.bounds:
            least, greatest = map(_number, self.bounds)
            return f"{least} to {greatest}" if self.bounds[1] < INF else f"{least} or more"
        return ""

    def fault(self, value: Any) -> str:
        """Says what would be right where a value is wrong, behind the value itself; "" for one that is right."""
        if self.kind is tuple:
            return self._fault_of_several(value)
        if self.choices:
            return "" if _among(value, self.choices) else f"there is {', '.join(map(repr, self.choices))}"
        if self.bounds:
            whole = self.kind is int
            right = isinstance(value, numbers.Integral if whole else numbers.Real) and not isinstance(value, bool)
            right = right and self.bounds[0] <= value <= self.bounds[1]  # which no NaN is
            least, greatest = map(_number, self.bounds)
            limits = f"from {least} to {greatest}" if self.bounds[1] < INF else f"of {least} or more"
            return "" if right else f"a {'whole ' if whole else ''}number {limits} is needed"
        if isinstance(value, self.kind):
            return ""
        return "True or False is needed" if self.kind is bool else "a text is needed"

    def _fault_of_several(self, values: Any) -> str:
        if not isinstance(values, (tuple, list)):
            return f"several are needed, as in {shown(self.default or self.choices[:2])}"
        if wrong := [value for value in values if not _among(value, self.choices)]:
            return f"no {errors.shown(wrong[0])}; there is {', '.join(map(repr, self.choices))}"
        return f"at least {self.least} is needed" if len(values) < self.least else ""

    def __str__(self) -> str:
        name = f"{self.name}.{self.keys[0]}, ... {self.keys[-1]}" if self.keys else self.name
        allowed = f" [{self.allowed()}]" if self.allowed() else ""
        return f"--config.{name} = {shown(self.default)}  # {self.about}{allowed}"


class Dataclass(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


Settings = TypeVar("Settings", bound=Dataclass)


def taken(kind: type[Settings], section: Any, **given: Any) -> Settings:
    """Returns the dataclass `kind` with the fields of a config's section that are called like its own, but for those that are given."""
    names = kind.__dataclass_fields__.keys() - given.keys()
    return kind(**given, **{name: section[name] for name in names})


def integer(name: str, default: int, least: float, greatest: float, about: str, **more: Any) -> Field:
    return Field(name, default, about, int, (least, greatest), **more)


def real(name: str, default: float, least: float, greatest: float, about: str, **more: Any) -> Field:
    return Field(name, default, about, float, (least, greatest), **more)


def flag(name: str, default: bool, about: str, **more: Any) -> Field:
    return Field(name, default, about, bool, **more)


def text(name: str, default: str, about: str, **more: Any) -> Field:
    return Field(name, default, about, str, **more)


def one_of(name: str, default: Any, choices: Sequence[Any], about: str, **more: Any) -> Field:
    return Field(name, default, about, type(default), choices=tuple(choices), **more)


def some_of(name: str, default: tuple[Any, ...], choices: Sequence[Any], about: str, **more: Any) -> Field:
    return Field(name, default, about, tuple, choices=tuple(choices), **more)


def section(name: str, *fields: Field) -> list[Field]:
    """Returns the fields of a section, with its name in front of theirs."""
    return [dataclasses.replace(each, name=f"{name}.{each.name}", was=each.was and f"{name}.{each.was}") for each in fields]


def shown(value: Any) -> str:
    """Returns a value as Python, with the quotation marks of JSON."""
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))}{',' * (len(value) == 1)})"
    if isinstance(value, str):
        return json.dumps(value)
    return f"{value:_}" if isinstance(value, int) and value >= 10**6 else repr(value)


def _among(value: Any, choices: tuple[Any, ...]) -> bool:
    if isinstance(value, bool) or not isinstance(value, (str, numbers.Integral)):
        return False
    kinds = [choice.partition(":")[0] for choice in choices if isinstance(choice, str) and ":" in choice]
    return value in choices or (
        isinstance(value, str) and any(value.startswith(f"{kind}:") and len(value) > len(kind) + 1 for kind in kinds)
    )


def _number(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e5 and value == float(f"{value:g}") else f"{value:,}"
