"""Modules of a project: written to a folder of the call's own, and imported from there as the gate has scanned them."""

import base64
import importlib
import os
import shutil
import sys
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from typing import TYPE_CHECKING, ClassVar

from .absent_imports import compile_source

if TYPE_CHECKING:
    import types
    from collections.abc import Mapping, Sequence

MODULE_NAME = "poet_generated"  # of a source that has none of its own
FOLDER = "/tmp/poet-project"
_READ_ONLY = 0o444


class ProjectLoader(SourceFileLoader):
    """A loader that compiles what was scanned: never a file of bytecode beside it, and absent imports stay absent."""

    absent: "ClassVar[Mapping[str, str]]"

    def get_code(self, fullname: str) -> "types.CodeType":
        """Compile the module's source."""
        path = self.get_filename(fullname)
        package = fullname if self.is_package(fullname) else fullname.rpartition(".")[0]
        return compile_source(self.get_data(path).decode(), path, self.absent, package)


class ProjectFinder:
    """A finder that looks in the project's folder only, where nothing has a name of Python's or the policy's."""

    @staticmethod
    def find_spec(
        name: str, path: "Sequence[str] | None" = None, target: "types.ModuleType | None" = None
    ) -> ModuleSpec | None:
        """Find a module of the project, or a folder with some of its modules."""
        del target
        for folder in (FOLDER,) if path is None else path:
            if folder == FOLDER or folder.startswith(FOLDER + "/"):
                spec = FileFinder(folder, (ProjectLoader, [".py"])).find_spec(name)
                if spec is not None:
                    return spec
        return None


def install(files: "Mapping[str, Sequence[str]]", absent: "Mapping[str, str]") -> None:
    """Write the project's files, and have them imported; what an earlier call of this process had goes.

    Args:
        files: Relative path → the kind of its content (`text` or `bytes`), and the content.
        absent: As that of `compile_source`.
    """
    remove()
    if not files:
        return
    ProjectLoader.absent = absent
    for name, (kind, content) in files.items():
        path = f"{FOLDER}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "xb") as file:
            file.write(content.encode() if kind == "text" else base64.b64decode(content))
        os.chmod(path, _READ_ONLY)
    # first, since the ordinary finder would find what lies in a package of the project, and load bytecode too
    sys.meta_path.insert(0, ProjectFinder)
    importlib.invalidate_caches()


def remove() -> None:
    """Forget the project's modules and files."""
    if ProjectFinder not in sys.meta_path:
        return
    sys.meta_path.remove(ProjectFinder)
    for name, module in list(sys.modules.items()):
        if is_own(module):
            del sys.modules[name]
    shutil.rmtree(FOLDER, ignore_errors=True)


def is_own(module: object) -> bool:
    """Whether a module comes from the project's folder."""
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any(isinstance(place, str) and place.startswith(FOLDER + "/") for place in places)
