"""The config that others are small differences from: every field of `settings.py`, with its default.

The defaults paint: the built-in painter's landscapes at 32 px by a small DCGAN, minutes on two CPU cores.
"""

from typing import Any

from ml_collections import ConfigDict

from gan_jax.settings import BY_RESOLUTION, SETTINGS


def get_config() -> ConfigDict:
    tree: dict[str, Any] = {}
    for field in SETTINGS:
        for name in field.names:
            *sections, last = name.split(".")
            branch = tree
            for section in sections:
                branch = branch.setdefault(section, {})
            branch[last] = field.default
    return ConfigDict(tree)


def by_resolution(general: float = 0, **values: float) -> ConfigDict:
    """Makes a section with a value for each resolution, `r4` to `r1024`; 0 (of their type) stands for the one beside it."""
    if unknown := set(values) - set(BY_RESOLUTION):
        raise KeyError(f"no such resolution: {sorted(unknown)}")
    return ConfigDict({name: values.get(name, general) for name in BY_RESOLUTION})


def arguments(text: str, **defaults: int) -> tuple[int, ...]:
    """Reads the words behind a config's name, `configs/pggan.py:resolution=256,devices=4`: their values, in the order of `defaults`."""
    values = dict(defaults)
    for word in filter(None, text.split(",")):
        name, _, value = word.partition("=")
        if name not in defaults or not value.isdecimal():
            raise ValueError(f"{word!r}: {' and '.join(f'{name}=N' for name in defaults)} can be given")
        values[name] = int(value)
    return tuple(values.values())
