"""Decide which identity builds the isolation: real root, the root of a container, or an ordinary user."""

import dataclasses
import os
from pathlib import Path

# Above what distributions, containers and subuid ranges hand out.
_HIGH = 0x40000000
_LANES = 256  # uids for each host process
_EVERYBODY = 1 << 32
# include/uapi/linux/capability.h: SETGID, SETUID, SETPCAP, SYS_CHROOT, SYS_ADMIN
_NEEDED = sum(1 << bit for bit in (6, 7, 8, 18, 21))


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """The privileges of this process.

    Attributes:
        rootless: Whether the isolation must be built inside user namespaces.
        first_uid: The first of the uids that lanes of this process take; 0 when rootless.
    """

    rootless: bool
    first_uid: int = 0

    def uid(self, number: int) -> int:
        """Return the uid of a lane of this process."""
        return self.first_uid + number % _LANES


def decide(euid: int, capabilities: int, uid_map: str, pid: int) -> Identity:
    """Return the identity: root with its capabilities, and users to give away, needs no user namespace; others do.

    Args:
        euid: The effective uid.
        capabilities: The effective capabilities, as bits.
        uid_map: The content of `/proc/self/uid_map`: first inside, first outside, and count on each line.
        pid: This process's id, which keeps the uids of several engines apart.
    """
    if euid != 0 or capabilities & _NEEDED != _NEEDED:
        return Identity(rootless=True)
    ranges = [(int(first), int(count)) for first, _outside, count in (line.split() for line in uid_map.splitlines())]
    if any(first + count >= _EVERYBODY - 1 for first, count in ranges):
        return Identity(rootless=False, first_uid=_HIGH + (pid << 8))
    first, count = max(ranges, key=lambda found: found[1], default=(0, 0))
    blocks = (count - 1) // _LANES  # the first id is root's, or somebody's who was there before
    if blocks < 1:
        return Identity(rootless=True)
    return Identity(rootless=False, first_uid=first + count - _LANES * (1 + pid % blocks))


def current() -> Identity:
    """Return the identity of this process."""
    status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    effective = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
    uid_map = Path("/proc/self/uid_map").read_text(encoding="ascii")
    return decide(os.geteuid(), int(effective, 16), uid_map, os.getpid())
