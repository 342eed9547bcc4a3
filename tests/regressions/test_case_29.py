"""An exception that a script does not catch ends it as CPython does."""

from collections.abc import Callable

import pytest

from poet_engine import Engine, Outcome

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]
SameWords = Callable[[str], Outcome]

SCRIPTS = {
    "an error": "def half(x):\n    return x / 0  # the culprit\n\nprint('before')\nhalf(1)",
    "a chain": "try:\n    {}['x']\nexcept KeyError as error:\n    raise ValueError('why') from error",
    "a group": "raise ExceptionGroup('several', [ValueError(1), ExceptionGroup('more', [KeyError('x')])])",
    "notes": "error = ValueError('why')\nerror.add_note('and how')\nraise error",
    "an error of syntax": "print('never')\ndef f(:\n    pass",
    "an error of indentation": "def f():\npass",
    "deep recursion": """
def f(n):
    return f(n + 1)
try:
    f(0)
except RecursionError as error:
    raise ValueError('caught') from None
""",
    "a text that cannot be had": """
class Odd(Exception):
    def __str__(self):
        raise ValueError('no')
raise Odd
""",
    "a class of its own": "class Fault(Exception):\n    pass\nraise Fault('a', 1)",
    "attributes that cannot be set": """
class Fixed(Exception):
    def __setattr__(self, name, value):
        raise AttributeError(name)
raise Fixed('x')
""",
    "a hook": """
import sys
sys.excepthook = lambda kind, value, trace: print('handled:', kind.__name__, trace.tb_lineno)
1 / 0
""",
    "a hook that looks at the lines": """
import sys, traceback
sys.excepthook = lambda *seen: print(''.join(traceback.format_exception(*seen)))
1 / 0
""",
    "a hook that fails": """
import sys
def hook(*seen):
    raise KeyError('of the hook')
sys.excepthook = hook
1 / 0
""",
    "a hook that exits": "import sys\nsys.excepthook = lambda *seen: sys.exit(5)\n1 / 0",
    "a hook that exits well": "import sys\nsys.excepthook = lambda *seen: sys.exit(0)\n1 / 0",
    "a hook that exits with a text": "import sys\nsys.excepthook = lambda *seen: sys.exit('why')\n1 / 0",
    "no hook": "import sys\ndel sys.excepthook\n1 / 0",
    "what it leaves in sys": """
import atexit, sys
atexit.register(lambda: print(sys.last_type, sys.last_value, sys.last_traceback.tb_lineno))
1 / 0
""",
    "exit functions": "import atexit\natexit.register(print, 'at the end')\n1 / 0",
    "threads that go on": """
import threading, time
threading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()
1 / 0
""",
    "standard error that is replaced": "import io, sys\nsys.stderr = io.StringIO()\n1 / 0",
    "no standard error": "import sys\nsys.stderr = None\n1 / 0",
    "an interruption": "print('before')\nraise KeyboardInterrupt",
    "a class of interruption": "class Stop(KeyboardInterrupt):\n    pass\nraise Stop",
    "an interruption and exit functions": """
import atexit
atexit.register(print, 'at the end')
raise KeyboardInterrupt('why')
""",
    "a generator's exit": "raise GeneratorExit",
    "SystemExit with a text": "raise SystemExit('text')",
    "SystemExit with a number": "raise SystemExit(3)",
    "asyncio": "import asyncio\nasync def main():\n    raise SystemExit(4)\nasyncio.run(main())",
    "another source": "exec(compile('1 / 0', '<made>', 'exec'))",
    "a folder that it has left": "import os, tempfile\nos.chdir('/')\n1 / 0",
}


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_it_ends_as_in_cpython(same_words_as_cpython: SameWords, source: str) -> None:
    """Standard output, standard error and the exit status are those of plain CPython."""
    same_words_as_cpython(source)


def test_the_verdict_tells_of_the_exception(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """It stays `error/exception`, with the script's name in the traceback as its caller knows it."""
    outcome = open_engine(any_code_policy("restricted", "")).run_script("def f():\n    raise ValueError('why')\nf()")
    assert (outcome.status, outcome.cause, outcome.exit_code) == ("error", "exception", 1)
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == ("ValueError", "why")
    assert 'File "script.py", line 3, in <module>\n    f()\n' in outcome.error.traceback
    assert outcome.stderr.count("ValueError: why") == 1


def test_an_interruption_ends_by_its_signal(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """As in CPython, so that whoever started it learns of it; the verdict is that of the exception."""
    outcome = open_engine(any_code_policy("restricted", "")).run_script("raise KeyboardInterrupt")
    assert (outcome.status, outcome.cause) == ("error", "exception")
    assert (outcome.exit_code, outcome.signal) == (None, "SIGINT")


def test_a_status_that_a_hook_has_chosen_keeps_the_exception(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy
) -> None:
    """The exit code has the word, and the exception stands beside it."""
    source = "import sys\nsys.excepthook = lambda *seen: sys.exit(5)\n1 / 0"
    outcome = open_engine(any_code_policy("restricted", "")).run_script(source)
    assert (outcome.status, outcome.cause, outcome.exit_code) == ("error", "nonzero_exit", 5)
    assert outcome.error is not None
    assert outcome.error.type == "ZeroDivisionError"
