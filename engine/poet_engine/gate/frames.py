"""What travels between the gate and its worker: four bytes of length, then JSON. Sizes are checked before parsing."""

import json
import struct
from collections.abc import Mapping

_LENGTH = struct.Struct(">I")
HEAD = _LENGTH.size
MOST = 32 * 2**20  # the largest source that a policy admits, every character of it escaped


def encode(message: Mapping[str, object]) -> bytes:
    """One frame.

    Raises:
        ValueError: The message is longer than `MOST` bytes.
    """
    body = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    if len(body) > MOST:
        raise ValueError(f"a frame of {len(body):,} bytes; {MOST:,} are allowed")
    return _LENGTH.pack(len(body)) + body


def length(head: bytes) -> int:
    """How many bytes follow the head of a frame.

    Raises:
        ValueError: More than `MOST`.
    """
    (size,) = _LENGTH.unpack(head)
    if not isinstance(size, int) or size > MOST:
        raise ValueError(f"a frame of {size:,} bytes; {MOST:,} are allowed")
    return size


def decode(body: bytes) -> dict[str, object]:
    """The message in a frame.

    Raises:
        ValueError: Not a JSON object.
    """
    try:
        message: object = json.loads(body)
    except RecursionError:
        raise ValueError("a frame nests too deep") from None
    if not isinstance(message, dict):
        raise ValueError("a frame holds no object")  # noqa: TRY004 - one kind of error for a bad frame
    return message
