"""A Docker daemon that says what a test tells it to."""

import contextlib
import functools
import json
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator

import pytest

Answer = Callable[[str], bytes | None]


class ScriptedEngine:
    """Answers the version by itself, and everything else as `says` does: None is silence, b"" hangs up.

    Args:
        listener: Its socket.
        host: Its address.
    """

    def __init__(self, listener: socket.socket, host: str) -> None:
        self.host = host
        self.api = "1.41"
        self.says: Answer = lambda _: self.answer("200 OK", {})
        self.asked: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self._ended = threading.Event()
        self._listener = listener
        self._listener.listen()
        self._threads: list[threading.Thread] = []
        self._peers: list[socket.socket] = []
        self._spawn(self._accept)

    @staticmethod
    def answer(status: str, document: object = None) -> bytes:
        """A whole HTTP answer."""
        body = b"" if document is None else json.dumps(document).encode()
        head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(head).encode() + body

    def _spawn(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self.connections += 1
                self._peers.append(peer)
                self._spawn(functools.partial(self._serve, peer))

    def _serve(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer, peer.makefile("rb") as reader:
            while request := reader.readline().decode().strip():
                headers = dict(line.split(": ", 1) for line in iter(lambda: reader.readline().decode().strip(), ""))
                self.bodies.append(reader.read(int(headers.get("Content-Length", 0))))
                asked = " ".join(request.split()[:2])
                self.asked.append(asked)
                found = self._version() if asked.endswith("/version") else self.says(asked)
                if found is None:
                    self._ended.wait()
                if not found:
                    return
                peer.sendall(found)

    def _version(self) -> bytes | None:
        return self.answer("200 OK", {"ApiVersion": self.api}) if self.api else None

    def close(self) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):  # closed by the test already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()


@pytest.fixture
def scripted_engine() -> Iterator[ScriptedEngine]:
    with tempfile.TemporaryDirectory(prefix="poet-") as folder:  # the name of a socket has to be short
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{folder}/s")
        engine = ScriptedEngine(listener, f"unix://{folder}/s")
        yield engine
        engine.close()


@pytest.fixture
def engine_over_tcp(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedEngine]:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    engine = ScriptedEngine(listener, f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    yield engine
    engine.close()
