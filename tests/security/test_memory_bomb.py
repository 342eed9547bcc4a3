"""Code that takes all memory: private, shared, in temporary files. Each way has its own wall."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from poet_engine.outcome import Blame, Outcome, Status

if TYPE_CHECKING:
    from tests.security.conftest import Everywhere, Hostile

MIB = 1 << 20
BUDGET = 64 * MIB  # of the policy in conftest.py

# Each touches what its argument says, in MiB, and returns how much that was.
PRIVATE = "hold = []\nfor n in range(args[0]): hold.append(bytearray(b'x') * (1 << 20))\nreturn len(hold)"
SHARED = (
    "import mmap\nregion = mmap.mmap(-1, args[0] << 20, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)\n"
    "for n in range(args[0]): region[n << 20:(n + 1) << 20] = b'x' * (1 << 20)\nreturn args[0]"
)
FILES = (
    "for n in range(args[0]):\n    with open(f'{args[1]}/{n}', 'wb', 0) as file:\n"
    "        for _ in range(16): file.write(b'x' * (1 << 16))\nreturn args[0]"
)
ENDLESS = "hold = []\nwhile True: hold.append(bytearray(b'x') * (1 << 20))"


def _is_memory_limit(outcome: Outcome) -> bool:
    assert outcome.stdout == "reached\n"
    assert outcome.evidence is not None
    return (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "memory", Blame.CODE)


@pytest.mark.parametrize("body", [PRIVATE, SHARED, ENDLESS], ids=["private", "shared mapping", "endless"])
def test_touching_more_than_the_budget_ends_in_the_memory_limit(everywhere: "Everywhere", body: str) -> None:
    outcome = everywhere(body, 160, cpu='"3s"')

    assert _is_memory_limit(outcome), outcome.describe()
    assert "memory" in outcome.limits_hit
    if outcome.usage.memory_peak_bytes is not None:
        assert outcome.usage.memory_peak_bytes <= BUDGET + 2 * MIB


@pytest.mark.sandbox
@pytest.mark.parametrize("body", [PRIVATE, SHARED], ids=["private", "shared mapping"])
def test_control_with_both_walls_down_it_is_taken(hostile: "Hostile", body: str) -> None:
    assert hostile(body, 160, without="cgroup rlimits", cpu='"3s"').value == 160


@pytest.mark.sandbox
@pytest.mark.parametrize("body", [PRIVATE, SHARED], ids=["private", "shared mapping"])
def test_the_cgroup_alone_stops_it(hostile: "Hostile", counted: bool, body: str) -> None:  # noqa: FBT001 - a fixture
    if not counted:
        pytest.skip("there is no memory cgroup that we may write to")

    outcome = hostile(body, 160, without="rlimits", cpu='"3s"')

    assert _is_memory_limit(outcome), outcome.describe()
    assert outcome.evidence is not None
    assert (outcome.evidence.counter, outcome.evidence.limit) == ("memory.oom_kill", BUDGET)
    assert outcome.evidence.source == "cgroup"
    assert outcome.signal == "SIGKILL"


@pytest.mark.sandbox
@pytest.mark.parametrize("body", [PRIVATE, SHARED], ids=["private", "shared mapping"])
def test_the_resource_limits_alone_stop_it(hostile: "Hostile", body: str) -> None:
    outcome = hostile(body, 160, without="cgroup", cpu='"3s"')

    assert _is_memory_limit(outcome), outcome.describe()
    assert outcome.evidence is not None
    assert outcome.evidence.source == "guest"
    assert outcome.error is not None
    assert outcome.error.type in ("MemoryError", "OSError")


def test_one_reservation_far_beyond_the_budget_is_a_memory_error(everywhere: "Everywhere") -> None:
    outcome = everywhere("hold = bytearray(1 << 40)")

    assert _is_memory_limit(outcome)
    assert outcome.error is not None
    assert outcome.error.type == "MemoryError"


def test_code_that_survives_its_memory_error_keeps_its_value(everywhere: "Everywhere") -> None:
    outcome = everywhere("try: bytearray(1 << 40)\nexcept MemoryError: return 'survived'")

    assert (outcome.status, outcome.value) == (Status.OK, "survived")


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])  # noqa: S108 - inside the sandbox
def test_temporary_files_end_at_the_disk_limit(everywhere: "Everywhere", folder: str) -> None:
    outcome = everywhere(FILES, 160, folder)

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "disk", Blame.CODE)
    assert outcome.error is not None
    assert "Errno 28" in outcome.error.message


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])  # noqa: S108 - inside the sandbox
def test_control_where_disk_and_memory_allow_it_the_files_are_written(everywhere: "Everywhere", folder: str) -> None:
    count = 160 if folder == "/tmp" else 7  # noqa: S108 - in containers the other has 1/32 of the disk, on top
    outcome = everywhere(FILES, count, folder, disk='"256MiB"', memory='"256MiB"', inodes="256", cpu='"3s"')
    assert outcome.value == count


def test_temporary_files_are_charged_as_memory(everywhere: "Everywhere", sees: frozenset[str]) -> None:
    """A disk limit above the memory limit opens no second budget."""
    if "counters" not in sees:
        pytest.skip("without a cgroup, files in the tmpfs are bounded by `disk` alone; docs/threat-model.md says so")

    outcome = everywhere(FILES, 160, "/tmp", disk='"256MiB"', inodes="256", cpu='"3s"')  # noqa: S108 - inside the sandbox

    assert _is_memory_limit(outcome), outcome.describe()


def test_both_folders_share_one_disk_limit(everywhere: "Everywhere") -> None:
    body = (
        "written = 0\nfor path in ('/tmp/a', '/dev/shm/b'):\n"
        "    with open(path, 'wb', 0) as file: written += file.write(bytes(3 << 20))\nreturn written"
    )

    written = everywhere(body).value

    assert isinstance(written, int)
    assert 3 * MIB < written <= 4 * MIB


def test_many_empty_files_end_at_the_inode_limit(everywhere: "Everywhere", sees: frozenset[str]) -> None:
    if "inodes" not in sees:
        pytest.skip("gVisor bounds the bytes and not the number of files; docs/sandboxes.md says so")
    body = "for n in range(1000): open(f'/tmp/{n}', 'wb').close()\nreturn n"

    outcome = everywhere(body)

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "inodes")
    assert everywhere(body, inodes="4096").value == 999


def test_one_large_file_ends_at_the_file_size_limit(everywhere: "Everywhere") -> None:
    body = "with open('/tmp/file', 'wb', 0) as file:\n    while True: file.write(bytes(1 << 20))"

    outcome = everywhere(body)

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "file_size")


def test_a_sparse_mapping_over_a_full_disk_is_a_crash_of_the_code(everywhere: "Everywhere") -> None:
    body = (
        "import mmap\nfor name in 'ab':\n    file = open('/tmp/' + name, 'wb+'); file.truncate(4 << 20)\n"
        "    region = mmap.mmap(file.fileno(), 4 << 20)\n    for at in range(0, 4 << 20, 4096): region[at] = 1"
    )

    outcome = everywhere(body)

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.CRASH, "signal:SIGBUS", Blame.CODE)


UNCHARGED: dict[str, str] = {
    "memfd": "return os.memfd_create('x')",
    "locked memory": "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
    "page = ctypes.create_string_buffer(8192)\nif libc.mlock(page, 8192): raise OSError(ctypes.get_errno(), 'mlock')",
    "System V shared memory": "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
    "if libc.shmget(1, 4096, 0o1600) < 0: raise OSError(ctypes.get_errno(), 'shmget')",
}


@pytest.mark.parametrize("name", UNCHARGED)
def test_memory_outside_of_the_accounts_cannot_be_had(everywhere: "Everywhere", name: str) -> None:
    outcome = everywhere(UNCHARGED[name])

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause) == (Status.ERROR, "exception")
    assert outcome.error is not None
    assert outcome.error.type == ("PermissionError" if name == "locked memory" else "OSError")


@pytest.mark.sandbox
@pytest.mark.parametrize("body", list(UNCHARGED.values())[::2], ids=list(UNCHARGED)[::2])
def test_control_without_the_filter_of_system_calls_it_can_be_had(hostile: "Hostile", body: str) -> None:
    assert hostile(body, without="seccomp").status is Status.OK


def test_calls_at_once_do_not_share_one_memory_limit(everywhere: "Everywhere") -> None:
    with ThreadPoolExecutor(3) as threads:
        outcomes = list(threads.map(lambda _n: everywhere(PRIVATE, 40, cpu='"3s"'), range(6)))

    assert [outcome.value for outcome in outcomes] == [40] * 6


def test_after_a_bomb_the_sandbox_serves_the_next_call(everywhere: "Everywhere") -> None:
    assert everywhere(SHARED, 160, cpu='"3s"').cause == "memory"
    assert everywhere(PRIVATE, 40, cpu='"3s"').value == 40
