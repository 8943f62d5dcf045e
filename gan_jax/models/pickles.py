"""Reads the pickles in which the authors of Progressive GAN publish their networks, without running anything that is in them.

A pickle is a program for a stack machine that names functions and calls them. The machine here has the few instructions that data need.
It knows five names, and each stands for code below that keeps data and does nothing else; any other name is refused. The keys of dicts
are texts, nothing that is built is ever hashed, compared or printed, and no more bytes are made than the file has: a small file can't
cost much, and one file can't change how the next is read. A file is one tuple (G, D, Gs) of `tfutil.Network`; the Python source of the
network that each carries is not looked at.
"""

import dataclasses
import io
import os
import pathlib
import pickletools
from collections.abc import Callable
from typing import Any

import numpy as np

from gan_jax.errors import UserError
from gan_jax.reading import open_named

LARGEST_FILE = 2**29  # bytes; the largest that was published has 276 million
NUMBERS = {f"{kind}{size}" for kind, sizes in {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8)}.items() for size in sizes} | {"b1"}

# What a file that is no such pickle can make the reader stumble over; a Warning where warnings are errors.
_STUMBLES = (EOFError, ValueError, LookupError, TypeError, AttributeError, OverflowError, MemoryError, RecursionError, Warning)

NETWORK, ARRAY, TYPE, NUMBER, BYTES, CLASS = "network", "array", "type", "number", "bytes", "class"
NAMES = {
    ("tfutil", "Network"): NETWORK,
    ("numpy", "dtype"): TYPE,
    ("numpy", "ndarray"): CLASS,  # an argument that is not looked at
    ("_codecs", "encode"): BYTES,
} | {
    (module, name): kind
    for module in ("numpy.core.multiarray", "numpy._core.multiarray")
    for name, kind in (("_reconstruct", ARRAY), ("scalar", NUMBER))
}


@dataclasses.dataclass(frozen=True)
class PickledNetwork:
    """One network of a file, as it is stored."""

    function: str  # "G_paper" or "D_paper"
    settings: dict[str, Any]  # its keyword arguments
    variables: dict[str, np.ndarray]  # by the reference's names


def read_networks(path: pathlib.Path) -> tuple[PickledNetwork, PickledNetwork, PickledNetwork]:
    """Returns the generator, the discriminator and the averaged generator of a file.

    Raises UserError for what is not such a file, by the name of what it asked for if it asked for anything but data.
    """
    try:
        with open_named(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > LARGEST_FILE:
                raise UserError(f"{path}: {size / 2**30:.1f} GiB; published networks have less than {LARGEST_FILE / 2**30:g}")
            content = file.read(LARGEST_FILE + 1) or b""
    except OSError as error:
        raise UserError(f"{path}: can't be read ({error.strerror})") from None
    try:
        found = _Machine(content).run()
        if not (isinstance(found, (tuple, list)) and len(found) == 3 and all(isinstance(x, _Network) for x in found)):
            raise ValueError("it does not hold three networks (G, D, Gs)")
        g, d, gs = (_network(x.state) for x in found)
    except _Refused as name:
        raise UserError(f"{path}: asks for {name}, which is not data; refused, and nothing was run") from None
    except _STUMBLES as error:
        reason = shown(str(error)[:100])
        raise UserError(f"{path}: not a pickle of the authors' networks ({type(error).__name__}: {reason})") from None
    return g, d, gs


def shown(value: Any) -> str:
    """Returns a value of a file in a message: short, on one line, whatever it is."""
    if isinstance(value, str):
        return ascii(value[:100])[1:-1]
    simple = value is None or isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 10**20)
    return repr(value) if simple else f"of type {type(value).__name__}"


def _network(state: dict[str, Any]) -> PickledNetwork:
    version, function, settings = state["version"], state["build_func_name"], state["static_kwargs"]
    if not isinstance(version, int) or version != 2:
        raise ValueError(f"version {shown(version)} of the format, not 2")
    if not isinstance(function, str) or not isinstance(settings, dict) or not isinstance(state["variables"], list):
        raise TypeError("a network has a name, keyword arguments and variables")
    variables = {}
    for pair in state["variables"]:
        name, value = pair if isinstance(pair, tuple) else (None, None)
        value = value.value if isinstance(value, _Array) else value
        if not isinstance(name, str) or not isinstance(value, (np.ndarray, float, int)):
            raise TypeError("variables are names with arrays")
        variables[name] = np.asarray(value)
    return PickledNetwork(function, settings, variables)


class _Refused(Exception):
    """The name of something that is not data."""


class _Network:
    """Stands for `tfutil.Network`."""

    state: dict[str, Any]

    def build(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise TypeError("the state of a network is a dict")
        self.state = state


class _Type:
    """Stands for a numpy dtype, of numbers only."""

    def __init__(self, code: Any):
        if not isinstance(code, str) or code not in NUMBERS:
            raise TypeError(f"arrays of {shown(code)} are not numbers")
        self.code, self.order = code, "="

    def build(self, state: Any) -> None:
        order = state[1]
        if not isinstance(order, str) or order not in ("<", ">", "|", "="):
            raise ValueError(f"byte order {shown(order)}")
        self.order = order

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.order + self.code)


class _Array:
    """Stands for a numpy array: a view of bytes that are in the file."""

    def __init__(self, to_bytes: Callable[[Any], bytes]):
        self._to_bytes = to_bytes
        self.value: np.ndarray = np.zeros(0)

    def build(self, state: Any) -> None:
        _, shape, kind, fortran, data = state
        if not isinstance(kind, _Type) or not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise TypeError("an array has a shape and a type")
        self.value = np.frombuffer(self._to_bytes(data), kind.dtype).reshape(shape, order="F" if fortran is True else "C")


class _Machine:
    """Runs the instructions of a pickle that build data: constants, containers, the names above, and a memory."""

    CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
    LITERALS = {
        *("INT", "BININT", "BININT1", "BININT2", "LONG1", "FLOAT", "BINFLOAT"),
        *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    }

    def __init__(self, content: bytes):
        self._content, self._bytes_left = content, len(content)
        self._stack: list[Any] = []
        self._marks: list[int] = []  # heights of the stack
        self._memory: dict[int, Any] = {}

    def run(self) -> Any:
        """Returns what the pickle holds. Raises _Refused, or one of _STUMBLES."""
        for operation, argument, _ in pickletools.genops(io.BytesIO(self._content)):
            if operation.name == "STOP":
                return self._stack.pop()
            self._do(operation.name, argument)
        raise EOFError("it ends in the middle")

    def _do(self, name: str, argument: Any) -> None:
        stack = self._stack
        if name in self.CONSTANTS:
            stack.append(self.CONSTANTS[name])
        elif name in self.LITERALS:
            stack.append(argument)
        elif name in ("EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT"):
            stack.append({"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict}[name]())
        elif name == "MARK":
            self._marks.append(len(stack))
        elif name in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(tuple(self._since_mark() if name == "TUPLE" else self._last(int(name[-1]))))
        elif name in ("APPEND", "APPENDS"):
            items = self._last(1) if name == "APPEND" else self._since_mark()
            self._top(list).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = self._last(2) if name == "SETITEM" else self._since_mark()
            if len(items) % 2 or not all(isinstance(key, str) for key in items[::2]):
                raise TypeError("the keys of a dict are texts")
            self._top(dict).update(zip(items[::2], items[1::2]))
        elif name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            self._memory[len(self._memory) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self._memory[argument])
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            stack.append(self._named(tuple(argument.split(" ", 1)) if name == "GLOBAL" else tuple(self._last(2))))
        elif name in ("REDUCE", "NEWOBJ"):
            what, arguments = self._last(2)
            stack.append(self._made(what, arguments))
        elif name == "BUILD":
            (state,) = self._last(1)
            if not isinstance(stack[-1], (_Network, _Type, _Array)):
                raise TypeError("only networks, arrays and their types are built")
            stack[-1].build(state)
        elif name not in ("PROTO", "FRAME"):
            raise ValueError(f"the instruction {name}")

    def _named(self, name: tuple[Any, ...]) -> "_Name":
        if not all(isinstance(part, str) for part in name):
            raise TypeError("a name is two texts")
        if name not in NAMES:
            raise _Refused(".".join(shown(part) for part in name))
        return _Name(NAMES[name])

    def _made(self, what: Any, arguments: Any) -> Any:
        if not isinstance(what, _Name) or not isinstance(arguments, tuple):
            raise TypeError("only what was named is called")
        if what.kind == NETWORK:
            return _Network()
        if what.kind == ARRAY:
            return _Array(self._to_bytes)
        if what.kind == TYPE:
            return _Type(arguments[0])
        if what.kind == NUMBER:
            kind, data = arguments
            if not isinstance(kind, _Type):
                raise TypeError("a number has a type")
            (value,) = np.frombuffer(self._to_bytes(data), kind.dtype).tolist()
            return value
        if what.kind == BYTES:
            text, encoding = arguments
            if not isinstance(encoding, str) or encoding != "latin1" or not isinstance(text, str):
                raise ValueError("bytes are kept as latin1")
            return self._to_bytes(text)
        raise TypeError("a class of arrays is not called")

    def _to_bytes(self, data: Any) -> bytes:
        if isinstance(data, str):  # of Python 2
            self._bytes_left -= len(data)
            if self._bytes_left < 0:
                raise MemoryError("more bytes than the file has")
            return data.encode("latin1")
        if not isinstance(data, bytes):
            raise TypeError("an array's data are bytes")
        return data

    def _last(self, n: int) -> list[Any]:
        lowest = self._marks[-1] if self._marks else 0
        if len(self._stack) - n < lowest:
            raise IndexError("too few things on the stack")
        items = self._stack[-n:]
        del self._stack[-n:]
        return items

    def _since_mark(self) -> list[Any]:
        begin = self._marks.pop()
        items = self._stack[begin:]
        del self._stack[begin:]
        return items

    def _top(self, kind: type) -> Any:
        if type(self._stack[-1]) is not kind:
            raise TypeError(f"not a {kind.__name__}")
        return self._stack[-1]


@dataclasses.dataclass(frozen=True)
class _Name:
    kind: str
