"""Text that others chose, as it is shown."""

import pytest

from poet_engine._text import close_names, for_terminal, suggest, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain größe 表", "plain größe 表"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("windows\r\nline", "windows\nline"),
        ("over\rwritten", "over\\rwritten"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\u202eturned", "\\u202eturned"),
        ("half \ud800", "half \\ud800"),
        ("wide\u3000space, joined\u200d", "wide\u3000space, joined\u200d"),
    ],
)
def test_a_terminal_gets_nothing_that_acts_on_it(text: str, shown: str) -> None:
    assert for_terminal(text) == shown


@pytest.mark.parametrize(
    ("text", "keep", "shown"),
    [
        ("plain größe 表", "", "plain größe 表"),
        ("a\tb\nc", "", "a\\tb\\nc"),
        ("a\tb\nc", "\t", "a\tb\\nc"),
        ("wide\u3000space, joined\u200d", "", "wide\\u3000space, joined\\u200d"),
        ("half \ud800", "", "half \\ud800"),
    ],
)
def test_a_report_shows_what_cannot_be_seen(text: str, keep: str, shown: str) -> None:
    assert visible(text, keep) == shown


def test_what_is_close_is_suggested_and_nothing_else() -> None:
    assert suggest("memroy", ["memory", "cpu"]) == " (did you mean 'memory'?)"
    assert suggest("x", ["memory", "cpu"]) == ""
    assert close_names("tasks", ["task", "masks", "cpu"], most=2) == ["task", "masks"]
