"""Whose a folder is, and when it goes."""

import os
from pathlib import Path

import pytest

from poet_engine.sandbox import proc
from poet_engine.sandbox.cgroup import folders

PID = os.getpid()
NAMESPACE = Path("/proc/self/ns/pid").stat().st_ino


def test_the_name_says_which_process_which_of_its_sandboxes_and_where_the_pid_counts() -> None:
    assert folders.owner_name(PID, 7) == f"poet-{PID}-{proc.start_time(PID)}-7-{NAMESPACE}"
    assert proc.start_time(PID).isdecimal()


def test_every_sandbox_of_a_process_has_a_name_of_its_own() -> None:
    assert len({folders.own_name() for _ in range(3)}) == 3


def test_a_process_that_is_gone_has_no_start_time() -> None:
    beyond = int(Path("/proc/sys/kernel/pid_max").read_text(encoding="ascii")) + 1
    assert proc.start_time(beyond) == ""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (folders.owner_name(PID, 1), False),
        (f"poet-{PID}-1-1-{NAMESPACE}", True),  # the pid is somebody else's by now
        (f"poet-999999999-5-1-{NAMESPACE}", True),
        (f"poet-999999999-5-1-{NAMESPACE + 1}", False),  # another container's: its pids mean nothing here
        ("poet-999999999-5-1", False),
        (f"poet-999999999-5-1-{NAMESPACE}-2", False),
        (f"poet-x-5-1-{NAMESPACE}", False),
        (f"user-poet-999999999-5-1-{NAMESPACE}", False),
        ("poet-host", False),
        ("poet-", False),
        ("", False),
    ],
)
def test_only_a_dead_process_of_this_pid_namespace_has_abandoned_its_folder(name: str, *, expected: bool) -> None:
    assert folders.abandoned(name) is expected


def test_the_sweep_takes_the_abandoned_and_what_is_in_them_and_counts(tmp_path: Path) -> None:
    dead, living = f"poet-999999999-5-1-{NAMESPACE}", folders.owner_name(PID, 1)
    for name in (dead, living, "docker"):
        for group in (tmp_path / name / "lane-1", tmp_path / name):
            group.mkdir(parents=True, exist_ok=True)
    # without `cgroup.procs` they are taken for groups that went away meanwhile, and counted as gone
    assert folders.sweep([tmp_path, tmp_path / "missing"]) == 2
    assert (tmp_path / living / "lane-1").is_dir()
    assert (tmp_path / "docker" / "lane-1").is_dir()


def test_the_owner_of_folders_in_several_hierarchies_is_looked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the sweep costs does not grow with the hierarchies, and little with the sandboxes of others."""
    asked: list[int] = []

    def started(pid: int) -> str:
        asked.append(pid)
        return "5"

    monkeypatch.setattr(proc, "start_time", started)
    bases = [tmp_path / hierarchy for hierarchy in ("memory", "pids", "cpu")]
    for base in bases:
        for pid in (101, 102):
            (base / f"poet-{pid}-5-1-{NAMESPACE}").mkdir(parents=True)

    assert folders.sweep(bases) == 0
    assert sorted(asked) == [101, 102]


def test_a_group_that_the_kernel_holds_is_not_gone(tmp_path: Path) -> None:
    """A folder with content cannot be removed, just as the kernel says EBUSY for one with a dying task."""
    (tmp_path / "cgroup.procs").write_text("")
    assert not folders.remove(tmp_path)


def test_a_group_is_killed_by_its_switch_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "cgroup.kill").write_text("")
    (tmp_path / "cgroup.procs").write_text("never read")
    folders.remove(tmp_path)
    assert (tmp_path / "cgroup.kill").read_text() == "1"


def test_a_group_that_is_gone_is_gone(tmp_path: Path) -> None:
    assert folders.remove(tmp_path / "missing")
    assert folders.remove_all(tmp_path / "missing") == [True]
