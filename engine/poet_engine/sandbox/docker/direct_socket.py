"""Connect host and container by a Unix socket of their own: the daemon's streams copy every byte twice each way.

It needs a daemon of this machine, which sees the same files as we do, and a runtime that lets containers connect to
sockets of the host. gVisor does not, nor does Docker Desktop. The folder that a container sees holds nothing but the
socket, read-only, and is gone on our side as soon as the container has connected, before there is a payload; no other
user of the machine can reach it.
"""

import contextlib
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

from poet_engine.dockerd import keep_from_children

INSIDE = "/run/poet"
_NAME, _SHOWN = "line", "shown"
_PREFIX = "poet-line-"
_LONGEST_PATH = 100  # of the 108 bytes that an address has


class NoDirectSocketError(Exception):
    """The failure of a container to connect; the text says why."""


def usable(host: str, *, desktop: bool, gvisor: bool) -> bool:
    """Return whether a direct socket is worth trying.

    Args:
        host: The daemon's address.
        desktop: Whether its containers run in a virtual machine.
        gvisor: Whether they run under gVisor.
    """
    longest = Path(tempfile.gettempdir(), f"{_PREFIX}{os.getpid()}-12345678", _SHOWN, _NAME)
    short = len(os.fsencode(longest)) <= _LONGEST_PATH
    return host.startswith("unix://") and not desktop and not gvisor and short and hasattr(socket, "AF_UNIX")


class DirectSocket:
    """The host's end, until its container has connected. A context manager: its folder is removed with it."""

    def __init__(self) -> None:
        self._outer = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))  # nobody else gets past it here
        self._inner = self._outer / _SHOWN
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._inner.mkdir(mode=0o700)
            path = self._inner / _NAME
            self._listener.bind(str(path))
            # the container sees the inner folder alone, and its user is none of ours
            path.chmod(0o666)
            self._inner.chmod(0o711)
            self._listener.listen(1)
        except OSError:
            self.close()
            raise

    @property
    def folder(self) -> str:
        """The folder that is mounted into the container."""
        return str(self._inner)

    def __repr__(self) -> str:
        return f"<DirectSocket {self._inner}>"

    def accept(self, timeout: float) -> socket.socket:
        """Return the container's connection; the caller closes it. A forked child does not have it.

        Raises:
            NoDirectSocketError: It did not come in time.
        """
        self._listener.settimeout(timeout)
        try:
            peer, _address = self._listener.accept()
        except OSError as error:
            raise NoDirectSocketError(f"no container connected within {timeout:.0f} s: {error}") from None
        keep_from_children(peer)
        return peer

    def close(self) -> None:
        """Close the listener and remove its folder."""
        self._listener.close()
        _remove(self._outer)

    def __enter__(self) -> Self:
        """Return the socket itself."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close the listener and remove its folder."""
        self.close()


def sweep(living: Callable[[int], bool]) -> None:
    """Remove what processes have left that were killed while a container started.

    Args:
        living: Returns whether the process of this id still runs.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):
            if pid.isdecimal() and folder.stat().st_uid == os.geteuid() and not living(int(pid)):
                _remove(folder)


def _remove(outer: Path) -> None:
    with contextlib.suppress(OSError):
        (outer / _SHOWN / _NAME).unlink(missing_ok=True)
        (outer / _SHOWN).rmdir()
    with contextlib.suppress(OSError):
        outer.rmdir()
