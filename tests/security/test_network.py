"""Code that talks to somebody: the filter refuses the socket, and behind it there is no network to reach."""

import contextlib
import errno
import os
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from poet_engine._wake import readable
from poet_engine.guest import landlock, syscalls
from poet_engine.outcome import DeniedCall, Status

if TYPE_CHECKING:
    from tests.security.conftest import Contained, Denied, Everywhere, Hostile

CONNECT = (
    "import socket\nwith socket.create_connection(('127.0.0.1', args[0]), 2) as s: s.sendall(b'stolen')\nreturn 'sent'"
)
SEND = (
    "import socket\nwith socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:\n"
    "    s.sendto(b'stolen', ('127.0.0.1', args[0]))\nreturn 'sent'"
)
ERRNO = (
    "import socket\ntry: socket.create_connection(('127.0.0.1', args[0]), 2)\n"
    "except OSError as error: return error.errno"
)


LANDLOCK_WITH_TCP = 4


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        yield server


def _port(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def _was_called(server: socket.socket) -> bool:
    return readable(server.fileno(), 0)


def test_a_connection_ends_the_run_as_a_violation(
    everywhere: "Everywhere", denied: "Denied", listener: socket.socket
) -> None:
    outcome = everywhere(CONNECT, _port(listener))

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == denied("network")
    assert not _was_called(listener)


def test_control_with_both_walls_down_the_listener_hears_it(hostile: "Hostile", listener: socket.socket) -> None:
    outcome = hostile(CONNECT, _port(listener), without="seccomp netns landlock")

    connection, _address = listener.accept()
    with connection:
        assert connection.recv(100) == b"stolen"
    assert outcome.value == "sent"


def test_the_filter_alone_stops_it(hostile: "Hostile", listener: socket.socket) -> None:
    outcome = hostile(CONNECT, _port(listener), without="netns")

    assert (outcome.stdout, outcome.cause) == ("reached\n", "network")
    assert not _was_called(listener)


def test_landlock_alone_stops_it(hostile: "Hostile", listener: socket.socket) -> None:
    if landlock.abi() < LANDLOCK_WITH_TCP:
        pytest.skip("the Landlock of this kernel knows no TCP; filter and namespace stand without it")

    outcome = hostile(ERRNO, _port(listener), without="seccomp netns")

    assert (outcome.stdout, outcome.value) == ("reached\n", 13), "EACCES"
    assert not _was_called(listener)


def test_the_namespace_alone_stops_it(hostile: "Hostile", listener: socket.socket) -> None:
    outcome = hostile(ERRNO, _port(listener), without="seccomp landlock")

    assert (outcome.stdout, outcome.value) == ("reached\n", 101), "ENETUNREACH: even the loopback device is down"
    assert not _was_called(listener)


KINDS: dict[str, tuple[str, str]] = {
    "UDP": ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "network"),
    "IPv6": ("socket.socket(socket.AF_INET6, socket.SOCK_STREAM)", "network"),
    "raw": ("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)", "network"),
    "netlink": ("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)", "seccomp:socket"),
    "packet": ("socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)", "seccomp:socket"),
    "vsock": ("socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)", "seccomp:socket"),
    "kernel crypto": ("socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)", "seccomp:socket"),
    "a name server": ("socket.getaddrinfo('example.org', 80)", "network"),
    "HTTP": ("__import__('urllib.request').request.urlopen('http://127.0.0.1:1/')", "network"),
}


@pytest.mark.parametrize(("deed", "cause"), KINDS.values(), ids=KINDS)
def test_every_kind_of_socket_is_a_violation(everywhere: "Everywhere", denied: "Denied", deed: str, cause: str) -> None:
    outcome = everywhere(f"import socket\n{deed}")

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == denied(cause)
    assert outcome.error is not None, "its error tells where it was asked for"


CAUGHT = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nreturn {call}, ctypes.get_errno()"


@pytest.mark.parametrize("family", [2, 10, 16, 17, 38, 40, (1 << 32) + 2])
def test_a_socket_whose_error_is_caught_is_none_all_the_same(
    everywhere: "Everywhere", sees: frozenset[str], family: int
) -> None:
    """The run may go on, since nothing left the sandbox; what it tried is told beside its value."""
    call = f"libc.syscall(args[0], ctypes.c_long({family}), 1, 0)"

    outcome = everywhere(CAUGHT.format(call=call), syscalls.NUMBERS["socket"])

    assert (outcome.stdout, outcome.value) == ("reached\n", (-1, errno.EACCES)), outcome.describe()
    assert outcome.denied == ((DeniedCall("socket", 1),) if "calls" in sees else ())


def test_nothing_is_sent_by_code_that_tries_and_catches(
    everywhere: "Everywhere", sees: frozenset[str], listener: socket.socket
) -> None:
    outcome = everywhere(ERRNO, _port(listener))

    assert (outcome.stdout, outcome.value) == ("reached\n", errno.EACCES)
    assert outcome.denied == ((DeniedCall("socket", 1),) if "calls" in sees else ())
    assert not _was_called(listener)


@pytest.mark.parametrize("deed", ["socket.socket()", "os.fork()"])
def test_code_that_tries_without_end_uses_up_its_own_budget(hostile: "Hostile", deed: str) -> None:
    """What the host spends on hearing of it is on the budget of the call, and bounded by it."""
    body = f"import socket\nwhile True:\n    try: {deed}\n    except OSError: pass"
    used = time.thread_time()

    outcome = hostile(body, wall='"20s"')

    assert (outcome.stdout, outcome.status, outcome.cause) == ("reached\n", Status.LIMIT, "cpu")
    if deed == "socket.socket()":
        (tried,) = outcome.denied
        assert (tried.call, tried.count > 100) == ("socket", True)
    assert outcome.usage.cpu_ms >= 300
    assert time.thread_time() - used < outcome.usage.cpu_ms / 1e3, "all of it was charged"


def test_control_a_datagram_arrives_with_both_walls_down(hostile: "Hostile") -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)

        assert hostile(SEND, _port(receiver), without="seccomp netns landlock").value == "sent"
        assert receiver.recv(100) == b"stolen"


ABSTRACT = "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0' + args[0])\nreturn 'connected'"


@pytest.fixture
def abstract() -> Iterator[str]:
    """The name of an abstract Unix socket on which the host listens: no file system stands before it."""
    name = f"poet-test-{os.getpid()}"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind("\0" + name)
        server.listen()
        yield name


def test_an_abstract_socket_of_the_host_cannot_be_reached(hostile: "Hostile", abstract: str) -> None:
    by_filter = hostile(ABSTRACT, abstract, without="netns landlock")
    by_namespace = hostile(ABSTRACT, abstract, without="seccomp landlock")

    assert by_filter.error is not None
    assert (by_filter.stdout, by_filter.error.type) == ("reached\n", "PermissionError")
    assert by_namespace.error is not None
    assert (by_namespace.stdout, by_namespace.error.type) == ("reached\n", "ConnectionRefusedError")
    assert hostile(ABSTRACT, abstract, without="seccomp netns landlock").value == "connected"


def test_a_pair_of_connected_sockets_is_allowed(everywhere: "Everywhere") -> None:
    """It reaches nobody, and asyncio cannot start without it."""
    assert everywhere("import socket\na, b = socket.socketpair()\na.send(b'x')\nreturn b.recv(1)").value == b"x"


# Where a machine, its neighbours, its cloud and the internet are to be found.
AFAR = [("192.0.2.1", 80), ("10.0.0.1", 80), ("172.17.0.1", 2375), ("169.254.169.254", 80), ("224.0.0.1", 9)]
ASK = (
    "import socket\nanswers = []\nfor where in args[0]:\n    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n"
    "        with socket.socket(socket.AF_INET, kind) as s:\n            s.settimeout(2)\n"
    "            try: s.connect(tuple(where)); answers.append('connected')\n"
    "            except OSError as error: answers.append(error.errno)\nreturn answers"
)
NO_FILTER = "seccomp landlock"
NOBODY_THERE = (errno.ENETUNREACH, errno.EHOSTUNREACH)


def test_in_a_container_there_is_nobody_to_reach_without_the_filter_either(
    contained: "Contained", listener: socket.socket
) -> None:
    """Its network is its own, and has a loopback device and nothing else."""
    at_home = contained(ERRNO, _port(listener), without=NO_FILTER, lanes=1)
    afar = contained(ASK, AFAR, without=NO_FILTER, lanes=1, wall='"12s"')

    assert (at_home.stdout, at_home.value) == ("reached\n", errno.ECONNREFUSED)
    assert not _was_called(listener)
    assert isinstance(afar.value, list), afar.describe()
    assert set(afar.value) <= set(NOBODY_THERE), afar.value


OWN = {
    "a connection": (
        "import socket\nwith socket.create_server(('127.0.0.1', 0)) as server:\n"
        "    with socket.create_connection(server.getsockname(), 2) as s: s.sendall(b'stolen')\n"
        "    with server.accept()[0] as other: return other.recv(100)"
    ),
    "an abstract socket": (
        "import socket\nwith socket.socket(socket.AF_UNIX) as server:\n    server.bind('\\0own'); server.listen()\n"
        "    with socket.socket(socket.AF_UNIX) as s: s.connect('\\0own'); s.sendall(b'stolen')\n"
        "    with server.accept()[0] as other: return other.recv(100)"
    ),
}


@pytest.mark.parametrize("body", OWN.values(), ids=OWN)
def test_control_in_a_container_without_the_filter_a_listener_of_its_own_hears_it(
    contained: "Contained", body: str
) -> None:
    assert contained(body, without=NO_FILTER, lanes=1).value == b"stolen"


def test_from_a_container_an_abstract_socket_of_the_host_cannot_be_reached(
    contained: "Contained", abstract: str
) -> None:
    by_filter, by_namespace = (
        contained(ABSTRACT, abstract, without=without, lanes=1) for without in ("landlock", NO_FILTER)
    )

    assert by_filter.error is not None
    assert (by_filter.stdout, by_filter.error.type) == ("reached\n", "PermissionError")
    assert by_namespace.error is not None
    assert (by_namespace.stdout, by_namespace.error.type) == ("reached\n", "ConnectionRefusedError")
