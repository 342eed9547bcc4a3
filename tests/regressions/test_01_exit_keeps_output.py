"""Whichever way a program leaves, what it printed is there, and its exit status is CPython's."""

from collections.abc import Callable

import pytest

from poet_engine import Engine, Outcome

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]
SameAsCPython = Callable[[str, str, str], Outcome]

SCRIPTS = {
    "exit with a number": "import sys\nprint('3 of 7 checks failed')\nsys.exit(1)",
    "exit with none": "import sys\nprint('done')\nsys.exit()",
    "exit with zero": "import sys\nprint('done')\nsys.exit(0)",
    "exit with a text": "import sys\nprint('before')\nsys.exit('it went wrong')",
    "exit with a tuple": "import sys\nprint('before')\nsys.exit((1, 2))",
    "exit with True": "import sys\nprint('before')\nsys.exit(True)",
    "exit with more than a byte": "import sys\nprint('before')\nsys.exit(259)",
    "exit with a negative number": "import sys\nprint('before')\nsys.exit(-1)",
    "exit with a huge number": "import sys\nprint('before')\nsys.exit(1 << 80)",
    "exit with a number as large as a long": "import sys\nprint('before')\nsys.exit((1 << 40) + 5)",
    "raise SystemExit": "print('before', end='')\nraise SystemExit(4)",
    "exit out of functions and blocks": """
import sys
def inner():
    try:
        with open('kept.txt', 'w') as file:
            file.write('kept')
            sys.exit(5)
    finally:
        print('finally')
print('start')
inner()
""",
    "an error of argparse": """
import argparse
print('parsing')
parser = argparse.ArgumentParser()
parser.add_argument('--number', type=int, required=True)
parser.parse_args(['--number', 'x'])
""",
    "the help of argparse": """
import argparse
argparse.ArgumentParser(prog='it', description='Does it.').parse_args(['--help'])
""",
    "unittest.main that fails": """
import unittest
class Test(unittest.TestCase):
    def test_it(self):
        print('testing')
        self.assertEqual(1, 2)
unittest.main()
""",
    "unittest.main that passes": """
import unittest
class Test(unittest.TestCase):
    def test_it(self):
        print('testing')
unittest.main()
""",
    "an uncaught exception": "print('before')\nraise ValueError('why')",
    "an uncaught exception in a function": "def f():\n    print('in f', end='')\n    return 1 / 0\nf()",
    "exit functions and an exception": """
import atexit
atexit.register(print, 'first registered')
@atexit.register
def last():
    print('last registered')
    raise ValueError('nobody sees it but standard error')
print('body')
raise KeyError('x')
""",
    "exit in an exit function": """
import atexit, sys
atexit.register(print, 'after')
atexit.register(sys.exit, 9)
print('body')
""",
    "exit in a thread": """
import sys, threading
def work():
    print('in the thread')
    sys.exit(7)
thread = threading.Thread(target=work)
thread.start()
thread.join()
print('in the main thread')
""",
    "os._exit loses what CPython loses": "import os\nprint('kept', flush=True)\nprint('lost')\nos._exit(3)",
    "os._exit in an exit function": "import atexit, os\natexit.register(os._exit, 6)\nprint('lost')",
    "os._exit after writing to the descriptor": "import os\nprint('lost')\nos.write(1, b'kept\\n')\nos._exit(0)",
    "exit while text without a line end waits": "import sys\nsys.stdout.write('no end of line')\nsys.exit(2)",
    "exit with much output": "import sys\nfor i in range(20000):\n    print(i)\nsys.exit(1)",
}
FUNCTIONS = {
    "sys.exit": ("import sys\ndef f():\n    print('kept')\n    sys.exit(3)", "kept\n", 3),
    "SystemExit": ("def f():\n    print('kept', end='')\n    raise SystemExit(4)", "kept", 4),
    "a text": ("import sys\ndef f():\n    print('kept')\n    sys.exit('why')", "kept\n", 1),
    "replaced output": (
        "import io, sys\ndef f():\n    print('kept')\n    sys.stdout = io.StringIO()\n    sys.exit(5)",
        "kept\n",
        5,
    ),
    "exit functions": ("import atexit, sys\natexit.register(print, 'late')\ndef f():\n    sys.exit(2)", "late\n", 2),
    "an exception": ("def f():\n    print('kept', end='')\n    raise ValueError('why')", "kept", 0),
}


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_leaves_as_in_cpython(same_as_cpython: SameAsCPython, source: str) -> None:
    """Standard output, exit status and files are those of plain CPython."""
    same_as_cpython(source, "", "restricted")


@pytest.mark.parametrize(("source", "stdout", "code"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_that_leaves_keeps_its_output(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy, source: str, stdout: str, code: int
) -> None:
    """Leaving is the end of a function's program too: its output is there, and its exit status."""
    outcome = open_engine(any_code_policy("restricted", "")).run(source, "f")
    assert (outcome.stdout, outcome.exit_code) == (stdout, code)
    assert not outcome.ok


def test_the_last_words_are_whole(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """A long text that a script exits with is not cut."""
    outcome = open_engine(any_code_policy("restricted", "")).run_script("import sys\nsys.exit('x' * 100_000)")
    assert (outcome.exit_code, outcome.stderr) == (1, "x" * 100_000 + "\n")


def test_leaving_in_the_end_is_no_success(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """A program that calls `os._exit(0)` while it ends has not come to its end, and what was flushed is there."""
    source = "import atexit, os\nprint('kept', flush=True)\natexit.register(os._exit, 0)"
    outcome = open_engine(any_code_policy("restricted", "")).run_script(source)
    assert (outcome.stdout, outcome.status, outcome.cause) == ("kept\n", "no_result", "early_exit")
