"""The options of `@poet`. They are made when a program is imported, so they load nothing that only calls need."""

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from poet_engine.policy import Policy

RETRIES = 3
OBJECTIVE_ALONE = "optimize_for= without domain= means domain='base', which has no built-in code yet"
RETRY_ON: tuple[type[Exception], ...] = (ConnectionError, TimeoutError)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that `@poet` was given.

    Attributes:
        domain: The domain's name; None where the function's own body answers.
        optimize_for: What matters most, kept with the version.
        policy: Overrides the domain's policy.
        timeout: Seconds that all attempts of a call may take together; None for 5 s, with which an original in the host
            is not interrupted.
        retries: Attempts after the first one; None for as many as there is time for.
        idempotent: Whether the body may run more than once for a call; None where that is for the body to show.
        retry_on: Exceptions that may go away by themselves.
        record: Whether calls of a version are recorded with their arguments; None for what `POET_RECORD` says.
    """

    domain: str | None = None
    optimize_for: str | None = None
    policy: "Policy | str | Path | None" = None
    timeout: float | None = None
    retries: int | None = RETRIES
    idempotent: bool | None = None
    retry_on: tuple[type[Exception], ...] = RETRY_ON
    record: bool | None = None
