"""Where a process stands in the hierarchies, from the kernel's texts as machines and containers have them."""

from pathlib import Path

import pytest

from poet_engine.sandbox.cgroup import discovery
from poet_engine.sandbox.cgroup.discovery import HierarchyPlace

WANTED = ("memory", "pids")


def _mount(root: str, point: str, kind: str, options: str = "rw") -> str:
    return f"35 31 0:32 {root} {point} rw,relatime shared:9 - {kind} {kind} {options}\n"


HYBRID_GROUPS = "4:memory:/box/a\n3:cpu,cpuacct:/\n2:pids:/\n1:name=systemd:/\n0::/\n"
HYBRID_MOUNTS = (
    _mount("/", "/sys/fs/cgroup/memory", "cgroup", "rw,memory")
    + _mount("/", "/sys/fs/cgroup/pids", "cgroup", "rw,pids")
    + _mount("/", "/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct")
    + _mount("/", "/sys/fs/cgroup/unified", "cgroup2", "rw,nsdelegate")
)
V2_MOUNTS = _mount("/", "/sys/fs/cgroup", "cgroup2", "rw,nsdelegate,memory_recursiveprot")
SCOPE = "/user.slice/user-1000.slice/user@1000.service/app.slice/run-7.scope"


def test_a_machine_with_both_versions_has_a_place_in_each() -> None:
    places = discovery.v1_places(HYBRID_GROUPS, HYBRID_MOUNTS, WANTED)
    memory = Path("/sys/fs/cgroup/memory")
    assert places == {
        "memory": HierarchyPlace(own=memory / "box/a", top=memory),
        "pids": HierarchyPlace(own=Path("/sys/fs/cgroup/pids"), top=Path("/sys/fs/cgroup/pids")),
    }
    unified = Path("/sys/fs/cgroup/unified")
    assert discovery.v2_place(HYBRID_GROUPS, HYBRID_MOUNTS) == HierarchyPlace(own=unified, top=unified)


def test_controllers_that_share_a_hierarchy_share_the_place() -> None:
    places = discovery.v1_places(HYBRID_GROUPS, HYBRID_MOUNTS, ("cpu", "cpuacct"))
    assert {place.own for place in places.values()} == {Path("/sys/fs/cgroup/cpu,cpuacct")}
    assert places.keys() == {"cpu", "cpuacct"}


def test_a_session_on_a_v2_machine_stands_deep_below_the_mount() -> None:
    place = discovery.v2_place(f"0::{SCOPE}\n", V2_MOUNTS)
    assert place == HierarchyPlace(own=Path(f"/sys/fs/cgroup{SCOPE}"), top=Path("/sys/fs/cgroup"))
    assert place.upwards()[0] == place.own
    assert place.upwards()[1].name == "app.slice"
    assert place.upwards()[-1] == place.top
    assert len(place.upwards()) == 6
    assert discovery.v1_places(f"0::{SCOPE}\n", V2_MOUNTS, WANTED) == {}


@pytest.mark.parametrize(("path", "own"), [("/docker/abc", "."), ("/docker/abc/inner", "inner")])
def test_a_container_without_a_namespace_sees_its_part_mounted_as_the_whole(path: str, own: str) -> None:
    point = Path("/sys/fs/cgroup")
    place = discovery.v2_place(f"0::{path}\n", _mount("/docker/abc", str(point), "cgroup2"))
    assert place == HierarchyPlace(own=point / own, top=point)


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/docker/abcdef", "/docker/abc"),  # a neighbour with a longer name is not inside
        ("/elsewhere", "/docker/abc"),
        ("/../sibling", "/"),  # joined to a namespace whose root is elsewhere
        ("/", "/../.."),  # mounted from outside of the namespace
    ],
)
def test_a_place_that_the_mount_does_not_show_is_none(path: str, root: str) -> None:
    assert discovery.v2_place(f"0::{path}\n", _mount(root, "/sys/fs/cgroup", "cgroup2")) is None


def test_the_first_mount_that_shows_our_place_counts() -> None:
    mounts = _mount("/docker/other", "/other", "cgroup2") + _mount("/docker", "/docker", "cgroup2")
    assert discovery.v2_place("0::/docker/abc\n", mounts) == HierarchyPlace(
        own=Path("/docker/abc"), top=Path("/docker")
    )


def test_a_mount_point_with_a_space_is_read_as_the_kernel_writes_it() -> None:
    place = discovery.v2_place("0::/\n", _mount("/", r"/mnt/my\040groups\134x", "cgroup2"))
    assert place == HierarchyPlace(own=Path("/mnt/my groups\\x"), top=Path("/mnt/my groups\\x"))


def test_a_group_with_colons_in_its_name_is_taken_whole() -> None:
    place = discovery.v2_place("0::/a:b:c\n", V2_MOUNTS)
    assert place is not None
    assert place.own.name == "a:b:c"


@pytest.mark.parametrize("groups", ["", "\n", "nonsense\n", "0\n", "0:\n", "4:memory:/\n"])
@pytest.mark.parametrize("mounts", ["", "nonsense\n", " - \n", "1 2 - cgroup2\n", V2_MOUNTS])
def test_texts_that_say_nothing_of_use_give_no_place(groups: str, mounts: str) -> None:
    assert discovery.v2_place(groups, mounts) is None
    assert discovery.v1_places(groups, mounts, WANTED) == {}


def test_the_texts_of_this_process_are_those_of_the_kernel() -> None:
    groups, mounts = discovery.read()
    assert groups == Path("/proc/self/cgroup").read_text(encoding="utf-8")
    assert " / " in mounts
