"""The classes and methods of a source, as their statements define them."""

import ast
import dataclasses
from collections.abc import Callable

from poet_engine.gate import vocabulary

INSTANCE_METHOD, CLASS_METHOD, STATIC_METHOD = "instance", "class", "static"
_METACLASSES = vocabulary.METACLASSES | {"builtins.type"}
_EMPTY_BASES = frozenset({"abc.ABC", "typing.Generic", "typing.Protocol"})


@dataclasses.dataclass(slots=True, eq=False)
class OwnClass:
    """A class statement of the source.

    Attributes:
        node: The statement.
        bases: The source's own classes among its bases.
        foreign: The dotted paths of the other bases; that of a builtin begins with `builtins.`.
        opaque: Whether a base or the metaclass is unknown.
        kept: Whether its name certainly refers to it: no decorator returns something else.
        metaclass: The source's own metaclass, if it has one.
        heirs: Its direct subclasses in the source, and the classes that it is the metaclass of.
    """

    node: ast.ClassDef
    bases: list["OwnClass"] = dataclasses.field(default_factory=list)
    foreign: list[str] = dataclasses.field(default_factory=list)
    opaque: bool = False
    kept: bool = True
    metaclass: "OwnClass | None" = None
    heirs: list["OwnClass"] = dataclasses.field(default_factory=list)

    @property
    def is_metaclass(self) -> bool:
        """Whether its instances are classes."""
        return any(path in _METACLASSES for above in self.lineage() for path in above.foreign)

    @property
    def is_simple(self) -> bool:
        """Whether instances have exactly what the body binds: no library turns it into members or fields."""
        meta = self.metaclass is not None or any(item.arg == "metaclass" for item in self.node.keywords)
        return not meta and all(path.startswith("builtins.") or path in _EMPTY_BASES for path in self.foreign)

    def lineage(self) -> list["OwnClass"]:
        """Return the class and every own class that it derives from."""
        return _closure(self, lambda one: one.bases)

    def descendants(self) -> list["OwnClass"]:
        """Return the class, every own class that derives from it, and those that it is the metaclass of."""
        return _closure(self, lambda one: one.heirs)


@dataclasses.dataclass(slots=True, eq=False)
class Method:
    """A function in the body of a class.

    Attributes:
        node: The function.
        owner: The class.
        kind: Its first argument: an instance, a class, or the caller's first argument.
        names: Its names in the class.
        computed: Whether it is a property.
        plain: Whether calling it runs its body at once and returns the body's value.
        sure: Whether only its class calls it: its decorators are known, and its name is not passed around.
        wrapped: Whether another function of the source stands in its place and calls it.
    """

    node: ast.FunctionDef | ast.AsyncFunctionDef
    owner: OwnClass
    kind: str
    names: set[str]
    computed: bool
    plain: bool
    sure: bool
    wrapped: bool = False

    @property
    def parameters(self) -> list[ast.arg]:
        """The parameters that can be passed by position."""
        return [*self.node.args.posonlyargs, *self.node.args.args]


def _closure(start: OwnClass, further: Callable[[OwnClass], list[OwnClass]]) -> list[OwnClass]:
    seen = {start: None}  # in the order of the walk
    waiting = [start]
    while waiting:
        for one in further(waiting.pop()):
            if one not in seen:
                seen[one] = None
                waiting.append(one)
    return list(seen)
