"""Code that listens and connects, where its policy has processes: it reaches its own processes, and nobody else."""

import contextlib
import errno
import os
import secrets
import socket
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import pytest

from poet_engine.guest import syscalls
from poet_engine.outcome import Blame, Status

if TYPE_CHECKING:
    from tests.security.conftest import Contained, Everywhere, Hostile


class Limits(TypedDict):
    processes: str
    cpu: str
    wall: str


PROCESSES: Limits = {"processes": "2", "cpu": '"2s"', "wall": '"20s"'}
_NOBODY = "nothing counts memory here, so that nobody may listen"
HIGH = 1 << 32  # a bit that the kernel does not look at
_TALK = (
    "import socket\nlistener = socket.socket(socket.AF_UNIX)\nlistener.bind(args[0])\nlistener.listen()\n"
    "if not os.fork():\n    client = socket.socket(socket.AF_UNIX)\n    client.connect(args[0])\n"
    "    client.sendall(b'from a child')\n    os._exit(0)\nconnection, _address = listener.accept()\n"
    "heard = connection.recv(100)\nos.wait()\nreturn heard"
)
_CALLS = (
    "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nanswers = []\nfor call in args:\n"
    "    result = libc.syscall(*[ctypes.c_long(value) for value in call])\n"
    "    answers.append(ctypes.get_errno() if result < 0 else 0)\nreturn answers"
)


@pytest.mark.parametrize("name", ["talk", "\0talk"], ids=["with a file", "without"])
def test_processes_of_one_call_talk_to_each_other(talking: "Everywhere", name: str) -> None:
    """The control of everything below: what is refused there is done here."""
    assert talking(_TALK, name, **PROCESSES).value == b"from a child"


@pytest.mark.parametrize("call", ["bind", "listen", "connect", "accept", "accept4"])
def test_without_processes_the_calls_are_not_there(everywhere: "Everywhere", call: str) -> None:
    assert everywhere(_CALLS, (syscalls.NUMBERS[call], 3, 0, 0)).value == [errno.ENOSYS]


def test_only_streams_get_names(talking: "Everywhere") -> None:
    """A datagram socket would send to any address; whatever is no Unix socket is denied as ever."""
    number = syscalls.NUMBERS["socket"]
    kinds = [(number, family, kind, 0) for family in (1, HIGH | 1) for kind in (2, HIGH | 2, 3, 5, 0x80802)]
    others = [(number, family, 1, 0) for family in (2, 10, 16, 17, 40, HIGH | 2)]

    assert talking(_CALLS, *kinds, **PROCESSES).value == [errno.EACCES] * len(kinds)
    assert talking(_CALLS, *others, **PROCESSES).value == [errno.EACCES] * len(others)
    assert talking(_CALLS, (number, 1, 1, 0), (number, HIGH | 1, HIGH | 0x80801, 0), **PROCESSES).value == [0, 0]


def test_options_of_sockets_stay_as_they_are(talking: "Everywhere") -> None:
    """To reuse an address is promised, since servers ask for it; credentials and processes of others are not told."""
    body = (
        "import socket\na, b = socket.socketpair()\ntold = []\nfor option in (2, 3, 7, 9, 16, 76):\n"
        "    try: told.append(a.setsockopt(1, option, 1))\n    except OSError as error: told.append(error.errno)\n"
        "for option in (17, 77):\n    try: told.append(socket.socket(fileno=os.dup(3)).getsockopt(1, option, 12))\n"
        "    except OSError as error: told.append(error.errno)\nreturn told"
    )
    assert talking(body, **PROCESSES).value == [None, *[errno.ENOPROTOOPT] * 7]


@pytest.fixture
def talking(everywhere: "Everywhere", counted: bool) -> "Everywhere":  # noqa: FBT001 - a fixture
    """Every sandbox in which processes may listen."""
    if not counted and not hasattr(everywhere, "runtime"):
        pytest.skip(_NOBODY)
    return everywhere


@pytest.fixture
def in_lanes(hostile: "Hostile", counted: bool) -> "Hostile":  # noqa: FBT001 - a fixture
    """The process sandbox, if processes may listen there."""
    if not counted:
        pytest.skip(_NOBODY)
    return hostile


_REQUEST = """
import socket
request, told = socket.socket(fileno=3), []
for deed in args[0]:
    try: told.append(eval(deed))
    except OSError as error: told.append(error.errno)
request.detach()
return told
"""


def test_the_requests_socket_is_of_the_calls_own_network(talking: "Everywhere", sees: frozenset[str]) -> None:
    """One that was made outside would take names there, and be told which are taken."""
    deeds = ["request.getsockname()", "request.bind('\\0name')", "request.bind('\\0other')"]
    assert talking(_REQUEST, deeds, **PROCESSES).value == ["", None, errno.EINVAL]
    if "linux" in sees:  # the kernel of gVisor lets it listen, inside, where only its own processes are
        assert talking(_REQUEST, ["request.listen()", "request.accept()"], **PROCESSES).value == [errno.EINVAL] * 2


def test_it_cannot_ask_what_listens_outside(talking: "Everywhere", abstract: str) -> None:
    """Connected as it is, it would be refused otherwise for a name that is there: EISCONN."""
    assert talking(_REQUEST, [f"request.connect({abstract!r})"], **PROCESSES).value == [errno.ECONNREFUSED]


def test_control_a_connected_socket_of_the_same_network_is_told(abstract: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert [theirs.connect_ex(name) for name in (abstract, abstract + "-")] == [errno.EISCONN, errno.ECONNREFUSED]


@pytest.fixture
def abstract() -> Iterator[str]:
    """The name of a socket of the host without a file, on which it listens."""
    name = f"\0poet-test-{secrets.token_hex(8)}"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(name)
        server.listen()
        yield name


_CONNECT = (
    "import socket\ntry: socket.socket(socket.AF_UNIX).connect(args[0])\nexcept OSError as error: return error.errno\n"
    "return 'connected'"
)


def test_a_listener_of_the_host_cannot_be_reached_by_its_name(talking: "Everywhere", abstract: str) -> None:
    assert talking(_CONNECT, abstract, **PROCESSES).value == errno.ECONNREFUSED


def test_the_namespace_is_what_keeps_it_away(in_lanes: "Hostile", abstract: str) -> None:
    assert in_lanes(_CONNECT, abstract, without="landlock", **PROCESSES).value == errno.ECONNREFUSED
    assert in_lanes(_CONNECT, abstract, without="landlock netns", **PROCESSES).value == "connected"


@pytest.fixture
def in_the_library() -> Iterator[str]:
    """The path of a socket in the folder of the standard library, where everybody may connect."""
    path = Path(sysconfig.get_path("stdlib")).resolve() / f"poet-test-{secrets.token_hex(4)}"
    with contextlib.ExitStack() as closing:
        server = closing.enter_context(socket.socket(socket.AF_UNIX))
        try:
            server.bind(str(path))
        except PermissionError:
            pytest.skip("needs root, or an interpreter of one's own")
        closing.callback(path.unlink)
        path.chmod(0o777)
        server.listen()
        yield str(path)


def test_a_socket_in_a_folder_that_is_seen_is_covered(in_lanes: "Hostile", in_the_library: str) -> None:
    """No read-only mount keeps anybody from connecting, and Landlock does not know of it."""
    starts_now = '"4097KiB"'  # the socket is there before this sandbox is
    answer = in_lanes(_CONNECT, in_the_library, disk=starts_now, **PROCESSES).value
    assert answer == errno.ECONNREFUSED, "there is /dev/null in its place"


def test_control_a_socket_that_came_later_is_reached(in_lanes: "Hostile", request: pytest.FixtureRequest) -> None:
    """Whoever may write to the library's folder after the start is trusted, as the threat model says."""
    starts_now = '"4098KiB"'
    in_lanes("return 1", disk=starts_now, **PROCESSES)
    there = request.getfixturevalue("in_the_library")
    assert in_lanes(_CONNECT, there, disk=starts_now, **PROCESSES).value == "connected"


def test_a_containers_way_to_its_host_is_gone(contained: "Contained") -> None:
    assert contained(_CONNECT, "/run/poet/line", **PROCESSES).value in (errno.ENOENT, errno.ECONNREFUSED, errno.EACCES)


_LEAVE = {
    "a listener": "global hold\nhold = named()",
    "a process that listens": "named()\nif not os.fork(): time.sleep(60)",
    # sockets that are on their way to each other: no process has them, and the kernel looks for them later
    "a round": (
        "listener, (a, b) = named(), socket.socketpair()\nsocket.send_fds(a, [b'x'], [listener.fileno(), a.fileno(), "
        "b.fileno()])"
    ),
    "a listener on its way to the host": "socket.send_fds(socket.socket(fileno=os.dup(3)), [b'x'], [named().fileno()])",
}
_NAMED = (
    "import socket\ndef named():\n    listener = socket.socket(socket.AF_UNIX)\n    listener.bind(args[0])\n"
    "    listener.listen()\n    return listener\n"
)


@pytest.mark.parametrize("leave", _LEAVE.values(), ids=_LEAVE)
def test_the_next_call_can_have_the_name(talking: "Everywhere", leave: str) -> None:
    """It is tried at once and again and again, for what the kernel clears up late."""
    name = f"\0poet-test-{secrets.token_hex(8)}"
    for _ in range(3):
        first = talking(f"{_NAMED}{leave}", name, lanes=1, **PROCESSES)
        assert first.stdout == "reached\n"
        assert talking(f"{_CONNECT}", name, lanes=1, **PROCESSES).value == errno.ECONNREFUSED
        assert talking(f"{_NAMED}named()\nreturn 'had'", name, lanes=1, **PROCESSES).value == "had"


_HOARD = """
import socket
listener = socket.socket(socket.AF_UNIX)
listener.bind('hoard')
listener.listen(4096)
for n in range(args[0]):
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    client.connect('hoard')
    try:
        while True: client.send(bytes(1 << 16))
    except BlockingIOError: pass
return n + 1
"""


def test_what_waits_for_an_accept_is_charged(talking: "Everywhere", sees: frozenset[str]) -> None:
    """No descriptor holds it: one process has room for thousands of connections."""
    if "counters" not in sees:
        pytest.skip("with gVisor the container's memory is the bound; without a cgroup nobody may listen")

    outcome = talking(_HOARD, 2000, **PROCESSES)

    assert (outcome.stdout, outcome.status, outcome.cause) == ("reached\n", Status.LIMIT, "memory"), outcome.describe()
    assert outcome.blame is Blame.CODE
    assert talking(_HOARD, 60, **PROCESSES).value == 60


def test_where_nothing_counts_nobody_listens(hostile: "Hostile") -> None:
    outcome = hostile(_TALK, "\0talk", without="cgroup", **PROCESSES)

    assert outcome.error is not None
    assert (outcome.stdout, outcome.error.type) == ("reached\n", "PermissionError")


def test_the_file_of_a_socket_is_made_in_the_calls_own_folders_only(talking: "Everywhere") -> None:
    body = (
        "import socket\ntold = []\nfor folder in args[0]:\n    one = socket.socket(socket.AF_UNIX)\n"
        "    try: told.append(one.bind(folder + '/poet-test'))\n    except OSError as error: told.append(error.errno)\n"
        "return told"
    )
    own, others = ["/tmp", "/dev/shm"], ["", "/dev", "/usr", str(Path(os.__file__).parent)]  # noqa: S108 - inside

    assert talking(body, own, **PROCESSES).value == [None, None]
    answers = talking(body, others, **PROCESSES).value
    assert isinstance(answers, list)
    assert set(answers) <= {errno.EROFS, errno.EACCES, errno.ENOENT, errno.EPERM}
