"""The walk through a folder that somebody hostile has filled, on real folders of this machine."""

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from poet_engine.guest import collected_files as module
from poet_engine.guest.collected_files import MOST_FILES, CollectedFiles, below, collect_files, rests

SECRET = b"what the host must not give away"


class Folder:
    """A folder to fill, and what is harvested of it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "work"
        self.root.mkdir()
        self.secret = root / "outside"
        self.secret.mkdir()
        (self.secret / "secret.txt").write_bytes(SECRET)

    def __call__(self, *patterns: str, most_bytes: int = 1 << 20) -> CollectedFiles:
        fd = os.open(self.root, os.O_PATH | os.O_DIRECTORY)
        try:
            return collect_files(fd, patterns, most_bytes)
        finally:
            os.close(fd)

    def write(self, name: str, content: bytes = b"x") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def _open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _matches(pattern: str, path: str) -> bool:
    left = rests([pattern])
    for name in path.split("/"):
        left = below(left, name)
    return () in left


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "matching", "others"),
        [
            ("a.csv", ["a.csv"], ["b.csv", "x/a.csv", "a.csv/x"]),
            ("*", ["a", ".hidden"], ["a/b"]),
            ("*.csv", ["a.csv", ".csv"], ["a.csvx", "x/a.csv"]),
            ("out/*", ["out/a"], ["out", "out/a/b", "a"]),
            ("out/*/c?", ["out/a/c1"], ["out/c1", "out/a/c", "out/a/b/c1"]),
            ("[ab].txt", ["a.txt", "b.txt"], ["c.txt", "[ab].txt"]),
            ("**", ["a", "a/b", "a/b/c"], []),
            ("**/a", ["a", "x/a", "x/y/a"], ["a/b"]),
            ("x/**", ["x/a", "x/a/b"], ["y"]),
            ("x/**/a", ["x/a", "x/y/z/a"], ["a", "y/a"]),
            ("**/**/a", ["a", "x/a"], ["b"]),
            ("A", ["A"], ["a"]),
        ],
    )
    def test_what_a_pattern_means(self, pattern: str, matching: list[str], others: list[str]) -> None:
        assert [path for path in [*matching, *others] if _matches(pattern, path)] == matching

    def test_nothing_is_left_below_what_matches_nothing(self) -> None:
        """A folder in which nothing can be wanted is not even opened."""
        assert below(rests(["out/*.csv", "a"]), "tmp") == frozenset()

    def test_a_pattern_made_to_be_slow_is_not(self) -> None:
        assert not _matches("*a" * 60 + "b", "a" * 255)


class TestFiles:
    def test_content_comes_out_by_relative_name(self, folder: Folder) -> None:
        folder.write("a.csv", b"1,2")
        folder.write("out/deep/b.bin", bytes(range(256)))
        folder.write("empty", b"")
        folder.write("unwanted")
        assert folder("*.csv", "out/**", "empty") == CollectedFiles(
            {"a.csv": b"1,2", "out/deep/b.bin": bytes(range(256)), "empty": b""}, {}
        )

    def test_a_name_that_was_asked_for_and_is_not_there_is_told(self, folder: Folder) -> None:
        (folder.root / "sub").mkdir()
        assert folder("a", "sub", "sub/*.csv", "x/*").skipped == {
            "a": "no such file was found",
            "sub": "it is a folder; name the files in it, or use a pattern such as folder/*",
        }

    def test_nothing_is_looked_at_where_nothing_is_wanted(self, folder: Folder) -> None:
        folder.write("a")
        assert folder() == CollectedFiles({}, {})


class TestHostile:
    def test_no_link_is_followed(self, folder: Folder) -> None:
        """Neither to a file nor to a folder, absolute or relative, in a loop or into nothing."""
        targets: dict[str, Path | str] = {
            "absolute": folder.secret / "secret.txt",
            "relative": "../outside/secret.txt",
            "folder": folder.secret,
            "self": "self",
            "dangling": "nowhere",
            "process": "/proc/self",
            "inside": "plain",
        }
        for name, target in targets.items():
            (folder.root / name).symlink_to(target)
        folder.write("plain")
        assert (folder.root / "folder/secret.txt").read_bytes() == SECRET, "the control: whoever follows it gets there"

        found = folder("**", "folder/secret.txt", "process/environ")

        assert found.files == {"plain": b"x"}
        links = {"absolute", "relative", "folder", "self", "dangling", "process", "inside"}
        assert {name for name, why in found.skipped.items() if why == "it is a symbolic link"} == links
        assert found.skipped["folder/secret.txt"] == "no such file was found"

    def test_pipes_sockets_and_devices_are_passed_over_without_waiting(self, folder: Folder) -> None:
        os.mkfifo(folder.root / "fifo")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(folder.root / "socket"))
        expected = {"fifo", "socket"}
        if os.geteuid() == 0:
            with contextlib.suppress(PermissionError):  # a container may forbid it
                os.mknod(folder.root / "zero", 0o20666, os.makedev(1, 5))
                expected.add("zero")
        found = folder("*", "*/x", "**")
        assert found.files == {}
        assert set(found.skipped) == expected

    def test_a_sparse_file_is_refused_by_its_size_before_it_is_read(self, folder: Folder) -> None:
        with (folder.root / "sparse").open("wb") as sparse:
            sparse.truncate(1 << 40)
        folder.write("z")
        found = folder("*")
        assert found.files == {"z": b"x"}
        assert "1,099,511,627,776 bytes" in found.skipped["sparse"]

    def test_all_files_together_have_one_budget(self, folder: Folder) -> None:
        for name in "abc":
            folder.write(name, bytes(400))
        found = folder("*", most_bytes=1000)
        assert set(found.files) == {"a", "b"}
        assert found.skipped == {"c": "it has 400 bytes, and 200 are left of what may be brought back"}

    def test_a_file_counts_for_what_is_read_and_not_for_what_it_says(self) -> None:
        """Files of the kernel say that they are empty; whatever grows while it is read looks the same."""
        fd = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY)
        try:
            found = collect_files(fd, ["status"], 100)
        finally:
            os.close(fd)
        assert found.files == {}
        assert "more than 100 bytes" in found.skipped["status"]

    def test_a_thousand_nested_folders_cost_no_recursion(self, folder: Folder) -> None:
        above = os.open(folder.root, os.O_RDONLY)
        for _ in range(1000):
            os.mkdir("d", dir_fd=above)
            deeper = os.open("d", os.O_RDONLY, dir_fd=above)
            os.close(above)
            above = deeper
        os.close(os.open("deep", os.O_CREAT | os.O_WRONLY, dir_fd=above))
        os.close(above)
        folder.write("z")
        try:
            found = folder("**")
        finally:
            subprocess.run(["rm", "-rf", folder.root / "d"], check=True)  # Python's own ways to remove it recurse
        assert found.files == {"z": b"x"}
        assert list(found.skipped.values()) == ["it lies deeper than 32 levels"]

    def test_odd_names_are_passed_over_and_shown_harmlessly(self, folder: Folder) -> None:
        for raw in (b"new\nline", b"\xff\xfe", b"esc\x1b[2J", "bidi\u202egnp".encode(), b"back\\slash"):
            os.close(os.open(os.fsencode(folder.root) + b"/" + raw, os.O_CREAT | os.O_WRONLY))
        (folder.root / "odd\nfolder").mkdir()
        folder.write("odd\nfolder/inside")
        found = folder("**")
        assert found.files == {}
        assert set(found.skipped) == {
            "new\\nline",
            "\\udcff\\udcfe",
            "esc\\x1b[2J",
            "bidi\\u202egnp",
            "back\\slash",
            "odd\\nfolder",
        }

    def test_a_hard_link_is_refused_under_both_its_names(self, folder: Folder) -> None:
        os.link(folder.secret / "secret.txt", folder.root / "linked")
        found = folder("*")
        assert found.files == {}
        assert "hard links" in found.skipped["linked"]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything; run as an ordinary user it is tried")
    def test_what_may_not_be_read_is_told(self, folder: Folder) -> None:
        folder.write("private").chmod(0)
        folder.write("closed/x").parent.chmod(0)
        found = folder("**")
        (folder.root / "closed").chmod(0o700)
        assert found.files == {}
        assert set(found.skipped) == {"private", "closed"}

    def test_another_file_system_is_not_entered(self) -> None:
        """What is mounted below is not the script's: /proc is another one than the root's."""
        fd = os.open("/", os.O_PATH | os.O_DIRECTORY)
        try:
            found = collect_files(fd, ["proc/version"], 1 << 20)
        finally:
            os.close(fd)
        assert found.files == {}
        assert found.skipped["proc"] == "it lies on another file system"

    def test_ten_thousand_files_end_at_the_cap_and_are_not_told_one_by_one(self, folder: Folder) -> None:
        for number in range(10_000):
            os.close(os.open(folder.root / f"{number:05}", os.O_CREAT | os.O_WRONLY))
        found = folder("*")
        assert len(found.files) == MOST_FILES
        assert len(found.skipped) == 101
        assert found.skipped["..."] == f"{10_000 - MOST_FILES - 100:,} more were skipped"

    def test_a_folder_of_more_names_than_are_looked_at_says_so(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in "abcde":
            folder.write(name)
        monkeypatch.setattr(module, "_MOST_ENTRIES", 3)
        found = folder("*")
        assert len(found.files) == 3
        assert "more than 3 names" in found.skipped["."]

    def test_no_descriptor_is_left_open_whatever_was_found(self, folder: Folder) -> None:
        (folder.root / "a/b/c").mkdir(parents=True)
        (folder.root / "a/link").symlink_to("/")
        os.mkfifo(folder.root / "a/b/fifo")
        before = _open_descriptors()
        folder("**")
        assert _open_descriptors() == before


@contextlib.contextmanager
def _swapping(first: Path, second: Path) -> Iterator[None]:
    """Exchange what two names stand for, as fast as this machine can, for as long as the block runs."""
    stop = threading.Event()
    spare = first.with_name("spare")

    def swap() -> None:
        while not stop.is_set():
            first.rename(spare)
            second.rename(first)
            spare.rename(second)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _seen(folder: Folder, patterns: Sequence[str], name: str) -> set[str]:
    """What came of a name while it changed its meaning: both meanings are waited for, within a bound."""
    seen: set[str] = set()
    for _ in range(20_000):
        found = folder(*patterns)
        assert SECRET not in found.files.values()
        seen |= {"file"} if found.files else set()
        seen |= {why for path, why in found.skipped.items() if path == name and "link" in why}
        if len(seen) == 2:
            break
    return seen


class TestRaces:
    """Nobody writes there when the host looks; these show that even then no link would be followed."""

    def test_a_file_that_becomes_a_link(self, folder: Folder) -> None:
        target = folder.write("target")
        other = folder.root / "other"
        other.symlink_to(folder.secret / "secret.txt")
        with _swapping(target, other):
            assert _seen(folder, ["target"], "target") == {"file", "it is a symbolic link"}

    def test_a_folder_that_becomes_a_link(self, folder: Folder) -> None:
        target = folder.write("sub/secret.txt").parent
        other = folder.root / "other"
        other.symlink_to(folder.secret)
        with _swapping(target, other):
            assert _seen(folder, ["sub/secret.txt"], "sub") == {"file", "it is a symbolic link"}
