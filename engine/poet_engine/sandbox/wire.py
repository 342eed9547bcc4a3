"""A job as the request that a guest reads, and a guest's frame as an answer. The same for every sandbox."""

import json

from poet_engine.errors import CannotTravelError
from poet_engine.guest import codec
from poet_engine.guest.frames import Frame, Kind, Reader
from poet_engine.guest.script import HEADER_LENGTH
from poet_engine.guest.travel import UndecodableError, UntravellableError
from poet_engine.job import Job, Script
from poet_engine.outcome import ErrorInfo
from poet_engine.sandbox import files_in
from poet_engine.sandbox.verdict import Answer, Garbled, Raised, Refused, Returned

# An exception's or refusal's frame: message and traceback are cut by the guest well below this.
_MAX_TEXT_FRAME = 1 << 18
_MAX_FIELD = 1 << 16
_MAX_DONE_FRAME = 64


def request(job: Job) -> bytes:
    """The content of the request frame.

    Raises:
        CannotTravelError: An argument has no safe form; the error names it.
    """
    try:
        return json.dumps(
            {
                "source": job.source,
                "entry": job.entry,
                "filename": job.filename,
                "args": [codec.to_wire(value, f"argument {index + 1}", 0) for index, value in enumerate(job.args)],
                "kwargs": {name: codec.to_wire(value, f"argument {name!r}", 0) for name, value in job.kwargs.items()},
            },
            separators=(",", ":"),
            allow_nan=False,
        ).encode()
    except UntravellableError as error:
        raise CannotTravelError(error.where, error.kind, error.why) from None


def script_request(script: Script) -> bytes:
    """The content of the frame that asks for a script: a header's length, the header, and the files one by one.

    Raises:
        UsageError: A name or an argument could mean something else inside; the error names it.
    """
    files_in.check(script)
    header = json.dumps(
        {
            "source": script.source,
            "filename": script.filename,
            "argv": list(script.argv),
            "files": [[name, len(content)] for name, content in script.files_in.items()],
        }
    ).encode()
    return b"".join([len(header).to_bytes(HEADER_LENGTH, "big"), header, *script.files_in.values(), script.stdin])


def script_reader() -> Reader:
    """A reader for what a script's run loop may send: that the script came to its end, or an exception.

    Not a refusal: that is for functions, whose caller's fault it is.
    """
    return Reader({Kind.RESULT: _MAX_DONE_FRAME, Kind.EXCEPTION: _MAX_TEXT_FRAME})


def reader(result_limit: int) -> Reader:
    """A reader for what may come after release: one answer, whatever the guest makes of it."""
    return Reader({Kind.RESULT: result_limit, Kind.EXCEPTION: _MAX_TEXT_FRAME, Kind.REFUSED: _MAX_TEXT_FRAME})


def read(frames: list[Frame], pending: int) -> Answer:
    """The answer that came. Exactly one frame and not a byte more, or it is garbled."""
    if len(frames) != 1 or pending:
        return Garbled(f"{len(frames)} frames and {pending} bytes where one frame was due")
    frame = frames[0]
    if frame.kind is Kind.RESULT:
        try:
            return Returned(codec.loads(frame.payload))
        except UndecodableError as error:
            return Garbled(str(error))
    fields = _text_fields(frame.payload)
    if fields is None:
        return Garbled(f"an unreadable {frame.kind.name.lower()} frame")
    if frame.kind is Kind.REFUSED:
        return Refused(_text(fields, "argument"), _text(fields, "rule"))
    error_info = ErrorInfo(_text(fields, "type"), _text(fields, "message"), _text(fields, "traceback"))
    return Raised(error_info, _text(fields, "kind") or "exception", fields.get("raised") is not False)


def _text_fields(payload: bytes) -> dict[str, object] | None:
    try:
        fields = codec.parse(payload)
    except UndecodableError:
        return None
    return fields if isinstance(fields, dict) else None


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    return value[:_MAX_FIELD].encode(errors="replace").decode() if isinstance(value, str) else ""
