"""The result of one attempt, and pure questions about it."""

import dataclasses
import email.message
import email.utils
from collections.abc import Callable, Iterable, Mapping

from poet_engine.outcome import Outcome, Status

# `setup`, and what is said of the queue, say in so many words that no code was released. `lane_lost` does not.
_BEFORE_RELEASE = frozenset(("setup", "queue_timeout", "queue_stalled", "queue_full"))
_LONGEST_HEADER = 100


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """The result of one attempt: of a version in the sandbox, or of the original in this process.

    Attributes:
        value: What it returned.
        outcome: The sandbox's; None where the original ran.
        error: What the original raised, the very object.
        untried: Why a version could not even be given to the sandbox, such as an argument that cannot travel.
    """

    value: object = None
    outcome: Outcome | None = None
    error: BaseException | None = None
    untried: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.error is None and self.untried is None and (self.outcome is None or self.outcome.ok)

    @property
    def refused(self) -> bool:
        """Whether a version refused an argument: the caller's fault, and nobody else is asked."""
        return self.outcome is not None and self.outcome.status is Status.REFUSED

    @property
    def violated(self) -> bool:
        """Whether a version broke out of its policy, as far as it could: nothing excuses it."""
        return self.outcome is not None and self.outcome.status is Status.VIOLATION


def in_short(answer: AttemptResult) -> str:
    """Return a result in a word or two: status and cause, or the class of what was raised."""
    if answer.error is not None:
        return f"raised {type(answer.error).__name__}"
    if answer.untried is not None:
        return "untried"
    outcome = answer.outcome
    if outcome is None:
        return "ok"
    return str(outcome.status) if outcome.cause is None else f"{outcome.status}/{outcome.cause}"


def body_never_started(answer: AttemptResult) -> bool:
    """Whether it is certain that not one line of the function's body ran, so that another may run instead.

    Rejected by the gate, not given to the sandbox, or a failure of ours before the code was released. Everything else
    may have had effects, also a call that was cancelled and a lane that was lost.
    """
    if answer.untried is not None:
        return True
    outcome = answer.outcome
    if outcome is None:
        return False
    if outcome.status is Status.REJECTED:
        return True
    return outcome.status is Status.INFRA and outcome.cause in _BEFORE_RELEASE


@dataclasses.dataclass(frozen=True, slots=True)
class Transient:
    """The failures that may go away by themselves.

    Attributes:
        classes: Of exceptions that the original raises here.
        names: Of exceptions that a version raises in its sandbox: text, compared and never looked up.
    """

    classes: tuple[type[Exception], ...]
    names: frozenset[str]

    @classmethod
    def of(cls, classes: Iterable[type[Exception]]) -> "Transient":
        """The classes themselves, and their names with those of the subclasses that Python itself has."""
        given = tuple(classes)
        return cls(given, frozenset[str]().union(*(_names(one) for one in given)))

    def holds(self, answer: AttemptResult) -> bool:
        """Whether another attempt may end differently: a fault of ours, or what the function's `retry_on` names."""
        if answer.error is not None:
            return isinstance(answer.error, self.classes)
        outcome = answer.outcome
        if outcome is None:
            return False
        if outcome.status is Status.INFRA:
            return True
        raised = outcome.status is Status.ERROR and outcome.cause == "exception" and outcome.error is not None
        return raised and outcome.error is not None and outcome.error.type in self.names


def _names(one: type[Exception]) -> frozenset[str]:
    below = (child for child in one.__subclasses__() if child.__module__ == "builtins")
    return frozenset((one.__name__,)).union(*(_names(child) for child in below))


def asked_to_wait(answer: AttemptResult, *, now: Callable[[], float]) -> float | None:
    """Seconds that the failure itself asks callers to stay away; None where it says nothing.

    An exception of this process may have the number as `retry_after`, or a response with the header `Retry-After`
    (RFC 9110, section 10.2.3), as those of requests, httpx and urllib have. A version's exception is text, and says
    nothing.

    Args:
        answer: What failed.
        now: Seconds since the epoch: the header may name a date.
    """
    if answer.error is None:
        return None
    try:
        return _seconds(_asked(answer.error), now)
    except Exception:  # noqa: BLE001 - the user's own class may fail when it is read; then it asks for nothing
        return None


def _asked(error: BaseException) -> object:
    own: object = getattr(error, "retry_after", None)
    if own is not None:
        return own
    for holder in (getattr(error, "response", None), error):  # urllib's error is its own response
        headers: object = getattr(holder, "headers", None)
        if isinstance(headers, Mapping | email.message.Message):
            return headers.get("Retry-After")
    return None


def _seconds(asked: object, now: Callable[[], float]) -> float | None:
    if isinstance(asked, str) and len(asked) <= _LONGEST_HEADER:
        return _header_seconds(asked.strip(), now)
    if isinstance(asked, int | float) and not isinstance(asked, bool) and asked >= 0:  # also what nan fails
        return float(asked)
    return None


def _header_seconds(text: str, now: Callable[[], float]) -> float | None:
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - now())
