"""The log of decorated functions: reasons once, versions' output made safe to look at, and breakers' transitions."""

import logging
from pathlib import PurePath

from poet_engine._fork import ForkedLock
from poet_engine._text import visible
from poet_engine.decorator.states import OriginalOnly, Serving
from poet_engine.events import BreakerPayload
from poet_engine.outcome import Effect, Outcome
from poet_engine.resilience.breaker import Transition, VersionKey
from poet_engine.resilience.breaker.registry import BreakerKey
from poet_engine.resilience.call_report import CallReport, Rung

_logger = logging.getLogger("poet_engine")
_guest_logger = logging.getLogger("poet_engine.guest")

_MOST_CHARACTERS, _MOST_LINES = 8000, 200  # of one stream of one call; the outcome has all that was kept


class OnceLogger:
    """Logs about one function; each kind of thing once in a process.

    Args:
        function: The function's qualified name.
    """

    def __init__(self, function: str) -> None:
        self._function = function
        self._lock = ForkedLock()
        self._told: set[str] = set()

    def __repr__(self) -> str:
        return f"<OnceLogger {self._function} told={len(self._told)}>"

    def once(self, kind: str, text: str, error: Exception | None = None, *, level: int = logging.WARNING) -> None:
        """Log a text, unless one of the same kind was logged before.

        Args:
            kind: What counts as the same thing.
            text: What follows the function's name.
            error: Something unexpected, whose traceback is wanted.
            level: How loud.
        """
        with self._lock:
            if kind in self._told:
                return
            self._told.add(kind)
        _logger.log(level, "%s %s", self._function, harmless(text), exc_info=error)

    def state(self, state: Serving | OriginalOnly) -> None:
        """Log who answers its calls, and why."""
        match state:
            case OriginalOnly(reason=reason, chosen=True):
                self.once("hosted", f"runs in the host: {reason}", level=logging.INFO)
            case OriginalOnly(reason=reason):
                again = ". It is tried again by itself" if state.passing else ""
                self.once("hosted", f"is served by the original: {reason}{again}")
            case Serving(ignored=None):
                self.once("sandboxed", state.described(), level=logging.INFO)
            case Serving():
                name = state.version.name
                self.once("sandboxed", state.described(), level=logging.INFO)
                self.once(
                    "replaced",
                    f"is answered by {name}, since its own body ignores {state.ignored!r}; let the body use it, or "
                    "leave out domain=, to keep what the body answers (.original is the body)",
                )

    def answered(self, report: CallReport) -> None:
        """Log once for each kind of failure why somebody else answered."""
        if report.once is not None:
            self.once("once", f"had one attempt; say idempotent=True where it may run again: {report.once}")
        if report.fallback_reason is None or report.asked is None or report.served_by == Rung.GENERATED:
            return
        who = {None: "nobody", Rung.ORIGINAL: "the original"}.get(report.by, "an older version")
        outcome, away = report.outcome, report.turned_away
        if outcome is not None and outcome.ok:
            return  # it ran in the shadow of the original
        if outcome is not None:
            kind, because = f"{report.asked}: {outcome.status}/{outcome.cause}", f", because {report.asked} failed"
            self.once(kind, f"was answered by {who}{because}: {report.fallback_reason}")
        elif away is not None:
            self.once(away.by, f"was answered by {who}: {report.fallback_reason}")

    def output(self, outcome: Outcome) -> None:
        """Pass on what the version printed, a record a line: stdout as information, stderr as a warning.

        Only to whoever listens: without any handler, Python itself would write warnings to this process's stderr.
        """
        for text, level, cut in (
            (outcome.stdout, logging.INFO, outcome.stdout_truncated),
            (outcome.stderr, logging.WARNING, outcome.stderr_truncated),
        ):
            if (text or cut) and _guest_logger.isEnabledFor(level) and _guest_logger.hasHandlers():
                for line in lines(text, cut=cut):
                    _guest_logger.log(level, "%s: %s", self._function, line)

    def warnings(self, version: str, outcome: Outcome) -> None:
        """Log what the policy wants the caller to hear of, once for each rule and version."""
        for finding in outcome.findings:
            if finding.effect is Effect.WARN:
                where = f" on line {finding.line}" if finding.line else ""
                note = f" ({finding.note})" if finding.note else ""
                self.once(
                    f"{version}: {finding.rule} {finding.note}",
                    f"has a warning about {version}: {finding.rule}{where}: {finding.message}{note}",
                )


def lines(text: str, *, cut: bool) -> list[str]:
    """Return a guest's output as harmless lines, and a last one that says what is missing.

    Args:
        text: What was kept of it.
        cut: Whether the sandbox kept only its beginning.
    """
    shown = text[:_MOST_CHARACTERS].removesuffix("\n").split("\n", _MOST_LINES)
    rest = len(text) - _MOST_CHARACTERS if len(text) > _MOST_CHARACTERS else 0
    if len(shown) > _MOST_LINES:
        rest += len(shown.pop())
    told = [harmless(line) for line in shown] if text else []
    if rest:
        told.append(f"… {rest:,} more characters")
    if cut:
        told.append("… what followed was over limits.output and was not kept")
    return told


def harmless(text: str) -> str:
    """Make a guest's text fit for a log: cut, nothing that acts on a terminal, no line that could pass for a record.

    Line ends stay, and each further line is indented.
    """
    if len(text) > _MOST_CHARACTERS:
        text = f"{text[:_MOST_CHARACTERS]} … {len(text) - _MOST_CHARACTERS} more characters"
    return visible(text, keep="\t\n").replace("\n", "\n    ")


def transition_payload(key: BreakerKey, transition: Transition) -> BreakerPayload:
    """Return the payload of a transition's event; a version is named as its calls' events name it."""
    ours = key if isinstance(key, VersionKey) else VersionKey(f"backend {key.backend}", "", key.backend)
    return BreakerPayload(
        function_name=ours.name or PurePath(ours.function).name,
        version=ours.version or None,
        sandbox=ours.sandbox,
        old_state=str(transition.old),
        new_state=str(transition.new),
        reason=transition.reason[:_MOST_CHARACTERS],
        failure_rate=transition.failure_rate,
        slow_call_rate=transition.slow_call_rate,
        calls=transition.counts.calls,
        wait_s=transition.wait,
        pinned=transition.pinned,
        manual=transition.manual,
        module=ours.module,
    )
