"""Encode and decode numpy arrays and scalars.

To encode, numpy is never imported: a value can only be an array when the module is loaded already. To decode, numpy is
the one fixed name that may be imported, and only where it is installed.
"""

import base64
import functools
import math
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol, cast

from . import decoding_budget
from .attachments import THRESHOLD, Attached, Collected, place
from .errors import UndecodableError
from .library_imports import library

if TYPE_CHECKING:
    from types import ModuleType

TAG, SCALAR_TAG = "array", "scalar"
NOT_MINE = object()
_PLAIN = [
    "|b1",
    "|i1",
    "|u1",
    *[f"<{kind}{size}" for kind in "iu" for size in (2, 4, 8)],
    "<f2",
    "<f4",
    "<f8",
    "<c8",
    "<c16",
    *[f"<{kind}8[{unit}]" for kind in "mM" for unit in ("D", "h", "m", "s", "ms", "us", "ns")],
]
# The data types that travel, as numpy's own strings for them, in both byte orders. Beside these only text and bytes of
# a fixed width and Python objects are handed to numpy.dtype.
DTYPES = frozenset((*_PLAIN, *[name.replace("<", ">") for name in _PLAIN]))
_WIDE = re.compile(r"\|S[1-9][0-9]{0,8}|[<>]U[1-9][0-9]{0,8}")
_OBJECTS = "|O"
_MAX_DIMENSIONS = 32
# Of text in an array, four bytes a character are kept, the blanks of shorter items too.
_BYTES_PER_PRICE = 4
# Encodes a part of a value: the part, and what an error calls it.
Out = Callable[[object, str], object]


_Text = str  # numpy calls a field `str`


class _DtypeKind(Protocol):
    str: _Text
    kind: _Text


class Array(Protocol):
    """The attributes of numpy's arrays and scalars that are used here."""

    dtype: _DtypeKind
    shape: tuple[int, ...]
    ndim: int
    nbytes: int
    T: "Array"

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __iter__(self) -> Iterator["Array"]: ...
    def reshape(self, *sizes: int) -> "Array": ...  # noqa: D102 - numpy's own
    def view(self, kind: str, /) -> "Array": ...  # noqa: D102 - numpy's own
    def tolist(self) -> list[object]: ...  # noqa: D102 - numpy's own
    def tobytes(self) -> bytes: ...  # noqa: D102 - numpy's own
    def item(self) -> object: ...  # noqa: D102 - numpy's own


class _Scalar(Protocol):
    """A type of numpy's scalars."""

    def __call__(self, content: object, unit: str = "", /) -> Array: ...


def travelling_form(value: object, where: str, parts: Collected | None, out: Out) -> object:
    """Return the value as a tagged mapping, or NOT_MINE."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return NOT_MINE
    if isinstance(value, numpy.ndarray) and type(value) is numpy.ndarray:
        return _array_out(cast("Array", value), where, parts, out)
    if isinstance(value, numpy.generic) and type(value).__module__ == "numpy":
        return _scalar_out(cast("Array", value), where, parts, out)
    return NOT_MINE


def columns(value: Array, where: str, parts: Collected | None, out: Out) -> object:
    """Encode a table of numbers, one column after the other, as pandas keeps it."""
    return _array_out(value, where, parts, out, by_column=True)


def _array_out(array: Array, where: str, parts: Collected | None, out: Out, *, by_column: bool = False) -> object:
    name = array.dtype.str
    if name not in DTYPES and not _WIDE.fullmatch(name) and name != _OBJECTS:
        return NOT_MINE
    form: dict[str, object] = {"~": TAG, "d": name, "s": list(array.shape), **({"o": "F"} if by_column else {})}
    if parts is not None:
        parts.price += decoding_budget.price(TAG) + (array.nbytes // _BYTES_PER_PRICE if array.dtype.kind == "U" else 0)
    flat = (array.T if by_column else array).reshape(-1)
    if array.dtype.kind in "OU":
        form["v"] = out(flat.tolist(), where)
    elif parts is not None and array.nbytes >= THRESHOLD:
        # as plain bytes, because dates have no buffer; a copy only where it does not lie in this order
        whole = sys.modules["numpy"].ascontiguousarray(flat).view("u1")
        form["v"] = parts.add(memoryview(whole), where, "ndarray")
    else:
        form["v"] = base64.b64encode(flat.tobytes()).decode("ascii")
    return form


def _scalar_out(value: Array, where: str, parts: Collected | None, out: Out) -> object:
    kind, name = value.dtype.kind, value.dtype.str
    if kind in "US":
        name = kind
    elif name not in DTYPES:
        return NOT_MINE
    if parts is not None:
        parts.price += decoding_budget.price(SCALAR_TAG)
    plain = value.view("i8").item() if kind in "mM" else value.item()
    return {"~": SCALAR_TAG, "d": name, "v": out(plain, where)}


@functools.cache
def _numpy() -> "ModuleType":
    try:
        return library("numpy")
    except ImportError:
        raise UndecodableError("an array, but numpy is not installed here") from None


def rebuild(raw: dict[str, object], attached: Attached, costs: decoding_budget.DecodingBudget) -> object:
    """Decode the array of an untrusted tagged mapping, or a scalar in the form that older releases recorded."""
    name, shape, content = raw.get("d"), raw.get("s"), raw.get("v")
    if not isinstance(name, str) or not (name in DTYPES or _WIDE.fullmatch(name) or name == _OBJECTS):
        raise UndecodableError("a bad array")
    if not isinstance(content, str | list) or not isinstance(shape, list):
        raise UndecodableError("a bad array")
    if len(shape) > _MAX_DIMENSIONS or not all(type(size) is int and size >= 0 for size in shape):
        raise UndecodableError("a bad array shape")
    order = "F" if raw.get("o") == "F" else "C"
    kind = _numpy().dtype(name)
    if kind.kind in "OU":
        return _of_items(name, content, shape, order, costs)
    if isinstance(content, list):
        data: bytearray | memoryview = attached.take(*place(content))
    else:
        data = bytearray(base64.b64decode(content, validate=True))
    if math.prod(shape) * kind.itemsize != len(data):
        raise UndecodableError("an array whose shape does not fit its data")
    array = _numpy().frombuffer(data, dtype=kind).reshape(shape, order=order)
    if name == "|b1" and array.view("u1").max(initial=0) > 1:
        raise UndecodableError("a truth value that is neither true nor false")  # numpy computes nonsense with them
    return array[()] if raw.get("scalar") is True and not shape else array


def _of_items(name: str, items: object, shape: list[int], order: str, costs: decoding_budget.DecodingBudget) -> object:
    """Build an array of text or of Python objects."""
    numpy = _numpy()
    if not isinstance(items, list):
        raise UndecodableError("a bad array")
    if len(items) != math.prod(shape):
        raise UndecodableError("an array whose shape does not fit its data")
    if name == _OBJECTS:
        return numpy.fromiter(items, dtype=object, count=len(items)).reshape(shape, order=order)
    kind = numpy.dtype(name)
    costs.charge(kind.itemsize * len(items) // _BYTES_PER_PRICE)
    if not all(type(item) is str for item in items):
        raise UndecodableError("text was expected")
    return numpy.array(items, dtype=kind).reshape(shape, order=order)


@functools.cache
def _scalars() -> dict[object, tuple[_Scalar, type, list[str]]]:
    """Return name → the type of a scalar, the type of its content, and the unit of one that is a time."""
    content = {"b": bool, "i": int, "u": int, "f": float, "c": complex, "m": int, "M": int}
    found: dict[object, tuple[_Scalar, type, list[str]]] = {
        "U": (_numpy().str_, str, []),
        "S": (_numpy().bytes_, bytes, []),
    }
    for name in _PLAIN:
        kind = _numpy().dtype(name)
        found[name] = (kind.type, content[kind.kind], [name[4:-1]] if kind.kind in "mM" else [])
    return found


def scalar(raw: dict[str, object]) -> object:
    """Decode the scalar of an untrusted tagged mapping."""
    name, content = raw.get("d"), raw.get("v")
    found = _scalars().get(name) if isinstance(name, str) else None
    if found is None or type(content) is not found[1]:
        raise UndecodableError("a bad scalar")
    kind, _content, unit = found
    made: Array = kind(content, *unit)
    isnan = isinstance(content, float) and math.isnan(content)
    if isinstance(content, int | float) and not unit and not isnan and made.item() != content:
        raise UndecodableError("a number that does not fit its type")
    return made
