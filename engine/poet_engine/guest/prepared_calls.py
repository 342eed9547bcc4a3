"""Hold calls to the kernel whose arguments are worked out and converted ahead.

Each page that a payload touches is copied for it, at about two microseconds. Reading a table of calls touches few of
them: the functions that work out the arguments, and all that those look up, run before the payload is forked.
"""

import ctypes
import os
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from . import syscalls

LIBC = ctypes.PyDLL(None, use_errno=True)  # callers here have one thread: letting go of the lock is waste


class ReadyFunction(Protocol):
    """A function that reports a failure by a negative result."""

    def __call__(self, *arguments: object) -> int:
        """Return the result."""


class PreparedCall(NamedTuple):
    """A call to the C library or the kernel, ready to be made.

    Attributes:
        function: The function; a negative result is a failure, whose number is in errno.
        arguments: Its arguments, as the function takes them.
        what: The name of the call, for the error.
        into: Receives the result; other calls may have it among their arguments.
    """

    function: ReadyFunction
    arguments: tuple[object, ...]
    what: str
    into: ctypes.c_int | None = None

    def make(self) -> int:
        """Make the call and return its result.

        Raises:
            OSError: It failed.
        """
        result = self.function(*self.arguments)
        if self.into is not None:
            self.into.value = result
        return checked(result, self.what)


def checked(result: int, what: str) -> int:
    """Return a call's result.

    Raises:
        OSError: The result says that the call failed.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def library_call(name: str, *arguments: object, what: str = "", into: ctypes.c_int | None = None) -> PreparedCall:
    """Prepare a call of a function of the C library."""
    return PreparedCall(getattr(LIBC, name), arguments, what or name, into)


def system_call(name: str, *arguments: object, what: str = "", into: ctypes.c_int | None = None) -> PreparedCall:
    """Prepare a system call that the C library may not know."""
    return PreparedCall(LIBC.syscall, (syscalls.NUMBERS[name], *arguments), what or name, into)


def python_call(function: Callable[[], object]) -> PreparedCall:
    """Prepare a call of a function of ours among calls to the kernel; it reports a failure by an exception."""

    def call(*_none: object) -> int:
        function()
        return 0

    return PreparedCall(call, (), "")


def make_all(calls: Iterable[PreparedCall]) -> None:
    """Make the calls in their order.

    Raises:
        OSError: One has failed; those after it are not made.
    """
    for function, arguments, what, into in calls:
        result = function(*arguments)
        if result < 0:
            checked(result, what)
        if into is not None:
            into.value = result
