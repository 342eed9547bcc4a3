"""Store of functions' versions: each is added as a whole and promoted in one step, never half-written.

A version is written into a draft folder, synced to the disk and then renamed; `current` is a symlink that is replaced
by a rename. A crash at any point leaves the old or the new state. Leftovers (a draft, a version without its line in the
audit trail) are repaired at the start of the next write, under the function's lock.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from poet_engine.errors import UsageError
from poet_engine.versions import audit, files
from poet_engine.versions.files import StoreError
from poet_engine.versions.folder import (
    MAX_VERSIONS,
    FunctionFolder,
    check_version,
    is_version,
    make_room,
    name_problem,
    number,
)
from poet_engine.versions.records import Metadata, StoredVersion, code_bytes, digest, mapping_bytes, metadata_bytes

StateChange = Callable[[Mapping[str, object]], Mapping[str, object] | None]

_LOCK = ".lock"

_GITIGNORE = """\
# Written by poet-engine. Versions can be committed and reviewed; what belongs to one machine stays there.
/events/
/*/feedback/
/*/audit*.jsonl
/*/*/state.json
/*/.*
/*/*/.*
/.*.draft
"""


class VersionStore:
    """A `.poet` folder. It is created by the first write.

    Args:
        root: The folder, such as the one that `locate` names.
        clock: Seconds since the Unix epoch; used for the dates of the audit trail only.
    """

    __slots__ = ("_clock", "root")

    def __init__(self, root: Path, *, clock: Callable[[], float]) -> None:
        self.root = Path(root)
        self._clock = clock

    def __repr__(self) -> str:
        return f"VersionStore({str(self.root)!r})"

    def function(self, name: str) -> "FunctionStore":
        """Return the versions of one function, whether there are any or not.

        Args:
            name: Identifiers joined by dots, such as `detect_drift` or `shop.Cart.total`.

        Raises:
            UsageError: The name has another form.
        """
        problem = name_problem(name)
        if problem is not None:
            raise UsageError(f"{name!r} cannot be the name of a function in the store: {problem}")
        return FunctionStore(self.root, name, clock=self._clock)

    def functions(self) -> list[str]:
        """Return the names of the functions that have a folder here, sorted."""
        with files.explained(self.root):
            try:
                with files.folder(self.root) as here, os.scandir(here) as found:
                    names = [entry.name for entry in found if entry.is_dir(follow_symlinks=False)]
            except FileNotFoundError:
                return []
        return sorted(name for name in names if name_problem(name) is None)


class FunctionStore:
    """The versions of one function; create it by `VersionStore.function`.

    Reading takes no lock: versions do not change, and `current` changes in one step. Writing takes the function's
    lock, so threads and processes may write at once.
    """

    __slots__ = ("_root", "clock", "name", "path")

    def __init__(self, root: Path, name: str, *, clock: Callable[[], float]) -> None:
        self._root = root
        self.clock = clock
        self.name = name
        self.path = root / name

    def __repr__(self) -> str:
        return f"FunctionStore({str(self.path)!r}, {len(self.names())} versions)"

    def names(self) -> list[str]:
        """Return the names of the versions, the oldest first, readable or not."""
        with self._reading() as folder:
            return [] if folder is None else folder.names()

    def versions(self) -> list[StoredVersion]:
        """Return all readable versions, the oldest first; `damaged()` has the others."""
        found = []
        for name in self.names():
            with contextlib.suppress(StoreError):
                found.append(self.version(name))
        return found

    def damaged(self) -> dict[str, str]:
        """Return the names of the versions that cannot be read, with the reasons."""
        found = {}
        for name in self.names():
            try:
                self.version(name)
            except StoreError as error:
                found[name] = str(error)
        return found

    def version(self, name: str) -> StoredVersion:
        """Return one version.

        Raises:
            UsageError: The name is no version's, such as `v0` or `../v1`.
            StoreError: There is no such version, or one of its files is damaged; the message names it.
        """
        check_version(name)
        with self._reading() as folder:
            if folder is None:
                raise StoreError(f"{self.path}: there is no version {name}; there is none yet")
            folder.require(name)
            return folder.read(name)

    def current(self) -> StoredVersion | None:
        """Return the version that serves; None without one.

        Raises:
            StoreError: `current` is no link to a version beside it, or that version is damaged.
        """
        with self._reading() as folder:
            if folder is None:
                return None
            name = folder.current()
            while name is not None:
                try:
                    return folder.read(name)
                except StoreError:
                    # Pruned while it was read, where another one serves now; damaged, where this one still does.
                    before, name = name, folder.current()
                    if name == before:
                        raise
            return None

    def add(
        self,
        *,
        code: str,
        params: Mapping[str, object],
        metadata: Metadata,
        state: Mapping[str, object] | None = None,
        actor: str = "poet",
        reason: str = "",
    ) -> StoredVersion:
        """Store the next version, whole or not at all; it does not serve until it is promoted.

        If there are more than 10 versions then, the oldest that is neither current nor pinned is removed.

        Args:
            code: `code.py`, at most 1 MB.
            params: `params.json`: JSON values with text keys.
            metadata: `metadata.json`.
            state: `state.json`.
            actor: The person or program that adds it, for the audit trail.
            reason: The reason, for the audit trail.

        Raises:
            StoreError: The content has no file form, the function's 10 MB are used up, all 10 versions are pinned or
                current, or the folder cannot be written.
        """
        content = {"code.py": code_bytes(code), "params.json": mapping_bytes("params.json", params)}
        if state is not None:
            content["state.json"] = mapping_bytes("state.json", state)
        code_digest = digest(content["code.py"])
        metadata_bytes(metadata, version="v1", code_digest=code_digest)  # wrong ones are refused before any change
        with self._writing() as folder:
            name = self._next_name(folder)
            content["metadata.json"] = metadata_bytes(metadata, version=name, code_digest=code_digest)
            surplus = make_room(folder, sum(map(len, content.values())))
            folder.put(name, content)
            deed = audit.AuditAction(actor=actor, action="add", version=name, reason=reason, code_digest=code_digest)
            self._record(folder, deed)
            for old in surplus:
                why = f"more than {MAX_VERSIONS} versions"
                self._drop(folder, audit.AuditAction(actor=actor, action="prune", version=old, reason=why))
            return folder.read(name)

    def promote(self, name: str, *, actor: str, reason: str) -> None:
        """Make a version serve.

        Raises:
            StoreError: There is no such version, it is damaged, or its code was edited.
        """
        self._switch(audit.AuditAction(actor=actor, action="promote", version=name, reason=reason))

    def rollback(self, name: str, *, actor: str, reason: str) -> None:
        """Make an earlier version serve again; as `promote`, but the audit trail says `rollback`."""
        self._switch(audit.AuditAction(actor=actor, action="rollback", version=name, reason=reason))

    def pin(self, name: str, *, actor: str, reason: str) -> None:
        """Keep a version from being pruned.

        Raises:
            StoreError: There is no such version.
        """
        with self._changing(name) as folder:
            folder.set_pins(folder.pins() | {name})
            self._record(folder, audit.AuditAction(actor=actor, action="pin", version=name, reason=reason))

    def unpin(self, name: str, *, actor: str, reason: str) -> None:
        """Allow a version to be pruned again.

        Raises:
            StoreError: There is no such version.
        """
        with self._changing(name) as folder:
            folder.set_pins(folder.pins() - {name})
            self._record(folder, audit.AuditAction(actor=actor, action="unpin", version=name, reason=reason))

    def pins(self) -> frozenset[str]:
        """Return the names of the pinned versions."""
        with self._reading() as folder:
            return frozenset() if folder is None else folder.pins()

    def remove(self, name: str, *, actor: str, reason: str) -> None:
        """Remove a version permanently.

        Raises:
            StoreError: There is no such version, or it serves now.
        """
        with self._changing(name) as folder:
            if folder.current_or_none() == name:
                raise StoreError(f"{self.path / name}: this version serves now; promote another one first")
            if name in folder.pins():
                folder.set_pins(folder.pins() - {name})
            self._drop(folder, audit.AuditAction(actor=actor, action="remove", version=name, reason=reason))

    def state(self, name: str) -> Mapping[str, object] | None:
        """Return `state.json` of a version without its other files; None where there is none.

        Raises:
            StoreError: The file is damaged.
        """
        check_version(name)
        with self._reading() as folder:
            return None if folder is None else folder.read_state(name)

    def state_stamp(self, name: str) -> object:
        """Return a value that differs after each write of `state.json`, without reading the file."""
        check_version(name)
        with self._reading() as folder:
            return None if folder is None else folder.state_stamp(name)

    def change_state(
        self, name: str, change: StateChange, *, actor: str = "poet", action: str = "", reason: str = ""
    ) -> None:
        """Replace `state.json` by the result of `change`, whole or not at all, under the function's lock.

        Args:
            name: The version.
            change: Gets the content, empty where there is none; returns the new one, or None for no change.
            actor: The person or program that does it, for the audit trail.
            action: Its name in the audit trail; empty for no line.
            reason: The reason, for the audit trail.

        Raises:
            StoreError: There is no such version, its file is damaged, or the new content has no file form.
        """
        check_version(name)
        with self._writing() as folder:
            folder.require_place(name)
            content = change(folder.read_state(name) or {})
            if content is not None:
                folder.put_state(name, content)
                if action:
                    self._record(folder, audit.AuditAction(actor=actor, action=action, version=name, reason=reason))

    def put_feedback(self, name: str, data: bytes) -> None:
        """Write a file called `name` into `feedback/pending`, whole or not at all.

        Raises:
            StoreError: The folder cannot be written.
        """
        with self._writing() as folder:
            folder.put_feedback(name, data)

    def verify_audit(self) -> audit.AuditReport:
        """Check the chain of `audit.jsonl`, and that no recorded digest was changed together with its code.

        Raises:
            StoreError: The file cannot be read.
        """
        with self._reading() as folder:
            if folder is None:
                return audit.AuditReport(intact=True, entries=0)
            report = audit.verify(folder.descriptor, self.path)
            entries = audit.entries(folder.descriptor, self.path)
        recorded = {entry.version: entry.code_digest for entry in entries if entry.action in {"add", "found"}}
        for version in self.versions() if report.intact else ():
            if recorded.get(version.name, version.recorded_digest) != version.recorded_digest:
                problem = f"{version.name}: metadata.json names another code digest than the audit trail"
                return audit.AuditReport(intact=False, entries=report.entries, problem=problem)
        return report

    @contextlib.contextmanager
    def _reading(self) -> Iterator[FunctionFolder | None]:
        with files.explained(self._root), contextlib.ExitStack() as stack:
            try:
                root = stack.enter_context(files.folder(self._root))
                descriptor = stack.enter_context(files.folder_at(self.name, at=root))
            except FileNotFoundError:
                yield None
            else:
                stack.enter_context(files.explained(self.path))
                yield FunctionFolder(self.path, descriptor)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[FunctionFolder]:
        with files.explained(self._root), contextlib.ExitStack() as stack:
            files.make_private_path(self._root)
            root = stack.enter_context(files.folder(self._root))
            files.make_private_folder(self.name, at=root)
            descriptor = stack.enter_context(files.folder_at(self.name, at=root))
            stack.enter_context(files.explained(self.path))
            stack.enter_context(files.locked(_LOCK, at=descriptor, where=self.path))
            if not files.is_there(".gitignore", at=root):
                files.replace(".gitignore", _GITIGNORE.encode(), at=root)
            folder = FunctionFolder(self.path, descriptor)
            self._recover(folder)
            yield folder

    @contextlib.contextmanager
    def _changing(self, name: str) -> Iterator[FunctionFolder]:
        check_version(name)
        with self._writing() as folder:
            folder.require(name)
            yield folder

    def _recover(self, folder: FunctionFolder) -> None:
        folder.clear_leftovers()
        folder.make_inbox()
        known, serving = audit.told_by(audit.entries(folder.descriptor, self.path))
        for name in folder.names():
            if name not in known:
                with contextlib.suppress(StoreError):  # a damaged one is not recorded; `damaged()` has it
                    recorded = folder.read(name).recorded_digest
                    why = "there without an entry"
                    deed = audit.AuditAction(
                        actor="store", action="found", version=name, reason=why, code_digest=recorded
                    )
                    self._record(folder, deed)
        current = folder.current_or_none()
        if current is not None and current != serving:
            why = "serves without an entry"
            self._record(folder, audit.AuditAction(actor="store", action="found_current", version=current, reason=why))

    def _record(self, folder: FunctionFolder, deed: audit.AuditAction) -> None:
        audit.append(folder.descriptor, self.path, deed, now=self.clock())

    def _next_name(self, folder: FunctionFolder) -> str:
        # A number is not used twice, not even after its version is gone: entries and events name versions by it.
        told = (entry.version for entry in audit.entries(folder.descriptor, self.path) if is_version(entry.version))
        return f"v{max(map(number, (*folder.names(), *told)), default=0) + 1}"

    def _drop(self, folder: FunctionFolder, deed: audit.AuditAction) -> None:
        # The entry comes first: after a crash in between, the version is `found` again, not missing without an entry.
        self._record(folder, deed)
        folder.take_away(deed.version)

    def _switch(self, deed: audit.AuditAction) -> None:
        name = deed.version
        with self._changing(name) as folder:
            if not folder.read(name).intact:
                raise StoreError(
                    f"{self.path / name / 'code.py'}: the code was edited after it was stored and must not run;"
                    " adopt the edit as a new version, or restore the file"
                )
            folder.point_to(name)
            self._record(folder, deed)
