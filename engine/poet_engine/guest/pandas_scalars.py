"""Encode and decode single values of pandas: time stamps, durations, periods, and the two that stand for a missing one.

As with tables, pandas is never imported to send a value, and imported only where one of them arrives.
"""

import datetime as dt
import functools
import re
import sys
import zoneinfo
from typing import TYPE_CHECKING, Protocol, cast

from . import decoding_budget
from .arrays import NOT_MINE, Array, Out
from .attachments import Collected
from .errors import GuestSerializationError, UndecodableError
from .library_imports import library

if TYPE_CHECKING:
    from types import ModuleType

TIMESTAMP_TAG, DURATION_TAG, PERIOD_TAG, MISSING_TAG = "timestamp", "duration", "period", "missing"
TAGS = (TIMESTAMP_TAG, DURATION_TAG, PERIOD_TAG, MISSING_TAG)
FREQUENCY = re.compile(r"-?[0-9]{0,9}[A-Za-z]{1,5}(?:-[A-Z]{3})?")
_UNITS = ("s", "ms", "us", "ns")
_MOST = 1 << 63
_DAY_US = 86_400_000_000
_MICROSECOND = dt.timedelta(microseconds=1)


class _Moment(Protocol):
    """Attributes of time stamps, durations and periods that are used here."""

    unit: str
    asm8: Array
    tzinfo: dt.tzinfo | None
    fold: int
    ordinal: int


def travelling_form(value: object, where: str, parts: Collected | None, _out: Out) -> object:
    """Return the value as a tagged mapping, or NOT_MINE.

    Raises:
        GuestSerializationError: Its time zone is neither a name of the database nor a fixed offset.
    """
    pandas = sys.modules.get("pandas")
    kind = type(value)
    if pandas is None or kind.__module__.partition(".")[0] != "pandas":
        return NOT_MINE
    moment = cast("_Moment", value)
    if kind is pandas.Timestamp:
        return _timestamp_out(moment, where, parts)
    if kind is pandas.Timedelta:
        charge(parts, decoding_budget.price(DURATION_TAG))
        return {"~": DURATION_TAG, "v": _ticks(moment), "u": moment.unit}
    if kind is pandas.Period:
        charge(parts, decoding_budget.price(PERIOD_TAG))
        return {"~": PERIOD_TAG, "v": moment.ordinal, "f": period_name(pandas.PeriodDtype(value.freq), where)}  # type: ignore[attr-defined]  # a Period
    if value is pandas.NaT or value is pandas.NA:
        charge(parts, decoding_budget.price(MISSING_TAG))
        return {"~": MISSING_TAG, "v": "NaT" if value is pandas.NaT else "NA"}
    return NOT_MINE


def charge(parts: Collected | None, price: int) -> None:
    """Add the price of a piece to what a message counts for, where that is added up."""
    if parts is not None:
        parts.price += price


def _timestamp_out(value: _Moment, where: str, parts: Collected | None) -> dict[str, object]:
    charge(parts, decoding_budget.price(TIMESTAMP_TAG))
    form: dict[str, object] = {"~": TIMESTAMP_TAG, "v": _ticks(value), "u": value.unit}
    if value.tzinfo is not None:
        zone = zone_form(value.tzinfo)
        if zone is None:
            why = "its time zone is neither one of the database nor a fixed offset"
            instead = "value.tz_convert('UTC') or value.isoformat()"
            raise GuestSerializationError(where, "Timestamp", why, instead=instead)
        form["z"] = zone
        charge(parts, decoding_budget.ZONE)
    elif value.fold:
        form["f"] = 1
        charge(parts, decoding_budget.ZONE)
    return form


def _ticks(value: _Moment) -> object:
    return value.asm8.view("i8").item()


def zone_form(zone: dt.tzinfo) -> str | int | None:
    """Return a time zone's name in the database, or its offset in microseconds; None where it has neither."""
    if type(zone) is zoneinfo.ZoneInfo:
        return zone.key if zone.key in zone_names() else None
    if type(zone) is not dt.timezone:
        return None
    offset = zone.utcoffset(None)
    # one that has a name of its own would lose it
    return offset // _MICROSECOND if repr(zone) == repr(dt.timezone(offset)) else None


def zone_from(form: object) -> dt.tzinfo:
    """Return the time zone of an untrusted form.

    A name is not looked up but found among those of the database here, which are read once.

    Raises:
        UndecodableError: It is none, or the database here does not have it.
    """
    if isinstance(form, str) and form in zone_names():
        return _zone(form)
    if type(form) is not int or abs(form) >= _DAY_US:
        raise UndecodableError("a time zone that is not known here")
    return dt.timezone(dt.timedelta(microseconds=form))


@functools.cache
def _zone(name: str) -> zoneinfo.ZoneInfo:
    """Return a zone of the database, read once in a process: its own cache holds eight, and reading one is dear."""
    return zoneinfo.ZoneInfo(name)


@functools.cache
def zone_names() -> frozenset[str]:
    """Return the names of the time zones that this machine knows."""
    return frozenset(zoneinfo.available_timezones())


def period_name(kind: object, where: str) -> str:
    """Return the frequency of a type of periods, as its name has it.

    Raises:
        GuestSerializationError: It is one that has no such name.
    """
    name = str(kind).removeprefix("period[").removesuffix("]")
    if not FREQUENCY.fullmatch(name) or sys.modules["pandas"].PeriodDtype(name) != kind:
        raise GuestSerializationError(where, f"period of frequency {name}", instead="str(value)")
    return name


def period_frequency(name: object) -> str:
    """Return an untrusted frequency of periods.

    Raises:
        UndecodableError: It has not the form of one.
    """
    if not isinstance(name, str) or not FREQUENCY.fullmatch(name):
        raise UndecodableError("a bad frequency")
    return name


def _libraries() -> tuple["ModuleType", "ModuleType"]:
    try:
        return library("pandas"), library("numpy")
    except ImportError:
        raise UndecodableError("a value of pandas, which is not installed here") from None


def timestamp(raw: dict[str, object], costs: decoding_budget.DecodingBudget) -> object:
    """Decode the time stamp of an untrusted tagged mapping.

    Raises:
        UndecodableError: Its parts are not those of a time stamp.
    """
    ticks, unit = _checked(raw)
    zone = raw.get("z")
    folded = raw.get("f") == 1
    if zone is not None or folded:
        costs.charge(decoding_budget.ZONE)
    pandas, numpy = _libraries()
    made = pandas.Timestamp(numpy.datetime64(ticks, unit))
    if zone is not None:
        made = made.tz_localize(dt.UTC).tz_convert(zone_from(zone))
    elif folded:
        made = made.replace(fold=1)
    return _same_unit(made, unit)


def duration(raw: dict[str, object]) -> object:
    """Decode the duration of an untrusted tagged mapping.

    Raises:
        UndecodableError: Its parts are not those of a duration.
    """
    ticks, unit = _checked(raw)
    pandas, numpy = _libraries()
    return _same_unit(pandas.Timedelta(numpy.timedelta64(ticks, unit)), unit)


def period(raw: dict[str, object]) -> object:
    """Decode the period of an untrusted tagged mapping.

    Raises:
        UndecodableError: Its parts are not those of a period.
    """
    number, name = raw.get("v"), period_frequency(raw.get("f"))
    if type(number) is not int or not -_MOST < number < _MOST:
        raise UndecodableError("a bad period")
    pandas, _numpy = _libraries()
    made: object = pandas.Period(ordinal=number, freq=name)
    return made


def missing(raw: dict[str, object]) -> object:
    """Decode one of the two values that stand for a missing one.

    Raises:
        UndecodableError: It is neither.
    """
    name = raw.get("v")
    if name not in ("NaT", "NA"):
        raise UndecodableError("a bad missing value")
    pandas, _numpy = _libraries()
    found: object = pandas.NaT if name == "NaT" else pandas.NA
    return found


def _checked(raw: dict[str, object]) -> tuple[int, str]:
    ticks, unit = raw.get("v"), raw.get("u")
    if type(ticks) is not int or not -_MOST < ticks < _MOST or not isinstance(unit, str) or unit not in _UNITS:
        raise UndecodableError("a bad time")
    return ticks, unit


def _same_unit(made: object, unit: str) -> object:
    if cast("_Moment", made).unit != unit:
        raise UndecodableError("a time of another unit")
    return made
