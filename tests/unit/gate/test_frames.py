"""Frames between gate and worker: what goes in comes out, and nothing too long or malformed gets through."""

import pytest

from poet_engine.gate import frames


def test_a_message_comes_out_as_it_went_in() -> None:
    message: dict[str, object] = {"do": "scan", "source": "é\ud800\0\u202e", "n": [1, None, True]}
    data = frames.encode(message)
    assert frames.length(data[: frames.HEAD]) == len(data) - frames.HEAD
    assert frames.decode(data[frames.HEAD :]) == message


def test_a_frame_has_a_longest_size_both_ways() -> None:
    with pytest.raises(ValueError, match="allowed"):
        frames.encode({"x": "a" * frames.MOST})
    with pytest.raises(ValueError, match="allowed"):
        frames.length(b"\xff\xff\xff\xff")


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b"\xff", b"[" * 100_000, b"null"])
def test_what_is_no_object_is_no_message(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text differs, the kind is what callers catch
        frames.decode(body)
