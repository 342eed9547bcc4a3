"""Landlock: a second wall around files, and around TCP, signals and abstract sockets where the kernel has it.

It needs no privilege and holds for the process and all it starts. What a rule set must handle is probed, not guessed:
each ABI version added rights (Documentation/userspace-api/landlock.rst of the kernel).
"""

import os
import struct

from . import kernel

_CREATE_VERSION = 1
_RULE_PATH_BENEATH = 1

# include/uapi/linux/landlock.h
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_FIRST_13 = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_NET_BIND_AND_CONNECT = 3
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3

_ON_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ = _READ_FILE | _READ_DIR

# ABI that brought it → the right to files
_FILE_RIGHTS = ((1, _FIRST_13), (2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV))
_NETWORK_ABI, _SCOPE_ABI = 4, 6


def abi() -> int:
    """The kernel's version of Landlock; 0 where it has none or it is switched off."""
    try:
        return kernel.landlock_create_ruleset(None, _CREATE_VERSION)
    except OSError:
        return 0


def handled(version: int) -> tuple[int, bytes]:
    """All rights to files that this ABI knows, and the attribute of a rule set that handles everything it can."""
    files = 0
    for since, right in _FILE_RIGHTS:
        if version >= since:
            files |= right
    words = [files]
    if version >= _NETWORK_ABI:
        words.append(_NET_BIND_AND_CONNECT)
    if version >= _SCOPE_ABI:
        words.append(_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS)
    return files, struct.pack(f"={len(words)}Q", *words)


def restrict(version: int, listable: list[str], readable: list[str], writable: list[str]) -> None:
    """Forbid everything to this process but listing, reading, and everything else below what is named for each.

    Nothing may be executed from what is only readable, no TCP port be bound or connected, and nobody outside be
    signalled. Paths that do not exist are passed over: what is not there needs no permission.
    """
    files, attribute = handled(version)
    ruleset = kernel.landlock_create_ruleset(attribute, 0)
    try:
        for path in listable:
            _allow(ruleset, path, files & _READ_DIR)
        for path in readable:
            _allow(ruleset, path, files & _READ)
        for path in writable:
            _allow(ruleset, path, files)
        kernel.landlock_restrict_self(ruleset)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _ON_FILES
        kernel.landlock_add_rule(ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, fd))
    finally:
        os.close(fd)
