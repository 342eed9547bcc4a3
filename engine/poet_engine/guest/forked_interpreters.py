"""Give `multiprocessing` the interpreters that it would execute, as forks of the prepared one.

What it starts is the interpreter itself with `-c` and a line of its own, and `execve` stays forbidden: the
resource tracker, which shared memory needs, and the children of the start method `spawn`. A fork runs that line in a
`__main__` of its own. Modules that were imported before stay imported, which a new interpreter would do again.
"""

import importlib.abc
import importlib.machinery
import os
import resource
import select
import signal
import sys
import traceback
import types
from collections.abc import Callable, Iterable, Sequence

from . import kernel

_MODULE = "multiprocessing.util"
_FAILED = 1


class _AfterImport(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module as ever, and changes it once it has been loaded."""

    def __init__(self, name: str, change: Callable[[types.ModuleType], None]) -> None:
        self._name, self._change = name, change
        self._loader: importlib.abc.Loader | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find the module, and stand in for its loader."""
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def exec_module(self, module: types.ModuleType) -> None:
        """Load the module, and change it."""
        if self._loader is not None:
            module.__loader__ = self._loader
            if module.__spec__ is not None:
                module.__spec__.loader = self._loader
            self._loader.exec_module(module)
        self._change(module)


def replace() -> None:
    """Have `multiprocessing` fork when it is imported, which most calls never do."""
    sys.meta_path.insert(0, _AfterImport(_MODULE, _change))


def _change(module: types.ModuleType) -> None:
    vars(module)["spawnv_passfds"] = spawn


def spawn(_path: object, arguments: Sequence[str | bytes], descriptors: Iterable[int]) -> int:
    """Run an interpreter's `-c` line in a fork that has no other descriptors; return its process id.

    Raises:
        OSError: There may be no further process.
    """
    line = [os.fsdecode(argument) for argument in arguments]
    keep = {0, 1, 2, *map(int, descriptors)}
    sys.stdout.flush(), sys.stderr.flush()  # what is printed already is printed once
    pid = os.fork()
    if pid:
        return pid
    status = _FAILED
    try:
        _as_if_executed(keep)
        _run(line)
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - as an interpreter does with whatever its program raises
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            if not stream.closed:
                stream.flush()
        os._exit(status & 0xFF)


def _as_if_executed(keep: set[int]) -> None:
    """Let go of what `execve` would have taken: descriptors and handlers of signals."""
    _let_go_of_descriptors(keep)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGINT}:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)


def _let_go_of_descriptors(keep: set[int]) -> None:
    """Put /dev/null in the place of every other descriptor.

    Objects that hold them are still there, and close them when they are collected: by then the same numbers must not
    belong to anything else, nor to nothing, of which they would complain.
    """
    null = os.open("/dev/null", os.O_RDWR)
    most, _ceiling = resource.getrlimit(resource.RLIMIT_NOFILE)
    poll = select.poll()
    for fd in range(most):
        poll.register(fd, 0)
    closed = {fd for fd, event in poll.poll(0) if event & select.POLLNVAL}
    there = set(range(most)) - closed - keep - {null}
    for fd in there:
        os.dup2(null, fd, inheritable=False)
    kernel.close_all_but(keep | there)


def _run(line: list[str]) -> None:
    at = line.index("-c") + 1
    program, sys.argv[:] = line[at], ["-c", *line[at + 1 :]]
    parent, main = sys.modules["__main__"], types.ModuleType("__main__")
    sys.modules["__main__"] = main
    spawning = sys.modules.get("multiprocessing.spawn")
    if spawning is not None:
        _find_main_without_a_file(spawning, parent)
    exec(compile(program, "<string>", "exec", dont_inherit=True), main.__dict__)  # noqa: S102 - it is multiprocessing's


def _find_main_without_a_file(spawning: types.ModuleType, parent: types.ModuleType) -> None:
    """Have a child use its parent's main module where that was never a file that could be run again."""
    from_file: Callable[[str], None] = vars(spawning)["_fixup_main_from_path"]

    def fixup(path: str) -> None:
        if os.path.exists(path) and not path.startswith(os.path.dirname(__file__)):
            from_file(path)
        else:
            sys.modules["__main__"] = sys.modules["__mp_main__"] = parent

    vars(spawning)["_fixup_main_from_path"] = fixup
