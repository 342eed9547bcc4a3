"""A target is found and read as text; nothing of the user's is executed on the way."""

import os
import sys
from pathlib import Path

import pytest

from poet_engine.cli.source_files import read_text
from poet_engine.cli.target import find
from poet_engine.errors import UsageError

_SOURCE = 'raise SystemExit("imported!")\ndef area(side):\n    return side * side\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shapes.py").write_text(_SOURCE)
    package = tmp_path / "geometry"
    package.mkdir()
    (package / "__init__.py").write_text(_SOURCE)
    (package / "plane.py").write_text(_SOURCE)
    return tmp_path


def test_a_path_is_taken_as_it_is(folder: Path) -> None:
    target = find(f"{folder}/shapes.py:area", folders=[])
    assert (target.path, target.entry, target.source) == (folder / "shapes.py", "area", _SOURCE)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("shapes:area", "shapes.py"),
        ("geometry:area", "geometry/__init__.py"),
        ("geometry.plane:area", "geometry/plane.py"),
    ],
)
def test_a_module_is_found_without_importing_it_or_its_packages(folder: Path, text: str, path: str) -> None:
    before = set(sys.modules)
    assert find(text, folders=[folder / "absent", folder]).path == folder / path
    assert set(sys.modules) == before


def test_folders_are_searched_in_their_order(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    first = tmp_path_factory.mktemp("first")
    (first / "shapes.py").write_text(_SOURCE)
    assert find("shapes:area", folders=[first, folder]).path == first / "shapes.py"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("shapes.py", "does not name a file and a function: write path.py:function"),
        (":area", "does not name a file and a function"),
        ("shapes.py:", "does not name a file and a function"),
        ("shapes.py:Shape.area", "'Shape.area' is not at the top level of its file"),
        ("shapes.py:class", "'class' in the target 'shapes.py:class' is not the name of a function"),
        ("shapes.py:1+1", "is not the name of a function"),
        ("no-module:area", "'no-module' is neither a path that ends in .py nor the name of a module"),
        ("absent:area", "no module 'absent' was found in the current folder"),
        ("shapes:areal", "has no function 'areal'; did you mean 'area'?"),
        ("shapes:volume", "has no function 'volume'; it has area"),
    ],
)
def test_wrong_targets_are_named(folder: Path, text: str, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(UsageError) as caught:
        find(text, folders=[Path.cwd()])
    assert complaint in str(caught.value)


def test_a_name_that_the_file_binds_in_another_way_is_left_to_the_sandbox(folder: Path) -> None:
    (folder / "late.py").write_text("if True:\n    entry = lambda: 1\n")
    assert find(f"{folder}/late.py:entry", folders=[]).entry == "entry"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.py: No such file or directory"):
        read_text(tmp_path / "absent.py")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it is a folder"):
        read_text(tmp_path)


def test_a_fifo_that_nobody_writes_to_does_not_hold_us_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(UsageError, match="it is a FIFO"):
        read_text(tmp_path / "pipe.py")


def test_a_device_is_no_file() -> None:
    with pytest.raises(UsageError, match="it is a device"):
        read_text(Path("/dev/zero"))


def test_a_null_byte_in_the_name_is_wrong_use() -> None:
    with pytest.raises(UsageError, match=r"null (byte|character)"):
        read_text(Path("a\0b.py"))


def test_a_file_of_the_most_bytes_is_read_and_one_more_is_not(tmp_path: Path) -> None:
    path = tmp_path / "large.py"
    path.write_bytes(b"#" * 100)
    assert len(read_text(path, most=100)) == 100
    with pytest.raises(UsageError, match="larger than the 99 bytes"):
        read_text(path, most=99)


def test_text_must_be_utf_8_and_may_have_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "text.py"
    path.write_bytes(b"\xef\xbb\xbfx = 1\n")
    assert read_text(path) == "x = 1\n"
    path.write_bytes(b"name = '\xe9'\n")
    with pytest.raises(UsageError, match=r"not UTF-8: .* at byte 8; save it as UTF-8"):
        read_text(path)


def test_reading_leaves_no_descriptor_open(tmp_path: Path) -> None:
    path = tmp_path / "text.py"
    path.write_text("x = 1\n")
    before = {entry.name for entry in Path("/proc/self/fd").iterdir()}
    read_text(path)
    with pytest.raises(UsageError):
        read_text(tmp_path)
    assert {entry.name for entry in Path("/proc/self/fd").iterdir()} == before
