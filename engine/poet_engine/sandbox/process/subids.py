"""Find and map the id ranges that a user has in /etc/subuid: with them, each rootless lane has a user of its own."""

import dataclasses
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

_ROOT = 0
_TIMEOUT = 10.0  # seconds for a helper that does nothing but write a file


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """Consecutive ids, from `first` on."""

    first: int
    count: int


@dataclasses.dataclass(frozen=True, slots=True)
class SubIds:
    """The ids that a user may map beside its own."""

    uids: Range
    gids: Range

    @property
    def lanes(self) -> int:
        """The number of lanes that can have a user and group of their own."""
        return min(self.uids.count, self.gids.count)


def parse(text: str, user: str, uid: int) -> Range | None:
    """Return the first range of a user in the format of subuid(5): `name-or-uid:first:count` a line."""
    for line in text.splitlines():
        who, _, rest = line.partition(":")
        first, _, count = rest.partition(":")
        if who in (user, str(uid)) and first.isdecimal() and count.isdecimal() and int(count) > 0:
            return Range(int(first), int(count))
    return None


def tool(name: str) -> str | None:
    """Return the path of a program by its name: one of root's own, from an absolute folder of PATH; else None.

    An empty or relative entry of PATH means the working folder, which may be a stranger's.
    """
    folders = os.pathsep.join(entry for entry in os.get_exec_path() if Path(entry).is_absolute())
    found = shutil.which(name, path=folders) if folders else None
    return found if found is not None and Path(found).stat().st_uid == _ROOT else None


def find(which: Callable[[str], str | None] = tool) -> SubIds | None:
    """Return the ranges of this process's user; None where there are none, or nothing that could map them."""
    if not (which("newuidmap") and which("newgidmap")):
        return None
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = ""
    ranges = [parse(_read(Path(file)), name, uid) for file in ("/etc/subuid", "/etc/subgid")]
    if ranges[0] is None or ranges[1] is None:
        return None
    return SubIds(ranges[0], ranges[1])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def write_maps(pid: int, subids: SubIds) -> str | None:
    """Map root in the user namespace of `pid` to us, and further ids to the ranges; return why, if it was refused."""
    for name, own, extra in (
        ("newuidmap", os.geteuid(), subids.uids),
        ("newgidmap", os.getegid(), subids.gids),
    ):
        program = tool(name)
        if program is None:
            return f"{name}: it is not there any more"
        command = [program, str(pid), "0", str(own), "1", "1", str(extra.first), str(extra.count)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{name}: {error}"
        if done.returncode:
            return f"{name}: {done.stderr.strip() or done.returncode}"
    return None
