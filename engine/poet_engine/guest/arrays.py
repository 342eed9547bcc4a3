"""numpy arrays and scalars, and pandas columns, on the wire.

On the way out numpy is never imported: a value can only be an array when the module is loaded already. On the way in,
numpy is the one fixed name that may be imported, and only where it is installed.
"""

import base64
import functools
import math
import sys
from typing import TYPE_CHECKING

from .attachments import THRESHOLD, Attached, Collected, place
from .importing import library
from .travel import UndecodableError

if TYPE_CHECKING:
    from types import ModuleType

TAG = "array"
NOT_MINE = object()
# the data types that travel, as numpy's own strings for them; nothing else is handed to numpy.dtype
_DTYPES = frozenset(
    [
        "|b1",
        "|i1",
        "|u1",
        *(f"<{kind}{size}" for kind in "iu" for size in (2, 4, 8)),
        "<f2",
        "<f4",
        "<f8",
        "<c8",
        "<c16",
    ]
    + [f"<{kind}8[{unit}]" for kind in "mM" for unit in ("D", "h", "m", "s", "ms", "us", "ns")],
)
_MAX_DIMENSIONS = 32


def travelling_form(value: object, where: str, parts: Collected | None) -> object:
    """A tagged mapping, a plain value to encode instead, or NOT_MINE.

    A pandas column (Series or Index) travels as its array; text and mixed columns as a list.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return NOT_MINE
    if isinstance(value, numpy.ndarray) and type(value) is numpy.ndarray:
        return _array_out(numpy, value, where, parts)
    if isinstance(value, numpy.generic):
        return _scalar_out(numpy, value)
    # "pandas.core.series" up to pandas 2, "pandas" since
    if type(value).__module__.partition(".")[0] == "pandas" and getattr(value, "ndim", None) == 1:
        to_numpy = getattr(value, "to_numpy", None)
        if to_numpy is not None:
            return _array_out(numpy, to_numpy(), where, parts)
    return NOT_MINE


def _array_out(numpy: "ModuleType", value: object, where: str, parts: Collected | None) -> object:
    array = numpy.asarray(value)
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    if array.dtype.str not in _DTYPES:
        return array.tolist() if array.dtype.kind in "OUS" else NOT_MINE
    if parts is not None and array.nbytes >= THRESHOLD:
        # as plain bytes, because dates have no buffer; a copy only for an array that is not in C order
        flat = numpy.ascontiguousarray(array).reshape(-1).view(numpy.uint8)
        data: object = parts.add(memoryview(flat), where, "ndarray")
    else:
        data = base64.b64encode(array.tobytes()).decode("ascii")
    return {"~": TAG, "d": array.dtype.str, "s": list(array.shape), "v": data}


def _scalar_out(numpy: "ModuleType", value: object) -> object:
    form = _array_out(numpy, numpy.asarray(value), "", None)
    if isinstance(form, dict):
        form["scalar"] = True
    return form


@functools.cache
def _numpy() -> "ModuleType":
    try:
        return library("numpy")
    except ImportError:
        raise UndecodableError("an array, but numpy is not installed here") from None


def rebuild(raw: dict[str, object], attached: Attached) -> object:
    """The array or scalar of a tagged mapping that nobody vouches for."""
    dtype, shape, content = raw.get("d"), raw.get("s"), raw.get("v")
    if dtype not in _DTYPES or not isinstance(content, str | list) or not isinstance(shape, list):
        raise UndecodableError("a bad array")
    if len(shape) > _MAX_DIMENSIONS or not all(type(size) is int and size >= 0 for size in shape):
        raise UndecodableError("a bad array shape")
    kind = _numpy().dtype(dtype)
    if isinstance(content, list):
        data: bytearray | memoryview = attached.take(*place(content))
    else:
        data = bytearray(base64.b64decode(content, validate=True))
    if math.prod(shape) * kind.itemsize != len(data):
        raise UndecodableError("an array whose shape does not fit its data")
    array = _numpy().frombuffer(data, dtype=kind).reshape(shape)
    if dtype == "|b1" and array.view("u1").max(initial=0) > 1:
        raise UndecodableError("a truth value that is neither true nor false")  # numpy computes nonsense with them
    return array[()] if raw.get("scalar") is True and not shape else array
