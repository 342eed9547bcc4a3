"""End the interpreter of a payload as CPython ends it: by CPython itself, up to the moment when the program is gone.

A program can tell in many ways how its interpreter ends: threads are waited for, `atexit` functions run, daemon threads
stand still, modules lose their names in an order, what is left is collected, and each of these may print, or write the
end of a file that nobody closed. A sequence of our own in Python would be near to that in the versions that we know; so
`Py_FinalizeEx` does it, through `Py_Exit`. It would cost 10 ms and 8 MB with a small policy, 40 ms and 37 MB with
scipy, because each page that it touches is copied for the payload. So two things are done, and it costs 1.5 and 5 ms:

- Modules that were there before the program are put aside when the `atexit` functions have run; CPython would clear
  them one by one. What the program has added to them is taken away all the same.
- The process ends when the program's names, modules and garbage are gone; after that CPython frees only what is its
  own. That moment is when the last name of `sys` is taken away: an object of ours stands there, and its `__del__` runs.

The answer is sent at that moment and not before: a program that leaves by `os._exit` while it ends has not come to its
end. Names of modules may be gone by then, so whatever runs late holds what it uses.
"""

import atexit
import contextlib
import ctypes
import functools
import gc
import io
import os
import sys
import types
from collections.abc import Callable
from typing import Never

from . import kernel
from .standard_streams import STREAMS

_LAST = "poet_last"  # a name that begins with an underscore would go before the others
_FLUSH_FAILED = 120  # the exit status that CPython has when standard output or error cannot be flushed


class _LastName:
    """An object that calls a function when it is deleted."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action

    def __del__(self) -> None:
        self._action()


class Ending:
    """The end of a payload's interpreter."""

    def __init__(self) -> None:
        self._modules = sys.modules
        self._before: list[tuple[str, types.ModuleType, int]] = []
        self._aside: list[types.ModuleType] = []
        self._collect, self._pid, self._leave, self._die = gc.collect, os.getpid, os._exit, kernel.die_of
        self._suppress = contextlib.suppress
        self._finalize, self._take_away = _Finalizer(), _take_away
        self._flush = (STREAMS.flush_own, kernel.flush_c_streams)
        self._status = 0
        self._ends = False

    def prepare(self) -> None:
        """Register the last `atexit` function, before any other: what is registered first runs last."""
        atexit.register(self._put_modules_aside)

    def remember_modules(self) -> None:
        """Record the modules that are loaded before the program, and their numbers of names."""
        self._before = [
            (name, module, len(vars(module)))
            for name, module in sys.modules.items()
            if type(module) is types.ModuleType and name not in ("__main__", "sys", "builtins")
        ]

    def come(self, status: int, owner: int, answer: Callable[[], object]) -> Never:
        """End the interpreter, answer, and end the process.

        Args:
            status: The exit status, unless standard output or error cannot be flushed; a negative one is a signal
                that the process ends by.
            owner: The process that answers; others are its children, which the code has forked.
            answer: Called when all is done.
        """
        self._status, self._ends = status, True
        setattr(sys, _LAST, _LastName(functools.partial(self._finish, owner, answer)))
        kernel.end_interpreter(max(0, status))

    def _put_modules_aside(self) -> None:
        """Put the modules aside, as the last of the `atexit` functions."""
        if not self._ends:
            return  # the code has called them itself
        for name in ("stdout", "stderr"):
            if not _flushes(getattr(sys, name, None)) and self._status >= 0:
                self._status = _FLUSH_FAILED
        self._collect()  # CPython does it a moment later, and what runs then may still import
        modules = self._modules
        for name, module, _names in self._before:
            if modules.get(name) is module:
                self._aside.append(modules.pop(name))
        modules[_LAST] = _LastName(self._clear_added_names)  # type: ignore[assignment] # CPython takes whatever stands there
        vars(sys)[_LAST] = vars(sys).pop(_LAST)  # behind all that has come meanwhile

    def _clear_added_names(self) -> None:
        """When `sys.modules` is empty, take away what the program has added to modules that were there before it.

        In CPython most modules are garbage by then, and go at once.
        """
        self._take_away(self._before)
        self._collect()

    def _finish(self, owner: int, answer: Callable[[], object]) -> None:
        """Answer and end the process, when nothing of the program is left but what CPython's own objects hold."""
        try:
            for step in (self._collect, self._finalize, *self._flush):
                with self._suppress(BaseException):  # whatever it is, what follows is still due
                    step()
            if self._pid() == owner:
                answer()
        finally:
            if self._status < 0:
                self._die(-self._status)
            self._leave(self._status)


def _take_away(before: list[tuple[str, types.ModuleType, int]]) -> None:
    """Take away the names that the program has added to modules that were there before it."""
    for _name, module, count in before:
        names = vars(module)
        if len(names) > count:
            for name in list(names)[count:]:
                names[name] = None


def _flushes(stream: object) -> bool:
    """Return whether CPython's own flush will succeed; it follows, and reports why not."""
    if stream is None:
        return True
    try:
        closed = bool(getattr(stream, "closed", False))
    except BaseException:  # noqa: BLE001 - whatever the code's own stream raises: CPython takes it for open
        closed = False
    try:
        return closed or stream.flush() is not stream  # type: ignore[attr-defined] # what is not there raises
    except BaseException:  # noqa: BLE001 - whatever the code's own stream raises
        return False


class _Finalizer:
    """Finalizes objects that are still held, as by a class attribute of a module that was there before the program.

    Streams are closed, those that were made around others first; and what has a finalizer in Python is finalized, such
    as an archive that writes its directory then.
    """

    def __init__(self) -> None:
        self._streams, self._text, self._function = io.IOBase.__mro__[1], io.TextIOWrapper, types.FunctionType
        self._below: dict[type, str] = {io.FileIO: "", io.BufferedWriter: "buffer", io.BufferedRandom: "buffer"}
        self._suppress, self._objects = contextlib.suppress, gc.get_objects
        self._own = {id(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)}
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            self._own.add(id(getattr(stream, "buffer", None)))
        self._finalize = ctypes.pythonapi.PyObject_CallFinalizer
        self._finalize.argtypes, self._finalize.restype = (ctypes.py_object,), None
        self._kinds: dict[type, str] = {_LastName: ""}

    def __call__(self) -> None:
        """Finalize objects and close streams; what is made around something else comes before that."""
        found: dict[str, list[object]] = {"finalizer": [], "text": [], "stream": [], "buffer": []}
        kinds = self._kinds
        for thing in self._objects():
            kind = type(thing)
            what = kinds.get(kind)
            if what is None:
                what = kinds[kind] = self._kind(kind)
            if what and id(thing) not in self._own:
                found[what].append(thing)
        for thing in found.pop("finalizer"):
            self._finalize(thing)
        for streams in found.values():
            for stream in streams:
                with self._suppress(BaseException):  # CPython says nothing of it
                    stream.close()  # type: ignore[attr-defined] # it is one

    def _kind(self, kind: type) -> str:
        if issubclass(kind, self._text):
            return "text"
        if issubclass(kind, self._streams):
            return self._below.get(kind, "stream")
        for each in kind.__mro__:
            if "__del__" in vars(each):
                return "finalizer" if type(vars(each)["__del__"]) is self._function else ""
        return ""


ENDING = Ending()
