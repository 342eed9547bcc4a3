"""Collects the private attributes of libraries: `python private_names.py FILE [SECTION=FOLDER…]` prints the new FILE.

Standard library only, and a program of its own, so that it can be run with any interpreter that has the libraries.
What FILE has already stays in it: it is the union over the versions that it was run with. `module x` are the private
attributes of what the module `x` of the standard library defines, `needs x` the modules that come with it when it is
imported, `stdlib-rest` the attributes of the others. `values` are those of what callers pass as arguments under any
policy: tables, arrays and their columns.
"""

import ast
import importlib
import operator
import subprocess
import sys
import sysconfig
import tomllib
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

LIBRARIES = ("numpy", "pandas", "scipy", "sklearn")
_POLICIES = Path(__file__).parents[2] / "policies"
_LOADED = "import sys; before = {*sys.modules}; import %s; print(*{*sys.modules} - before)"
_NOT_THERE = frozenset({"idlelib", "lib2to3", "site-packages", "test", "tests", "turtledemo"})
# What travels to a call, whatever its policy lists: docs/values.md.
_VALUES = [
    "numpy.ndarray",
    "numpy.generic",
    "pandas.DataFrame",
    "pandas.Series",
    "pandas.Index",
    "pandas.RangeIndex",
    "pandas.MultiIndex",
    "pandas.DatetimeIndex",
    "pandas.TimedeltaIndex",
    "pandas.PeriodIndex",
    "pandas.IntervalIndex",
    "pandas.CategoricalIndex",
    "pandas.Categorical",
    "pandas.arrays.DatetimeArray",
    "pandas.arrays.StringArray",
    "pandas.arrays.IntegerArray",
    "pandas.arrays.NumpyExtensionArray",
    "pandas.arrays.SparseArray",
]
_SETTERS = frozenset({"setattr", "__setattr__"})
_WIDTH = 120


def attributes(text: bytes, there: Callable[[ast.ClassDef], bool] = bool) -> set[str]:
    """The private attributes that a source gives to classes and instances; `there` says which of its classes count."""
    found: set[str] = set()
    try:
        _collect(ast.parse(text), "", found, there)
    except (SyntaxError, ValueError, RecursionError):
        return set()
    return {name for name in found if is_private(name)}


def is_private(name: str) -> bool:
    """Whether a name begins with an underscore, and is none of the language's own."""
    return name[:1] == "_" and not (name[:2] == "__" and name[-2:] == "__") and name.strip("_") != ""


def _collect(node: ast.AST, owner: str, found: set[str], there: Callable[[ast.ClassDef], bool]) -> None:
    """Add what a node sets; `owner` is the class around it, by whose name Python changes names such as `__x`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef) and not there(child):
            continue
        inner = child.name if isinstance(child, ast.ClassDef) else owner
        match child:
            case ast.Attribute(ctx=ast.Store()):
                found.add(_mangled(child.attr, owner))
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _SETTERS:
                found.update(_texts(child.args))
            case ast.ClassDef():
                found.update(_mangled(name, child.name) for name in _bound(child.body))
            case _:
                pass
        _collect(child, inner, found, there)


def _bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    """What the statements of a class body bind, its slots too."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
                if node.id == "__slots__":
                    yield from _texts(ast.walk(statement))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name


def _texts(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _mangled(name: str, owner: str) -> str:
    private = owner and name[:2] == "__" and name[-2:] != "__"
    return f"_{owner.lstrip('_')}{name}" if private else name


def of_folder(folder: Path) -> set[str]:
    """The private attributes in the sources and stubs below a folder, tests left out."""
    found: set[str] = set()
    for path in sorted(folder.rglob("*.py*")):
        if path.suffix in {".py", ".pyi"} and not _NOT_THERE & set(path.relative_to(folder).parts):
            found |= attributes(path.read_bytes())
    return found


def of_loaded(top: Iterable[str]) -> set[str]:
    """The private attributes of the classes in the modules that are loaded now: compiled ones have no source."""
    tops = frozenset(top)
    found: set[str] = set()
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in tops:
            for value in list(vars(module).values()):
                if isinstance(value, type):
                    found.update(one for one in dir(value) if is_private(one))
    return found


def of_module(name: str) -> set[str]:
    """The private attributes of the classes that a module has, and of what it sets elsewhere."""
    module = importlib.import_module(name)
    own = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == name]
    found = {one for kind in own for one in vars(kind) if is_private(one)}
    found.update(one for kind in own for slot in (getattr(kind, "__slots__", ()),) for one in slot if is_private(one))
    path = getattr(module, "__file__", None) or ""
    if not path.endswith(".py"):
        return found

    def there(node: ast.ClassDef) -> bool:
        """Whether the class is the one that the module has: some are replaced by compiled ones."""
        kind = getattr(module, node.name, None)
        methods = [one.name for one in node.body if isinstance(one, ast.FunctionDef)]
        if not isinstance(kind, type) or not methods:
            return True
        return any(
            isinstance(vars(kind).get(one), types.FunctionType | classmethod | staticmethod | property)
            for one in methods
        )

    return found | attributes(Path(path).read_bytes(), there)


def standard() -> Mapping[str, set[str]]:
    """The sections of the standard library."""
    policies = [tomllib.loads(path.read_text("utf-8")) for path in sorted(_POLICIES.glob("*.toml"))]
    listed = {module for policy in policies for module in policy.get("static", {}).get("imports", {})}
    found: dict[str, set[str]] = {}
    for module in sorted(one for one in listed if one.partition(".")[0] in sys.stdlib_module_names):
        loaded = subprocess.check_output([sys.executable, "-I", "-S", "-c", _LOADED % module], text=True)
        found[f"needs {module}"] = {module, "_io", "io", *loaded.split()}  # streams are there without an import
    for module in sorted(set().union(*found.values())):
        found[f"module {module}"] = of_module(module)
    near = set().union(*(names for section, names in found.items() if section.startswith("module ")))
    return {**found, "stdlib-rest": of_folder(Path(sysconfig.get_path("stdlib"))) - near}


def values() -> set[str]:
    """The private attributes of tables, arrays and their columns: what their classes and those above define and set."""
    found: set[str] = set()
    above: dict[str, set[str]] = {}
    for path in _VALUES:
        top, _, rest = path.partition(".")
        try:
            kind = operator.attrgetter(rest)(importlib.import_module(top))
        except (ImportError, AttributeError):
            continue
        found.update(name for name in dir(kind) if is_private(name))
        for base in kind.__mro__:
            file = getattr(sys.modules[base.__module__], "__file__", None) or ""
            above.setdefault(file, set()).add(base.__name__)
    for file, names in above.items():
        if file.endswith(".py") and "site-packages" in file:
            tree = ast.parse(Path(file).read_bytes())
            for node in tree.body:
                if isinstance(node, ast.ClassDef) and node.name in names:
                    found |= attributes(ast.unparse(node).encode())
    return found


def installed() -> Mapping[str, set[str]]:
    """The sections of the libraries that are installed."""
    found: dict[str, set[str]] = {}
    for library in LIBRARIES:
        try:
            module = importlib.import_module(library)
        except ImportError:
            continue
        found[library] = of_folder(Path(str(module.__file__)).parent) | of_loaded({library})
    return found


def read(file: Path) -> dict[str, set[str]]:
    """What a file of sections has: `[section]` on a line of its own, then names."""
    found: dict[str, set[str]] = {}
    names: set[str] = set()
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        if line.startswith("["):
            names = found.setdefault(line.strip("[]"), set())
        elif not line.startswith("#"):
            names.update(line.split())
    return found


def _written(sections: Mapping[str, set[str]]) -> Iterator[str]:
    yield "# The private attributes of libraries. Written by tests/security/private_names.py, which says what is what."
    for section, names in sections.items():
        yield f"[{section}]"
        line = ""
        for name in sorted(names):
            if len(line) + len(name) >= _WIDTH:
                yield line
                line = ""
            line = f"{line} {name}" if line else name
        if line:
            yield line


def main(arguments: list[str]) -> None:
    """Print the file anew, with what this interpreter and the folders add."""
    found = read(Path(arguments[0]))
    given = {section: of_folder(Path(folder)) for section, _, folder in (one.partition("=") for one in arguments[1:])}
    for more in (standard(), installed(), {"values": values()}, given):
        for section, names in more.items():
            found.setdefault(section, set()).update(names)
    sys.stdout.write("\n".join([*_written({name: found[name] for name in sorted(found)}), ""]))


if __name__ == "__main__":
    main(sys.argv[1:])
