"""Find this process's place in the cgroup hierarchies, from `/proc/self/cgroup` and `/proc/self/mountinfo`.

Both come from the kernel, yet a container may have mounted any part of a hierarchy anywhere: what does not fit together
is left out, never guessed.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

_OCTAL = re.compile(r"\\([0-7]{3})")  # how mountinfo writes spaces, tabs, line ends and backslashes


@dataclasses.dataclass(frozen=True, slots=True)
class HierarchyPlace:
    """A process's own group, and the highest one that it can see.

    Attributes:
        own: Folder of the group that the process is in.
        top: Folder at which the hierarchy is mounted; the same, or above.
    """

    own: Path
    top: Path

    def upwards(self) -> tuple[Path, ...]:
        """Return the own folder and all above it, up to the top."""
        above = [path for path in self.own.parents if path.is_relative_to(self.top)]
        return (self.own, *above)


@dataclasses.dataclass(frozen=True, slots=True)
class _Mount:
    kind: str
    root: str  # the folder of the hierarchy that is mounted
    point: str
    options: frozenset[str]


def read() -> tuple[str, str]:
    """Return the texts of this process's groups and mounts; both empty where there is no /proc."""
    try:
        return Path("/proc/self/cgroup").read_text(encoding="utf-8"), Path("/proc/self/mountinfo").read_text(
            encoding="utf-8"
        )
    except (OSError, UnicodeDecodeError):
        return "", ""


def v1_places(groups: str, mounts: str, wanted: Iterable[str]) -> dict[str, HierarchyPlace]:
    """Return controller → this process's place in the v1 hierarchy that carries it.

    Args:
        groups: The text of `/proc/self/cgroup`.
        mounts: The text of `/proc/self/mountinfo`.
        wanted: Names of controllers.
    """
    memberships = _memberships(groups)
    found: dict[str, HierarchyPlace] = {}
    for mount in _mounts(mounts, "cgroup"):
        for controller in mount.options & set(wanted) & memberships.keys():
            place = _place(mount, memberships[controller])
            if place is not None:
                found[controller] = place
    return found


def v2_place(groups: str, mounts: str) -> HierarchyPlace | None:
    """Return this process's place in the unified hierarchy; None if that is not mounted, or not with our part in it.

    Args:
        groups: The text of `/proc/self/cgroup`.
        mounts: The text of `/proc/self/mountinfo`.
    """
    path = _memberships(groups).get("")
    if path is None:
        return None
    places = (_place(mount, path) for mount in _mounts(mounts, "cgroup2"))
    return next((place for place in places if place is not None), None)


def _memberships(text: str) -> dict[str, str]:
    """Return controller → path of the group; the unified hierarchy is the one without a controller."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        _number, colon, rest = line.partition(":")
        controllers, second, path = rest.partition(":")
        if colon and second:
            found.update(dict.fromkeys(controllers.split(","), path))
    return found


def _mounts(text: str, kind: str) -> Iterator[_Mount]:
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if len(left) >= 6 and len(right) >= 3 and right[0] == kind:  # noqa: PLR2004 - the fields that always are there
            yield _Mount(right[0], _unescaped(left[3]), _unescaped(left[4]), frozenset(right[2].split(",")))


def _unescaped(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)


def _place(mount: _Mount, path: str) -> HierarchyPlace | None:
    """Return the place of the group `path` below a mount that shows the hierarchy from `mount.root` on.

    A path that goes up leaves the cgroup namespace: what lies there has no name here.
    """
    group, root = PurePosixPath(path), PurePosixPath(mount.root)
    if ".." in (*group.parts, *root.parts) or not group.is_relative_to(root):
        return None
    top = Path(mount.point)
    return HierarchyPlace(own=top / group.relative_to(root), top=top)
