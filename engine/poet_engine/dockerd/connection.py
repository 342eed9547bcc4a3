"""Connect to a Docker daemon, for requests and hijacked streams. Every failure leaves as a DockerError."""

import contextlib
import http.client
import json
import os
import socket
import urllib.parse
import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from poet_engine._fork import on_fork
from poet_engine.dockerd import faults
from poet_engine.errors import DockerError

if TYPE_CHECKING:
    import docker

DEFAULT_HOST = "unix:///var/run/docker.sock"
_UNIX = "unix://"
_OLDEST_API = (1, 40)  # Docker 19.03: cgroup and seccomp options that the sandbox needs came no later
_CONNECTIONS = 64  # kept open between requests; more are made when more threads ask at once, and closed after that
_LONGEST_ANSWER = 1 << 16  # bytes of an error's text
_streams: "weakref.WeakSet[socket.socket]" = weakref.WeakSet()


def keep_from_children(stream: socket.socket) -> None:
    """Close a stream in every process that is forked from this one."""
    _streams.add(stream)


def _close_in_child(stream: socket.socket) -> None:
    """Close a stream: held in a forked child, it would not end with its owner, nor would what is attached."""
    if stream.fileno() >= 0:
        os.close(stream.detach())


on_fork(_streams, _close_in_child)


class DaemonConnection:
    """A connection to a Docker daemon. Several threads may use it at once.

    Args:
        host: The daemon's address, such as `unix:///var/run/docker.sock`.
        timeout: Seconds to connect, and again to answer, where a request gives no timeout.

    Attributes:
        client: docker-py's client, for whatever has no method here; used inside `translated()`.

    Raises:
        DockerError: No daemon answers there, or not to this user, or it is too old.
    """

    def __init__(self, host: str, *, timeout: float) -> None:
        self.host, self.timeout = host, timeout
        with self.translated("connecting to Docker"):
            self.client = _connect(host, timeout)
        version = self.api
        if tuple(map(int, version.split("."))) < _OLDEST_API:
            self.close()
            oldest = ".".join(map(str, _OLDEST_API))
            raise self.failure(
                f"API versions below {oldest} are too old; the daemon has {version}", "connecting to Docker"
            )

    def __repr__(self) -> str:
        return f"<DaemonConnection {self.host}>"

    @property
    def api(self) -> str:
        """The version of the API that is used."""
        return str(self.client.api_version)

    def close(self) -> None:
        """Close it; hijacked streams stay open and belong to their callers."""
        self.client.close()

    @contextlib.contextmanager
    def translated(self, doing: str) -> Iterator[None]:
        """Translate Docker's exceptions into DockerError within the block; `doing` says what is tried."""
        import docker.errors  # noqa: PLC0415 - loading it takes a tenth of a second, and only Docker's users need it

        try:
            yield
        except (docker.errors.DockerException, http.client.HTTPException, OSError) as error:
            raise faults.translate(error, doing, self.host) from error  # the exceptions of requests are OSErrors

    def failure(self, said: str, doing: str) -> DockerError:
        """Return the text of a daemon's answer as an error to raise."""
        return faults.translate(RuntimeError(said), doing, self.host)

    def knock(self, *, timeout: float) -> None:
        """Check that the daemon accepts new connections: one that is ending still answers on open ones.

        Raises:
            DockerError: The daemon accepts none.
        """
        with self.translated("connecting to Docker"):
            _dial(self.host, str(self.client.base_url), timeout).close()

    def ask(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str] | None = None,
        *,
        doing: str,
        body: object = None,
        timeout: float | None = None,
    ) -> object:
        """Send one request and return its answer.

        Args:
            method: The HTTP method, such as `GET`.
            path: The path below the version, such as `/info`.
            parameters: The query's parameters.
            doing: The action, for the error's text, such as `starting a container`.
            body: Sent as JSON when it is given.
            timeout: Seconds for connecting, and for the answer.

        Returns:
            The answer's JSON; None when it is empty.

        Raises:
            DockerError: The request failed, or took too long.
        """
        import docker.errors  # noqa: PLC0415 - as above
        import requests  # noqa: PLC0415 - as above

        with self.translated(doing):
            response = self.client.request(
                method,
                f"{self.client.base_url}/v{self.api}{path}",
                params=parameters,
                json=body,
                timeout=self.timeout if timeout is None else timeout,
            )
            try:
                response.raise_for_status()
            except requests.HTTPError as error:
                docker.errors.create_api_error_from_http_exception(error)  # it raises
            return response.json() if response.content else None

    def hijack(
        self, path: str, parameters: Mapping[str, str], *, doing: str, timeout: float | None = None
    ) -> socket.socket:
        """Send a request whose connection becomes a stream.

        docker-py's own way has no deadline and leaks its response.

        Args:
            path: The path below the version, such as `/containers/…/attach`.
            parameters: The query's parameters.
            doing: The action, for the error's text.
            timeout: Seconds for each step until the stream is open.

        Returns:
            A socket of the caller's own, blocking, which nobody else knows and the caller closes. A forked child does
            not have it.

        Raises:
            DockerError: The request failed, or took too long.
        """
        waited = self.timeout if timeout is None else timeout
        with self.translated(doing):
            peer = _dial(self.host, str(self.client.base_url), waited)
            keep_from_children(peer)
            try:
                _upgrade(peer, f"/v{self.api}{path}?{urllib.parse.urlencode(parameters)}", waited)
                peer.settimeout(None)
            except BaseException:
                peer.close()
                raise
        return peer


def _upgrade(peer: socket.socket, target: str, timeout: float) -> None:
    """Request a stream; raise the daemon's answer when it gives none."""
    connection = http.client.HTTPConnection("docker", timeout=timeout)
    connection.sock = peer  # already connected
    connection.request("POST", target, headers={"Connection": "Upgrade", "Upgrade": "tcp"})
    response = connection.getresponse()
    try:
        if response.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            # in a proxy's "200 OK", what follows is no stream either
            raise OSError(_message(response.read(_LONGEST_ANSWER)) or f"{response.status} {response.reason}")
    finally:
        response.close()  # its file only: the socket is not its own


def _message(said: bytes) -> str:
    """Return the message in the daemon's JSON; the answer itself where it is none."""
    with contextlib.suppress(ValueError):
        fields = json.loads(said)
        if isinstance(fields, dict) and isinstance(fields.get("message"), str):
            return str(fields["message"])
    return said.decode(errors="replace")


def _dial(host: str, base_url: str, timeout: float) -> socket.socket:
    """Open a connection to the daemon.

    Args:
        host: The daemon's address.
        base_url: The same address in docker-py's form.
        timeout: Seconds for connecting; it stays the socket's.
    """
    if host.startswith(_UNIX):
        peer = socket.socket(socket.AF_UNIX)
        try:
            peer.settimeout(timeout)
            peer.connect(host.removeprefix(_UNIX))
        except BaseException:
            peer.close()
            raise
        return peer
    parts = urllib.parse.urlsplit(base_url)
    if parts.scheme != "http" or parts.hostname is None or parts.port is None:
        raise OSError(f"a stream cannot be had over {host}: only unix:// and tcp:// without TLS")
    return socket.create_connection((parts.hostname, parts.port), timeout)


def _connect(host: str, timeout: float) -> "docker.APIClient":
    import docker  # noqa: PLC0415 - as above

    if not host.startswith(_UNIX):
        return docker.APIClient(base_url=host, version="auto", timeout=timeout)
    # tried first, because the client leaves its socket open when nobody answers there
    _dial(host, "", timeout).close()
    client = docker.APIClient(base_url=host, version="auto", timeout=timeout)
    from poet_engine.dockerd.transport import OnePool  # noqa: PLC0415 - as above

    client.get_adapter(client.base_url).close()
    address = host.replace(_UNIX, "http+unix://", 1)
    client.mount("http+docker://", OnePool(address, timeout, max_pool_size=_CONNECTIONS))
    return client
