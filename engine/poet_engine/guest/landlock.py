"""Restrict files by Landlock, as a second line; also TCP, signals and abstract sockets where the kernel has it.

It needs no privilege and holds for the process and all it starts. The rights that a rule set must handle are probed,
not guessed: each ABI version added some (Documentation/userspace-api/landlock.rst of the kernel).
"""

import fcntl
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
_FIRST_DESCRIPTOR = 200
_RULE = struct.Struct("=Qi")  # struct landlock_path_beneath_attr

# ABI version → the rights to files that it added
_FILE_RIGHTS = ((1, _FIRST_13), (2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV))
_NETWORK_ABI, _SCOPE_ABI = 4, 6


def abi() -> int:
    """Return the kernel's version of Landlock; 0 where it has none or it is switched off."""
    try:
        return kernel.landlock_create_ruleset(None, _CREATE_VERSION)
    except OSError:
        return 0


def handled(version: int) -> tuple[int, bytes]:
    """Return the rights to files that this ABI knows, and the attribute of a rule set that handles all it can."""
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


class Restriction:
    """A Landlock rule set: a process may list, read or change what its paths allow, and nothing else.

    Nothing may be executed from what is only readable, no TCP port be bound or connected, and nobody outside be
    signalled. Paths that do not exist are passed over: what is not there needs no permission. What stays the same for
    all processes is looked up once, here, and kept open: rules hold for files, not for where they are mounted.

    Args:
        version: The kernel's Landlock ABI version.
        listable: Folders whose names may be listed.
        readable: Files and folders that may be read.
        writable: Files and folders that may also be changed.
    """

    def __init__(self, version: int, listable: list[str], readable: list[str], writable: list[str]) -> None:
        self._all, self._attribute = handled(version)
        read, list_only = self._all & _READ, self._all & _READ_DIR
        self._rules = [
            rule
            for paths, rights in ((listable, list_only), (readable, read), (writable, self._all))
            for rule in (_rule(path, rights) for path in paths)
            if rule is not None
        ]
        self.descriptors = {fd for _packed, fd in self._rules}

    def apply(self, scratch: list[str], listed: list[str]) -> None:
        """Restrict this process, whose own folders are in `scratch`, and in `listed` those that it may list."""
        ruleset = kernel.landlock_create_ruleset(self._attribute, 0)
        for packed, _fd in self._rules:
            kernel.landlock_add_rule(ruleset, _RULE_PATH_BENEATH, packed)
        for path, rights in (*((each, self._all) for each in scratch), *((each, _READ_DIR) for each in listed)):
            try:
                fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                if path in scratch:
                    raise
                continue
            kernel.landlock_add_rule(ruleset, _RULE_PATH_BENEATH, _RULE.pack(rights, fd))
            os.close(fd)
        kernel.landlock_restrict_self(ruleset)
        os.close(ruleset)


def _rule(path: str, rights: int) -> tuple[bytes, int] | None:
    """Return a rule in the kernel's form and its path's descriptor; None when there is no such path."""
    try:
        low = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return None
    # above all others, so that which numbers the code sees does not depend on how many rules there are
    fd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _FIRST_DESCRIPTOR)
    os.close(low)
    return _RULE.pack(rights if os.path.isdir(path) else rights & _ON_FILES, fd), fd
