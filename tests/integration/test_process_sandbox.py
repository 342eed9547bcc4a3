"""The process sandbox on a real machine: libraries, lanes, interpreters in unusual places."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from poet_engine import _distributions
from poet_engine.errors import PolicyError, SandboxUnavailableError
from poet_engine.job import Job
from poet_engine.outcome import Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.sandbox
ROOT = Path(__file__).resolve().parents[2]


def _run(sandbox: ProcessSandbox, source: str, *args: object) -> Outcome:
    return sandbox.run(Job(source=source, entry="entry", args=args))


@pytest.fixture(scope="module")
def restricted() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(Policy.load("restricted")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def data() -> Iterator[ProcessSandbox]:
    for name in ("numpy", "scipy", "pandas"):
        pytest.importorskip(name, reason="the extra `data` is not installed")
    with ProcessSandbox(Policy.load("data")) as sandbox:
        yield sandbox


def test_the_data_policy_computes_with_the_libraries_it_names(data: ProcessSandbox) -> None:
    source = (
        "import numpy as np, pandas as pd\nfrom scipy import stats\n"
        "def entry(a, b):\n"
        "    square = np.ones((300, 300)) @ np.ones((300, 300))\n"
        "    return float(stats.ks_2samp(a, b).statistic), float(pd.Series(a).mean()), float(square.sum())\n"
    )

    assert _run(data, source, [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]).unwrap() == (1.0, 2.0, 300.0**3)


def test_all_walls_of_the_data_policy_hold(data: ProcessSandbox) -> None:
    assert [report for report in data.walls() if not report.held] == []


def test_numpy_draws_other_numbers_in_each_call(data: ProcessSandbox) -> None:
    source = (
        "import numpy as np\n"
        "def entry():\n    return float(np.random.rand()), float(np.random.default_rng().random())\n"
    )

    drawn = [_run(data, source).unwrap() for _ in range(5)]

    assert len({pair[0] for pair in drawn if isinstance(pair, tuple)}) == 5
    assert len({pair[1] for pair in drawn if isinstance(pair, tuple)}) == 5


def test_only_the_named_distributions_and_what_they_need_are_there(data: ProcessSandbox) -> None:
    source = (
        "import importlib.util\n"
        "def entry(names):\n    return [name for name in names if importlib.util.find_spec(name) is not None]\n"
    )

    assert _run(data, source, ["numpy", "pandas", "pydantic", "pytest", "docker", "poet_engine"]).unwrap() == [
        "numpy",
        "pandas",
    ]


def test_the_standard_library_can_be_imported_late(restricted: ProcessSandbox) -> None:
    source = "def entry():\n    import csv, ctypes, decimal, hashlib, xml.dom.minidom\n    return decimal.__name__\n"

    assert _run(restricted, source).unwrap() == "decimal"


def test_more_callers_than_lanes_wait_their_turn() -> None:
    with ProcessSandbox(Policy.load("restricted"), size=PoolSize(least=1, most=2)) as sandbox:
        source = "import time\ndef entry(n):\n    time.sleep(0.02)\n    return n\n"
        with ThreadPoolExecutor(12) as threads:
            values = list(threads.map(lambda n: _run(sandbox, source, n).value, range(36)))

        assert values == list(range(36))
        assert sandbox.statistics().lanes_made <= 2


def test_a_caller_for_whom_no_lane_becomes_free_in_time_is_told_so() -> None:
    with ProcessSandbox(Policy.load("restricted"), size=PoolSize(least=1, most=1)) as sandbox:
        nap = "import time\ndef entry(seconds):\n    time.sleep(seconds)\n"
        assert _run(sandbox, nap, 0).ok
        with ThreadPoolExecutor(1) as thread:
            long = thread.submit(_run, sandbox, nap, 1.5)
            while not sandbox.statistics().busy:
                assert not long.done()
            late = sandbox.run(Job(source=nap, entry="entry", args=(0,), wall=0.1))
            assert long.result().ok

    assert (late.status, late.cause) == (Status.INFRA, "queue_timeout")


def test_a_caller_for_whom_there_is_no_place_in_the_queue_is_told_at_once() -> None:
    with ProcessSandbox(Policy.load("restricted"), size=PoolSize(least=1, most=1, queue=1)) as sandbox:
        nap = "import time\ndef entry(seconds):\n    time.sleep(seconds)\n"
        assert _run(sandbox, nap, 0).ok
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(_run, sandbox, nap, 0.7)
            while not sandbox.statistics().busy:
                assert not first.done()
            both = [first, threads.submit(_run, sandbox, nap, 0)]
            while not sandbox.statistics().waiting:
                assert not any(call.done() for call in both)
            third = _run(sandbox, nap, 0)
            assert (third.status, third.cause) == (Status.INFRA, "queue_full")
            assert all(call.result().ok for call in both)
        assert sandbox.statistics().turned_away == 1


def test_lanes_grow_with_those_who_wait_and_shrink_when_nobody_does() -> None:
    """An idle sandbox keeps its least, and no cgroup or process of the others."""
    with ProcessSandbox(Policy.load("restricted"), size=PoolSize(least=1, most=6, linger=0.2)) as sandbox:
        nap = "import time\ndef entry(seconds):\n    time.sleep(seconds)\n"
        with ThreadPoolExecutor(6) as threads:
            assert all(call.result().ok for call in [threads.submit(_run, sandbox, nap, 0.5) for _ in range(6)])
        assert sandbox.statistics().lanes_made > 1
        until = time.monotonic() + 20
        while sandbox.statistics().lanes > 1:
            assert time.monotonic() < until
        assert _run(sandbox, nap, 0).ok
        assert sandbox.statistics().lanes_made - sandbox.statistics().lanes_destroyed == 1


def test_a_long_source_that_is_called_again_and_again_costs_no_lane() -> None:
    """Compiling it ahead leaves more in a payload's memory than an earlier call may leave in its lane."""
    lines = "".join(f"def f{n}(a, b):\n    return [a + b * {n} for a in range(b)], {{'n': a}}\n" for n in range(800))
    source = f"{lines}def entry():\n    return len(globals())\n"
    with ProcessSandbox(Policy.load("restricted"), size=PoolSize(least=2, most=2)) as sandbox:
        values = {_run(sandbox, source).value for _ in range(12)}
        other = _run(sandbox, "def entry():\n    return len(globals())\n").value
        assert sandbox.statistics().lanes_destroyed == 0

    assert len(values) == 1
    assert isinstance(other, int)
    assert values == {other + 800}, "nothing of it has run before its call"


def test_threads_of_one_call_do_not_burn_more_than_its_cores(restricted: ProcessSandbox) -> None:
    source = (
        "import hashlib, threading, time\n"
        "def entry():\n"
        "    end = time.monotonic() + 1.0\n"
        "    def burn():\n"
        "        while time.monotonic() < end: hashlib.sha256(bytes(1 << 20)).digest()\n"
        "    threads = [threading.Thread(target=burn) for _ in range(4)]\n"
        "    for thread in threads: thread.start()\n"
        "    for thread in threads: thread.join()\n"
    )

    outcome = _run(restricted, source)

    if outcome.usage.memory_peak_bytes is None:
        pytest.skip("without a cgroup there is no quota; the CPU budget bounds the sum all the same")
    assert outcome.ok
    assert outcome.usage.cpu_ms < 1.25 * outcome.usage.wall_ms + 100


def test_a_package_below_tmp_can_be_imported_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call has a /tmp of its own; where an environment lies below the host's, code can get to it."""
    with tempfile.TemporaryDirectory(prefix="poet-test-", dir="/tmp") as folder:
        package = Path(folder) / "lies_below_tmp"
        package.mkdir()
        (package / "__init__.py").write_text("", encoding="ascii")
        (package / "late.py").write_text("value = 7\n", encoding="ascii")
        for path in (package.parent, package, *package.iterdir()):
            path.chmod(0o755)
        folders = (folder, *_distributions.search_path())
        monkeypatch.setattr(_distributions, "search_path", lambda: folders)
        policy = Policy.parse('extends = "restricted"\n[static.imports]\nlies_below_tmp = ["late.value"]\n')
        with ProcessSandbox(policy) as sandbox:
            source = "def entry():\n    from lies_below_tmp import late\n    return late.value\n"
            assert _run(sandbox, source).unwrap() == 7


def test_a_module_that_cannot_be_preloaded_is_named() -> None:
    policy = Policy.parse(
        'version = 1\nname = "odd"\nextends = "restricted"\n[static.imports]\nno_such_module = ["*"]\n'
        '[isolation]\npreload = ["no_such_module"]\n'
    )

    with pytest.raises(PolicyError, match="no_such_module") as caught:
        ProcessSandbox(policy)
    assert (caught.value.file, caught.value.line, caught.value.key) == ("<string>", 7, "isolation.preload")


def test_a_policy_with_a_network_is_refused_rather_than_run_without() -> None:
    policy = Policy.parse('[network]\nallow = ["example.org:443"]\n')

    with pytest.raises(SandboxUnavailableError, match="no network"):
        ProcessSandbox(policy)


_ASK_WALLS = """
import sys
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox
with ProcessSandbox(Policy.load("restricted")) as sandbox:
    outcome = sandbox.run(Job(source="import csv, hashlib\\ndef entry():\\n    return 7\\n", entry="entry"))
    print(outcome.describe(), outcome.value, [wall.wall for wall in sandbox.walls(thorough=False) if not wall.held])
"""


def _is_behind_closed_doors(path: Path) -> bool:
    """Whether some folder on the way keeps other users out."""
    return any(not folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


@pytest.fixture
def private_python(tmp_path: Path) -> Path:
    """An interpreter that only its owner can reach: this one, if it is such a one already; else a copy."""
    if _is_behind_closed_doors(Path(sys.executable)):
        return Path(sys.executable)
    home = tmp_path / "private"
    home.mkdir(mode=0o700)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (home / "bin").mkdir()
    shutil.copy(Path(sys.executable).resolve(), home / "bin" / version)
    drop: Callable[[str, list[str]], set[str]] = shutil.ignore_patterns(
        *("__pycache__", "test", "idlelib", "ensurepip", "site-packages", "dist-packages", "config-*")
    )
    library = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(library, home / "lib" / version, ignore=drop, symlinks=False)
    for shared in library.parent.glob("libpython*.so*"):
        shutil.copy(shared, home / "lib")
    return home / "bin" / version


def test_an_interpreter_under_a_folder_that_keeps_others_out(private_python: Path, tmp_path: Path) -> None:
    """The lane's uid could never reach it; the binds are made while we still may, and lead past the closed door."""
    assert _is_behind_closed_doors(private_python)
    paths = [str(ROOT / "engine"), *(path for path in sys.path if "site-packages" in path)]

    done = subprocess.run(
        [private_python, "-c", _ASK_WALLS],
        cwd=tmp_path,
        env={
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHOME": _home_of(private_python),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "ok 7 []\n"), done.stderr


def _home_of(python: Path) -> str:
    """The prefix of a copied interpreter; this one finds its own."""
    return sys.base_prefix if python == Path(sys.executable) else str(python.parent.parent)
