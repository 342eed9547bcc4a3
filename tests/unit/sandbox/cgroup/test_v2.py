"""The cgroup v2 driver over a tree of plain files: what it writes, what it reads, and how it knows the peak."""

from pathlib import Path

import pytest

from poet_engine.sandbox.cgroup import GroupLimits, GroupReading
from poet_engine.sandbox.cgroup.delegation import DelegatedGroup
from poet_engine.sandbox.cgroup.v2 import V2Driver, V2Group

MIB = 1 << 20
LIMITS = GroupLimits(memory=64 * MIB, tasks=10, cores=1.5)
CONTROL = "cpu memory pids"

# What the kernel puts into a new group, as far as the driver looks at it.
FILES = {
    "cgroup.procs": "",
    "cpu.max": "max 100000\n",
    "cpu.stat": "usage_usec 123456\nuser_usec 100000\nsystem_usec 23456\nnr_periods 0\n",
    "memory.current": f"{MIB}\n",
    "memory.events": "low 0\nhigh 0\nmax 41\noom 5\noom_kill 3\noom_group_kill 0\n",
    "memory.max": "max\n",
    "memory.oom.group": "0\n",
    "memory.peak": f"{9 * MIB}\n",
    "memory.swap.max": "max\n",
    "pids.current": "4\n",
    "pids.peak": "6\n",
    "pids.events": "max 7\n",
    "pids.max": "max\n",
}


class Tree:
    """The folder of a sandbox with one group, both as the kernel would have filled them."""

    def __init__(self, root: Path, control: str = CONTROL, without: tuple[str, ...] = ()) -> None:
        self.folder = root / "poet-1-2-3-4"
        self.path = self.folder / "lane"
        self.path.mkdir(parents=True)
        (self.folder / "cgroup.controllers").write_text(control)
        (self.folder / "cgroup.subtree_control").write_text(control)
        for name, text in FILES.items():
            if name not in without:
                (self.path / name).write_text(text)
        self.driver = V2Driver(DelegatedGroup(self.folder, {}))

    def group(self) -> V2Group:
        return self.driver.create("lane", LIMITS)

    def text(self, name: str) -> str:
        return (self.path / name).read_text()

    def set(self, name: str, text: object) -> None:
        (self.path / name).write_text(f"{text}\n")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture
def older(tmp_path: Path) -> Tree:
    """A kernel before 5.19, which has no such file."""
    return Tree(tmp_path, without=("memory.peak",))


def test_a_new_group_has_its_tasks_and_cores_limited_and_no_swap(tree: Tree) -> None:
    group = tree.group()
    assert tree.text("pids.max") == "10"
    assert tree.text("cpu.max") == "150000 100000"
    assert tree.text("memory.swap.max") == "0"
    assert tree.text("memory.oom.group") == "0"
    assert tree.text("memory.max") == "max\n"
    assert repr(group) == "<V2Group lane limit=0>"
    assert "poet-1-2-3-4" in repr(tree.driver)


def test_the_smallest_share_that_the_kernel_takes_is_a_hundredth(tree: Tree) -> None:
    tree.driver.create("lane", GroupLimits(memory=1, tasks=1, cores=0.0001))
    assert tree.text("cpu.max") == "1000 100000"


def test_it_does_without_a_quota_where_there_is_no_cpu_controller(tmp_path: Path) -> None:
    tree = Tree(tmp_path, "memory pids", without=("cpu.max",))
    assert tree.group().tasks() == 4
    assert not (tree.path / "cpu.max").exists()


def test_a_kernel_without_swap_accounting_is_no_hindrance(tmp_path: Path) -> None:
    tree = Tree(tmp_path, without=("memory.swap.max",))
    assert tree.group().arm()
    assert not (tree.path / "memory.swap.max").exists()


def test_counters_are_read_from_their_files(tree: Tree) -> None:
    group = tree.group()
    tree.set("memory.peak", 9 * MIB)
    assert group.read() == GroupReading(123_456_000, MIB, 9 * MIB, oom_kills=3, tasks_refused=7, tasks=4, tasks_peak=6)
    tree.set("cpu.stat", "usage_usec 123457")
    tree.set("memory.events", "low 0\nhigh 0\nmax 42\noom 6\noom_kill 4\noom_group_kill 0")
    assert group.read() == GroupReading(123_457_000, MIB, 9 * MIB, oom_kills=4, tasks_refused=7, tasks=4, tasks_peak=6)
    assert group.tasks() == 4


def test_an_older_kernel_that_does_not_tell_the_peak_of_tasks_counts_those_of_now(tmp_path: Path) -> None:
    group = Tree(tmp_path, without=("pids.peak",)).group()
    start = group.read()
    assert (start.tasks_peak, group.read().tasks_since(start)) == (0, 4)


def test_a_process_is_moved(tree: Tree) -> None:
    tree.group().attach(4321)
    assert tree.text("cgroup.procs") == "4321"


class TestArming:
    def test_the_limit_is_what_is_charged_plus_the_budget(self, tree: Tree) -> None:
        assert tree.group().arm()
        assert tree.text("memory.max") == str(65 * MIB)

    def test_a_small_drift_is_not_worth_a_write(self, tree: Tree) -> None:
        group = tree.group()
        group.arm()
        tree.set("memory.current", 2 * MIB)
        tree.set("memory.max", "untouched")
        assert group.arm()
        assert tree.text("memory.max") == "untouched\n"

    @pytest.mark.parametrize("charged", [3 * MIB, 5 * MIB])
    def test_a_larger_one_sets_it_anew(self, tree: Tree, charged: int) -> None:
        group = tree.group()
        group.arm()
        tree.set("memory.current", charged)
        assert group.arm()
        assert tree.text("memory.max") == str(charged + 64 * MIB)

    def test_a_group_that_keeps_what_a_call_left_must_not_be_used_again(self, tree: Tree) -> None:
        group = tree.group()
        group.arm()
        tree.set("memory.current", 5 * MIB + 1)
        assert not group.arm()
        assert tree.text("memory.max") == str(65 * MIB)


class TestThePeak:
    def test_it_is_forgotten_at_release_where_the_kernel_can(self, tree: Tree) -> None:
        group = tree.group()
        tree.set("memory.peak", 9 * MIB)
        group.release()
        assert tree.text("memory.peak").startswith("0")
        tree.set("memory.peak", 3 * MIB)
        assert group.read().memory_peak_bytes == 3 * MIB

    def test_without_the_file_it_is_the_highest_sample_since_release(self, older: Tree) -> None:
        group = older.group()
        older.set("memory.current", 50 * MIB)
        group.read()
        older.set("memory.current", 2 * MIB)
        assert group.release().memory_peak_bytes == 2 * MIB
        for sample in (5 * MIB, 20 * MIB, 3 * MIB):
            older.set("memory.current", sample)
            group.read()
        assert group.read().memory_peak_bytes == 20 * MIB


class TestAPeakThatOnlyGrows:
    """Kernels from 5.19 to 6.11: `memory.peak` is there and refuses to be written."""

    @pytest.fixture
    def group(self, tree: Tree) -> V2Group:
        group = tree.group()
        group._forgets = False  # whoever is root may write any file, so the refusal cannot be made with plain ones
        tree.set("memory.peak", MIB)
        assert group.arm()
        return group

    def test_a_call_that_lifts_it_is_measured_also_when_it_is_over(self, tree: Tree, group: V2Group) -> None:
        group.release()
        tree.set("memory.peak", 40 * MIB)
        assert group.read().memory_peak_bytes == 40 * MIB

    def test_an_earlier_calls_peak_is_not_the_next_ones(self, tree: Tree, group: V2Group) -> None:
        tree.set("memory.peak", 12 * MIB)
        assert group.arm()
        assert group.release().memory_peak_bytes == MIB
        tree.set("memory.current", 5 * MIB)
        group.read()
        tree.set("memory.current", MIB)
        assert group.read().memory_peak_bytes == 5 * MIB

    @pytest.mark.parametrize(("peak", "usable"), [(17 * MIB, True), (17 * MIB + 1, False)])
    def test_a_group_whose_old_peak_would_hide_a_calls_growth_is_given_up(
        self, tree: Tree, group: V2Group, peak: int, *, usable: bool
    ) -> None:
        tree.set("memory.peak", peak)
        assert group.arm() is usable


class TestRemoving:
    def test_descriptors_are_let_go(self, tree: Tree) -> None:
        group = tree.group()
        assert len(group._files) == 7
        group.remove()
        assert group._files == {}

    def test_a_group_that_the_kernel_still_holds_is_said_to_be_there(self, tree: Tree) -> None:
        """Folders with content cannot be removed, just as the kernel says EBUSY for one with a dying task."""
        group = tree.group()
        assert not group.remove()
        assert not group.remove()


def test_a_folder_whose_groups_cannot_have_controllers_any_more_is_an_error_that_says_so(tmp_path: Path) -> None:
    tree = Tree(tmp_path, "cpu")
    with pytest.raises(PermissionError, match="memory and pids"):
        tree.group()
