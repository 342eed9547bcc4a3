"""What one policy means to the scanners, worked out once in the worker and used for every source."""

import ast
import contextlib
import dataclasses
import importlib
import importlib.machinery
import pkgutil
import sys
import types
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from poet_engine.gate import vocabulary
from poet_engine.outcome import Severity


@dataclasses.dataclass(frozen=True, slots=True)
class Caps:
    """Sizes above which a source is not looked at.

    Attributes:
        bytes: Of the source in UTF-8.
        lines: Of the source.
        nodes: Of its tree.
        depth: Of its nesting.
        text: Characters of one text in it.
        bits: Of one number in it: 4,300 decimal digits, as many as Python itself turns from text into a number.
    """

    bytes: int
    lines: int
    nodes: int
    depth: int
    text: int = 100_000
    bits: int = 14_284


class Allowance:
    """Which dotted paths the policy lets through.

    Args:
        imports: Module → dotted names below it, as the policy has them.
    """

    __slots__ = ("_exact", "_stars", "modules", "namespaces")

    def __init__(self, imports: Mapping[str, Iterable[str]]) -> None:
        self.modules = frozenset(imports)
        exact: set[str] = set()
        stars: set[str] = set()
        covered: set[str] = set()
        for module, names in imports.items():
            for name in names:
                if name == "*":
                    stars.add(module)
                elif name.endswith(".*"):
                    stars.add(f"{module}.{name.removesuffix('.*')}")
                elif name.endswith("?"):
                    covered.add(f"{module}.{name.removesuffix('?')}")
                else:
                    exact.add(f"{module}.{name}")
        exact |= _covered(covered)
        self.namespaces = frozenset(_prefixes(exact) | _prefixes(f"{star}.x" for star in stars))
        self._exact = frozenset(exact)
        self._stars = {star: _public(star) for star in stars}

    def allows(self, path: str) -> bool:
        """Whether `path` is a complete, listed name; a namespace never is."""
        if path in self.namespaces:
            return False
        if path in self._exact:
            return True
        module, _, name = path.rpartition(".")
        names = self._stars.get(module)
        return names is not None and names.covers(name)

    def listed(self, module: str) -> list[str]:
        """The names of `module` that are listed, for suggestions."""
        inside = [path.rpartition(".") for path in self._exact]
        star = self._stars.get(module)
        return [*(name for owner, _, name in inside if owner == module), *(star.names or () if star else ())]

    def uses(self, top: str) -> bool:
        """Whether anything of the top-level module `top` is listed."""
        return top in self.namespaces


@dataclasses.dataclass(frozen=True, slots=True)
class _Star:
    """What `*` covers in one module: exactly `names`, or, where that is None, every public name but `without`."""

    names: frozenset[str] | None
    without: frozenset[str]

    def covers(self, name: str) -> bool:
        if self.names is not None:
            return name in self.names
        return not (name.startswith(("_", *vocabulary.DENIED_STARTS)) or name in self.without)


@dataclasses.dataclass(frozen=True, slots=True)
class Ruleset:
    """One policy, ready for use.

    Attributes:
        allowance: The dotted paths.
        caps: The sizes.
        bandit_severity: From which severity on …
        bandit_confidence: … and confidence an issue rejects.
        memory: `limits.memory`, for the rule about values that could never be made.
    """

    allowance: Allowance
    caps: Caps
    bandit_severity: Severity
    bandit_confidence: Severity
    memory: int


def _covered(paths: Iterable[str]) -> set[str]:
    """Those that the star of their level would cover: `mean?` is what `mean` and `*` of two policies have in common."""
    by_level = defaultdict[str, list[str]](list)
    for path in paths:
        by_level[path.rpartition(".")[0]].append(path)
    return {
        path
        for level, members in by_level.items()
        for star in (_public(level),)
        for path in members
        if star.covers(path.rpartition(".")[2])
    }


def _prefixes(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        parts = path.split(".")
        found.update(".".join(parts[:end]) for end in range(1, len(parts)))
    return found


def _public(module: str) -> _Star:
    """What `*` covers in `module`. Only the standard library is imported for it."""
    if module.partition(".")[0] in sys.stdlib_module_names:
        return _Star(_standard(module), frozenset())
    spec = _spec(module)
    folders = spec.submodule_search_locations if spec is not None else None
    inside = frozenset(found.name for found in pkgutil.iter_modules(folders)) if folders else frozenset()
    without = vocabulary.DENIED_LEAVES | sys.stdlib_module_names | inside
    origin = spec.origin if spec is not None else None
    listed = _declared(Path(origin)) if origin is not None and origin.endswith(".py") else None
    if listed is None:
        return _Star(None, without)
    return _Star(frozenset(name for name in listed if _Star(None, without).covers(name)), frozenset())


def _standard(module: str) -> frozenset[str]:
    """The public names of a module of the standard library that are no modules and not refused everywhere."""
    try:
        loaded = importlib.import_module(module)
    except ImportError:  # a part that this platform lacks: nothing of it can be used
        return frozenset()
    listed: object = getattr(loaded, "__all__", None)
    names = list(listed) if isinstance(listed, list | tuple) else dir(loaded)
    return frozenset(
        name
        for name in names
        if not name.startswith("_")
        and f"{module}.{name}" not in vocabulary.DENIED
        and not isinstance(getattr(loaded, name, None), types.ModuleType)
    )


def _spec(module: str) -> importlib.machinery.ModuleSpec | None:
    """Where a module is, found folder by folder, without running any of it."""
    where: list[str] | None = None
    done = ""
    spec: importlib.machinery.ModuleSpec | None = None
    for part in module.split("."):
        done = f"{done}.{part}" if done else part
        spec = importlib.machinery.PathFinder.find_spec(done, where)
        if spec is None:
            return None
        where = list(spec.submodule_search_locations or ())
    return spec


def _declared(file: Path) -> list[str] | None:
    """The names in a literal `__all__` of a file, or None where it is computed or missing."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == "__all__" for to in node.targets):
            with contextlib.suppress(ValueError):
                value: object = ast.literal_eval(node.value)
                return [str(name) for name in value] if isinstance(value, list | tuple) else None
    return None
