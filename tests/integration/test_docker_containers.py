"""Containers with a real engine: what a policy asks for is what code finds inside, under runc and gVisor."""

import contextlib
import dataclasses
import gc
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest

from poet_engine import _resources, images
from poet_engine.dockerd import DEFAULT_HOST, Connection, faults
from poet_engine.errors import DockerError
from poet_engine.images import Builder, DockerEngine, Image
from poet_engine.policy import Policy
from poet_engine.sandbox import environment
from poet_engine.sandbox.docker import configuration, ownership
from poet_engine.sandbox.docker.configuration import Asked
from poet_engine.sandbox.docker.engine import LABEL_OWNER, ContainerEngine, ContainerState
from poet_engine.settings import Settings

pytestmark = [pytest.mark.docker, pytest.mark.slow]

RUNTIMES = ["runc", pytest.param("runsc", marks=pytest.mark.runsc)]
MIB = 1 << 20
POLICY = Policy.parse(
    'version = 1\nname = "small"\nextends = "restricted"\n'
    '[limits]\ncores = 0.5\nprocesses = 1\nthreads = 3\nopen_files = 40\ndisk = "4MiB"\ninodes = 64\n'
)
MEMORY = 384 * MIB


class Make(Protocol):
    """Makes a container of a program; what it does not name is as the policy says."""

    def __call__(
        self, program: str, runtime: str = "runc", labels: dict[str, str] | None = None, **changed: object
    ) -> str:
        """The container's id."""


def host() -> str:
    return Settings.read().docker_host or DEFAULT_HOST


@pytest.fixture(scope="module")
def image() -> Image:
    with DockerEngine(host()) as engine:
        return Builder(engine, "0", lambda _doing, _share: None).from_host(images.find("base"))


@pytest.fixture(scope="module")
def engine() -> Iterator[ContainerEngine]:
    with ContainerEngine(host(), timeout=60) as found:
        yield found
    gc.collect()  # what is still open warns now, which fails the test


@pytest.fixture
def make(engine: ContainerEngine, image: Image) -> Iterator[Make]:
    """Makes containers of a program, and removes them."""
    made: list[str] = []
    uids = iter(ownership.uids(engine.info(), ownership.current("0")))
    profile = (_resources.folder("sandbox_images") / "seccomp.json").read_text(encoding="utf-8")

    def make(program: str, runtime: str = "runc", labels: dict[str, str] | None = None, **changed: object) -> str:
        asked = Asked(
            image=image.id,
            command=["-c", program],
            uid=next(uids),
            memory=MEMORY,
            labels={LABEL_OWNER: "test"} if labels is None else labels,
            runtime=runtime,
            profile=profile,
        )
        body = configuration.body(POLICY, asked)
        made.append(engine.create({**body, **changed}, ownership.name(os.urandom)))
        return made[-1]

    yield make
    for container in made:
        engine.remove(container)


def frames(stream: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Docker's frames, until the container ends."""
    with stream.makefile("rb") as reader:
        while header := reader.read(8):
            number, length = struct.unpack(">BxxxL", header)
            yield number, reader.read(length)


def output(engine: ContainerEngine, container: str) -> str:
    """Start it, and return all that it says."""
    with engine.attach(container) as stream:
        stream.settimeout(60)
        engine.start(container)
        return b"".join(data for _, data in frames(stream)).decode()


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


@pytest.fixture(scope="module", params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


_seen: dict[str, Seen] = {}


@pytest.fixture
def seen(engine: ContainerEngine, make: Make, runtime: str) -> Seen:
    """What is to be seen inside, looked at once for each runtime."""
    if runtime not in _seen:
        printed = output(engine, make(LOOK, runtime))
        assert printed.startswith("{"), printed
        _seen[runtime] = Seen(json.loads(printed))
    return _seen[runtime]


def _numbers(value: object) -> list[int]:
    assert isinstance(value, list)
    return [int(number) for number in value]


class TestInside:
    def test_the_first_process_has_no_privilege_but_what_gvisors_own_root_needs(
        self, seen: Seen, runtime: str, engine: ContainerEngine
    ) -> None:
        if runtime == "runc":
            assert seen["ids"] == [ownership.uids(engine.info(), ownership.current("0"))[0]] * 7
            assert seen["capabilities"] == [0, 0, 0, 0]
            assert seen["seccomp"] == "2"
        else:
            # a root that gVisor makes up: to become a payload's user, and to end and tidy up after it
            assert seen["ids"] == [0] * 7
            named = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7  # DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID
            assert [found & ~named for found in _numbers(seen["capabilities"])] == [0, 0, 0, 0]
        assert seen["no_new_privileges"] == 1
        assert seen["session"] == [1, False]

    def test_only_the_scratch_folders_can_be_written(self, seen: Seen) -> None:
        mounts = seen.mapping("mounts")
        assert "ro" in mounts["/"]
        assert {"/tmp", "/dev/shm"} <= {*mounts}  # noqa: S108 - inside the container
        # a queue needs RLIMIT_MSGQUEUE, which is 0
        assert seen["writable"] in (["/dev/mqueue", "/dev/shm", "/tmp"], ["/dev/shm", "/tmp"])  # noqa: S108 - the same

    def test_the_scratch_folders_run_no_programs_and_are_one_budget(self, seen: Seen, runtime: str) -> None:
        for folder in ("/tmp", "/dev/shm"):  # noqa: S108 - inside the container
            options = seen.mapping("mounts")[folder]
            assert "noexec" in options
            assert runtime == "runsc" or {"nosuid", "nodev"} <= {*options}  # gVisor does not show them
        scratch = seen.mapping("scratch")
        inodes, sizes, executed = zip(*scratch.values(), strict=True)
        assert sum(sizes) == 4 * MIB
        assert executed == ("EACCES", "EACCES")
        if runtime == "runc":
            assert sum(inodes) == 64
        else:
            assert sum(inodes) == 6000  # gVisor counts none

    def test_resource_limits_are_those_asked_for(self, seen: Seen) -> None:
        limits = {name: values[0] for name, values in seen.mapping("limits").items() if values[0] == values[1]}
        assert limits == {
            "NOFILE": 40 + 512,
            "NPROC": 6,
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

    def test_control_groups_have_the_limits(self, seen: Seen, runtime: str) -> None:
        assert seen["total"] == str(MEMORY // 1024) or runtime == "runc"  # gVisor shows its own limit as all there is
        if runtime == "runc":
            assert seen.first("memory") == str(MEMORY)
            assert seen.first("swap") in (str(MEMORY), "0")  # v1 counts both together, v2 swap alone
            assert seen.first("pids") == "6"
            assert seen.first("cpu") in ("50000", "50000 100000")
            assert seen["oom"] == "500"
            # of the hierarchy above nothing is seen
            assert {line.rpartition(":")[2] for line in str(seen["group"]).splitlines()} == {"/"}

    def test_nothing_of_the_host_is_inherited(self, seen: Seen, runtime: str) -> None:
        assert seen["environment"] == {**environment.GUEST, "HOSTNAME": "poet"}
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
    engine: ContainerEngine, make: Make
) -> None:
    container = make(
        LOOK,
        Cmd=["-c", LOOK, "as root"],
        User="0:0",
        Hostname="other",
        NetworkDisabled=False,
        HostConfig={"NetworkMode": "none"},
    )
    found = Seen(json.loads(output(engine, container)))
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


TALK = """
import sys
for line in sys.stdin: print("heard", line.strip(), flush=True), print("aside", file=sys.stderr, flush=True)
print("the end", flush=True)
sys.exit(7)
"""


def test_a_life(engine: ContainerEngine, make: Make, runtime: str) -> None:
    container = make(TALK, runtime)
    state = engine.state(container)
    assert state is not None
    assert (state.running, state.pid) == (False, 0)
    with engine.attach(container) as stream:
        stream.settimeout(60)
        engine.start(container)
        state = engine.state(container)
        assert state is not None
        assert state.running
        assert state.pid > 0
        stream.sendall(b"hello\n")
        heard = frames(stream)
        assert {next(heard), next(heard)} == {(1, b"heard hello\n"), (2, b"aside\n")}
        stream.shutdown(socket.SHUT_WR)  # the end of its standard input
        assert next(heard) == (1, b"the end\n")
        assert list(heard) == []
    state = _ended(engine, container)
    assert (state.exit_code, state.oom_killed, state.error) == (7, False, "")
    engine.kill(container)  # over already
    engine.remove(container)
    engine.remove(container)  # gone already
    engine.kill(container)
    assert engine.state(container) is None


def _ended(engine: ContainerEngine, container: str) -> ContainerState:
    """Its state once it is over: the streams end a moment before the engine knows."""
    while (state := engine.state(container)) is not None and state.running:
        pass
    assert state is not None
    return state


def test_a_dropped_stream_is_end_of_file_inside(engine: ContainerEngine, make: Make) -> None:
    """That is the lifeline: a container notices by itself that its host is gone."""
    container = make(TALK)
    stream = engine.attach(container)
    engine.start(container)
    stream.close()
    assert _ended(engine, container).exit_code == 7


def test_killed_is_over_at_once(engine: ContainerEngine, make: Make, runtime: str) -> None:
    container = make("input()", runtime)
    with engine.attach(container) as stream:
        stream.settimeout(60)
        engine.start(container)
        engine.kill(container)
        assert list(frames(stream)) == []
    assert _ended(engine, container).exit_code == 128 + signal.SIGKILL


def test_the_state_tells_of_memory_that_ran_out(engine: ContainerEngine, make: Make) -> None:
    container = make("print('reached', flush=True); bytearray(1 << 30); print('had')")
    assert output(engine, container) == "reached\n"
    state = _ended(engine, container)
    assert (state.exit_code, state.oom_killed) == (128 + signal.SIGKILL, True)


def test_memory_can_be_limited_anew_while_it_runs(engine: ContainerEngine, make: Make) -> None:
    program = """
import sys
paths = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"
for line in sys.stdin:
    for path in paths:
        try: print(open(path).read().strip(), flush=True)
        except FileNotFoundError: pass
"""
    container = make(program)
    with engine.attach(container) as stream:
        stream.settimeout(60)
        engine.start(container)
        told = frames(stream)
        for size in (None, 256 * MIB, 512 * MIB):
            if size is not None:
                engine.set_memory(container, size)
            stream.sendall(b"\n")
            assert next(told) == (1, f"{size or MEMORY}\n".encode())


class TestFaults:
    """The engine's own words, where they can be provoked."""

    def test_no_image(self, make: Make) -> None:
        assert self._fault(lambda: make("0", Image="sha256:" + "b" * 64), "poet images build") == faults.NO_IMAGE

    def test_no_runtime(self, make: Make) -> None:
        assert self._fault(lambda: make("0", "nope"), "daemon.json") == faults.NO_RUNTIME

    def test_a_name_that_is_taken(self, engine: ContainerEngine, image: Image, make: Make) -> None:
        container = make("0")
        name = next(found.name for found in engine.owned() if found.id == container)
        assert self._fault(lambda: engine.create({"Image": image.id}, name), name) == faults.IN_USE

    def test_no_such_program(self, engine: ContainerEngine, make: Make) -> None:
        container = make("0", Entrypoint=["/nope"])
        assert self._fault(lambda: engine.start(container), "/nope") == faults.NOT_STARTED
        state = engine.state(container)
        assert state is not None
        assert "/nope" in state.error

    def test_limits_that_the_engine_cannot_set(self, engine: ContainerEngine, make: Make) -> None:
        far = {"Ulimits": [{"Name": "nofile", "Soft": 1 << 40, "Hard": 1 << 40}]}
        container = make("0", HostConfig=far, NetworkDisabled=True)
        assert self._fault(lambda: engine.start(container), "error setting rlimit") == faults.NO_LIMITS

    @pytest.mark.parametrize("call", ["start", "attach", "set_memory"])
    def test_no_such_container(self, engine: ContainerEngine, call: str) -> None:
        calls: dict[str, Callable[[], object]] = {
            "start": lambda: engine.start("c" * 64),
            "attach": lambda: engine.attach("c" * 64),
            "set_memory": lambda: engine.set_memory("c" * 64, MEMORY),
        }
        assert self._fault(calls[call], "not there any more") == faults.GONE

    @staticmethod
    def _fault(deed: Callable[[], object], mends: str) -> str:
        with pytest.raises(DockerError) as caught:
            deed()
        assert mends in str(caught.value)
        return caught.value.fault


def test_several_threads_have_containers_at_once(engine: ContainerEngine, make: Make) -> None:
    containers = [make(TALK) for _ in range(6)]
    said: dict[str, str] = {}

    def live(container: str) -> None:
        with engine.attach(container) as stream:
            stream.settimeout(60)
            engine.start(container)
            stream.sendall(container.encode() + b"\n")
            stream.shutdown(socket.SHUT_WR)
            said[container] = b"".join(data for number, data in frames(stream) if number == 1).decode()
        engine.remove(container)

    threads = [threading.Thread(target=live, args=(container,)) for container in containers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {container: f"heard {container}\nthe end\n" for container in containers}


def test_the_engine_says_what_it_is(engine: ContainerEngine) -> None:
    info = engine.info()
    assert "runc" in info.runtimes
    assert info.cgroup_version in (1, 2)
    assert info.version[0].isdecimal()
    assert {"memory", "pids", "cpu"} <= info.limits
    assert info.processors >= 1


KILLED = """
import os, signal, sys
from poet_engine.sandbox.docker import ownership
from poet_engine.sandbox.docker.engine import ContainerEngine
engine = ContainerEngine(sys.argv[1])
labels = ownership.current("0").labels()
for started in (True, False):
    body = {"Image": sys.argv[2], "Cmd": ["-c", "import signal; signal.pause()"], "Labels": labels}
    container = engine.create(body, ownership.name(os.urandom))
    if started: engine.start(container)
    print(container, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_host_left_is_swept_and_nothing_else(engine: ContainerEngine, image: Image, make: Make) -> None:
    here = ownership.current("0")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, engine.host, image.id], capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = killed.stdout.split()
    with contextlib.ExitStack() as stack:
        for container in left:
            stack.callback(engine.remove, container)
        mine = make("0", labels=here.labels())
        far = make("0", labels=dataclasses.replace(here, pid=1 << 40, boot="another machine").labels())
        listed = {found.id: found for found in engine.owned()}
        assert [listed[container].running for container in left] == [True, False]

        swept = ownership.sweep(engine, here)

        assert {listed[container].name for container in left} <= {*swept.removed}
        assert swept.failed == {}
        remaining = {found.id for found in engine.owned()}
        assert {mine, far} <= remaining
        assert not remaining & {*left}


def test_no_volume_and_no_file_of_the_host_is_mounted(engine: ContainerEngine, make: Make, runtime: str) -> None:
    container = make("0", runtime)
    connection = Connection(engine.host, timeout=60)
    try:
        found = connection.ask("GET", f"/containers/{container}/json", doing="looking")
    finally:
        connection.close()
    assert isinstance(found, dict)
    assert found["Mounts"] == []
