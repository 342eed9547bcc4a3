"""The standard streams and all descriptors have names, as on every Linux: `/dev/stdin`, `/dev/stdout`, `/dev/fd`."""

from collections.abc import Callable

import pytest

from poet_engine import Engine, Outcome

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]
SameAsCPython = Callable[[str, str, str], Outcome]

SCRIPTS = {
    "standard input": "print(len(open('/dev/stdin').read().split()))",
    "standard input by a library": "import fileinput\nprint([*fileinput.input(['/dev/stdin'])])",
    "standard input by pathlib": "from pathlib import Path\nprint(Path('/dev/stdin').read_text())",
    "standard input by its number": "print(open('/dev/fd/0', 'rb').read())",
    "standard output": """
print('first', flush=True)
with open('/dev/stdout', 'w') as out:
    out.write('second\\n')
print('third')
""",
    "standard output that is appended to": "with open('/dev/stdout', 'a') as out:\n    print('there', file=out)",
    "an option that names it": """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument('--out', type=argparse.FileType('w'), default='/dev/stdout')
parser.add_argument('--in', dest='source', type=argparse.FileType('r'), default='/dev/stdin')
asked = parser.parse_args([])
asked.out.write(asked.source.read())
""",
    "a pipe of its own": """
import os
reads, writes = os.pipe()
with open(f'/dev/fd/{writes}', 'w') as file:
    file.write('through it')
os.close(writes)
print(open(f'/dev/fd/{reads}').read())
""",
    "a file of its own": """
with open('a.txt', 'w+') as file:
    file.write('kept')
    file.flush()
    print(open(f'/dev/fd/{file.fileno()}').read())
""",
    "one that is closed": "import os\nprint(os.path.exists('/dev/fd/0'), os.path.exists('/dev/fd/77'))",
    "whether they are there": """
import os, stat
for name in ('stdin', 'stdout', 'stderr', 'fd', 'null', 'zero', 'urandom'):
    print(name, os.path.exists('/dev/' + name))
print({'0', '1', '2'} <= set(os.listdir('/dev/fd')), stat.S_ISFIFO(os.stat('/dev/stdout').st_mode))
""",
}


OUTPUT = ("/dev/stdout", "/dev/stderr")


@pytest.fixture
def opens(sandbox_kind: str) -> Callable[[str], None]:
    """`opens(source)` skips a source that this sandbox does not let open what it opens."""

    def look(source: str) -> None:
        if sandbox_kind == "docker-runsc" and "'w" in source and any(name in source for name in OUTPUT):
            pytest.skip("gVisor's pipes have no modes: docs/sandboxes.md, output by name")

    return look


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_opens_them(same_as_cpython: SameAsCPython, opens: Callable[[str], None], source: str) -> None:
    """Output, exit status and files are those of plain CPython."""
    opens(source.replace("'a'", "'w'"))
    same_as_cpython(source, "1 one\n2 two\n3 three\n", "restricted")


def test_standard_error_has_a_name(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy, opens: Callable[[str], None]
) -> None:
    """What is written to it is there."""
    source = "with open('/dev/stderr', 'w') as err:\n    err.write('careful\\n')"
    opens(source)
    assert open_engine(any_code_policy("restricted", "")).run_script(source).stderr == "careful\n"


def test_without_input_it_is_empty(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """As for the stream."""
    source = "print([open('/dev/stdin').read()])"
    assert open_engine(any_code_policy("restricted", "")).run_script(source).stdout == "['']\n"


def test_a_function_opens_them(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy, opens: Callable[[str], None]
) -> None:
    """Its output goes the same way."""
    source = """
def f():
    with open('/dev/stdout', 'w') as out:
        out.write('said')
    return open('/dev/stdin').read()
"""
    opens(source)
    outcome = open_engine(any_code_policy("restricted", "")).run(source, "f")
    assert (outcome.value, outcome.stdout) == ("", "said")
