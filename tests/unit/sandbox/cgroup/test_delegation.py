"""Where a process may make groups with controllers, over a tree of plain files.

What the kernel would make is made ahead, and a folder in the place of a file stands for its refusal to have it written.
"""

import os
from pathlib import Path

import pytest

from poet_engine.sandbox.cgroup import delegation
from poet_engine.sandbox.cgroup.discovery import HierarchyPlace

NAME = "poet-1-2-3-4"
ALL = "cpuset cpu io memory hugetlb pids"


def _group(folder: Path, *, controllers: str = ALL, handed_on: str = "", pids: str = "1\n", **limits: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"cgroup.controllers": controllers, "cgroup.subtree_control": handed_on, "cgroup.procs": pids}
    for name, text in {**texts, **{name.replace("_", "."): text for name, text in limits.items()}}.items():
        (folder / name).write_text(text)
    return folder


def _refusing(folder: Path) -> Path:
    """As with processes of its own, because of which the kernel does not let it hand controllers on."""
    (folder / "cgroup.subtree_control").unlink()
    (folder / "cgroup.subtree_control").mkdir()
    return folder


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """The top of the hierarchy."""
    return tmp_path / "cgroup"


def _ready(base: Path) -> None:
    """The driver's folder, with what the kernel would put into it."""
    _group(base / NAME, pids="")


def test_a_group_that_hands_on_what_is_needed_has_room_and_is_left_as_it_is(kernel: Path) -> None:
    base = _group(kernel, handed_on="cpu memory pids")
    _ready(base)
    found = delegation.find_delegation(HierarchyPlace(base, base), NAME)
    assert found == delegation.DelegatedGroup(base / NAME, {})
    assert (base / "cgroup.subtree_control").read_text() == "cpu memory pids"


def test_controllers_that_are_off_are_switched_on_the_needed_ones_first(kernel: Path) -> None:
    base = _group(kernel, handed_on="io")
    assert delegation.hand_on(base)
    # plain files keep the last write only: on the kernel's, the needed ones would be there already
    assert (base / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"


def test_only_what_is_missing_is_switched_on(kernel: Path) -> None:
    base = _group(kernel, handed_on="memory pids io")
    assert delegation.hand_on(base)
    assert (base / "cgroup.subtree_control").read_text() == "+cpu"


@pytest.mark.parametrize("controllers", ["", "cpu", "memory cpu", "pids"])
def test_a_group_without_memory_or_pids_has_no_room(kernel: Path, controllers: str) -> None:
    base = _group(kernel, controllers=controllers)
    _ready(base)
    assert delegation.find_delegation(HierarchyPlace(base, base), NAME) is None
    assert (base / "cgroup.subtree_control").read_text() == ""


def test_cpu_is_done_without_where_it_is_not_carried(kernel: Path) -> None:
    assert delegation.hand_on(_group(kernel, controllers="memory pids", handed_on="memory pids"))


def test_the_nearest_ancestor_is_taken_when_the_own_group_has_processes(kernel: Path) -> None:
    top = _group(kernel, handed_on=ALL)
    parent = _group(kernel / "app.slice", handed_on="memory pids")
    own = _refusing(_group(parent / "run.scope"))
    for base in (top, parent):
        _ready(base)
    found = delegation.find_delegation(HierarchyPlace(own, top), NAME)
    assert found is not None
    assert found.folder == parent / NAME


def test_the_search_ends_at_what_is_mounted(kernel: Path) -> None:
    _group(kernel, handed_on=ALL)
    _ready(kernel)
    own = _refusing(_group(kernel / "inner"))
    assert delegation.find_delegation(HierarchyPlace(own, own), NAME) is None


def test_limits_on_the_way_up_are_kept_the_tightest_of_each(kernel: Path) -> None:
    """Otherwise a service held to 512 MiB would give its lanes the whole machine."""
    top = _group(kernel, handed_on="cpu memory pids", memory_max="1")
    service = _refusing(_group(top / "service", memory_max="536870912\n", pids_max="max\n", cpu_max="150000 100000\n"))
    own = _refusing(_group(service / "leaf", memory_max="max\n", pids_max="100\n", cpu_max="30000 50000\n"))
    _ready(top)
    found = delegation.find_delegation(HierarchyPlace(own, top), NAME)
    assert found is not None
    assert found.limits == {"memory.max": "536870912", "pids.max": "100", "cpu.max": "30000 50000"}
    found.make()
    assert (top / NAME / "memory.max").read_text() == "536870912"


def test_limits_that_make_no_sense_are_none(kernel: Path) -> None:
    top = _group(kernel, handed_on="cpu memory pids")
    own = _refusing(_group(top / "own", memory_max="-1", pids_max="", cpu_max="5 0"))
    _ready(top)
    found = delegation.find_delegation(HierarchyPlace(own, top), NAME)
    assert found is not None
    assert found.limits == {}


class TestBesideOurselves:
    """In the root of a cgroup namespace there is nothing above: only moving away makes room."""

    def test_a_stranger_in_the_group_is_not_moved_and_neither_are_we(self, kernel: Path) -> None:
        own = _refusing(_group(kernel, pids=f"{os.getpid()}\n{os.getppid()}\n"))
        assert delegation.find_delegation(HierarchyPlace(own, own), NAME) is None
        assert not (own / "poet-host").exists()
        assert (own / "cgroup.procs").read_text() == f"{os.getpid()}\n{os.getppid()}\n"

    def test_a_process_of_another_pid_namespace_is_a_stranger(self, kernel: Path) -> None:
        own = _refusing(_group(kernel, pids=f"0\n{os.getpid()}\n"))
        assert delegation.find_delegation(HierarchyPlace(own, own), NAME) is None
        assert not (own / "poet-host").exists()

    def test_without_room_even_then_everything_is_as_before(self, kernel: Path) -> None:
        own = _refusing(_group(kernel, pids=f"{os.getpid()}\n"))
        assert delegation.find_delegation(HierarchyPlace(own, own), NAME) is None
        assert (own / "cgroup.procs").read_text() == str(os.getpid())  # moved back


@pytest.mark.parametrize("missing", ["cgroup.procs", "cgroup.subtree_control"])
def test_a_group_that_is_not_ours_in_every_respect_has_no_room(kernel: Path, missing: str) -> None:
    """Moving a process asks for write access to `cgroup.procs` of the common ancestor."""
    base = _group(kernel, handed_on="memory pids")
    _ready(base)
    (base / missing).unlink()
    assert delegation.find_delegation(HierarchyPlace(base, base), NAME) is None
