"""Modules as users have them: written to a file and imported from it."""

import importlib.util
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from poet_engine.decorator import PoetHandle


class Decorated(Protocol):
    """A decorated function of a module that was loaded."""

    original: Callable[[object, object], object]
    poet: PoetHandle[[object, object]]

    def __call__(self, *args: object) -> object:
        """Answer."""


def loaded(path: Path, text: str) -> types.ModuleType:
    """Write a module and import it under its file's name."""
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def indented(body: str) -> str:
    """The lines of a body, as they stand in a function."""
    return "".join(f"    {line}\n" for line in body.split("\n"))


def sections(text: str) -> dict[str, str]:
    """Bodies by their names; a line with `# name` begins each of them."""
    found: dict[str, list[str]] = {}
    body: list[str] = []
    for line in text.strip("\n").split("\n"):
        if line.startswith("# "):
            body = found[line.removeprefix("# ")] = []
        else:
            body.append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}
