"""Decorated functions where programs are not one plain process: a pre-fork server, a notebook, a running event loop."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbclient
import nbformat
import pytest

from poet_engine.events import ExecutionEvent
from poet_engine.journal import Journal

pytestmark = pytest.mark.sandbox

DETECTOR = """\
from poet_engine import poet


@poet(domain="ml_monitoring")
def detect_drift(current, reference):
    return {"drift_detected": False, "score": 0.0}


CURRENT = [float(value) for value in range(40, 95, 3)]
REFERENCE = [float(value) for value in range(0, 60, 2)]
"""

# As gunicorn and uwsgi do: the master imports, warms up and listens, and its forked workers accept.
SERVER = (
    DETECTOR
    + """

import http.server
import json
import os
import signal
import sys


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = detect_drift.poet.call(CURRENT, REFERENCE)
        body = json.dumps([told.value["drift_detected"], told.served_by, told.version, os.getpid()]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def stop(*_):
    raise SystemExit


server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
server.socket.setblocking(False)
server.timeout = None
if sys.argv[1] == "warm":
    assert detect_drift.poet.call(CURRENT, REFERENCE).served_by == "generated"
workers = []
for _ in range(3):
    child = os.fork()
    if not child:
        signal.signal(signal.SIGTERM, stop)
        print(os.getpid(), flush=True)
        server.serve_forever()
    workers.append(child)
print("port", server.server_port, flush=True)
sys.stdin.readline()
for child in workers:
    os.kill(child, signal.SIGTERM)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in workers]
print("codes", codes, flush=True)
"""
)


def besides(stderr: str) -> str:
    """What was said beside the warnings that a version answers instead of a body that ignores its reference."""
    lines = stderr.splitlines(keepends=True)
    return "".join(line for line in lines if "since its own body ignores" not in line)


def journal(folder: Path) -> list[ExecutionEvent]:
    with Journal.open(folder / ".poet" / "events" / "journal.db") as found:
        return [event for event in found.find(limit=1000) if isinstance(event, ExecutionEvent)]


@contextlib.contextmanager
def server(folder: Path, how: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    (folder / "server.py").write_text(SERVER)
    with subprocess.Popen(
        [sys.executable, "server.py", how],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "POET_HOME": str(folder / "home")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as master:
        try:
            assert master.stdout is not None
            port = next((line for line in master.stdout if line.startswith("port")), None)
            assert port is not None, master.communicate()[1]
            yield master, int(port.split()[1])
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(master.pid, signal.SIGKILL)


def ask(port: int) -> list[object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        told: list[object] = json.loads(connection.getresponse().read())
        return told


@pytest.mark.parametrize("how", ["warm", "cold"])
def test_the_workers_of_a_prefork_server_answer_by_the_version(tmp_path: Path, how: str) -> None:
    """Each has a sandbox of its own, whether or not the master had called the function before it forked.

    All agree on one version, each call leaves its event, and the workers end without a trace of trouble.
    """
    asked = 12
    with server(tmp_path, how) as (master, port):
        told = [ask(port) for _ in range(asked)]
        out, errors = master.communicate("stop\n", timeout=60)
    assert [answer[:3] for answer in told] == [[True, "generated", "v1"]] * asked
    assert all(answer[3] != master.pid for answer in told)
    assert "codes [0, 0, 0]" in out
    assert besides(errors) == ""
    events = journal(tmp_path)
    assert len(events) == asked + (how == "warm")
    assert {(event.payload.served_by, event.payload.version) for event in events} == {("generated", "v1")}
    assert [path.name for path in (tmp_path / ".poet" / "detect_drift").glob("v*")] == ["v1"]


def notebook(folder: Path, *cells: str) -> list[object]:
    """Run the cells in a kernel of their own, and give what each of them printed as JSON."""
    code: dict[str, object] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    content = {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {},
        "cells": [{**code, "source": cell} for cell in cells],
    }
    book = nbformat.reads(json.dumps(content), as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types there
    client = nbclient.NotebookClient(book, timeout=100, kernel_name="python3", resources={"metadata": {"path": folder}})
    client.execute()
    streams = [output for cell in book.cells for output in cell.outputs if output.output_type == "stream"]
    assert besides("".join(stream.text for stream in streams if stream.name == "stderr")) == ""
    return [json.loads(line) for stream in streams if stream.name == "stdout" for line in stream.text.splitlines()]


def test_a_notebook_has_its_versions_beside_it(tmp_path: Path) -> None:
    """A cell that defines the function anew gets a version for the new text; the old text gets its old one back.

    The kernel runs an event loop of its own all the while, and what another cell imported counts as imported.
    """
    tell = (
        "told = detect_drift.poet.call(CURRENT, REFERENCE)\n"
        "print(json.dumps([told.value, told.served_by, told.version, told.fallback_reason]))"
    )
    redefined = DETECTOR.replace("0.0}", "0.0, 'n': np.mean([1])}")
    setup = "import json\nimport numpy as np"
    first, again, back = notebook(tmp_path, setup, DETECTOR, tell, redefined, tell, DETECTOR, tell)
    for one, version in ((first, "v1"), (again, "v2"), (back, "v1")):
        assert isinstance(one, list)
        assert one[1:] == ["generated", version, None]
        assert one[0]["drift_detected"] is True
    assert {path.name for path in (tmp_path / ".poet" / "detect_drift").glob("v*")} == {"v1", "v2"}
    assert len(journal(tmp_path)) == 3


def test_a_plain_call_inside_a_running_event_loop_is_answered_by_the_version(tmp_path: Path) -> None:
    """It blocks the loop as any plain call does; calls from threads of the same loop run beside each other."""
    (tmp_path / "program.py").write_text(
        DETECTOR + "\n\nimport asyncio\nimport json\n\n\nasync def main():\n"
        "    told = [detect_drift.poet.call(CURRENT, REFERENCE)]\n"
        "    more = (asyncio.to_thread(detect_drift.poet.call, CURRENT, REFERENCE) for _ in range(8))\n"
        "    told += await asyncio.gather(*more)\n"
        "    print(json.dumps([(one.value['drift_detected'], one.served_by) for one in told]))\n\n\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "program.py"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "POET_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert (done.returncode, besides(done.stderr)) == (0, "")
    assert json.loads(done.stdout) == [[True, "generated"]] * 9


@pytest.mark.parametrize(("statement", "kept"), [("current.append(0.0)", False), ("current = [*current, 0.0]", True)])
def test_a_body_that_changes_its_argument_stays_here(tmp_path: Path, statement: str, *, kept: bool) -> None:
    """Its trial in the sandbox shows it; a body that works on a copy gets a version."""
    program = DETECTOR.replace("    return", f"    {statement}\n    return")
    program += "\nprint(detect_drift.poet.reason, len(detect_drift.original(CURRENT, REFERENCE)), len(CURRENT))\n"
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "POET_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert ("changes its argument 'current'" not in done.stdout) is kept
    assert done.stdout.startswith("None") is kept
