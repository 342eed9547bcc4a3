"""Arrange the files of an image, in an order and a form that do not depend on who builds it. Pure."""

import dataclasses
import posixpath
from collections.abc import Iterable
from pathlib import Path

PLAIN, EXECUTABLE, STICKY = 0o644, 0o755, 0o1777


@dataclasses.dataclass(frozen=True, slots=True)
class ImageFolder:
    """A folder; `path` is absolute and in normal form, here and below."""

    path: str
    mode: int = EXECUTABLE


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """A file with the content of one of the host's, or with its own.

    Modes are ours: none of the host's bits, setuid least of all, is copied.
    """

    path: str
    content: Path | bytes
    mode: int = PLAIN


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    path: str
    target: str


@dataclasses.dataclass(frozen=True, slots=True)
class CompiledFile:
    """The compiled form of one of the host's source files.

    Attributes:
        path: Its path in the image.
        source: The source on the host.
        shown: The name of the source in the image, which tracebacks show.
    """

    path: str
    source: Path
    shown: str


Entry = ImageFolder | File | Link | CompiledFile


def arrange(entries: Iterable[Entry]) -> list[Entry]:
    """Return every entry once, the first of two with one path, with their parent folders, in the order of paths.

    Raises:
        ValueError: A path is not absolute or not in normal form, or its parent is no folder.
    """
    found: dict[str, Entry] = {}
    for entry in entries:
        path = entry.path  # that normpath leaves two slashes at the start as they are is POSIX
        if not path.startswith("/") or path.startswith("//") or path == "/" or posixpath.normpath(path) != path:
            raise ValueError(f"{path!r} is no path of an image")
        found.setdefault(path, entry)
    for path in list(found):
        above = posixpath.dirname(path)
        while above != "/":
            if not isinstance(found.setdefault(above, ImageFolder(above)), ImageFolder):
                raise ValueError(f"{path!r} lies in what is no folder")  # noqa: TRY004 - the value is wrong, not a caller's type
            above = posixpath.dirname(above)
    return [found[path] for path in sorted(found)]


def compiled_beside(entry: File, version_tag: str) -> CompiledFile | None:
    """Return the compiled form that the interpreter looks for; None for what is no source.

    Args:
        entry: A file of the image.
        version_tag: The interpreter's cache tag, such as `cpython-311`.
    """
    folder, name = posixpath.split(entry.path)
    if not name.endswith(".py") or not isinstance(entry.content, Path):
        return None
    return CompiledFile(f"{folder}/__pycache__/{name[:-3]}.{version_tag}.pyc", entry.content, entry.path)
