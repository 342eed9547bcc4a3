"""Give the user and the group of a payload a name, as every user of a machine has one.

A lane has no list of users, that of an image does not know its containers' numbers, and both are made up anew for each
of them. By a number the C library is asked first; an image has a user of our name too, whose number is another one. The
user and the group 0 have their name as well: programs take for granted that they are there.
"""

import functools
import grp
import os
import pwd
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAME = "poet"
HOME = "/tmp"
_ROOT = pwd.struct_passwd(("root", "x", 0, 0, "root", "/root", "/usr/sbin/nologin"))
_ROOT_GROUP = grp.struct_group(("root", "x", 0, []))

_Key = TypeVar("_Key", int, str)
_Entry = TypeVar("_Entry")


def add() -> None:
    """Add the payload's own entries to what `pwd` and `grp` answer, in the process that payloads are forked from."""
    vars(pwd)["getpwuid"] = _with(pwd.getpwuid, os.getuid, _user, {0: _ROOT})
    vars(pwd)["getpwnam"] = _with(pwd.getpwnam, _name, _user, {_ROOT.pw_name: _ROOT}, first=True)
    vars(grp)["getgrgid"] = _with(grp.getgrgid, os.getgid, _group, {0: _ROOT_GROUP})
    vars(grp)["getgrnam"] = _with(grp.getgrnam, _name, _group, {_ROOT_GROUP.gr_name: _ROOT_GROUP}, first=True)


def _with(
    found: "Callable[[_Key], _Entry]",
    own: "Callable[[], _Key]",
    entry: "Callable[[], _Entry]",
    others: "Mapping[_Key, _Entry]",
    *,
    first: bool = False,
) -> "Callable[[_Key], _Entry]":
    """Return a look-up that answers `entry` for the key `own`, where the C library has nothing, or `first`.

    Of `others` it answers what the C library does not have.
    """

    @functools.wraps(found)
    def look_up(key: _Key, /) -> _Entry:
        if first and key == own():
            return entry()
        try:
            return found(key)
        except KeyError:
            if key != own():
                if key not in others:
                    raise
                return others[key]
        return entry()

    return look_up


def _name() -> str:
    return NAME


def _user() -> pwd.struct_passwd:
    return pwd.struct_passwd((NAME, "x", os.getuid(), os.getgid(), "", HOME, ""))


def _group() -> grp.struct_group:
    return grp.struct_group((NAME, "x", os.getgid(), []))
