"""Write an image's files as a tar archive, byte for byte the same for the same files."""

import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from poet_engine.errors import ImageError
from poet_engine.images.tree import CompiledFile, Entry, File, ImageFolder, Link

_PIECE = 1 << 20
_BLOCK = 512

Compile = Callable[[CompiledFile], bytes | None]
Told = Callable[[int, int], None]


def archive(entries: Sequence[Entry], compiled: Compile, told: Told) -> Iterator[bytes]:
    """Yield the archive in pieces of about a mebibyte, so that an image never lies in memory.

    Args:
        entries: The files, in the order of the archive.
        compiled: Returns the compiled form of a source; None leaves it out. Called in the order of entries.
        told: Called with entries done and entries in all.

    Raises:
        ImageError: One of the host's files cannot be read.
    """
    waiting = io.BytesIO()
    for number, entry in enumerate(entries, 1):
        content = _content(entry, compiled)
        if content is not None:
            waiting.write(_header(entry, len(content)))
            waiting.write(content)
            waiting.write(bytes(-len(content) % _BLOCK))
        if waiting.tell() >= _PIECE:
            yield waiting.getvalue()
            waiting = io.BytesIO()
            told(number, len(entries))
    waiting.write(bytes(2 * _BLOCK))
    yield waiting.getvalue()
    told(len(entries), len(entries))


def _content(entry: Entry, compiled: Compile) -> bytes | None:
    match entry:
        case File(content=bytes(content)):
            return content
        case File(content=Path() as path):
            return _read(path)
        case CompiledFile():
            return compiled(entry)
        case _:
            return b""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:  # not to be taken for a fault of the engine, to which the archive is being sent
        raise ImageError(
            f"{path} belongs into the image and cannot be read: {error.strerror}; mend that, or build from an image "
            "that has Python: poet images build --base IMAGE"
        ) from error


def _header(entry: Entry, size: int) -> bytes:
    """Return the entry's header; owner, group and time are 0."""
    info = tarfile.TarInfo(entry.path.removeprefix("/"))
    info.uid = info.gid = info.mtime = 0
    match entry:
        case ImageFolder(mode=mode):
            info.type, info.mode = tarfile.DIRTYPE, mode
        case Link(target=target):
            info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, target
        case File(mode=mode):
            info.mode, info.size = mode, size
        case CompiledFile():
            info.mode, info.size = 0o644, size
    return info.tobuf(tarfile.PAX_FORMAT)
