"""Open a sandbox in a thread of its own: callers wait until it is open, and learn why if it cannot be opened."""

import os
import threading
from collections.abc import Callable
from typing import Self

from poet_engine._cancellation import Cancellation
from poet_engine.errors import ClosedError, SandboxUnavailableError
from poet_engine.job import Job, Script
from poet_engine.outcome import Blame, Evidence, Outcome, Status
from poet_engine.sandbox import lifecycle
from poet_engine.sandbox.base import IsolationCheck, Means, Sandbox, SandboxStatistics


class OpeningSandbox:
    """A sandbox that opens another one in a thread of its own.

    No code runs before the isolation checks that the policy requires were made: until then calls wait, and if one does
    not hold each of them ends as `infra/setup`.

    Args:
        name: The sandbox's name, as it was requested.
        start: Opens the other sandbox, or raises SandboxUnavailableError.
    """

    def __init__(self, name: str, start: Callable[[], Sandbox]) -> None:
        self._requested, self._start = name, start
        self._owner = os.getpid()
        self._sandbox: Sandbox | None = None
        self._refusal: SandboxUnavailableError | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._open, name="poet-opening", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<OpeningSandbox {self._requested} {self._refusal!r}>" if self._sandbox is None else repr(self._sandbox)

    def _open(self) -> None:
        try:
            self._sandbox = self._start()
        except SandboxUnavailableError as error:
            self._refusal = error
        except BaseException as error:  # noqa: BLE001 - whoever waits for the sandbox is to see it
            self._failure = error

    def _opened(self) -> Sandbox:
        """Wait for the opening, and return the open sandbox.

        Raises:
            SandboxUnavailableError: It cannot be opened.
            ClosedError: This process has forked from the one that opens it.
        """
        if self._sandbox is None:
            lifecycle.ensure_same_process(self._owner)
        self._thread.join()
        if self._sandbox is not None:
            return self._sandbox
        raise self._refusal or self._failure or ClosedError("this sandbox was closed; open another one")

    @property
    def name(self) -> str:
        """The requested name, and the sandbox's own once it is open."""
        return self._requested if self._sandbox is None else self._sandbox.name

    def run(self, job: Job, *, cancellation: Cancellation | None = None) -> Outcome:
        """Run a job; see `Sandbox.run`."""
        try:
            sandbox = self._opened()
        except SandboxUnavailableError as error:
            return self._refused(error)
        return sandbox.run(job, cancellation=cancellation)

    def run_script(self, script: Script, *, cancellation: Cancellation | None = None) -> Outcome:
        """Run a script; see `Sandbox.run_script`."""
        try:
            sandbox = self._opened()
        except SandboxUnavailableError as error:
            return self._refused(error)
        return sandbox.run_script(script, cancellation=cancellation)

    def _refused(self, error: SandboxUnavailableError) -> Outcome:
        evidence = Evidence("setup", str(error), source="host")
        return Outcome(
            status=Status.INFRA, cause="setup", blame=Blame.ENGINE, evidence=evidence, sandbox=self._requested
        )

    def walls(self, *, thorough: bool = True) -> tuple[IsolationCheck, ...]:
        """Try every isolation check; see `Sandbox.walls`."""
        return self._opened().walls(thorough=thorough)

    def means(self) -> Means | None:
        """Return the open sandbox's means; see `Sandbox.means`."""
        return self._opened().means()

    def remarks(self) -> tuple[str, ...]:
        """Return the open sandbox's remarks; see `Sandbox.remarks`."""
        return self._opened().remarks()

    def statistics(self) -> SandboxStatistics:
        """Return the counters as a frozen snapshot; all 0 while it is being opened."""
        return SandboxStatistics() if self._sandbox is None else self._sandbox.statistics()

    def close(self) -> None:
        """Wait for the opening, and close the sandbox. Idempotent."""
        if os.getpid() == self._owner:
            self._thread.join()
        if self._sandbox is not None:
            self._sandbox.close()

    def __enter__(self) -> Self:
        """Return the sandbox itself."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close."""
        self.close()
