"""Control one container from the host: prepare its payloads and read its messages, until its end."""

import json
import select
import struct
from typing import NamedTuple

from poet_engine.guest import container_protocol
from poet_engine.guest.frames import Frame, FrameError, FrameKind, pack
from poet_engine.sandbox.docker.stream import Stream, StreamError
from poet_engine.sandbox.pool.version import SourceKey


class ContainerError(Exception):
    """A container could not be made ready; the text says what failed."""


class ContainerCapabilities(NamedTuple):
    """The capabilities of a container, as its first process reports them.

    Attributes:
        landlock: The ABI version of Landlock there; 0 without.
        told: Whether the kernel notifies of forbidden system calls.
        counted_by: What counts memory and tasks for it: `cgroup v1`, `cgroup v2`, or empty.
    """

    landlock: int
    told: bool
    counted_by: str


class End(NamedTuple):
    """The end of a payload, as the container's first process reports it.

    Attributes:
        status: Its wait status.
        leftovers: Processes that were still there and were killed.
        clean: Whether the writable folders are as they were at first.
    """

    status: int
    leftovers: int
    clean: bool

    @property
    def pure(self) -> bool:
        """Whether its container can be used again."""
        return self.clean and not self.leftovers


class Container:
    """A container: started, then prepared with one payload after another. It never serves two versions.

    Args:
        id_: The daemon's id of it.
        name: Our name for it.
        stream: Its streams.
        uid: The user of its payloads.
        allowed: Bytes of memory that it may have; None for a generous amount.
    """

    def __init__(self, id_: str, name: str, stream: Stream, uid: int, allowed: int | None = None) -> None:
        self.id, self.name, self.stream, self.uid, self.allowed = id_, name, stream, uid, allowed
        self.key: SourceKey | None = None
        self.ready_since = 0.0
        self.standing: ContainerCapabilities | None = None
        self.memory: int | None = None  # bytes that were charged to it when its payload was ready
        self.calls = 0
        self.answered = False  # its last payload has, with a result, so the next one may compile the same source ahead
        self.prepared = False
        self.ended = False  # its payload has, and left nothing

    def __repr__(self) -> str:
        state = "prepared" if self.prepared else "being prepared"
        return f"<Container {self.name} uid={self.uid} calls={self.calls} {state}>"

    @property
    def quiet(self) -> bool:
        """Whether it has sent nothing since it was ready. A waiting payload's container sends only its end."""
        fd = self.stream.fileno()
        if fd < 0:
            return False
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return not poll.poll(0)

    def prepare(self, probable: SourceKey | None = None) -> None:
        """Request the next payload, which compiles the version that will probably be called."""
        self.prepared = self.ended = False
        ahead = b"" if probable is None else pack(FrameKind.COMPILE, json.dumps(probable).encode())
        self.stream.send(FrameKind.PREPARE, ahead if len(ahead) <= container_protocol.LONGEST_AHEAD else b"")

    def pause(self) -> None:
        """Have the payload stopped with all that it has started, until its next call."""
        self.stream.send(FrameKind.PAUSE)

    def on_readable(self) -> bool:
        """Take what comes while nobody calls; return whether its payload is ready now, or else has ended.

        Raises:
            ContainerError: It failed, has ended, or cannot be used again.
        """
        self.stream.flush()
        try:
            frames = self.stream.receive()
        except (StreamError, FrameError) as error:
            raise ContainerError(f"{error}; {self.stream.last_words or 'it said nothing'}") from None
        for frame in frames:
            self._take(frame)
        return self.prepared or self.ended

    def _take(self, frame: Frame) -> None:
        match frame.kind:
            case FrameKind.CAPABILITIES:
                self.standing = _standing(frame.payload)
                self.prepare()
            case FrameKind.PREPARED:
                _refuse_other_size(frame, container_protocol.PREPARED)
                (memory,) = container_protocol.PREPARED.unpack(frame.payload)
                self.memory = memory if memory >= 0 else None
                self.prepared = True
            case FrameKind.BROKEN:
                raise ContainerError(frame.payload.decode(errors="replace"))
            case FrameKind.ENDED:
                _refuse_other_size(frame, container_protocol.ENDED)
                if not read_end(frame.payload).pure:
                    raise ContainerError("a payload left something behind")
                self.ended = True
            case FrameKind.OUT | FrameKind.ERR | FrameKind.COUNTS | FrameKind.ANSWER:
                pass  # of a call that has been answered
            case _:
                raise ContainerError(f"it said {frame.kind.name} out of turn")

    def close(self) -> None:
        """Close its streams, which ends it; removing its name is left to the daemon."""
        self.stream.close()


def read_end(content: bytes) -> End:
    """Decode the report of a payload's end."""
    return End(*container_protocol.ENDED.unpack(content))


def _refuse_other_size(frame: Frame, layout: struct.Struct) -> None:
    if len(frame.payload) != layout.size:
        raise ContainerError(f"it said {frame.kind.name} with {len(frame.payload)} bytes")


def _standing(content: bytes) -> ContainerCapabilities:
    try:
        fields = json.loads(content)
        return ContainerCapabilities(int(fields["landlock"]), bool(fields["told"]), str(fields["counted_by"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise ContainerError("what it said of itself cannot be read") from None
