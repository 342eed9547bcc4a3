"""The gate and its worker process: hostile sources, dead workers, threads, forks, what is left behind."""

import concurrent.futures
import dataclasses
import gc
import hashlib
import importlib
import json
import os
import signal
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from poet_engine._wake import readable
from poet_engine.errors import ClosedError, UsageError
from poet_engine.gate import Gate
from poet_engine.gate.ruleset import Allowance
from poet_engine.gate.worker_client import WorkerLimits
from poet_engine.policy import Mode, Policy

RESTRICTED = Policy.load("restricted")
CLEAN = "def f(x: int) -> int:\n    return x + 1\n"

# what the demo runs on purpose, and the rule that would have stopped it
SEVEN = {
    "endless loop": ("def f():\n    while True:\n        pass\n", "POET140"),
    "memory bomb": ("def f():\n    return bytearray(10**10)\n", "POET141"),
    "fork bomb": ("import os\ndef f():\n    while True:\n        os.fork()\n", "POET110"),
    "file read": ("def f():\n    return open('/etc/passwd').read()\n", "POET120"),
    "network": ("import socket\ndef f():\n    socket.create_connection(('192.0.2.1', 80))\n", "POET110"),
    "early exit": ("import os\ndef f():\n    os._exit(0)\n", "POET110"),
    "output flood": ("def f():\n    while True:\n        print('x' * 1000)\n", "POET140"),
}


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    with Gate() as gate:
        yield gate


def _worker(gate: Gate) -> int:
    """The worker's process id; a scan makes sure that there is one."""
    gate.scan(CLEAN, RESTRICTED)
    link = gate._slot.link
    assert link is not None
    return link.pid


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_clean_source_has_no_findings(gate: Gate) -> None:
    report = gate.scan(CLEAN, RESTRICTED)
    assert (report.findings, report.cause, report.rejected) == ((), None, False)
    assert report.digest == hashlib.sha256(CLEAN.encode()).hexdigest()
    assert report.mode is Mode.ENFORCE


@pytest.mark.parametrize("shape", SEVEN)
def test_each_hostile_shape_has_its_rule(gate: Gate, shape: str) -> None:
    source, rule = SEVEN[shape]
    report = gate.scan(source, RESTRICTED)
    assert rule in {finding.rule for finding in report.findings}
    assert report.rejected
    assert all(finding.line >= 1 and finding.snippet for finding in report.findings)


@pytest.mark.parametrize("mode", ["warn", "audit"])
def test_the_other_modes_tell_and_do_not_reject(gate: Gate, mode: str) -> None:
    report = gate.scan("import os", Policy.parse(f'[static]\nmode = "{mode}"'))
    assert report.cause == "scan_ast"
    assert report.findings
    assert not report.rejected


def test_thresholds_of_bandit_come_from_the_policy(gate: Gate) -> None:
    source = "import random\nx = random.random()\n"
    assert gate.scan(source, RESTRICTED).cause is None
    strict = Policy.parse('[static]\nbandit_severity = "low"\nbandit_confidence = "low"')
    report = gate.scan(source, strict)
    assert report.cause == "scan_bandit"
    assert [(one.rule, one.scanner, one.line, one.snippet) for one in report.findings] == [
        ("B311", "bandit", 2, "x = random.random()")
    ]


def test_a_report_is_remembered_by_source_and_policy(gate: Gate) -> None:
    source = "x = 'remember me'\n"
    first = gate.scan(source, RESTRICTED)
    before = gate.statistics()
    assert gate.scan(source, RESTRICTED) is first
    assert gate.statistics().cached == before.cached + 1
    assert gate.scan(source, Policy.load("data")) is not first


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("x = " + "-" * 100_000 + "1", "too_large"),
        ("x" + ".a" * 60_000, "too_large"),
        ("x = " + "(" * 5000, "syntax"),
        ("x" + "()" * 50_000, "too_large"),
        ("x = " + "[" * 90 + "]" * 90, "too_large"),
        ("lambda: " * 20_000 + "1", "too_large"),
        ("x = f'" + "{(" * 300 + "'", "syntax"),
        ("if 1:\n" + "".join(" " * n + "if 1:\n" for n in range(1, 200)), "syntax"),
        ("\n" * 200_000, "too_large"),
        ("a" * 10_000_000, "too_large"),
        ("x = 1\0", "syntax"),
        ("x = '\ud800'", "syntax"),
        ("9" * 100_000, "syntax"),
        ("def f(", "syntax"),
    ],
    ids=range(14),
)
def test_a_parser_bomb_is_rejected_and_the_next_scan_works(gate: Gate, source: str, cause: str) -> None:
    report = gate.scan(source, RESTRICTED)
    assert report.cause == cause
    assert report.rejected
    assert report.findings
    assert gate.scan(CLEAN, RESTRICTED).cause is None


def test_a_source_that_takes_too_long_is_rejected_with_that_reason() -> None:
    """The kernel ends the worker by its own processor time, also inside one call of C code."""
    with Gate(limits=WorkerLimits(cpu=0.05)) as gate:
        table = "x = {" + "'a': [1, 2.5, 'b'], " * 11_000 + "}"
        wide = Policy.parse("[static]\nmax_nodes = 1_000_000")
        report = gate.scan(table, wide)
        assert report.cause == "too_large"
        assert "0.05 s of processor time" in report.findings[0].message
        assert report.findings[0].rule == "POET100"
        assert gate.statistics().deaths == 1
        assert gate.scan("x = 1", wide).cause is None


def test_a_worker_that_hangs_is_ended_after_the_wall_time() -> None:
    """Reading a source waits for nothing, so that is not the source's fault: another worker scans it."""
    with Gate(limits=WorkerLimits(wall=0.5)) as gate:
        pid = _worker(gate)
        os.kill(pid, signal.SIGSTOP)
        report = gate.scan("x = 2", RESTRICTED)
        assert report.cause is None
        assert not _alive(pid)
        assert gate.statistics().deaths == 1


def test_a_worker_that_somebody_ended_is_replaced_and_its_source_scanned() -> None:
    with Gate() as gate:
        pid = _worker(gate)
        os.kill(pid, signal.SIGKILL)
        assert gate.scan("x = 3", RESTRICTED).cause is None
        assert gate.scan("x = 4", RESTRICTED).cause is None
        assert _worker(gate) != pid
        assert (gate.statistics().workers, gate.statistics().deaths) == (2, 1)


def test_the_worker_has_nothing_of_value() -> None:
    """No environment of the host, no descriptors of it, no room for files, children or dumps."""
    secret, other = os.pipe()
    os.set_inheritable(secret, True)
    try:
        with Gate() as gate:
            proc = Path(f"/proc/{_worker(gate)}")
            names = {item.partition(b"=")[0] for item in (proc / "environ").read_bytes().split(b"\0") if item}
            assert names == {b"LC_ALL", b"XDG_CACHE_HOME"}
            targets = [str(link.readlink()) for link in (proc / "fd").iterdir()]
            assert str(Path(f"/proc/self/fd/{secret}").readlink()) not in targets
            assert str((proc / "cwd").readlink()) == "/"
            limits = (proc / "limits").read_text()
            for name in ("Max file size", "Max core file size", "Max processes"):
                line = next(line for line in limits.splitlines() if line.startswith(name))
                assert line.removeprefix(name).split()[:2] == ["0", "0"]
            assert "Max address space         unlimited" not in limits
    finally:
        os.close(secret)
        os.close(other)


def test_many_threads_share_one_worker(gate: Gate) -> None:
    sources = [f"x = {number}\n" if number % 2 else f"import os  # {number}\n" for number in range(40)]
    before = gate.statistics().workers
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda source: gate.scan(source, RESTRICTED), sources))
    assert [report.cause for report in reports] == [None if number % 2 else "scan_ast" for number in range(40)]
    assert gate.statistics().workers == max(before, 1)


def test_closing_ends_the_worker_and_the_gate() -> None:
    gate = Gate()
    pid = _worker(gate)
    assert f"worker {pid}" in repr(gate)
    gate.close()
    gate.close()
    assert not _alive(pid)
    assert "closed" in repr(gate)
    with pytest.raises(ClosedError):
        gate.scan(CLEAN, RESTRICTED)


def test_a_forgotten_gate_ends_its_worker_and_says_so() -> None:
    pids: list[int] = []

    def forget() -> None:
        pids.append(_worker(Gate()))
        gc.collect()

    with pytest.warns(ResourceWarning, match="never closed"):
        forget()
    assert not _alive(pids[0])


def test_a_gate_that_was_never_used_leaves_nothing() -> None:
    with Gate() as gate:
        assert gate.statistics().workers == 0


def test_a_forked_child_is_told_to_make_its_own() -> None:
    """And the child's end does not disturb the parent's worker."""
    with Gate() as gate:
        pid = _worker(gate)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                gate.scan("x = 5", RESTRICTED)
            except ClosedError as error:
                os.write(write, str(error).encode())
            gate.close()
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as stream:
            assert b"forked" in stream.read()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert gate.scan("x = 5", RESTRICTED).cause is None
        assert _worker(gate) == pid


def test_a_killed_host_leaves_no_worker_behind() -> None:
    program = (
        "import os, signal\n"
        "from poet_engine.gate import Gate\n"
        "from poet_engine.policy import Policy\n"
        "gate = Gate()\n"
        "gate.scan('x = 1', Policy.load('restricted'))\n"
        "print(gate._slot.link.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        assert host.wait(30) == -signal.SIGKILL
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return  # it is gone already
    try:
        assert readable(watch, 10), "the worker outlived its host"
    finally:
        os.close(watch)


def test_a_file_of_the_users_does_not_get_into_the_worker(tmp_path: Path) -> None:
    """A script's own folder is on its path; an `ast.py` there must not become the worker's parser."""
    marker = tmp_path / "imported"
    for name in ("ast", "bandit", "json", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(marker)!r}, 'a').write({name!r})\nraise SystemExit\n")
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\nfolder = sys.path.pop(0)\n"
        "from poet_engine.gate import Gate\nfrom poet_engine.policy import Policy\n"
        "sys.path.insert(0, folder)\n"
        "with Gate() as gate:\n    print(gate.scan('import os', Policy.load('restricted')).cause)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "scan_ast"
    assert not marker.exists()


def test_scanning_writes_nothing_into_the_home(tmp_path: Path) -> None:
    program = (
        "from poet_engine.gate import Gate\nfrom poet_engine.policy import Policy\n"
        "with Gate() as gate:\n    gate.scan('x = 1', Policy.load('restricted'))\n"
    )
    subprocess.run([sys.executable, "-B", "-c", program], env={"HOME": str(tmp_path)}, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"findings": [], "cause": "scan_ast"},
        {"findings": [["POET110", "high", "m", 1, 0, 1, 0, "s", "ast"]], "cause": None},
        {"findings": [["POET110", "fatal", "m", 1, 0, 1, 0, "s", "ast"]], "cause": "scan_ast"},
        {"findings": [["POET110", "high", "m", "1", 0, 1, 0, "s", "ast"]], "cause": "scan_ast"},
        {"findings": [1], "cause": "scan_ast"},
        {"findings": {}, "cause": None},
        {"findings": [], "cause": "because"},
    ],
)
def test_an_answer_that_makes_no_sense_rejects(answer: dict[str, object]) -> None:
    """The worker has parsed hostile text, so nothing it says is believed that does not fit."""
    with Gate() as gate:
        pid = _worker(gate)
        link = gate._slot.link
        assert link is not None
        gate._slot.link = _Liar(link, answer)  # type: ignore[assignment]  # stands in for a worker that was taken over
        report = gate.scan("x = 6", RESTRICTED)
        assert report.rejected
        assert report.findings[0].rule == "POET100"
        assert not _alive(pid)


@dataclasses.dataclass
class _Liar:
    """A worker whose answers are made up."""

    link: object
    answer: dict[str, object]
    known: frozenset[str] = frozenset({RESTRICTED.digest})

    def await_start(self) -> None:
        assert self.link is not None  # which has started already

    def ask(self, task: dict[str, object]) -> dict[str, object]:
        assert task["do"] == "scan"
        copy: dict[str, object] = json.loads(json.dumps(self.answer))
        return copy

    def close(self) -> None:
        close = getattr(self.link, "close")  # noqa: B009 - the real one behind it is no part of this class's type
        close()


def test_undecorate_takes_our_marks_out_and_moves_no_line(gate: Gate) -> None:
    source = "from poet_engine import poet\n\n@poet(\n    domain='x',\n)\ndef f(x):\n    return x\n"
    text = gate.undecorate(source)
    assert text.count("\n") == source.count("\n")
    assert "poet" not in text
    assert text.splitlines()[5:] == ["def f(x):", "    return x"]


@pytest.mark.parametrize("source", ["def f(:", "x = 1\0", "x = " + "-" * 100_000 + "1", "x" * (2**22 + 1)])
def test_what_cannot_be_read_cannot_be_undecorated(gate: Gate, source: str) -> None:
    with pytest.raises(UsageError):
        gate.undecorate(source)
    assert gate.scan(CLEAN, RESTRICTED).cause is None


def test_no_star_lets_a_module_of_a_library_through() -> None:
    """Outside the standard library a star is judged by names alone, so it is compared with the real libraries."""
    pytest.importorskip("scipy", reason="the extra 'data' is not installed")
    pytest.importorskip("pandas", reason="the extra 'data' is not installed")
    modules = [name for name in Policy.load("data").static.imports if name.startswith(("scipy.", "pandas."))]
    allowance = Allowance({name: ["*"] for name in modules})
    leaks = [
        f"{name}.{member}"
        for name in modules
        for member, value in vars(importlib.import_module(name)).items()
        if isinstance(value, types.ModuleType) and allowance.allows(f"{name}.{member}")
    ]
    assert len(modules) > 10
    assert leaks == []
