"""The policy in the form that the scanners use, computed once per policy in the worker."""

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
    """Size limits; a source beyond one of them is not analysed.

    Attributes:
        bytes: Bytes of the source in UTF-8.
        lines: Lines of the source.
        nodes: Nodes of its tree.
        depth: Levels of nesting.
        text: Characters of one string in it.
        bits: Bits of one number in it: 4,300 decimal digits, the limit of Python's own parser.
    """

    bytes: int
    lines: int
    nodes: int
    depth: int
    text: int = 100_000
    bits: int = 14_284


class Allowance:
    """The dotted paths that the policy allows.

    Args:
        imports: Module → dotted names below it, in the policy's form.
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
        """Return the listed names of `module`, for suggestions."""
        inside = [path.rpartition(".") for path in self._exact]
        star = self._stars.get(module)
        return [*(name for owner, _, name in inside if owner == module), *(star.names or () if star else ())]

    def uses(self, top: str) -> bool:
        """Whether anything of the top-level module `top` is listed."""
        return top in self.namespaces


@dataclasses.dataclass(frozen=True, slots=True)
class _Star:
    """Coverage of `*` in one module: exactly `names`, or, if that is None, every public name but `without`."""

    names: frozenset[str] | None
    without: frozenset[str]

    def covers(self, name: str) -> bool:
        if self.names is not None:
            return name in self.names
        return not (name.startswith(("_", *vocabulary.DENIED_STARTS)) or name in self.without)


@dataclasses.dataclass(frozen=True, slots=True)
class Ruleset:
    """One policy, ready for the scanners.

    Attributes:
        allowance: The dotted paths that are allowed.
        caps: The size limits.
        bandit_severity: The lowest severity …
        bandit_confidence: … and the lowest confidence of an issue that is a finding.
        memory: `limits.memory`, in bytes, for the rule about oversized values.
        enforced: Whether findings reject. Only then is a guarded import of what is not listed absent: in the other
            modes it is a finding like any import, and the code gets what is there.
    """

    allowance: Allowance
    caps: Caps
    bandit_severity: Severity
    bandit_confidence: Severity
    memory: int
    enforced: bool = True


def _covered(paths: Iterable[str]) -> set[str]:
    """Return the paths that `*` of their level covers: `mean?` is what `mean` and `*` of two policies share."""
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
    """Return the coverage of `*` in `module`. Modules are imported for it from the standard library only."""
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
    """Return the public names of a standard module that are neither modules nor denied everywhere."""
    try:
        loaded = importlib.import_module(module)
    except ImportError:  # this platform lacks it: nothing of it can be used
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


def installed(module: str) -> bool:
    """Whether a module is found outside of the source, without running any of it."""
    return _spec(module) is not None


def _spec(module: str) -> importlib.machinery.ModuleSpec | None:
    """Return the spec of a module, found folder by folder, without running any of it; None if not installed."""
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
    """Return the names in a literal `__all__` of a file; None where it is computed or missing."""
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
