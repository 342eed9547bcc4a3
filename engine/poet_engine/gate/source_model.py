"""Model of a parsed source for the rules: nodes by kind, parents, scopes and the bindings of names."""

import ast
import builtins
import dataclasses
import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator

MODULE, FUNCTION, CLASS, COMPREHENSION = "module", "function", "class", "comprehension"


@dataclasses.dataclass(frozen=True, slots=True)
class Binding:
    """One place that binds a name.

    Attributes:
        kind: `import` (a module), `from` (a value out of one), `def`, `class`, `parameter`, `handler` or `assign`;
            `absent` for a guarded import of what is not there.
        node: The node that binds it.
        path: The dotted path of an import; empty for any other kind.
    """

    kind: str
    node: ast.AST
    path: str = ""


class Scope:
    """A namespace: the names bound in it, and the scope around it."""

    __slots__ = ("bindings", "elsewhere", "imports", "kind", "node", "outer")

    def __init__(self, kind: str, outer: "Scope | None", node: ast.AST | None = None) -> None:
        self.kind, self.outer, self.node = kind, outer, node
        self.bindings: defaultdict[str, list[Binding]] = defaultdict(list)
        self.elsewhere: dict[str, Scope] = {}  # names declared `global` or `nonlocal`: their scope
        self.imports: set[str] = set()  # the names that an import binds, here or where `global` and `nonlocal` point

    def bind(self, name: str, binding: Binding) -> None:
        """Record a binding of `name`, in this scope or where `global` and `nonlocal` point."""
        home = self.elsewhere.get(name, self)
        home.bindings[name].append(binding)
        if binding.path:
            home.imports.add(name)

    def home(self, name: str) -> "Scope | None":
        """Return the scope that the variable `name` belongs to; None for a builtin or an unknown name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.elsewhere:
                return scope.elsewhere[name]
            if name in scope.bindings and (scope is self or scope.kind != CLASS):
                return scope
            scope = scope.outer
        return None

    def meanings(self, name: str) -> list[Binding]:
        """Return every binding that `name` can refer to here. A class body falls through to the scope around it."""
        scope = self.home(name)
        if scope is None:
            return []
        found = scope.bindings[name]
        if scope.kind == CLASS and scope.outer is not None:
            return [*found, *scope.outer.meanings(name)]
        return found


class Source:
    """Index of a tree, built in one walk: everything that the rules look up.

    Attributes:
        tree: The tree itself.
        nodes: Kind → the nodes of that kind, in the order of the walk.
        parents: Node → the node around it.
        names: Every use of a name (not where it is bound) with the scope it is used in.
        scopes: Every scope, the module's first.
        count: The number of nodes.
        depth: Levels of nesting; an `elif`, a further operand, a further method of a chain and the next `if` of
            `a if x else b if y else c` do not nest.
    """

    def __init__(self, tree: ast.Module) -> None:
        """Walk the tree and index it.

        Raises:
            RecursionError: It is deeper than the interpreter can follow.
        """
        self.tree = tree
        self.nodes: defaultdict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        self.parents: dict[ast.AST, ast.AST] = {}
        self.names: list[tuple[ast.Name, Scope]] = []
        self.module = Scope(MODULE, None)
        self.scopes = [self.module]
        self.count = self.depth = 0
        self._nonlocal: list[tuple[Scope, str]] = []
        self._visit(tree, self.module, 0)
        for scope, name in self._nonlocal:
            self._settle(scope, name)

    @property
    def identifiers(self) -> frozenset[str]:
        """Every name in the tree, as the parser normalised it."""
        found = {name for scope in self.scopes for name in scope.bindings}
        found.update(name.id for name, _ in self.names)
        found.update(node.attr for node in self.nodes.get(ast.Attribute, ()) if isinstance(node, ast.Attribute))
        found.update(node.arg for node in self.nodes.get(ast.keyword, ()) if isinstance(node, ast.keyword) and node.arg)
        return frozenset(found)

    def of(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Yield the nodes of these kinds."""
        for kind in kinds:
            yield from self.nodes.get(kind, ())

    @functools.cached_property
    def scope_of(self) -> dict[ast.Name, Scope]:
        """Use of a name → the scope that it is used in."""
        return dict(self.names)

    @functools.cached_property
    def _loads(self) -> defaultdict[tuple[int, str], list[ast.Name]]:
        found = defaultdict[tuple[int, str], list[ast.Name]](list)
        for name, scope in self.names:
            found[id(scope), name.id].append(name)
        return found

    def loads(self, scope: Scope, name: str) -> list[ast.Name]:
        """Return the uses of a name directly in this scope, not in one within it."""
        return self._loads.get((id(scope), name), [])

    def may_be_builtin(self, name: ast.Name) -> bool:
        """Whether a use may mean a builtin: the module or class that binds the name may not have done so yet."""
        scope = self.scope_of.get(name)
        home = scope.home(name.id) if scope is not None else None
        return name.id in _BUILTINS and (home is None or home.kind in {MODULE, CLASS})

    def is_super(self, node: ast.AST) -> bool:
        """Whether a node is a call of the builtin `super` in its plain form."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != "super":
            return False
        return self.scope_of[node.func].home("super") is None

    def given(self, name: ast.expr) -> list[ast.expr] | None:
        """Return every value that a name is ever assigned; None where it is not only assigned.

        Parameters, loops, imports and unpacking are no assignments here, nor is anything in the body of a class, which
        falls through to the names around it.
        """
        scope = self.scope_of.get(name) if isinstance(name, ast.Name) else None
        home = scope.home(name.id) if isinstance(name, ast.Name) and scope is not None else None
        if home is None or home.kind == CLASS or not isinstance(name, ast.Name):
            return None
        values: list[ast.expr] = []
        for binding in home.bindings[name.id]:
            made = self.parents.get(binding.node)
            if not isinstance(made, ast.Assign | ast.AnnAssign | ast.NamedExpr):
                return None
            if made.value is not None:
                values.append(made.value)
        return values or None

    def _visit(self, node: ast.AST, scope: Scope, depth: int) -> None:
        self.count += 1
        self.depth = max(self.depth, depth)
        kind = type(node)
        self.nodes[kind].append(node)
        if isinstance(node, ast.Name):
            self._name(node, scope)
        elif kind in _SCOPED:
            self._scoped(node, scope, depth)
        elif kind in _BINDING:
            self._binding(node, scope, depth)
        else:
            self._children(node, scope, depth, node._fields)

    def _scoped(self, node: ast.AST, scope: Scope, depth: int) -> None:
        kind = type(node)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, scope, depth)
            case ast.Lambda():
                self._lambda(node, scope, depth)
            case ast.ClassDef():
                self._class(node, scope, depth)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._comprehension(node, scope, depth)
            case _ if kind is _ALIAS:
                self._alias(node, scope, depth)
            case _:
                raise AssertionError(f"{type(node).__name__} opens no scope")

    def _binding(self, node: ast.AST, scope: Scope, depth: int) -> None:
        match node:
            case ast.NamedExpr():
                self._walrus(node, scope, depth)
            case ast.Import():
                self._import(node, scope, depth)
            case ast.ImportFrom():
                self._import_from(node, scope, depth)
            case ast.Global() | ast.Nonlocal():
                self._declare(node, scope)
            case _:
                self._named(node, scope, depth)

    def _children(self, node: ast.AST, scope: Scope, depth: int, fields: Iterable[str]) -> None:
        for field in fields:
            value: object = getattr(node, field, None)
            if isinstance(value, ast.AST):
                self.parents[value] = node
                flat = (type(value) in _CHAIN and field in _CHAIN_FIELDS) or (
                    type(value) is ast.IfExp and field == "orelse"
                )
                self._visit(value, scope, depth if flat else depth + 1)
            elif type(value) is list:
                flat = field == "orelse"
                for item in value:
                    if isinstance(item, ast.AST):
                        self.parents[item] = node
                        self._visit(item, scope, depth if flat and type(item) is ast.If else depth + 1)

    def _inner(self, kind: str, outer: Scope, node: ast.AST | None = None) -> Scope:
        scope = Scope(kind, outer, node)
        self.scopes.append(scope)
        return scope

    def _name(self, node: ast.Name, scope: Scope) -> None:
        if type(node.ctx) is ast.Load:
            self.names.append((node, scope))
        else:
            scope.bind(node.id, Binding("assign", node))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, depth: int) -> None:
        scope.bind(node.name, Binding("def", node))
        self._children(node, scope, depth, ("decorator_list",))
        if getattr(node, "type_params", None):  # Python 3.12: they are seen by the annotations and the body
            scope = self._inner(FUNCTION, scope)
            self._children(node, scope, depth, ("type_params",))
        self._children(node, scope, depth, ("returns",))
        inner = self._inner(FUNCTION, scope)
        self._parameters(node.args, node, scope, inner, depth)
        self._children(node, inner, depth, ("body",))

    def _lambda(self, node: ast.Lambda, scope: Scope, depth: int) -> None:
        inner = self._inner(FUNCTION, scope)
        self._parameters(node.args, node, scope, inner, depth)
        self._children(node, inner, depth, ("body",))

    def _parameters(self, args: ast.arguments, node: ast.AST, scope: Scope, inner: Scope, depth: int) -> None:
        """Bind parameters in the function's own scope; defaults and annotations belong to the scope around it."""
        self.parents[args] = node
        self._visit(args, scope, depth + 1)
        for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
            if arg is not None:
                inner.bind(arg.arg, Binding("parameter", arg))

    def _class(self, node: ast.ClassDef, scope: Scope, depth: int) -> None:
        scope.bind(node.name, Binding("class", node))
        self._children(node, scope, depth, ("decorator_list",))
        if getattr(node, "type_params", None):
            scope = self._inner(FUNCTION, scope)
            self._children(node, scope, depth, ("type_params",))
        self._children(node, scope, depth, ("bases", "keywords"))
        inner = self._inner(CLASS, scope, node)
        self._children(node, inner, depth, ("body",))

    def _alias(self, node: ast.AST, scope: Scope, depth: int) -> None:
        """Walk a `type` statement: its parameters are seen by its value only, and are no names of the scope around."""
        self._children(node, scope, depth, ("name",))
        self._children(node, self._inner(FUNCTION, scope), depth, ("type_params", "value"))

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, scope: Scope, depth: int
    ) -> None:
        inner = self._inner(COMPREHENSION, scope)
        for number, part in enumerate(node.generators):
            self.parents[part] = node
            self.count += 1
            self.nodes[ast.comprehension].append(part)
            # the first iterable is evaluated outside
            self._children(part, inner if number else scope, depth + 1, ("iter",))
            self._children(part, inner, depth + 1, ("target", "ifs"))
        self._children(node, inner, depth, ("elt", "key", "value"))

    def _walrus(self, node: ast.NamedExpr, scope: Scope, depth: int) -> None:
        self._children(node, scope, depth, ("value",))
        while scope.kind == COMPREHENSION and scope.outer is not None:
            scope = scope.outer
        self._children(node, scope, depth, ("target",))

    def _import(self, node: ast.Import, scope: Scope, depth: int) -> None:
        for alias in node.names:
            path = alias.name if alias.asname else alias.name.partition(".")[0]
            scope.bind(alias.asname or path, Binding("import", node, path))
        self._children(node, scope, depth, ("names",))

    def _import_from(self, node: ast.ImportFrom, scope: Scope, depth: int) -> None:
        for alias in node.names:
            scope.bind(alias.asname or alias.name, Binding("from", node, f"{node.module}.{alias.name}"))
        self._children(node, scope, depth, ("names",))

    def _named(self, node: ast.AST, scope: Scope, depth: int) -> None:
        """Bind the names that a node holds as strings: handlers, patterns, type parameters."""
        for field in ("name", "rest"):
            name: object = getattr(node, field, None)
            if isinstance(name, str):
                scope.bind(name, Binding("handler" if type(node) is ast.ExceptHandler else "assign", node))
        self._children(node, scope, depth, node._fields)

    def _declare(self, node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
        # Python refuses a use before the declaration, so every binding comes after it
        for name in node.names:
            if type(node) is ast.Global:
                scope.elsewhere[name] = self.module
            else:
                self._nonlocal.append((scope, name))

    def _settle(self, scope: Scope, name: str) -> None:
        """Move the bindings of a `nonlocal` name to its owner, which may bind it after the inner function."""
        mine = scope.bindings.pop(name, [])
        owner = scope.outer.home(name) if scope.outer is not None else None
        if owner is not None:
            scope.elsewhere[name] = owner
            owner.bindings[name].extend(mine)
            if name in scope.imports:
                owner.imports.add(name)


_BUILTINS = frozenset(dir(builtins))
_CHAIN = frozenset({ast.Attribute, ast.Call, ast.Subscript, ast.BinOp})
_CHAIN_FIELDS = frozenset({"func", "value", "left"})
_ALIAS: object = getattr(ast, "TypeAlias", None)  # Python 3.12
_SCOPED = frozenset({
    ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, _ALIAS,
})  # fmt: skip
_BINDING = frozenset({
    ast.NamedExpr, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal,
    ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping,
    *(getattr(ast, name) for name in ("TypeVar", "ParamSpec", "TypeVarTuple") if hasattr(ast, name)),  # Python 3.12
})  # fmt: skip
