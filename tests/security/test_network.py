"""Code that talks to somebody: the filter refuses the socket, and behind it there is no network to reach."""

import contextlib
import os
import select
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from poet_engine.guest import landlock, syscalls
from poet_engine.outcome import Blame, Status

if TYPE_CHECKING:
    from tests.security.conftest import Hostile

pytestmark = pytest.mark.sandbox

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
    return bool(select.select([server], [], [], 0)[0])


def test_a_connection_ends_the_run_as_a_violation(hostile: "Hostile", listener: socket.socket) -> None:
    outcome = hostile(CONNECT, _port(listener))

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.VIOLATION, "network", Blame.CODE)
    assert outcome.evidence is not None
    assert (outcome.evidence.counter, outcome.evidence.value) == ("seccomp_notification", "socket")
    assert outcome.evidence.source == "kernel"
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
    "family with high bits set": ("__import__('ctypes').CDLL(None).syscall(args[0], (1 << 32) + 2, 1, 0)", "network"),
}


@pytest.mark.parametrize(("deed", "cause"), KINDS.values(), ids=KINDS)
def test_every_kind_of_socket_is_a_violation(hostile: "Hostile", deed: str, cause: str) -> None:
    outcome = hostile(f"import socket\n{deed}", syscalls.NUMBERS["socket"])

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.VIOLATION, cause, Blame.CODE)


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


def test_a_pair_of_connected_sockets_is_allowed(hostile: "Hostile") -> None:
    """It reaches nobody, and asyncio cannot start without it."""
    assert hostile("import socket\na, b = socket.socketpair()\na.send(b'x')\nreturn b.recv(1)").value == b"x"
