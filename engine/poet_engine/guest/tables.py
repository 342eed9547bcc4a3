"""pandas data frames on the wire: their columns as arrays or lists, with labels and a plain index.

As with numpy, pandas is never imported to send a value, and imported only where a frame arrives.
"""

import dataclasses
import functools
import sys
from typing import TYPE_CHECKING

from .importing import library
from .travel import UndecodableError, UntravellableError

if TYPE_CHECKING:
    from types import ModuleType

TAG = "frame"
# how the values of a column travel, and which type of column they make: as an array with its own type, as a list of
# Python objects, or as a list of text in pandas' own type for text
_ARRAY, _OBJECTS, _TEXT = "a", "o", "s"
_MEND = "Convert it, for example with astype or tz_convert, or leave it out"


@dataclasses.dataclass(frozen=True)
class Column:
    """Values in a row, and the kind of column that they make."""

    kind: str
    values: object


@dataclasses.dataclass(frozen=True)
class Table:
    """A frame taken apart. `index` is None where rows are only numbered from 0."""

    labels: list[object]
    label: object
    columns: list[Column]
    index: Column | None
    index_label: object


def apart(value: object, where: str) -> Table | None:
    """The parts of a data frame; None for anything else.

    Raises:
        UntravellableError: A column, the index or the labels have no safe form.
    """
    pandas = sys.modules.get("pandas")
    if pandas is None or type(value) is not getattr(pandas, "DataFrame", None):
        return None
    return _apart(pandas, value, where)


def _apart(pandas: "ModuleType", value: object, where: str) -> Table:
    frame = pandas.DataFrame(value, copy=False)
    if frame.columns.nlevels != 1:
        raise UntravellableError(f"the columns of {where}", "MultiIndex", mend="Give them names of one level")
    labels = frame.columns.tolist()
    columns = [_column(frame.iloc[:, number], f"{where}[{label!r:.80}]") for number, label in enumerate(labels)]
    numbered = type(frame.index) is pandas.RangeIndex and frame.index.equals(pandas.RangeIndex(len(frame)))
    plain = numbered and frame.index.name is None and (columns or not len(frame))
    index = None if plain else _column(frame.index, f"the index of {where}")
    return Table(labels, frame.columns.name, columns, index, frame.index.name)


def _column(column: object, where: str) -> Column:
    numpy = sys.modules["numpy"]
    kind = getattr(column, "dtype", None)
    if getattr(column, "nlevels", 1) == 1 and isinstance(kind, numpy.dtype):
        return Column(_OBJECTS if kind.kind == "O" else _ARRAY, column.to_numpy())  # type: ignore[attr-defined]  # a Series or an Index
    if str(kind) == "str":
        return Column(_TEXT, column.tolist())  # type: ignore[attr-defined]  # a Series or an Index
    name = "MultiIndex" if getattr(column, "nlevels", 1) != 1 else f"column of type {kind}"
    raise UntravellableError(where, name, mend=_MEND)


@functools.cache
def _pandas() -> "ModuleType":
    try:
        return library("pandas")
    except ImportError:
        raise UndecodableError("a data frame, but pandas is not installed here") from None


def together(table: Table) -> object:
    """The frame of parts that nobody vouches for.

    Raises:
        UndecodableError: They do not fit together.
    """
    pandas = _pandas()
    parts = [*table.columns] if table.index is None else [*table.columns, table.index]
    lengths = {_length(part) for part in parts}
    if len(lengths) > 1 or len(table.labels) != len(table.columns):
        raise UndecodableError("a data frame whose parts do not fit together")
    try:
        index = None if table.index is None else pandas.Index(_values(pandas, table.index), name=table.index_label)
        made = {number: _values(pandas, column) for number, column in enumerate(table.columns)}
        frame = pandas.DataFrame(made, index=index, copy=False)
        frame.columns = pandas.Index(table.labels, name=table.label) if table.labels else frame.columns
    except Exception as error:  # noqa: BLE001 - whatever pandas says of hostile content; none of it is a fault of ours
        raise UndecodableError(f"a bad data frame: {type(error).__name__}") from None
    return frame


def _length(column: Column) -> int:
    """How long a column is, when its values are of its kind."""
    values = column.values
    if column.kind == _ARRAY:
        if getattr(values, "ndim", 0) == 1:
            return len(values)  # type: ignore[arg-type]  # an array: nothing else that travels has dimensions
    elif column.kind in (_OBJECTS, _TEXT) and isinstance(values, list):
        return len(values)
    raise UndecodableError("a bad column")


def _values(pandas: "ModuleType", column: Column) -> object:
    if column.kind == _ARRAY:
        return column.values
    return pandas.Series(column.values, dtype="object" if column.kind == _OBJECTS else "str").array
