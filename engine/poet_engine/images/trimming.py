"""Choose the files of the standard library and of distributions that an image does without. Pure."""

import ast
import fnmatch
from collections.abc import Sequence

from poet_engine.errors import ImageError

# At the top of the standard library: its tests, windows and editors, installers, what is for building extensions, and
# the folders in which everything else is installed.
_NOT_OF_LIBRARY = (
    *("test", "idlelib", "turtledemo", "turtle.py", "tkinter", "lib2to3", "ensurepip", "venv", "pydoc_data"),
    *("config-*", "site-packages", "dist-packages", "sitecustomize.py", "usercustomize.py", "EXTERNALLY-MANAGED"),
)
# Extension modules for tests and windows, by which the image would need libraries that nothing else asks for.
_NOT_LOADED = ("_tkinter.*", "_test*.so", "_xxtest*.so", "_xxinter*.so", "xxlimited*.so", "_ctypes_test*.so")
# Below any folder. Compiled files come from our own compiler; a name in __pycache__ carries the host's paths.
_NOT_ANYWHERE = ("__pycache__", "*.pyc", "*.pyo", "*.pyi", "*.pyx", "*.pxd", "*.pyd", "*.a", "*.la", "*.o", "*.exe")
# Of distributions, tests: but packages do import what lies beside them (numpy.testing does).
_NOT_OF_TESTS = ("test_*.py", "conftest.py", "data")
_NOT_OF_DISTRIBUTIONS = ("*.h", "*.hpp", "*.c", "*.cpp", "*.pth", "py.typed")
# Keys of a build record with paths that are kept: where `zoneinfo` looks for time zones.
_NEEDED_PATHS = ("TZPATH",)


def of_library(parts: Sequence[str]) -> bool:
    """Return whether an image needs this path below the standard library's folder."""
    if _any(parts[0], _NOT_OF_LIBRARY):
        return False
    return not any(_any(part, (*_NOT_ANYWHERE, "tests", "test")) for part in parts) and not _any(parts[-1], _NOT_LOADED)


def of_distribution(parts: Sequence[str]) -> bool:
    """Return whether an image needs this path below a package's folder."""
    if any(_any(part, (*_NOT_ANYWHERE, *_NOT_OF_DISTRIBUTIONS)) for part in parts):
        return False
    return "tests" not in parts or not any(_any(part, _NOT_OF_TESTS) for part in parts)


def _any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def is_build_record(name: str) -> bool:
    """Return whether a file of the standard library records the interpreter's build, with that machine's paths."""
    return name.startswith("_sysconfigdata_") and name.endswith(".py")


def without_paths(source: str) -> bytes:
    """Return a build record without values that name folders: libraries read sizes and switches from it.

    Raises:
        ImageError: The source does not assign a dictionary.
    """
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            found = ast.literal_eval(node.value)
            kept = {
                name: value
                for name, value in found.items()
                if not isinstance(value, str) or "/" not in value or name in _NEEDED_PATHS
            }
            lines = "".join(f" {name!r}: {kept[name]!r},\n" for name in sorted(kept))
            return f"build_time_vars = {{\n{lines}}}\n".encode()
    raise ImageError("this interpreter's record of its build cannot be read; install Python anew, or use --base IMAGE")
