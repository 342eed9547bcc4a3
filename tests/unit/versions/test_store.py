"""The store in one process: the layout, names, what serves, and the caps."""

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
from poet_engine.versions import FunctionStore, Metadata, StoredVersion, StoreError, TrialSummary, VersionStore, files

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


def add(function: FunctionStore, code: str = CODE, **state: object) -> StoredVersion:
    return function.add(code=code, params={"alpha": 0.05}, metadata=METADATA, state=state or None)


class TestLayout:
    def test_nothing_is_made_before_something_is_written(self, root: Path, function: FunctionStore) -> None:
        assert function.versions() == []
        assert function.current() is None
        assert function.names() == []
        assert function.pins() == frozenset()
        assert function.verify_audit().intact
        assert VersionStore(root, clock=lambda: 1000.0).functions() == []
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
        assert VersionStore(root, clock=lambda: 1000.0).functions() == ["f"]

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
        code = "import poet_engine.versions, sys; sys.exit('pydantic' in sys.modules)"
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
            VersionStore(root, clock=lambda: 1000.0).function(name)

    def test_other_names_that_cannot_be_folders(self, root: Path) -> None:
        with pytest.raises(UsageError, match="journal"):
            VersionStore(root, clock=lambda: 1000.0).function("events")
        with pytest.raises(UsageError, match="bytes"):
            VersionStore(root, clock=lambda: 1000.0).function("x" * 201)
        with pytest.raises(UsageError, match="NFKC"):
            VersionStore(root, clock=lambda: 1000.0).function("\N{LATIN SMALL LIGATURE FI}x")

    @pytest.mark.parametrize("name", ["f", "shop.Cart.total", "größe", "_x1"])
    def test_qualified_names_have_a_folder_each(self, root: Path, name: str) -> None:
        assert add(VersionStore(root, clock=lambda: 1000.0).function(name)).path == root / name / "v1"
        assert VersionStore(root, clock=lambda: 1000.0).functions() == [name]

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


class TestState:
    """`state.json` changes while its version does not."""

    def test_a_change_sees_what_was_there_and_is_whole(self, function: FunctionStore) -> None:
        add(function)
        assert function.state("v1") is None
        function.change_state("v1", lambda before: {**before, "seen": 1})
        function.change_state("v1", lambda before: {**before, "more": 2})
        assert function.state("v1") == {"seen": 1, "more": 2} == function.version("v1").state
        assert sorted(path.name for path in function.version("v1").path.iterdir()) == [
            "code.py",
            "metadata.json",
            "params.json",
            "state.json",
        ]

    def test_none_leaves_it_as_it_is(self, function: FunctionStore) -> None:
        add(function, seen=1)
        before = function.state_stamp("v1")
        function.change_state("v1", lambda _before: None)
        assert function.state_stamp("v1") == before is not None

    def test_the_stamp_tells_that_it_was_written(self, function: FunctionStore) -> None:
        add(function)
        assert function.state_stamp("v1") is None
        function.change_state("v1", lambda _before: {"seen": 1})
        first = function.state_stamp("v1")
        function.change_state("v1", lambda _before: {"seen": 2})
        assert function.state_stamp("v1") not in {None, first}

    def test_a_change_with_a_name_is_in_the_audit_trail(self, function: FunctionStore) -> None:
        add(function)
        function.change_state("v1", lambda _before: {"a": 1})
        function.change_state("v1", lambda _before: {"a": 2}, actor="ann", action="breaker closed", reason="mended")
        lines = [json.loads(line) for line in (function.path / "audit.jsonl").read_text().splitlines()]
        assert [(line["actor"], line["action"], line["version"]) for line in lines[1:]] == [
            ("ann", "breaker closed", "v1")
        ]
        assert function.verify_audit().intact

    def test_a_version_that_is_not_there_has_no_state(self, function: FunctionStore) -> None:
        assert (function.state("v1"), function.state_stamp("v1")) == (None, None)
        with pytest.raises(StoreError, match="no version v1"):
            function.change_state("v1", lambda _before: {"a": 1})
