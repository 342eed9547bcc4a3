"""The errors that callers may catch. Every message has the problem, the reason and the remedy."""


class PoetError(Exception):
    """The base of all errors that this package raises on purpose."""


class UsageError(PoetError, ValueError):
    """The call itself was wrong: a missing file, an unknown name, an impossible value. The command line exits 2."""


class PolicyError(UsageError):
    """A policy that cannot be used.

    Args:
        message: The problem and the remedy.
        file: The file of the policy, or a label such as `<string>`.
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
    """A value that has no safe form on the wire.

    Args:
        where: The path to it, such as `argument 'rows'[3].handle`.
        kind: The name of its type.
        why: The rule of the codec that it breaks; the default says that the type has no form at all.
        mend: The remedy; the default lists the types that have a form.
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
    """An image of the Docker sandbox is missing, stale or cannot be built; the message has the remedy."""


class DockerError(PoetError):
    """The Docker daemon failed.

    Args:
        message: The problem, the reason and the remedy.
        fault: The kind of fault, in one word such as `no_daemon`, `permission` or `disk_full`.
    """

    def __init__(self, message: str, *, fault: str) -> None:
        super().__init__(message)
        self.fault = fault


class OutcomeError(PoetError):
    """A call that did not end `ok`, raised by `Outcome.unwrap()`; `outcome` has all details.

    Args:
        message: The outcome in one sentence, with the evidence.
        outcome: The `Outcome` that this error was made from.
    """

    def __init__(self, message: str, outcome: object = None) -> None:
        super().__init__(message)
        self.outcome = outcome


class InputRefused(OutcomeError, ValueError):  # noqa: N818 - the name is a published contract
    """The version refused an argument: the caller's input breaks a rule of the function."""


class ZeroRefused(InputRefused, ZeroDivisionError):  # noqa: N818 - named like its base
    """A zero was refused by which the body would divide; handlers of the body's own error catch this one."""


class RejectedError(OutcomeError):
    """The gate rejected the source."""


class GuestError(OutcomeError):
    """The code raised an exception or exited with a code other than 0."""


class LimitError(OutcomeError):
    """The code exceeded one of its limits."""


class CrashError(OutcomeError):
    """The code died of a signal."""


class ViolationError(OutcomeError):
    """The code attempted an action that its policy forbids, and was stopped."""


class NoResultError(OutcomeError):
    """The code ended without a readable result."""


class CancelledError(OutcomeError):
    """The caller or a shutdown ended the call."""


class InfraError(OutcomeError):
    """Our own fault: the sandbox failed."""


class SandboxUnavailableError(InfraError):
    """No sandbox here passes the isolation checks that the policy requires; the message names each and its remedy."""


class NotServedError(PoetError):
    """No attempt was allowed to answer a call: too many run or wait already, or a breaker is open.

    Args:
        message: The problem, the reason and the remedy.
        by: The part of the pipeline that refused the call: `breaker`, `bulkhead`, `rate_limit` or `deadline`.
        retry_after: Seconds after which a retry may succeed; None where that is unknown.
    """

    def __init__(self, message: str, *, by: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.by, self.retry_after = by, retry_after
