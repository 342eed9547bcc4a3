"""What callers may catch. Every error says what happened, why, and how to mend it."""


class PoetError(Exception):
    """The root of everything that this package raises on purpose."""


class UsageError(PoetError, ValueError):
    """The call itself was wrong: a missing file, an unknown name, an impossible value. The command line exits 2."""


class PolicyError(UsageError):
    """A policy that cannot be used.

    Args:
        message: What is wrong and what would be right.
        file: Where the policy came from, or a label such as `<string>`.
        line: The 1-based line of the key, when it is known.
        key: The dotted key, such as `limits.memory`.
    """

    def __init__(
        self, message: str, *, file: str = "<policy>", line: int | None = None, key: str | None = None
    ) -> None:
        where = file if line is None else f"{file}:{line}"
        super().__init__(f"{where}: {key}: {message}" if key else f"{where}: {message}")
        self.file, self.line, self.key = file, line, key


class SerializationError(UsageError):
    """A value that the codec has no safe form for.

    Args:
        where: The path to it, such as `argument 'rows'[3].handle`.
        kind: Its type's name.
        why: Which rule of the codec it breaks; the default says that the type has no form at all.
        mend: What to do about it; the default lists what travels.
    """

    def __init__(
        self, where: str, kind: str, why: str = "this type has no safe form on the wire", *, mend: str = ""
    ) -> None:
        mend = mend or (
            "Pass plain data instead "
            "(numbers, text, bytes, lists, tuples, sets, mappings, dates, Decimal, UUID, arrays, columns and frames)"
        )
        super().__init__(f"{where} is a {kind} and cannot travel into or out of the sandbox: {why}. {mend}.")
        self.where, self.kind = where, kind


class SourceUnavailableError(UsageError):
    """A function whose source cannot be read or does not stand on its own."""


class ClosedError(PoetError):
    """An engine or sandbox was used after it was closed, or from a process that forked from its owner."""


class ImageError(PoetError):
    """An image of the Docker sandbox is missing, stale or cannot be built; the message names what mends it."""


class DockerError(PoetError):
    """The Docker engine could not do its part.

    Args:
        message: What happened, why, and how to mend it.
        fault: The kind of fault, in one word such as `no_daemon`, `permission` or `disk_full`.
    """

    def __init__(self, message: str, *, fault: str) -> None:
        super().__init__(message)
        self.fault = fault


class OutcomeError(PoetError):
    """A call that did not end `ok`, raised by `Outcome.unwrap()`; `outcome` holds the whole story.

    Args:
        message: What happened, with the evidence.
        outcome: The `Outcome` that this error was made from.
    """

    def __init__(self, message: str, outcome: object = None) -> None:
        super().__init__(message)
        self.outcome = outcome


class InputRefused(OutcomeError, ValueError):  # noqa: N818 - the name is a published contract
    """The version refused an argument: the caller's input breaks a rule of the function."""


class ZeroRefused(InputRefused, ZeroDivisionError):  # noqa: N818 - named like its base
    """A zero was refused by which the body would divide: whoever caught the body's own error catches this one."""


class RejectedError(OutcomeError):
    """The gate did not let the source run."""


class GuestError(OutcomeError):
    """The code raised an exception or exited with a code other than 0."""


class LimitError(OutcomeError):
    """The code ran into one of its budgets."""


class CrashError(OutcomeError):
    """The code died of a signal."""


class ViolationError(OutcomeError):
    """The code tried what its policy forbids and was stopped."""


class NoResultError(OutcomeError):
    """The code ended without a result that can be read."""


class CancelledError(OutcomeError):
    """The caller or a shutdown ended the call."""


class InfraError(OutcomeError):
    """Our own fault: the sandbox could not do its part."""


class SandboxUnavailableError(InfraError):
    """No sandbox on this machine has the walls that the policy requires; the message names each and its remedy."""


class NotServedError(PoetError):
    """Nobody was allowed to answer a call: too many run or wait already, or a breaker is open.

    Args:
        message: What happened, why, and how to mend it.
        by: What turned the call away: `breaker`, `bulkhead`, `rate_limit` or `deadline`.
        retry_after: Seconds after which it is worth trying again; None where nobody knows.
    """

    def __init__(self, message: str, *, by: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.by, self.retry_after = by, retry_after
