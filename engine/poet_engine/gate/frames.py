"""Frames between the gate and its worker: four bytes of length, then JSON; sizes are checked before parsing."""

import json
import struct
from collections.abc import Mapping

_LENGTH = struct.Struct(">I")
HEAD = _LENGTH.size
MOST = 32 * 2**20  # the largest source that a policy allows, every character of it escaped


def encode(message: Mapping[str, object]) -> bytes:
    """Return a message as one frame.

    Raises:
        ValueError: The message is longer than `MOST` bytes.
    """
    body = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    if len(body) > MOST:
        raise ValueError(f"a frame of {len(body):,} bytes; {MOST:,} are allowed")
    return _LENGTH.pack(len(body)) + body


def length(head: bytes) -> int:
    """Return the number of bytes that follow the head of a frame.

    Raises:
        ValueError: The frame is longer than `MOST` bytes.
    """
    (size,) = _LENGTH.unpack(head)
    if not isinstance(size, int) or size > MOST:
        raise ValueError(f"a frame of {size:,} bytes; {MOST:,} are allowed")
    return size


def decode(body: bytes) -> dict[str, object]:
    """Return the message in the body of a frame.

    Raises:
        ValueError: The body is not a JSON object.
    """
    try:
        message: object = json.loads(body)
    except RecursionError:
        raise ValueError("a frame nests too deep") from None
    if not isinstance(message, dict):
        raise ValueError("a frame holds no object")  # noqa: TRY004 - one kind of error for a bad frame
    return message
