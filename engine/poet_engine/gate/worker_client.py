"""Client of one scan worker: start, ask and end its process. Its answers are not trusted."""

import contextlib
import dataclasses
import enum
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from poet_engine import _distributions
from poet_engine._wake import readable
from poet_engine.errors import InfraError
from poet_engine.gate import frames
from poet_engine.guest.cpu_clock import cpu_seconds

_START_SECONDS = 60.0
_SPENT = 0.95  # of a limit: a worker killed so near to it was about to exceed it
# Signals that a process causes itself: SIGPROF is its timer, the others are crashes of the parser.
_OWN = frozenset({
    signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGPROF, signal.SIGSEGV, signal.SIGSYS,
    signal.SIGXCPU, signal.SIGXFSZ,
})  # fmt: skip
SECOND: Mapping[str, object] = {"second": True}  # a worker's message when bandit begins
# The isolated interpreter finds the standard library and the site by itself. Other installed packages come behind them:
# no folder of a project is among it, since the second scanner loads every plug-in that it finds on its path.
_BOOT = (
    "import json,sys;a=json.loads(sys.argv[1]);sys.path+=[p for p in a.pop('path') if p not in sys.path];"
    "from poet_engine.gate.worker import main;main(**a)"
)
# bandit's plug-in loader would keep a cache in the user's home; there is no folder below /dev/null.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "XDG_CACHE_HOME": "/dev/null"}


@dataclasses.dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Limits of one task of a worker.

    Attributes:
        cpu: Processor seconds, enforced by the kernel.
        wall: Seconds that the host waits for an answer.
        memory: Bytes in addition to those of the loaded scanners.
    """

    cpu: float = 0.8  # with starting and sending, an answer within a second
    wall: float = 10.0
    memory: int = 192 * 2**20  # with the loaded scanners, less than 256 MiB


class WorkerGoneError(Exception):
    """Raised when a worker ended, or was ended, before it answered; the text says why.

    Attributes:
        fault: The party at fault.
        second: Whether the second scanner had begun.
    """

    def __init__(self, why: str, *, fault: "Fault", second: bool = False) -> None:
        super().__init__(why)
        self.fault, self.second = fault, second


class Fault(enum.Enum):
    """The party at fault for the end of a worker.

    Attributes:
        TASK: The task: it exceeded a limit, crashed the parser, or made the worker's answer unreadable.
        SPENT: Another process ended the worker when it had used nearly all of a task's limits.
        MACHINE: Another process ended or stopped the worker, and nothing shows that the task caused it.
    """

    TASK = "task"
    SPENT = "spent"
    MACHINE = "machine"


class WorkerClient:
    """A running worker process. It starts in the background; see `await_start`.

    Args:
        limits: The limits of one task.
        clock: Seconds on a clock that never goes back.

    Raises:
        InfraError: The interpreter cannot be started.
    """

    __slots__ = ("_channel", "_clock", "_cpu", "_held", "_limits", "_process", "_started", "known")

    def __init__(self, limits: WorkerLimits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self.known: frozenset[str] = frozenset()
        arguments = {
            "path": _distributions.search_path(),
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
        self._cpu, self._held = 0.0, 0

    def await_start(self) -> None:
        """Wait until the worker has loaded its scanners.

        Raises:
            InfraError: The worker did not start.
            WorkerGoneError: Another process ended the worker.
        """
        if self._started:
            return
        try:
            self._receive(_START_SECONDS)
        except WorkerGoneError as error:
            if self._process.returncode is not None and self._process.returncode < 0:  # the worker has read no task yet
                raise WorkerGoneError(str(error), fault=Fault.MACHINE) from None
            raise InfraError(f"the scan worker did not start: {error}; {self._last_words()}") from None
        self._started = True
        self._held = _held(self.pid)

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def ask(self, task: Mapping[str, object]) -> dict[str, object]:
        """Return the answer to one task.

        Raises:
            WorkerGoneError: The worker ended before it answered, and cannot be used again.
        """
        self._cpu = cpu_seconds(self.pid)
        try:
            self._channel.settimeout(self._limits.wall)
            self._channel.sendall(frames.encode(task))
        except OSError:
            raise self._gone_error() from None
        answer, second = self._receive_answer(second=False), False
        if answer == SECOND:
            answer, second = self._receive_answer(second=True), True
        if "exhausted" in answer:
            why = f"it overflows the stack of the parser or needs more than {self._limits.memory >> 20} MiB"
            raise WorkerGoneError(why, fault=Fault.TASK, second=second)
        if "failed" in answer:
            why = f"the scanner stopped with {answer['failed']!s:.60}"
            raise WorkerGoneError(why, fault=Fault.TASK, second=second)
        return answer

    def _receive_answer(self, *, second: bool) -> dict[str, object]:
        try:
            return self._receive(self._limits.wall)
        except WorkerGoneError as error:
            raise WorkerGoneError(str(error), fault=error.fault, second=second) from None

    def close(self) -> None:
        """End the worker at once and wait for it. Safe to call twice."""
        self._channel.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()

    def abandon(self) -> None:
        """Close a worker that belongs to the process we were forked from, without ending it."""
        self._channel.close()
        self._process.returncode = 0  # not ours to wait for
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _receive(self, seconds: float) -> dict[str, object]:
        deadline = self._clock() + seconds
        try:
            size = frames.length(self._read_exactly(frames.HEAD, deadline))
            return frames.decode(self._read_exactly(size, deadline))
        except TimeoutError:  # a scan never waits: the worker was stopped, or got no processor
            raise WorkerGoneError(f"it takes more than {seconds:g} s", fault=Fault.MACHINE) from None
        except ConnectionError:  # it ended with a task unread
            raise self._gone_error() from None
        except (OSError, ValueError) as error:
            raise WorkerGoneError(f"the worker's answer could not be read: {error}", fault=Fault.TASK) from None

    def _read_exactly(self, size: int, deadline: float) -> bytes:
        received = bytearray()
        while len(received) < size:
            left = deadline - self._clock()
            if left <= 0:
                raise TimeoutError
            self._channel.settimeout(left)
            part = self._channel.recv(min(size - len(received), 2**20))
            if not part:
                raise self._gone_error()
            received += part
        return bytes(received)

    def _gone_error(self) -> WorkerGoneError:
        """Return why the worker ended and who is at fault, from its exit status and its resource usage."""
        status, used = self._ended(1.0)
        if status is None:
            return WorkerGoneError("the worker closed its socket", fault=Fault.TASK)
        if status == -signal.SIGPROF:
            why = f"it takes more than {self._limits.cpu:g} s of processor time"
            return WorkerGoneError(why, fault=Fault.TASK)
        if status >= 0:
            return WorkerGoneError(f"the worker ended with status {status}", fault=Fault.TASK)
        name = signal.Signals(-status).name
        if -status in _OWN:
            return WorkerGoneError(f"the parser died of {name}", fault=Fault.TASK)
        spent = used is not None and self._is_spent(used)
        return WorkerGoneError(f"the worker was ended by {name}", fault=Fault.SPENT if spent else Fault.MACHINE)

    def _is_spent(self, used: resource.struct_rusage) -> bool:
        """Whether a worker had used nearly all of a task's processor time or memory."""
        cpu = used.ru_utime + used.ru_stime - self._cpu
        grown = used.ru_maxrss * 1024 - self._held
        return cpu >= _SPENT * self._limits.cpu or (self._held > 0 and grown >= _SPENT * self._limits.memory)

    def _ended(self, seconds: float) -> tuple[int | None, resource.struct_rusage | None]:
        """Return the exit status (None if it still runs after so many seconds) and the usage of the whole process."""
        with contextlib.suppress(OSError):
            ending = os.pidfd_open(self.pid)
            try:
                readable(ending, seconds)
            finally:
                os.close(ending)
        with contextlib.suppress(ChildProcessError):  # its status was collected elsewhere
            pid, status, used = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                return self._process.returncode, used
        return self._process.poll(), None

    def _last_words(self) -> str:
        """Return the last line that a worker that did not start wrote to standard error."""
        self._channel.close()
        self._process.kill()
        _, text = self._process.communicate()
        lines = text.decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


def _held(pid: int) -> int:
    """Return the bytes of memory that a process holds; 0 where /proc does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * resource.getpagesize()
    except (OSError, ValueError):
        return 0


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
