"""Recognise own decorators that only wrap a method, such as `return function(self, *args)`."""

import ast

from poet_engine.gate.source_model import Source

_WRAPS = "functools.wraps"
_HARMLESS = frozenset({"__doc__", "__name__", "__qualname__"})


def wrapper(decorator: ast.expr, source: Source, paths: dict[ast.AST, str]) -> ast.FunctionDef | None:
    """Return the function that an own decorator puts in place of a method, if it passes on its first argument.

    Args:
        decorator: `traced`, or `traced(...)`, whose result is the decorator.
        source: The source.
        paths: The dotted paths of the imported names in it.
    """
    called = isinstance(decorator, ast.Call)
    function = _defined(decorator.func if isinstance(decorator, ast.Call) else decorator, source)
    if function is not None and called:
        function = _returned(function)
    inner = _returned(function) if function is not None else None
    if function is None or inner is None or function.decorator_list or len(_positional(function)) != 1:
        return None
    given = _positional(function)[0]
    marks = [one for one in inner.decorator_list if not _is_wraps(one, given, paths)]
    return inner if not marks and _only_passes_on(given, function, inner, source) else None


def decorated(decorator: ast.expr, source: Source) -> list[ast.AST] | None:
    """Return every function that the decorator is applied to; None where it is used in another way."""
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    node = _defined(name, source)
    found: list[ast.AST] = []
    for use, scope in source.names:
        if isinstance(name, ast.Name) and use.id == name.id and any(one.node is node for one in scope.meanings(use.id)):
            outer = source.parents[use]
            made = outer if isinstance(outer, ast.Call) and outer.func is use else use
            function = source.parents[made]
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or made not in function.decorator_list:
                return None
            found.append(function)
    return found


def _defined(name: ast.expr, source: Source) -> ast.FunctionDef | None:
    scope = source.scope_of.get(name) if isinstance(name, ast.Name) else None
    meanings = scope.meanings(name.id) if isinstance(name, ast.Name) and scope is not None else []
    node = meanings[0].node if len(meanings) == 1 else None
    return node if isinstance(node, ast.FunctionDef) and not node.decorator_list else None


def _returned(function: ast.FunctionDef) -> ast.FunctionDef | None:
    """Return the function that another one defines and returns, doing nothing else."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    match body:
        case [ast.FunctionDef(name=name) as inner, ast.Return(value=ast.Name(id=returned))] if name == returned:
            return inner
        case _:
            return None


def _positional(function: ast.FunctionDef) -> list[str]:
    args = function.args
    plain = not (args.vararg or args.kwarg or args.kwonlyargs or args.defaults)
    return [one.arg for one in (*args.posonlyargs, *args.args)] if plain else []


def _is_wraps(decorator: ast.expr, given: str, paths: dict[ast.AST, str]) -> bool:
    match decorator:
        case ast.Call(func=func, args=[ast.Name(id=name)], keywords=[]):
            return name == given and paths.get(func) == _WRAPS
        case _:
            return False


def _only_passes_on(given: str, function: ast.FunctionDef, inner: ast.FunctionDef, source: Source) -> bool:
    """Whether the method is only called in the inner function, with the first argument of that function."""
    first = [*inner.args.posonlyargs, *inner.args.args][:1]
    own = first[0].arg if first else inner.args.vararg.arg if inner.args.vararg else ""
    arguments = [one.arg for one in ast.walk(function) if isinstance(one, ast.arg)]
    if not own or arguments.count(given) != 1 or arguments.count(own) != 1:
        return False
    for node in ast.walk(function):
        if not isinstance(node, ast.Name) or node.id not in {given, own, inner.name}:
            continue
        outer = source.parents[node]
        if not isinstance(node.ctx, ast.Load) or (node.id == inner.name and not isinstance(outer, ast.Return)):
            return False
        marks = outer in inner.decorator_list
        if node.id == given and not marks and not _passes(node, outer, own, named=bool(first)):
            return False
    return True


def _passes(method: ast.Name, outer: ast.AST, own: str, *, named: bool) -> bool:
    """Whether the method is read for its name, or called with the wrapper's first argument, or with all."""
    match outer:
        case ast.Attribute(attr=attr):
            return attr in _HARMLESS
        case ast.Call(func=func, args=[ast.Name(id=passed), *_]) if named:
            return func is method and passed == own
        case ast.Call(func=func, args=[ast.Starred(value=ast.Name(id=passed)), *_]) if not named:
            return func is method and passed == own
        case _:
            return False
