"""Find where in the unified hierarchy a host process may make groups with controllers.

The kernel lets a group hand controllers to its children only while it has no processes itself (the root of the machine
is exempt), and a host process is always in some group. So its own group can seldom be used, and the folder is made
beside it, below the nearest ancestor that

- is ours to write (all of it for root; what systemd has delegated for an ordinary user, as in a user's scope),
- carries the memory and pids controllers, and hands them on or lets us switch that on,
- has a `cgroup.procs` that is ours to write: moving a process asks for that at the common ancestor.

Groups there are outside of the limits that our own group has, so those limits are copied to the folder: started with
512 MiB, all lanes together get no more than 512 MiB (beside what the host process itself uses).

Where no ancestor is left (the root of a cgroup namespace, as in most containers, or a delegated service), the host
process moves itself into a leaf of its own group, `poet-host`, and the group can then be used. That is done only when
every process in the group is this one or descends from it: nobody else's process is ever moved, and without delegation
there is the weaker grade. The leaf stays: children of the host process are in it, and going back would undo the
delegation.
"""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from poet_engine.sandbox import proc
from poet_engine.sandbox.cgroup import folders
from poet_engine.sandbox.cgroup.discovery import HierarchyPlace

_NEEDED = frozenset({"memory", "pids"})
_WANTED = _NEEDED | {"cpu"}
_LEAF = "poet-host"


@dataclasses.dataclass(frozen=True, slots=True)
class DelegatedGroup:
    """The folder of one sandbox, which need not exist yet.

    Attributes:
        folder: A group without processes.
        limits: The limits that are written to it, file → text.
    """

    folder: Path
    limits: Mapping[str, str]

    def make(self) -> frozenset[str]:
        """Make the folder, if it is missing, with controllers for its children; return those controllers.

        Raises:
            OSError: The kernel refuses, which it did not when the delegation was looked for.
        """
        self.folder.mkdir(exist_ok=True)
        if not hand_on(self.folder):
            raise PermissionError(
                f"the groups below {self.folder} cannot have the memory and pids controllers any more"
            )
        for name, text in self.limits.items():
            with contextlib.suppress(OSError):  # the group that has the limit may carry a controller that we lack
                (self.folder / name).write_text(text)
        return _words(self.folder / "cgroup.subtree_control") & _WANTED


def find_delegation(place: HierarchyPlace, name: str) -> DelegatedGroup | None:
    """Find where a folder of this name can have children with controllers, by making it and removing it again.

    Controllers that were switched on for it stay on, which changes nothing for the processes there but what is counted.

    Args:
        place: The place of this process in the hierarchy.
        name: The folder's name.
    """
    above = place.upwards()
    for number, base in enumerate(above):
        room = DelegatedGroup(base / name, _limits(above[:number]))
        if _works(room):
            return room
    return _beside_ourselves(place.own, name)


def _works(room: DelegatedGroup) -> bool:
    base = room.folder.parent
    if not _ours(base) or not hand_on(base):
        return False
    try:
        room.make()
    except OSError:  # the group may have no more descendants, or the file system is read-only after all
        return False
    finally:
        folders.remove(room.folder)
    return True


def _ours(base: Path) -> bool:
    names = (base, base / "cgroup.procs", base / "cgroup.subtree_control")
    return all(os.access(path, os.W_OK) for path in names)


def hand_on(group: Path) -> bool:
    """Return whether a group's children have the needed controllers, which are switched on where possible.

    Args:
        group: The group's folder.
    """
    available = _words(group / "cgroup.controllers")
    if not available >= _NEEDED:
        return False
    control = group / "cgroup.subtree_control"
    for wanted in (_NEEDED, available & _WANTED):  # apart: what is only wanted must not cost us what is needed
        missing = sorted(wanted - _words(control))
        try:
            if missing:
                control.write_text(" ".join(f"+{controller}" for controller in missing))
        except OSError:  # EBUSY: it has processes; EOPNOTSUPP: it is threaded; EACCES: it is not ours after all
            return wanted is not _NEEDED
    return True


def _beside_ourselves(own: Path, name: str) -> DelegatedGroup | None:
    """Return a folder below our own group, after all processes in it, each ours, have moved into a leaf; else None."""
    pids = _pids(own)
    if not _ours(own) or not _words(own / "cgroup.controllers") >= _NEEDED:
        return None
    if not all(_descends(pid, os.getpid()) for pid in pids):
        return None
    leaf = own / _LEAF
    try:
        leaf.mkdir(exist_ok=True)
    except OSError:
        return None
    room = DelegatedGroup(own / name, {})
    if _move(pids, leaf) and _works(room):
        return room
    _move(pids, own)
    with contextlib.suppress(OSError):
        leaf.rmdir()
    return None


def _move(pids: Iterable[int], group: Path) -> bool:
    for pid in pids:
        try:
            (group / "cgroup.procs").write_text(str(pid))
        except ProcessLookupError:  # it ended meanwhile, and needs no place any more
            continue
        except OSError:
            return False
    return True


def _descends(pid: int, ancestor: int) -> bool:
    """Return whether a process is the ancestor or has it among its parents; pid 0 is in another pid namespace."""
    while pid > 1 and pid != ancestor:
        fields = proc.stat_fields(pid)
        pid = int(fields[1]) if fields else 0
    return pid == ancestor


def _limits(groups: Sequence[Path]) -> dict[str, str]:
    """Return the tightest of the limits that these groups have, file → text."""
    found = {
        "memory.max": _tightest(groups, "memory.max", _amount),
        "pids.max": _tightest(groups, "pids.max", _amount),
        "cpu.max": _tightest(groups, "cpu.max", _share),
    }
    return {name: text for name, text in found.items() if text is not None}


def _tightest(groups: Iterable[Path], name: str, measure: Callable[[str], float | None]) -> str | None:
    limits = [(size, text) for group in groups if (size := measure(text := _text(group / name))) is not None]
    return min(limits)[1] if limits else None


def _amount(text: str) -> float | None:
    return int(text) if text.isdecimal() else None


def _share(text: str) -> float | None:
    quota, _, period = text.partition(" ")
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else None


def _pids(group: Path) -> list[int]:
    return [int(word) for word in _text(group / "cgroup.procs").split()]


def _words(file: Path) -> frozenset[str]:
    return frozenset(_text(file).split())


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return ""
