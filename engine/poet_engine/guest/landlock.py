"""Restrict files by Landlock, as a second line; also TCP, signals and abstract sockets where the kernel has it.

It needs no privilege and holds for the process and all it starts. The rights that a rule set must handle are probed,
not guessed: each ABI version added some (Documentation/userspace-api/landlock.rst of the kernel).
"""

import ctypes
import fcntl
import os
import struct

from .prepared_calls import PreparedCall, library_call, system_call

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
_RULE_DESCRIPTOR = 8  # where the path's descriptor stands in it
_NO_FLAGS = ctypes.c_uint32(0)

# ABI version → the rights to files that it added
_FILE_RIGHTS = ((1, _FIRST_13), (2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV))
_NETWORK_ABI, _SCOPE_ABI = 4, 6


def abi() -> int:
    """Return the kernel's version of Landlock; 0 where it has none or it is switched off."""
    try:
        return _create_call(None, _CREATE_VERSION).make()
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

    def calls(self, scratch: list[str], listed: list[str]) -> list[PreparedCall]:
        """Prepare restricting a process, whose own folders are in `scratch`, and in `listed` what it may list.

        Paths in `listed` that are no folders now are passed over.
        """
        ruleset = ctypes.c_int()
        calls = [_create_call(self._attribute, 0, ruleset)]
        calls += [_add_call(ruleset, ctypes.create_string_buffer(packed, _RULE.size)) for packed, _fd in self._rules]
        own = [(path, self._all) for path in scratch]
        for path, rights in own + [(path, _READ_DIR) for path in listed if os.path.isdir(path)]:
            rule = ctypes.create_string_buffer(_RULE.pack(rights, 0), _RULE.size)
            folder = ctypes.c_int.from_buffer(rule, _RULE_DESCRIPTOR)
            flags = os.O_PATH | os.O_CLOEXEC
            calls.append(library_call("open", os.fsencode(path), flags, what=f"open {path}", into=folder))
            calls.append(_add_call(ruleset, rule))
            calls.append(library_call("close", folder))
        calls.append(system_call("landlock_restrict_self", ruleset, _NO_FLAGS))
        calls.append(library_call("close", ruleset))
        return calls


def _create_call(attribute: bytes | None, flags: int, into: ctypes.c_int | None = None) -> PreparedCall:
    """Prepare making a rule set, or, with the version flag, asking for the number of the ABI."""
    size = ctypes.c_size_t(0 if attribute is None else len(attribute))
    return system_call("landlock_create_ruleset", attribute, size, ctypes.c_uint32(flags), into=into)


def _add_call(ruleset: ctypes.c_int, rule: "ctypes.Array[ctypes.c_char]") -> PreparedCall:
    return system_call("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, rule, _NO_FLAGS)


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
