"""The record of what was printed and not written."""

import os
from collections.abc import Iterator

import pytest

from poet_engine.guest.standard_streams import AREA, ROOM, OutputPlace, unflushed, used_length


@pytest.fixture
def place() -> OutputPlace:
    made = OutputPlace()
    made.area = memoryview(bytearray(AREA))
    return made


@pytest.fixture
def record() -> Iterator[int]:
    fd = os.memfd_create("record")
    os.ftruncate(fd, ROOM)
    yield fd
    os.close(fd)


def test_what_is_added_leaves_in_its_order(place: OutputPlace) -> None:
    place.add(b"one ")
    place.add(b"two")
    assert place.begins_with(b"one t")
    assert not place.begins_with(b"two")
    place.drop(4)
    assert place.begins_with(b"two")
    assert place.used == 3


def test_what_has_left_is_not_in_the_area(place: OutputPlace) -> None:
    place.add(b"one two")
    place.drop(4)
    assert place.area is not None
    assert bytes(place.area[: used_length(place.area)]) == b"two"
    place.drop_last(3)
    assert not any(place.area)


def test_what_finds_no_room_is_not_recorded(place: OutputPlace) -> None:
    place.add(bytes(AREA))
    place.add(b"x")
    assert place.used == AREA


def test_without_an_area_nothing_is_recorded() -> None:
    place = OutputPlace()
    place.add(b"one")
    place.drop(1)
    place.drop_last(1)
    assert place.used == 0
    assert not place.begins_with(b"")


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 511, b"x" * 512, b"x\0y", b"x" * AREA, b"\0\0x"])
def test_the_used_length_ends_at_the_last_byte_that_is_none(content: bytes) -> None:
    assert used_length(memoryview(content.ljust(AREA, b"\0"))) == len(content)


def test_a_record_is_read_in_the_order_of_the_output(record: int) -> None:
    """Bytes first, then the text that was not handed on to them, for each stream."""
    for index, content in enumerate((b"bytes ", b"text", b"error ", b"text")):
        os.pwrite(record, content, index * AREA)
    assert unflushed(record) == (b"bytes text", b"error text")


def test_a_record_that_has_no_room_is_empty(record: int) -> None:
    os.ftruncate(record, 0)
    assert unflushed(record) == (b"", b"")
