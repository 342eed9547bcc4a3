"""Collect files from a folder that hostile code has filled: the host walks it from outside.

Nothing is looked up by a path: each step opens one name below an open folder and follows no link. A file counts for
what the open descriptor says it is and for the bytes that were read. The walk has its own stack, so that depth costs no
recursion, and every number in it is capped.
"""

import dataclasses
import errno
import fnmatch
import itertools
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence

from . import names

MOST_FILES = 4096
_MOST_ENTRIES = 100_000  # names looked at, in all folders
_MOST_SKIPPED = 100  # reported one by one
_PIECE = 1 << 18  # bytes of a file that are held at once
# without O_NONBLOCK a FIFO would keep the host waiting before it is seen to be one
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_ANY_DEPTH = "**"

# The parts of a pattern that are still to be matched below some folder: one for each level.
Rest = tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class CollectedFiles:
    """Files that were collected, and those that were not.

    Attributes:
        files: Content by relative name.
        skipped: Reason by relative name, for everything that was wanted and is not among the files.
    """

    files: dict[str, bytes]
    skipped: dict[str, str]


def rests(patterns: Sequence[str]) -> frozenset[Rest]:
    """Split patterns into the parts that are to be matched from the top folder on."""
    return _closed(tuple(pattern.split("/")) for pattern in patterns)


def below(left: frozenset[Rest], name: str) -> frozenset[Rest]:
    """Return what is left of the patterns below an entry `name`; an empty rest says that the entry itself is wanted.

    `*`, `?` and `[...]` match within one level, `**` any number of levels.
    """
    return _closed(
        rest if rest[0] == _ANY_DEPTH else rest[1:]
        for rest in left
        if rest and (rest[0] == _ANY_DEPTH or fnmatch.fnmatchcase(name, rest[0]))
    )


def _closed(found: Iterable[Rest]) -> frozenset[Rest]:
    """Add the rests that are left when `**` stands for no level at all."""
    closed: set[Rest] = set()
    for rest in found:
        closed.add(rest)
        while rest and rest[0] == _ANY_DEPTH:
            rest = rest[1:]  # noqa: PLW2901 - each shorter one is another rest
            closed.add(rest)
    return frozenset(closed)


def collect_files(root: int, patterns: Sequence[str], most_bytes: int) -> CollectedFiles:
    """Collect the files below an open folder that match. Nobody should write there any more, but nothing relies on it.

    Args:
        root: A descriptor of the folder, `O_PATH` or better; it stays open.
        patterns: Relative names and patterns, as `names.why_odd` allows them.
        most_bytes: Bytes that are read in all.
    """
    found: dict[str, bytearray] = {}
    walk = _walk(root, patterns, most_bytes, lambda path, piece: found.setdefault(path, bytearray()).extend(piece))
    # one after the other, so that no more than one of them is there twice
    return CollectedFiles({path: bytes(found.pop(path)) for path in walk.files}, walk.reasons())


def harvest_own(
    root: int, patterns: Sequence[str], most_bytes: int, take: Callable[[str, bytes], None]
) -> dict[str, str]:
    """Collect the matching files as the user who owns them, piece by piece; return what was skipped, and why.

    No more than one piece is held. Nobody may be left who could write there: what the code made unreadable is made
    readable.

    Args:
        root: As for `collect_files`.
        patterns: As for `collect_files`.
        most_bytes: As for `collect_files`.
        take: Gets each file piece by piece, an empty one as an empty piece.
    """
    return _walk(root, patterns, most_bytes, take, own=True).reasons()


def _walk(
    root: int, patterns: Sequence[str], most_bytes: int, take: Callable[[str, bytes], None], *, own: bool = False
) -> "_Walk":
    literal = frozenset(name for name in patterns if not set(name) & set("*?["))
    walk = _Walk(os.fstat(root).st_dev, literal, most_bytes, take, own=own)
    walk.run(root, rests(patterns))
    for name in sorted(literal - walk.files - walk.skipped.keys()):
        walk.skip(name, "no such file was found")
    return walk


@dataclasses.dataclass(frozen=True, slots=True)
class _OpenFolder:
    """A folder that the walk has entered."""

    fd: int
    prefix: str
    entries: Iterator[str]
    left: frozenset[Rest]


class _Walk:
    """One walk through a folder, with what it found."""

    def __init__(
        self, device: int, literal: frozenset[str], most_bytes: int, take: Callable[[str, bytes], None], *, own: bool
    ) -> None:
        self._device, self._literal, self._left, self._own = device, literal, most_bytes, own
        self._take_piece = take
        self._entries = _MOST_ENTRIES
        self._open: list[_OpenFolder] = []
        self._unreported = 0
        self.files: set[str] = set()  # those that were taken whole
        self.skipped: dict[str, str] = {}

    def skip(self, path: str, why: str) -> None:
        """Record why a wanted file is missing; the first reasons are kept, the rest counted."""
        if len(self.skipped) < _MOST_SKIPPED:
            self.skipped.setdefault(names.visible(path), why)
        else:
            self._unreported += 1

    def reasons(self) -> dict[str, str]:
        """Return the recorded reasons, with the count of the rest."""
        return {**self.skipped, "...": f"{self._unreported:,} more were skipped"} if self._unreported else self.skipped

    def run(self, root: int, left: frozenset[Rest]) -> None:
        """Walk the tree, depth first, with one descriptor a level."""
        try:
            self._take(root, ".", ".", left)
            while self._open:
                folder = self._open[-1]
                name = next(folder.entries, None)
                if name is None:
                    os.close(self._open.pop().fd)
                elif wanted := below(folder.left, name):
                    self._look(folder, name, wanted)
        finally:
            for folder in self._open:
                os.close(folder.fd)

    def _look(self, folder: _OpenFolder, name: str, left: frozenset[Rest]) -> None:
        path = folder.prefix + name
        why = names.why_odd(path)
        if why is None:
            self._take(folder.fd, name, path, left)
        else:
            self.skip(path, why)

    def _take(self, parent: int, name: str, path: str, left: frozenset[Rest]) -> None:
        """Open one entry, and read it or descend into it, by what the open descriptor says it is."""
        try:
            fd = self._open_entry(parent, name)
        except OSError as error:
            if () in left or error.errno != errno.ENXIO:  # a socket is no folder in which anything could be wanted
                self.skip(path, _cannot(error))
            return
        try:
            if self._enters(fd, path, left):
                fd = -1
        except OSError as error:
            self.skip(path, _cannot(error))
        finally:
            if fd >= 0:
                os.close(fd)

    def _open_entry(self, parent: int, name: str) -> int:
        try:
            return os.open(name, _OPEN, dir_fd=parent)
        except PermissionError:
            # changing the mode follows links, and nobody is left who could make it one
            if not self._own or stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                raise
            os.chmod(name, 0o700, dir_fd=parent)
            return os.open(name, _OPEN, dir_fd=parent)

    def _enters(self, fd: int, path: str, left: frozenset[Rest]) -> bool:
        """Read a file, or open a folder; return whether its descriptor is kept."""
        found = os.fstat(fd)
        if found.st_dev != self._device:
            self.skip(path, "it lies on another file system")
        elif stat.S_ISDIR(found.st_mode):
            return self._begin(fd, path, left)
        elif () in left:
            self._keep(fd, path, found)
        return False

    def _begin(self, fd: int, path: str, left: frozenset[Rest]) -> bool:
        if path in self._literal:
            self.skip(path, "it is a folder; name the files in it, or use a pattern such as folder/*")
        if left <= {()}:
            return False
        with os.scandir(fd) as listing:
            entries = sorted(entry.name for entry in itertools.islice(listing, self._entries + 1))
        if len(entries) > self._entries:
            self.skip(path, f"there are more than {_MOST_ENTRIES:,} names; the rest was not looked at")
            entries.pop()
        self._entries -= len(entries)
        prefix = "" if not self._open else f"{path}/"
        self._open.append(_OpenFolder(fd, prefix, iter(entries), left))
        return True

    def _keep(self, fd: int, path: str, found: os.stat_result) -> None:
        why = self._why_not(found)
        size = 0 if why else self._read(fd, path)
        if size > self._left:
            why = self._too_large(f"more than {self._left:,}")
        if why is not None:
            self.skip(path, why)
            return
        self._left -= size
        self.files.add(path)

    def _read(self, fd: int, path: str) -> int:
        """Read a file; return its bytes, at most one more than is left, whatever size it claimed."""
        size = 0
        while piece := os.read(fd, min(_PIECE, self._left + 1 - size)):
            size += len(piece)
            if size > self._left:
                break
            self._take_piece(path, piece)
        if not size:
            self._take_piece(path, b"")
        return size

    def _why_not(self, found: os.stat_result) -> str | None:
        if not stat.S_ISREG(found.st_mode):
            return "it is no regular file"
        if found.st_nlink > 1:
            return "it has further names (hard links)"
        if found.st_size > self._left:
            return self._too_large(f"{found.st_size:,}")
        if len(self.files) >= MOST_FILES:
            return f"there are {MOST_FILES:,} files already"
        return None

    def _too_large(self, size: str) -> str:
        return f"it has {size} bytes, and {self._left:,} are left of what may be brought back"


def _cannot(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "it is a symbolic link"
    if error.errno == errno.ENXIO:
        return "it is no regular file"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "it may not be read by whoever runs the engine; leave it readable for others"
    return f"it cannot be opened: {os.strerror(error.errno or 0)}"
