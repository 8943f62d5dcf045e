"""The settings of a study as people read them: names, defaults and comments, from the source of the default config.

python -m gan_jax.fields > docs/settings.md
"""

import dataclasses
import functools
import inspect
import io
import json
import operator
import re
import tokenize

from gan_jax import default_config


@dataclasses.dataclass(frozen=True)
class Field:
    section: str  # of the config; its own name for one that stands in none
    name: str  # as on the command line, behind --config.
    default: str  # as Python
    about: str  # "" for those whose name says all

    def __str__(self) -> str:
        return f"--config.{self.name} = {self.default}" + (f"  # {self.about}" if self.about else "")


def fields() -> tuple[Field, ...]:
    """All of them, in their order."""
    found, section = [], ""
    for line in inspect.getsource(default_config.get_config).splitlines():
        if match := re.match(r"    config\.(\w+) = ", line):
            section = match[1]
        match = re.match(r"    (?:config\.)?(\w+)(\.[\w.]+)? = (.*)", line)
        if match and section and "= ConfigDict()" not in line:
            default, about = _parted(match[3])
            name = (match[1] if match[1] == section else section) + (match[2] or "")
            if default.startswith("ConfigDict({"):
                several = functools.reduce(operator.getitem, name.split("."), default_config.get_config())
                order = sorted(several, key=lambda key: default.index(f'"{key}"'))
                found += [Field(section, f"{name}.{key}", json.dumps(several[key]), about) for key in order]
            else:
                found.append(Field(section, name, default, about))
    return tuple(found)


def _parted(text: str) -> tuple[str, str]:
    """Code and its comment."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            return text[: token.start[1]].strip(), token.string[1:].strip()
    return text.strip(), ""


def page() -> str:
    """All settings as Markdown, a table for each section."""
    lines = [
        "# Settings",
        "",
        "Written by `python -m gan_jax.fields`. `--config.NAME=VALUE` on the command line changes one.",
        "",
        "Configs differ from these defaults, also the one that is taken where none is named, `gan_jax/demo_config.py`.",
    ]
    for section in dict.fromkeys(field.section for field in fields()):
        lines += ["", f"## {section}", "", "| name | default | |", "| --- | --- | --- |"]
        for field in fields():
            if field.section == section:
                cells = (f"`{field.name}`", f"`{field.default}`", field.about)
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
