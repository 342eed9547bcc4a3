"""Arguments for a function from the command line, as strict JSON."""

import json
import keyword
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from poet_engine import _json, _units
from poet_engine.cli.source_files import MOST_BYTES, decode, read_text
from poet_engine.errors import UsageError

if TYPE_CHECKING:
    from poet_engine.policy import Policy

_FORM = "a JSON array gives positional arguments, an object keyword arguments"


def read_arguments(text: str | None, *, stdin: Callable[[int], bytes]) -> tuple[tuple[object, ...], dict[str, object]]:
    """Read the positional and the keyword arguments that `--args` names.

    Args:
        text: JSON, `@` and a file's path, `-` for standard input, or None for no arguments.
        stdin: Reads at most so many bytes from standard input.

    Raises:
        UsageError: The text cannot be read, or is not strict JSON: duplicate keys and NaN are errors too.
    """
    if text is None:
        return (), {}
    raw, label = _fetch(text, stdin)
    return arguments(parse_json(raw, label), label)


def arguments(value: object, label: str) -> tuple[tuple[object, ...], dict[str, object]]:
    """Return the positional and the keyword arguments that a JSON array or object stands for.

    Raises:
        UsageError: It is neither, or a key cannot be a parameter's name.
    """
    if isinstance(value, list):
        return tuple(value), {}
    if isinstance(value, dict):
        for name in value:
            if not name.isidentifier() or keyword.iskeyword(name):
                raise UsageError(f"{label}: {name!r} cannot be the name of a keyword argument; {_FORM}")
        return (), value
    example = json.dumps(value, ensure_ascii=False)[:40]
    raise UsageError(f"{label} is {named(value)}, but {_FORM}: for one argument write [{example}]")


def parse_json(raw: str, label: str, *, form: str = _FORM) -> object:
    """Parse strict JSON: no duplicate keys, no NaN, no number that a float cannot hold, no lone surrogate.

    Args:
        raw: The text.
        label: What errors call it.
        form: What it should hold, for who gets an error.

    Raises:
        UsageError: It is something else; the message says where.
    """
    try:
        value = _json.decode(raw)
        # A lone surrogate is found here, and not by the sandbox, so that the message can name the option. ASCII without
        # escapes has none.
        if "\\u" in raw or not raw.isascii():
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{label} is not JSON: {error.msg} on line {error.lineno}, column {error.colno}; {form}",
        ) from error
    except UnicodeEncodeError as error:
        raise UsageError(f"{label} has half of a surrogate pair in a string, which is not text") from error
    except RecursionError as error:
        raise UsageError(f"{label} is nested too deeply") from error
    except _json.LaxJsonError as error:
        mend = "; pass it as text and convert it in the function" if isinstance(error, _json.NotANumberError) else ""
        raise UsageError(f"{label} {error}{mend}") from error
    return value


def parse_duration(text: str, label: str) -> float:
    """Return the seconds in a text such as `5s`, `250ms`, `2m` or `1.5`.

    Raises:
        UsageError: It is no such text, or not above 0.
    """
    try:
        seconds = _units.seconds(text)
    except ValueError:
        seconds = 0.0
    if not seconds:
        raise UsageError(f"{label} {text!r} is not a duration above 0: write 5s, 250ms or 2m")
    return seconds


def wall_of(timeout: str | None, policy: "Policy") -> float | None:
    """Return the seconds that `--timeout` leaves a call; None where it was not given.

    Raises:
        UsageError: It is no duration, or more than the policy gives.
    """
    wall = None if timeout is None else parse_duration(timeout, "--timeout")
    if wall is not None and wall > policy.limits.wall:
        raise UsageError(
            f"--timeout {timeout} is more than the policy {policy.name!r} gives a call ({policy.limits.wall:g}s); "
            "ask for less, or name a policy with a larger limits.wall",
        )
    return wall


def _fetch(text: str, stdin: Callable[[int], bytes]) -> tuple[str, str]:
    """Fetch the JSON text, and return it with the name that messages give it."""
    if text == "-":
        data = stdin(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UsageError(f"standard input is longer than the {MOST_BYTES} bytes that are read at most")
        return decode(data, "standard input"), "standard input"
    if text.startswith("@"):
        return read_text(Path(text[1:]), pipes=True), f"the file {text[1:]}"
    return text, "--args"


def named(value: object) -> str:
    """Return the kind of a JSON value, for a message."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return "text" if isinstance(value, str) else "a number"
