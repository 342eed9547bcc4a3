"""What the user passes to a function from the command line, as strict JSON."""

import json
import keyword
import math
import re
from collections.abc import Callable
from pathlib import Path

from poet_engine.cli.reading import MOST_BYTES, decode, read_text
from poet_engine.errors import UsageError

_FORM = "a JSON array gives positional arguments, an object keyword arguments"
_UNITS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|)", re.ASCII)


def read_arguments(text: str | None, *, stdin: Callable[[int], bytes]) -> tuple[tuple[object, ...], dict[str, object]]:
    """The positional and the keyword arguments that `--args` names.

    Args:
        text: JSON, `@` and a file's path, `-` for standard input, or None for no arguments.
        stdin: Reads at most so many bytes from standard input.

    Raises:
        UsageError: The text cannot be read, or is not strict JSON: duplicate keys and NaN are errors too.
    """
    if text is None:
        return (), {}
    raw, label = _fetch(text, stdin)
    value = parse_json(raw, label)
    if isinstance(value, list):
        return tuple(value), {}
    if isinstance(value, dict):
        for name in value:
            if not name.isidentifier() or keyword.iskeyword(name):
                raise UsageError(f"{label}: {name!r} cannot be the name of a keyword argument; {_FORM}")
        return (), value
    raise UsageError(f"{label} is {_named(value)}, but {_FORM}: for one argument write [{raw.strip()[:40]}]")


def parse_json(raw: str, label: str) -> object:
    """Strict JSON: no duplicate keys, no NaN, no number that a float cannot hold, no lone surrogate.

    Raises:
        UsageError: It is something else; the message says where.
    """
    try:
        value: object = json.loads(
            raw, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_integer
        )
        # A lone surrogate is found here, and not by the sandbox, so that the message can name the option.
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{label} is not JSON: {error.msg} on line {error.lineno}, column {error.colno}; {_FORM}",
        ) from error
    except UnicodeEncodeError as error:
        raise UsageError(f"{label} has half of a surrogate pair in a string, which is not text") from error
    except RecursionError as error:
        raise UsageError(f"{label} is nested too deeply") from error
    except _LaxJsonError as error:
        raise UsageError(f"{label} {error}") from error
    return value


def parse_duration(text: str, label: str) -> float:
    """Seconds in a text such as `5s`, `250ms`, `2m` or `1.5`.

    Raises:
        UsageError: It is no such text, or not above 0.
    """
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 0.0 < seconds < math.inf:
        raise UsageError(f"{label} {text!r} is not a duration above 0: write 5s, 250ms or 2m")
    return seconds


class _LaxJsonError(Exception):
    """JSON that the standard library would let pass."""


def _fetch(text: str, stdin: Callable[[int], bytes]) -> tuple[str, str]:
    """The JSON text, and what messages call it."""
    if text == "-":
        data = stdin(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UsageError(f"standard input is longer than the {MOST_BYTES} bytes that are read at most")
        return decode(data, "standard input"), "standard input"
    if text.startswith("@"):
        return read_text(Path(text[1:])), f"the file {text[1:]}"
    return text, "--args"


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise _LaxJsonError(f"has the key {name!r} twice in one object")
        found[name] = value
    return found


def _no_constant(name: str) -> object:
    raise _LaxJsonError(f"has {name}, which is not JSON; pass it as text and convert it in the function")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _LaxJsonError(f"has the number {text[:40]}, which is more than a float can hold")
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # more digits than sys.get_int_max_str_digits() lets through
        raise _LaxJsonError(f"has a whole number of {len(text)} digits, which is more than Python reads") from None


def _named(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return "text" if isinstance(value, str) else "a number"
