"""Seven versions that a careless or malicious generator might have written, and what must come of each."""

import dataclasses
import textwrap

from poet_engine.outcome import Outcome, Status


@dataclasses.dataclass(frozen=True, slots=True)
class Hostile:
    """One hostile version.

    Attributes:
        name: What it does.
        body: What its function does, as statements; `{file}` and `{port}` are filled in.
        status: How it must end.
        cause: Why it must end so.
        raised: Where it must end with an exception: which, so that a slip in its code does not pass for isolation.
    """

    name: str
    body: str
    status: Status
    cause: str
    raised: str | None = None

    def ended_so(self, outcome: Outcome) -> bool:
        """Whether the isolation that is there for it has ended it."""
        if (outcome.status, outcome.cause) != (self.status, self.cause):
            return False
        return self.raised is None or (outcome.error is not None and outcome.error.type == self.raised)

    def code(self, *, signature: str, file: str, port: int) -> str:
        """Return a whole module with the user's signature, such as `detect_drift(current, reference)`."""
        body = self.body.replace("{file}", repr(file)).replace("{port}", str(port))
        return f'"""A hostile version: {self.name}."""\n\n\ndef {signature}:\n{textwrap.indent(body, "    ")}'


SEVEN = (
    Hostile("endless loop", "while True:\n    pass\n", Status.LIMIT, "cpu"),
    Hostile(
        "memory bomb",
        "hoard = []\nwhile True:\n    hoard.append(bytearray(8 * 1024 * 1024))\n",
        Status.LIMIT,
        "memory",
    ),
    Hostile("fork bomb", "import os\nwhile True:\n    os.fork()\n", Status.LIMIT, "tasks"),
    Hostile(
        "read of the user's files",
        "with open({file}) as file:\n    return file.read()\n",
        Status.ERROR,
        "exception",
        raised="FileNotFoundError",  # the host's files are not there to be refused
    ),
    Hostile(
        "network call",
        "import socket\nreturn socket.create_connection(('127.0.0.1', {port})).getpeername()\n",
        Status.VIOLATION,
        "network",
    ),
    Hostile("os._exit(0)", "import os\nos._exit(0)\n", Status.NO_RESULT, "early_exit"),
    Hostile("output flood", "while True:\n    print('x' * 65536)\n", Status.LIMIT, "output"),
)
