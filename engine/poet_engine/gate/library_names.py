"""Names of attributes in libraries, which values that are not the source's own may have. Used in the worker."""

import builtins
import functools
import importlib
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_FILE = Path(__file__).with_name("private_names.txt")
_REST, _MODULE = "stdlib-rest", "module "
_VALUES = "values"  # what callers pass as arguments, whatever a policy lists
_RECORDS = frozenset({"collections.namedtuple", "typing.NamedTuple"})
_DICTIONARY = "typing.TypedDict"
_PLAIN_METACLASSES = frozenset({"type", "EnumType", "EnumMeta"})
_ANSWERING = frozenset({"__getattr__", "__getattribute__"})


@functools.cache
def _sections() -> Mapping[str, frozenset[str]]:
    """Return the sections of the file of private attributes: `[library]` on a line of its own, then names."""
    found: dict[str, set[str]] = {}
    names: set[str] = set()
    for line in _FILE.read_text("ascii").splitlines():
        if line.startswith("["):
            names = found.setdefault(line.strip("[]"), set())
        elif not line.startswith("#"):
            names.update(line.split())
    return {section: frozenset(names) for section, names in found.items()}


def private_names(listed: Iterable[str], imported: Iterable[str]) -> frozenset[str] | None:
    """Return the private attributes that the values of a source may have, besides those that it sets itself.

    Args:
        listed: The modules that the policy lists. Values of other libraries come as arguments too.
        imported: The modules that the source imports.

    Returns:
        None where a listed library is not in the file of private attributes: its values may have any.
    """
    sections = _sections()
    wanted = {_VALUES}
    for top in {module.partition(".")[0] for module in listed} - sys.stdlib_module_names:
        if top not in sections:
            return None
        wanted.add(top)
    for module in imported:
        needed = sections.get(f"needs {module}")
        if needed is None:  # a library, or a part of the standard library that no policy of ours lists
            wanted |= {section for section in sections if section.startswith(_MODULE)} | {_REST}
        else:
            wanted |= {f"{_MODULE}{name}" for name in needed}
    return frozenset[str]().union(*(sections.get(section, ()) for section in wanted))


def class_names(path: str) -> frozenset[str] | None:
    """Return the names of attributes that instances of a class may inherit from it; None where they are unknown.

    Args:
        path: Dotted; `builtins.dict` for a builtin. Its module gets imported, so it has to be a listed one.
    """
    top = path.partition(".")[0]
    return _standard_names(path) if top in sys.stdlib_module_names else None


def is_standard(path: str) -> bool:
    """Whether a dotted path belongs to the standard library, builtins included."""
    return path.partition(".")[0] in sys.stdlib_module_names


def library_names(path: str) -> frozenset[str] | None:
    """Return the private attributes of the whole library that a class comes from; None where they are unknown."""
    return _sections().get(path.partition(".")[0])


@functools.cache
def _standard_names(path: str) -> frozenset[str] | None:
    if path in _RECORDS:
        return frozenset(dir(tuple))
    found = dict if path == _DICTIONARY else _resolve(path)
    if not isinstance(found, type):
        return None
    names = set(dir(found))
    kind: type = type(found)
    for one in (*found.__mro__[:-1], *kind.__mro__[:-2]):
        members = vars(one)
        if one in found.__mro__ and any(isinstance(members.get(name), types.FunctionType) for name in _ANSWERING):
            return None
        for member in list(members.values()):
            for code in _codes(member):
                names.update(code.co_names)
    return frozenset(names)


@functools.cache
def is_virtual(path: str) -> bool | None:
    """Whether other classes can be registered as subclasses of what derives from a class of the standard library.

    Returns:
        None for a class whose instances need not derive from it (a protocol), and for an unknown one.
    """
    if path in _RECORDS or path == _DICTIONARY:
        return False
    found = _resolve(path) if path.partition(".")[0] in sys.stdlib_module_names else None
    if not isinstance(found, type) or path in {"typing.Protocol", "typing.Any"}:
        return None
    return type(found).__name__ not in _PLAIN_METACLASSES


def _resolve(path: str) -> object:
    module, _, name = path.rpartition(".")
    if module == "builtins":
        return getattr(builtins, name, None)
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None


def _codes(member: object) -> Iterator[types.CodeType]:
    """Yield the code objects behind a member of a class, with those defined in it."""
    inner = (getattr(member, name, None) for name in ("__func__", "fget", "fset", "fdel", "func", "__wrapped__"))
    waiting: list[object] = [one.__code__ for one in (member, *inner) if isinstance(one, types.FunctionType)]
    while waiting:
        code = waiting.pop()
        if isinstance(code, types.CodeType):
            yield code
            waiting.extend(code.co_consts)
