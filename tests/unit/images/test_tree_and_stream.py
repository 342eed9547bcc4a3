"""The files of an image and their archive: the same bytes for the same files, and nothing of the host's in them."""

import io
import os
import stat
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from poet_engine.errors import ImageError
from poet_engine.images import trimming
from poet_engine.images.compiling import Compiler
from poet_engine.images.host import place_libraries
from poet_engine.images.stream import archive
from poet_engine.images.tree import CompiledFile, Entry, File, ImageFolder, Link, arrange, compiled_beside


def written(entries: Sequence[Entry]) -> bytes:
    return b"".join(archive(entries, lambda _: b"compiled", lambda _done, _total: None))


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as found:
        return {member.name: member for member in found}


class TestArranging:
    def test_folders_are_made_and_the_order_is_that_of_paths(self) -> None:
        found = arrange([File("/b/c/d", b""), Link("/a", "b"), ImageFolder("/b", 0o1777)])
        assert [entry.path for entry in found] == ["/a", "/b", "/b/c", "/b/c/d"]
        assert found[1] == ImageFolder("/b", 0o1777)

    def test_the_order_in_which_things_are_found_does_not_matter(self) -> None:
        entries: list[Entry] = [File("/x/y", b"1"), File("/x/a", b"2"), Link("/l", "x")]
        assert written(arrange(entries)) == written(arrange(entries[::-1]))

    @pytest.mark.parametrize("path", ["relative", "/", "/a/../b", "/a//b", "/a/", "//a"])
    def test_a_path_out_of_the_root_is_refused(self, path: str) -> None:
        with pytest.raises(ValueError, match="no path of an image"):
            arrange([File(path, b"")])

    def test_nothing_lies_in_a_file_or_behind_a_link(self) -> None:
        with pytest.raises(ValueError, match="no folder"):
            arrange([Link("/a", "/etc"), File("/a/b", b"")])


class TestArchive:
    def test_neither_owner_nor_time_nor_bits_of_the_host_come_along(self, tmp_path: Path) -> None:
        source = tmp_path / "tool"
        source.write_bytes(b"content")
        source.chmod(0o6755)
        os.utime(source, (1_000_000_000, 1_000_000_000))
        assert stat.S_IMODE(source.stat().st_mode) & stat.S_ISUID
        found = members(written(arrange([File("/usr/tool", source), Link("/t", "usr/tool")])))
        assert sorted(found) == ["t", "usr", "usr/tool"]
        assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in found.values()} == {(0, 0, "", "", 0)}
        assert found["usr/tool"].mode == 0o644
        assert found["t"].linkname == "usr/tool"

    def test_contents_and_long_names_survive(self) -> None:
        path = "/" + "/".join(["folder" * 20] * 3) + "/file"
        data = written(arrange([File(path, b"x" * 1000)]))
        with tarfile.open(fileobj=io.BytesIO(data)) as found:
            reader = found.extractfile(path[1:])
            assert reader is not None
            assert reader.read() == b"x" * 1000
        assert len(data) % 512 == 0

    def test_a_file_that_went_away_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match=r"missing\.so .*cannot be read: No such file"):
            written([File("/x", tmp_path / "missing.so")])

    def test_what_does_not_compile_is_left_out(self) -> None:
        entries = [CompiledFile("/a.pyc", Path("/nowhere"), "/a.py")]
        assert members(b"".join(archive(entries, lambda _: None, lambda _done, _total: None))) == {}

    def test_progress_ends_at_everything(self) -> None:
        told: list[tuple[int, int]] = []
        entries = arrange([File(f"/{number}", b"x" * 600_000) for number in range(4)])
        pieces = list(archive(entries, lambda _: None, lambda done, total: told.append((done, total))))
        assert told == [(2, 4), (4, 4), (4, 4)]
        assert len(pieces) == 3


class TestCompiling:
    def test_compiled_files_are_the_same_each_time_and_need_no_check(self, tmp_path: Path) -> None:
        good, bad = tmp_path / "good.py", tmp_path / "bad.py"
        good.write_text("NAMES = {'a', 'b', 'c'}\ndef f(x):\n    return x in {'one', 'two', 'three'}\n")
        bad.write_text("this is no Python\n")
        asked = [CompiledFile("/lib/a.pyc", good, "/lib/good.py"), CompiledFile("/b.pyc", bad, "/b.py")]
        rounds = []
        for _ in range(2):
            with Compiler(asked) as compiler:
                rounds.append([compiler(entry) for entry in asked])
        assert rounds[0] == rounds[1]
        form, none = rounds[0]
        assert none is None
        assert form is not None
        assert form[4:8] == b"\x01\0\0\0"  # PEP 552: by hash, unchecked
        assert b"/lib/good.py" in form
        assert os.fsencode(tmp_path) not in form

    def test_a_source_that_cannot_be_read_is_an_error(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        asked = CompiledFile("/a.pyc", tmp_path / "missing.py", "/a.py")
        with Compiler([asked]) as compiler, pytest.raises(ImageError, match=r"missing\.py"):
            compiler(asked)
        capfd.readouterr()

    def test_only_sources_of_the_host_have_a_compiled_form(self) -> None:
        source = File("/usr/lib/m.py", Path("/x/m.py"))
        expected = CompiledFile("/usr/lib/__pycache__/m.cpython-311.pyc", Path("/x/m.py"), "/usr/lib/m.py")
        assert compiled_beside(source, "cpython-311") == expected
        assert compiled_beside(File("/m.py", b""), "cpython-311") is None
        assert compiled_beside(File("/m.so", Path("/x/m.so")), "cpython-311") is None


class TestTrimming:
    @pytest.mark.parametrize("path", ["os.py", "lib-dynload/zlib.so", "json/decoder.py", "unittest/case.py"])
    def test_the_library_stays(self, path: str) -> None:
        assert trimming.of_library(path.split("/"))

    @pytest.mark.parametrize(
        "path",
        [
            *(
                "test/support/__init__.py",
                "site-packages/x.py",
                "config-3.11-x86_64-linux-gnu/libpython.a",
                "ensurepip",
            ),
            *(
                "json/__pycache__/decoder.cpython-311.pyc",
                "unittest/test/a.py",
                "lib-dynload/_testcapi.so",
                "venv/a.exe",
            ),
        ],
    )
    def test_what_nothing_imports_goes(self, path: str) -> None:
        assert not trimming.of_library(path.split("/"))

    def test_of_a_distribution_tests_go_but_not_what_packages_import_from_beside_them(self) -> None:
        assert trimming.of_distribution(["_core", "tests", "_natype.py"])
        assert trimming.of_distribution(["stats", "_distn.py"])
        assert not trimming.of_distribution(["tests", "test_a.py"])
        assert not trimming.of_distribution(["tests", "frame", "test_a.py"])
        assert not trimming.of_distribution(["tests", "data", "big.npz"])
        assert not trimming.of_distribution(["core", "include", "a.h"])
        assert not trimming.of_distribution(["x.pth"])

    def test_a_record_of_the_build_keeps_switches_and_no_folders(self) -> None:
        text = (
            "build_time_vars = {'HOME': '/home/somebody', 'Py_DEBUG': 0, 'SOABI': 'x', 'TZPATH': '/usr/share/zoneinfo'}"
        )
        found = trimming.without_paths(text)
        assert b"somebody" not in found
        namespace: dict[str, object] = {}
        exec(found, namespace)  # noqa: S102 - our own text
        assert namespace["build_time_vars"] == {"Py_DEBUG": 0, "SOABI": "x", "TZPATH": "/usr/share/zoneinfo"}

    def test_a_record_in_another_form_is_an_error(self) -> None:
        with pytest.raises(ImageError, match="--base"):
            trimming.without_paths("build_time_vars = dict()")


def test_a_library_from_elsewhere_lies_beside_the_loader_with_the_names_it_is_asked_for_by(tmp_path: Path) -> None:
    real = tmp_path / "libz.so.1.2"
    real.write_bytes(b"")
    (tmp_path / "libz.so.1").symlink_to("libz.so.1.2")
    (tmp_path / "other.so").symlink_to("/nowhere.so")
    found = list(place_libraries([real], Path("/usr/lib64")))
    assert found == [File("/usr/lib64/libz.so.1.2", real, 0o755), Link("/usr/lib64/libz.so.1", "libz.so.1.2")]
