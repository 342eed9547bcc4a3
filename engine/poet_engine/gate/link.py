"""The host's end of one worker: started, asked, ended. Nothing that comes back is trusted."""

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

from poet_engine import distributions
from poet_engine.errors import InfraError
from poet_engine.gate import frames

_START_SECONDS = 60.0
SECOND: Mapping[str, object] = {"second": True}  # what a worker says when the allow-list is through and bandit begins
# The isolated interpreter finds the standard library and the site by itself. What else is installed comes behind them:
# no folder of a project is among it, since the second scanner loads every plug-in that it finds on its path.
_BOOT = (
    "import json,sys;a=json.loads(sys.argv[1]);sys.path+=[p for p in a.pop('path') if p not in sys.path];"
    "from poet_engine.gate.worker import main;main(**a)"
)
# bandit's plug-in loader would keep a cache in the user's home; there is no folder below /dev/null.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "XDG_CACHE_HOME": "/dev/null"}


@dataclasses.dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What one task may take.

    Attributes:
        cpu: Processor seconds, kept by the kernel.
        wall: Seconds until the host gives up on an answer.
        memory: Bytes beyond what the loaded scanners hold.
    """

    cpu: float = 0.8  # with starting and sending, an answer within a second
    wall: float = 10.0
    memory: int = 192 * 2**20  # with the loaded scanners, less than 256 MiB


class WorkerGoneError(Exception):
    """The worker ended or was ended before it answered; the text says why.

    Attributes:
        second: Whether the second scanner had begun.
    """

    def __init__(self, why: str, *, second: bool = False) -> None:
        super().__init__(why)
        self.second = second


class WorkerLink:
    """One running worker. It starts while its owner does other things; see `await_start`.

    Args:
        limits: What one task may take.
        clock: Seconds on a clock that never goes back.

    Raises:
        InfraError: There is no such program.
    """

    __slots__ = ("_channel", "_clock", "_limits", "_process", "_started", "known")

    def __init__(self, limits: WorkerLimits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self.known: frozenset[str] = frozenset()
        arguments = {
            "path": distributions.search_path(),
            "host": os.getpid(),
            "seconds": limits.cpu,
            "memory": limits.memory,
        }
        self._channel, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = _start(json.dumps(arguments), theirs)
        except OSError as error:
            self._channel.close()
            raise InfraError(f"the scan worker cannot be started with {sys.executable!r}: {error.strerror}") from None
        self._started = False

    def await_start(self) -> None:
        """Wait until it has loaded what it needs.

        Raises:
            InfraError: It did not start.
        """
        if self._started:
            return
        try:
            self._receive(_START_SECONDS)
        except WorkerGoneError as error:
            raise InfraError(f"the scan worker did not start: {error}; {self._last_words()}") from None
        self._started = True

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def ask(self, task: Mapping[str, object]) -> dict[str, object]:
        """The answer to one task.

        Raises:
            WorkerGoneError: There is none, and the worker is of no more use.
        """
        try:
            self._channel.settimeout(self._limits.wall)
            self._channel.sendall(frames.encode(task))
        except OSError:
            raise WorkerGoneError(self._why()) from None
        answer, second = self._told(second=False), False
        if answer == SECOND:
            answer, second = self._told(second=True), True
        if "exhausted" in answer:
            why = f"it overflows the stack of the parser or needs more than {self._limits.memory >> 20} MiB"
            raise WorkerGoneError(why, second=second)
        if "failed" in answer:
            raise WorkerGoneError(f"the scanner stopped with {answer['failed']!s:.60}", second=second)
        return answer

    def _told(self, *, second: bool) -> dict[str, object]:
        try:
            return self._receive(self._limits.wall)
        except WorkerGoneError as error:
            raise WorkerGoneError(str(error), second=second) from None

    def close(self) -> None:
        """End the worker at once and wait for it. Safe to call twice."""
        self._channel.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()

    def abandon(self) -> None:
        """Let go of a worker that belongs to the process we were forked from."""
        self._channel.close()
        self._process.returncode = 0  # not ours to wait for
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _receive(self, seconds: float) -> dict[str, object]:
        deadline = self._clock() + seconds
        try:
            size = frames.length(self._exactly(frames.HEAD, deadline))
            return frames.decode(self._exactly(size, deadline))
        except TimeoutError:
            raise WorkerGoneError(f"it takes more than {seconds:g} s") from None
        except (OSError, ValueError) as error:
            raise WorkerGoneError(f"the worker answered nonsense: {error}") from None

    def _exactly(self, size: int, deadline: float) -> bytes:
        received = bytearray()
        while len(received) < size:
            left = deadline - self._clock()
            if left <= 0:
                raise TimeoutError
            self._channel.settimeout(left)
            part = self._channel.recv(min(size - len(received), 2**20))
            if not part:
                raise WorkerGoneError(self._why())
            received += part
        return bytes(received)

    def _why(self) -> str:
        """Why the worker ended, from its exit status."""
        try:
            status = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "the worker closed its socket"
        if status == -signal.SIGPROF:
            return f"it takes more than {self._limits.cpu:g} s of processor time"
        if status < 0:
            return f"the parser died of {signal.Signals(-status).name}"
        return f"the worker ended with status {status}"

    def _last_words(self) -> str:
        """The end of what a worker that did not start wrote to its standard error."""
        self._channel.close()
        self._process.kill()
        _, text = self._process.communicate()
        lines = text.decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


def _start(arguments: str, stdin: socket.socket) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _BOOT, arguments],
        stdin=stdin.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_ENVIRONMENT,
        cwd="/",
        start_new_session=True,  # Ctrl-C at the terminal is for the host, which then closes the socket
    )
