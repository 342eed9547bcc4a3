"""Waivers: accepted findings, with an owner and a last day."""

import dataclasses
import datetime as dt
import fnmatch
import glob
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from poet_engine._text import suggest
from poet_engine.policy.rule_ids import UNWAIVABLE, WAIVABLE

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_WILD = re.compile(r"[*?\[]")
_LONGEST = 1000  # characters of an owner or a reason, which reports repeat


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A rule whose findings do not reject, within a scope and until a day.

    Attributes:
        rule: The id of the rule.
        scope: Its sources: a pattern (`*`, `?`, `[…]`) for the name of the function or the path of the file, or
            `sha256:` and the digest of the one source.
        owner: The person who answers for it.
        reason: The justification.
        expires: Its last day, in UTC.
        files: The scope as a pattern for whole paths; the scope is relative to the folder of its policy's file.
    """

    rule: str
    scope: str
    owner: str
    reason: str
    expires: dt.date
    files: str = dataclasses.field(default="", compare=False)  # the folder is no part of a waiver's identity

    def expired(self, now: float) -> bool:
        """Whether its last day is over. `now` is in seconds since the epoch."""
        return dt.datetime.fromtimestamp(now, dt.UTC).date() > self.expires

    def covers(self, digest: str, names: Iterable[str], files: Iterable[str] = ()) -> bool:
        """Whether a source is in its scope.

        Args:
            digest: The SHA-256 of the source, in hexadecimal.
            names: The names of the source: the function's.
            files: The whole paths, without links, of the file that it was read from.
        """
        if self.scope.startswith("sha256:"):
            return self.scope == f"sha256:{digest}"
        named = any(fnmatch.fnmatchcase(name, self.scope) for name in names)
        return named or (self.files != "" and any(fnmatch.fnmatchcase(file, self.files) for file in files))

    def plain(self) -> dict[str, str]:
        """Return its fields as JSON values, in their order."""
        return {name: str(getattr(self, name)) for name in FIELDS}


FIELDS = tuple(field.name for field in dataclasses.fields(Waiver) if field.name != "files")


def in_order(waivers: Iterable[Waiver]) -> tuple[Waiver, ...]:
    """Return the waivers without duplicates, in their canonical order."""
    found = {(*waiver.plain().values(), waiver.files): waiver for waiver in waivers}
    return tuple(found[key] for key in sorted(found))


def file_pattern(scope: str, folder: str) -> str:
    """Return a scope as a pattern of whole paths; empty for a scope that names no files.

    Links are resolved in `folder` and in the literal part of the scope, since the pattern is compared with paths
    without links.

    Args:
        scope: The scope in the policy's file: relative to its folder, or a whole path.
        folder: The folder of the policy's file.
    """
    if scope.startswith(("sha256:", "<")):
        return ""
    parts = scope.split("/")
    written = next((index for index, part in enumerate(parts) if _WILD.search(part)), len(parts))
    start = os.path.realpath(os.path.join(folder, "/".join(parts[:written]) or ("/" if scope[:1] == "/" else "")))  # noqa: PTH118 - a path that is none yet
    return "/".join([glob.escape(start).rstrip("/"), *parts[written:]])


def places(file: str) -> tuple[str, ...]:
    """Return the whole paths of a file, with its last part resolved and, should that be a link, as it is."""
    found = Path(file).absolute()
    return os.path.realpath(found), os.path.join(os.path.realpath(found.parent), found.name)  # noqa: PTH118 - texts


def meet(one: Iterable[Waiver], other: Iterable[Waiver]) -> tuple[Waiver, ...]:
    """Return the waivers that are in both."""
    both = set(other)
    return in_order(waiver for waiver in one if waiver in both)


def _rule(value: object) -> str:
    if isinstance(value, str) and value in UNWAIVABLE:
        raise ValueError(f"{value} cannot be waived, since it means that the source was not scanned to the end")
    if not isinstance(value, str) or value not in WAIVABLE:
        hint = suggest(value, WAIVABLE) if isinstance(value, str) else ""
        raise ValueError(f"there is no rule {value!r}{hint}; docs/gate.md lists ours, and bandit's are B101 to B704")
    return value


def _scope(value: object) -> str:
    text = _text(value)
    if text.startswith("sha256:") and not _DIGEST.fullmatch(text):
        raise ValueError("'sha256:' is followed by 64 small hexadecimal digits; poet scan --json prints them")
    if not text.strip("*?/. "):
        raise ValueError(f"{text!r} is everything; name functions or files, or change [static] instead")
    return text


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST or not value.isprintable():
        raise ValueError(f"expected one line of text, at most {_LONGEST} characters, not {value!r:.80}")
    return value


def _day(value: object) -> dt.date:
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise ValueError(f"expected a day without quotes such as 2030-12-31, not {value!r:.80}")  # noqa: TRY004 - one kind of error for every bad value
    return value


# The reader of each field; every one raises ValueError with the reason.
READERS: Mapping[str, Callable[[object], object]] = {
    "rule": _rule,
    "scope": _scope,
    "owner": _text,
    "reason": _text,
    "expires": _day,
}
