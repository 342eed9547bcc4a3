"""The files of a script, as a container tells of them: what is odd is left out, and nothing else is harmed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine.outcome import Outcome, Status
from poet_engine.sandbox.docker.output_files import Files

OUTCOME = Outcome(status=Status.OK, value=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


def told(header: object, content: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(4, "big") + text + content


def brought(content: bytes, wanted: tuple[str, ...] = ("*",), room: int = 100) -> Outcome:
    files = Files(wanted, room)
    files.take(content)
    return files.bring_out(OUTCOME, ended=True)


def test_files_come_with_their_content() -> None:
    found = brought(told({"files": [["a", 2], ["b/c", 3]], "skipped": {"d": "a link"}}, b"AABBB"))
    assert (found.files, found.files_skipped) == ({"a": b"AA", "b/c": b"BBB"}, {"d": "a link"})


def test_a_file_may_come_in_pieces_and_the_last_frame_says_what_was_skipped() -> None:
    files = Files(("*",), 100)
    for frame in (
        told({"files": []}),
        told({"files": [["a", 2], ["b", 0]]}, b"AA"),
        told({"files": [["a", 1], ["c", 1]]}, b"AC"),
        told({"files": [["c", 1]], "skipped": {"d": "a link"}}, b"C"),
    ):
        files.take(frame)
    found = files.bring_out(OUTCOME, ended=True)
    assert found.files == {"a": b"AAA", "b": b"", "c": b"CC"}
    assert found.files_skipped == {"d": "a link"}


def test_a_file_of_which_a_piece_is_missing_is_left_out_whole() -> None:
    files = Files(("*",), 100)
    files.take(told({"files": [["a", 2], ["b", 5]]}, b"AA"))
    files.take(told({"files": [["b", 1]], "skipped": {}}, b"B"))
    found = files.bring_out(OUTCOME, ended=True)
    assert (found.files, found.files_skipped) == ({"a": b"AA"}, {"b": "its content did not come"})


def test_without_the_last_frame_nothing_is_brought_out_and_it_says_why() -> None:
    files = Files(("a", "b"), 100)
    files.take(told({"files": [["a", 1]]}, b"A"))
    found = files.bring_out(OUTCOME, ended=True)
    assert found.files == {}
    assert [*found.files_skipped] == ["a", "b"]
    assert all("raise limits.memory" in why for why in found.files_skipped.values())


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "a/../b", "a\0b", "", ".", "a//b", "x" * 5000])
def test_a_name_that_is_not_plain_is_left_out(name: str) -> None:
    found = brought(told({"files": [[name, 1], ["good", 1]], "skipped": {}}, b"XG"))
    assert found.files == {"good": b"G"}
    assert len(found.files_skipped) == 1


@pytest.mark.parametrize("size", [-1, 5, 1 << 62])
def test_a_size_that_is_not_what_came_brings_nothing(size: int) -> None:
    found = brought(told({"files": [["a", size]], "skipped": {}}, b"AAAA"))
    assert found.files == {}
    assert [*found.files_skipped] == ["a"]


def test_beyond_the_room_nothing_is_kept() -> None:
    found = brought(told({"files": [["a", 60], ["b", 60], ["c", 1]], "skipped": {}}, bytes(121)))
    assert [*found.files] == ["a"]
    assert found.files_skipped == {"b": "there is no room for it", "c": "there is no room for it"}


@given(data=st.binary(max_size=300))
def test_hostile_bytes_bring_nothing_out_and_raise_nothing(data: bytes) -> None:
    found = brought(data)
    assert sum(map(len, found.files.values())) <= 100


@given(header=JSON, content=st.binary(max_size=50))
def test_a_hostile_header_brings_nothing_out_and_raises_nothing(header: object, content: bytes) -> None:
    found = brought(told(header, content))
    assert found.files == {} or isinstance(header, dict)


@given(
    files=st.lists(st.tuples(st.text(max_size=30), st.integers(-10, 60)), max_size=10),
    skipped=st.dictionaries(st.text(max_size=9), JSON, max_size=4),
    content=st.binary(max_size=200),
)
def test_no_more_comes_out_than_there_is_room_for(
    files: list[tuple[str, int]], skipped: dict[str, object], content: bytes
) -> None:
    found = brought(told({"files": files, "skipped": skipped}, content))
    assert sum(map(len, found.files.values())) <= 100
    assert {*found.files} <= {name for name, _size in files}


def test_a_header_of_deep_brackets_is_unreadable_and_no_more() -> None:
    text = b'{"files": ' + b"[" * 100_000
    found = brought(len(text).to_bytes(4, "big") + text)
    assert found.files_skipped == {"*": "what the container said of the files cannot be read"}


@pytest.mark.parametrize("size", ["Infinity", "-Infinity", "NaN", "1e999"])
def test_a_size_that_is_no_number_is_unreadable_and_no_more(size: str) -> None:
    text = f'{{"files": [["a", {size}]], "skipped": {{}}}}'.encode()
    found = brought(len(text).to_bytes(4, "big") + text)
    assert found.files_skipped == {"*": "what the container said of the files cannot be read"}


def test_long_reasons_are_cut() -> None:
    found = brought(told({"files": [], "skipped": {"n" * 9999: "w" * 9999}}))
    assert [(len(name), len(why)) for name, why in found.files_skipped.items()] == [(2000, 2000)]


@pytest.mark.parametrize(
    ("ended", "say", "why"),
    [
        (False, True, "the end of the script was not confirmed"),
        (True, False, "the script never began"),
    ],
)
def test_without_a_confirmed_end_nothing_is_brought_out(*, ended: bool, say: bool, why: str) -> None:
    files = Files(("a", "b"), 100)
    if say:
        files.take(told({"files": [["a", 1]], "skipped": {}}, b"A"))
    found = files.bring_out(OUTCOME, ended=ended)
    assert (found.files, found.files_skipped) == ({}, {"a": why, "b": why})
