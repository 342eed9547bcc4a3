"""Abstract values of the read-only analysis, and the real origin of live objects."""

import collections
import dataclasses
import enum
import inspect
import sys
import types
from collections.abc import Iterable
from typing import Final

from poet_engine.domains.identifier_words import word_set

_DEPTH, _ITEMS = 6, 2000  # limits for inspecting a live value
_IMMUTABLE = word_set("re datetime decimal fractions uuid ipaddress zoneinfo")  # modules whose objects do not change


class ValueKind(enum.Enum):
    """The kind of an abstract value."""

    UNKNOWN = enum.auto()
    DATA = enum.auto()  # numbers, texts, and containers of nothing else
    BOX = enum.auto()  # a container of Python's own that may hold anything
    STANDARD = enum.auto()  # made by the pure part of the standard library
    PATH = enum.auto()
    CLIENT = enum.auto()  # of a library for HTTP
    RESPONSE = enum.auto()
    ROWS = enum.auto()  # a connection to a database, a cursor, or what it gives
    FUNCTION = enum.auto()  # written inside the body
    NEW = enum.auto()  # an object that the body itself has made, of a class of its own module


class Missing(enum.Enum):
    """Marker for the absence of a live object."""

    MISSING = enum.auto()


MISSING: Final = Missing.MISSING


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Value:
    """An abstract value. Compare with `alike`: live objects may have an `==` of their own.

    Attributes:
        kind: The kind of the value.
        fresh: Whether only the body has it, so that changing it changes nothing else.
        live: The object itself, if it exists outside the body or is a literal in it.
        node: The tree of a function inside the body; the class of a client that the body makes.
    """

    kind: ValueKind = ValueKind.UNKNOWN
    fresh: bool = False
    live: object = MISSING
    node: object = None


UNKNOWN = Value()
DATA = Value(ValueKind.DATA, fresh=True)
BOX = Value(ValueKind.BOX, fresh=True)
STANDARD = Value(ValueKind.STANDARD, fresh=True)
PATH = Value(ValueKind.PATH, fresh=True)
RESPONSE, ROWS = (Value(kind, fresh=True) for kind in (ValueKind.RESPONSE, ValueKind.ROWS))


def alike(one: Value | None, other: Value | None) -> bool:
    """Whether two abstract values are equal."""
    if one is None or other is None:
        return one is other
    return (one.kind, one.fresh) == (other.kind, other.fresh) and one.live is other.live and one.node is other.node


def joined(one: Value, other: Value) -> Value:
    """Return the abstract value of one that is either of the two."""
    if alike(one, other):
        return one
    kinds = {one.kind, other.kind}
    kind = (
        one.kind
        if len(kinds) == 1
        else ValueKind.BOX
        if kinds == {ValueKind.DATA, ValueKind.BOX}
        else ValueKind.UNKNOWN
    )
    if kind in {ValueKind.FUNCTION, ValueKind.CLIENT}:
        kind = ValueKind.UNKNOWN
    return Value(kind, fresh=one.fresh and other.fresh)


def of_many(values: Iterable[Value]) -> Value:
    """Return the abstract value of a new container of such values."""
    return DATA if all(value.kind is ValueKind.DATA and value.fresh for value in values) else BOX


def element(value: Value) -> Value:
    """Return the abstract value of an item."""
    if value.kind is ValueKind.DATA:
        return Value(ValueKind.DATA, fresh=value.fresh)
    return value if value.kind in {ValueKind.STANDARD, ValueKind.PATH} else UNKNOWN


def of_live(value: object) -> Value:
    """Return the abstract value of a live object."""
    if isinstance(value, str | bytes | int | float | complex | bool | None) and type(value).__module__ == "builtins":
        return Value(ValueKind.DATA, fresh=True, live=value)
    if type(value) in {list, dict, tuple, set, frozenset}:
        plain = _is_plain(value, _DEPTH, [_ITEMS])
        immutable = plain and type(value) in {tuple, frozenset}
        return Value(ValueKind.DATA if plain else ValueKind.BOX, fresh=immutable, live=value)
    found = home(type(value))
    if found is not None and found.module in _IMMUTABLE:
        return Value(ValueKind.STANDARD, live=value)
    if found == Home("os", "_Environ"):
        return Value(ValueKind.DATA, live=value)
    if found is not None and found.package == "pathlib":
        return Value(ValueKind.PATH, live=value)
    return Value(ValueKind.CLIENT if is_client(type(value)) else ValueKind.UNKNOWN, live=value)


def _is_plain(value: object, depth: int, left: list[int]) -> bool:
    left[0] -= 1
    if depth == 0 or left[0] < 0:
        return False
    if value is None or type(value) in {str, bytes, int, float, complex, bool}:
        return True
    items: list[object]
    if type(value) is dict:
        items = [*value.keys(), *value.values()] if len(value) <= left[0] else [value]
    elif type(value) in {list, tuple, set, frozenset} and isinstance(value, collections.abc.Collection):
        items = list(value) if len(value) <= left[0] else [value]
    else:
        return False
    return all(item is not value and _is_plain(item, depth - 1, left) for item in items)


@dataclasses.dataclass(frozen=True, slots=True)
class Home:
    """The real origin of an object.

    Attributes:
        module: The name of the module, without a leading underscore.
        name: Its dotted path in the module.
    """

    module: str
    name: str

    @property
    def package(self) -> str:
        """The first part of the module's name."""
        return self.module.partition(".")[0]


def home(value: object) -> Home | None:
    """Return the real origin of a function or a class; None where it is unknown or only claimed.

    Names that a wrapper has copied from the wrapped function do not count.
    """
    match value:
        case types.FunctionType():
            module = value.__globals__.get("__name__")
            loaded = sys.modules.get(module) if isinstance(module, str) else None
            if loaded is None or vars(loaded) is not value.__globals__:
                return None
            return Home(_public(str(module)), value.__code__.co_qualname)
        case types.MethodType(__self__=type()):
            return home(value.__func__)
        case types.BuiltinFunctionType():
            return _home_of_builtin(value)
        case type():
            loaded = sys.modules.get(value.__module__)
            if loaded is None or inspect.getattr_static(loaded, value.__qualname__, None) is not value:
                return None
            return Home(_public(value.__module__), value.__qualname__)
        case _:
            return None


def _home_of_builtin(value: types.BuiltinFunctionType) -> Home | None:
    owner: object = value.__self__
    if isinstance(owner, types.ModuleType):
        return Home(_public(owner.__name__), value.__name__)
    if isinstance(owner, type):
        above = home(owner)
        return None if above is None else Home(above.module, f"{above.name}.{value.__name__}")
    return None


_PUBLIC = {
    "__main__": "__main__",
    "posix": "os",
    "posixpath": "os.path",
    "genericpath": "os.path",
    **dict.fromkeys(("_sha1", "_sha2", "_sha3", "_md5", "_blake2"), "hashlib"),
}


def _public(module: str) -> str:
    return _PUBLIC.get(module) or module.removeprefix("_")


_CLIENTS = word_set("requests httpx httpx2 urllib3 aiohttp")
_CLIENT_CLASSES = word_set("Session Client AsyncClient ClientSession PoolManager")


def is_client(value: object) -> bool:
    """Whether a class is a session of a known library for HTTP."""
    found = home(value)
    return found is not None and found.package in _CLIENTS and found.name in _CLIENT_CLASSES


def of_library_for_http(value: object) -> str | None:
    """Return the last name of a function that a known library for HTTP defines; None for anything else."""
    found = home(value)
    return found.name.rpartition(".")[2] if found is not None and found.package in _CLIENTS else None
