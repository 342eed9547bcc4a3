"""A program may set limits of its own, as everywhere below the hard ones, which are the policy's."""

from collections.abc import Callable

import pytest

from poet_engine import Engine, Outcome

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]
SameAsCPython = Callable[[str, str, str], Outcome]

SCRIPTS = {
    "no core files": "import resource\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\nprint('fine')",
    "the limits that it has": """
import resource
for name in ('CPU', 'DATA', 'FSIZE', 'NOFILE', 'STACK'):
    what = getattr(resource, 'RLIMIT_' + name)
    resource.setrlimit(what, resource.getrlimit(what))
print('fine')
""",
    "fewer descriptors": """
import errno, resource
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (20, hard))
held = []
try:
    while True:
        held.append(open('/dev/null'))
except OSError as error:
    print(errno.errorcode[error.errno])
resource.setrlimit(resource.RLIMIT_NOFILE, (min(64, hard), hard))
held.append(open('/dev/null'))
print('and more again')
""",
    "smaller files": """
import errno, resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    with open('a', 'wb', 0) as file:
        for _ in range(3):
            print(file.write(bytes(60)))
except OSError as error:
    print(errno.errorcode[error.errno])
""",
    "less memory": """
import resource
resource.setrlimit(resource.RLIMIT_DATA, (48 << 20, 48 << 20))
try:
    bytearray(64 << 20)
except MemoryError:
    print('caught')
""",
    "the wrong way round": """
import resource
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (60, 50))
except ValueError as error:
    print(error)
""",
    "by prlimit": """
import resource
before = resource.prlimit(0, resource.RLIMIT_CORE)
print(resource.prlimit(0, resource.RLIMIT_CORE, (0, before[1])) == before, resource.getrlimit(resource.RLIMIT_CORE)[0])
""",
}


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_sets_its_limits(same_as_cpython: SameAsCPython, source: str) -> None:
    """Output, exit status and files are those of plain CPython."""
    same_as_cpython(source, "", "restricted")


def test_a_function_sets_them_for_itself_alone(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy, sandbox_kind: str
) -> None:
    """The next call has the policy's limits again."""
    source = """
import resource
def f():
    found = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9))
    return list(found)
"""
    engine = open_engine(any_code_policy("restricted", ""))
    assert {tuple(engine.run(source, "f").unwrap()) for _ in range(3)} == {(64, 64)}, sandbox_kind  # type: ignore[arg-type] # lists of numbers


def test_a_time_limit_of_its_own_is_no_budget_of_ours(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """A program that is ended by the limit that it has set was ended by a signal, not by the policy's `limits.cpu`."""
    source = "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True:\n    pass"
    outcome = open_engine(any_code_policy("restricted", "")).run_script(source)
    assert (outcome.status, outcome.signal) in (("crash", "SIGXCPU"), ("crash", "SIGKILL")), outcome
