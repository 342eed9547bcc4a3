"""Analysis of a source's class statements: which have all their fields visible, and which create classes."""

import ast
from collections import defaultdict
from collections.abc import Iterator

from poet_engine.gate import vocabulary
from poet_engine.gate.check_imports import Uses
from poet_engine.gate.source_model import CLASS, Binding, Source

_ASKS = frozenset({"isinstance", "issubclass", "super"})
_MAKING = frozenset({"__call__", "__new__"})


class ClassAnalysis:
    """Answers about the classes of one source.

    Args:
        source: The source.
        uses: The imported names that it uses.
    """

    __slots__ = ("_indexed", "_known", "_source", "_uses")

    def __init__(self, source: Source, uses: Uses) -> None:
        self._source, self._uses = source, uses
        self._known: dict[ast.AST, bool] = {}
        self._indexed = any("__class_getitem__" in scope.bindings for scope in source.scopes if scope.kind == CLASS)

    def meanings(self, name: ast.Name) -> list[Binding]:
        """Return all bindings that a name can refer to where it stands."""
        scope = self._source.scope_of.get(name)
        return scope.meanings(name.id) if scope is not None else []

    def is_plain(self, cls: ast.expr) -> bool:
        """Whether the fields of a class are visible: builtin, imported, or defined by statements all the way up.

        A base, a metaclass or a decorator that is computed could add fields of any name.
        """
        match cls:
            case ast.Name():
                found = self.meanings(cls)
                return all(self._is_plainly_made(one) for one in found) and (
                    bool(found) or cls.id in vocabulary.ALLOWED_BUILTINS
                )
            case ast.Subscript(value=generic):
                return not self._indexed and self.is_plain(generic)
            case ast.Call(func=maker):
                return self._uses.paths.get(maker) in vocabulary.RECORDS
            case _:
                return cls in self._uses.paths

    def keeps_name(self, node: ast.ClassDef) -> bool:
        """Whether the name of a class certainly refers to it: its decorators return it."""
        makers = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
        return all(self._uses.paths.get(maker) in vocabulary.CLASS_DECORATORS for maker in makers)

    def metaclasses(self) -> Iterator[tuple[ast.AST, str]]:
        """Yield uses of the source's own metaclasses that can create a class of any content, as `type` can."""
        own = self._derived(vocabulary.METACLASSES, "type")
        names = set[str]()
        for node in own:
            if isinstance(node, ast.ClassDef):
                names.add(node.name)
                if node.decorator_list:
                    yield node, node.name
        for name in self._source.scope_of if own else ():
            if (
                name.id in names
                and any(one.node in own for one in self.meanings(name))
                and not self._is_only_named(name)
            ):
                yield name, name.id

    def enumerations(self) -> Iterator[ast.Call]:
        """Yield calls of the source's own enumerations that define members instead of looking one up."""
        own = self._derived(vocabulary.CLASSES_BY_NAMES)
        for call in self._source.of(ast.Call) if own else ():
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and len([*call.args, *call.keywords]) > 1:
                yield from [call] if any(one.node in own for one in self.meanings(call.func)) else []

    def _derived(self, paths: frozenset[str], builtin: str = "") -> set[ast.AST]:
        """Return the source's own classes that have one of these imported names among their bases, however far up."""
        heirs = defaultdict[ast.AST, list[ast.AST]](list)
        waiting: list[ast.AST] = []
        for node in self._source.of(ast.ClassDef):
            for base in node.bases if isinstance(node, ast.ClassDef) else ():
                found = self.meanings(base) if isinstance(base, ast.Name) else []
                for one in found:
                    heirs[one.node].append(node)
                if self._uses.paths.get(base) in paths or (not found and getattr(base, "id", None) == builtin):
                    waiting.append(node)
        derived: set[ast.AST] = set()
        while waiting:
            node = waiting.pop()
            if node not in derived:
                derived.add(node)
                waiting.extend(heirs[node])
        return derived

    def _is_only_named(self, name: ast.Name) -> bool:
        """Whether a metaclass is only named: as one, as a base, in `isinstance` and its like, before an attribute."""
        match self._source.parents[name]:
            case ast.keyword(arg="metaclass") | ast.ClassDef() | ast.arg() | ast.Compare():
                return True
            case ast.Attribute(attr=attr):
                return attr not in _MAKING or self._is_in_new(name)
            case ast.Call(func=ast.Name(id=asked) as func):
                return func is not name and asked in _ASKS and not self.meanings(func)
            case ast.FunctionDef(returns=returned):
                return returned is name
            case _:
                return False

    def _is_in_new(self, node: ast.AST) -> bool:
        outer: ast.AST | None = node
        while outer is not None and not isinstance(outer, ast.FunctionDef):
            outer = self._source.parents.get(outer)
        return isinstance(outer, ast.FunctionDef) and outer.name in _MAKING

    def _is_plainly_made(self, binding: Binding) -> bool:
        node = binding.node
        if isinstance(node, ast.ClassDef):
            if node not in self._known:
                self._known[node] = False  # for a class that is its own base
                self._known[node] = self._is_statement(node)
            return self._known[node]
        if binding.kind == "from":
            return True
        made = self._source.parents.get(node)
        value = made.value if isinstance(made, ast.Assign | ast.AnnAssign) else None
        return isinstance(value, ast.Call) and self._uses.paths.get(value.func) in vocabulary.RECORDS

    def _is_statement(self, node: ast.ClassDef) -> bool:
        for item in node.keywords:
            if item.arg is None or (item.arg == "metaclass" and item.value not in self._uses.paths):
                return False
        return self.keeps_name(node) and all(self.is_plain(base) for base in node.bases)
