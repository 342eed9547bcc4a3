"""Whole programs do in every sandbox what they do in plain CPython: output, errors, exit code and files.

A program in `programs/FAMILY_NAME.py` is compared with a run outside, in the same interpreter; its first comment lines
may give it standard input, arguments, files and a policy (programs.py). One in `differences/` shows a line of
docs/differences-from-cpython.md, and must differ.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from tests.conformance import programs

from poet_engine.outcome import Status
from poet_engine.sandbox import cgroup
from poet_engine.sandbox.base import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conformance.conftest import Open

# Programs that do not do so yet → why. One that begins to pass fails here, and leaves the list.
PENDING: dict[str, str] = {}

_LISTEN = (
    *("multiprocessing_forkserver", "multiprocessing_manager", "multiprocessing_listener", "asyncio_unix_server"),
    "multiprocessing_shared_memory_manager",
)
_ASK_FOR_A_PACKAGE = ("packages",)
_ASK_FOR_A_NAME = ("process_getuser", "process_pwd_lookup")
_PROGRAMS = sorted(programs.PROGRAMS.glob("*.py"))
_DIFFERENCES = sorted(programs.DIFFERENCES.glob("*.py"))


@pytest.fixture(scope="session")
def under(open_real: "Open", pace: int) -> Iterator[Callable[[str], Sandbox]]:
    """`under(name)` is a sandbox under the policy of that name, opened once."""
    with ExitStack() as closing:
        # no sandbox is to hand it on; see the difference `environment`
        closing.enter_context(pytest.MonkeyPatch.context()).setenv("OF_THE_CALLER", "given")

        @functools.cache
        def opened(name: str) -> Sandbox:
            return closing.enter_context(open_real(programs.policy(name, pace)))

        yield opened


@pytest.fixture
def box(under: Callable[[str], Sandbox], path: "Path", sandbox_kind: str, request: pytest.FixtureRequest) -> Sandbox:
    """The sandbox that a program asks for. The program is expected to fail where it is pending."""
    if path.stem in PENDING:  # containers bring some of it with them
        strict = sandbox_kind == "process"
        request.applymarker(pytest.mark.xfail(raises=AssertionError, strict=strict, reason=PENDING[path.stem]))
    program = programs.read(path)
    if program.only and sandbox_kind not in program.only:
        pytest.skip(f"the table says so of {', '.join(program.only)} only")
    if path.stem in _LISTEN and sandbox_kind == "process" and cgroup.find() is None:
        pytest.skip("nothing counts memory here, so that nobody may listen")
    if program.policy == "data" and not programs.has_pandas():
        pytest.skip("the interpreter outside has no pandas")
    if path.stem in _ASK_FOR_A_PACKAGE and not programs.has_pandas():
        pytest.skip("the interpreter outside has no packages")
    if path.stem in _ASK_FOR_A_NAME and not programs.user_has_name():
        pytest.skip("the user outside has no name")
    return under(program.policy)


@pytest.mark.parametrize("path", _PROGRAMS, ids=lambda path: path.stem)
def test_a_program_does_what_it_does_in_cpython(box: Sandbox, path: "Path") -> None:
    outcome = box.run_script(programs.read(path).script)

    plain = programs.in_cpython(path)
    assert programs.of_outcome(outcome) == plain, outcome.describe()
    assert outcome.ok is (plain.exit_code == 0), outcome.describe()
    assert outcome.status is not Status.INFRA


@pytest.mark.parametrize("path", _DIFFERENCES, ids=lambda path: path.stem)
def test_a_published_difference_is_still_one(box: Sandbox, path: "Path") -> None:
    program = programs.read(path)
    outcome = box.run_script(program.script)

    assert outcome.status == program.status, outcome.describe()
    assert program.inside in (None, outcome.stdout)
    plain = programs.in_cpython(path)
    assert plain.exit_code == 0
    assert (plain.stdout != outcome.stdout) or not outcome.ok


def test_there_are_enough_programs_and_the_pending_ones_exist() -> None:
    names = {path.stem for path in (*_PROGRAMS, *_DIFFERENCES)}
    families = {path.stem.partition("_")[0] for path in _PROGRAMS}

    assert (len(_PROGRAMS) >= 150, len(families) >= 12) == (True, True)
    assert set(PENDING) <= names
