"""What callers may build on, as a checked-in text: a change of it is seen in review.

After an intended change, write the text anew with
    .venv/bin/python tests/unit/test_public_api.py > tests/unit/public_api.txt
The source is read, not imported, so that neither the version of Python nor an optional dependency changes the text.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import poet_engine

SNAPSHOT = Path(__file__).with_name("public_api.txt")
COMMAND = ".venv/bin/python tests/unit/test_public_api.py > tests/unit/public_api.txt"
PACKAGE = Path(poet_engine.__file__).parent

# Modules whose every public name is part of the contract, beside the names of `poet_engine` itself.
CONTRACT_MODULES = ("errors", "job", "outcome")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def describe() -> str:
    """The public names with their signatures, one a line."""
    lines: list[str] = []
    for name in sorted(poet_engine.__all__):
        module, nodes = _resolve(poet_engine._HOMES[name], name)
        lines += [f"poet_engine.{name}  ({module})", *(line for node in nodes for line in _members(node)), ""]
    for module in CONTRACT_MODULES:
        for definition in _tree(f"poet_engine.{module}").body:
            if isinstance(definition, ast.ClassDef | Function) and not definition.name.startswith("_"):
                lines += [f"poet_engine.{module}.{definition.name}", *_members(definition), ""]
    return "\n".join(lines).rstrip() + "\n"


def _tree(module: str) -> ast.Module:
    base = PACKAGE.joinpath(*module.split(".")[1:])
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def _resolve(module: str, name: str) -> tuple[str, list[ast.ClassDef | Function]]:
    """Where a name is defined, with its overloads, followed through the modules that only pass it on."""
    found: list[ast.ClassDef | Function] = []
    for node in _tree(module).body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() if node.name == name:
                found.append(node)
            case ast.ImportFrom(module=str(source)) if name in {alias.asname or alias.name for alias in node.names}:
                return _resolve(source, name)
            case ast.Assign(
                targets=[ast.Name(id=target)], value=ast.Attribute(value=ast.Name(id=source), attr=attribute)
            ) if target == name:
                return _resolve(f"poet_engine.{source}", attribute)
            case _:
                continue
    if not found:
        raise LookupError(f"{module} neither defines nor imports {name}")
    return module, found


def _members(node: ast.ClassDef | Function) -> Iterator[str]:
    if not isinstance(node, ast.ClassDef):
        yield f"    {_signature(node)}"
        return
    if node.bases:
        yield f"    ({', '.join(map(ast.unparse, node.bases))})"
    for member in node.body:
        match member:
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
                yield f"    {ast.unparse(member)}"
            case ast.Assign(targets=[ast.Name(id=name)]) if not name.startswith("_"):
                yield f"    {ast.unparse(member)}"
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name == "__init__" or name[0] != "_":
                yield f"    {_signature(member)}"
            case _:
                continue


def _signature(node: Function) -> str:
    decorators = "".join(f"@{ast.unparse(decorator)} " for decorator in node.decorator_list)
    asynchronous = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{decorators}{asynchronous}def {node.name}({ast.unparse(node.args)}){returns}"


def test_the_public_names_are_the_ones_that_were_reviewed() -> None:
    assert describe() == SNAPSHOT.read_text(encoding="utf-8"), f"if the change is intended, run: {COMMAND}"


def test_the_public_names_are_sorted_and_few() -> None:
    assert poet_engine.__all__ == sorted(poet_engine.__all__)
    assert len(poet_engine.__all__) <= 12
    assert set(poet_engine.__all__) == set(poet_engine._HOMES)


def test_the_text_shows_signatures_fields_and_bases() -> None:
    """A changed parameter, field or base class would change the text."""
    lines = list(_members(_resolve("poet_engine.errors", "PolicyError")[1][0]))
    assert lines[0] == "    (UsageError)"
    assert "key: str | None=None" in lines[1]
    assert "    value: object = None" in _members(_resolve("poet_engine.outcome", "Outcome")[1][0])


if __name__ == "__main__":
    sys.stdout.write(describe())
