"""Provide Docker's transport over a Unix socket with one pool of connections. Imported by the first connection only."""

import socket

from docker.transport import unixconn

_ONLY = "http+docker://localhost"


class _UnixConnection(unixconn.UnixHTTPConnection):  # type: ignore[misc]  # docker-py ships no types
    def connect(self) -> None:
        """Connect; docker-py leaves its socket open when nobody answers, which warns at some later time."""
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.settimeout(self.timeout)
            sock.connect(self.unix_socket)
        except BaseException:
            sock.close()
            raise
        self.sock = sock


class _UnixPool(unixconn.UnixHTTPConnectionPool):  # type: ignore[misc]  # as above
    def _new_conn(self) -> _UnixConnection:
        return _UnixConnection(self.base_url, self.socket_path, self.timeout)


class OnePool(unixconn.UnixHTTPAdapter):  # type: ignore[misc]  # as above
    """Connections to one daemon in one pool.

    docker-py keeps a pool for each URL and closes the oldest of 25. With a URL for every container that is a new
    connection for each request, and a thread whose pool is closed by the others' requests is told that no daemon
    answers.
    """

    def get_connection(self, url: str, proxies: object = None) -> object:
        """Return the pool; the URL's host is ignored, since the socket decides where a request goes."""
        del url, proxies
        with self.pools.lock:
            pool = self.pools.get(_ONLY)
            if pool is None:
                pool = self.pools[_ONLY] = _UnixPool(_ONLY, self.socket_path, self.timeout, maxsize=self.max_pool_size)
        return pool
