import pytest

from poet_engine.sandbox.process.subids import Range, find, parse

_TEXT = "alice:100000:65536\n1001:165536:65536\nbob:231072:10\nbob:300000:65536\n"


@pytest.mark.parametrize(
    ("user", "uid", "expected"),
    [
        ("alice", 1000, Range(100000, 65536)),
        ("carol", 1001, Range(165536, 65536)),  # by number
        ("bob", 1002, Range(231072, 10)),  # the first of several
        ("dave", 1003, None),
        ("", 1003, None),  # a uid without a name
    ],
)
def test_the_first_range_of_a_user_counts(user: str, uid: int, expected: Range | None) -> None:
    assert parse(_TEXT, user, uid) == expected


@pytest.mark.parametrize("text", ["", "alice", "alice:", "alice:x:10", "alice:10:", "alice:10:0", "alice:-1:10", "\0"])
def test_lines_that_say_nothing_are_passed_over(text: str) -> None:
    assert parse(text, "alice", 1000) is None


def test_ranges_are_of_no_use_without_the_helpers() -> None:
    assert find(which=lambda _name: None) is None
