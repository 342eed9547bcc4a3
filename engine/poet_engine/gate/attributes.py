"""Rules for attribute access: which attributes may be read from which value.

The private attributes that a source defines are allowed on instances of its own classes only.
"""

import ast
import functools

from poet_engine.gate import library_names, vocabulary
from poet_engine.gate.check_imports import Uses
from poet_engine.gate.check_methods import MethodUses
from poet_engine.gate.check_names import is_special
from poet_engine.gate.escapes import escaped
from poet_engine.gate.own_classes import OwnClasses
from poet_engine.gate.ownership import Ownership
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.ruleset import Allowance
from poet_engine.gate.source_model import CLASS, Source


class Attributes:
    """Decide which attributes one source may read from a value.

    Args:
        source: The source.
        allowance: The modules and names that the policy allows.
        uses: The imported names that the source uses, as the module rule resolved them.
    """

    def __init__(self, source: Source, allowance: Allowance, uses: Uses) -> None:
        self._source, self._allowance, self._uses = source, allowance, uses
        self.tables = allowance.uses("pandas")
        self._defined = _defined(source)
        self.imported = imported = _imported(source)
        self._ways = {"buffer"} if imported & vocabulary.WITH_STREAMS else frozenset[str]()  # they lead to `raw`
        self._methods = _refused(source, allowance, imported, uses)
        self._catches = _catches(source, uses)

    @functools.cached_property
    def _foreign(self) -> frozenset[str] | None:
        """The private attributes that library values may have; None where they may have any."""
        return library_names.private_names(self._allowance.modules, _modules(self._source, self._allowance))

    @functools.cached_property
    def classes(self) -> OwnClasses:
        """The source's own classes, tainted where code that is not in the source may derive from them."""
        classes = OwnClasses(self._source, self._uses, self._allowance)
        if any(one.opaque for one in classes.of.values()):
            classes.taint(escaped(self._source, classes, self._uses))
        return classes

    @functools.cached_property
    def ownership(self) -> Ownership:
        """The analysis of which values are surely the source's own."""
        closed = all(library_names.is_standard(module) for module in self._allowance.modules)
        passed = escaped(self._source, self.classes, self._uses)
        return Ownership(self._source, self._uses, self.classes, escaped=passed, closed=closed)

    @functools.cached_property
    def methods(self) -> MethodUses:
        """The uses of the methods on which ownership relies."""
        return MethodUses(self._source, self._uses, self.ownership)

    def methods_checked(self, reporter: Reporter) -> None:
        """Report calls that pass anything but an instance to the source's own methods; runs after all other rules."""
        if "methods" in self.__dict__:
            self.methods.check(reporter)

    def owns(self, of: ast.expr | None, name: str) -> bool:
        """Whether an attribute of this name, read from the value of an expression, can only be the source's own."""
        if of is None or not self.ownership.owns(of, name):
            return False
        self.methods.rely([of])
        return True

    def refusal(self, name: str, of: ast.expr | None = None) -> tuple[str, str] | None:
        """Return the rule that forbids to read this attribute from a value, and its message; None where it is allowed.

        Args:
            name: The attribute.
            of: The expression that the attribute is read from; None where it is unknown.
        """
        if name in self._methods:
            return None if self.owns(of, name) else ("POET133", f"The method {name!r} is refused on every value")
        if name == "obj" and self._catches and not self.owns(of, name):
            return "POET131", "'obj' of an exception gives out the value that it is about"
        if name[:1] == "_":
            if is_special(name):
                allowed = name in vocabulary.READABLE
                return None if allowed else ("POET130", f"The special attribute {name!r} is not allowed")
            if name not in vocabulary.INSIDE:
                return self._private(name, of)
        if name in vocabulary.INSIDE:
            return "POET131", f"The attribute {name!r} looks inside running code"
        if self.tables and vocabulary.READERS.fullmatch(name):
            return "POET133", f"The reader {name!r} is refused on every value"
        return None

    def of_class(self, name: str, kind: ast.expr) -> tuple[str, str] | None:
        """Return the rule that forbids a class pattern to read this attribute, and its message; None where it may."""
        refusal = self.refusal(name)
        if refusal is None or refusal[0] not in {"POET131", "POET133", "POET136"} or name in vocabulary.INSIDE:
            return refusal
        own = self.classes.named(kind)
        sure = own is not None and own.kept and self.classes.asks(own) and self.classes.owns(own, name)
        return None if sure and (name[:1] != "_" or name in self._defined) else refusal

    def owns_field(self, node: ast.ClassDef, name: str) -> bool:
        """Whether a field of a class can only be the source's own."""
        if name[:1] != "_" or is_special(name) or name in vocabulary.PUBLISHED:
            return True
        full = self._mangled(name, node)
        return self.is_nobodys(full) or self.classes.owns(self.classes.of[node], full)

    def _private(self, name: str, of: ast.expr | None) -> tuple[str, str] | None:
        if name not in self._defined:
            return "POET136", f"The private attribute {name!r} is not one that this source defines"
        full = self._mangled(name, of)
        if name in vocabulary.PUBLISHED or self.is_nobodys(full) or self.owns(of, full):
            return None
        return "POET136", f"Libraries have a private attribute {name!r} too, and this value may come from one"

    def is_nobodys(self, name: str) -> bool:
        """Whether no value of a library, nor one that callers pass, has a private attribute of this name."""
        return self._foreign is not None and name not in self._foreign

    def _mangled(self, name: str, of: ast.AST | None) -> str:
        """Return the mangled form of a name that begins with two underscores in the body of a class."""
        outer = of
        while name[:2] == "__" and outer is not None:
            if isinstance(outer, ast.ClassDef):
                return f"_{outer.name.lstrip('_')}{name}" if outer.name.strip("_") else name
            outer = self._source.parents.get(outer)
        return name

    def starts_refused(self, start: str, of: ast.expr | None = None) -> bool:
        """Whether a name that begins like this may turn out to be one that is refused on the value."""
        own = self.owns_start(of, start)
        if start[:1] == "_" and not own and (self._foreign is None or any(n.startswith(start) for n in self._foreign)):
            return True
        methods = () if own else (*self._methods, *(("obj",) if self._catches else ()))
        refused = (*vocabulary.INSIDE, *vocabulary.FORMATS, *methods, "read_" if self.tables else "", *self._ways)
        return start.startswith("__") or any(
            name.startswith(start) or start.startswith(name) for name in refused if name
        )

    def owns_start(self, of: ast.expr | None, start: str) -> bool:
        """Whether an attribute whose name begins like this can only be the source's own."""
        if of is None:
            return False
        value = self.ownership.value(of)
        if value is None or not all(self.classes.owns_start(one.of, start) for one in value):
            return False
        self.methods.rely([of])
        return True


def _defined(source: Source) -> frozenset[str]:
    """Return the attributes that the source defines: set somewhere, bound in a class, or listed in its slots."""
    found = {name for scope in source.scopes if scope.kind == CLASS for name in scope.bindings}
    for node in source.nodes.get(ast.Attribute, ()):
        if isinstance(node, ast.Attribute) and type(node.ctx) is ast.Store:
            found.add(node.attr)
    for node in source.nodes.get(ast.Constant, ()):
        value: object = getattr(node, "value", None)
        if type(value) is str and value[:1] == "_" and _gives(node, source):
            found.add(value)
    return frozenset(found | vocabulary.PUBLISHED)


def _gives(text: ast.AST, source: Source) -> bool:
    """Whether a string constant names an attribute to set: in `__slots__`, in `setattr`, in `__setattr__`."""
    outer = source.parents[text]
    if isinstance(outer, ast.Call):
        func = outer.func
        return (func.id if isinstance(func, ast.Name) else getattr(func, "attr", "")) in {"setattr", "__setattr__"}
    if isinstance(outer, ast.Tuple | ast.List | ast.Set):
        outer = source.parents[outer]
    return isinstance(outer, ast.Assign) and any(getattr(to, "id", "") == "__slots__" for to in outer.targets)


def _imported(source: Source) -> frozenset[str]:
    """Return the top-level modules that the source imports."""
    return frozenset(
        binding.path.partition(".")[0]
        for scope in source.scopes
        for name in scope.imports
        for binding in scope.bindings[name]
    )


def _modules(source: Source, allowance: Allowance) -> set[str]:
    """Return the dotted names of the modules that the source imports."""
    found: set[str] = set()
    for node in source.of(ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {node.module} | (below & allowance.namespaces)
    return found


def _refused(source: Source, allowance: Allowance, imported: frozenset[str], uses: Uses) -> frozenset[str]:
    """Return the methods refused in this source: those of the libraries that the policy allows."""
    refused = set[str]()
    if allowance.uses("numpy") or allowance.uses("pandas"):
        refused |= vocabulary.ARRAY_METHODS
    if allowance.uses("pandas"):
        refused |= vocabulary.TABLE_METHODS | vocabulary.TEXT_METHODS
    if allowance.allows(vocabulary.SAVES_PICTURES):  # the policy lets pictures be saved, and this is how
        refused -= vocabulary.PICTURE_METHODS
    if vocabulary.TYPE_PARTS in uses.paths.values():
        refused |= vocabulary.TYPE_METHODS
    if imported & vocabulary.WITH_STREAMS:
        refused |= vocabulary.STREAM_METHODS
        refused -= {"raw"} if not _names_buffer(source) else set()
    return frozenset(refused)


def _names_buffer(source: Source) -> bool:
    """Whether the source reads any `buffer`: only that of a stream has a `raw` that opens files."""
    for node in source.of(ast.Attribute, ast.Constant, ast.MatchClass):
        match node:
            case ast.Attribute(attr="buffer"):
                return True
            case ast.Constant(value=str() as text) if "buffer" in text:
                return True
            case ast.MatchClass(kwd_attrs=names) if "buffer" in names:
                return True
            case _:
                continue
    return False


def _catches(source: Source, uses: Uses) -> bool:
    """Whether the source may get hold of an exception."""
    if any(getattr(node, "name", None) for node in source.nodes.get(ast.ExceptHandler, ())):
        return True
    if any(name in scope.bindings for scope in source.scopes for name in ("__exit__", "__aexit__")):
        return True
    if frozenset({"contextlib.ExitStack", "contextlib.AsyncExitStack", "logging.Handler"}) & set(uses.paths.values()):
        return True
    named = {"__cause__", "__context__", "exc_info", "exceptions"}
    return any(getattr(node, "attr", "") in named for node in source.of(ast.Attribute))
