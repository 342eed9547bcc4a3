"""File operations in a folder that others may have prepared: they follow no link and read nothing without a bound.

A `.poet` folder may come with a cloned project. Every access below it goes through a descriptor of the folder above and
refuses symlinks, so that no name in it can lead anywhere else, not even while it is being changed.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from poet_engine import _files
from poet_engine.errors import PoetError

_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_LOCK_ATTEMPTS = 300
_LOCK_PAUSE_S = 0.01
_MOST_COPIED = 10_000_000  # far above the size of any file that is appended to
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_MEANINGS: Mapping[int, str] = {
    errno.ENOSPC: "the disk is full; make room",
    errno.EDQUOT: "the disk quota is used up; make room",
    errno.EROFS: "the file system is read-only; set POET_HOME to a folder that can be written",
    errno.EACCES: "it may not be read or written; change its permissions or set POET_HOME",
    errno.EPERM: "it may not be changed; change its permissions or set POET_HOME",
    errno.ELOOP: "there is a symbolic link where none is expected, and links are not followed; remove it",
    errno.ENOTDIR: "there is something else where a folder is expected, or a symbolic link; remove it",
    errno.ENOENT: "it is not there, or has just been removed; look at the folder, and try again",
}


class StoreError(PoetError):
    """Raised when the store cannot be read or written; names the file, the problem and the remedy."""


@contextlib.contextmanager
def explained(where: Path) -> Iterator[None]:
    """Translate errors of the operating system; `where` is named if the error itself names no absolute path."""
    try:
        yield
    except OSError as error:
        named = error.filename if isinstance(error.filename, str) else ""
        place = where / named  # an absolute name replaces `where`
        meaning = _MEANINGS.get(error.errno or 0, "check the folder")
        raise StoreError(f"{place}: {error.strerror or error}: {meaning}") from error


@contextlib.contextmanager
def folder(path: Path) -> Iterator[int]:
    """Open a folder, which may not be a symlink, and yield its descriptor; close it at the end."""
    here = os.open(path, _FOLDER_FLAGS)
    try:
        yield here
    finally:
        os.close(here)


@contextlib.contextmanager
def folder_at(name: str, *, at: int) -> Iterator[int]:
    """Open a folder within the folder `at`, and yield its descriptor; close it at the end."""
    here = os.open(name, _FOLDER_FLAGS, dir_fd=at)
    try:
        yield here
    finally:
        os.close(here)


def make_private_path(path: Path) -> None:
    """Create the folder and those above it, for the owner alone; existing folders stay as they are."""
    missing = [step for step in (path, *path.parents) if not step.exists()]
    for step in reversed(missing):
        step.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)


def make_private_folder(name: str, *, at: int) -> None:
    """Create one folder for the owner alone, unless the name exists."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, _PRIVATE_FOLDER, dir_fd=at)


def read(name: str, *, at: int, limit: int, where: Path) -> bytes:
    """Return the whole content of a regular file.

    Args:
        name: Its name in the folder.
        at: The folder's descriptor.
        limit: The most bytes that it may have.
        where: The folder's path, for the error.

    Raises:
        StoreError: It is no regular file, or larger than the limit.
        OSError: It cannot be opened; a symlink gives ELOOP.
    """
    try:
        return _files.read(name, most=limit, at=at, follow=False)
    except _files.IrregularFileError as error:
        raise StoreError(f"{where / name}: this is not a plain file, but {error}; remove it") from None
    except _files.LargeFileError:
        text = f"{where / name}: the file is larger than the {limit} bytes that it may have; remove it"
        raise StoreError(text) from None


def read_if_there(name: str, *, at: int, limit: int, where: Path) -> bytes | None:
    """Return the whole content of a regular file; None where there is no such file."""
    try:
        return read(name, at=at, limit=limit, where=where)
    except FileNotFoundError:
        return None


def is_there(name: str, *, at: int) -> bool:
    """Whether there is anything under that name, a broken symlink included."""
    try:
        os.stat(name, dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def write(name: str, data: bytes, *, at: int) -> None:
    """Create a file with this content and wait until the disk has it; the name must be free."""
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE_FILE, dir_fd=at)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def replace(name: str, data: bytes, *, at: int) -> None:
    """Replace the content of a file: readers, and the disk after a crash, have the whole old or new content."""
    draft = f".{name.lstrip('.')}.draft"
    remove(draft, at=at)
    write(draft, data, at=at)
    os.replace(draft, name, src_dir_fd=at, dst_dir_fd=at)
    os.fsync(at)


def append(name: str, data: bytes, *, at: int, keep: int) -> None:
    """Append to a file after its first `keep` bytes, drop the bytes after them, and wait for the disk.

    A file with a second name, which may be anywhere, is not changed: this name gets a new file.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(name, flags, _PRIVATE_FILE, dir_fd=at)
    try:
        if os.fstat(descriptor).st_nlink > 1:
            replace(name, _files.read(name, most=_MOST_COPIED, at=at, follow=False)[:keep] + data, at=at)
            return
        os.ftruncate(descriptor, keep)
        os.lseek(descriptor, 0, os.SEEK_END)
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(name: str, *, at: int) -> None:
    """Remove the entry with that name, if there is one; a symlink is removed, not followed."""
    try:
        os.unlink(name, dir_fd=at)
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):  # which of the two a folder gives depends on the file system
        shutil.rmtree(name, dir_fd=at)


@contextlib.contextmanager
def locked(name: str, *, at: int, where: Path, attempts: int = _LOCK_ATTEMPTS) -> Iterator[None]:
    """Hold the lock file against other threads and processes; the kernel releases it for a process that dies.

    Args:
        name: Its name in the folder.
        at: The folder's descriptor.
        where: The folder's path, for the error.
        attempts: The number of attempts, one every 10 ms.

    Raises:
        StoreError: Another holder had it all the time.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(name, flags, _PRIVATE_FILE, dir_fd=at)
    try:
        _wait_for_lock(descriptor, where / name, attempts)
        try:
            yield
        finally:
            # Not left to `close`: a child forked meanwhile has the descriptor too, and with it the lock.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, path: Path, attempts: int) -> None:
    pause = threading.Event()
    for _ in range(attempts):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pause.wait(_LOCK_PAUSE_S)
        else:
            return
    raise StoreError(f"{path}: another process holds the lock; find it with `fuser` on the file, wait for it or end it")
