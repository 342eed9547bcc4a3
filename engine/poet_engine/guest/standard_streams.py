"""Record what a payload has printed and not written yet, in memory that is shared with the host.

CPython keeps what is printed to a pipe in two places, text in a TextIOWrapper and bytes in a BufferedWriter, until some
8 KiB are there or somebody flushes. Programs can tell when it is written, by a fork and by what they write to the
descriptor otherwise, so it is written no sooner here. But a process that is killed takes it along. So the streams put a
copy into shared memory, and take out of it what they have written: when a payload was killed, the rest is there. It
costs no system call and wakes nobody, and a call that prints nothing never touches it.

The streams are the interpreter's own objects; a few of their methods are covered by attributes of the instance. Names
of modules may be gone when they are called last, so the methods use nothing but what the instance holds.
"""

import contextlib
import ctypes
import gc
import io
import os
import sys
import weakref
from typing import TYPE_CHECKING

from . import kernel

if TYPE_CHECKING:
    from collections.abc import Callable

AREA = 1 << 14  # each of the two places holds less than 8 KiB before something is added to it
ROOM = 4 * AREA  # for two streams
_ROOM = ctypes.c_size_t(ROOM)
# The mode of the pipes: by `/dev/stdout` the code can open them to write, and never to read, whoever its user is.
WRITE_ONLY = 0o222
_NOTHING = bytes(1 << 9)
_LARGEST = 1 << 13  # what a place keeps at the most; more goes straight on
_KEEP_OUTPUT = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom, io.BufferedRWPair)
# Split, so that they lie side by side: each page with a word that is looked for is copied for the payload.
_LEADING_WORDS = "open IO std Buffered eval exec attr __".split()  # noqa: SIM905 - a list of literals is spread over pages
_ATOMIC = 4096  # PIPE_BUF: a pipe takes so many bytes as a whole, or none of them


def unflushed(fd: int) -> tuple[bytes, bytes]:
    """Return what a killed payload had not written yet to standard output and standard error, by its record."""
    areas = [os.pread(fd, AREA, start).rstrip(b"\0") for start in range(0, ROOM, AREA)]
    return areas[0] + areas[1], areas[2] + areas[3]


def used_length(area: memoryview) -> int:
    """Return how many bytes of an area are used, found without copying it."""
    size = len(area)
    while size >= len(_NOTHING) and area[size - len(_NOTHING) : size] == _NOTHING:
        size -= len(_NOTHING)
    while size and not area[size - 1]:
        size -= 1
    return size


class OutputPlace:
    """One buffer in which output waits, and its area of the record.

    Attributes:
        area: The shared memory; None before the first use, and where nothing is recorded.
        used: Bytes of it that are used.
    """

    __slots__ = ("area", "used")

    def __init__(self) -> None:
        self.area: memoryview | None = None
        self.used = 0

    def add(self, data: bytes) -> None:
        """Append bytes to the area; bytes for which it has no room are not recorded."""
        end = self.used + len(data)
        if self.area is not None and end <= len(self.area):
            self.area[self.used : end] = data
            self.used = end

    def begins_with(self, data: bytes) -> bool:
        """Return whether these bytes are the next to be written."""
        return self.area is not None and len(data) <= self.used and bytes(self.area[: len(data)]) == data

    def drop(self, size: int) -> None:
        """Remove the first bytes."""
        if self.area is not None:
            rest = bytes(self.area[size : self.used])
            self.area[: self.used] = rest + bytes(self.used - len(rest))
            self.used = len(rest)

    def drop_last(self, size: int) -> None:
        """Remove the last bytes."""
        if self.area is not None and size <= self.used:
            self.area[self.used - size : self.used] = bytes(size)
            self.used -= size


class RecordedStream:
    """A standard stream of the interpreter whose unwritten output is recorded.

    Args:
        stream: The stream.
        streams: The streams of this process, which have the record.
        number: The stream's number in the record: 0 for standard output, 1 for standard error.
    """

    def __init__(self, stream: io.TextIOWrapper, streams: "StandardStreams", number: int) -> None:
        self.stream, self._streams, self._number = stream, streams, number
        self.buffer: io.BufferedWriter = stream.buffer  # type: ignore[assignment] # of a standard stream it is one
        raw = self.buffer.raw
        self.texts, self.held = OutputPlace(), OutputPlace()
        self.used = False
        self._errors = stream.errors or "strict"
        self._plain = True
        self._write_text, self._flush_text, self._reconfigure = stream.write, stream.flush, stream.reconfigure
        self._write, self._flush, self._seekable = self.buffer.write, self.buffer.flush, self.buffer.seekable
        self._write_raw = raw.write
        self._referrers, self._text_type, self._through = gc.get_referrers, io.TextIOWrapper, _written_through
        self._largest, self._atomic = _LARGEST, _ATOMIC
        for covered, methods in (
            (stream, {"write": self.write_text, "flush": self.flush_text, "reconfigure": self.reconfigure}),
            (self.buffer, {"write": self.write, "flush": self.flush, "seekable": self.seekable}),
            (raw, {"write": self.write_raw}),
        ):
            vars(covered).update(methods)

    def record(self) -> None:
        """Begin to record, where that can be done."""
        self.used, self._streams.untouched = True, False
        if areas := self._streams.areas(self._number):
            self.held.area, self.texts.area = areas

    def forget(self) -> None:
        """Stop recording: the record belongs to another process."""
        self.used = True
        for place in (self.texts, self.held):
            place.area, place.used = None, 0

    def write_text(self, text: str, /) -> int:
        """Record and write text, in place of `TextIOWrapper.write`."""
        if not self.used:
            self.record()
        place, size = self.texts, 0
        if place.area is not None and type(text) is str and self._plain:
            try:
                data = text.encode("utf-8", self._errors)
                size = len(data)
                # as `OutputPlace.add`, without another call: this is done several times for each line
                place.area[place.used : place.used + size] = data
                place.used += size
            except ValueError:
                size = 0  # the stream refuses such text as well, or it is so much that it goes straight on
        try:
            return self._write_text(text)
        except BaseException:
            place.drop_last(size)
            raise

    def flush_text(self) -> None:
        """Hand the text on, in place of `TextIOWrapper.flush`."""
        self._flush_text()
        if self.texts.used:
            self.texts.drop(self.texts.used)

    def reconfigure(self, **options: object) -> None:
        """Change the stream's options, in place of `TextIOWrapper.reconfigure`.

        Text that does not leave as UTF-8 is handed on at once, and is recorded as the bytes that it becomes.
        """
        self._reconfigure(**options)  # type: ignore[arg-type] # it checks them itself
        self._errors = self.stream.errors or "strict"
        if self.stream.encoding.lower().replace("_", "-") not in ("utf-8", "utf8") or options.get("newline"):
            self._plain = False
            self._reconfigure(write_through=True)

    def write(self, data: bytes, /) -> int:
        """Record and write bytes, the code's own or text's, in place of `BufferedWriter.write`."""
        if not self.used:
            self.record()
        content = data if type(data) is bytes else memoryview(data).tobytes()
        small = len(content) <= self._largest
        if small:
            self.held.add(content)
        if self.texts.begins_with(content):
            self.texts.drop(len(content))  # it is text that is handed on
        try:
            written = self._write(data)
        except BaseException:
            if small:
                self.held.drop_last(len(content))
            raise
        if not small:
            self.flush()  # of so much a part may be kept, and it has no record
        return written

    def flush(self) -> None:
        """Write the bytes, in place of `BufferedWriter.flush`."""
        self._flush()
        if self.held.used:
            self.held.drop(self.held.used)

    def write_raw(self, data: memoryview, /) -> int | None:
        """Write to the descriptor, in place of `FileIO.write`.

        Recorded bytes go in pieces that are written as a whole, so that none is there twice.
        """
        if not self.held.used:
            return self._write_raw(data)
        piece = memoryview(data)[: self._atomic]
        recorded = self.held.begins_with(bytes(piece))
        written = self._write_raw(piece if recorded else data)
        if recorded and written:
            self.held.drop(written)
        return written

    def seekable(self) -> bool:
        """Answer `BufferedWriter.seekable`, which a TextIOWrapper that is made around the buffer calls.

        Such a wrapper's own buffer has no record, so what is printed to it is handed on at once.
        """
        self._streams.untouched = False
        for other in self._referrers(self.buffer):
            kind = type(other)
            if not issubclass(kind, self._text_type) or other is self.stream or "write" in vars(other):
                continue
            if kind.write is self._text_type.write:
                vars(other)["write"] = self._through(other)
        return self._seekable()


def _written_through(stream: io.TextIOWrapper) -> "Callable[[str], int]":
    """Return a first `write` for a stream that is still being made: it has the stream keep nothing."""
    there = weakref.ref(stream)

    def write(text: str, /) -> int:
        stream = there()
        if stream is None:
            raise ValueError("I/O operation on closed file.")
        vars(stream).pop("write", None)
        stream.reconfigure(write_through=True)
        return stream.write(text)

    return write


class StandardStreams:
    """Standard output and standard error of this process, and the streams that the code makes around them."""

    def __init__(self) -> None:
        self._recorded: list[RecordedStream] = []
        self._out, self._err = sys.stdout, sys.stderr
        self.untouched = True  # nobody has printed, or made a stream around one of them
        self._address = 0
        self._suppress = contextlib.suppress
        self._expected = self._live = False

    def cover(self) -> None:
        """Cover the interpreter's own streams; once, in the process that payloads are forked from."""
        self._out, self._err = sys.stdout, sys.stderr
        kernel.buffer_c_output(buffered=False)
        for number, stream in enumerate((sys.stdout, sys.stderr)):
            if isinstance(stream, io.TextIOWrapper):
                self._recorded.append(RecordedStream(stream, self, number))
        os.register_at_fork(after_in_child=self.forget)  # noqa: TID251 - the guest has nothing of ours but itself

    def record_in(self, file: int) -> None:
        """Map the record of the next payload, which is the file `file`.

        Called before it is forked, so that it inherits the mapping: to make it touches pages, and each page that a
        payload touches is copied for it. The record of the payload before is unmapped.
        """
        self._address = kernel.map_shared(file, _ROOM, self._address)

    def expect(self, source: str) -> None:
        """Check whether a source may make streams of its own; without a word that leads to one nobody looks for them.

        Looking through all objects takes some 5 µs that most calls need not spend. Code that hides what it does loses
        its own text only.
        """
        self._expected = any(map(source.__contains__, _LEADING_WORDS))

    def show_lines(self, *, at_once: bool) -> None:
        """Have standard output written at each line's end, as on a terminal: where its reader follows the run.

        Otherwise as in a pipe. A payload that is kept may serve callers of both kinds.
        """
        if at_once != self._live:
            self._live = at_once
            with contextlib.suppress(AttributeError, ValueError):  # a kept payload's code may have closed it
                self._out.reconfigure(line_buffering=at_once)  # type: ignore[union-attr] # it is the interpreter's own

    def forget(self) -> None:
        """Stop recording, in a child that the code forked."""
        if self._address:
            for stream in self._recorded:
                stream.forget()

    def areas(self, number: int) -> list[memoryview] | None:
        """Return the two areas of a stream, for bytes and for text; None where nothing is recorded."""
        if not self._address:
            return None
        record, first = kernel.memory_at(self._address, _ROOM), 2 * number
        return [record[AREA * index : AREA * (index + 1)] for index in (first, first + 1)]

    def flush(self) -> None:
        """Flush `sys.stdout`, `sys.stderr`, the interpreter's first streams, and those the code has made and keeps.

        A stream that cannot be flushed is closed, replaced or the code's own: what was printed to it is its own loss.

        Raises:
            BaseException: The error of the code's own standard stream, when the others are flushed, unless the
                stream is closed or missing.
        """
        try:
            if self.untouched and not self._expected and sys.stdout is self._out and sys.stderr is self._err:
                return  # the way of a call that prints nothing
        except AttributeError:
            pass  # the code has taken one away
        made = _made()
        for stream in (*made, self._out, self._err):
            with contextlib.suppress(BaseException):
                stream.flush()  # type: ignore[union-attr] # it is one
        self.untouched = not made
        for recorded in self._recorded:
            recorded.used = False
        for name in ("stdout", "stderr"):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                getattr(sys, name).flush()

    def flush_own(self) -> None:
        """Flush the streams that the interpreter began with."""
        for recorded in self._recorded:
            with self._suppress(BaseException):  # the code has closed it, or what lies below
                recorded.stream.flush()


def _made() -> list[object]:
    """List the streams that the code has made and still holds; those of text come first: they write to the others."""
    made = [thing for thing in gc.get_objects() if issubclass(type(thing), _KEEP_OUTPUT)]
    return sorted(made, key=lambda stream: not issubclass(type(stream), io.TextIOWrapper))


STREAMS = StandardStreams()
