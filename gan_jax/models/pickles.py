"""Reads the pickles in which the authors of Progressive GAN publish their networks, without running anything that is in them.

A pickle is a program: it names functions and calls them. This reader knows seven names, and each stands for code of its own here that
holds data and does nothing else; any other name is refused. A file is one tuple (G, D, Gs) of `tfutil.Network`; the Python source of the
network that each carries is not looked at.
"""

import dataclasses
import io
import pathlib
import pickle
import struct
from typing import Any

import numpy as np

from gan_jax.errors import UserError

LARGEST_FILE = 2**31  # bytes; the largest that was published has 276 million
NUMBERS = {f"{kind}{size}" for kind, sizes in {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8)}.items() for size in sizes} | {"b1"}

# The newest opcodes make room for whatever length a file claims, or ask for buffers outside of it; no published file has them.
FOREIGN = (pickle.BYTEARRAY8, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER)

# What a file that is no such pickle can make the reader stumble over.
_STUMBLES = (
    pickle.UnpicklingError, EOFError, ValueError, LookupError, TypeError, AttributeError, AssertionError, struct.error, RecursionError,
    MemoryError, OverflowError,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class PickledNetwork:
    """One network of a file, as it is stored."""

    function: str  # "G_paper" or "D_paper"
    settings: dict[str, Any]  # its keyword arguments
    variables: dict[str, np.ndarray]  # by the reference's names


def read_networks(path: pathlib.Path) -> tuple[PickledNetwork, PickledNetwork, PickledNetwork]:
    """The generator, the discriminator and the averaged generator of a file.

    Raises UserError for what is not such a file, by the name of what it asked for if it asked for anything but data.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise UserError(f"{path}: {size / 2**30:.1f} GiB; published networks have less than {LARGEST_FILE / 2**30:.0f}")
        # Read before it is interpreted, so that no length that it claims is longer than the file.
        content = io.BytesIO(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: can't be read ({error.strerror})") from None
    try:
        found = _Reader(path, content).load()
        if not (isinstance(found, (tuple, list)) and len(found) == 3 and all(isinstance(x, _Network) for x in found)):
            raise UserError(f"{path}: not the three networks (G, D, Gs) of a published file")
        g, d, gs = (_network(x.state) for x in found)
    except UserError:
        raise
    except _STUMBLES as error:
        raise UserError(f"{path}: not a pickle of the authors' networks ({type(error).__name__}: {str(error)[:100]})") from None
    return g, d, gs


def _network(state: dict[str, Any]) -> PickledNetwork:
    if state["version"] != 2:
        raise ValueError(f"version {state['version']!r} of the format, not 2")
    variables = {}
    for name, value in state["variables"]:
        if isinstance(value, _Array):
            value = value.value
        if not isinstance(name, str) or not isinstance(value, (np.ndarray, float, int)):
            raise TypeError("variables are names with arrays")
        variables[name] = np.asarray(value)
    if not isinstance(state["build_func_name"], str) or not isinstance(state["static_kwargs"], dict):
        raise TypeError("a network has a name and keyword arguments")
    settings = {name: value.value if isinstance(value, _Array) else value for name, value in state["static_kwargs"].items()}
    return PickledNetwork(state["build_func_name"], settings, variables)


class _Network:
    """Stands for `tfutil.Network`: keeps its state."""

    def __new__(cls, *_):
        return object.__new__(cls)

    def __init__(self, *_):
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise TypeError("the state of a network is a dict")
        self.state = state


class _Type:
    """Stands for a numpy dtype, of numbers only."""

    def __init__(self, code: Any):
        if code not in NUMBERS:
            raise TypeError(f"arrays of {code!r} are not numbers")
        self.code, self.order = code, "="

    def __setstate__(self, state: tuple) -> None:
        if state[1] not in ("<", ">", "|", "="):
            raise ValueError(f"byte order {state[1]!r}")
        self.order = state[1]

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.order + self.code)


class _Array:
    """Stands for a numpy array: its bytes are in the file, so it is no larger than that."""

    value = np.zeros(0)

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, fortran, data = state
        if not isinstance(kind, _Type) or not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise TypeError("an array has a shape and a type")
        flat = np.frombuffer(_bytes(data), kind.dtype)
        self.value = flat.reshape(shape, order="F" if fortran else "C")


def _array(*_: Any) -> _Array:
    return _Array()


def _type(code: Any, *_: Any) -> _Type:
    return _Type(code)


def _scalar(kind: Any, data: Any) -> float | int:
    if not isinstance(kind, _Type):
        raise TypeError("a number has a type")
    (value,) = np.frombuffer(_bytes(data), kind.dtype).tolist()
    return value


def _encode(text: Any, encoding: Any) -> bytes:
    if encoding != "latin1" or not isinstance(text, str):
        raise ValueError("bytes are kept as latin1")
    return text.encode("latin1")


def _bytes(data: Any) -> bytes:
    if isinstance(data, str):  # of Python 2
        return data.encode("latin1")
    if not isinstance(data, bytes):
        raise TypeError("an array's data are bytes")
    return data


_ADMITTED: dict[tuple[str, str], Any] = {
    ("tfutil", "Network"): _Network,
    ("numpy", "ndarray"): "numpy.ndarray",  # an argument that is not looked at
    ("numpy", "dtype"): _type,
    ("_codecs", "encode"): _encode,
}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _ADMITTED[_module, "_reconstruct"], _ADMITTED[_module, "scalar"] = _array, _scalar


class _Reader(pickle._Unpickler):
    """In Python, since the one in C makes a table as long as the largest number that a file cares to name."""

    dispatch = {code: load for code, load in pickle._Unpickler.dispatch.items() if bytes([code]) not in FOREIGN}

    def __init__(self, path: pathlib.Path, file: io.BytesIO):
        super().__init__(file, encoding="latin1")
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise UserError(f"{self._path}: asks for {module}.{name}, which is not data; refused, and nothing was run") from None
