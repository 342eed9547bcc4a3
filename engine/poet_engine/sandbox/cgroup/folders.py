"""Name, sweep and remove the folders of groups, whatever the cgroup version."""

import contextlib
import itertools
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from poet_engine.sandbox import proc

_PREFIX = "poet-"
_numbers = itertools.count(1)  # a process may have several sandboxes, each with a folder of its own


def own_name() -> str:
    """Return a name for the folder of one more sandbox of this process."""
    return owner_name(os.getpid(), next(_numbers))


def owner_name(pid: int, number: int) -> str:
    """Return a folder name that says which process made it, and for which of its sandboxes.

    Pids are used again, start times are not. Both mean something only in one pid namespace: two containers that see the
    same hierarchy would take each other's folders for those of the dead.
    """
    return f"{_PREFIX}{pid}-{proc.start_time(pid)}-{number}-{proc.pid_namespace()}"


def abandoned(name: str, here: int | None = None) -> bool:
    """Return whether a folder of this name was made by a process of this pid namespace that is gone.

    Args:
        name: The folder's name.
        here: The inode of this pid namespace, if it is known already.
    """
    parts = name.removeprefix(_PREFIX).split("-")
    if not name.startswith(_PREFIX) or len(parts) != 4 or not all(map(str.isdecimal, parts)):  # noqa: PLR2004 - as `owner_name` writes them
        return False
    pid, started, _number, namespace = parts
    return namespace == str(here or proc.pid_namespace()) and proc.start_time(int(pid)) != started


def sweep(bases: Iterable[Path]) -> int:
    """Kill and remove what processes that are gone have left below these folders; return how many groups went."""
    found = [path for base in bases for path in _inside(base)]
    here = proc.pid_namespace()
    # a process has a folder of one name in each hierarchy, and is looked for once
    gone = {name for name in {path.name for path in found} if abandoned(name, here)}
    dead = {path for path in found if path.name in gone}
    return sum(sum(remove_all(folder)) for folder in dead)


def remove_all(folder: Path) -> list[bool]:
    """Remove a folder of ours and the groups in it; return for each whether it is gone."""
    return [remove(path) for path in [*_inside(folder), folder]]


def remove(folder: Path) -> bool:
    """Remove a group; return whether it is gone. The kernel says EBUSY while a dying task is charged to it."""
    try:
        _kill(folder)
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _kill(folder: Path) -> None:
    """Kill a group: at once where the kernel can (v2, 5.14); else one by one, which a fork may outrun."""
    switch = folder / "cgroup.kill"
    if switch.exists():
        switch.write_text("1")
        return
    for pid in (folder / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(int(pid), signal.SIGKILL)


def _inside(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return []
