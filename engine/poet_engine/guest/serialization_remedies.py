"""Suggest what to pass or return in place of a value that cannot travel, for the types that ordinary code makes.

Nothing is imported to find out: a value can only be of a type whose module is loaded.
"""

import collections
import collections.abc
import io
import re
import sys
import types

_BUILT_IN = (bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset)
_NAMED = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType)
_VIEWS = (collections.abc.KeysView, collections.abc.ValuesView, collections.abc.ItemsView)
# Types of the language and of modules that are always loaded, with their remedies; the first that fits is used.
_BY_TYPE: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (_NAMED, "value.__name__"),
    (BaseException, "str(value) or repr(value)"),
    (re.Match, "value.group() or value.groups()"),
    (re.Pattern, "value.pattern"),
    ((io.StringIO, io.BytesIO), "value.getvalue()"),
    (io.IOBase, "value.read()"),
    (memoryview, "bytes(value) or value.tolist()"),
    (slice, "(value.start, value.stop, value.step)"),
    (types.CoroutineType, "the result of awaiting it"),
    (types.AsyncGeneratorType, "[item async for item in value]"),
    (types.MappingProxyType, "dict(value)"),
    (types.SimpleNamespace, "vars(value)"),
)
# module → name → remedy; looked up only where the module is loaded
_BY_MODULE: dict[str, dict[str, str]] = {
    "enum": {"Enum": "value.value or value.name"},
    "numpy.ma": {"MaskedArray": "value.filled() and numpy.ma.getmaskarray(value)"},
    "numpy": {
        "matrix": "numpy.asarray(value)",
        "recarray": "{name: value[name] for name in value.dtype.names} or value.tolist()",
        "void": "value.item()",
        "longdouble": "float(value)",
        "clongdouble": "complex(value)",
        "datetime64": "value.astype('datetime64[us]')",
        "timedelta64": "value.astype('timedelta64[us]')",
        "generic": "value.item()",
    },
    "pandas": {
        "Timestamp": "value.isoformat()",
        "Interval": "(value.left, value.right)",
        "DataFrame": "pandas.DataFrame(value)",
        "Series": "pandas.Series(value)",
    },
    "pandas.api.extensions": {"ExtensionArray": "list(value) or value.to_numpy()"},
    "array": {"array": "value.tolist() or bytes(value)"},
    "zoneinfo": {"ZoneInfo": "value.key"},
    "datetime": {
        "tzinfo": "str(value)",
        "datetime": "value.isoformat()",
        "date": "value.isoformat()",
        "time": "value.isoformat()",
        "timedelta": "value.total_seconds()",
    },
    "decimal": {"Decimal": "decimal.Decimal(value)"},
    "fractions": {"Fraction": "(value.numerator, value.denominator)"},
    "pathlib": {"PurePath": "str(value)"},
    "uuid": {"UUID": "str(value)"},
}


def instead_of(value: object) -> str:
    """Return an expression for the same content as plain data, or several to choose from; empty where there is none."""
    kind = type(value)
    try:
        return _instead_of(value, kind)
    except Exception:  # noqa: BLE001 - a class whose own code fails when it is looked at; the error is about something else
        return ""


def _instead_of(value: object, kind: type) -> str:
    for fits, instead in _BY_TYPE:
        if isinstance(value, fits):
            return instead
    return _of_a_class(value, kind) or _of_a_module(value) or _of_the_language(value, kind)


def _of_a_class(value: object, kind: type) -> str:
    """Suggest for classes that define how they become plain data."""
    if isinstance(value, tuple) and hasattr(kind, "_asdict"):
        return "value._asdict() or tuple(value)"
    if hasattr(kind, "__dataclass_fields__"):
        return "dataclasses.asdict(value)"
    if hasattr(kind, "model_dump"):
        return "value.model_dump()"
    if hasattr(kind, "__attrs_attrs__"):
        return "attrs.asdict(value)"
    return ""


def _of_a_module(value: object) -> str:
    """Suggest for the types of the modules in the table."""
    for module, names in _BY_MODULE.items():
        loaded = sys.modules.get(module)
        if loaded is None:
            continue
        for name, instead in names.items():
            found = getattr(loaded, name, None)
            if isinstance(found, type) and isinstance(value, found):
                return instead
    return _of_numpy(value)


def _of_numpy(value: object) -> str:
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, getattr(numpy, "ndarray", ())):
        if type(value) is not numpy.ndarray:
            return "numpy.asarray(value)"
        kind = numpy.asarray(value).dtype
        if kind.names is not None:
            return "{name: value[name] for name in value.dtype.names} or value.tolist()"
        return f"value.astype('{kind.kind}8[us]')" if kind.kind in "mM" else "value.astype(float)"
    return "value.toarray()" if hasattr(type(value), "toarray") else ""


def _of_the_language(value: object, kind: type) -> str:
    """Suggest for subclasses of built-in types, for iterables, and for objects with attributes."""
    for parent in _BUILT_IN:
        if isinstance(value, parent):
            return f"{parent.__name__}(value)"
    if isinstance(value, collections.abc.Mapping):
        return "dict(value)"
    if isinstance(value, collections.abc.Set) and not isinstance(value, _VIEWS):
        return "set(value)"
    if isinstance(value, collections.abc.Iterable):
        return "list(value)"
    foreign = kind.__module__ == "__main__" or kind.__module__.partition(".")[0] not in sys.stdlib_module_names
    return "vars(value)" if foreign and hasattr(value, "__dict__") else ""
