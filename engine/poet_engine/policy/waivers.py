"""Waivers: findings that somebody answers for, for a while."""

import dataclasses
import datetime as dt
import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping

from poet_engine.policy.rule_ids import UNWAIVABLE, WAIVABLE
from poet_engine.policy.similar import similar

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LONGEST = 1000  # characters of an owner or a reason, which reports repeat


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A rule whose findings do not reject, in some places, until a day.

    Attributes:
        rule: Its id.
        scope: Where: a pattern (`*`, `?`, `[…]`) for the name of the function or the file, or `sha256:` and the digest
            of the one source.
        owner: Who answers for it.
        reason: Why it is right.
        expires: The last day on which it holds, in UTC.
    """

    rule: str
    scope: str
    owner: str
    reason: str
    expires: dt.date

    def expired(self, now: float) -> bool:
        """Whether its last day is over. `now` is in seconds since the epoch."""
        return dt.datetime.fromtimestamp(now, dt.UTC).date() > self.expires

    def covers(self, digest: str, names: Iterable[str]) -> bool:
        """Whether it speaks of the source with this digest (hex), which goes by these names."""
        if self.scope.startswith("sha256:"):
            return self.scope == f"sha256:{digest}"
        return any(fnmatch.fnmatchcase(name, self.scope) for name in names)

    def plain(self) -> dict[str, str]:
        """Its fields as JSON values, in their order."""
        return {
            field.name: str(value)
            for field in dataclasses.fields(self)
            if isinstance(value := getattr(self, field.name), str | dt.date)
        }


FIELDS = tuple(field.name for field in dataclasses.fields(Waiver))


def in_order(waivers: Iterable[Waiver]) -> tuple[Waiver, ...]:
    """Each once, in the one order in which policies keep them."""
    return tuple(sorted(set(waivers), key=lambda waiver: tuple(waiver.plain().values())))


def meet(one: Iterable[Waiver], other: Iterable[Waiver]) -> tuple[Waiver, ...]:
    """Those that both have."""
    return in_order(set(one) & set(other))


def _rule(value: object) -> str:
    if isinstance(value, str) and value in UNWAIVABLE:
        raise ValueError(f"{value} cannot be waived, since it means that the source was not scanned to the end")
    if not isinstance(value, str) or value not in WAIVABLE:
        hint = similar(value, WAIVABLE) if isinstance(value, str) else ""
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


# How each field is read; every one raises ValueError with the reason.
READERS: Mapping[str, Callable[[object], object]] = {
    "rule": _rule,
    "scope": _scope,
    "owner": _text,
    "reason": _text,
    "expires": _day,
}
