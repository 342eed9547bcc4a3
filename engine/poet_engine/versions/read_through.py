"""Versions in a folder that cannot be written: read from there, while changes go to a folder of our own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from poet_engine.errors import PoetError
from poet_engine.versions.files import StoreError
from poet_engine.versions.folder import FunctionFolder, is_version, number
from poet_engine.versions.records import StoredVersion
from poet_engine.versions.store import FunctionStore, VersionStore


class ReadThroughStore(FunctionStore):
    """A function's own, writable folder, and a shipped one behind it that is only read.

    Numbers of new versions continue those of the other folder, so that a name means one version.

    Args:
        own: The folder that can be written.
        shipped: The folder that cannot, such as one beside a module in a container image.
    """

    __slots__ = ("shipped",)

    def __init__(self, own: FunctionStore, shipped: FunctionStore) -> None:
        super().__init__(own.path.parent, own.name, clock=own.clock)
        self.shipped = shipped

    def names(self) -> list[str]:
        """Return the names of the versions of both folders, the oldest first, readable or not."""
        return sorted({*self.shipped.names(), *super().names()}, key=number)

    def version(self, name: str) -> StoredVersion:
        """Return one version of either folder.

        Raises:
            UsageError: The name is no version's, such as `v0` or `../v1`.
            StoreError: There is no such version, or one of its files is damaged; the message names it.
        """
        return super().version(name) if name in super().names() else self.shipped.version(name)

    def current(self) -> StoredVersion | None:
        """Return the version that serves; None where neither folder has one."""
        return next(self.serving(), None)

    def serving(self) -> Iterator[StoredVersion]:
        """Yield the versions that may serve, the preferred first: adopted here, shipped, written by us here."""
        own = super().current()
        if own is not None and own.metadata.origin == "adopted":
            yield own
        shipped = self.shipped.current()
        if shipped is not None:
            yield shipped
        if own is not None and own.metadata.origin != "adopted":
            yield own

    def rollback(self, name: str, *, actor: str, reason: str) -> None:
        """Make an earlier version serve again.

        Raises:
            StoreError: There is no such version, its code was edited, or it is in the folder that cannot be written.
        """
        if name not in super().names() and name in self.shipped.names():
            raise StoreError(
                f"{self.shipped.path / name}: have its code stored with .poet.adopt(code) if it is to serve; this "
                "folder cannot be written, so which of its versions serves is decided where it is made"
            )
        super().rollback(name, actor=actor, reason=reason)

    def make_place(self, name: str) -> None:
        """Create a folder for the state of a shipped version; where that fails, only its state is lost."""
        with contextlib.suppress(PoetError):
            if name not in super().names():
                with self._writing() as folder:
                    folder.make_place(name)

    def _next_name(self, folder: FunctionFolder) -> str:
        shipped = [number(name) for name in self.shipped.names() if is_version(name)]
        return f"v{max([number(super()._next_name(folder)), *(one + 1 for one in shipped)])}"


def read_through(own: FunctionStore, beside: Path, name: str) -> FunctionStore:
    """Return the versions in `own`, with those of the `.poet` folder `beside` behind them where it has any.

    Args:
        own: The folder that can be written.
        beside: The `.poet` folder that cannot.
        name: The name of the function there.
    """
    shipped = VersionStore(beside, clock=own.clock).function(name)
    return ReadThroughStore(own, shipped) if shipped.names() else own


def serving(versions: FunctionStore) -> Iterator[StoredVersion]:
    """Yield the versions that may serve, the preferred first.

    Raises:
        StoreError: `current` is no link to a version beside it, or that version is damaged.
    """
    if isinstance(versions, ReadThroughStore):
        yield from versions.serving()
    elif (current := versions.current()) is not None:
        yield current
