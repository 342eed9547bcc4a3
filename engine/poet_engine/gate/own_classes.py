"""The classes that a source makes: their families, what libraries bring into them, and their methods."""

import ast

from poet_engine.gate import library_names, vocabulary
from poet_engine.gate.check_imports import Uses
from poet_engine.gate.class_statements import Method, OwnClass
from poet_engine.gate.own_methods import Methods
from poet_engine.gate.ruleset import Allowance
from poet_engine.gate.source_model import CLASS, Source


class OwnClasses:
    """All class statements of one source.

    Args:
        source: The source.
        uses: What stands for imported names in it.
        allowance: What the policy lets in.

    Attributes:
        of: The statement → the class.
        methods: A function in the body of a class → the method.
        by_name: The name of a method → every method of that name.
        wrappers: A function that stands in the place of methods → these methods.
    """

    def __init__(self, source: Source, uses: Uses, allowance: Allowance) -> None:
        self._source, self._uses, self._allowance = source, uses, allowance
        self._indexed = any("__class_getitem__" in scope.bindings for scope in source.scopes if scope.kind == CLASS)
        self._registering = _registers(source)
        self._families: dict[OwnClass, tuple[list[OwnClass], frozenset[str] | None, bool]] = {}
        nodes = [node for node in source.of(ast.ClassDef) if isinstance(node, ast.ClassDef)]
        self.of = {node: OwnClass(node, kept=self._keeps(node)) for node in nodes}
        for one in self.of.values():
            self._look(one)
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
        """The one class that a name stands for, whatever it is decorated with."""
        scope = self._source.scope_of.get(name) if isinstance(name, ast.Name) else None
        if not isinstance(name, ast.Name) or scope is None or self._source.may_be_builtin(name):
            return None
        found = scope.meanings(name.id)
        return self.made_by(found[0].node) if len(found) == 1 else None

    def made_by(self, node: ast.AST | None) -> OwnClass | None:
        """The class that a statement makes; None for any other node."""
        return self.of.get(node) if isinstance(node, ast.ClassDef) else None

    def path(self, node: ast.AST) -> str | None:
        """The dotted path that a name or attribute surely stands for; `builtins.x` for a builtin."""
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
        """Every own class that an instance of this one may be an instance of."""
        return self._family(one)[0]

    def owns(self, one: OwnClass, name: str) -> bool:
        """Whether an attribute of this name, asked of an instance or of the class, can only be the source's own."""
        _, names, opaque = self._family(one)
        if opaque or names is None or name in names:
            return False
        libraries = self._libraries(one)
        return not libraries or (
            name[:1] == "_" and all(found is not None and name not in found for found in libraries)
        )

    def owns_start(self, one: OwnClass, start: str) -> bool:
        """The same of every attribute whose name begins like this."""
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
        """Whether `isinstance` with it says yes of nothing but instances of it."""
        for above in one.lineage():
            if above.opaque or above.metaclass is not None or not above.kept:
                return False
            kinds = [library_names.is_virtual(path) for path in above.foreign]
            if None in kinds or (self._registering and (True in kinds or _is_abstract(above, self))):
                return False
        return True

    def admits(self, one: OwnClass) -> bool:
        """Whether values that are no instances of it may pass for ones: of a protocol, or by being registered."""
        paths = [path for above in one.lineage() for path in above.foreign]
        virtual = any(library_names.is_virtual(path) for path in paths) or any(
            _is_abstract(one, self) for one in one.lineage()
        )
        return "typing.Protocol" in paths or (self._registering and virtual)

    def taint(self, some: set[OwnClass]) -> None:
        """Say of classes that others, out of sight, may derive from them."""
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
        return library_names.class_names(path) if allowed else None  # what is not listed is not imported

    def _look(self, one: OwnClass) -> None:
        """Fill in what the head of a statement says."""
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
        """Whether the decorators of a class give it back."""
        makers = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
        return all(self.path(maker) in vocabulary.CLASS_DECORATORS for maker in makers)

    def _read_metaclasses(self) -> None:
        """A metaclass of the source's own may make another class than the statement says."""
        for one in self.of.values():
            metas = [
                meta for above in one.lineage() if above.metaclass is not None for meta in above.metaclass.lineage()
            ]
            if any(meta.metaclass is not None or not self._makes_faithfully(meta) for meta in metas):
                one.opaque, one.kept = True, False

    def _makes_faithfully(self, meta: OwnClass) -> bool:
        """Whether the `__new__` of a metaclass, if it has one, gives the class with the bases that it was told."""
        for node in meta.node.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "__new__":
                bases = node.args.args[2].arg if len(node.args.args) > 2 else ""  # noqa: PLR2004 - the metaclass, the name
                stored = {
                    part.id
                    for part in ast.walk(node)
                    if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load)
                }
                returned = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
                if bases in stored or not all(self._gives(value, bases) for value in returned):
                    return False
        return True

    def _gives(self, value: ast.expr | None, bases: str) -> bool:
        """Whether what a metaclass returns is the class that it was told to make."""
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
    """`super().__new__(meta, name, bases, namespace)`, and the same of `type`."""
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
    """Whether the source may make `isinstance` say yes of other values: `register`, also by a text, and the hook."""
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
