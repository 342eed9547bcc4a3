"""The folders of a function: its versions, its feedback and its events."""

from pathlib import Path

from poet_engine.decorator.wiring import wiring
from poet_engine.domains import FunctionInfo, describe
from poet_engine.errors import PoetError, SourceUnavailableError
from poet_engine.journal import OfModule
from poet_engine.journal.recorder import Recorder
from poet_engine.versions import FunctionStore, VersionStore, folder_name, locate, module_name, read_through
from poet_engine.versions.location import FOLDER, writable


def store_of(info: FunctionInfo) -> FunctionStore:
    """The versions of a function; where the folder of its module cannot be written, those in it are still read.

    Raises:
        PoetError: The folder cannot be read, or there is none that can be written.
    """
    folder, module = folder_of(info), module_of(info)
    beside = VersionStore(folder / FOLDER, clock=wiring().now)
    if writable(folder):
        return beside.function(folder_name(beside, module, info.qualname, beside=folder))
    shipped = beside.function(folder_name(beside, module, info.qualname, beside=folder))
    try:
        home = VersionStore(_root(info), clock=wiring().now)
        own = home.function(folder_name(home, module, info.qualname, beside=folder))
    except PoetError:
        if not shipped.names():
            raise
        return shipped  # nothing can be written anywhere, and nothing of it is needed to serve
    return read_through(own, beside.root, shipped.name)


def module_of(info: FunctionInfo) -> str:
    """Return the file's name, which tells functions of one name in one folder apart, whoever imports or runs it."""
    return "notebook" if info.in_notebook else module_name(Path(info.file))


def folder_of(info: FunctionInfo) -> Path:
    """The folder of its module; for a cell of a notebook, the one that the kernel works in."""
    return Path.cwd() if info.in_notebook else Path(info.file).absolute().parent


def feedback_folder(function: object) -> FunctionStore | None:
    """The folder whose inbox takes the feedback on a function; None where it has no source to name one by.

    Raises:
        PoetError: It cannot be read, or the function has no name for it.
    """
    try:
        info = describe(function)
    except SourceUnavailableError:
        return None
    return None if "<locals>" in info.qualname else store_of(info)


def module_in_events(function: object) -> str | None:
    """The module that the events of a function name; None where it has no source."""
    try:
        return module_of(describe(function))
    except SourceUnavailableError:
        return None


def recorder_for(function: object) -> Recorder:
    """Return the recorder of a function: beside its versions, or in the state folder when it can have none.

    Raises:
        PoetError: The journal cannot be opened.
    """
    try:
        root = _root(describe(function))
    except SourceUnavailableError:
        root = wiring().home()
    return wiring().recorder(root / "events" / "journal.db")


def own_events(function: object, module: str | None) -> OfModule | None:
    """Select a function's own events of its name; those that name no module go to whose folder has the plain name.

    Args:
        function: Whose.
        module: What its events name; None where it has no source, and then all events of its name are meant.
    """
    if module is None:
        return None
    try:
        folder = feedback_folder(function)
    except PoetError:  # it has none, so it shares its name with nobody who has
        folder = None
    plain = folder is None or folder.name == getattr(function, "__qualname__", None)
    return OfModule(module, unnamed=plain)


def _root(info: FunctionInfo) -> Path:
    """The `.poet` folder; the state folder is made only where the module's own cannot be written."""
    folder = folder_of(info)
    file = folder / (f"{module_of(info)}.py" if info.in_notebook else Path(info.file).name)
    return locate(file, info.qualname, home=folder if writable(folder) else wiring().home())
