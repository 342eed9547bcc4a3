"""The store in one process: content that somebody else prepared, and the audit trail."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.versions.test_store import CODE, METADATA, add

from poet_engine.versions import FunctionStore, StoreError, VersionStore


def edit(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda version: (version / name).write_bytes(data)


def change_metadata(**changes: object) -> Callable[[Path], object]:
    def change(version: Path) -> None:
        found = json.loads((version / "metadata.json").read_text())
        found |= changes
        (version / "metadata.json").write_text(json.dumps(found))

    return change


def swap(name: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    def change(version: Path) -> None:
        (version / name).unlink()
        make(version / name)

    return change


class TestHostileContent:
    """A `.poet` folder may come with a cloned project."""

    @pytest.mark.parametrize(
        ("damage", "why"),
        [
            (edit("metadata.json", b"{"), "metadata.json"),
            (edit("metadata.json", b"[" * 200_000), "metadata.json"),
            (edit("metadata.json", b"[]"), "object"),
            (edit("metadata.json", b'{"a":1,"a":2}'), "twice"),
            (edit("metadata.json", b"x" * 250_001), "larger"),
            (change_metadata(extra=1), "extra"),
            (change_metadata(created="now"), "created"),
            (change_metadata(gate="POET101"), "gate"),
            (change_metadata(version="v2"), "belongs to 'v2'"),
            (change_metadata(schema_version=2), "upgrade"),
            (change_metadata(trial={"examples": True, "passed": 1}), "trial"),
            (edit("params.json", b"{'a': 1}"), "params.json"),
            (edit("params.json", b'{"a": NaN}'), "NaN"),
            (edit("params.json", b'{"a": 1, "a": 2}'), "twice"),
            (edit("params.json", b'{"a":' * 100_000), "nested"),
            (edit("params.json", b'{"a":' + b"9" * 10_000 + b"}"), "params.json"),
            (edit("params.json", b"\xff"), "params.json"),
            (edit("state.json", b"7"), "state.json"),
            (edit("code.py", b"\xff\xfe"), "code.py"),
            (edit("code.py", b"#" * 1_000_001), "larger"),
            (swap("code.py", lambda path: path.symlink_to("/etc/passwd")), "links are not followed"),
            (swap("params.json", os.mkfifo), "not a plain file"),
            (swap("state.json", Path.mkdir), "state.json"),
            (lambda version: (version / "code.py").unlink(), "not there"),
        ],
    )
    def test_a_damaged_file_is_named_and_harms_no_other_version(
        self, function: FunctionStore, damage: Callable[[Path], object], why: str
    ) -> None:
        version = add(function, seen=1)
        add(function)
        damage(version.path)
        with pytest.raises(StoreError, match=why) as caught:
            function.version("v1")
        assert str(version.path) in str(caught.value)
        assert [found.name for found in function.versions()] == ["v2"]
        assert list(function.damaged()) == ["v1"]
        assert add(function).name == "v3"
        with pytest.raises(StoreError):
            function.promote("v1", actor="tests", reason="no")

    def test_a_large_sparse_file_is_not_read(self, function: FunctionStore) -> None:
        version = add(function)
        os.truncate(version.path / "code.py", 1 << 40)
        with pytest.raises(StoreError, match="larger"):
            function.version("v1")

    def test_a_version_that_is_a_symlink_does_not_exist(self, root: Path, function: FunctionStore) -> None:
        add(function)
        (root / "f/v2").symlink_to("v1")
        (root / "f/v3").write_text("no folder")
        assert function.names() == ["v1"]
        with pytest.raises(StoreError, match="no version v2"):
            function.version("v2")

    @pytest.mark.parametrize("target", ["/etc", "../f/v1", "v1/../../..", "v1/", "", "v9", ".", "current"])
    def test_current_must_point_to_a_version_beside_it(self, root: Path, function: FunctionStore, target: str) -> None:
        add(function)
        (root / "f/current").symlink_to(target or "x")
        with pytest.raises(StoreError, match="current: points to"):
            function.current()
        function.promote("v1", actor="tests", reason="mended")
        assert function.current() == function.version("v1")

    def test_current_that_is_a_folder_is_not_served(self, root: Path, function: FunctionStore) -> None:
        add(function)
        shutil.copytree(root / "f/v1", root / "f/current")
        with pytest.raises(StoreError, match="not a symbolic link"):
            function.current()
        with pytest.raises(StoreError, match="current"):
            function.promote("v1", actor="tests", reason="no")

    @pytest.mark.parametrize("place", [".poet", "f", "f/.lock", "f/feedback"])
    def test_nothing_is_written_through_a_symlink(self, root: Path, function: FunctionStore, place: str) -> None:
        elsewhere = root.parent / "elsewhere"
        elsewhere.mkdir(parents=True)
        path = root if place == ".poet" else root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(elsewhere / "target" if place == "f/.lock" else elsewhere)
        with pytest.raises(StoreError, match="symbolic link"):
            add(function)
        assert list(elsewhere.iterdir()) == []

    def test_leftovers_of_a_crash_are_removed_whatever_they_are(self, root: Path, function: FunctionStore) -> None:
        elsewhere = root.parent / "elsewhere"
        elsewhere.mkdir(parents=True)
        (elsewhere / "precious").write_text("keep me")
        add(function)
        (root / "f/.adding").symlink_to(elsewhere)
        (root / "f/.removing/deep").mkdir(parents=True)
        (root / "f/.current.draft").symlink_to("v1")
        (root / "f/.removing/link").symlink_to(elsewhere)
        add(function)
        assert [path.name for path in (root / "f").iterdir() if path.name.startswith(".")] == [".lock"]
        assert (elsewhere / "precious").exists()

    def test_damaged_pins_are_named(self, root: Path, function: FunctionStore) -> None:
        add(function)
        for text in ("[]", '{"pinned": "v1"}', '{"pinned": [1]}', '{"pinned": ["../x"]}'):
            (root / "f/pins.json").write_text(text)
            with pytest.raises(StoreError, match=r"pins\.json"):
                function.pins()

    def test_a_place_where_nothing_can_be_made(self) -> None:
        for place in ("/proc/nothing/.poet", "/dev/null/.poet"):
            with pytest.raises(StoreError):
                add(VersionStore(Path(place), clock=lambda: 1000.0).function("f"))


class TestAudit:
    def test_each_deed_has_a_line(self, root: Path, function: FunctionStore) -> None:
        add(function)
        function.promote("v1", actor="ann", reason="good")
        function.pin("v1", actor="ben", reason="keep")
        lines = [json.loads(line) for line in (root / "f/audit.jsonl").read_text().splitlines()]
        assert [(line["sequence"], line["actor"], line["action"], line["version"]) for line in lines] == [
            (1, "poet", "add", "v1"),
            (2, "ann", "promote", "v1"),
            (3, "ben", "pin", "v1"),
        ]
        assert {line["at"] for line in lines} == {1000.0}
        assert lines[0]["code_digest"] == function.version("v1").code_digest
        report = function.verify_audit()
        assert (report.intact, report.entries, report.problem) == (True, 3, None)

    @pytest.mark.parametrize(
        ("damage", "why"),
        [
            (lambda lines: [lines[0].replace("poet", "eve"), *lines[1:]], "line 1: the entry was edited"),
            (lambda lines: [lines[0], *lines[2:]], "line 2"),
            (lambda lines: [lines[1], lines[0], *lines[2:]], "line 2"),
            (lambda lines: [*lines[:-1], lines[-1].replace("third", "other")], "line 3: the entry was edited"),
            (lambda lines: [lines[0], "{}", *lines[1:]], "line 2: this is no entry"),
            (lambda lines: ["[" * 100_000, *lines], "line 1: this is no entry"),
            (lambda lines: [*lines, lines[0]], "line 4"),
        ],
    )
    def test_a_changed_line_is_found(
        self, root: Path, function: FunctionStore, damage: Callable[[list[str]], list[str]], why: str
    ) -> None:
        for reason in ("first", "second", "third"):
            function.add(code=CODE, params={}, metadata=METADATA, reason=reason)
        path = root / "f/audit.jsonl"
        path.write_text("\n".join(damage(path.read_text().splitlines())) + "\n")
        report = function.verify_audit()
        assert not report.intact
        assert why in str(report.problem)
        assert add(function).name == "v4"  # a broken trail stops nobody, and stays broken
        assert not function.verify_audit().intact

    def test_code_and_its_recorded_digest_changed_together_are_found(self, root: Path, function: FunctionStore) -> None:
        add(function)
        other = add(function, "import os")
        shutil.copy(other.path / "code.py", root / "f/v1/code.py")
        change_metadata(code_digest=other.code_digest)(root / "f/v1")
        assert function.version("v1").intact
        assert "v1: metadata.json" in str(function.verify_audit().problem)

    def test_a_line_cut_off_by_a_crash_is_dropped(self, root: Path, function: FunctionStore) -> None:
        add(function)
        with (root / "f/audit.jsonl").open("a") as file:
            file.write('{"actor": "poet", "act')
        assert function.verify_audit().intact
        add(function)
        assert (function.verify_audit().intact, function.verify_audit().entries) == (True, 2)

    def test_what_came_without_an_entry_is_noted(self, root: Path, function: FunctionStore) -> None:
        """As in a fresh clone, which has versions and no audit trail."""
        add(function)
        function.promote("v1", actor="tests", reason="first")
        (root / "f/audit.jsonl").unlink()
        add(function)
        actions = [json.loads(line)["action"] for line in (root / "f/audit.jsonl").read_text().splitlines()]
        assert actions == ["found", "found_current", "add"]
        assert function.verify_audit().intact
