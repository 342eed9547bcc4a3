"""What a script is given is judged before anything runs, and every error names what is wrong."""

import dataclasses
import os
import socket
from pathlib import Path

import pytest

from poet_engine.errors import SerializationError, UsageError
from poet_engine.job import Script
from poet_engine.policy import Limits, Policy
from poet_engine.sandbox import input_files

LIMITS = Policy.parse('[limits]\ndisk = "64KiB"\ninodes = 16\nmemory = "16MiB"\n').limits
EMPTY = Script(source="")


class TestRead:
    def test_bytes_stay_and_paths_are_read(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"from here")
        assert input_files.read({"x": b"1", "y": tmp_path / "a"}, LIMITS) == {"x": b"1", "y": b"from here"}

    def test_a_link_of_the_callers_own_is_followed(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"1")
        (tmp_path / "b").symlink_to("a")
        assert input_files.read({"x": tmp_path / "b"}, LIMITS) == {"x": b"1"}

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"files_in\['x'\].*nowhere.*No such file"):
            input_files.read({"x": tmp_path / "nowhere"}, LIMITS)

    def test_what_is_no_regular_file_is_refused_and_keeps_nobody_waiting(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(tmp_path / "socket"))
        for path in (tmp_path, tmp_path / "fifo", tmp_path / "socket", Path("/dev/zero")):
            with pytest.raises(UsageError, match=r"files_in\['x'\]"):
                input_files.read({"x": path}, LIMITS)

    def test_no_more_is_read_than_there_is_room_for_in_all(self, tmp_path: Path) -> None:
        with (tmp_path / "sparse").open("wb") as sparse:
            sparse.truncate(1 << 40)
        with pytest.raises(UsageError, match=r"sparse has more than the 65,536 bytes"):
            input_files.read({"x": tmp_path / "sparse"}, LIMITS)
        with pytest.raises(UsageError, match=r"sparse has more than the 5,536 bytes"):
            input_files.read({"first": bytes(60_000), "x": tmp_path / "sparse"}, LIMITS)

    @pytest.mark.parametrize("value", ["text", None, 1, bytearray(b"1")])
    def test_anything_else_cannot_travel(self, value: bytes) -> None:
        with pytest.raises(SerializationError, match=r"files_in\['x'\]"):
            input_files.read({"x": value}, LIMITS)


class TestStdin:
    def test_text_becomes_utf8_and_bytes_stay(self) -> None:
        assert (input_files.encode("grüße"), input_files.encode(b"\xff")) == ("grüße".encode(), b"\xff")

    def test_what_is_no_text_is_refused(self) -> None:
        with pytest.raises(UsageError, match="half a character at index 1"):
            input_files.encode("a\ud800")
        with pytest.raises(SerializationError, match="stdin"):
            input_files.encode(1)  # type: ignore[arg-type]  # a caller without a type checker


class TestCheck:
    def test_plain_ones_pass(self) -> None:
        input_files.check(
            Script(source="", argv=["-x", "ä"], files_in={"a/b": b"", "a/c": b""}, files_out=["a/*", "**/[ab]?.csv"])
        )

    @pytest.mark.parametrize("name", ["/a", "../a", "a/../b", "a\0", "a\n", "", "a\udcff", "a//b", "x" * 256])
    def test_an_odd_name_is_refused_wherever_it_stands(self, name: str) -> None:
        with pytest.raises(UsageError, match="files_in"):
            input_files.check(Script(source="", files_in={name: b""}))
        with pytest.raises(UsageError, match="files_out"):
            input_files.check(Script(source="", files_out=[name]))

    def test_a_file_that_would_have_to_be_a_folder_is_refused(self) -> None:
        with pytest.raises(UsageError, match=r"files_in\['a/b'\] is a file, and files_in\['a/b/c/d'\]"):
            input_files.check(Script(source="", files_in={"a/b/c/d": b"", "a/b": b""}))

    @pytest.mark.parametrize("field", ["files_out", "argv"])
    def test_one_text_is_not_taken_for_a_sequence_of_letters(self, field: str) -> None:
        with pytest.raises(UsageError, match=r"write \['out.csv'\]"):
            input_files.check(dataclasses.replace(EMPTY, **{field: "out.csv"}))  # type: ignore[arg-type]  # that is the mistake

    def test_names_and_arguments_are_text(self) -> None:
        with pytest.raises(UsageError, match="a name is text"):
            input_files.check(Script(source="", files_in={1: b""}))  # type: ignore[dict-item]  # a caller without a type checker
        with pytest.raises(UsageError, match=r"argv\[1\]"):
            input_files.check(Script(source="", argv=["a", 1]))  # type: ignore[list-item]  # the same

    @pytest.mark.parametrize("argument", ["a\0b", "a\ud800", "x" * 200_000])
    def test_an_argument_that_no_program_could_have_is_refused(self, argument: str) -> None:
        with pytest.raises(UsageError, match="argv"):
            input_files.check(Script(source="", argv=[argument]))

    def test_there_are_not_too_many_patterns(self) -> None:
        with pytest.raises(UsageError, match="1001 entries"):
            input_files.check(Script(source="", files_out=["a"] * 1001))


class TestRoom:
    @pytest.mark.parametrize(
        ("script", "limits", "which"),
        [
            (Script(source="", files_in={"a": bytes(70_000)}), LIMITS, r"limits\.disk"),
            (Script(source="", files_in={"a": bytes(40_000)}, stdin=bytes(40_000)), LIMITS, r"limits\.disk"),
            (Script(source="", files_in={str(n): b"x" for n in range(17)}), LIMITS, r"limits\.disk"),  # a page each
            (Script(source="", files_in={str(n): b"" for n in range(16)}), LIMITS, r"limits\.inodes"),
            (
                Script(source="", files_in={"a/b/c/d/" * 2 + f"{n}": b"" for n in range(8)}),
                LIMITS,
                r"limits\.inodes",
            ),
            (
                Script(source="", files_in={"a": bytes(6 << 20)}),
                dataclasses.replace(LIMITS, disk=1 << 30),
                r"limits\.memory",
            ),
        ],
    )
    def test_too_much_is_refused_and_the_limit_named(self, script: Script, limits: Limits, which: str) -> None:
        with pytest.raises(UsageError, match=which):
            input_files.refuse_too_much(script, limits)

    def test_what_just_fits_passes(self) -> None:
        input_files.refuse_too_much(Script(source="", files_in={str(n): b"x" * 4096 for n in range(15)}), LIMITS)
        input_files.refuse_too_much(Script(source="", files_in={"a": bytes(65_536)}), LIMITS)
