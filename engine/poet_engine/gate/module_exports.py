"""Names that a module of a project offers to the others: those of its own, and those of others that it gives on."""

import ast
import dataclasses

from poet_engine.gate.source_model import Source
from poet_engine.guest.absent_imports import absolute

_OWN = frozenset({"assign", "class", "def"})


@dataclasses.dataclass(frozen=True, slots=True)
class ModuleExports:
    """The names at the top level of a module.

    Attributes:
        own: Names that it gives a value, and imports nowhere. A module that it imports is never among them: it would
            come to other modules without the rule about modules.
        given_on: Names that it imports out of a module once → their path.
        imports: Every path that it imports; a name out of a module may be a module too.
    """

    own: tuple[str, ...]
    given_on: dict[str, str]
    imports: tuple[str, ...]


def exports(text: str, package: str) -> ModuleExports:
    """Return the names of a module.

    Raises:
        SyntaxError: It does not parse.
        ValueError: It holds null bytes.
        RecursionError: It nests too deeply.
    """
    tree = ast.parse(text)
    resolve_relative(tree, package)
    source = Source(tree)
    own: list[str] = []
    given_on: dict[str, str] = {}
    for name, bindings in source.module.bindings.items():
        if bindings and all(binding.kind in _OWN and not binding.path for binding in bindings):
            own.append(name)
        elif len(bindings) == 1 and bindings[0].kind == "from":
            given_on[name] = bindings[0].path
    paths: dict[str, None] = {}
    for node in source.of(ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            paths.update(dict.fromkeys(alias.name for alias in node.names))
        elif isinstance(node, ast.ImportFrom) and node.module:
            paths.update(dict.fromkeys([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]))
    return ModuleExports(tuple(own), given_on, tuple(paths))


def resolve_relative(tree: ast.Module, package: str) -> None:
    """Write relative imports as absolute ones, where they stay inside the package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            module = absolute(node.module or "", node.level, package)
            if module:
                node.module, node.level = module, 0
