"""Which names may travel, and how any name is shown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine.guest import names


@pytest.mark.parametrize(
    "name", ["a", "a b.csv", "out/größe-日本.txt", "...", ".hidden", "-rf", "a" * 255, "a/" * 31 + "b"]
)
def test_a_plain_relative_name_is_fine(name: str) -> None:
    assert names.why_odd(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("/etc/passwd", "absolute"),
        ("a//b", "empty"),
        ("a/", "empty"),
        ("..", r"\.\."),
        ("a/../../b", r"\.\."),
        ("./a", r"\. or"),
        ("a\0b", "cannot be shown"),
        ("a\nb", "cannot be shown"),
        ("a\x1b[31m", "cannot be shown"),
        ("gnp\u202e.exe", "cannot be shown"),
        ("..\\..\\a", "backslash"),
        ("a\udcff", "not UTF-8"),
        ("a" * 256, "longer"),
        ("ä" * 128, "longer"),
        ("/".join(["a" * 200] * 6), "longer"),
        ("a/" * 32 + "b", "deeper"),
    ],
)
def test_any_other_name_is_odd_and_says_why(name: str, why: str) -> None:
    found = names.why_odd(name)
    assert found is not None
    assert re.search(why, found)


def test_a_plain_name_is_shown_as_it_is() -> None:
    assert names.visible("out/größe 1.csv") == "out/größe 1.csv"


@given(st.text() | st.binary().map(lambda raw: raw.decode(errors="surrogateescape")))
def test_whatever_is_shown_can_be_printed_anywhere(name: str) -> None:
    assert names.visible(name).isprintable()
    names.visible(name).encode()
