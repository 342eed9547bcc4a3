"""The modes of a program (`POET_MODE`), and the calls that they leave to the original."""

from collections.abc import Callable
from typing import Literal

Mode = Literal["off", "shadow", "canary", "on"]

CANARY_SHARE = 0.1
OFF = "POET_MODE is off, so no version is made or asked; set it to on, or unset it"

_CANARY = (
    f"POET_MODE is canary, so the version answers one call in {1 / CANARY_SHARE:.0f}, and this one is the original's"
)
_ONCE = "POET_MODE is shadow, but with idempotent=False the body runs once for a call, and that is the original"


def bypass_reason(mode: Mode, *, idempotent: bool | None, random: Callable[[], float]) -> str | None:
    """Return why a call is left to the original although a version stands ready; None where the version is asked.

    Args:
        mode: The program's.
        idempotent: Whether the body may run more than once for a call; None where nobody has said so.
        random: A random number, 0 <= n < 1, for each call.
    """
    if mode == "canary" and random() >= CANARY_SHARE:
        return _CANARY
    return _ONCE if mode == "shadow" and idempotent is False else None


def in_shadow(version: str) -> str:
    """Return why the original answers although the version has run."""
    return f"POET_MODE is shadow, so {version} only ran beside the original"
