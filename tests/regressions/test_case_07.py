"""File locks: within one call they are granted, and what stores data in files works."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.regressions.conftest import OpenEngine

    from poet_engine.outcome import Outcome

_SQLITE = """
import os, sqlite3
for mode in ("delete", "wal", "truncate"):
    db = sqlite3.connect(f"{mode}.db", timeout=1)
    print(db.execute(f"pragma journal_mode={mode}").fetchone())
    with db:
        db.execute("create table note(text)")
        db.executemany("insert into note values(?)", [("hi",), ("ho",)])
    other = sqlite3.connect(f"{mode}.db", timeout=0)
    print(other.execute("select * from note").fetchall())
    db.execute("begin immediate")
    db.execute("delete from note")
    try:
        other.execute("begin immediate")
    except sqlite3.OperationalError as error:
        print(error)
    db.rollback()
    print(other.execute("select count(*) from note").fetchone(), other.execute("pragma integrity_check").fetchall())
    db.close(), other.close()
    os.remove(f"{mode}.db")
"""
_CRASHED = """
import os, shutil, sqlite3
db = sqlite3.connect("a.db", isolation_level=None)
db.execute("create table note(text)")
db.execute("insert into note values('kept')")
db.execute("pragma cache_size=1")
db.execute("begin")
db.executemany("insert into note values(?)", [("x" * 4000,)] * 50)
shutil.copy("a.db", "b.db"), shutil.copy("a.db-journal", "b.db-journal")
db.rollback()
copy = sqlite3.connect("b.db")
print(copy.execute("select * from note").fetchall(), os.path.exists("b.db-journal"))
db.close(), copy.close()
for name in ("a.db", "b.db"):
    os.remove(name)
"""
_LOCKS = """
import fcntl, os
with open("lock", "w") as file:
    for deed in (fcntl.flock, fcntl.lockf):
        deed(file, fcntl.LOCK_EX)
        deed(file, fcntl.LOCK_UN)
    os.lockf(file.fileno(), os.F_TLOCK, 1)
    os.lockf(file.fileno(), os.F_TEST, 1)
    os.lockf(file.fileno(), os.F_ULOCK, 1)
    print("locked")
"""
_TABLE = """
import sqlite3
import pandas as pd
with sqlite3.connect("t.db") as db:
    pd.DataFrame({"a": [1, 2], "b": ["x", None]}).to_sql("t", db, index=False)
    print(pd.read_sql("select * from t where a = 2", db).to_dict())
db.close()
import os
os.remove("t.db")
"""
_BETWEEN_PROCESSES = """
import fcntl, os
mine = open("/tmp/lock", "w")
fcntl.flock(mine, fcntl.LOCK_EX)
def f():
    pid = os.fork()
    if not pid:
        try:
            fcntl.flock(open("/tmp/lock"), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os._exit(7)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


@pytest.mark.parametrize("preset", ["restricted", "lab"])
@pytest.mark.parametrize("source", [_SQLITE, _CRASHED, _LOCKS], ids=["sqlite", "crashed", "locks"])
def test_files_are_locked_as_in_cpython(
    same_as_cpython: "Callable[[str, str, str], Outcome]", source: str, preset: str
) -> None:
    assert same_as_cpython(source, "", preset).status == "ok"


def test_a_table_is_written_to_a_database_file(same_as_cpython: "Callable[[str, str, str], Outcome]") -> None:
    pytest.importorskip("pandas")
    assert same_as_cpython(_TABLE, "", "data").status == "ok"


def test_processes_of_one_call_exclude_each_other(
    open_engine: "OpenEngine", any_code_policy: "Callable[[str, str], str]"
) -> None:
    assert open_engine(any_code_policy("restricted", "processes = 1")).run(_BETWEEN_PROCESSES, "f").value == 7
