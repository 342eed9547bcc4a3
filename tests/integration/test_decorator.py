"""Decorated functions on the real sandbox, as the programs of users are: each test runs one in a process of its own."""

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

pytestmark = pytest.mark.sandbox

Run = Callable[[str], dict[str, object]]

REFERENCE = [float(value) for value in range(0, 60, 2)]
CURRENT = [float(value) for value in range(40, 95, 3)]
HEAD = "import json\nimport sys\n\nfrom poet_engine import poet\n\n\n"
DRIFT = (
    "@poet(domain='ml_monitoring')\ndef detect_drift(current_data, reference_data):\n"
    "    return {'drift_detected': False, 'score': 0.0}\n"
)
# What every program prints: the value, who gave it, and the log of what was said is on standard error.
TELL = (
    "\n\ndef tell(execution):\n    print(json.dumps({'value': execution.value, 'served_by': execution.served_by,"
    " 'version': execution.version, 'event': execution.event_id, 'why': execution.fallback_reason}))\n\n\n"
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run(program)` writes it as `monitoring.py`, runs it, and gives what it told, beside `stderr`."""

    def run_program(program: str) -> dict[str, object]:
        (tmp_path / "app").mkdir(exist_ok=True)
        (tmp_path / "app" / "monitoring.py").write_text(HEAD + program, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "monitoring.py"],
            cwd=tmp_path / "app",
            env={"PATH": "/usr/bin:/bin", "POET_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return {**told, "stderr": besides(done.stderr)}

    return run_program


def besides(stderr: str) -> str:
    """What was said beside the one warning of each process that a version answers for a body that ignores its input."""
    lines = stderr.splitlines(keepends=True)
    assert sum("since its own body ignores" in line for line in lines) <= 2  # there are two processes at the most
    return "".join(line for line in lines if "since its own body ignores" not in line)


def as_scipy_says(value: object, current: object = CURRENT, reference: object = REFERENCE) -> None:
    """Statistic and p-value are those of scipy's own test."""
    assert isinstance(value, dict)
    expected = stats.ks_2samp(np.asarray(reference), np.asarray(current))
    assert value["statistic"] == pytest.approx(expected.statistic, abs=1e-9)
    assert value["p_value"] == pytest.approx(expected.pvalue, abs=1e-9)


SAMPLES = f"CURRENT = {CURRENT}\nREFERENCE = {REFERENCE}\n"
FORMS = [
    pytest.param(
        "@poet(domain='ml_monitoring')\ndef detect_drift(current_data, reference_data):\n"
        "    return {'drift_detected': False, 'score': 0.0}\n",
        "CURRENT, REFERENCE",
        "drift_detected",
        id="as in the manual",
    ),
    pytest.param(
        "@poet(domain='ml_monitoring')\ndef check_shift(baseline, latest):\n    import numpy\n"
        "    return {'is_drift': bool(numpy.zeros(1)[0])}\n",
        "REFERENCE, CURRENT",
        "is_drift",
        id="renamed and reordered",
    ),
    pytest.param(
        "@poet(domain='ml_monitoring')\ndef watch_drift(*, new_batch, old_batch, alpha=0.05):\n"
        "    return {'drift': False}\n",
        "old_batch=REFERENCE, new_batch=CURRENT",
        "drift",
        id="keyword only",
    ),
    pytest.param(
        "@poet(domain='ml_monitoring')\ndef detect_drift(current, reference):\n"
        "    return {'drift_detected': False, 'owner': 'team a', 'limits': [1, 2]}\n",
        "CURRENT, REFERENCE",
        "drift_detected",
        id="extra keys",
    ),
    pytest.param(
        "import numpy as np\n\n\n@poet(domain='ml_monitoring')\ndef detect_drift(current, reference):\n"
        "    return {'drift_detected': False}\n",
        "np.array(CURRENT), np.array(REFERENCE)",
        "drift_detected",
        id="arrays",
    ),
    pytest.param(
        "import pandas as pd\n\n\n@poet(domain='ml_monitoring')\ndef detect_drift(current, reference):\n"
        "    return {'drift_detected': False}\n",
        "pd.DataFrame({'flow': CURRENT})['flow'], pd.Series(REFERENCE)",
        "drift_detected",
        id="pandas columns",
    ),
]


@pytest.mark.parametrize(("function", "arguments", "key"), FORMS)
def test_a_drift_detector_of_any_form_is_enhanced(run: Run, function: str, arguments: str, key: str) -> None:
    """The version answers under the user's own names, and as scipy does; the user's other keys are kept."""
    name = function.partition("def ")[2].partition("(")[0]
    told = run(function + TELL + SAMPLES + f"tell({name}.poet.call({arguments}))\n")
    assert (told["served_by"], told["version"], told["stderr"]) == ("generated", "v1", ""), told["why"]
    value = told["value"]
    assert isinstance(value, dict)
    assert value[key] is True
    as_scipy_says(value)
    if "owner" in function:
        assert (value["owner"], value["limits"]) == ("team a", [1, 2])


def test_an_async_function_is_enhanced(run: Run) -> None:
    """Many calls wait at once, and each gets its answer."""
    program = (
        "import asyncio\n\n\n@poet(domain='ml_monitoring')\nasync def detect_drift(current, reference):\n"
        "    return {'drift_detected': False}\n" + TELL + SAMPLES + "async def main():\n"
        "    answers = await asyncio.gather(*(detect_drift(CURRENT, REFERENCE) for _ in range(6)))\n"
        "    assert all(answer['drift_detected'] for answer in answers)\n"
        "    tell(await detect_drift.poet.acall(CURRENT, REFERENCE))\n\n\nasyncio.run(main())\n"
    )
    told = run(program)
    assert (told["served_by"], told["stderr"]) == ("generated", "")
    as_scipy_says(told["value"])


def rows(journal: Path) -> list[dict[str, object]]:
    """The events in a journal, the oldest first, as the user of another tool would read them."""
    program = (
        "import pathlib, sys\nfrom poet_engine.journal import Journal\n"
        "with Journal.open(pathlib.Path(sys.argv[1])) as journal:\n"
        "    print('[' + ','.join(event.to_json() for event in reversed(journal.find())) + ']')\n"
    )
    done = subprocess.run([sys.executable, "-c", program, journal], capture_output=True, text=True, check=True)
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_the_layout_on_the_disk_is_the_users(run: Run, tmp_path: Path) -> None:
    """Exactly these files beside the module, and nothing anywhere else."""
    run(DRIFT + TELL + SAMPLES + "tell(detect_drift.poet.call(CURRENT, REFERENCE))\n")
    poet = tmp_path / "app" / ".poet"
    found = {str(path.relative_to(poet)) for path in poet.rglob("*") if not path.name.startswith("journal.db-")}
    function = {"v1", "v1/code.py", "v1/params.json", "v1/metadata.json", "current", "feedback", "feedback/pending"}
    function |= {"feedback/processed", "audit.jsonl", ".lock"}
    seen_through_current = {"current/code.py", "current/params.json", "current/metadata.json"}
    expected = {".gitignore", "events", "events/journal.db", "detect_drift"} | {f"detect_drift/{n}" for n in function}
    assert found - {f"detect_drift/{name}" for name in seen_through_current} == expected
    assert (poet / "detect_drift" / "current").readlink() == Path("v1")
    assert {entry.name for entry in (tmp_path / "app").iterdir()} == {".poet", "monitoring.py"}
    assert not (tmp_path / "home").exists()


def test_each_call_leaves_one_event_of_the_documented_form(run: Run, tmp_path: Path) -> None:
    """The version's answer, the original's answer for what cannot travel, and the original's own error."""
    program = (
        DRIFT + TELL + SAMPLES + "detect_drift(CURRENT, REFERENCE)\ndetect_drift(object(), REFERENCE)\n"
        "try:\n    detect_drift(CURRENT)\nexcept TypeError as error:\n    print(json.dumps({'raised': str(error)}))\n"
    )
    told = run(program)
    assert "reference_data" in str(told["raised"])
    events = rows(tmp_path / "app" / ".poet" / "events" / "journal.db")
    payloads = [event["payload"] for event in events]
    assert [set(event) for event in events] == [
        {"id", "type", "timestamp", "correlation_id", "metadata", "payload"},
    ] * 3
    answered, untravelled, wrong = [payload for payload in payloads if isinstance(payload, dict)]
    base = {"function_name", "version", "execution_id", "start_time", "end_time", "status", "metrics", "served_by"}
    base |= {"attempts", "policy_digest", "queue_wait_ms"}
    base |= {"policy", "deadline_ms", "module"}
    assert set(answered) == base | {"outcome", "limits_hit", "sandbox", "budgets", "usage"}
    assert (answered["status"], answered["version"], answered["served_by"]) == ("success", "v1", "generated")
    assert set(answered["metrics"]) == {"duration_ms", "memory_mb", "cpu_percent"}
    assert answered["metrics"]["duration_ms"] > 0
    assert set(untravelled) == base | {"fallback_reason", "asked", "budgets", "tries"}
    assert (untravelled["version"], untravelled["served_by"]) == ("original", "original")
    assert (wrong["outcome"], wrong["version"], wrong["served_by"]) == ("error", "v1", "none")
    assert "the original raised TypeError" in wrong["fallback_reason"]


@pytest.mark.parametrize(
    ("loops", "served_by", "drifted"),
    [(1, "previous_version", True), (2, "original", False)],
    ids=["older", "original"],
)
def test_a_version_that_is_stopped_is_answered_for(
    run: Run, tmp_path: Path, loops: int, served_by: str, *, drifted: bool
) -> None:
    """By the version before it, and where that is no better by the original; the reason is in the log and the event."""
    program = (
        'from poet_engine import Policy\n\nPOLICY = Policy.parse(\'extends = "data"\\n[static]\\nmode = "audit"\\n'
        '[limits]\\nwall = "2s"\\ncpu = "300ms"\\n\')\n\n\n'
        "@poet(domain='ml_monitoring', policy=POLICY, timeout='30s')\ndef detect_drift(current, reference):\n"
        "    return {'drift_detected': False}\n" + TELL + SAMPLES + f"for _ in range({loops}):\n"
        "    detect_drift.poet.adopt('def detect_drift(current, reference):\\n    while True:\\n        pass\\n')\n"
        "tell(detect_drift.poet.call(CURRENT, REFERENCE))\n"
    )
    told, version = run(program), f"v{loops + 1}"
    value = told["value"]
    assert isinstance(value, dict)
    assert (value["drift_detected"], told["served_by"], told["version"]) == (drifted, served_by, version)
    assert str(told["why"]).startswith("limit/cpu")
    assert str(told["stderr"]).count(f"{version} failed: limit/cpu") == 1
    [event] = rows(tmp_path / "app" / ".poet" / "events" / "journal.db")
    assert event["id"] == told["event"]


_NEWNS, _BIND, _REMOUNT, _RDONLY, _PRIVATE = 0x20000, 4096, 32, 1, 1 << 18 | 1 << 14


def _read_only(folder: Path) -> None:
    """Make a folder read-only for this process, by a mount of its own where permissions would not stop it."""
    if os.geteuid():
        folder.chmod(0o555)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    path = str(folder).encode()
    done = (
        libc.unshare(_NEWNS)
        or libc.mount(None, b"/", None, _PRIVATE, None)
        or libc.mount(path, path, None, _BIND, None)
        or libc.mount(None, path, None, _BIND | _REMOUNT | _RDONLY, None)
    )
    if done:
        raise OSError(ctypes.get_errno(), "the folder cannot be made read-only")


def test_a_read_only_module_folder_keeps_its_versions_in_the_state_folder(tmp_path: Path) -> None:
    """Versions and events go to POET_HOME, for this module alone; the second program finds them there."""
    program = DRIFT + TELL + SAMPLES + "tell(detect_drift.poet.call(CURRENT, REFERENCE))\n"
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "monitoring.py").write_text(HEAD + program)
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-B", "-c", _READ_ONLY, tmp_path / "app"],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "POET_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert (done.returncode, besides(done.stderr)) == (0, "")
        assert json.loads(done.stdout)["version"] == "v1"
    (tmp_path / "app").chmod(0o755)
    assert {entry.name for entry in (tmp_path / "app").iterdir()} == {"monitoring.py"}
    [version] = (tmp_path / "home").glob("monitoring-*/.poet/detect_drift/v*")
    [journal] = (tmp_path / "home").glob("monitoring-*/.poet/events/journal.db")
    assert version.name == "v1"
    assert len(rows(journal)) == 2


def _source(function: Callable[[Path], None]) -> str:
    import inspect  # noqa: PLC0415 - only to hand the function to another process

    return inspect.getsource(function)


_READ_ONLY = (
    "import ctypes, os, runpy, sys\nfrom pathlib import Path\n"
    f"_NEWNS, _BIND, _REMOUNT, _RDONLY, _PRIVATE = {_NEWNS}, {_BIND}, {_REMOUNT}, {_RDONLY}, {_PRIVATE}\n"
    f"{_source(_read_only)}\n"
    "_read_only(Path(sys.argv[1]))\nsys.path.insert(0, sys.argv[1])\nimport monitoring\n"
)


def test_two_programs_that_write_the_same_version_at_once_agree(tmp_path: Path) -> None:
    """One version is left, both serve it, and the audit trail is whole."""
    program = HEAD + DRIFT + TELL + SAMPLES
    program += "print('ready', flush=True)\nsys.stdin.readline()\ntell(detect_drift.poet.call(CURRENT, REFERENCE))\n"
    (tmp_path / "monitoring.py").write_text(program)
    programs = [
        subprocess.Popen(
            [sys.executable, "monitoring.py"],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "POET_HOME": str(tmp_path / "home")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in programs:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in programs:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=100) for process in programs]
    assert [(json.loads(out)["version"], besides(error)) for out, error in told] == [("v1", "")] * 2
    function = tmp_path / ".poet" / "detect_drift"
    assert [path.name for path in function.glob("v*")] == ["v1"]
    check = "import pathlib, sys\nfrom poet_engine.versions import VersionStore\n"
    check += "store = VersionStore(pathlib.Path(sys.argv[1]), clock=lambda: 1000.0)\n"
    check += "print(store.function('detect_drift').verify_audit().intact)"
    done = subprocess.run(
        [sys.executable, "-c", check, tmp_path / ".poet"], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "True\n"
    assert len(rows(tmp_path / ".poet" / "events" / "journal.db")) == 2


FORKS: Mapping[str, str] = {
    "os.fork": (
        "import os\n\nchild = os.fork()\nif not child:\n    work()\n    sys.exit(0)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
    ),
    "multiprocessing": (
        "import multiprocessing\n\nchild = multiprocessing.get_context('fork').Process(target=work)\n"
        "child.start()\nchild.join()\nassert child.exitcode == 0\n"
    ),
    "multiprocessing, spawned": (
        "import multiprocessing\n\nchild = multiprocessing.get_context('spawn').Process(target=work)\n"
        "child.start()\nchild.join()\nassert child.exitcode == 0\n"
    ),
}


@pytest.mark.parametrize("kind", FORKS)
def test_a_child_process_opens_a_sandbox_of_its_own(run: Run, tmp_path: Path, kind: str) -> None:
    """The version serves in the child and, before and after it, in the parent; every call leaves its event."""
    start = "".join(f"    {line}\n" if line else "\n" for line in FORKS[kind].splitlines())
    program = (
        DRIFT + TELL + SAMPLES + "def work():\n    execution = detect_drift.poet.call(CURRENT, REFERENCE)\n"
        "    assert execution.served_by == 'generated', execution\n\n\nif __name__ == '__main__':\n    work()\n"
        + start
        + "    tell(detect_drift.poet.call(CURRENT, REFERENCE))\n"
    )
    told = run(program)
    assert (told["served_by"], told["version"]) == ("generated", "v1")
    assert "Traceback" not in str(told["stderr"])
    events = rows(tmp_path / "app" / ".poet" / "events" / "journal.db")
    assert len({event["id"] for event in events}) == 3


def test_a_call_at_the_very_end_of_the_program_is_answered(run: Run) -> None:
    """Exit functions that run after ours have closed everything get the original's answer."""
    program = (
        "import atexit\n\n\n" + DRIFT + TELL + SAMPLES + "def last():\n"
        "    tell(detect_drift.poet.call(CURRENT, REFERENCE))\n\n\natexit.register(last)\n"
        "detect_drift(CURRENT, REFERENCE)\n"
    )
    told = run(program)
    assert (told["served_by"], told["event"]) == ("original", "")
    assert "the program is ending" in str(told["why"])
    assert "Traceback" not in str(told["stderr"])
