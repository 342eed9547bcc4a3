"""Requests and streams end, whatever the engine does, and their failures are ours."""

import functools
import gc
import threading
from typing import TYPE_CHECKING

import pytest

from poet_engine.dockerd import DaemonConnection, faults
from poet_engine.errors import DockerError

if TYPE_CHECKING:
    from tests.unit.conftest import ScriptedEngine

UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"


def says(status: str, message: str) -> bytes:
    body = f'{{"message": "{message}"}}'.encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def fault(connection: DaemonConnection, *, stream: bool, timeout: float = 30) -> str:
    ask = connection.hijack if stream else functools.partial(connection.ask, "POST")
    with pytest.raises(DockerError, match=r"^trying at unix://.*; ") as caught:
        ask("/x", {}, doing="trying", timeout=timeout)
    gc.collect()  # a socket that was left open warns now, which fails the test
    return caught.value.fault


STREAM = pytest.mark.parametrize("stream", [False, True], ids=["request", "stream"])


@STREAM
@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, faults.TIMEOUT),
        (b"", faults.NO_DAEMON),
        (b"what?\r\n\r\n", faults.NO_DAEMON),
        (says("404 Not Found", "No such container: x"), faults.GONE),
        (says("500 Internal Server Error", "boom"), faults.FAILED),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nboom", faults.FAILED),
    ],
    ids=["silence", "hung up", "no HTTP", "gone", "an error", "an error that is no JSON"],
)
def test_whatever_the_engine_answers_is_an_error_of_ours(
    scripted_engine: "ScriptedEngine", found: bytes | None, expected: str, *, stream: bool
) -> None:
    scripted_engine.says = lambda _: found
    connection = DaemonConnection(scripted_engine.host, timeout=30)
    try:
        assert fault(connection, stream=stream, timeout=30 if found is not None else 0.2) == expected
    finally:
        connection.close()


def test_an_answer_that_is_no_json_is_an_error_of_ours(scripted_engine: "ScriptedEngine") -> None:
    scripted_engine.says = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nboom"
    connection = DaemonConnection(scripted_engine.host, timeout=30)
    with pytest.raises(DockerError):
        connection.ask("GET", "/x", doing="trying")
    connection.close()


def test_a_stream_that_ok_was_said_to_is_none(scripted_engine: "ScriptedEngine") -> None:
    """A proxy that does not know upgrades answers so; the bytes that follow would be anybody's."""
    scripted_engine.says = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    connection = DaemonConnection(scripted_engine.host, timeout=30)
    assert fault(connection, stream=True) == faults.FAILED
    connection.close()


def test_a_stream_belongs_to_who_asked_and_outlives_the_connection(scripted_engine: "ScriptedEngine") -> None:
    scripted_engine.says = lambda _: UPGRADED
    connection = DaemonConnection(scripted_engine.host, timeout=30)
    with connection.hijack("/containers/a/attach", {"stream": "1"}, doing="attaching") as peer:
        connection.close()
        assert peer.gettimeout() is None
        assert scripted_engine.asked[-1] == "POST /v1.41/containers/a/attach?stream=1"
        peer.sendall(b"GET /again HTTP/1.1\r\n\r\n")  # the script goes on reading
        assert peer.recv(100) == UPGRADED[:100]


def test_requests_and_streams_go_over_tcp_too(engine_over_tcp: "ScriptedEngine") -> None:
    connection = DaemonConnection(engine_over_tcp.host, timeout=30)
    assert connection.ask("GET", "/info", doing="asking") == {}
    engine_over_tcp.says = lambda _: UPGRADED
    with connection.hijack("/containers/a/attach", {}, doing="attaching") as peer:
        assert peer.getpeername() == ("127.0.0.1", int(engine_over_tcp.host.rpartition(":")[2]))
    connection.close()


def test_requests_to_many_urls_share_one_connection(scripted_engine: "ScriptedEngine") -> None:
    connection = DaemonConnection(scripted_engine.host, timeout=30)
    before = scripted_engine.connections
    for number in range(60):
        assert connection.ask("GET", f"/containers/{number}/json", doing="asking") == {}
    assert scripted_engine.connections - before == 1
    connection.close()


def test_many_threads_ask_at_once(scripted_engine: "ScriptedEngine") -> None:
    """With docker-py's own pools, one for each of the last 25 URLs, some of them were told that nobody answers."""
    connection = DaemonConnection(scripted_engine.host, timeout=30)
    failures: list[BaseException] = []

    def ask(first: int) -> None:
        try:
            for number in range(20):
                connection.ask("GET", f"/containers/{first}-{number}/json", doing="asking")
        except DockerError as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(first,)) for first in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(scripted_engine.asked) >= 320
    connection.close()


def test_an_engine_that_is_too_old_is_refused(scripted_engine: "ScriptedEngine") -> None:
    scripted_engine.api = "1.39"
    with pytest.raises(DockerError, match="update the Docker daemon") as caught:
        DaemonConnection(scripted_engine.host, timeout=30)
    assert caught.value.fault == faults.OLD_API


def test_a_stream_over_what_is_neither_a_unix_nor_a_plain_socket_is_refused(scripted_engine: "ScriptedEngine") -> None:
    connection = DaemonConnection(scripted_engine.host, timeout=30)
    connection.host = "ssh://somewhere"
    with pytest.raises(DockerError, match="only unix:// and tcp://"):
        connection.hijack("/x", {}, doing="attaching")
    connection.close()


def test_an_engine_that_went_away_leaves_no_socket_open(scripted_engine: "ScriptedEngine") -> None:
    scripted_engine.says = lambda _: b""
    connection = DaemonConnection(scripted_engine.host, timeout=5)
    scripted_engine.close()
    for _ in range(3):
        assert fault(connection, stream=False) == faults.NO_DAEMON
    with pytest.raises(DockerError):
        connection.knock(timeout=1)
    connection.close()
    gc.collect()


def test_knocking_wants_to_be_let_in_anew(scripted_engine: "ScriptedEngine") -> None:
    """An engine that is ending still answers on the connections that it has."""
    connection = DaemonConnection(scripted_engine.host, timeout=5)
    before = scripted_engine.connections
    connection.knock(timeout=5)
    while scripted_engine.connections == before:  # it is counted by another thread; pytest's timeout bounds the wait
        continue
    connection.close()
    assert scripted_engine.connections == before + 1
