"""Holds the lists of a policy against the libraries that are installed: python allow_lists.py POLICY.toml LIBRARY...

Standard library only, and a program of its own, so that it can be run with any interpreter that has the libraries.
Prints JSON: `missing` (listed names that do not exist), `wrong` (name → what it is that it must not be), `parameters`
(name → its parameters that name files, addresses, code or attributes) and `methods` (the same for methods of classes).
"""

import contextlib
import importlib
import inspect
import json
import re
import sys
import tomllib
import types
from collections.abc import Sequence
from pathlib import Path

# Parameters by which libraries read and write files, open addresses, run texts or follow names.
TELLING = re.compile(
    r"f(ile)?_?name|file|f?path|filepath_or_buffer|path_or_buff?(er)?|buf|ur[il]|mmap_mode|memory|expr(ession)?|out_file"
    r"|code|cmd|command|backend|module|lib(rary|name)|dirname|folder|data_home|storage_options|importance_getter"
    r"|response_method|engine_kwargs"
)
# Names that say it by themselves.
NAMED = re.compile(
    r"(read|load|save|dump|fetch|open|eval|query|exec|from_?file|import|memmap|pickle)(_.*|s|txt|z)?|test|show_config"
    r"|.*(ctypes|f2py|cffi).*|to_?(file|pickle|sql|hdf|excel|parquet|feather|orc|stata|clipboard)|.*_(files?|backend)"
)
# What has to be imported before other names of the library appear.
FIRST = ("sklearn.experimental.enable_halving_search_cv", "sklearn.experimental.enable_iterative_imputer")


def resolve(path: str) -> object:
    """What a dotted path is: the longest part of it that is a module, and attributes from there on.

    Raises:
        AttributeError: There is no such name.
    """
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        with contextlib.suppress(ImportError):
            found: object = importlib.import_module(".".join(parts[:end]))
            for part in parts[end:]:
                found = getattr(found, part)
            return found
    raise AttributeError(path)


def home(found: object) -> str:
    """The top-level module that a class or function says it comes from."""
    if not isinstance(found, type | types.FunctionType | types.BuiltinFunctionType):
        return ""
    return str(getattr(found, "__module__", None) or "").partition(".")[0]


def telling(found: object) -> list[str]:
    """The telling parameters of a callable."""
    try:
        names = inspect.signature(found).parameters if callable(found) else ()
    except (TypeError, ValueError):
        return []
    return [name for name in names if TELLING.fullmatch(name) or (name == "input" and home(found) == "sklearn")]


class Said:
    """What is to be said about the names of some libraries."""

    def __init__(self, libraries: Sequence[str]) -> None:
        self.libraries = libraries
        self.missing: dict[str, str] = {}
        self.wrong: dict[str, str] = {}
        self.parameters: dict[str, list[str]] = {}
        self.methods: dict[str, list[str]] = {}

    def look(self, path: str) -> None:
        """Look at one listed name."""
        try:
            found = resolve(path)
        except AttributeError:
            self.missing[path] = "no such name"
            return
        if isinstance(found, types.ModuleType):
            self.wrong[path] = "a module"
        elif NAMED.fullmatch(path.rpartition(".")[2]):
            self.wrong[path] = "named like what reads, writes or runs"
        elif home(found) not in {"", "builtins", "numpy", *self.libraries}:
            self.wrong[path] = f"of {home(found)}"
        if names := telling(found):
            self.parameters[path] = names
        for name in dir(found) if isinstance(found, type) else ():
            self._method(path, found, name)

    def _method(self, path: str, found: object, name: str) -> None:
        if not name.startswith("_") and (NAMED.fullmatch(name) or telling(inspect.getattr_static(found, name))):
            self.methods.setdefault(name, []).append(path)


def main(policy: str, *libraries: str) -> None:
    """Print what is to be said about the names that the policy lists of these libraries."""
    listed = tomllib.loads(Path(policy).read_text("utf-8"))["static"]["imports"]
    for module in FIRST if "sklearn" in libraries else ():
        importlib.import_module(module)
    said = Said(libraries)
    for module in listed:
        if module.partition(".")[0] in libraries:
            for name in listed[module]:
                said.look(f"{module}.{name}")
    json.dump(
        {"missing": said.missing, "wrong": said.wrong, "parameters": said.parameters, "methods": said.methods},
        sys.stdout,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
