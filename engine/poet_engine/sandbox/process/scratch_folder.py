"""Hold the working folder of a script: its run loop sends it once, and its files are collected after its end."""

import array
import functools
import os
import socket
import struct
from collections.abc import Sequence
from typing import Self

from poet_engine.guest.collected_files import collect_files
from poet_engine.guest.frames import FrameKind, pack
from poet_engine.outcome import Outcome
from poet_engine.sandbox import run_outcome

_GREETING = pack(FrameKind.FOLDER)
# the sender's credentials come with every message, one descriptor with this one
_SPACE = socket.CMSG_SPACE(struct.calcsize("iII")) + socket.CMSG_SPACE(struct.calcsize("i"))


class ScratchFolder:
    """The folder's descriptor: with it, the temporary file system outlives its mount namespace.

    Args:
        wanted: Names and patterns of the files to collect.
        most_bytes: Bytes that are collected in all.
        has_value: Whether the script is a notebook, which has a value.
    """

    def __init__(self, wanted: Sequence[str], most_bytes: int, *, has_value: bool = False) -> None:
        self.has_value = has_value
        self._wanted, self._most_bytes = wanted, most_bytes
        self._fd: int | None = None
        self._greeted = False

    def __repr__(self) -> str:
        return f"<ScratchFolder wanted={len(self._wanted)} taken={self._fd is not None}>"

    def receive(self, sock: socket.socket, most: int) -> bytes:
        """Return what `recv` would, without the first message, which the run loop sends before any of the code runs.

        Only that one can bring a descriptor; the kernel closes those of later ones unseen. A stream socket never joins
        a message that carries descriptors with the next.

        Raises:
            BlockingIOError: Nothing has come beside the first message.
        """
        if not self._greeted:
            data, ancillary, _flags, _address = sock.recvmsg(len(_GREETING), _SPACE, socket.MSG_CMSG_CLOEXEC)
            self._greeted = True
            for level, kind, content in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    self._fd, *others = array.array("i", content[: len(content) // 4 * 4])
                    for fd in others:  # the kernel aligns the space, so that two fit
                        os.close(fd)
            if data != _GREETING:
                return data  # the payload ended before it came so far
        return sock.recv(most)

    def collect_files(self, outcome: Outcome, *, ended: bool) -> Outcome:
        """Return the outcome with the files that were wanted, whatever the script's verdict.

        Args:
            outcome: The outcome of the run, without files.
            ended: Whether nothing that could write to the folder is left.
        """
        found = None if self._fd is None else functools.partial(collect_files, self._fd, self._wanted, self._most_bytes)
        return run_outcome.with_files(outcome, self._wanted, found, ended=ended, has_value=self.has_value)

    def close(self) -> None:
        """Close the folder, which frees every file in it. Idempotent."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> Self:
        """Return the folder itself."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close."""
        self.close()
