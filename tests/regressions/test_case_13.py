"""A script is a file, and its module is what `python script.py` makes of it."""

from collections.abc import Callable

import pytest

from poet_engine import Engine, Outcome
from poet_engine.errors import UsageError

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]
SameWords = Callable[[str], Outcome]

SCRIPTS = {
    "it can be read": "print(open(__file__).read())",
    "inspect": "import inspect\ndef half(x):\n    # halves\n    return x / 2\nprint(inspect.getsource(half))",
    "inspect of its module": "import inspect, sys\nprint(inspect.getsource(sys.modules['__main__']))",
    "linecache": "import linecache\nprint(linecache.getline(__file__, 1))",
    "print_exc": """
import traceback
def half(x):
    return x / 0  # the culprit
try:
    half(1)
except ZeroDivisionError:
    traceback.print_exc()
""",
    "its names": """
print(list(globals()), __name__, __file__, __spec__, __cached__, __package__, __builtins__)
""",
    "its loader": "print(type(__loader__), __loader__.path, __loader__.get_source('__main__'))",
    "its arguments and folder": """
import os, sys
print(sys.argv, sys.orig_argv[1:], os.listdir(), sys.path[0] == os.getcwd())
""",
    "beside itself": """
import os
os.chdir(os.path.dirname(__file__))
print(os.listdir(os.path.dirname(__file__)))
""",
    "imported by itself": """
import sys
print(__name__)
if __name__ == '__main__':
    import script
    print(script.__file__)
""",
    "after its last line": """
import atexit
atexit.register(lambda: print('__file__' in globals(), '__cached__' in globals()))
""",
    "annotations": "x: int = 1\nprint(__annotations__)",
    "a name of an encoding": """
# -*- coding: latin-1 -*-
import inspect
def f():
    return 'grün'
print(inspect.getsource(f).isascii())
""",
    "warnings": """
import warnings
def f():
    warnings.warn('careful', DeprecationWarning, stacklevel=2)
f()  # here
""",
    "logging": "import logging\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('failed')",
    "a thread": """
import threading
def work():
    raise ValueError('of the thread')
thread = threading.Thread(target=work, name='worker')
thread.start()
thread.join()
print('after it')
""",
    "a hook for threads": """
import threading
threading.excepthook = lambda failed: print('handled', failed.exc_type.__name__, failed.thread.name)
thread = threading.Thread(target=lambda: 1 / 0, name='worker')
thread.start()
thread.join()
""",
    "a finalizer": """
class Odd:
    def __del__(self):
        raise ValueError('in it')
    __del__.__qualname__ = 'it'
import sys
sys.unraisablehook = lambda seen: print(seen.exc_value)
Odd()
""",
    "a coroutine that nobody awaits": "async def work():\n    pass\nwork()\nprint('on')",
    "asyncio's debug mode": """
import asyncio
async def main():
    asyncio.get_running_loop().slow_callback_duration = 9
    print(asyncio.get_running_loop().get_debug())
asyncio.run(main(), debug=True)
""",
    "faulthandler": """
import faulthandler
print(faulthandler.is_enabled())
faulthandler.enable()
print(faulthandler.is_enabled())
""",
}


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_is_a_file(same_words_as_cpython: SameWords, source: str) -> None:
    """Both outputs and the exit status are those of plain CPython."""
    same_words_as_cpython(source)


def test_its_own_file_is_not_brought_out(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """Its caller has it. Named, or changed, it is among the files."""
    engine = open_engine(any_code_policy("restricted", ""))
    source = "open('a.txt', 'w').write('a')"
    assert engine.run_script(source, files_out=["**"]).files == {"a.txt": b"a"}
    assert engine.run_script(source, files_out=["script.py"]).files == {"script.py": source.encode()}
    changed = engine.run_script("open(__file__, 'w').write('else')", files_out=["*"])
    assert changed.files == {"script.py": b"else"}


def test_another_file_cannot_have_its_name(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """The name means the script; the same content under it is the script's own file."""
    engine = open_engine(any_code_policy("restricted", ""))
    with pytest.raises(UsageError, match=r"script\.py"):
        engine.run_script("print(1)", files_in={"script.py": b"print(2)"})
    assert engine.run_script("print(1)", files_in={"script.py": b"print(1)"}).stdout == "1\n"


def test_without_room_for_its_file_it_runs_all_the_same(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy
) -> None:
    """What its caller gives it comes first; its traceback has its lines then too."""
    engine = open_engine(any_code_policy("restricted", 'disk = "64KiB"'))
    outcome = engine.run_script("import os\nprint(os.listdir())\n1 / 0", files_in={"a": bytes(64 << 10)})
    assert (outcome.stdout, outcome.cause) == ("['a']\n", "exception")
    assert outcome.error is not None
    assert "    1 / 0\n" in outcome.error.traceback


def test_a_function_has_its_lines(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """It is in no file, and what shows source lines finds them."""
    source = """
import inspect, traceback, warnings
def half(x):
    return x / 0  # the culprit
def f():
    warnings.warn('careful')  # a warning
    try:
        half(1)
    except ZeroDivisionError:
        return traceback.format_exc(), inspect.getsource(half)
"""
    outcome = open_engine(any_code_policy("restricted", "")).run(source, "f")
    assert isinstance(outcome.value, list | tuple)
    shown, text = outcome.value
    assert "    return x / 0  # the culprit\n" in shown
    assert text == "def half(x):\n    return x / 0  # the culprit\n"
    assert "  warnings.warn('careful')  # a warning\n" in outcome.stderr


def test_how_the_process_was_started_is_not_shown(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """The arguments of the sandbox's own interpreter name folders of the host."""
    source = "import sys\ndef f():\n    return [*sys.argv, *sys.orig_argv[1:]]"
    assert open_engine(any_code_policy("restricted", "")).run(source, "f").value == ["-c"]
