"""Where a host process finds room for groups on a real unified hierarchy: in namespaces, among strangers, read-only.

Each case runs in a process of its own, in a group made for it: what it does to its groups stays there.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from poet_engine.sandbox.cgroup import discovery

pytestmark = pytest.mark.root

PATIENCE = 60.0
NOWHERE: dict[str, object] = {"driver": None, "own": "0::/", "folders": []}
Require = Callable[[str, bool, str], None]

# Enters the group that it is told, then the namespaces of a container that has the hierarchy mounted; then reports
# which driver it finds, whether a lane of it holds a process, and where it stands itself.
CONTAINER = """
import json, os, subprocess, sys
from pathlib import Path
from poet_engine.guest import kernel
from poet_engine.sandbox import cgroup
NEWCGROUP = 0x02000000
group, mode = sys.argv[1:3]
Path(group, "cgroup.procs").write_text(str(os.getpid()))
if mode != "plain":
    kernel.unshare(kernel.NEWNS | NEWCGROUP)
    kernel.mount(None, "/", None, kernel.REC | kernel.PRIVATE)
    kernel.mount("tmpfs", "/sys/fs/cgroup", "tmpfs")  # one file system cannot be mounted twice over the same place
    kernel.mount("cgroup2", "/sys/fs/cgroup", "cgroup2", kernel.RDONLY if mode == "read-only" else 0)
driver = cgroup.find()
report = {"driver": driver and driver.name}
if driver is not None:
    lane = driver.create("lane-1", cgroup.GroupLimits(memory=1 << 26, tasks=5, cores=1.0))
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    lane.attach(child.pid)
    report["tasks"], report["armed"] = lane.tasks(), lane.arm()
    report["lane"] = Path(f"/proc/{child.pid}/cgroup").read_text().strip()
    folder = Path("/sys/fs/cgroup" + report["lane"].removeprefix("0::")).parent
    report["limits"] = [(folder / name).read_text().strip() for name in ("memory.max", "pids.max")]
    child.communicate(b"end")
    while not lane.remove():
        pass
    report["again"] = cgroup.find() is not None
    driver.close()
report["own"] = Path("/proc/self/cgroup").read_text().strip()
report["folders"] = sorted(path.name for path in Path("/sys/fs/cgroup").glob("poet-*"))
print(json.dumps(report))
"""


@pytest.fixture
def group(require: Require) -> Iterator[Path]:
    """A group that nobody is in, below one that hands controllers on."""
    place = discovery.v2_place(*discovery.read())
    top = place.top if place is not None else None
    carries = top is not None and {"memory", "pids"} <= set((top / "cgroup.controllers").read_text().split())
    require("unified", carries, "the unified hierarchy carries no memory and pids controllers here")
    assert top is not None
    (top / "cgroup.subtree_control").write_text("+memory +pids +cpu")
    made = top / f"room-test-{os.getpid()}"
    made.mkdir()
    yield made
    (made / "cgroup.kill").write_text("1")
    until = time.monotonic() + PATIENCE
    while not _removed(made) and time.monotonic() < until:
        threading.Event().wait(0.01)
    assert not made.exists()


def _removed(group: Path) -> bool:
    with contextlib.suppress(OSError):
        for inner in [path for path in group.iterdir() if path.is_dir()]:
            inner.rmdir()
        group.rmdir()
    return not group.exists()


def _look(group: Path, mode: str) -> dict[str, object]:
    command = [sys.executable, "-c", CONTAINER, str(group), mode]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert isinstance(report, dict)
    return report


def test_in_the_root_of_a_namespace_the_host_process_moves_into_a_leaf(group: Path) -> None:
    """As the only program of a container with a writable hierarchy."""
    report = _look(group, "container")
    assert report["driver"] == "cgroup v2"
    assert report["own"] == "0::/poet-host"
    assert report["folders"] == ["poet-host"]
    assert (report["tasks"], report["armed"], report["again"]) == (1, True, True)
    assert re.fullmatch(r"0::/poet-[0-9-]+/lane-1", str(report["lane"]))


def test_with_a_stranger_beside_it_nobody_is_moved_and_there_is_no_driver(group: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as stranger:
        (group / "cgroup.procs").write_text(str(stranger.pid))
        assert _look(group, "container") == NOWHERE
        assert Path(f"/proc/{stranger.pid}/cgroup").read_text(encoding="ascii").strip().endswith(group.name)


def test_a_hierarchy_that_is_mounted_read_only_has_no_room(group: Path) -> None:
    assert _look(group, "read-only") == NOWHERE


def test_beside_a_group_with_limits_the_lanes_have_the_same_limits_together(group: Path) -> None:
    (group / "cgroup.subtree_control").write_text("+memory +pids")
    own = group / "service"
    own.mkdir()
    (own / "memory.max").write_text(str(300 << 20))
    (own / "pids.max").write_text("64")
    report = _look(own, "plain")
    assert report["limits"] == [str(300 << 20), "64"]
    assert f"/{group.name}/poet-" in str(report["lane"])
    assert str(report["own"]).endswith("/service")
