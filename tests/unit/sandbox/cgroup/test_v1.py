"""The cgroup v1 driver over a tree of plain files: what it writes, what it reads, and what it leaves alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from poet_engine.sandbox.cgroup import GroupLimits, GroupReading, folders, v1

LIMITS = GroupLimits(memory=64 << 20, tasks=10, cores=1.5)
CONTROLLERS = ("memory", "pids", "cpuacct", "cpu")
MIB = 1 << 20

# What the kernel puts into a new folder of each hierarchy, as far as the driver looks at it.
FILES = {
    "memory": {
        "memory.usage_in_bytes": "1048576\n",
        "memory.max_usage_in_bytes": "9437184\n",
        "memory.limit_in_bytes": "9223372036854771712\n",
        "memory.memsw.limit_in_bytes": "9223372036854771712\n",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    },
    "pids": {"pids.max": "max\n", "pids.current": "4\n", "pids.peak": "6\n", "pids.events": "max 7\n"},
    "cpuacct": {"cpuacct.usage": "123456789\n"},
    "cpu": {"cpu.cfs_period_us": "100000\n", "cpu.cfs_quota_us": "-1\n"},
}


class Tree:
    """Hierarchies of plain files. Only the kernel makes the files of a new group, so `grow` does that ahead."""

    def __init__(self, root: Path, controllers: tuple[str, ...] = CONTROLLERS) -> None:
        self.folders = {controller: root / controller for controller in controllers}
        for folder in self.folders.values():
            folder.mkdir()

    def grow(self, owner: str, name: str) -> None:
        for controller, folder in self.folders.items():
            group = folder / owner / name
            group.mkdir(parents=True)
            for file, text in {**FILES[controller], "cgroup.procs": ""}.items():
                (group / file).write_text(text)

    def text(self, controller: str, name: str, file: str) -> str:
        return (self.folders[controller] / OWNER / name / file).read_text()

    def set(self, controller: str, name: str, file: str, text: str) -> None:
        (self.folders[controller] / OWNER / name / file).write_text(text)


OWNER = "poet-1-2-3"
Make = Callable[[], v1.V1Group]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture
def group(tree: Tree) -> v1.V1Group:
    tree.grow(OWNER, "lane")
    return v1.V1Driver(tree.folders, OWNER).create("lane", LIMITS)


def test_a_new_group_has_its_tasks_and_cores_limited(tree: Tree, group: v1.V1Group) -> None:
    assert tree.text("pids", "lane", "pids.max") == "10"
    assert tree.text("cpu", "lane", "cpu.cfs_period_us") == "100000"
    assert tree.text("cpu", "lane", "cpu.cfs_quota_us") == "150000"
    assert repr(group) == "<V1Group lane limit=0>"


def test_the_smallest_share_that_the_kernel_takes_is_a_hundredth(tree: Tree) -> None:
    tree.grow(OWNER, "lane")
    v1.V1Driver(tree.folders, OWNER).create("lane", GroupLimits(memory=1, tasks=1, cores=0.0001))
    assert tree.text("cpu", "lane", "cpu.cfs_quota_us") == "1000"


def test_it_does_without_a_quota_where_there_is_no_cpu_controller(tmp_path: Path) -> None:
    tree = Tree(tmp_path, ("memory", "pids", "cpuacct"))
    tree.grow(OWNER, "lane")
    assert v1.V1Driver(tree.folders, OWNER).create("lane", LIMITS).tasks() == 4


def test_counters_are_read_from_their_files(tree: Tree, group: v1.V1Group) -> None:
    assert group.read() == GroupReading(123456789, MIB, 9 * MIB, oom_kills=3, tasks_refused=7, tasks=4, tasks_peak=6)
    tree.set("cpuacct", "lane", "cpuacct.usage", "123456790\n")
    tree.set("memory", "lane", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n")
    assert group.read() == GroupReading(123456790, MIB, 9 * MIB, oom_kills=4, tasks_refused=7, tasks=4, tasks_peak=6)
    assert group.tasks() == 4


def test_a_peak_of_tasks_is_told_where_no_earlier_call_had_more(tree: Tree, group: v1.V1Group) -> None:
    start = group.read()
    assert group.read().tasks_since(start) == 4
    tree.set("pids", "lane", "pids.peak", "8\n")
    assert group.read().tasks_since(start) == 8


def test_an_older_kernel_that_does_not_tell_the_peak_of_tasks_counts_those_of_now(tree: Tree) -> None:
    tree.grow(OWNER, "lane")
    for file in tree.folders["pids"].rglob("pids.peak"):
        file.unlink()
    group = v1.V1Driver(tree.folders, OWNER).create("lane", LIMITS)
    start = group.read()
    tree.set("pids", "lane", "pids.current", "5\n")
    assert (start.tasks_peak, group.read().tasks_since(start)) == (0, 5)


def test_an_older_kernel_that_does_not_count_oom_kills_counts_none(tree: Tree, group: v1.V1Group) -> None:
    tree.set("memory", "lane", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n")
    assert group.read().oom_kills == 0


def test_the_peak_is_forgotten_at_release(tree: Tree, group: v1.V1Group) -> None:
    group.release()
    assert tree.text("memory", "lane", "memory.max_usage_in_bytes").startswith("0")


def test_a_process_is_moved_in_every_hierarchy(tree: Tree, group: v1.V1Group) -> None:
    group.attach(4321)
    assert [tree.text(controller, "lane", "cgroup.procs") for controller in CONTROLLERS] == ["4321"] * 4


class TestArming:
    def test_the_limit_is_what_is_charged_plus_the_budget_swap_included(self, tree: Tree, group: v1.V1Group) -> None:
        assert group.arm()
        for file in ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"):
            assert tree.text("memory", "lane", file) == str(65 * MIB)

    def test_a_small_drift_is_not_worth_a_write(self, tree: Tree, group: v1.V1Group) -> None:
        group.arm()
        tree.set("memory", "lane", "memory.usage_in_bytes", f"{2 * MIB}\n")
        tree.set("memory", "lane", "memory.limit_in_bytes", "untouched")
        assert group.arm()
        assert tree.text("memory", "lane", "memory.limit_in_bytes") == "untouched"

    @pytest.mark.parametrize("charged", [3 * MIB, 5 * MIB])
    def test_a_larger_one_sets_it_anew(self, tree: Tree, group: v1.V1Group, charged: int) -> None:
        group.arm()
        tree.set("memory", "lane", "memory.usage_in_bytes", str(charged))
        assert group.arm()
        assert tree.text("memory", "lane", "memory.limit_in_bytes") == str(charged + 64 * MIB)

    def test_a_group_that_keeps_what_a_call_left_must_not_be_used_again(self, tree: Tree, group: v1.V1Group) -> None:
        """Pages that stay charged would be taken from the next call's budget, or carry its content."""
        group.arm()
        tree.set("memory", "lane", "memory.usage_in_bytes", str(5 * MIB + 1))
        assert not group.arm()
        assert tree.text("memory", "lane", "memory.limit_in_bytes") == str(65 * MIB)

    def test_a_kernel_without_swap_accounting_is_no_hindrance(self, tree: Tree) -> None:
        tree.grow(OWNER, "lane")
        (tree.folders["memory"] / OWNER / "lane" / "memory.memsw.limit_in_bytes").unlink()
        # the kernel would refuse to make the file anew; a folder in its place is refused by plain files as well
        group = v1.V1Driver(tree.folders, OWNER).create("lane", LIMITS)
        (tree.folders["memory"] / OWNER / "lane" / "memory.memsw.limit_in_bytes").symlink_to("/nonexistent/file")
        assert group.arm()
        assert tree.text("memory", "lane", "memory.limit_in_bytes") == str(65 * MIB)


class TestRemoving:
    def test_descriptors_are_let_go(self, group: v1.V1Group) -> None:
        held = [Path(f"/proc/self/fd/{fd}") for fd in group._files.values()]
        assert len(held) == 7
        assert all("cgroup" not in str(path.readlink()) for path in held)
        group.remove()
        assert group._files == {}

    def test_a_group_that_the_kernel_still_holds_is_said_to_be_there(self, group: v1.V1Group) -> None:
        """Folders with content cannot be removed, just as the kernel says EBUSY for one with a dying task."""
        assert not group.remove()
        assert not group.remove()

    def test_a_group_that_is_gone_is_gone(self, tree: Tree, group: v1.V1Group) -> None:
        for folder in tree.folders.values():
            for file in (folder / OWNER / "lane").iterdir():
                file.unlink()
            (folder / OWNER / "lane").rmdir()
        assert group.remove()


class TestSweeping:
    """Which folders are whose is tested in test_folders.py."""

    def test_those_of_living_processes_and_strangers_stay(self, tree: Tree) -> None:
        living = folders.own_name()
        others = ["docker", "poet-", "poet-x-1-1", "poet-1", "user-poet-1-2-3"]
        for name in (living, *others):
            (tree.folders["memory"] / name / "lane").mkdir(parents=True)
        assert v1.V1Driver(tree.folders, OWNER).sweep() == 0
        assert sorted(path.name for path in tree.folders["memory"].iterdir()) == sorted([living, *others])

    def test_those_of_the_dead_go_from_every_hierarchy(self, tree: Tree) -> None:
        """The pid may belong to somebody else by now: the start time tells."""
        pid, _started, number, namespace = folders.own_name().removeprefix("poet-").split("-")
        for controller in ("pids", "memory"):
            for name in (f"poet-{pid}-1-{number}-{namespace}", f"poet-999999999-5-1-{namespace}"):
                (tree.folders[controller] / name / "lane").mkdir(parents=True)
        assert v1.V1Driver(tree.folders, OWNER).sweep() == 8
