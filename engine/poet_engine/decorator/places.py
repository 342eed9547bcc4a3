"""Where the versions, the feedback and the events of a function are."""

from pathlib import Path

from poet_engine.decorator.wiring import wiring
from poet_engine.domains import FunctionInfo, describe
from poet_engine.errors import SourceUnavailableError
from poet_engine.journal.recorder import Recorder
from poet_engine.store import FunctionStore, Store, folder_name, locate, module_name
from poet_engine.store.location import writable


def store_of(info: FunctionInfo) -> FunctionStore:
    """The versions of a function.

    Raises:
        StoreError: The folder cannot be read.
    """
    store = Store(_root(info))
    return store.function(folder_name(store, module_of(info), info.qualname, beside=folder_of(info)))


def module_of(info: FunctionInfo) -> str:
    """What tells functions of the same name in one folder apart: the file's name, whoever imports or runs it."""
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


def recorder_for(function: object) -> Recorder:
    """What keeps the events of a function: beside its versions, or in the state folder when it can have none.

    Raises:
        PoetError: The journal cannot be opened.
    """
    try:
        root = _root(describe(function))
    except SourceUnavailableError:
        root = wiring().home()
    return wiring().recorder(root / "events" / "journal.db")


def _root(info: FunctionInfo) -> Path:
    """The `.poet` folder; the state folder is made only where the module's own cannot be written."""
    folder = folder_of(info)
    file = folder / (f"{module_of(info)}.py" if info.in_notebook else Path(info.file).name)
    return locate(file, info.qualname, home=folder if writable(folder) else wiring().home())
