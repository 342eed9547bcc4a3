"""Sizes and durations as people write them. Readers return the value or raise ValueError with the reason."""

import functools
import re
from collections.abc import Mapping

_QUANTITY = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([A-Za-z]*)\s*")

_MOST = 2**53  # beyond it a float no longer counts single bytes

_BYTES = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}

_SECONDS = {"": 1.0, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def size(value: object) -> int:
    """Return bytes from `"256MiB"`, `"1.5kB"` or a plain number of bytes.

    Raises:
        ValueError: The value is no size, negative, or not a whole number of bytes.
    """
    number, factor = _split(value, _BYTES, 'a size such as "256MiB" or 1048576')
    result = number * factor
    if result != int(result):
        raise ValueError(f"{value!r} is not a whole number of bytes")
    return int(result)


def seconds(value: object) -> float:
    """Return seconds from `"250ms"`, `"5s"`, `"2m"` or a plain number of seconds.

    Raises:
        ValueError: The value is no duration, or negative.
    """
    number, factor = _split(value, _SECONDS, 'a duration such as "5s", "250ms" or 2.5')
    return number * factor


def _split(value: object, units: Mapping[str, float], expected: str) -> tuple[float, float]:
    # bool is an int to Python, but `memory = true` is a mistake
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected {expected}, not {value!r}")  # noqa: TRY004 - one kind of error for every bad value
    if not isinstance(value, str):
        if not 0 <= value < _MOST:  # nan fails this too
            raise ValueError(f"{value!r} is out of range; expected {expected}")
        return value, units[""]
    if value.lstrip().startswith("-"):
        raise ValueError(f"{value[:60]!r} is negative; expected {expected}")
    found = _QUANTITY.fullmatch(value)
    if found is None:
        raise ValueError(f"expected {expected}, not {value[:60]!r}")
    unit = found[2].lower()
    if unit not in units:
        known = ", ".join(name for name in units if name)
        raise ValueError(f"unknown unit {found[2][:20]!r} in {value[:60]!r}; known units: {known} (in any case)")
    return float(found[1]), units[unit]


def write_size(value: int) -> str:
    """Return a number of bytes as TOML that `size` reads as the same number."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value and value % factor == 0:
            return f'"{value // factor}{unit}"'
    return str(value)


def write_seconds(value: float) -> str:
    """Return seconds as TOML that `seconds` reads as the same number."""
    number, unit = (value * 1e3, "ms") if value < 1 else (value, "s")
    text = f"{number:g}{unit}"
    return f'"{text}"' if seconds(text) == value else repr(value)


def say_size(value: int) -> str:
    """Return a number of bytes as text for a sentence."""
    return write_size(value).strip('"')


def say_seconds(value: float) -> str:
    """Return seconds as text for a sentence."""
    return write_seconds(value).strip('"')


@functools.cache
def pattern_of_size() -> str:
    """Return the regular expression (ECMA) of the texts that `size` accepts."""
    return _pattern(_BYTES)


@functools.cache
def pattern_of_seconds() -> str:
    """Return the regular expression (ECMA) of the texts that `seconds` accepts."""
    return _pattern(_SECONDS)


def _pattern(units: Mapping[str, float]) -> str:
    spelt = ""
    for letter in "|".join(filter(None, units)):
        spelt += letter if letter == "|" else f"[{letter.upper()}{letter}]"
    return rf"^\s*[0-9]{{1,15}}(?:\.[0-9]{{1,9}})?\s*(?:{spelt})?\s*$"
