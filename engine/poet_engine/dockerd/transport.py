"""Docker's own transport over a Unix socket, with one pool of connections. Imported by the first connection only."""

from docker.transport import UnixHTTPAdapter


class OnePool(UnixHTTPAdapter):  # type: ignore[misc]  # docker-py ships no types
    """Connections of one engine in one pool.

    docker-py keeps a pool for each URL and closes the oldest of 25. With a URL for every container that is a new
    connection for each request, and a thread whose pool is closed by the others' requests is told that no engine
    answers.
    """

    def get_connection(self, url: str, proxies: object = None) -> object:
        """The pool; which host the URL names is ours to say, since it is always the socket's."""
        del url
        return super().get_connection("http+docker://localhost", proxies)
