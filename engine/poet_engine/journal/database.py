"""The SQLite file behind the journal: its schema, its migrations, and the meaning of SQLite's errors for the user.

All use of SQLite in a process goes through one lock and one connection. That is what makes a fork safe: SQLite keeps
its locks in the process's memory, a child inherits that memory but not the kernel's locks, and from then on either
side may damage the file. So the connection is closed before each fork, and opened again after it at the next use.
"""

import contextlib
import errno
import functools
import itertools
import os
import sqlite3
import stat
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from poet_engine import _files
from poet_engine.errors import ClosedError, PoetError

Row: TypeAlias = tuple[str, str, str, str | None, float, str]  # id, type, function, execution_id, timestamp, body

_BUSY_S = 2.0  # how long SQLite waits for another process's transaction
_FORK_S = 1.0  # how long a fork waits for a transaction of this process
_OPEN_ATTEMPTS = 100  # the switch to WAL ignores the busy timeout; see `_patiently`
_OPEN_PAUSE_S = 0.02
_PAGE_BYTES = 4096
_PROJECT_FOLDER = ".poet"
_FOLDER = (os.O_PATH if sys.platform == "linux" else os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_BESIDE = ("-wal", "-shm", "-journal")  # what SQLite makes beside the file
_SUPER = bytes.fromhex("d9d505f920a163d7")  # the end of a rollback journal that names a super-journal
_ROW_BYTES = 2_000_000  # an event has at most 1 MB; a foreign file's larger row is not read into memory
_APPLICATION_ID = 0x504F4554  # "POET"; tells our files from other programs' databases

# Position i migrates schema i to schema i + 1. A migration that has shipped is never edited; new ones are added.
_MIGRATIONS: Sequence[Sequence[str]] = (
    (
        "CREATE TABLE schema_version (version INTEGER NOT NULL)",
        "INSERT INTO schema_version VALUES (0)",
        # AUTOINCREMENT: a position is never used twice, so that a reader may remember its last position.
        (
            "CREATE TABLE event (position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, "
            "type TEXT NOT NULL, function TEXT NOT NULL, execution_id TEXT, timestamp REAL NOT NULL, "
            "body TEXT NOT NULL)"
        ),
        "CREATE INDEX event_by_function ON event (function)",
        "CREATE INDEX event_by_execution ON event (execution_id)",
        "CREATE INDEX event_by_time ON event (timestamp)",
    ),
    # Events of breakers, and the fields that explain a call: older programs would skip such rows silently,
    # so they are told to upgrade instead. Breakers are searched by their type within the time of a call.
    ("CREATE INDEX event_by_type ON event (type, timestamp)",),
    # Recorded calls. The tables stay as they are; the number alone keeps older programs from skipping such rows.
    (),
)

_INSERT = "INSERT INTO event (id, type, function, execution_id, timestamp, body) VALUES "
_ROW = "(?, ?, ?, ?, ?, ?)"
_KNOWN = " ON CONFLICT (id) DO NOTHING"
_CHUNK = 64  # rows in one statement; one statement of each size is kept ready

# SQLite's name of the error, or the prefix of its variants → its meaning and the remedy.
_MEANINGS: Mapping[str, str] = {
    "SQLITE_FULL": "the disk is full, or the journal has reached its largest size; make room or archive the file",
    "SQLITE_READONLY": "the file or its folder cannot be written; change its permissions or choose another path",
    "SQLITE_CORRUPT": "the file is damaged; move it away, a new one is made at the next start",
    "SQLITE_NOTADB": "the file is not a database; choose another path or move the file away",
    "SQLITE_BUSY": "another process holds the file too long; find it with `fuser` on the file and end it",
    "SQLITE_CANTOPEN": "the file cannot be opened; check the permissions of the folder and the limit on open files",
    "SQLITE_TOOBIG": "the file holds a row larger than any event; move it away, a new one is made at the next start",
    "SQLITE_IOERR": "the disk failed to read or write; check the disk, and whether the file may grow",
}


class JournalError(PoetError):
    """Raised when the journal cannot be opened, read or written; names the file, the problem and the remedy."""


class Database:
    """One connection to the journal's file, opened at its first use.

    Args:
        path: The file; created (mode 0600) with its folder (0700).
        max_bytes: The largest size of the file.
    """

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self._path = path
        self._max_pages = max(max_bytes // _PAGE_BYTES, 1)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._inode = (0, 0)
        self._synced = False
        self._lost_in_fork = False
        self._held_for_fork_by = 0  # the thread that forks

    def __repr__(self) -> str:
        return f"Database({str(self._path)!r}, {'open' if self._connection is not None else 'closed'})"

    def prepare(self) -> None:
        """Create the file and migrate its schema, unless that is done.

        Raises:
            JournalError: The file cannot be used.
        """
        with self._use():
            pass

    def insert(self, rows: Sequence[Row], *, synced: bool) -> int:
        """Commit the rows in one transaction; a row whose id is in the file already is skipped.

        Args:
            rows: The rows to add.
            synced: Whether the commit must outlive a power failure, not only the end of this process.

        Returns:
            The number of rows that were new.

        Raises:
            JournalError: Nothing was stored.
        """
        with self._use() as connection:
            if synced != self._synced:
                # In WAL mode NORMAL leaves the commit to the kernel's cache, which a SIGKILL cannot take away.
                connection.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
                self._synced = synced
            new = _insert_all(connection, rows)
            # After the commit, not before: it gives up the interpreter lock, and a busy host takes 5 ms to return it.
            if _inode(self._path) != self._inode:
                raise JournalError(f"the journal {self._path} was removed while it was open; a new one is made")
            return new

    def select(self, where: Mapping[str, str | float], *, limit: int) -> list[bytes]:
        """Return the bodies of events, the newest first.

        Args:
            where: Condition, such as `type = ?` or `timestamp >= ?` → its value; all must hold.
            limit: The largest number of events.

        Raises:
            JournalError: The file cannot be read.
        """
        conditions = " AND ".join(where) or "1"
        # As bytes: somebody may have edited the file, and a row that is no UTF-8 must not spoil the others.
        query = f"SELECT CAST(body AS BLOB) FROM event WHERE {conditions}"  # noqa: S608 - the conditions are the journal's own texts
        with self._use() as connection:
            cursor = connection.execute(f"{query} ORDER BY position DESC LIMIT ?", (*where.values(), limit))
            return [bytes(body) for (body,) in cursor if isinstance(body, bytes)]

    def count(self) -> int:
        """Return the number of events in the file.

        Raises:
            JournalError: The file cannot be read.
        """
        with self._use() as connection:
            return int(connection.execute("SELECT count(*) FROM event").fetchone()[0])

    def close(self) -> None:
        """Close the connection; the next use opens a new one."""
        with self._lock:
            self._disconnect()

    def before_fork(self) -> None:
        """Close the connection, so that the child inherits none of SQLite's locks."""
        if self._lock.acquire(timeout=_FORK_S):
            self._held_for_fork_by = threading.get_ident()
            self._disconnect()

    def after_fork_in_parent(self) -> None:
        """Release the lock that `before_fork` took."""
        # Two threads may fork at once: only the one that got the lock releases it.
        if self._held_for_fork_by == threading.get_ident():
            self._held_for_fork_by = 0
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Reset the lock; if the parent could not close the connection in time, never use the file here."""
        if self._held_for_fork_by != threading.get_ident():
            self._lost_in_fork = True
        self._held_for_fork_by = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def _use(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._lost_in_fork:
                raise ClosedError(
                    f"the journal {self._path} was busy when this process was forked and cannot be used from it;"
                    " open a journal of its own after the fork"
                )
            try:
                yield self._connected()
            except (sqlite3.Error, OSError, ValueError) as error:
                self._disconnect()  # whatever it was, the next use starts from the file as it is then
                raise _explained(error, self._path) from error
            except JournalError:
                self._disconnect()
                raise

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        self._inode = _make_file(self._path)
        connection = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        self._connection = connection
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _ROW_BYTES)
        connection.execute("PRAGMA trusted_schema = OFF")
        _patiently(connection, self._path)
        if _make_file(self._path) != self._inode:  # SQLite opens by path, so the file is checked again
            raise JournalError(f"the journal {self._path} was changed while it was opened; open it again")
        connection.execute(f"PRAGMA max_page_count = {self._max_pages}")
        connection.execute("PRAGMA synchronous = NORMAL")
        self._synced = False
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):  # committed rows are safe, and there is nothing else to lose
                connection.close()


def _insert_all(connection: sqlite3.Connection, rows: Sequence[Row]) -> int:
    # Few statements, each for many rows: every statement gives up the interpreter lock, and where the host's own
    # threads are busy it takes 5 ms to get it back (`executemany` gives it up for every row).
    if len(rows) <= _CHUNK:
        return _insert_some(connection, rows)  # one statement is a transaction of its own
    with _transaction(connection):
        return sum(_insert_some(connection, rows[i : i + _CHUNK]) for i in range(0, len(rows), _CHUNK))


def _insert_some(connection: sqlite3.Connection, rows: Sequence[Row]) -> int:
    statement = f"{_INSERT}{', '.join([_ROW] * len(rows))}{_KNOWN}"
    return connection.execute(statement, tuple(itertools.chain.from_iterable(rows))).rowcount


def _make_file(path: Path) -> tuple[int, int]:
    """Create the file and its folders where they are missing, refuse links and foreign files; return its identity.

    A `.poet` folder may come with a cloned project: no symbolic link in it is followed. Above it,
    and on the path to a journal that the user has named, links are the user's own.
    """
    parts = path.parent.parts
    steps = parts.index(_PROJECT_FOLDER) if _PROJECT_FOLDER in parts else len(parts)
    above = Path(*parts[:steps])
    above.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.ExitStack() as closing:
        here = os.open(above, _FOLDER)
        closing.callback(os.close, here)
        for step in parts[steps:]:
            above /= step
            here = _open_folder(step, here, above)
            closing.callback(os.close, here)
        for beside in _BESIDE:
            _refuse_beside(f"{path.name}{beside}", here, path)
        return _make_at(path, here)


def _open_folder(name: str, at: int, path: Path) -> int:
    """Open one folder, created if it is missing; never follow a link."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=at)
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=at)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        raise JournalError(
            f"the journal's folder {path} is a symbolic link or no folder, and links in {_PROJECT_FOLDER} are not "
            "followed; remove it, or name another journal"
        ) from None


def _refuse_beside(name: str, folder: int, path: Path) -> None:
    """Refuse a file beside the journal that would make SQLite write or remove a file elsewhere.

    A rollback journal can name a `super-journal`, which SQLite removes when it is done, wherever it is. Ours never do.
    """
    with contextlib.suppress(FileNotFoundError):
        _refuse_elsewhere(os.stat(name, dir_fd=folder, follow_symlinks=False), path.with_name(name))
        if name.endswith("-journal"):
            with _files.open_regular(name, at=folder, follow=False) as file:
                file.seek(-min(len(_SUPER), os.fstat(file.fileno()).st_size), os.SEEK_END)
                if file.read(len(_SUPER)) == _SUPER:
                    raise JournalError(
                        f"{path.with_name(name)} names files elsewhere, which ours never does; remove it"
                    )


def _refuse_elsewhere(found: os.stat_result, path: Path) -> None:
    # Looked at by name and never opened: closing any descriptor of the file drops SQLite's locks on it (POSIX).
    if not stat.S_ISREG(found.st_mode):
        raise JournalError(f"the journal {path} is not a plain file; choose another path or remove what is there")
    if found.st_nlink > 1:
        raise JournalError(
            f"the journal {path} has a second name (a hard link), so that whatever is kept there would change too; "
            "move it away, a new one is made at the next start"
        )


def _make_at(path: Path, folder: int) -> tuple[int, int]:
    try:
        found = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):  # another process was faster
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
            os.close(os.open(path.name, flags, 0o600, dir_fd=folder))
        found = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
    _refuse_elsewhere(found, path)
    return found.st_dev, found.st_ino


def _patiently(connection: sqlite3.Connection, path: Path) -> None:
    """Switch to WAL and migrate, with retries: the switch fails with `busy` while another process does the same."""
    pause = threading.Event()
    for attempt in range(_OPEN_ATTEMPTS):
        try:
            if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                raise JournalError(
                    f"the journal {path} is on a file system without shared memory; choose a path on a local disk"
                )
            with _transaction(connection):
                _migrate(connection, path)
        except sqlite3.OperationalError as error:
            if "BUSY" not in error.sqlite_errorname or attempt == _OPEN_ATTEMPTS - 1:
                raise
            pause.wait(_OPEN_PAUSE_S)
        else:
            return


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    shape = _shape(connection)
    if not shape:
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    elif connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
        raise JournalError(f"the journal {path} is another program's database; choose another path")
    version = int(connection.execute("SELECT max(version) FROM schema_version").fetchone()[0] or 0) if shape else 0
    if version > len(_MIGRATIONS):
        raise JournalError(
            f"the journal {path} has schema {version} and this version of poet-engine knows {len(_MIGRATIONS)};"
            " upgrade poet-engine or choose another path"
        )
    for steps in _MIGRATIONS[version:]:
        for step in steps:
            connection.execute(step)
    if version < len(_MIGRATIONS):
        connection.execute("UPDATE schema_version SET version = ?", (len(_MIGRATIONS),))
    # A trigger or view that came with a foreign file would run inside our transactions.
    if _shape(connection) != _expected_shape():
        raise JournalError(f"the journal {path} has a schema that is not ours; move it away, a new one is made")


def _shape(connection: sqlite3.Connection) -> frozenset[tuple[str, str, str | None]]:
    # Without SQLite's own tables: any tool may have added statistics.
    return frozenset(connection.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT GLOB 'sqlite_*'"))


@functools.cache
def _expected_shape() -> frozenset[tuple[str, str, str | None]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for steps in _MIGRATIONS:
            for step in steps:
                connection.execute(step)
        return _shape(connection)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")  # asks for the write lock now, where waiting for it is still possible
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # some errors have rolled back already
            connection.execute("ROLLBACK")
        raise


def _inode(path: Path) -> tuple[int, int]:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return (0, 0)
    return found.st_dev, found.st_ino


def _explained(error: Exception, path: Path) -> JournalError:
    name = getattr(error, "sqlite_errorname", "")
    meaning = next((text for prefix, text in _MEANINGS.items() if name.startswith(prefix)), None)
    if meaning is None:
        return JournalError(f"the journal {path} cannot be used: {error}; check the path and its permissions")
    return JournalError(f"the journal {path} cannot be used ({error}): {meaning}")
