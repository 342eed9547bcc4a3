"""The working folder of a script: taken from its run loop once, looked into when the script has ended."""

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
    """Holds the folder's descriptor: the temporary file system lives on with it when its mount namespace is gone.

    Args:
        wanted: Names and patterns of the files to bring out.
        most_bytes: How much is brought out.
    """

    def __init__(self, wanted: Sequence[str], most_bytes: int) -> None:
        self._wanted, self._most_bytes = wanted, most_bytes
        self._fd: int | None = None
        self._greeted = False

    def __repr__(self) -> str:
        return f"<ScratchFolder wanted={len(self._wanted)} taken={self._fd is not None}>"

    def receive(self, sock: socket.socket, most: int) -> bytes:
        """What `recv` would give, without the first message, which the run loop sends before any of the code runs.

        Only that one can bring a descriptor; the kernel closes those of later ones unseen. A stream socket never
        joins a message that carries descriptors with the next.

        Raises:
            BlockingIOError: Nothing else is there now.
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
        """The outcome with the files that were wanted, whatever came of the script.

        Args:
            outcome: What came of the run.
            ended: Whether nothing that could write to the folder is left.
        """
        found = None if self._fd is None else functools.partial(collect_files, self._fd, self._wanted, self._most_bytes)
        return run_outcome.with_files(outcome, self._wanted, found, ended=ended)

    def close(self) -> None:
        """Let go of the folder, and so of every file in it. Idempotent."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close."""
        self.close()
