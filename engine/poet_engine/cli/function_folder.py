"""The folder of a decorated function's versions, found without importing the function."""

import dataclasses
import sys
from pathlib import Path

from poet_engine._env import Settings
from poet_engine._wiring import wall_clock
from poet_engine.cli.target import locate as locate_target
from poet_engine.journal import OfModule
from poet_engine.versions import FunctionStore, VersionStore, folder_name, locate, module_name, read_through
from poet_engine.versions.location import FOLDER


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """One function's folder, which may not be there yet.

    Attributes:
        file: The module.
        qualname: The function's dotted place in it.
        root: The `.poet` folder.
        versions: Its versions.
    """

    file: Path
    qualname: str
    root: Path
    versions: FunctionStore

    @property
    def of(self) -> OfModule:
        """The rule for its own events among those of its name; those without a module go to the folder of that name."""
        return OfModule(module_name(self.file), unnamed=self.versions.name == self.qualname)


def stored(target: str) -> Stored:
    """Find the versions of the function that a target names.

    Raises:
        UsageError: The target has a wrong form, or names no module.
        StoreError: The folder cannot be read.
    """
    path, qualname = locate_target(target, folders=[Path.cwd(), *map(Path, sys.path)])
    file = path.absolute()
    roots = locate(file, qualname, home=Settings.read().home), file.parent / FOLDER
    store, beside = (VersionStore(root, clock=wall_clock) for root in roots)
    names = [folder_name(one, module_name(file), qualname, beside=file.parent) for one in (store, beside)]
    versions = store.function(names[0])
    if store.root != beside.root:
        versions = read_through(versions, beside.root, names[1])
    return Stored(file, qualname, store.root, versions)
