"""Output that was replaced loses nothing of what came before, nor of what the replacement keeps."""

from collections.abc import Callable

import pytest

from poet_engine import Outcome

SameAsCPython = Callable[[str, str, str], Outcome]

_TEE = """
import sys
class Tee:
    def __init__(self, *streams):
        self.streams = streams
    def write(self, text):
        for stream in self.streams:
            stream.write(text)
    def flush(self):
        {flush}
"""
SCRIPTS = {
    "by a StringIO": "import io, sys\nprint('before')\nsys.stdout = io.StringIO()\nprint('swallowed')",
    "by a tee that never flushes": _TEE.format(flush="pass")
    + "sys.stdout = Tee(sys.stdout, open('log.txt', 'w'))\nprint('both')",
    "by a tee that flushes": _TEE.format(flush="[stream.flush() for stream in self.streams]")
    + "sys.stdout = Tee(sys.stdout, open('log.txt', 'w'))\nprint('both')",
    "by a tee, with an exit": _TEE.format(flush="pass")
    + "sys.stdout = Tee(sys.stdout, open('log.txt', 'w'))\nprint('both')\nsys.exit(2)",
    "by a tee of standard error": _TEE.format(flush="pass")
    + "sys.stderr = Tee(sys.stderr, open('log.txt', 'w'))\nprint('both', file=sys.stderr)\nprint('out')",
    "by a file": "import sys\nprint('before')\nsys.stdout = open('out.txt', 'w')\nprint('into the file')",
    "by a file, and back": """
import sys
print('one')
sys.stdout = open('out.txt', 'w')
print('two')
sys.stdout = sys.__stdout__
print('three')
""",
    "by an object in a cycle": _TEE.format(flush="pass")
    + "tee = Tee(sys.stdout, open('log.txt', 'w'))\ntee.me = tee\nsys.stdout = tee\nprint('both')",
    "by one that counts flushes": """
import sys
class Out:
    flushes = 0
    def write(self, text):
        sys.__stdout__.write(text)
    def flush(self):
        Out.flushes += 1
sys.stdout = Out()
import atexit
atexit.register(lambda: print('flushes by then:', Out.flushes))
print('x')
""",
    "by finalizers that print late": """
import sys
class Loud:
    def __del__(self):
        print('finalized')
loud = Loud()
print('before')
sys.stdout = open('late.txt', 'w')
""",
    "in a thread": """
import contextlib, io, threading
def work():
    with contextlib.redirect_stdout(io.StringIO()):
        print('captured')
    print('seen')
print('before')
thread = threading.Thread(target=work)
thread.start()
thread.join()
""",
}


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_output_that_is_replaced_is_written_as_in_cpython(same_as_cpython: SameAsCPython, source: str) -> None:
    """Standard output, exit status and files are those of plain CPython."""
    same_as_cpython(source, "", "restricted")
