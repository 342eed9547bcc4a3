"""The classes and methods of a source as its statements make them."""

import ast
import dataclasses
from collections.abc import Callable

from poet_engine.gate import vocabulary

INSTANCE_METHOD, CLASS_METHOD, STATIC_METHOD = "instance", "class", "static"
_METACLASSES = vocabulary.METACLASSES | {"builtins.type"}
_EMPTY_BASES = frozenset({"abc.ABC", "typing.Generic", "typing.Protocol"})


@dataclasses.dataclass(slots=True, eq=False)
class OwnClass:
    """One class statement.

    Attributes:
        node: The statement.
        bases: The source's own classes among its bases.
        foreign: The dotted paths of the other bases; that of a builtin begins with `builtins.`.
        opaque: Whether a base or the metaclass is out of sight.
        kept: Whether its name surely stands for it: no decorator gives back something else.
        metaclass: The source's own metaclass, if it has one.
        heirs: The own classes that derive from it, and those that it is the metaclass of.
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
        """Whether what its body binds is what its instances have: no library makes members or fields of it."""
        meta = self.metaclass is not None or any(item.arg == "metaclass" for item in self.node.keywords)
        return not meta and all(path.startswith("builtins.") or path in _EMPTY_BASES for path in self.foreign)

    def lineage(self) -> list["OwnClass"]:
        """It and every own class that it derives from."""
        return _closure(self, lambda one: one.bases)

    def descendants(self) -> list["OwnClass"]:
        """It and every own class that derives from it, or whose metaclass it is."""
        return _closure(self, lambda one: one.heirs)


@dataclasses.dataclass(slots=True, eq=False)
class Method:
    """One function in the body of a class.

    Attributes:
        node: The function.
        owner: The class.
        kind: What it is given first: an instance, a class, or what the caller gives.
        names: The names that the class has it by.
        computed: Whether it is a property.
        plain: Whether calling it runs its body at once, and gives what that returns.
        sure: Whether nobody but the class calls it: its decorators are known, and its name is not passed around.
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
        """Those that can be given by position."""
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
