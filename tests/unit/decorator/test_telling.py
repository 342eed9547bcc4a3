"""What reaches the log: once, and harmless to look at."""

import logging
import threading

import pytest

from poet_engine.decorator.telling import Teller, harmless
from poet_engine.sandbox.scripted import ok


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ä and 日本", "plain, ä and 日本"),
        ("a\tb", "a\tb"),
        ("a\nERROR root: b", "a\n    ERROR root: b"),
        ("\x1b]0;title\x07\x1b[2J", "\\x1b]0;title\\x07\\x1b[2J"),
        ("\r\x08\x00\x7f\x9b", "\\r\\x08\\x00\\x7f\\x9b"),
        ("\u202e\u2066\u200f\ud800\u2028", "\\u202e\\u2066\\u200f\\ud800\\u2028"),
    ],
)
def test_text_of_a_guest_cannot_act(text: str, shown: str) -> None:
    """No cursor, no colour, no turned direction, no line that looks like another record; words stay as they are."""
    assert harmless(text) == shown


def test_long_text_is_cut_and_says_by_how_much() -> None:
    assert harmless("x" * 10_000) == "x" * 8000 + " … 2000 more characters"


def test_one_kind_of_thing_is_said_once_even_by_many_threads(caplog: pytest.LogCaptureFixture) -> None:
    teller, start = Teller("f"), threading.Barrier(8)

    def tell() -> None:
        start.wait(10)
        teller.once("kind", "says \x1b[31m it")

    threads = [threading.Thread(target=tell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    teller.once("another", "is different")
    assert [record.getMessage() for record in caplog.records] == ["f says \\x1b[31m it", "f is different"]


def test_nothing_is_said_where_nothing_was_printed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Teller("f").output(ok(1))
    assert caplog.records == []
