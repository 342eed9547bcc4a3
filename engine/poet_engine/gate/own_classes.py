"""The classes that a source defines: their families, their methods, and the attributes of their library bases."""

import ast

from poet_engine.gate import library_names, vocabulary
from poet_engine.gate.check_imports import Uses
from poet_engine.gate.class_statements import Method, OwnClass
from poet_engine.gate.own_methods import Methods
from poet_engine.gate.ruleset import Allowance
from poet_engine.gate.source_model import CLASS, Source


class OwnClasses:
    """The class statements of one source, and what follows from them.

    Args:
        source: The source.
        uses: The imported names that it uses.
        allowance: The modules and names that the policy allows.

    Attributes:
        of: The statement → the class.
        methods: A function in the body of a class → the method.
        by_name: The name of a method → every method of that name.
        wrappers: A function that own decorators put in place of methods → these methods.
    """

    def __init__(self, source: Source, uses: Uses, allowance: Allowance) -> None:
        self._source, self._uses, self._allowance = source, uses, allowance
        self._indexed = any("__class_getitem__" in scope.bindings for scope in source.scopes if scope.kind == CLASS)
        self._registering = _registers(source)
        self._families: dict[OwnClass, tuple[list[OwnClass], frozenset[str] | None, bool]] = {}
        nodes = [node for node in source.of(ast.ClassDef) if isinstance(node, ast.ClassDef)]
        self.of = {node: OwnClass(node, kept=self._keeps(node)) for node in nodes}
        for one in self.of.values():
            self._read_head(one)
        for one in self.of.values():
            for base in (*one.bases, *([one.metaclass] if one.metaclass is not None else [])):
                base.heirs.append(one)
        self._read_metaclasses()
        found = Methods(source, uses.paths, self.path)
        for scope in source.scopes:
            if scope.kind == CLASS and isinstance(scope.node, ast.ClassDef):
                found.gather(scope, self.of[scope.node])
        self.methods: dict[ast.AST, Method] = found.of
        self.by_name = found.by_name
        self.wrappers = found.wrappers()

    def named(self, name: ast.AST) -> OwnClass | None:
        """Return the one class that a name refers to, whatever its decorators; None for any other name."""
        scope = self._source.scope_of.get(name) if isinstance(name, ast.Name) else None
        if not isinstance(name, ast.Name) or scope is None or self._source.may_be_builtin(name):
            return None
        found = scope.meanings(name.id)
        return self.made_by(found[0].node) if len(found) == 1 else None

    def made_by(self, node: ast.AST | None) -> OwnClass | None:
        """Return the class that a statement defines; None for any other node."""
        return self.of.get(node) if isinstance(node, ast.ClassDef) else None

    def path(self, node: ast.AST) -> str | None:
        """Return the dotted path that a name or attribute certainly refers to; `builtins.x` for a builtin."""
        if isinstance(node, ast.Name):
            scope = self._source.scope_of.get(node)
            found = scope.meanings(node.id) if scope is not None else []
            if not found:
                return f"builtins.{node.id}" if node.id in vocabulary.ALLOWED_BUILTINS else None
            if self._source.may_be_builtin(node):
                return None
            paths = {one.path if one.kind == "from" else "" for one in found}
            return paths.pop() or None if len(paths) == 1 else None
        return self._uses.paths.get(node)

    def family(self, one: OwnClass) -> list[OwnClass]:
        """Return every own class that an instance of this one may be an instance of."""
        return self._family(one)[0]

    def owns(self, one: OwnClass, name: str) -> bool:
        """Whether an attribute of this name, read from an instance or from the class, can only be the source's own."""
        _, names, opaque = self._family(one)
        if opaque or names is None or name in names:
            return False
        libraries = self._libraries(one)
        return not libraries or (
            name[:1] == "_" and all(found is not None and name not in found for found in libraries)
        )

    def owns_start(self, one: OwnClass, start: str) -> bool:
        """Whether every attribute whose name begins like this can only be the source's own."""
        _, names, opaque = self._family(one)
        return (
            not opaque
            and names is not None
            and not self._libraries(one)
            and not any(n.startswith(start) for n in names)
        )

    def is_pure(self, one: OwnClass) -> bool:
        """Whether no base of the family comes from another library than the standard one."""
        _, names, opaque = self._family(one)
        return not opaque and names is not None and not self._libraries(one)

    def asks(self, one: OwnClass) -> bool:
        """Whether `isinstance` with this class is true of its real instances only."""
        for above in one.lineage():
            if above.opaque or above.metaclass is not None or not above.kept:
                return False
            kinds = [library_names.is_virtual(path) for path in above.foreign]
            if None in kinds or (self._registering and (True in kinds or _is_abstract(above, self))):
                return False
        return True

    def admits(self, one: OwnClass) -> bool:
        """Whether other values may pass for instances of it: by a protocol, or by registering their class."""
        paths = [path for above in one.lineage() for path in above.foreign]
        virtual = any(library_names.is_virtual(path) for path in paths) or any(
            _is_abstract(one, self) for one in one.lineage()
        )
        return "typing.Protocol" in paths or (self._registering and virtual)

    def taint(self, some: set[OwnClass]) -> None:
        """Mark classes as opaque: code that is not in the source may derive from them."""
        for one in some:
            one.opaque = True
        self._families.clear()

    def _family(self, one: OwnClass) -> tuple[list[OwnClass], frozenset[str] | None, bool]:
        known = self._families.get(one)
        if known is None:
            found = list({above: None for heir in one.descendants() for above in heir.lineage()})
            paths = {path for each in found for path in each.foreign if not self._is_library(path)}
            names = [self._names(path) for path in paths]
            joined = frozenset[str]().union(*(some for some in names if some is not None))
            opaque = any(each.opaque for each in found)
            known = self._families[one] = (found, None if None in names else joined, opaque)
        return known

    def _libraries(self, one: OwnClass) -> list[frozenset[str] | None]:
        paths = {path for each in self.family(one) for path in each.foreign if self._is_library(path)}
        return [library_names.library_names(path) for path in paths]

    def _is_library(self, path: str) -> bool:
        return not library_names.is_standard(path)

    def _names(self, path: str) -> frozenset[str] | None:
        allowed = path.startswith("builtins.") or self._allowance.allows(path)
        return library_names.class_names(path) if allowed else None  # a module that is not listed is not imported

    def _read_head(self, one: OwnClass) -> None:
        """Fill in the bases and the metaclass from the head of a class statement."""
        for base in one.node.bases:
            self._base(base, one)
        for item in one.node.keywords:
            if item.arg == "metaclass":
                one.metaclass = self.named(item.value)
                if one.metaclass is None:
                    path = self.path(item.value)
                    one.opaque |= path not in vocabulary.METACLASSES
            one.opaque |= item.arg is None

    def _keeps(self, node: ast.ClassDef) -> bool:
        """Whether the decorators of a class return it."""
        makers = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
        return all(self.path(maker) in vocabulary.CLASS_DECORATORS for maker in makers)

    def _read_metaclasses(self) -> None:
        """Mark classes whose own metaclass may create another class than the statement says."""
        for one in self.of.values():
            metas = [
                meta for above in one.lineage() if above.metaclass is not None for meta in above.metaclass.lineage()
            ]
            if any(meta.metaclass is not None or not self._makes_faithfully(meta) for meta in metas):
                one.opaque, one.kept = True, False

    def _makes_faithfully(self, meta: OwnClass) -> bool:
        """Whether the `__new__` of a metaclass, if it has one, returns a class with the bases that it was given."""
        for node in meta.node.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "__new__":
                bases = node.args.args[2].arg if len(node.args.args) > 2 else ""  # noqa: PLR2004 - the metaclass, the name
                stored = {
                    part.id
                    for part in ast.walk(node)
                    if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load)
                }
                returned = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
                if bases in stored or not all(self._returns_class(value, bases) for value in returned):
                    return False
        return True

    def _returns_class(self, value: ast.expr | None, bases: str) -> bool:
        """Whether a metaclass returns the class with the bases that it was given."""
        made = self._source.given(value) if value is not None else None
        return value is not None and all(_passes_on(one, bases) for one in made or [value])

    def _base(self, base: ast.expr, one: OwnClass) -> None:
        if isinstance(base, ast.Subscript) and not self._indexed:
            base = base.value
        maker = self.path(base.func) if isinstance(base, ast.Call) else None
        own, path = self.named(base), self.path(base)
        if maker in vocabulary.RECORDS:
            one.foreign.append(maker or "")
        elif own is not None and own.kept:
            one.bases.append(own)
        elif path is not None:
            one.foreign.append(path)
        else:
            one.opaque = True


def _passes_on(made: ast.expr | None, bases: str) -> bool:
    """Whether a call is `super().__new__(meta, name, bases, namespace)`, or the same of `type`, with these bases."""
    match made:
        case ast.Call(
            func=ast.Attribute(attr="__new__", value=ast.Call(func=ast.Name(id="super")) | ast.Name(id="type")),
            args=[_, _, ast.Name(id=given), *_],
        ):
            return given == bases
        case _:
            return False


def _is_abstract(one: OwnClass, classes: OwnClasses) -> bool:
    return any(item.arg == "metaclass" and classes.path(item.value) == "abc.ABCMeta" for item in one.node.keywords)


def _registers(source: Source) -> bool:
    """Whether the source may extend `isinstance`: by `register`, also as a string, or `__subclasshook__`."""
    for node in source.of(ast.Attribute, ast.Constant):
        if isinstance(node, ast.Attribute) and node.attr in {"register", "__subclasshook__"}:
            return True
        if isinstance(node, ast.Constant) and node.value == "register":
            return True
    hooks = any("__subclasshook__" in scope.bindings for scope in source.scopes)
    return hooks or any(
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "getattr"
        and not isinstance(call.args[1] if len(call.args) > 1 else None, ast.Constant)
        for call in source.of(ast.Call)
    )
