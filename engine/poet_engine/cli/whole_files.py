"""Scripts and notebooks that `poet run` runs as a whole: read as text, never imported."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from poet_engine._located_job import LocatedScript
from poet_engine.cli.project_modules import collect
from poet_engine.cli.source_files import read_text
from poet_engine.errors import UsageError
from poet_engine.job import Script

if TYPE_CHECKING:  # help and wrong use do not wait for the engine to load
    from poet_engine import Engine

_NOTEBOOK = ".ipynb"
_SUFFIXES = frozenset({".py", _NOTEBOOK})


def is_whole_file(target: str) -> bool:
    """Whether a target is a file, and not a function in one."""
    return Path(target).suffix in _SUFFIXES


def script_of(engine: "Engine", path: Path, wall: float | None) -> Script:
    """Return a file as what the engine runs, with the modules beside it that it imports.

    Args:
        engine: Reads it in its gate's worker.
        path: The file.
        wall: Seconds that it may take, if less than the policy's limit.

    Raises:
        UsageError: The file, or a module that it imports, cannot be read.
    """
    if path.suffix == _NOTEBOOK:
        script = engine.notebook_script(path)
    else:
        source = _undecorated(engine, read_text(path))
        script = LocatedScript(source=source, filename=path.name, path=str(path))
    project = collect(path, script.source, listed=engine.policy.static.imports, exports=engine.exports, beside=True)
    modules = {name: _undecorated(engine, text) for name, text in project.files.items()}
    return dataclasses.replace(script, modules=modules, wall=wall)


def _undecorated(engine: "Engine", source: str) -> str:
    try:
        return engine.undecorate(source)
    except UsageError:
        return source  # it cannot be parsed, which is for the gate to say, with the line
