"""What a policy asks for is what code finds inside its container, under runc and gVisor."""

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from poet_engine.dockerd import DaemonConnection
from poet_engine.sandbox import environment
from poet_engine.sandbox.docker import ownership
from poet_engine.sandbox.docker.client import ContainerClient

if TYPE_CHECKING:
    from tests.integration.docker.conftest import Containers

pytestmark = [pytest.mark.docker, pytest.mark.slow]

MIB = 1 << 20

# Looks at everything that a wall depends on, from inside: as the first process, and where that is gVisor's own root, as
# the user that it becomes for payloads. With an argument it stays root.
LOOK = r"""
import contextlib, ctypes, errno, json, os, resource, socket, sys
def read(path):
    try:
        with open(path) as file: return file.read().strip()
    except OSError as error: return errno.errorcode[error.errno]
def fill(folder):
    count = 0
    with contextlib.suppress(OSError):
        while count < 3000: os.close(os.open(f"{folder}/{count}", os.O_CREAT | os.O_WRONLY)); count += 1
    for number in range(count): os.unlink(f"{folder}/{number}")
    size = 0
    with contextlib.suppress(OSError):
        file = os.open(f"{folder}/large", os.O_CREAT | os.O_WRONLY)
        while size < 64 << 20: size += os.write(file, bytes(4096))
    os.close(file), os.unlink(f"{folder}/large")
    return count, size
def run(folder):
    with open(f"{folder}/program", "w") as file: file.write("no program")
    os.chmod(f"{folder}/program", 0o755)
    try: os.execv(f"{folder}/program", ["program"])
    except OSError as error: return errno.errorcode[error.errno]
    finally: os.unlink(f"{folder}/program")
def connect():
    try: socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(("192.0.2.1", 9))
    except OSError as error: return errno.errorcode[error.errno]
mounts = {}
for line in open("/proc/self/mountinfo"):
    words = line.split()
    mounts[words[4]] = [*words[5].split(","), *words[-1].split(",")]
status = dict(line.split(":\t", 1) for line in read("/proc/self/status").splitlines() if ":\t" in line)
libc = ctypes.CDLL(None)
first = {
    "ids": [*os.getresuid(), *os.getresgid(), *os.getgroups()],
    "capabilities": [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd")],
}
if len(sys.argv) == 1 and not os.getuid():
    os.setgroups([]), os.setresgid(4242, 4242, 4242), os.setresuid(4242, 4242, 4242)
print(json.dumps(first | {
    "no_new_privileges": libc.prctl(39, 0, 0, 0, 0),
    "seccomp": status["Seccomp"],
    "mounts": mounts,
    "writable": sorted(path for path in mounts if os.path.isdir(path) and os.access(path, os.W_OK)),
    "scratch": {folder: [*fill(folder), run(folder)] for folder in ("/tmp", "/dev/shm") if os.access(folder, os.W_OK)},
    "limits": {n: resource.getrlimit(getattr(resource, f"RLIMIT_{n}"))
               for n in ("NOFILE", "NPROC", "CORE", "MEMLOCK", "MSGQUEUE", "RTPRIO")},
    "interfaces": [line.partition(":")[0].strip() for line in read("/proc/net/dev").splitlines()[2:]],
    "routes": len(read("/proc/net/route").splitlines()[1:]),
    "connect": connect(),
    "environment": dict(os.environ),
    "hostname": socket.gethostname(),
    "descriptors": len(os.listdir("/proc/self/fd")) - 1,
    "session": [os.getpid(), os.isatty(0)],
    "devices": sorted(os.listdir("/dev")),
    "firmware": os.listdir("/sys/firmware") if os.path.exists("/sys/firmware") else [],
    "keys": read("/proc/keys"),
    "classes": os.path.isdir("/sys/class/net"),
    "resolver": read("/etc/resolv.conf"),
    "memory": [read(p) for p in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")],
    "swap": [read(p) for p in ("/sys/fs/cgroup/memory.swap.max",
                               "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")],
    "pids": [read(p) for p in ("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max")],
    "cpu": [read(p) for p in ("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us")],
    "total": read("/proc/meminfo").split()[1],
    "group": read("/proc/self/cgroup"),
    "oom": read("/proc/self/oom_score_adj"),
}))
"""


@dataclasses.dataclass(frozen=True)
class Seen:
    """What `LOOK` printed, typed as it is asked for."""

    found: dict[str, object]

    def __getitem__(self, name: str) -> object:
        return self.found[name]

    def mapping(self, name: str) -> dict[str, list[object]]:
        value = self.found[name]
        assert isinstance(value, dict)
        return value

    def first(self, name: str) -> str:
        """The counter of whichever cgroup version is mounted."""
        value = self.found[name]
        assert isinstance(value, list)
        return next((str(text) for text in value if text != "ENOENT"), "none")


_seen: dict[str, Seen] = {}


@pytest.fixture
def seen(containers: "Containers", runtime: str) -> Seen:
    """What is to be seen inside, looked at once for each runtime."""
    if runtime not in _seen:
        printed = containers.output(containers.make(LOOK, runtime))
        assert printed.startswith("{"), printed
        _seen[runtime] = Seen(json.loads(printed))
    return _seen[runtime]


def _numbers(value: object) -> list[int]:
    assert isinstance(value, list)
    return [int(number) for number in value]


class TestInside:
    def test_the_first_process_has_no_privilege_but_what_gvisors_own_root_needs(
        self, seen: Seen, runtime: str, engine: ContainerClient
    ) -> None:
        if runtime == "runc":
            assert seen["ids"] == [ownership.uids(engine.info(), ownership.current("0"))[0]] * 7
            assert seen["capabilities"] == [0, 0, 0, 0]
            assert seen["seccomp"] == "2"
        else:
            # a root that gVisor makes up: to become a payload's user, and to end and tidy up after it
            assert seen["ids"] == [0] * 7
            # DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID, SETPCAP
            named = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8
            assert [found & ~named for found in _numbers(seen["capabilities"])] == [0, 0, 0, 0]
        assert seen["no_new_privileges"] == 1
        assert seen["session"] == [1, False]

    def test_only_the_scratch_folders_can_be_written(self, seen: Seen) -> None:
        mounts = seen.mapping("mounts")
        assert "ro" in mounts["/"]
        assert {"/tmp", "/dev/shm"} <= {*mounts}  # noqa: S108 - inside the container
        # a queue needs RLIMIT_MSGQUEUE, which is 0
        assert seen["writable"] in (["/dev/mqueue", "/dev/shm", "/tmp"], ["/dev/shm", "/tmp"])  # noqa: S108 - the same

    def test_the_scratch_folders_run_no_programs_and_have_their_budgets(self, seen: Seen, runtime: str) -> None:
        for folder in ("/tmp", "/dev/shm"):  # noqa: S108 - inside the container
            options = seen.mapping("mounts")[folder]
            assert "noexec" in options
            assert runtime == "runsc" or {"nosuid", "nodev"} <= {*options}  # gVisor does not show them
        scratch = seen.mapping("scratch")
        inodes, sizes, executed = zip(*(scratch[folder] for folder in ("/tmp", "/dev/shm")), strict=True)  # noqa: S108 - inside the container
        assert sizes == (4 * MIB, MIB)
        assert executed == ("EACCES", "EACCES")
        if runtime == "runc":
            assert inodes == (64, 16)
        else:
            assert sum(inodes) == 6000  # gVisor counts none

    def test_resource_limits_are_those_asked_for(self, seen: Seen, runtime: str) -> None:
        limits = {name: values[0] for name, values in seen.mapping("limits").items() if values[0] == values[1]}
        assert limits == {
            "NOFILE": 40 + 512,
            "NPROC": 6 + (runtime == "runc"),
            "CORE": 0,
            "MEMLOCK": 0,
            "MSGQUEUE": 0,
            "RTPRIO": 0,
        }

    def test_there_is_no_network_but_loopback(self, seen: Seen, runtime: str) -> None:
        assert seen["interfaces"] == ["lo"]
        assert seen["routes"] == 0
        assert seen["connect"] == ("EPERM" if runtime == "runc" else "EHOSTUNREACH")
        assert "nameserver" not in str(seen["resolver"])

    def test_control_groups_have_the_limits(self, seen: Seen, runtime: str, containers: "Containers") -> None:
        if runtime == "runsc":  # it shows the limit as all there is
            assert seen["total"] == str(containers.memory // 1024)
        else:
            assert seen.first("memory") == str(containers.memory)
            assert seen.first("swap") in (str(containers.memory), "0")  # v1 counts both together, v2 swap alone
            assert seen.first("pids") == "6"
            assert seen.first("cpu") in ("50000", "50000 100000")
            assert seen["oom"] == "500"
            # of the hierarchy above nothing is seen
            assert {line.rpartition(":")[2] for line in str(seen["group"]).splitlines()} == {"/"}

    def test_nothing_of_the_host_is_inherited(self, seen: Seen, runtime: str) -> None:
        assert seen["environment"] == {**environment.GUEST}
        assert seen["hostname"] == "poet"
        assert seen["descriptors"] == 3
        assert seen["firmware"] == []
        assert seen["classes"] is (runtime == "runsc")  # gVisor's /sys is its own
        assert seen["keys"] in ("", "ENOENT")
        known = {*("null", "zero", "full", "random", "urandom"), *("tty", "ptmx", "pts", "console", "shm", "mqueue")}
        known |= {"fd", "stdin", "stdout", "stderr", "core"}
        devices = seen["devices"]
        assert isinstance(devices, list)
        assert {*devices} - known <= {"net", "fuse"}  # of gVisor, which has neither's driver for an ordinary user


def test_control_in_a_container_that_is_not_hardened_the_same_looks_find_all_of_it(
    containers: "Containers",
) -> None:
    container = containers.make(
        LOOK,
        Cmd=["-c", LOOK, "as root"],
        User="0:0",
        Hostname="other",
        NetworkDisabled=False,
        HostConfig={"NetworkMode": "none"},
    )
    found = Seen(json.loads(containers.output(container)))
    assert 0 not in _numbers(found["capabilities"])[1:]  # all but what would be inherited
    assert found["no_new_privileges"] == 0
    assert "rw" in found.mapping("mounts")["/"]
    assert "/" in str(found["writable"])
    assert found.mapping("scratch")["/tmp"] == [3000, 64 << 20, "ENOEXEC"]  # noqa: S108 - inside the container
    assert found.mapping("limits")["NOFILE"] != [552, 552]
    assert found["connect"] == "ENETUNREACH"
    assert found.first("pids") == "max"
    assert found["classes"] is True
    assert found["hostname"] == "other"


def test_no_volume_and_no_file_of_the_host_is_mounted(
    engine: ContainerClient, containers: "Containers", runtime: str
) -> None:
    container = containers.make("0", runtime)
    connection = DaemonConnection(engine.host, timeout=60)
    try:
        found = connection.ask("GET", f"/containers/{container}/json", doing="looking")
    finally:
        connection.close()
    assert isinstance(found, dict)
    assert found["Mounts"] == []
