"""What reaches the log: once, and harmless to look at."""

import logging
import threading

import pytest

from poet_engine.decorator.once_logger import OnceLogger, harmless, lines
from poet_engine.outcome import Outcome, Status
from poet_engine.sandbox.fake import ok


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
    teller, start = OnceLogger("f"), threading.Barrier(8)

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
        OnceLogger("f").output(ok(1))
    assert caplog.records == []


PRINTED = Outcome(
    status=Status.OK, stdout="one\n\x1b[2Jtwo\rERROR root: three\n", stderr="careful", stderr_truncated=True
)


def test_what_was_printed_is_a_record_a_line_and_says_what_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    """No line can act on a terminal or look like another record: each begins with the function's name."""
    with caplog.at_level(logging.INFO, logger="poet_engine.guest"):
        OnceLogger("f").output(PRINTED)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "f: one"),
        ("INFO", "f: \\x1b[2Jtwo\\rERROR root: three"),
        ("WARNING", "f: careful"),
        ("WARNING", "f: … what followed was over limits.output and was not kept"),
    ]
    assert {record.name for record in caplog.records} == {"poet_engine.guest"}


def test_nothing_is_passed_on_where_nobody_listens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Warnings without a handler go to the process's own standard error, which is no place for a guest."""
    root = logging.getLogger()
    with monkeypatch.context() as patch:
        patch.setattr(root, "handlers", [])
        logging.getLogger("poet_engine.guest").warning("the control")
        OnceLogger("f").output(PRINTED)
    assert capsys.readouterr().err == "the control\n"


@pytest.mark.parametrize(
    ("text", "cut", "told"),
    [
        ("", False, []),
        ("", True, ["… what followed was over limits.output and was not kept"]),
        ("\n", False, [""]),
        ("a\n\nb", False, ["a", "", "b"]),
        ("x" * 8001, False, ["x" * 8000, "… 1 more characters"]),
        ("x\n" * 300, False, [*["x"] * 200, "… 199 more characters"]),
    ],
)
def test_long_output_is_cut_in_characters_and_in_lines(text: str, told: list[str], *, cut: bool) -> None:
    assert lines(text, cut=cut) == told
