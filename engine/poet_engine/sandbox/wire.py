"""Encode a job as the request that a guest reads, and decode a guest's frame as an answer, for every sandbox."""

import base64
import dataclasses
import json
import mmap
import sys
from collections.abc import Callable, Mapping

from poet_engine.errors import SerializationError
from poet_engine.guest import codec, structures
from poet_engine.guest.attachments import NOTHING, Attached, Collected
from poet_engine.guest.decoding_budget import DecodingBudget, never
from poet_engine.guest.errors import GuestSerializationError, UndecodableError
from poet_engine.guest.frames import NONCE_SIZE, STAYS, Frame, FrameKind, FrameTooLargeError, Reader
from poet_engine.guest.project_modules import MODULE_NAME
from poet_engine.guest.script import HEADER_LENGTH
from poet_engine.job import Job, Script
from poet_engine.outcome import ErrorInfo
from poet_engine.sandbox import input_files
from poet_engine.sandbox.verdict import Answer, Garbled, InputRefusal, Raised, Returned

# An exception's or refusal's frame: message and traceback are cut by the guest well below this.
_MAX_TEXT_FRAME = 1 << 18
_MAX_FIELD = 1 << 16
_MAX_DONE_FRAME = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """The request for one job, and its attachments.

    Attributes:
        content: The content of the request frame.
        parts: Its attachments, which each sandbox carries in its own way.
        classes: What structures in its answer are rebuilt as.
    """

    content: bytes
    parts: Collected
    classes: structures.Classes | None = None


def request(job: Job, memory: int | None = None) -> Request:
    """Encode a job as the request that the guest reads.

    Args:
        job: The job to run.
        memory: The policy's budget in bytes; arguments that alone would use it up are refused. None for no budget.

    Raises:
        SerializationError: An argument has no safe form, or no room; the error names it.
    """
    most = None if memory is None else (memory, "limits.memory")
    sent = _SentClasses(job.source)
    parts = Collected(alignment=mmap.PAGESIZE, most=most, classes=sent)
    classes = _returned_classes(job)
    try:
        args = [codec.to_wire(value, f"argument {index + 1}", 0, parts) for index, value in enumerate(job.args)]
        kwargs = {name: codec.to_wire(value, f"argument {name!r}", 0, parts) for name, value in job.kwargs.items()}
        content = codec.encode(
            {
                "source": job.source,
                "entry": job.entry,
                "filename": job.filename,
                "args": args,
                "kwargs": kwargs,
                **({"structured": True} if sent.found else {}),
                **({"classes": sorted(classes.names)} if classes is not None else {}),
                **({"absent": dict(job.absent)} if job.absent else {}),
                **(
                    {"project": {"module": job.module or MODULE_NAME, "files": _project(job.modules)}}
                    if job.modules
                    else {}
                ),
                **({"live": True} if job.on_output is not None else {}),
            }
        ).encode()
    except GuestSerializationError as error:
        raise SerializationError(error.where, error.kind, error.why, mend=error.advice("Pass")) from None
    return Request(content, parts, classes)


class _SentClasses(structures.Mentioned):
    """The classes that a source mentions: values of others have no class to be rebuilt as.

    Attributes:
        found: Whether a value of one was sent.
    """

    found = False

    def __contains__(self, name: object) -> bool:
        """Return whether the source mentions the class."""
        known = super().__contains__(name)
        self.found = self.found or known
        return known


def _returned_classes(job: Job) -> structures.Classes | None:
    returns = job.returns
    if returns is None or isinstance(returns, structures.Classes):
        return returns
    classes = structures.Classes(returns)
    return classes if classes.names else None


def _project(modules: Mapping[str, str | bytes]) -> dict[str, list[str]]:
    return {
        path: ["text", content] if isinstance(content, str) else ["bytes", base64.b64encode(content).decode()]
        for path, content in modules.items()
    }


def script_request(script: Script) -> Request:
    """Encode a script as the guest reads it: a header's length, the header, and the files one by one.

    Raises:
        UsageError: A name or an argument could mean something else inside; the error names it.
    """
    input_files.check(script)
    header = json.dumps(
        {
            "source": script.source,
            "filename": script.filename,
            "argv": list(script.argv),
            "files": [[name, len(content)] for name, content in script.files_in.items()],
            "absent": dict(script.absent),
            "live": script.on_output is not None,
            "project": _project(script.modules),
            "cells": [list(cell) for cell in script.cells],
        }
    ).encode()
    pieces = [len(header).to_bytes(HEADER_LENGTH, "big"), header, *script.files_in.values(), script.stdin]
    return Request(b"".join(pieces), Collected())


def script_reader(result_limit: int | None = None) -> Reader:
    """Return a reader for what a script's run loop may send: that the script came to its end, or an exception.

    Not a refusal: that is for functions, whose caller's fault it is.

    Args:
        result_limit: Bytes of the value of a notebook; None for a script, which has none.
    """
    most = _MAX_DONE_FRAME if result_limit is None else max(result_limit, _MAX_DONE_FRAME)
    return Reader({FrameKind.RESULT: most, FrameKind.EXCEPTION: _MAX_TEXT_FRAME})


def reader(result_limit: int, *, kept: bool = False) -> Reader:
    """Return a reader for what may come after release: one answer, whatever the guest makes of it.

    Args:
        result_limit: Bytes of a result.
        kept: Whether the payload serves several calls, and begins its answer with the nonce of the call.
    """
    nonce = {FrameKind.NONCE: NONCE_SIZE + len(STAYS)} if kept else {}
    return Reader(
        {
            FrameKind.RESULT: result_limit,
            FrameKind.EXCEPTION: _MAX_TEXT_FRAME,
            FrameKind.REFUSED: _MAX_TEXT_FRAME,
            **nonce,
        }
    )


class _TooLargeError(Exception):
    """The attachments that a result refers to are more than it may have."""


class _Capped:
    """The attachments of a result: each reference counts, also one to what another one has taken already.

    Args:
        attached: The region that they are taken from.
        length: Bytes of the frame.
        limit: Bytes of frame and attachments together.
    """

    def __init__(self, attached: Attached, length: int, limit: int) -> None:
        self._attached, self.total, self._limit = attached, length, limit

    def take(self, offset: int, length: int) -> bytearray | memoryview:
        """Return bytes of the region, if the result may have them."""
        self._count(length)
        return self._attached.take(offset, length)

    def copy(self, offset: int, length: int) -> bytes:
        """Return bytes that cannot change, if the result may have them."""
        self._count(length)
        return self._attached.copy(offset, length)

    def _count(self, length: int) -> None:
        self.total += length
        if self.total > self._limit:
            raise _TooLargeError


def read(
    frames: list[Frame],
    pending: int,
    attached: Attached = NOTHING,
    limit: int = sys.maxsize,
    *,
    late: Callable[[], bool] = never,
    classes: structures.Classes | None = None,
) -> Answer:
    """Decode the answer. Exactly one frame and not a byte more, or it is garbled.

    Args:
        frames: The frames that came whole.
        pending: Bytes that came after them.
        attached: The attachments of the result.
        limit: Bytes of a result and its attachments together.
        late: Returns whether the deadline has passed; called again and again while a result is decoded.
        classes: What structures are rebuilt as; None where there may be none.

    Raises:
        FrameTooLargeError: The attachments announce more than `limit`.
        DeadlinePassedError: There was no time left to decode the result.
    """
    if len(frames) != 1 or pending:
        return Garbled(f"{len(frames)} frames and {pending} bytes where one frame was due")
    frame = frames[0]
    if frame.kind is FrameKind.RESULT:
        return _value(frame.payload, attached, limit, late, classes)
    fields = _text_fields(frame.payload)
    if fields is None:
        return Garbled(f"an unreadable {frame.kind.name.lower()} frame")
    if frame.kind is FrameKind.REFUSED:
        return InputRefusal(_text(fields, "argument"), _text(fields, "rule"))
    error_info = ErrorInfo(_text(fields, "type"), _text(fields, "message"), _text(fields, "traceback"))
    kind, exits = _text(fields, "kind") or "exception", fields.get("exits")
    return Raised(error_info, kind, fields.get("raised") is not False, exits if isinstance(exits, int) else 0)


def _value(
    content: bytes, attached: Attached, limit: int, late: Callable[[], bool], classes: structures.Classes | None
) -> Answer:
    capped = _Capped(attached, len(content), limit)
    try:
        return Returned(codec.loads(content, capped, DecodingBudget(len(content), late), classes=classes))
    except UndecodableError as error:
        return Garbled(str(error))
    except _TooLargeError:
        raise FrameTooLargeError(capped.total, limit) from None


def _text_fields(payload: bytes) -> dict[str, object] | None:
    try:
        fields = codec.parse(payload)
    except UndecodableError:
        return None
    return fields if isinstance(fields, dict) else None


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    return value[:_MAX_FIELD].encode(errors="replace").decode() if isinstance(value, str) else ""
