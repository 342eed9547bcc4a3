"""The open folder of one function: read its versions, and change it in single steps."""

import contextlib
import itertools
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from poet_engine.errors import UsageError
from poet_engine.versions import files
from poet_engine.versions.files import StoreError
from poet_engine.versions.records import (
    CODE_BYTES,
    JSON_BYTES,
    StoredVersion,
    digest,
    mapping_bytes,
    read_mapping,
    read_metadata,
)

MAX_VERSIONS = 10
MAX_BYTES = 10_000_000  # all versions of one function

CURRENT, PINS, STATE = "current", "pins.json", "state.json"
_DRAFT, _LINK_DRAFT, _GONE = ".adding", ".current.draft", ".removing"
_VERSION = re.compile(r"v([1-9][0-9]{0,8})", re.ASCII)
_NAME_BYTES = 200  # a file system takes 255
_RESERVED = "events"  # the journal's folder
_FOLDER_ENTRIES = 1000  # of one version: ours has four or five


def is_version(name: str) -> bool:
    """Whether a name has the form of a version's: `v1`, `v2` and so on."""
    return _VERSION.fullmatch(name) is not None


def check_version(name: str) -> None:
    """Refuse a name that is no version's.

    Raises:
        UsageError: It has another form, such as `v0` or `../v1`.
    """
    if not is_version(name):
        raise UsageError(f"{name!r} is not the name of a version; they are called v1, v2, …")


def number(name: str) -> int:
    """Return the number of a version, by which names are sorted."""
    return int(name[1:])


class FunctionFolder:
    """The folder of one function, held by its descriptor; symlinks below it are not followed.

    Args:
        path: Its path, for errors and for opening what is in it.
        descriptor: Open as long as this object is used.
    """

    __slots__ = ("descriptor", "path")

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    def names(self) -> list[str]:
        """Return the names of its versions, the oldest first."""
        with os.scandir(self.descriptor) as found:
            names = [entry.name for entry in found if is_version(entry.name) and entry.is_dir(follow_symlinks=False)]
        return sorted((name for name in names if not self._is_place(name)), key=number)

    def _is_place(self, name: str) -> bool:
        """Whether a folder only holds the state of a version that is stored elsewhere, or no longer exists."""
        try:
            with self._inside(name) as inside:
                there = [files.is_there(one, at=inside) for one in ("metadata.json", STATE, "code.py")]
        except FileNotFoundError:  # another process has pruned it since the folder was listed
            return True
        return there == [False, True, False]

    def make_place(self, name: str) -> None:
        """Create a folder that only holds the state of a version stored elsewhere, unless there is one."""
        files.make_private_folder(name, at=self.descriptor)
        if self.read_state(name) is None:
            self.put_state(name, {})

    def require_place(self, name: str) -> None:
        """Refuse a version that has no folder here.

        Raises:
            StoreError: There is none; the message has the names of those that have one.
        """
        if not (files.is_there(name, at=self.descriptor) and self._is_place(name)):
            self.require(name)

    def require(self, name: str) -> None:
        """Refuse a version that is not there.

        Raises:
            StoreError: There is none; the message has the names of the existing ones.
        """
        names = self.names()
        if name not in names:
            raise StoreError(f"{self.path}: there is no version {name}; there is {', '.join(names) or 'none yet'}")

    def read(self, name: str) -> StoredVersion:
        """Return one version.

        Raises:
            StoreError: One of its files is missing or damaged.
        """
        where = self.path / name
        with self._inside(name) as inside, files.explained(where):
            metadata_raw = files.read("metadata.json", at=inside, limit=JSON_BYTES["metadata.json"], where=where)
            code_raw = files.read("code.py", at=inside, limit=CODE_BYTES, where=where)
            params_raw = files.read("params.json", at=inside, limit=JSON_BYTES["params.json"], where=where)
            state_raw = files.read_if_there(STATE, at=inside, limit=JSON_BYTES[STATE], where=where)
        metadata, recorded = read_metadata(where / "metadata.json", metadata_raw, version=name)
        try:
            code = code_raw.decode()
        except UnicodeDecodeError as error:
            raise StoreError(f"{where / 'code.py'}: {error}; restore the file or remove the version") from error
        return StoredVersion(
            name=name,
            path=where,
            code=code,
            code_digest=digest(code_raw),
            recorded_digest=recorded,
            params=read_mapping(where / "params.json", params_raw),
            metadata=metadata,
            state=None if state_raw is None else read_mapping(where / STATE, state_raw),
        )

    def read_state(self, name: str) -> Mapping[str, object] | None:
        """Return `state.json` of a version; None where there is no such file or version.

        Raises:
            StoreError: The file is damaged.
        """
        where = self.path / name
        try:
            with self._inside(name) as inside:
                data = files.read_if_there(STATE, at=inside, limit=JSON_BYTES[STATE], where=where)
        except FileNotFoundError:
            return None
        return None if data is None else read_mapping(where / STATE, data)

    def state_stamp(self, name: str) -> object:
        """Return a value that changes with each write of `state.json`; None where there is no such file or version."""
        try:
            with self._inside(name) as inside:
                found = os.stat(STATE, dir_fd=inside, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def put_state(self, name: str, content: Mapping[str, object]) -> None:
        """Replace `state.json` of a version."""
        data = mapping_bytes(STATE, content)
        with self._inside(name) as inside:
            files.replace(STATE, data, at=inside)

    def current(self) -> str | None:
        """Return the name of the version that `current` points to; None where there is no link.

        Raises:
            StoreError: It is no link, or points to anything but a version beside it.
        """
        target = self._link()
        while target is not None and target not in self.names():
            # Another process may have promoted a newer version and pruned this one in between.
            before, target = target, self._link()
            if target == before:
                raise StoreError(
                    f"{self.path / CURRENT}: points to {target}, which is not there; promote another version"
                )
        return target

    def current_or_none(self) -> str | None:
        """Return the version that serves; None also for a broken link, which the next promotion replaces."""
        try:
            return self.current()
        except StoreError:
            return None

    def pins(self) -> frozenset[str]:
        """Return the names of the pinned versions.

        Raises:
            StoreError: `pins.json` is damaged.
        """
        data = files.read_if_there(PINS, at=self.descriptor, limit=JSON_BYTES[PINS], where=self.path)
        if data is None:
            return frozenset()
        names = read_mapping(self.path / PINS, data).get("pinned")
        if not isinstance(names, list) or not all(isinstance(name, str) and is_version(name) for name in names):
            raise StoreError(f'{self.path / PINS}: {{"pinned": ["v1", …]}} is expected; restore or remove the file')
        return frozenset(names)

    def set_pins(self, pins: frozenset[str]) -> None:
        """Replace the pinned versions."""
        data = mapping_bytes(PINS, {"pinned": sorted(pins, key=number)})
        files.replace(PINS, data, at=self.descriptor)

    def size(self, name: str) -> int:
        """Return the bytes of a version's files."""
        with self._inside(name) as inside, os.scandir(inside) as found:
            return sum(e.stat(follow_symlinks=False).st_size for e in itertools.islice(found, _FOLDER_ENTRIES))

    def put(self, name: str, content: Mapping[str, bytes]) -> None:
        """Create a version's folder, whole or not at all."""
        os.mkdir(_DRAFT, 0o700, dir_fd=self.descriptor)
        with self._inside(_DRAFT) as draft:
            for file, data in content.items():
                files.write(file, data, at=draft)
            os.fsync(draft)
        os.rename(_DRAFT, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        os.fsync(self.descriptor)

    def take_away(self, name: str) -> None:
        """Remove a version's folder: rename it first, then delete file by file."""
        os.rename(name, _GONE, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        os.fsync(self.descriptor)
        files.remove(_GONE, at=self.descriptor)

    def point_to(self, name: str) -> None:
        """Make `current` point to that version."""
        os.symlink(name, _LINK_DRAFT, dir_fd=self.descriptor)
        os.replace(_LINK_DRAFT, CURRENT, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        os.fsync(self.descriptor)

    def clear_leftovers(self) -> None:
        """Remove the leftovers of a process that died during a change."""
        for leftover in (_DRAFT, _LINK_DRAFT, _GONE):
            files.remove(leftover, at=self.descriptor)

    def make_inbox(self) -> None:
        """Create the folders of the feedback inbox."""
        files.make_private_folder("feedback", at=self.descriptor)
        with self._inside("feedback") as feedback:
            files.make_private_folder("pending", at=feedback)
            files.make_private_folder("processed", at=feedback)

    def put_feedback(self, name: str, data: bytes) -> None:
        """Write a file into the feedback inbox, whole or not at all."""
        with self._inside("feedback") as feedback, files.folder_at("pending", at=feedback) as pending:
            files.replace(name, data, at=pending)

    def _link(self) -> str | None:
        try:
            target = os.readlink(CURRENT, dir_fd=self.descriptor)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self.path / CURRENT}: this is not a symbolic link; remove it") from error
        if not is_version(target):
            raise StoreError(
                f"{self.path / CURRENT}: points to {target!r}, not to a version beside it; promote a version"
            )
        return target

    @contextlib.contextmanager
    def _inside(self, name: str) -> Iterator[int]:
        with files.folder_at(name, at=self.descriptor) as inside:
            yield inside


def make_room(folder: FunctionFolder, size: int) -> list[str]:
    """Return the versions that have to be removed before one of that size is added."""
    names = folder.names()
    keep = folder.pins() | {folder.current_or_none()}
    surplus = max(len(names) + 1 - MAX_VERSIONS, 0)
    going = [name for name in names if name not in keep][:surplus]
    if len(going) < surplus:
        raise StoreError(
            f"{folder.path}: all {len(names)} versions are pinned or current and {MAX_VERSIONS} may be kept;"
            " unpin or remove one"
        )
    used = sum(folder.size(name) for name in names if name not in going)
    if used + size > MAX_BYTES:
        raise StoreError(
            f"{folder.path}: the versions have {used} bytes, the new one {size}, and a function may have {MAX_BYTES};"
            " remove old versions or store less state"
        )
    return going


def name_problem(name: str) -> str | None:
    """Return why a text cannot be the name of a function in the store; None where it can."""
    if not all(part.isidentifier() for part in name.split(".")):
        return "it must be identifiers joined by dots, such as detect_drift or Cart.total"
    if name == _RESERVED:
        return f"the folder {_RESERVED} belongs to the journal; use the qualified name, such as module.{_RESERVED}"
    if len(name.encode()) > _NAME_BYTES:
        return f"it has more than {_NAME_BYTES} bytes"
    # Python itself reads `ﬁ` and `fi` as one name; two folders for one function would be one too many.
    return None if unicodedata.is_normalized("NFKC", name) else "it must be in Unicode's NFKC form"
