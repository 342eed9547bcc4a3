"""The gate on the host: sends sources to a worker process, as no hostile source is parsed in this process."""

import collections
import contextlib
import hashlib
import os
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Self, TypeVar

from poet_engine.errors import ClosedError, InfraError, UsageError
from poet_engine.gate.module_exports import ModuleExports
from poet_engine.gate.report import GateStatistics, ScanReport
from poet_engine.gate.reporter import fingerprint
from poet_engine.gate.rules import CAUSES, RULES, TOO_LARGE, GateRule
from poet_engine.gate.worker_client import Fault, WorkerClient, WorkerGoneError, WorkerLimits
from poet_engine.outcome import Finding, Severity
from poet_engine.policy import Mode, Policy

T = TypeVar("T")

_REPORTS = 1024
_MAX_UNDECORATE = 4 * 2**20


class _Scanned(NamedTuple):
    """A worker's report on a source."""

    findings: tuple[Finding, ...]
    cause: str | None
    absent: tuple[tuple[str, str], ...] = ()


class _Slot:
    """Reference to the worker, apart from the gate, so that the finalizer does not keep the gate alive."""

    __slots__ = ("link",)

    def __init__(self) -> None:
        self.link: WorkerClient | None = None


class Gate:
    """Scan sources in a warm worker process; safe to use from many threads, one scan at a time.

    The worker starts at the first use or with `start()`. A source that ends it is rejected, and the next scan gets a
    new one. Where something else ended the worker, a new one scans the source again, once.

    Args:
        limits: The limits of one scan.
        clock: Seconds on a clock that never goes back.
    """

    def __init__(self, *, limits: WorkerLimits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits or WorkerLimits(), clock
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._closed = False
        self._reports: collections.OrderedDict[tuple[str, str, str], ScanReport] = collections.OrderedDict()
        self._scans = self._cached = self._workers = self._deaths = 0
        self._slot = _Slot()
        self._finalizer = weakref.finalize(self, _finalize, self._slot, self._owner)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        link = self._slot.link
        state = "closed" if self._closed else "no worker" if link is None else f"worker {link.pid}"
        return f"<Gate {state}, {self._scans} scans, {len(self._reports)} kept, {self._deaths} workers lost>"

    def close(self) -> None:
        """End the worker. Safe to call twice; a closed gate scans nothing."""
        with self._lock:
            self._closed = True
            self._finalizer.detach()
            self._drop()

    def statistics(self) -> GateStatistics:
        """Return the counts since the gate was created."""
        return GateStatistics(scans=self._scans, cached=self._cached, workers=self._workers, deaths=self._deaths)

    def scan(self, source: str, policy: Policy, package: str = "") -> ScanReport:
        """Scan a source under a policy; a source that cannot be scanned has a finding that says why.

        Args:
            source: The source.
            policy: The policy.
            package: The package that its relative imports begin in.

        Raises:
            ClosedError: The gate was closed, or belongs to the process we were forked from.
            InfraError: The worker cannot be started, or was ended twice, and not by the source.
        """
        digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
        with self._lock:
            self._ensure_usable()
            self._scans += 1
            key = (digest, policy.digest, package)
            known = self._reports.get(key)
            if known is not None:
                self._reports.move_to_end(key)
                self._cached += 1
                return known
            began = self._clock()
            findings, cause, absent = self._scan_source(source, policy, package)
            report = ScanReport(
                findings=findings,
                digest=digest,
                cause=cause,
                mode=policy.static.mode,
                duration_ms=(self._clock() - began) * 1000,
                absent=absent,
            )
            self._reports[key] = report
            if len(self._reports) > _REPORTS:
                self._reports.popitem(last=False)
            return report

    def exports(self, source: str, package: str = "") -> ModuleExports:
        """Return the names that a module of a project offers and imports; none where it cannot be read.

        Raises:
            ClosedError: The gate was closed, or belongs to the process we were forked from.
            InfraError: The worker cannot be started, or was ended twice, and not by the source.
        """
        if len(source) > _MAX_UNDECORATE:
            return ModuleExports((), {}, ())  # its scan says that it is too large
        with self._lock:
            self._ensure_usable()
            try:
                answer = self._ask(lambda link: link.ask({"do": "exports", "source": source, "package": package}))
            except WorkerGoneError:
                return ModuleExports((), {}, ())
        return _exports(answer)

    def python_cells(self, cells: Sequence[str]) -> list[str]:
        """Return the cells of a notebook as Python, each line in its place, as they are scanned and run.

        A cell that cannot be read stays as it is: its scan says so.

        Raises:
            ClosedError: The gate was closed, or belongs to the process we were forked from.
            InfraError: The worker cannot be started, or was ended twice, and not by the cells.
        """
        given = list(cells)
        if sum(map(len, given)) > _MAX_UNDECORATE:
            return given
        with self._lock:
            self._ensure_usable()
            try:
                answer = self._ask(lambda link: link.ask({"do": "cells", "cells": given}))
            except WorkerGoneError:
                return given
        found = answer.get("cells")
        if not isinstance(found, list) or len(found) != len(given) or not all(isinstance(cell, str) for cell in found):
            return given
        return found

    def undecorate(self, source: str) -> str:
        """Return the source with `@poet…` decorators and imports of `poet_engine` blanked out, every line in its place.

        Raises:
            UsageError: The source does not parse.
            ClosedError: The gate was closed, or belongs to the process we were forked from.
            InfraError: The worker cannot be started, or was ended twice, and not by the source.
        """
        if len(source) > _MAX_UNDECORATE:
            raise UsageError(f"the source has {len(source):,} characters; at most {_MAX_UNDECORATE:,} can be read")
        with self._lock:
            self._ensure_usable()
            try:
                answer = self._ask(lambda link: link.ask({"do": "undecorate", "source": source}))
            except WorkerGoneError as error:
                raise UsageError(f"the source cannot be read: {error}; make it shorter and flatter") from None
        text = answer.get("source")
        if isinstance(text, str):
            return text
        line = answer.get("line")
        where = f" on line {line}" if isinstance(line, int) else ""
        raise UsageError(f"the source does not parse{where}: {answer.get('error')}; correct the syntax")

    def _scan_source(self, source: str, policy: Policy, package: str) -> "_Scanned":
        if len(source) > policy.static.max_bytes:  # it has at least as many bytes
            cap = policy.static.max_bytes
            what = f"The source has {len(source):,} characters; the policy allows {cap:,} bytes"
            return _Scanned((_finding(RULES["POET101"], what, source),), TOO_LARGE)
        try:
            return self._ask(lambda link: _ask_for_findings(link, source, policy, package))
        except WorkerGoneError as error:
            rule = RULES["POET150" if error.second else "POET100"]
            finding = _finding(rule, f"The source was not scanned to the end: {error}", source)
            return _Scanned((finding,), rule.cause)

    def _ask(self, ask: Callable[[WorkerClient], T]) -> T:
        """Return a worker's answer; ask a second worker where the first was ended by something else than the task.

        Raises:
            WorkerGoneError: The task ended the worker, or both workers were killed and the second had used nearly
                all of its limits. The worker is replaced.
            InfraError: The worker cannot be started, or both workers ended and nothing shows that the task caused it.
        """
        try:
            return ask(self._worker())
        except WorkerGoneError as error:
            self._replace()
            if error.fault is Fault.TASK:
                raise
        try:
            return ask(self._worker())
        except WorkerGoneError as error:
            self._replace()
            if error.fault is not Fault.MACHINE:
                raise
            why = f"the scan did not finish, twice: {error}, and the source had no part in it"
            raise InfraError(f"{why}; try again, and see whether the machine is short of memory") from None

    def _ensure_usable(self) -> None:
        if self._closed:
            raise ClosedError("this gate was closed; make a new one")
        if os.getpid() != self._owner:
            raise ClosedError("this gate belongs to the process that this one was forked from; make a new one here")

    def start(self) -> None:
        """Start the worker now, so that the first scan waits less. Returns at once.

        Raises:
            ClosedError: The gate was closed, or belongs to the process we were forked from.
            InfraError: The worker cannot be started.
        """
        with self._lock:
            self._ensure_usable()
            self._ensure_client()

    def _ensure_client(self) -> WorkerClient:
        if self._slot.link is None:
            self._workers += 1
            self._slot.link = WorkerClient(self._limits, clock=self._clock)
        return self._slot.link

    def _worker(self) -> WorkerClient:
        link = self._ensure_client()
        try:
            link.await_start()
        except InfraError:
            self._drop()
            raise
        return link

    def _replace(self) -> None:
        """Discard a worker that ended, and start the next one in advance."""
        self._drop()
        self._deaths += 1
        with contextlib.suppress(InfraError):  # the next scan meets the same error and raises it
            self._ensure_client()

    def _drop(self) -> None:
        link, self._slot.link = self._slot.link, None
        if link is None:
            return
        if os.getpid() == self._owner:
            link.close()
        else:
            link.abandon()


def _finalize(slot: _Slot, owner: int) -> None:
    """End the worker of a gate that was never closed."""
    link, slot.link = slot.link, None
    if link is None:
        return
    if os.getpid() != owner:
        link.abandon()
        return
    warnings.warn(f"a Gate with worker {link.pid} was never closed", ResourceWarning, stacklevel=2)
    link.close()


def _ask_for_findings(link: WorkerClient, source: str, policy: Policy, package: str) -> "_Scanned":
    """Return what a worker reports; send it the policy first, if it is new to it.

    Raises:
        WorkerGoneError: The worker ended before it answered.
    """
    if policy.digest not in link.known:
        try:
            learnt = link.ask({"do": "learn", "digest": policy.digest, "policy": _rules(policy)}).get("learnt")
        except WorkerGoneError as error:  # no source took part in it
            raise WorkerGoneError(f"the policy was not learnt: {error}", fault=Fault.MACHINE) from None
        link.known = frozenset(map(str, learnt)) if isinstance(learnt, list) else frozenset()
    return _report(link.ask({"do": "scan", "digest": policy.digest, "source": source, "package": package}))


def _rules(policy: Policy) -> Mapping[str, object]:
    """Return the parts of a policy that the worker needs."""
    static = policy.static
    return {
        "imports": {module: list(names) for module, names in static.imports.items()},
        "caps": [static.max_bytes, static.max_lines, static.max_nodes, static.max_depth],
        "bandit": [static.bandit_severity.value, static.bandit_confidence.value],
        "memory": policy.limits.memory,
        "enforced": static.mode is Mode.ENFORCE,
    }


def _finding(rule: GateRule, what: str, source: str) -> Finding:
    """Return a finding about the source as a whole."""
    message = f"{what}. {rule.why} {rule.how}"
    return Finding(rule.id, rule.severity, message, fingerprint=fingerprint(rule.id, source))


def _report(answer: Mapping[str, object]) -> "_Scanned":
    """Return the findings, the cause and the absent imports of an answer, strictly checked.

    The worker has parsed hostile text, so its answer is treated as if the text had written it.
    """
    cause, raw, absent = answer.get("cause"), answer.get("findings"), answer.get("absent")
    if not isinstance(raw, list) or not (cause is None or cause in CAUSES) or (cause is None) != (not raw):
        raise WorkerGoneError("the worker's answer could not be read", fault=Fault.TASK)
    if not isinstance(absent, dict) or not all(isinstance(part, str) for part in absent.values()):
        raise WorkerGoneError("the worker's answer could not be read", fault=Fault.TASK)
    missing = tuple((str(path), str(part)) for path, part in absent.items())
    return _Scanned(tuple(_read(item) for item in raw), cause if isinstance(cause, str) else None, missing)


def _exports(answer: Mapping[str, object]) -> ModuleExports:
    match answer:
        case {"own": list() as own, "given_on": dict() as given_on, "imports": list() as imports}:
            given = {str(name): str(path) for name, path in given_on.items()}
            return ModuleExports(tuple(map(str, own)), given, tuple(map(str, imports)))
        case _:
            return ModuleExports((), {}, ())


def _read(item: object) -> Finding:
    match item:
        case [
            str() as rule, str() as severity, str() as message, int() as line, int() as column,
            int() as end_line, int() as end_column, str() as snippet, str() as scanner,
            str() as mark,
        ] if severity in tuple(Severity):  # fmt: skip
            return Finding(
                rule,
                Severity(severity),
                message,
                line,
                column,
                end_line,
                end_column,
                snippet,
                scanner,
                fingerprint=mark,
            )
        case _:
            raise WorkerGoneError("the worker's answer could not be read", fault=Fault.TASK)
