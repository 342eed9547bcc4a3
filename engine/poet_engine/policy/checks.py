"""Readers of single policy values: each returns the value in the engine's type or raises ValueError."""

import enum
import ipaddress
import re
from typing import TypeVar

from poet_engine import _units
from poet_engine.policy.names import STAR, normal

Member = TypeVar("Member", bound=enum.StrEnum)

DEFAULT_RUNTIME = "default"

_DOTTED = r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*"
_NAME = re.compile(_DOTTED)
ABSOLUTE_PATTERN = "^/"
MODULE_PATTERN = f"^{_DOTTED}$"
NAMES_PATTERN = rf"^(?:\*|{_DOTTED}(?:\.\*|\?)?)$"
_NAMES = re.compile(NAMES_PATTERN[1:-1])
RUNTIME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_RUNTIME = re.compile(RUNTIME_PATTERN[1:-1])
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LONGEST_HOST = 253
_LAST_PORT = 65535


def whole(value: object, low: int, high: int) -> int:
    """Return a whole number within `low` … `high`.

    Raises:
        ValueError: The value has another type or is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"expected a whole number, not {value!r}")  # noqa: TRY004 - one kind of error for a bad value
    if not low <= value <= high:
        raise ValueError(f"{value} is out of range: {low} to {high}")
    return value


def number(value: object, low: float, high: float) -> float:
    """Return a number within `low` … `high`.

    Raises:
        ValueError: The value has another type or is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, not {value!r}")  # noqa: TRY004 - one kind of error for every bad value
    if not low <= value <= high:  # nan fails this too
        raise ValueError(f"{value} is out of range: {low:g} to {high:g}")
    return float(value)


def duration(value: object, low: float, high: float) -> float:
    """Return a duration in seconds within `low` … `high`.

    Raises:
        ValueError: The value is no duration or out of range.
    """
    result = _units.seconds(value)
    if not low <= result <= high:
        raise ValueError(f"{value!r} is out of range: {low:g}s to {high:g}s")
    return result


def size(value: object, low: int, high: int, why: str) -> int:
    """Return a size in bytes within `low` … `high`; `why` is the reason for the lower end, in the error.

    Raises:
        ValueError: The value is no size or out of range.
    """
    result = _units.size(value)
    if result < low:
        raise ValueError(f"{value!r} is out of range: at least {low} bytes, because {why}")
    if result > high:
        raise ValueError(f"{value!r} is out of range: at most {high} bytes")
    return result


def choice(value: object, kind: type[Member]) -> Member:
    """Return the member of an enumeration with this value.

    Raises:
        ValueError: There is no such member.
    """
    for member in kind:
        if value == member.value and isinstance(value, str):
            return member
    raise ValueError(f"expected one of {', '.join(kind)}, not {value!r}")


def switch(value: object) -> bool:
    """Return true or false.

    Raises:
        ValueError: It is something else.
    """
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, not {value!r}")  # noqa: TRY004 - one error for every wrong value
    return value


def texts(value: object) -> tuple[str, ...]:
    """Return a list of distinct texts as a tuple.

    Raises:
        ValueError: The value is no list of texts, or one appears twice.
    """
    if not isinstance(value, list) or not {str}.issuperset(map(type, value)):
        raise ValueError(f'expected a list of texts such as ["a", "b"], not {value!r}')
    seen: dict[str, None] = {}
    for item in value:
        if item in seen:
            raise ValueError(f"{item!r} appears twice")
        seen[item] = None
    return tuple(seen)


def module(value: object) -> str:
    """Return a dotted module name without private parts.

    Raises:
        ValueError: The value is no module name, or a part of it is private.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is not the name of a public module such as 'numpy' or 'scipy.stats'")
    return value


def absolute_paths(value: object) -> tuple[str, ...]:
    """Return a list of absolute paths, sorted.

    Raises:
        ValueError: The value is no such list.
    """
    for item in texts(value):
        if not item.startswith("/") or "\0" in item:
            raise ValueError(f"{item!r} is no absolute path such as '/home/me/shop'")
    return tuple(sorted(texts(value)))


def modules(value: object) -> tuple[str, ...]:
    """Return a list of dotted module names, sorted: the order of imports makes no difference.

    Raises:
        ValueError: The value is no such list.
    """
    return tuple(sorted(module(item) for item in texts(value)))


def names(value: object) -> tuple[str, ...]:
    """Return a list of dotted names below a module; `*` stands for every public name of its level.

    Raises:
        ValueError: The value is no such list, or a part is private.
    """
    if isinstance(value, dict):
        raise ValueError('a dotted module name needs quotes, such as "scipy.stats" = ["*"]')  # noqa: TRY004 - one kind of error for every bad value
    if value == [STAR]:  # most modules of most policies
        return (STAR,)
    result = texts(value)
    for item in result:
        if not _NAMES.fullmatch(item):
            raise ValueError(f"{item!r} is not a public name such as 'mean', 'linalg.norm', 'linalg.*' or '*'")
    return normal(result)


def runtime(value: object) -> str | None:
    """Return the name of a container runtime; None for `default`, the daemon's own.

    Raises:
        ValueError: The value is no such name.
    """
    if not isinstance(value, str) or not _RUNTIME.fullmatch(value):
        raise ValueError(
            f"expected 'default' or a runtime that the Docker daemon knows, such as 'runc' or 'runsc', not {value!r}"
        )
    return None if value == DEFAULT_RUNTIME else value


def endpoints(value: object) -> tuple[str, ...]:
    """Return a list of `host:port`, hosts in lower case.

    Raises:
        ValueError: The value is no such list.
    """
    return tuple(sorted({_endpoint(item) for item in texts(value)}))


def public_endpoints(value: object) -> tuple[str, ...]:
    """Return a list of `host:port` without private or loopback addresses, which can never be reached as public ones.

    Raises:
        ValueError: The value is no such list.
    """
    found = endpoints(value)
    for item in found:
        host = item.rpartition(":")[0].strip("[]")
        try:
            public = ipaddress.ip_address(host).is_global
        except ValueError:  # a name: the sandbox checks the address when it is resolved
            public = host != "localhost" and not host.endswith(".localhost")
        if not public:
            raise ValueError(f"{item!r} is no public address, so it can never be reached; list it in allow_private")
    return found


def _endpoint(item: str) -> str:
    host, colon, port = item.rpartition(":")
    if not colon or not host:
        raise ValueError(f"{item!r} has no port; write 'host:port', such as 'api.example.org:443'")
    if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= _LAST_PORT):
        raise ValueError(f"{item!r} has the port {port[:20]!r}; a port is 1 to {_LAST_PORT}")
    if host.startswith("[") and host.endswith("]"):
        return f"[{ipaddress.IPv6Address(host[1:-1])}]:{int(port)}"
    host = host.lower()
    if host.replace(".", "").isdigit():
        return f"{ipaddress.IPv4Address(host)}:{int(port)}"
    if len(host) > _LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise ValueError(
            f"{item!r} does not begin with a host name or an address (no scheme, no path, no wildcard; "
            "an IPv6 address goes in square brackets)"
        )
    return f"{host}:{int(port)}"
