"""Ownership of files: a file that others may have written or may change must not decide anything.

Searched paths are the danger: `/tmp/pyproject.toml` is found from everywhere below `/tmp`. Trusted are the effective
user and root. A group counts as others, unless it is the owner's private one (umask 002): its gid is the owner's uid or
it has the owner's name, and nobody else is listed in it.
"""

import grp
import os
import pwd
import stat
from collections.abc import Collection
from pathlib import Path

ROOT = 0


def trusted() -> frozenset[int]:
    """Return the uids whose files are trusted: the effective user's and root's."""
    return frozenset({ROOT, os.geteuid()})


def why_foreign(path: Path, found: os.stat_result, owners: Collection[int]) -> str | None:
    """Return why others may have written a file; None where nobody else may have.

    Args:
        path: Its path. A link, the folder of each name and the folder of the file itself are checked too.
        found: The status of the open file.
        owners: The uids that are trusted.

    Raises:
        OSError: The status of a link or a folder cannot be read.
    """
    own = _why(found, owners)
    if own is not None:
        return f"it {own}"
    folders = {path.absolute().parent, path.resolve().parent}
    link = path.lstat()
    if stat.S_ISLNK(link.st_mode) and link.st_uid not in owners:
        return f"it is a link that belongs to another user (uid {link.st_uid})"
    return next((why for folder in sorted(folders) if (why := _why_folder(folder, found, owners)) is not None), None)


def _why_folder(folder: Path, inside: os.stat_result, owners: Collection[int]) -> str | None:
    found = folder.stat()
    # In a folder such as /tmp nobody can remove or rename another user's file, but may give it a second name there, if
    # the system lets him: a file of ours from somewhere else.
    if found.st_mode & stat.S_ISVTX and found.st_uid in owners and inside.st_nlink == 1:
        return None
    why = _why(found, owners)
    return None if why is None else f"its folder {folder} {why}"


def _why(found: os.stat_result, owners: Collection[int]) -> str | None:
    if found.st_uid not in owners:
        return f"belongs to another user (uid {found.st_uid})"
    if found.st_mode & stat.S_IWOTH:
        return "can be written by everybody"
    if found.st_mode & stat.S_IWGRP and not _is_private(found.st_gid, found.st_uid):
        return f"can be written by its group (gid {found.st_gid})"
    return None


def _is_private(gid: int, uid: int) -> bool:
    """Whether a group is the private one of its user."""
    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        owner = None
    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return gid == uid  # no group of that number is known, so nobody is listed in it
    return (gid == uid or group.gr_name == owner) and set(group.gr_mem) <= {owner}
