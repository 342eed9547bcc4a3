"""Describe a function from its source: signature, imports, names and text. No code is run."""

import ast
import builtins
import hashlib
import linecache
import logging
import os
import symtable
import sys
import textwrap
import types
from collections.abc import Iterable, Iterator

from poet_engine import errors
from poet_engine.domains.data_flow import FunctionNode
from poet_engine.domains.model import FunctionInfo, FunctionKind, ImportedName, Parameter
from poet_engine.domains.parsing import parse

# A longer default is data rather than a default, and would be copied into every version.
_LONGEST_DEFAULT = 2000
# Parsing happens in this process; a module of this size is generated data, not a module with a function to improve.
_LARGEST_MODULE = 4 * 1024 * 1024

# Not `hasattr`, which also finds what every object has, such as `__class__`.
_BUILTINS = frozenset(vars(builtins))
_UNARY = (ast.UAdd, ast.USub)


def describe(function: object) -> FunctionInfo:
    """Describe a plain Python function from the file it was defined in.

    Raises:
        SourceUnavailableError: There is no source to read (a lambda, a REPL or `exec`, a builtin or C function), or the
            file no longer holds the function that was imported.
    """
    plain = _plain_function(function)
    text = _module_text(plain)
    tree = _parse_module(text, plain)
    node, parents = _locate(tree, plain)
    source = _own_source(text, node)
    used = _names_from_outside(text, node, plain)
    imported = {entry.name: entry for entry in _imports(_module_statements(tree))}
    in_notebook = not os.path.lexists(plain.__code__.co_filename)
    if in_notebook:  # what other cells imported
        imported = {entry.name: entry for entry in _live_imports(plain, used)} | imported
    return FunctionInfo(
        name=plain.__name__,
        qualname=plain.__qualname__,
        module=plain.__module__,
        file=plain.__code__.co_filename,
        line=_first_line(node),
        source=source,
        source_digest=hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest(),
        parameters=tuple(parameters_of(node)),
        returns=None if node.returns is None else ast.unparse(node.returns),
        doc=ast.get_docstring(node) or "",
        is_async=isinstance(node, ast.AsyncFunctionDef),
        is_method=bool(parents) and isinstance(parents[-1], ast.ClassDef) and not _is_static(node),
        free_names=tuple(sorted(name for name in used if name not in imported and name not in _BUILTINS)),
        imports=tuple(imported[name] for name in sorted(used) if name in imported),
        local_imports=tuple(_imports(ast.walk(node))),
        in_notebook=in_notebook,
        loggers=tuple(sorted(name for name in used if _is_logger(plain.__globals__.get(name)))),
    )


def _is_logger(value: object) -> bool:
    return isinstance(value, logging.Logger | logging.LoggerAdapter)


def tree_of(function: types.FunctionType) -> FunctionNode:
    """Return the tree of a function, from the file that it was defined in; lines are those of the file.

    Raises:
        SourceUnavailableError: As for `describe`.
    """
    return _locate(_parse_module(_module_text(function), function), function)[0]


def _plain_function(function: object) -> types.FunctionType:
    if isinstance(function, types.MethodType):
        function = function.__func__
    if not isinstance(function, types.FunctionType):
        kind = type(function).__name__
        raise errors.SourceUnavailableError(
            f"{_label(function)} is a {kind}, which has no Python source to improve; "
            "decorate a function written with `def` in a file.",
        )
    if function.__name__ == "<lambda>" or function.__code__.co_name == "<lambda>":
        raise errors.SourceUnavailableError(
            f"the lambda on line {function.__code__.co_firstlineno} of {function.__code__.co_filename} has no name "
            "under which a version could be kept; write it as a function with `def`.",
        )
    if function.__name__ != function.__code__.co_name:
        raise errors.SourceUnavailableError(
            f"{function.__name__!r} is the function {function.__code__.co_name!r} under another name, most likely put "
            "around it by a decorator; make `@poet` the decorator closest to the function.",
        )
    return function


def _label(function: object) -> str:
    name = getattr(function, "__name__", None)
    return repr(name) if isinstance(name, str) else "the object"


def _module_text(function: types.FunctionType) -> str:
    filename = function.__code__.co_filename
    # Text that was typed or built has no file, so a version could be neither stored next to it nor found again.
    # IPython keeps the text of its cells where tracebacks look for it.
    if filename.startswith("<") and not filename.startswith("<ipython-input-"):
        raise errors.SourceUnavailableError(
            f"{function.__name__!r} was defined in {filename} (an interactive session or `exec`), so its source cannot "
            "be read again; put it in a file and import it.",
        )
    linecache.checkcache(filename)
    text = "".join(linecache.getlines(filename, function.__globals__))
    if not text:
        raise errors.SourceUnavailableError(
            f"the source of {function.__name__!r} cannot be read, because {filename} is missing, empty or not text; "
            "install the package with its sources, or move the function to a file that can be read.",
        )
    if len(text) > _LARGEST_MODULE:
        raise errors.SourceUnavailableError(
            f"{filename} has {len(text)} characters and modules above {_LARGEST_MODULE} are not read; "
            f"move {function.__name__!r} to a module of its own.",
        )
    return text


def _parse_module(text: str, function: types.FunctionType) -> ast.Module:
    try:
        return parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise errors.SourceUnavailableError(
            f"the source of {function.__name__!r} cannot be read, because {function.__code__.co_filename} does not "
            f"parse as Python ({error}); save a version that does, and start again.",
        ) from error


def _first_line(node: FunctionNode) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _locate(tree: ast.Module, function: types.FunctionType) -> tuple[FunctionNode, tuple[ast.AST, ...]]:
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for node, parents in _walk(tree, ()):
        if isinstance(node, FunctionNode) and node.name == code.co_name:
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            # Names in a class body are mangled in the compiled code (`__x` is `_C__x`), hence the comparison by ending.
            same = len(names) == len(arguments) and all(
                name.endswith(argument.arg) for name, argument in zip(names, arguments, strict=True)
            )
            if same and code.co_firstlineno in {_first_line(node), node.lineno}:
                return node, parents
    raise errors.SourceUnavailableError(
        f"the source of {function.__name__!r} is no longer on line {code.co_firstlineno} of {code.co_filename}: the "
        "file has changed since it was imported; start the program again.",
    )


def _is_static(node: FunctionNode) -> bool:
    """Whether a function in a class is a static method, which gets no object."""
    return any(isinstance(decorator, ast.Name) and decorator.id == "staticmethod" for decorator in node.decorator_list)


def _walk(node: ast.AST, parents: tuple[ast.AST, ...]) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    for child in ast.iter_child_nodes(node):
        yield child, parents
        scope = isinstance(child, FunctionNode | ast.ClassDef | ast.Lambda)
        yield from _walk(child, (*parents, child) if scope else parents)


def _own_source(text: str, node: FunctionNode) -> str:
    # Not `splitlines`, which also splits at form feeds and other characters that do not end a line of Python.
    lines = text.split("\n")[_first_line(node) - 1 : node.end_lineno]
    source = textwrap.dedent("\n".join(lines) + "\n")
    try:
        parse(source)
    except SyntaxError:
        # Text inside a string may stand further left than the function, which leaves nothing to dedent by; and a
        # one-line `class C: def …` or `a; b` puts other code on the same line.
        source = ast.unparse(node) + "\n"
    return source


def parameters_of(node: FunctionNode) -> Iterator[Parameter]:
    """Yield the parameters of a function, in the order of its signature."""
    arguments = node.args
    positional = [
        *((argument, FunctionKind.POSITIONAL_ONLY) for argument in arguments.posonlyargs),
        *((argument, FunctionKind.POSITIONAL_OR_KEYWORD) for argument in arguments.args),
    ]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    for (argument, kind), default in zip(positional, [*missing, *arguments.defaults], strict=True):
        yield _parameter(argument, kind, default)
    if arguments.vararg is not None:
        yield _parameter(arguments.vararg, FunctionKind.VAR_POSITIONAL, None)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument, FunctionKind.KEYWORD_ONLY, default)
    if arguments.kwarg is not None:
        yield _parameter(arguments.kwarg, FunctionKind.VAR_KEYWORD, None)


def _parameter(argument: ast.arg, kind: FunctionKind, default: ast.expr | None) -> Parameter:
    annotation = None if argument.annotation is None else ast.unparse(argument.annotation)
    text = None if default is None else literal_text(default)
    return Parameter(argument.arg, kind, has_default=default is not None, default=text, annotation=annotation)


def literal_text(node: ast.expr) -> str | None:
    """Return the text of an expression that is plain data: constants, signed numbers, containers of them; else None."""
    if not _is_literal(node):
        return None
    text = ast.unparse(node)
    return text if len(text) <= _LONGEST_DEFAULT else None


def _is_literal(node: ast.expr | None) -> bool:
    match node:
        case ast.Constant():
            return node.value is not ...
        case ast.UnaryOp(op=op, operand=ast.Constant(value=int() | float() | complex())):
            return isinstance(op, _UNARY)
        case ast.Tuple() | ast.List() | ast.Set():
            return all(_is_literal(item) for item in node.elts)
        case ast.Dict():
            return all(_is_literal(item) for item in [*node.keys, *node.values])
        case _:
            return False


def _names_from_outside(text: str, node: FunctionNode, function: types.FunctionType) -> frozenset[str]:
    """Return the names that the body, and the functions and classes inside it, look up outside the function."""
    table = symtable.symtable(text, function.__code__.co_filename, "exec")
    for found in _tables(table):
        if found.get_name() == node.name and found.get_lineno() in {node.lineno, _first_line(node)}:
            scopes = list(_tables(found))
            return frozenset(
                [
                    *(symbol.get_name() for scope in scopes for symbol in scope.get_symbols() if symbol.is_global()),
                    # A name that is free in the outermost scope belongs to a function around it, or to its class.
                    *(symbol.get_name() for symbol in found.get_symbols() if symbol.is_free()),
                ],
            )
    raise errors.SourceUnavailableError(  # the function was found in the tree of the same text
        f"the names that {function.__name__!r} uses cannot be told; write it as a function at the top of its module.",
    )


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    if table.get_type() in {"function", "class"}:
        yield table
    for child in table.get_children():
        yield from _tables(child)


def _module_statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield all nodes at module level, also inside `if` and `try`, but not inside functions and classes."""
    waiting: list[ast.AST] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, FunctionNode | ast.ClassDef | ast.Lambda):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def _imports(nodes: Iterable[ast.AST]) -> Iterator[ImportedName]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                yield ImportedName(name, alias.name, aliased=alias.asname is not None)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                aliased = alias.asname is not None
                yield ImportedName(alias.asname or alias.name, module, alias.name, aliased=aliased)


def _live_imports(function: types.FunctionType, names: Iterable[str]) -> Iterator[ImportedName]:
    """Yield the modules, classes and functions that a notebook cell gets from its kernel, as imports of them."""
    for name in names:
        value: object = function.__globals__.get(name)
        if isinstance(value, types.ModuleType):
            yield ImportedName(name, value.__name__, aliased=name != value.__name__)
        elif isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
            home, own = value.__module__, value.__qualname__
            if getattr(sys.modules.get(home), own, None) is value and home != function.__module__:
                yield ImportedName(name, home, own, aliased=name != own)
