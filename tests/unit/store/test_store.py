"""The store in one process: the layout, the caps, and content that somebody else prepared."""

import dataclasses
import json
import math
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from poet_engine.errors import UsageError
from poet_engine.store import FunctionStore, Metadata, Store, StoredVersion, StoreError, TrialSummary, files

METADATA = Metadata(
    created=1_700_000_000.5,
    domain="ml_monitoring",
    policy="data",
    policy_digest="p" * 64,
    original_digest="o" * 64,
    python="3.11.7",
    poet_version="0.1.0",
    origin="built_in",
    gate=("POET101", "B101"),
    trial=TrialSummary(examples=3, passed=2, note="one was refused"),
)
CODE = "def f(x):\r\n    return 'ü'\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "state" / ".poet"


@pytest.fixture
def function(root: Path) -> FunctionStore:
    return Store(root, clock=lambda: 1000.0).function("f")


def add(function: FunctionStore, code: str = CODE, **state: object) -> StoredVersion:
    return function.add(code=code, params={"alpha": 0.05}, metadata=METADATA, state=state or None)


class TestLayout:
    def test_nothing_is_made_before_something_is_written(self, root: Path, function: FunctionStore) -> None:
        assert function.versions() == []
        assert function.current() is None
        assert function.names() == []
        assert function.pins() == frozenset()
        assert function.verify_audit().intact
        assert Store(root).functions() == []
        assert not root.exists()

    def test_the_layout_is_the_published_one(self, root: Path, function: FunctionStore) -> None:
        function.add(code=CODE, params={"alpha": 0.05}, metadata=METADATA, state={"seen": 3})
        function.promote("v1", actor="tests", reason="first")
        found = {path.relative_to(root).as_posix() for path in root.rglob("*")}
        assert found == {
            ".gitignore",
            "f",
            "f/.lock",
            "f/audit.jsonl",
            "f/current",
            "f/feedback",
            "f/feedback/pending",
            "f/feedback/processed",
            "f/v1",
            "f/v1/code.py",
            "f/v1/metadata.json",
            "f/v1/params.json",
            "f/v1/state.json",
        }
        assert (root / "f/current").readlink() == Path("v1")
        assert (root / "f/v1/code.py").read_bytes() == CODE.encode()
        assert json.loads((root / "f/v1/params.json").read_text()) == {"alpha": 0.05}
        assert Store(root).functions() == ["f"]

    def test_what_was_added_is_read_again(self, function: FunctionStore) -> None:
        params = {"weights": [1, 2.5, None, {"ü": True}], "tuple": (1, 2)}
        version = function.add(code=CODE, params=params, metadata=METADATA, state={"n": 10**30})
        assert version == function.version("v1")
        assert [version] == function.versions()
        assert version.name == "v1"
        assert version.code == CODE
        assert version.metadata == METADATA
        assert version.params == {"weights": [1, 2.5, None, {"ü": True}], "tuple": [1, 2]}
        assert version.state == {"n": 10**30}
        assert version.intact
        assert add(function).state is None

    def test_only_the_owner_can_look(self, root: Path, function: FunctionStore) -> None:
        before = os.umask(0)
        try:
            add(function, seen=1)
            function.pin("v1", actor="tests", reason="keep")
        finally:
            os.umask(before)
        for path in (root.parent, root, *root.rglob("*")):
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path

    @pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
    def test_git_takes_versions_and_leaves_the_rest(self, root: Path, function: FunctionStore) -> None:
        add(function, seen=1)
        function.promote("v1", actor="tests", reason="first")
        (root / "f/feedback/pending/one.json").write_text("{}")
        (root / "events").mkdir()
        (root / "events/events.db").write_text("")
        subprocess.run(["git", "init", "-q", root.parent], check=True)
        listing = subprocess.run(
            ["git", "-C", root.parent, "ls-files", "--others", "--exclude-standard"],
            check=True,
            capture_output=True,
            text=True,
        )
        assert set(listing.stdout.split()) == {
            ".poet/.gitignore",
            ".poet/f/current",
            ".poet/f/v1/code.py",
            ".poet/f/v1/metadata.json",
            ".poet/f/v1/params.json",
        }

    def test_the_overhead_stays_small(self, root: Path, function: FunctionStore) -> None:
        """Everything beside the versions' own content is below 1 MB."""
        add(function)
        for _ in range(100):
            function.pin("v1", actor="\N{SNOWMAN}" * 10_000, reason="\N{SNOWMAN}" * 10_000)
        files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
        assert sum(path.stat().st_size for path in files) < 1_000_000
        assert function.verify_audit().intact

    def test_importing_the_store_loads_nothing_heavy(self) -> None:
        code = "import poet_engine.store, sys; sys.exit('pydantic' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "",
            ".",
            "..",
            "a/b",
            "/etc",
            "../x",
            ".hidden",
            "a..b",
            "a.",
            "<lambda>",
            "f.<locals>.g",
            "a\0b",
            "a b",
            "1a",
        ],
    )
    def test_a_name_that_is_no_name_is_refused(self, root: Path, name: str) -> None:
        with pytest.raises(UsageError, match="identifiers"):
            Store(root).function(name)

    def test_other_names_that_cannot_be_folders(self, root: Path) -> None:
        with pytest.raises(UsageError, match="journal"):
            Store(root).function("events")
        with pytest.raises(UsageError, match="bytes"):
            Store(root).function("x" * 201)
        with pytest.raises(UsageError, match="NFKC"):
            Store(root).function("\N{LATIN SMALL LIGATURE FI}x")

    @pytest.mark.parametrize("name", ["f", "shop.Cart.total", "größe", "_x1"])
    def test_qualified_names_have_a_folder_each(self, root: Path, name: str) -> None:
        assert add(Store(root).function(name)).path == root / name / "v1"
        assert Store(root).functions() == [name]

    @pytest.mark.parametrize(
        "name",
        ["v0", "v01", "1", "v", "../v1", "v1/../v2", "current", "v9999999999", "v1\n", "v\N{ARABIC-INDIC DIGIT ONE}"],
    )
    def test_versions_are_called_v_and_a_number(self, function: FunctionStore, name: str) -> None:
        add(function)
        for use in (function.version, lambda n: function.promote(n, actor="a", reason="r")):
            with pytest.raises(UsageError, match="v1, v2"):
                use(name)

    def test_a_version_that_is_not_there(self, function: FunctionStore) -> None:
        with pytest.raises(StoreError, match="none yet"):
            function.version("v1")
        add(function)
        with pytest.raises(StoreError, match="no version v2; there is v1"):
            function.version("v2")
        with pytest.raises(StoreError, match="no version v2; there is v1"):
            function.promote("v2", actor="tests", reason="hope")


class TestServing:
    def test_promote_and_rollback_change_what_serves(self, function: FunctionStore) -> None:
        add(function, "one")
        add(function, "two")
        assert function.current() is None
        for name, change in (("v1", function.promote), ("v2", function.promote), ("v1", function.rollback)):
            change(name, actor="tests", reason="because")
            current = function.current()
            assert current is not None
            assert current.name == name

    def test_edited_code_is_told_and_cannot_be_promoted(self, root: Path, function: FunctionStore) -> None:
        add(function)
        function.promote("v1", actor="tests", reason="first")
        (root / "f/v1/code.py").write_text("import os")
        current = function.current()
        assert current is not None
        assert not current.intact
        assert current.code == "import os"
        assert current.code_digest != current.recorded_digest
        with pytest.raises(StoreError, match="edited"):
            function.promote("v1", actor="tests", reason="again")

    def test_threads_may_add_at_once(self, function: FunctionStore) -> None:
        threads = [threading.Thread(target=add, args=(function, f"# {n}")) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert function.names() == [f"v{n}" for n in range(1, 9)]
        assert {version.code for version in function.versions()} == {f"# {n}" for n in range(8)}
        assert function.verify_audit().intact

    def test_a_held_lock_is_reported_and_hinders_no_reader(self, root: Path, function: FunctionStore) -> None:
        add(function)
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, root / "f/.lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert holder.stdout is not None
        holder.stdout.readline()
        with files.folder(root / "f") as here:
            lock = files.locked(".lock", at=here, where=root / "f", attempts=3)
            with pytest.raises(StoreError, match="another process holds the lock"):
                lock.__enter__()
        assert function.version("v1").intact
        holder.communicate(b"\n")
        assert add(function).name == "v2"


HOLD = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"


class TestCaps:
    def test_the_oldest_that_is_neither_current_nor_pinned_goes(self, function: FunctionStore) -> None:
        for _ in range(10):
            add(function)
        function.promote("v1", actor="tests", reason="serves")
        function.pin("v2", actor="tests", reason="keep")
        add(function)
        add(function)
        assert function.names() == ["v1", "v2", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12"]
        function.unpin("v2", actor="tests", reason="let go")
        add(function)
        assert "v2" not in function.names()
        assert function.verify_audit().intact

    def test_nothing_is_removed_when_all_are_kept(self, function: FunctionStore) -> None:
        for _ in range(10):
            function.pin(add(function).name, actor="tests", reason="keep")
        with pytest.raises(StoreError, match="unpin or remove"):
            add(function)
        assert len(function.names()) == 10
        function.remove("v3", actor="tests", reason="room")
        assert "v3" not in function.pins()
        assert add(function).name == "v11"

    def test_ten_megabytes_are_enough_for_one_function(self, function: FunctionStore) -> None:
        big = "x" * 4_000_000
        add(function, state=big)
        add(function, state=big)
        with pytest.raises(StoreError, match="10000000"):
            add(function, state=big)
        assert function.names() == ["v1", "v2"]

    def test_a_number_is_not_used_twice(self, function: FunctionStore) -> None:
        add(function)
        add(function)
        function.remove("v2", actor="tests", reason="bad")
        assert add(function).name == "v3"

    def test_what_serves_cannot_be_removed(self, function: FunctionStore) -> None:
        add(function)
        function.promote("v1", actor="tests", reason="first")
        with pytest.raises(StoreError, match="serves now"):
            function.remove("v1", actor="tests", reason="no")

    @pytest.mark.parametrize(
        ("params", "why"),
        [
            ({"a": math.nan}, "params.json"),
            ({"a": object()}, "no JSON form"),
            ({"a": [{"b": {1: 2}}]}, "params.json.a.0..b: the key 1"),
            ({"a": b"bytes"}, "no JSON form"),
            ({"a": "\ud800"}, "surrogates"),
            ({"a": "x" * 1_000_001}, "1000000"),
        ],
    )
    def test_params_that_have_no_file_form(
        self, root: Path, function: FunctionStore, params: Mapping[str, object], why: str
    ) -> None:
        with pytest.raises(StoreError, match=why.replace("[", r"\[")):
            function.add(code=CODE, params=params, metadata=METADATA)
        assert not root.exists()

    def test_params_that_hold_themselves(self, function: FunctionStore) -> None:
        params: dict[str, object] = {}
        params["self"] = params
        with pytest.raises(StoreError, match=r"params\.json"):
            function.add(code=CODE, params=params, metadata=METADATA)

    def test_code_that_has_no_file_form(self, root: Path, function: FunctionStore) -> None:
        for code in ("\ud800", "#" * 1_000_001):
            with pytest.raises(StoreError, match="code"):
                add(function, code)
        assert not root.exists()

    def test_metadata_of_wrong_types_are_refused_before_anything_is_written(
        self, root: Path, function: FunctionStore
    ) -> None:
        wrong = dataclasses.replace(METADATA, origin="stolen")  # type: ignore[arg-type]  # the point of the test
        with pytest.raises(StoreError, match="origin"):
            function.add(code=CODE, params={}, metadata=wrong)
        assert not root.exists()


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
                add(Store(Path(place)).function("f"))


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
