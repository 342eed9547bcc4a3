"""Make the files in memory that carry values too big for a frame, and the one that records output.

The kernel counts the pages of such a file for whoever writes them: an argument's for the host, a result's for the lane.
"""

import contextlib
import fcntl
import functools
import itertools
import os
import resource
import threading

from poet_engine.guest import kernel, standard_streams
from poet_engine.guest.attachments import Collected, copy_at, read_at
from poet_engine.guest.errors import UndecodableError

_NO_EXECUTION = 0x0008  # MFD_NOEXEC_SEAL, since Linux 6.3; machines may demand it
_FIXED = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
# Pages of 2 MiB where a file is that long: on pages of 4 KiB, allocating them takes several times as long as the copy.
_FOLDER = {"huge": "within_size", "size": "0", "mode": "0700"}


@functools.cache
def _memfd_flags() -> int:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        os.close(os.memfd_create("probe", flags | _NO_EXECUTION))
    except OSError:
        return flags
    return flags | _NO_EXECUTION


class ArgumentFiles:
    """Makes the files in which big arguments travel. A guest gets one that nobody can change any more.

    With the privilege to mount, files lie in a file system of our own, which takes large pages and is mounted nowhere;
    the guest gets a descriptor for reading, and no other one is left. Otherwise they are sealed memory files.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._folder: int | None = None
        self._tried = False

    def __repr__(self) -> str:
        return f"<ArgumentFiles {'sealed' if self._folder is None else 'in a folder of their own'}>"

    def hold(self, parts: Collected) -> int | None:
        """Return a descriptor of a file with the pieces, for the caller to close; None when there are none.

        Raises:
            OSError: The file has no room.
        """
        if not parts.pieces:
            return None
        folder = self._own_folder()
        return _sealed(parts) if folder is None else self._read_only(parts, folder)

    def _own_folder(self) -> int | None:
        with self._lock:
            if not self._tried:
                self._tried = True
                with contextlib.suppress(OSError):
                    self._folder = kernel.detached_tmpfs(_FOLDER)
            return self._folder

    def _read_only(self, parts: Collected, folder: int) -> int:
        name = str(next(self._numbers))
        writer = os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=folder)
        try:
            reader = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
        except OSError:
            os.close(writer)
            raise
        finally:
            os.unlink(name, dir_fd=folder)
        return _filled(parts, writer, reader)

    def close(self) -> None:
        """Close the file system; files that a guest still has mapped stay until it unmaps them."""
        with self._lock:
            folder, self._folder, self._tried = self._folder, None, True
        if folder is not None:
            os.close(folder)


def _filled(parts: Collected, writer: int, reader: int) -> int:
    """Write everything and close the writer; return the reader."""
    try:
        os.ftruncate(writer, parts.size)
        parts.write(writer)
    except OSError:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    return reader


def _sealed(parts: Collected) -> int:
    fd = os.memfd_create("arguments", _memfd_flags())
    try:
        os.ftruncate(fd, parts.size)
        parts.write(fd)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _FIXED | fcntl.F_SEAL_WRITE)
    except OSError:
        os.close(fd)
        raise
    return fd


class ResultFile:
    """The file for a payload's attachments. Only ever read, never mapped: the guest may change it.

    Args:
        size: Bytes that a result may have. The file can neither grow nor shrink.
    """

    def __init__(self, size: int) -> None:
        # a host that may write only short files has short results beside the frame; in the frame itself nothing changes
        most, _hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        self._size = size if most == resource.RLIM_INFINITY else min(size, most)
        self._used = False
        self.fd = os.memfd_create("results", _memfd_flags())
        os.ftruncate(self.fd, self._size)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, _FIXED)

    def take(self, offset: int, length: int) -> bytearray:
        """Return a copy of a piece, made once: what the guest writes later does not change it."""
        if offset + length > self._size:
            raise UndecodableError("a reference beyond the attachments")
        self._used = True
        piece = bytearray(length)
        read_at(self.fd, memoryview(piece), offset)
        return piece

    def copy(self, offset: int, length: int) -> bytes:
        """Return a copy of a piece as bytes, which cannot change."""
        if offset + length > self._size:
            raise UndecodableError("a reference beyond the attachments")
        self._used = True
        return copy_at(self.fd, offset, length)

    def clear(self) -> None:
        """Free the memory of a result that was read, for the payload's next call; other pages stay charged to it."""
        if not self._used:
            return
        self._used = False
        with contextlib.suppress(OSError):  # then it stays with the lane, which pays for it
            kernel.free_pages(self.fd, self._size)

    def close(self) -> None:
        """Close the file."""
        os.close(self.fd)


class OutputRecord:
    """The file in which a payload records what it has printed and not written yet; read when it was killed."""

    def __init__(self) -> None:
        most, _hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        room = most == resource.RLIM_INFINITY or most >= standard_streams.ROOM
        if not room:  # nothing is recorded: what is written there the kernel keeps for nobody
            self.fd = os.open("/dev/zero", os.O_RDWR | os.O_CLOEXEC)
            return
        self.fd = os.memfd_create("record", _memfd_flags())
        os.ftruncate(self.fd, standard_streams.ROOM)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, _FIXED)

    def unflushed(self) -> tuple[bytes, bytes]:
        """Return what was printed and not written, to standard output and to standard error."""
        return standard_streams.unflushed(self.fd)

    def close(self) -> None:
        """Close the file."""
        os.close(self.fd)
