"""Carry dataclasses, named tuples, members of enums and pydantic models by their fields, and rebuild them.

What travels is the kind, the class' own name and the fields. No side looks a class up by what arrives: it rebuilds one
only where its own annotation names a class of that name and kind, with exactly these fields, and where what the class'
constructor makes of them is what was sent. Both sides use this module; the standard library's modules that it needs are
imported where a structure arrives.
"""

import importlib
import sys
from collections.abc import Callable, Collection, Container, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Protocol, Union, cast, get_args, get_origin

from . import decoding_budget
from .errors import GuestSerializationError, UndecodableError

if TYPE_CHECKING:
    from .arrays import Out
    from .attachments import Collected

TAG = "structure"
_DATACLASS, _NAMED_TUPLE, _ENUM, _MODEL = "dataclass", "named tuple", "enum", "model"
_KINDS = (_DATACLASS, _NAMED_TUPLE, _ENUM, _MODEL)
_MOST_NAME = 256
_MISSING = object()
# A dataclass that is one of these as well holds more than its fields.
_BUILT_IN = (int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, BaseException)
_ITEMS = frozenset((list, tuple, set, frozenset))


class _Field(Protocol):
    """Attributes of a dataclass' field that are used here."""

    name: str
    init: bool
    _field_type: object


class _ModelField(Protocol):
    """Attributes of a pydantic field that are used here."""

    validation_alias: object


class Structure:
    """The fields of a value whose class is not known yet.

    Attributes:
        kind: What its class is.
        name: The name of its class, which is only compared.
        fields: Name → value, in order; of a member of an enum, its name alone.
        given: The fields that were set, of a pydantic model; of other kinds all of them.
    """

    __slots__ = ("fields", "given", "kind", "name")

    def __init__(self, kind: str, name: str, fields: dict[str, object], given: frozenset[str] | None = None) -> None:
        self.kind, self.name, self.fields = kind, name, fields
        self.given = frozenset(fields) if given is None else given


def travelling_form(value: object, where: str, parts: "Collected | None", out: "Out") -> object | None:
    """Return a structure as a tagged mapping; None where it is none, or of a class that the other side does not name.

    Raises:
        GuestSerializationError: It holds more than its fields say.
    """
    kind = kind_of(type(value))
    if kind is None or parts is None or type(value).__name__ not in parts.classes:
        return None
    fields = _READERS[kind](value, where)
    parts.price += decoding_budget.price(TAG) + decoding_budget.PAIR * len(fields)
    if kind == _ENUM:
        return {"~": TAG, "k": kind, "n": type(value).__name__, "v": fields}
    form = {name: out(item, f"{where}.{name}") for name, item in fields.items()}
    made = {"~": TAG, "k": kind, "n": type(value).__name__, "v": list(form.items())}
    if kind == _MODEL:
        made["s"] = sorted(_set_fields(value))
        parts.price += decoding_budget.PAIR * len(fields)
    return made


def _set_fields(model: object) -> frozenset[str]:
    return frozenset(cast("Collection[str]", getattr(model, "model_fields_set", ())))


def kind_of(cls: type) -> str | None:
    """Return the kind of structure that a class makes; None for none."""
    enum = sys.modules.get("enum")
    if enum is not None and issubclass(cls, enum.Enum):
        return _ENUM
    if "__dataclass_fields__" in vars(cls):
        return None if issubclass(cls, _BUILT_IN) else _DATACLASS
    if issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple) and hasattr(cls, "_make"):
        return _NAMED_TUPLE
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and issubclass(cls, pydantic.BaseModel):
        return _MODEL
    return None


def _refuse(value: object, where: str, why: str, instead: str) -> GuestSerializationError:
    return GuestSerializationError(where, type(value).__name__, why, instead=instead)


def _of_dataclass(value: object, where: str) -> dict[str, object]:
    instead = "dataclasses.asdict(value)"
    names = []
    for field in cast("Mapping[str, _Field]", vars(type(value))["__dataclass_fields__"]).values():
        kind = getattr(field._field_type, "name", "")  # noqa: SLF001 - `dataclasses.fields` leaves these out
        if kind == "_FIELD_INITVAR":
            raise _refuse(value, where, f"its class takes {field.name!r} only to be made (InitVar)", instead)
        if kind == "_FIELD":
            names.append(field.name)
    found = {name: getattr(value, name, _MISSING) for name in names}
    if _MISSING in [item for item in found.values() if item is _MISSING]:
        raise _refuse(value, where, "a field has no value", instead)
    held = set(getattr(value, "__dict__", ()))
    for cls in type(value).__mro__:
        slots = vars(cls).get("__slots__", ())
        held |= {slots} if isinstance(slots, str) else set(slots)
    if not held - {"__dict__", "__weakref__"} <= set(names):
        raise _refuse(value, where, "it has attributes that are no fields, which would be lost", instead)
    return found


def _of_named_tuple(value: object, where: str) -> dict[str, object]:
    items, names = cast("tuple[object, ...]", value), cast("tuple[str, ...]", getattr(value, "_fields", ()))
    if len(items) != len(names) or getattr(value, "__dict__", None):
        raise _refuse(value, where, "it holds more than its fields", "tuple(value)")
    return dict(zip(names, items, strict=True))


def _of_enum(value: object, where: str) -> dict[str, object]:
    name = getattr(value, "name", None)
    members = cast("Mapping[str, object]", getattr(type(value), "__members__", {}))
    if not isinstance(name, str) or members.get(name) is not value:
        raise _refuse(value, where, "it is no single member of its enum", "value.value")
    return {name: None}


def _of_model(value: object, where: str) -> dict[str, object]:
    cls = type(value)
    if getattr(value, "__pydantic_private__", None) or getattr(value, "__pydantic_extra__", None):
        raise _refuse(value, where, "it has private attributes or more than its fields", "value.model_dump()")
    names = cast("Mapping[str, object]", getattr(cls, "model_fields", {}))
    held = vars(value)
    if set(held) != set(names) or getattr(value, "model_fields_set", set()) - set(names):
        raise _refuse(value, where, "it holds other attributes than its fields", "value.model_dump()")
    return {name: held[name] for name in names}


_READERS: dict[str, Callable[[object, str], dict[str, object]]] = {
    _DATACLASS: _of_dataclass,
    _NAMED_TUPLE: _of_named_tuple,
    _ENUM: _of_enum,
    _MODEL: _of_model,
}


def decode(raw: dict[str, object], costs: decoding_budget.DecodingBudget) -> Structure:
    """Decode the structure of an untrusted tagged mapping.

    Raises:
        UndecodableError: Its parts are not those of one.
    """
    costs.charge(decoding_budget.price(TAG))
    kind, name, content = raw.get("k"), raw.get("n"), raw.get("v")
    if not isinstance(kind, str) or kind not in _KINDS or not isinstance(name, str) or len(name) > _MOST_NAME:
        raise UndecodableError("a bad structure")
    if kind == _ENUM:
        if not isinstance(content, dict) or len(content) != 1:
            raise UndecodableError("a bad member of an enum")
        costs.charge(decoding_budget.PAIR)
        return Structure(kind, name, content)
    if not isinstance(content, list):
        raise UndecodableError("fields were expected")
    costs.charge(decoding_budget.PAIR * len(content))
    if not all(type(pair) is list and len(pair) == 2 and type(pair[0]) is str for pair in content):  # noqa: PLR2004 - name and value
        raise UndecodableError("fields were expected")
    fields = cast("dict[str, object]", dict(content))
    if len(fields) != len(content):
        raise UndecodableError("a field stands twice")
    given: object = raw.get("s")
    if kind != _MODEL:
        return Structure(kind, name, fields)
    costs.charge(decoding_budget.PAIR * len(fields))
    if not isinstance(given, list) or len(given) > len(fields) or not all(type(one) is str for one in given):
        raise UndecodableError("fields were expected")
    return Structure(kind, name, fields, frozenset(given))


class Classes:
    """The classes that an annotation names, with those that their own fields name.

    Args:
        annotation: A class, or a type made of classes, such as `list[Decision] | None`.
    """

    def __init__(self, annotation: object) -> None:
        self._annotation = annotation
        self._hints: dict[type, Mapping[str, object]] = {}
        self.names: set[str] = set()
        waiting = [annotation]
        while waiting:
            for cls in _named(waiting.pop()):
                if cls not in self._hints:
                    self._hints[cls] = hints = field_hints(cls)
                    self.names.add(cls.__name__)
                    waiting.extend(hints.values())

    def __repr__(self) -> str:
        return f"<Classes {', '.join(sorted(self.names)) or 'none'}>"

    def rebuild(self, value: object) -> object:
        """Return an untrusted value with its structures rebuilt as what the annotation names.

        Raises:
            UndecodableError: It names none for one, or its class makes another value of these fields.
        """
        try:
            return self._rebuilt(value, self._annotation)
        except RecursionError:
            # the depth is bounded, but a caller that is near the end of its own stack has no room for that much
            raise UndecodableError("nested deeper than the stack of the caller has room for") from None

    def _rebuilt(self, value: object, hint: object) -> object:
        kind = type(value)
        if isinstance(value, Structure):
            return self._made(value, hint)
        if kind in _ITEMS:
            return self._collected(cast("Collection[object]", value), hint)
        if kind is dict:
            keys, items = _parts_of(hint, 0), _parts_of(hint, 1)
            made = {
                self._key(key, keys): self._rebuilt(item, items)
                for key, item in cast("dict[object, object]", value).items()
            }
            if len(made) != len(cast("dict[object, object]", value)):
                raise UndecodableError("a key stands twice in one mapping")
            return made
        return value

    def _collected(self, items: Collection[object], hint: object) -> object:
        if isinstance(items, set | frozenset):
            of_items = _parts_of(hint, 0)
            made = type(items)(self._key(item, of_items) for item in items)
            if len(made) != len(items):
                raise UndecodableError("a member stands twice in a set")
            return made
        if isinstance(items, tuple):
            return tuple(self._rebuilt(item, _place_of(hint, number)) for number, item in enumerate(items))
        of_items = _parts_of(hint, 0)
        return [self._rebuilt(item, of_items) for item in items]

    def _key(self, key: object, hint: object) -> object:
        """Return a key or a member of a set: of classes whose hashes a sender could choose, there are none."""
        if isinstance(key, Structure) and key.kind != _ENUM:
            raise UndecodableError("a structure as a key, or in a set")
        return self._rebuilt(key, hint)

    def _made(self, value: Structure, hint: object) -> object:
        named = [one for one in _alternatives(hint) if isinstance(one, type) and get_origin(one) is None]
        found = [cls for cls in named if cls.__name__ == value.name and kind_of(cls) == value.kind]
        if len(found) != 1:
            raise UndecodableError(f"a {value.kind} that no annotation names")
        (cls,) = found
        if value.kind == _ENUM:
            return _member(cls, value)
        hints = self._hints.get(cls, {})
        fields = {name: self._rebuilt(item, hints.get(name)) for name, item in value.fields.items()}
        try:
            made: object = _MAKERS[value.kind](cls, fields, value.given)
            held = _READERS[value.kind](made, "")
            same = list(held) == list(fields) and all(_is_same(held[name], fields[name]) for name in fields)
            same = same and (value.kind != _MODEL or _set_fields(made) == value.given)
        except Exception as error:  # noqa: BLE001 - whatever the class says of hostile content; none of it is a fault of ours
            raise UndecodableError(f"a {value.kind} that cannot be made: {type(error).__name__}") from None
        if not same:
            raise UndecodableError(f"a {value.kind} that its class makes another one of")
        return made


def _is_same(one: object, other: object) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))


def _member(cls: type, value: Structure) -> object:
    (name,) = value.fields
    member = cast("Mapping[str, object]", getattr(cls, "__members__", {})).get(name)
    if member is None:
        raise UndecodableError("a member that its enum does not have")
    return member


def _make_dataclass(cls: type, fields: dict[str, object], _given: frozenset[str]) -> object:
    known = cast("Mapping[str, _Field]", vars(cls)["__dataclass_fields__"])
    if not set(fields) <= set(known):
        raise TypeError("another field")
    return cls(**{name: value for name, value in fields.items() if known[name].init})


def _make_named_tuple(cls: type, fields: dict[str, object], _given: frozenset[str]) -> object:
    return cls(*fields.values())


def _make_model(cls: type, fields: dict[str, object], given: frozenset[str]) -> object:
    known = cast("Mapping[str, _ModelField]", getattr(cls, "model_fields", {}))
    if set(fields) != set(known):
        raise TypeError("other fields")
    content = {}
    for name in given:
        alias = known[name].validation_alias
        content[alias if isinstance(alias, str) else name] = fields[name]
    validate: Callable[[object], object] = getattr(cls, "model_validate")  # noqa: B009 - pydantic's own
    return validate(content)


_MAKERS: dict[str, Callable[[type, dict[str, object], frozenset[str]], object]] = {
    _DATACLASS: _make_dataclass,
    _NAMED_TUPLE: _make_named_tuple,
    _MODEL: _make_model,
}


def _named(hint: object) -> Iterator[type]:
    """Yield the classes of structures that an annotation names, within its collections too."""
    if isinstance(hint, type) and get_origin(hint) is None and kind_of(hint) is not None:
        yield hint
    elif hint is not None:
        for part in get_args(hint):
            yield from _named(part)


def _alternatives(hint: object) -> tuple[object, ...]:
    origin = get_origin(hint)
    if origin is Annotated:
        return _alternatives(get_args(hint)[0])
    if origin is Union or type(hint).__name__ == "UnionType":
        return tuple(one for part in get_args(hint) for one in _alternatives(part))
    return (hint,)


def _parts_of(hint: object, place: int) -> object:
    """Return what an annotation says of the items of a collection: of all its alternatives, as one."""
    found = [get_args(one) for one in _alternatives(hint) if get_origin(one) is not None]
    parts = tuple(args[place] for args in found if len(args) > place)
    try:
        return Union[parts] if parts else None  # noqa: UP007 - made of values
    except TypeError:  # parts that are no types, as in `Callable[[int], str]`
        return None


def _place_of(hint: object, number: int) -> object:
    for one in _alternatives(hint):
        args = get_args(one)
        if get_origin(one) is tuple and args:
            if args[-1] is Ellipsis:
                return args[0]
            return args[number] if number < len(args) else None
    return _parts_of(hint, 0)


def field_hints(cls: type) -> Mapping[str, object]:
    """Return the annotations of a class' fields; none where they cannot be evaluated."""
    typing = importlib.import_module("typing")
    try:
        hints: Mapping[str, object] = typing.get_type_hints(cls)
    except Exception:  # noqa: BLE001 - an annotation may be any expression, and name what is imported for type checkers alone
        return {}
    return hints


def return_classes(function: object) -> Classes | None:
    """Return the classes of a function's return annotation; None where it names none."""
    found = Classes(field_hints(cast("type", function)).get("return"))
    return found if found.names else None


def holds_structures(value: object) -> bool:
    """Return whether there is a structure in a value."""
    level = [value]
    while level:
        if any(type(one) is Structure for one in level):
            return True
        inner = [one for one in level if type(one) in _ITEMS or type(one) is dict]
        level = [part for one in inner for part in cast("list[object]", one)]
        level += [part for one in inner if isinstance(one, dict) for part in one.values()]
    return False


def rebuilt_arguments(
    function: object, args: list[object], kwargs: dict[str, object]
) -> tuple[list[object], dict[str, object]]:
    """Return arguments with their structures rebuilt as what the function's annotations name.

    Raises:
        TypeError: They name none for one; it says what to write.
    """
    inspect = importlib.import_module("inspect")
    hints = field_hints(cast("type", function))
    parameters = list(inspect.signature(function).parameters.values())
    placed = [one.name for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    rest = {one.kind.name: one.name for one in parameters}

    def made(value: object, name: str) -> object:
        if not holds_structures(value):
            return value
        try:
            return Classes(hints.get(name)).rebuild(value)
        except UndecodableError as error:
            mend = "define or import the class in this source, and annotate the parameter with it"
            raise TypeError(f"argument {name!r} holds {error}; {mend}") from None

    positional = [
        made(value, placed[number] if number < len(placed) else rest.get("VAR_POSITIONAL", ""))
        for number, value in enumerate(args)
    ]
    names = {one.name for one in parameters}
    return positional, {
        name: made(value, name if name in names else rest.get("VAR_KEYWORD", "")) for name, value in kwargs.items()
    }


# Names that a source defines, imports, assigns to, or takes from a module; what else it mentions is no class.
_NAMES = r"\bclass\s+(\w+)|\bimport\s*\(([^)]*)\)|\bimport\s+([^\n]*)|^(\w+)\s*=|\.(\w+)"


class Mentioned(Container[object]):
    """The names that a source may have given to classes, found when they are asked for.

    Args:
        source: The text of a module.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._words: frozenset[str] | None = None

    def __contains__(self, name: object) -> bool:
        """Return whether the source has the name."""
        if self._words is None:
            re = importlib.import_module("re")
            found = re.findall(_NAMES, self._source, re.MULTILINE)
            self._words = frozenset(re.findall(r"\w+", " ".join(part for parts in found for part in parts)))
        return name in self._words
