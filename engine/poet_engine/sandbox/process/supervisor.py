"""Supervise one run in a lane: poll its descriptors and apply the budget monitor's decisions.

The caller's own thread does it, so a call costs no hand-over between threads.
"""

import errno
import math
import os
import select
import time
from collections.abc import Callable

from poet_engine._cancellation import Cancellation
from poet_engine.guest import kernel, seccomp, seccomp_notify
from poet_engine.guest.frames import NONCE_SIZE, FrameKind, pack
from poet_engine.guest.structures import Classes
from poet_engine.outcome import Evidence, Status
from poet_engine.sandbox.denials import DenialRecord
from poet_engine.sandbox.host_work import HostWork, neighbours
from poet_engine.sandbox.monitor import BudgetMonitor, Output
from poet_engine.sandbox.process.prepared import PreparedProcess, Report
from poet_engine.sandbox.process.scratch_folder import ScratchFolder
from poet_engine.sandbox.response import ResponseReader
from poet_engine.sandbox.verdict import Answer, Kill, Returned

_CHUNK = 1 << 16
_LARGEST_PIPE = 1 << 20  # fs.pipe-max-size, which an ordinary user may set
_MOST_WAITING = 16  # reads of an answer that waits in the socket, which holds less than that
# Seconds that a killed payload may take to be reaped before its lane is given up.
_REAP_GRACE = 5.0


class Supervisor:
    """Runs one prepared payload to its end.

    Args:
        prepared: The payload, waiting.
        monitor: The monitor of its budgets.
        cpu_ms: Reads its CPU milliseconds.
        clock: Returns monotonic seconds.
        tolerant: Answer forbidden system calls with an error instead of ending the run. Only our own probes run so.
        folder: Takes the working folder of a script; a script is followed to its confirmed end, whatever it answers.
        keep: Whether the payload may serve another call after this one.
        denials: Takes the denied calls.
        listener: As that of `Output`.
    """

    def __init__(
        self,
        prepared: PreparedProcess,
        monitor: BudgetMonitor,
        cpu_ms: Callable[[], float],
        *,
        clock: Callable[[], float] = time.monotonic,
        tolerant: bool = False,
        folder: ScratchFolder | None = None,
        keep: bool = False,
        denials: DenialRecord | None = None,
        listener: Callable[[int, bytes], None] | None = None,
        classes: Classes | None = None,
    ) -> None:
        self._denials = denials or DenialRecord()
        self._work, self._beside = HostWork(), neighbours()
        self._prepared, self._monitor, self._cpu_ms = prepared, monitor, cpu_ms
        self._clock, self._tolerant = clock, tolerant
        self._folder = folder
        self._nonce = os.urandom(NONCE_SIZE) if keep and folder is None else b""
        self._response = ResponseReader(
            monitor.limits.result,
            self._late,
            script=folder is not None,
            has_value=folder is not None and folder.has_value,
            nonce=self._nonce,
        )
        self._response.classes = classes
        self._ended = False
        self._cancellation: Cancellation | None = None
        self._attached: int | None = None
        self._poll = prepared.poll
        self._sock = prepared.request
        self._answers = prepared.request.fileno()
        self._sources: dict[int, Callable[[], object]] = {
            self._answers: self._on_answer,
            prepared.stdout: lambda: self._on_output(prepared.stdout, 1),
            prepared.stderr: lambda: self._on_output(prepared.stderr, 2),
            prepared.control.fileno(): self._on_end,
        }
        if prepared.listener is not None:
            self._sources[prepared.listener] = self._on_notification
        self.output = Output(monitor.limits.output, listener)
        self.report: Report | None = None
        self.processes_refused = 0
        self.unlisted: set[str] = set()

    def run(self, request: bytes, attached: int | None = None) -> None:
        """Send the request, and supervise until the run has ended or a good answer is there; see `finished`.

        Args:
            request: The content of the request frame.
            attached: Descriptor of the file with its attachments; sent with the first bytes.
        """
        self._attached = attached
        frame = pack(FrameKind.REQUEST if self._folder is None else FrameKind.SCRIPT, request)
        pending = self._send(memoryview(pack(FrameKind.NONCE, self._nonce) + frame if self._nonce else frame))
        self._prepared.thaw()  # it is woken once, and finds the request
        if pending:
            self._poll.modify(self._answers, select.POLLIN | select.POLLOUT)
        while not self.finished:
            timeout = self._monitor.timeout(self._clock()) if self._monitor.kill is None else _REAP_GRACE
            if self._nonce and self._monitor.kill is None:
                timeout = min(timeout, self._until_stop())
            self._step(timeout)
            if pending and self._answers in self._sources:
                pending = self._send(pending) if self._monitor.kill is None else pending[:0]
                if not pending:
                    self._poll.modify(self._answers, select.POLLIN)

    def _until_stop(self) -> float:
        """Return the seconds until a kept payload's timer must be disarmed, and disarm it if that is now."""
        until_stop = self._prepared.until_stop()
        if until_stop > 0.0:
            return until_stop
        self._prepared.stay_awake()
        return math.inf

    def watch_cancellation(self, cancellation: Cancellation) -> None:
        """End the run when its caller gives up."""
        self._cancellation = cancellation
        self._sources[cancellation.fd] = self._on_cancelled
        self._poll.register(cancellation.fd, select.POLLIN)

    def ignore(self) -> None:
        """Stop watching the caller's cancellation: the payload may serve others."""
        if self._cancellation is not None and self._cancellation.fd in self._sources:
            self._forget(self._cancellation.fd)

    def close(self) -> None:
        """Break the reference cycle through the sources: a large answer must not wait for the collector."""
        self._sources.clear()
        self._response.close()

    @property
    def answer(self) -> Answer | None:
        """The payload's answer; None until it has come."""
        return self._response.answer

    @property
    def stays(self) -> bool:
        """Whether the payload waits for its next call."""
        return self._response.stays

    @property
    def finished(self) -> bool:
        """Whether there is nothing to wait for: a readable result, or the confirmed end."""
        if self._ended or self._folder is not None:
            return self._ended
        return isinstance(self._response.answer, Returned) and self._monitor.kill is None

    def kill(self) -> None:
        """End the payload now."""
        self._prepared.kill()

    def drain(self) -> None:
        """Read what is in the pipes already, without waiting.

        At most as much as the largest pipe holds: a payload that goes on writing must not keep its caller here.
        """
        for fd, stream in ((self._prepared.stdout, 1), (self._prepared.stderr, 2)):
            for _ in range(_LARGEST_PIPE // _CHUNK):
                if fd not in self._sources or not (data := _read(fd)):
                    break
                self.output.add(stream, data)

    @property
    def ended_by_signal(self) -> bool:
        """Whether the payload is known to have been killed, by anybody."""
        return self.report is not None and os.WIFSIGNALED(self.report.status)

    def take_unflushed(self) -> None:
        """Take the output that a killed payload had printed and not written."""
        for stream, data in enumerate(self._prepared.record.unflushed(), start=1):
            self.output.add(stream, data)
        self._monitor.saw_output(self.output.total)

    def _on_cancelled(self) -> None:
        if self._cancellation is not None:
            self._forget(self._cancellation.fd)
        self._monitor.end(Kill(Status.CANCELLED, "caller", Evidence("cancellation", "requested by the caller")))

    def _send(self, pending: memoryview) -> memoryview:
        try:
            if self._attached is None:
                return pending[self._sock.send(pending) :]
            sent = kernel.send_with_descriptors(self._sock, pending, [self._attached])
            self._attached = None
            return pending[sent:]
        except BlockingIOError:
            return pending
        except OSError:
            return pending[:0]  # the payload is gone; its wait status will say how

    def _step(self, timeout: float) -> None:
        events = self._poll.poll(max(0.0, timeout) * 1000 + 0.5)
        self._work.begin()
        if not events and self._monitor.kill is not None:
            self._ended = True  # killed and never reaped: the lane is lost
            return
        killed_before = self._monitor.kill is not None
        for fd, event in events:
            source = self._sources.get(fd)
            if fd == self._prepared.listener and not event & select.POLLIN:
                self._forget(fd)  # the payload is gone; its wait status is on the way
            elif source is not None and event & ~select.POLLOUT:
                source()
        self._work.mark()
        if self._ended or self._monitor.kill is not None or self.finished:
            if self._monitor.kill is not None and not killed_before:
                self.kill()
            return
        self._look_at_budgets()
        if self._monitor.kill is not None:
            self.kill()
            return
        self._pause(events)

    def _pause(self, events: list[tuple[int, int]]) -> None:
        """Wait for more to come before it is taken, where the run has much taken in small pieces.

        Where the code stands still until a call is answered, it is slowed down for the sake of others only.
        """
        pause = self._work.pause(self._clock() - self._monitor.released)
        if pause and (self._beside.others or all(fd != self._prepared.listener for fd, _event in events)):
            self._beside.sleep(pause)

    def _look_at_budgets(self) -> None:
        now = self._clock()
        self._look_at_cpu(now)
        self._monitor.saw_time(now)

    def _look_at_cpu(self, now: float) -> None:
        """Look at the CPU counter when it can matter: the host works beside the code's own cores."""
        if self._monitor.wants_cpu(now + self._work.unseen):
            self._monitor.saw_cpu(now, self._cpu_ms() + self.host_cpu_ms)
            self._work.saw()

    def _late(self) -> Kill | None:
        """Return the reason to end the run while its result is decoded, if there is one by now."""
        now = self._clock()
        self._work.mark()
        self._look_at_cpu(now)
        return self._monitor.late(now)

    @property
    def host_cpu_ms(self) -> float:
        """Milliseconds of this thread's processor time for what the run has sent; they are on the run's budget."""
        return self._work.seconds * 1e3

    def _forget(self, fd: int) -> None:
        self._sources.pop(fd, None)
        self._poll.unregister(fd)

    def _on_answer(self) -> bool:
        """Take a piece of what the payload sends; return whether there was any."""
        try:
            # plain `recv` but for a script's first message: whatever else comes, no descriptor comes with it
            data = self._sock.recv(_CHUNK) if self._folder is None else self._folder.receive(self._sock, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._forget(self._answers)
            return False
        self._work.took(len(data))
        kill = self._response.take(data, self._prepared.results)
        if kill is not None:
            self._monitor.end(kill)
        return True

    def _on_output(self, fd: int, stream: int) -> None:
        data = _read(fd)
        if data:
            self._work.took(len(data))
            self.output.add(stream, data)
            self._monitor.saw_output(self.output.total)
        elif data is not None:
            self._forget(fd)

    def _on_end(self) -> None:
        if self._prepared.continued():
            return
        self.report = self._prepared.read_report()
        self.drain()
        self._monitor.saw_output(self.output.total)
        self._take_waiting_answer()
        self._ended = True

    def _take_waiting_answer(self, most: float = math.inf) -> None:
        """Take what the payload has sent by now, in at most so many reads: a value that is whole ends the run."""
        while most and self._answers in self._sources and self._monitor.kill is None and self._on_answer():
            most -= 1

    def _on_notification(self) -> None:
        """Answer a notification.

        The answer is always an error. To let a call go on would be to trust arguments that the code may have changed.
        """
        listener = self._prepared.listener
        self._take_waiting_answer(_MOST_WAITING)
        if listener is None or self.finished:
            return  # the value came before this call, whichever of the two was seen first
        notification = seccomp_notify.receive(listener)
        if notification is None:
            return
        if seccomp.asks_for_process(notification.name, notification.arguments):
            self.processes_refused += 1
            seccomp_notify.refuse(listener, notification, errno.EAGAIN)
        elif notification.name in seccomp.DENIALS and not self._tolerant:
            kill = self._denials.saw(notification.name, notification.arguments)
            if kill is None:
                seccomp_notify.refuse(listener, notification, seccomp.DENIALS[notification.name])
            else:
                self._monitor.end(kill)
        elif notification.name not in seccomp.DENIALS and not seccomp.is_forbidden(notification.name):
            self.unlisted.add(notification.name)
            seccomp_notify.refuse(listener, notification, errno.ENOSYS)  # comes only under audit
        elif self._tolerant:
            seccomp_notify.refuse(listener, notification, errno.EPERM)
        else:
            self._monitor.saw_call(notification.name, notification.arguments)


def _read(fd: int) -> bytes | None:
    """Return bytes; empty at the end of file, None when there is nothing now."""
    try:
        return os.read(fd, _CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        return b""
