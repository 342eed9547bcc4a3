"""Run one call in one container: release its payload, supervise it, decide the verdict and the disposition."""

import json
import os
import select
import struct
from collections.abc import Callable, Iterator

from poet_engine._cancellation import Cancellation
from poet_engine.guest import container_protocol, seccomp
from poet_engine.guest.attachments import Collected
from poet_engine.guest.frames import NONCE_SIZE, Frame, FrameError, FrameKind, pack
from poet_engine.outcome import Evidence, Outcome, Status
from poet_engine.policy import Isolation, Limits, OnDenied
from poet_engine.sandbox import run_outcome, wire
from poet_engine.sandbox.denials import DenialRecord
from poet_engine.sandbox.docker.container import Container, End, read_end
from poet_engine.sandbox.docker.output_files import Files
from poet_engine.sandbox.docker.remote_attachment import RemoteAttachment
from poet_engine.sandbox.docker.stream import StreamError
from poet_engine.sandbox.host_work import HostWork, neighbours
from poet_engine.sandbox.monitor import BudgetMonitor, Output
from poet_engine.sandbox.pool.worker_pool import Disposition
from poet_engine.sandbox.response import ResponseReader, garbled
from poet_engine.sandbox.verdict import Budgets, Exit, KernelCounts, Kill, Observation, Returned, decide

NAME = "docker"
_MOST_TIMES = 1 << 53  # of one denied call: what JSON readers count exactly
_PART = 1 << 19  # bytes of a request in one frame
# Seconds that a killed payload may take to be reaped before its container is given up.
_REAP_GRACE = 2.0
_FETCH_GRACE = 2.0  # for the attachments of an answer that is there
_DELIVERY_GRACE = 5.0  # for a request of which nothing moves
_BRINGING_GRACE = 10.0  # for files of which nothing moves


class ContainerRun:
    """One call in one container.

    Args:
        container: A container with a payload that waits.
        limits: The policy's limits.
        wall: Seconds that the call may take; the policy's limit, or less.
        clock: Returns monotonic seconds.
        tolerant: Answer forbidden system calls with an error instead of ending the run. Only our own probes run so.
        keep: Whether the payload serves the next call as well.
        isolation: The policy's requirements, which decide about denied calls.
        files: The files to collect from a script, which is followed to its confirmed end; None for a function.
        listener: As that of `Output`.
    """

    def __init__(
        self,
        container: Container,
        limits: Limits,
        wall: float,
        clock: Callable[[], float],
        *,
        tolerant: bool = False,
        keep: bool = False,
        files: Files | None = None,
        isolation: Isolation | None = None,
        listener: Callable[[int, bytes], None] | None = None,
    ) -> None:
        self._container, self._stream = container, container.stream
        self._limits, self._wall, self._clock = limits, wall, clock
        self._tolerant, self._files = tolerant, files
        self._kills = isolation is not None and isolation.on_denied is OnDenied.KILL
        self._denials = DenialRecord(isolation)
        self._nonce = os.urandom(NONCE_SIZE) if keep and files is None else b""
        self._response = ResponseReader(
            limits.result,
            self._late,
            script=files is not None,
            has_value=files is not None and files.has_value,
            nonce=self._nonce,
        )
        self._work, self._beside = HostWork(), neighbours()
        self._output = Output(limits.output, listener)
        self._counts = KernelCounts()
        self._processes_refused = 0
        self._end: End | None = None
        self._lost = False
        self._script_ended: float | None = None  # when that was reported; since then its files are being collected
        # until its request is there nothing of the code exists that could take time; kept, it serves another's call
        self._delivering = not keep
        self._monitor = BudgetMonitor(limits, clock(), wall)
        self._handlers: dict[FrameKind, Callable[[bytes], None]] = {
            FrameKind.ANSWER: self._on_answer,
            FrameKind.OUT: lambda data: self._on_output(1, data),
            FrameKind.ERR: lambda data: self._on_output(2, data),
            FrameKind.NOTIFIED: self._on_notification,
            FrameKind.COUNTS: self._on_counts,
            FrameKind.ENDED: self._on_end,
            FrameKind.FILES: self._on_files,
        }
        self.container_after = Disposition.KEEP  # its payload has received nothing yet

    def to_the_end(
        self, request: wire.Request, cancellation: Cancellation | None, lost: Callable[[], tuple[Evidence, int]]
    ) -> Outcome:
        """Release the payload and follow it to its verdict.

        Args:
            request: The encoded job or script.
            cancellation: Lets the caller end the run.
            lost: Asks the daemon about a container whose streams have ended: returns why it is gone, and how many
                of its tasks the OOM killer ended.
        """
        self.container_after = Disposition.DISCARD  # until the end is known
        self._container.prepared = False
        self._monitor = BudgetMonitor(self._limits, self._clock(), self._wall)
        self._release(request)
        self._begin_when_delivered()
        self._beside.arrive(self)
        try:
            self._follow(cancellation)
        finally:
            self._beside.leave(self)
        wall_ms = ((self._script_ended or self._clock()) - self._monitor.released) * 1e3
        outcome = self._conclude(wall_ms, lost)
        self._handlers.clear()  # a large answer must not wait for the collector in a cycle
        self._response.close()
        return outcome

    def end(self, kill: Kill) -> None:
        """Set the reason to end the run, unless one is set."""
        self._monitor.end(kill)

    def _release(self, request: wire.Request) -> None:
        self._response.classes = request.classes
        call = {
            "tolerant": self._tolerant,
            "kills": self._kills,
            "attached": request.parts.size,
            "wanted": None if self._files is None else list(self._files.wanted),
            "most_bytes": self._limits.result,
        }
        kind = FrameKind.REQUEST if self._files is None else FrameKind.SCRIPT
        content = pack(kind, request.content)
        if self._nonce:
            content = pack(FrameKind.NONCE, self._nonce) + content
        header = json.dumps(call).encode()
        if request.parts.pieces or len(content) > _PART:
            self._stream.send_all(_frames(header, request.parts, content))
        else:
            self._stream.send_all(iter((pack(FrameKind.CALL, header) + pack(FrameKind.BYTES, content),)))

    def _follow(self, cancellation: Cancellation | None) -> None:
        poll = select.poll()
        fd = self._stream.fileno()
        if cancellation is not None:
            poll.register(cancellation.fd, select.POLLIN)
        while not self._finished:
            poll.register(fd, select.POLLIN | (select.POLLOUT if self._stream.sending else 0))
            killed = self._monitor.kill is not None
            events = dict(poll.poll(self._patience() * 1000 + 0.5))
            if not events and (killed or self._delivering or self._script_ended is not None):
                self._lost = True  # killed and never reaped, or nothing moves
                return
            self._work.begin()
            if cancellation is not None and cancellation.fd in events:
                poll.unregister(cancellation.fd)
                evidence = Evidence("cancellation", "requested by the caller")
                self._monitor.end(Kill(Status.CANCELLED, "caller", evidence))
            self._pool(events.get(fd, 0))
            self._begin_when_delivered()
            self._look_at_budgets()
            if self._monitor.kill is not None and not killed:
                self._stream.drop_unsent()
                self._stream.send(FrameKind.KILL)
            self._pause()

    def _pause(self) -> None:
        """Wait for more to come before it is taken, where the run has much taken in small pieces."""
        self._work.mark()
        if self._monitor.kill is not None or self._finished or self._delivering or self._script_ended is not None:
            return
        if pause := self._work.pause(self._clock() - self._monitor.released):
            self._beside.sleep(pause)

    def _late(self) -> Kill | None:
        """Return the reason to end the run while its result is decoded, if there is one by now."""
        self._work.mark()
        self._monitor.saw_work(self._counts.cpu_ms + self._host_cpu_ms)
        return self._monitor.late(self._clock())

    @property
    def _host_cpu_ms(self) -> float:
        """Milliseconds of this thread's processor time for what the run has sent; they are on the run's budget."""
        return self._work.seconds * 1e3

    def _patience(self) -> float:
        """Return the seconds until something must be looked at, or nothing is to be expected any more."""
        if self._script_ended is not None:
            return _BRINGING_GRACE
        if self._monitor.kill is not None:
            return _REAP_GRACE
        return _DELIVERY_GRACE if self._delivering else self._monitor.timeout(self._clock())

    def _begin_when_delivered(self) -> None:
        """Start the clock when the whole request is on its way: carrying it in is not the code's time."""
        if self._delivering and not self._stream.sending:
            self._delivering = False
            if self._monitor.kill is None:
                self._monitor = BudgetMonitor(self._limits, self._clock(), self._wall)

    def _pool(self, event: int) -> None:
        """Send what waits, and take what came."""
        if event & select.POLLOUT:
            self._stream.flush()
        if not event & ~select.POLLOUT:
            return
        try:
            for frame in self._stream.receive():
                self._take(frame)
        except StreamError:
            self._lost = True
        except FrameError as error:
            self._monitor.end(garbled(str(error)))
            self._lost = True

    def _take(self, frame: Frame) -> None:
        handler = self._handlers.get(frame.kind)
        if handler is None:
            raise FrameError(f"{frame.kind.name} may not come here")
        try:
            handler(frame.payload)
        except (ValueError, TypeError, LookupError, struct.error, RecursionError) as error:
            raise FrameError(f"{frame.kind.name} cannot be read: {error}") from None

    @property
    def _finished(self) -> bool:
        if self._end is not None or self._lost or self._files is not None:
            return self._end is not None or self._lost
        return isinstance(self._response.answer, Returned) and self._monitor.kill is None

    def _look_at_budgets(self) -> None:
        now = self._clock()
        if self._monitor.kill is not None or self._finished or self._delivering or self._script_ended is not None:
            return
        if self._monitor.wants_cpu(now):
            self._monitor.awaits_cpu()
            self._stream.send(FrameKind.COUNT)
        self._monitor.saw_time(now)

    def _on_answer(self, data: bytes) -> None:
        if self._monitor.kill is not None:
            return
        self._work.took(len(data))
        attached = RemoteAttachment(self._stream, self._take, size=self._limits.result, patience=_FETCH_GRACE)
        kill = self._response.take(data, attached)
        if attached.lost:
            self._lost, self._response.answer = True, None
        elif kill is not None:
            self._monitor.end(kill)

    def _on_output(self, stream: int, data: bytes) -> None:
        self._work.took(len(data))
        self._output.add(stream, data)
        self._monitor.saw_output(self._output.total)

    def _on_notification(self, content: bytes) -> None:
        name, arguments, *counted = json.loads(content)
        times = counted[0] if counted else 1
        if type(times) is not int or not 0 < times < _MOST_TIMES:
            raise ValueError(f"{times!r:.40} is no number of calls")
        if self._finished:
            return  # the value came before this call
        if name in seccomp.DENIALS:
            kill = self._denials.saw(name, tuple(arguments), times)
            if kill is not None:
                self._monitor.end(kill)
        elif seccomp.asks_for_process(name, tuple(arguments)):
            self._processes_refused += 1
        elif not self._tolerant:
            self._monitor.saw_call(name, tuple(arguments))

    def _on_counts(self, content: bytes) -> None:
        cpu_us, memory, oom_kills, tasks_refused, tasks = container_protocol.COUNTS.unpack(content)
        self._counts = KernelCounts(
            cpu_ms=cpu_us / 1e3,
            memory_peak=None if memory < 0 else memory,
            oom_kills=oom_kills,
            tasks_refused=tasks_refused,
            processes_refused=self._processes_refused,
            tasks_peak=self._most_tasks(tasks),
        )
        if self._monitor.kill is None:
            self._work.mark()
            self._monitor.saw_cpu(self._clock(), self._counts.cpu_ms + self._host_cpu_ms)

    def _most_tasks(self, told: int) -> int | None:
        """The most so far: what is told is exact only where no earlier call in the container had more."""
        return None if told < 0 else max(told, self._counts.tasks_peak or 0)

    def _on_end(self, content: bytes) -> None:
        self._end = read_end(content)

    def _on_files(self, content: bytes) -> None:
        """Take a frame of files. The first one says that the script has ended: collecting them is not its time."""
        if self._files is not None:
            self._script_ended = self._script_ended or self._clock()
            self._files.take(content)

    def _conclude(self, wall_ms: float, lost: Callable[[], tuple[Evidence, int]]) -> Outcome:
        answered = self._monitor.kill is None and isinstance(self._response.answer, Returned) and self._files is None
        evidence, oom_kills = (Evidence("lane", "its init is gone", source="kernel"), 0)
        if self._lost and not answered:
            evidence, oom_kills = lost()
        ended = run_outcome.exit_of(None if self._end is None else self._end.status)
        counts = self._counted(oom_kills)
        seen = Observation(
            budgets=Budgets(self._wall, self._limits.cpu, self._limits.memory),
            kill=self._monitor.kill,
            exit=Exit(code=0) if answered else ended,
            answer=self._response.answer,
            counts=counts,
            touched=tuple(self._monitor.touched),
            lost=evidence,
            denial=self._denials.denial,
        )
        self._container.answered = answered
        self.container_after = self._next(answered=answered)
        if self.container_after is Disposition.KEEP:
            self._container.pause()
        outcome = run_outcome.outcome(
            decide(seen),
            self._output,
            counts,
            wall_ms,
            ended,
            sandbox=NAME,
            leftovers=0 if self._end is None else self._end.leftovers,
            denied=self._denials.calls,
        )
        return outcome if self._files is None else self._files.bring_out(outcome, ended=self._end is not None)

    def _counted(self, oom_kills: int) -> KernelCounts:
        """Return the last reported counts, with what the daemon says of a container that is gone."""
        counts = self._counts
        return KernelCounts(
            cpu_ms=counts.cpu_ms + self._host_cpu_ms,
            host_cpu_ms=self._host_cpu_ms,
            memory_peak=counts.memory_peak,
            oom_kills=max(counts.oom_kills, oom_kills),
            tasks_refused=counts.tasks_refused,
            processes_refused=self._processes_refused,
            tasks_peak=counts.tasks_peak,
        )

    def _next(self, *, answered: bool) -> Disposition:
        """Return the container's disposition after the call."""
        if self._end is not None:
            return Disposition.REARM if self._end.pure else Disposition.DISCARD
        if not answered or self._lost:
            return Disposition.DISCARD
        return Disposition.KEEP if self._response.stays else Disposition.DRAIN


def _frames(call: bytes, parts: Collected, content: bytes) -> Iterator[bytes]:
    """Yield the frames of a large request, each made when its turn has come."""
    yield pack(FrameKind.CALL, call)
    sent = 0
    for offset, piece in parts.pieces:
        for start in range(0, len(piece), _PART):
            gap = bytes(offset - sent) if start == 0 else b""
            yield pack(FrameKind.BYTES, gap + bytes(piece[start : start + _PART]))
        sent = offset + len(piece)
    for start in range(0, len(content), _PART):
        yield pack(FrameKind.BYTES, content[start : start + _PART])
