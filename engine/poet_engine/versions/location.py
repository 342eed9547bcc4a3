"""Locations and names of the `.poet` folders."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from poet_engine.versions.store import VersionStore

FOLDER = ".poet"
RESERVED = "events"  # the journal's folder


def writable(folder: Path) -> bool:
    """Whether this process may create files in the folder, or in its `.poet` where that exists."""
    inside = folder / FOLDER
    return folder.is_dir() and os.access(inside if inside.exists() else folder, os.W_OK | os.X_OK)


def locate(
    module_file: Path | None,
    function_qualname: str,
    *,
    home: Path,
    may_write: Callable[[Path], bool] = writable,
) -> Path:
    """Return the `.poet` folder for the versions of a function; creates nothing.

    Args:
        module_file: The file that defines the function; None where there is none (a notebook, a prompt).
        function_qualname: The dotted name, which distinguishes functions without a file.
        home: The fallback where the module's folder cannot be written: `POET_HOME`, or the user's state folder.
        may_write: Returns whether a folder can be written.

    Returns:
        `<module's folder>/.poet` if it can be written, else a folder of the module's own below `home`.
    """
    if module_file is None:
        return home / _own_folder(function_qualname, function_qualname) / FOLDER
    if may_write(module_file.parent):
        return module_file.parent / FOLDER
    return home / _own_folder(module_file.stem, str(module_file)) / FOLDER


def module_name(file: Path) -> str:
    """Return the module name by which functions of one name in one folder differ: the file's, whoever imports it."""
    return re.sub(r"\W|^(?=\d)", "_", unicodedata.normalize("NFKC", file.stem))


def folder_name(store: VersionStore, module: str, qualname: str, *, beside: Path) -> str:
    """Return the name of the folder of a function's versions: the function's, where no other module uses that.

    Args:
        store: The `.poet` folder.
        module: The name of the function's file, without `.py`.
        qualname: The function's dotted path in the module.
        beside: The folder of the file. A module that no longer exists does not keep its name.

    Raises:
        UsageError: Neither name is possible in the store.
        StoreError: The folder cannot be read.
    """
    own = f"{module}.{qualname}"
    if qualname == RESERVED or store.function(own).names():
        return own
    first = next(iter(store.function(qualname).versions()), None)
    owner = "" if first is None else first.metadata.module
    # A name from a file is compared before it becomes a path.
    taken = owner not in {"", module} and owner.isidentifier() and (beside / f"{owner}.py").is_file()
    return own if taken else qualname


def _own_folder(title: str, key: str) -> str:
    # The title is for people; the digest keeps modules of the same name in different folders apart.
    readable = re.sub(r"[^A-Za-z0-9_]+", "-", title).strip("-")[:40] or "function"
    return f"{readable}-{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"
