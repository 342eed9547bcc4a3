"""The standard streams are CPython's, with descriptors that are pipes, and can be treated as such."""

from collections.abc import Callable

import pytest

from poet_engine import Engine, Outcome

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]
SameAsCPython = Callable[[str, str, str], Outcome]

SCRIPTS = {
    "reconfigure": "import sys\nsys.stdout.reconfigure(encoding='utf-8')\nprint('naïve ✓')",
    "reconfigure to another encoding": """
import sys
print('before', end='')
sys.stdout.reconfigure(encoding='utf-16-le', errors='replace')
print('later', end='')
sys.stdout.reconfigure(encoding='utf-8', newline='\\r\\n', line_buffering=True)
print('last ✓')
""",
    "wrapped anew": """
import io, sys
sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')
print('naïve ✓')
""",
    "detached and wrapped": """
import io, sys
print('before')
sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8', line_buffering=True)
print('naïve ✓')
""",
    "standard error wrapped": """
import io, sys
sys.stderr = io.TextIOWrapper(sys.stderr.buffer, encoding='utf-8', line_buffering=True)
print('✓', file=sys.stderr)
print('printed')
""",
    "standard input wrapped": """
import io, sys
sys.stdin = io.TextIOWrapper(sys.stdin.buffer, encoding='utf-8')
print(sum(int(line) for line in sys.stdin))
""",
    "standard input as bytes": "import sys\nprint(sys.stdin.buffer.readline(), sys.stdin.buffer.read())",
    "standard input by its descriptor": "import os\nprint(os.read(0, 2), open(0, closefd=False).read())",
    "standard input reconfigured": "import sys\nsys.stdin.reconfigure(encoding='latin-1')\nprint(sys.stdin.read())",
    "the original input": "import sys\nsys.stdin = None\nprint(sys.__stdin__.readline(), list(sys.__stdin__))",
    "input()": "print(input('first? '), input('second? '))\nprint(repr(input()))",
    "input() at the end": "try:\n    while True:\n        input()\nexcept EOFError as error:\n    print('end', error)",
    "fileinput": "import fileinput\nfor line in fileinput.input():\n    print(fileinput.lineno(), line, end='')",
    "standard input detached": "import io, sys\nprint(io.TextIOWrapper(sys.stdin.detach()).readlines())",
    "text and bytes mixed": """
import sys
print('text first')
sys.stdout.buffer.write(b'bytes second\\n')
sys.stdout.flush()
sys.stdout.buffer.write(b'bytes\\n')
print('text')
""",
    "the descriptor and the stream mixed": "import os\nprint('stream')\nos.write(1, b'descriptor\\n')\nprint('stream')",
    "another stream on the descriptor": """
print('one')
other = open(1, 'w', closefd=False)
other.write('two\\n')
print('three')
""",
    "os.fdopen of a copy": "import os\nother = os.fdopen(os.dup(1), 'w')\nother.write('copy\\n')\nprint('printed')",
    "os.fdopen of the descriptor": """
import os, sys
print('a', flush=True)
other = os.fdopen(1, 'wb')
other.write(b'b\\n')
""",
    "a writer of codecs": """
import codecs, sys
sys.stdout = codecs.getwriter('utf-8')(sys.stdout.buffer)
print('naïve ✓')
""",
    "redirect_stdout": """
import contextlib, io, sys
text = io.StringIO()
with contextlib.redirect_stdout(text):
    print('captured')
print('seen', repr(text.getvalue()))
with contextlib.redirect_stdout(sys.__stdout__):
    print('the original')
with contextlib.redirect_stdout(open('file.txt', 'w')):
    print('into a file')
""",
    "the originals": """
import sys
sys.__stdout__.write('a\\n')
print(sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__)
""",
    "the properties of the streams": """
import sys
for stream in (sys.stdout, sys.stderr):
    print(type(stream), type(stream.buffer), type(stream.buffer.raw), stream.name, stream.mode, stream.encoding)
    print(stream.errors, stream.fileno(), stream.isatty(), stream.seekable(), stream.readable(), stream.writable())
    print(stream.line_buffering, stream.write_through, stream.closed, stream.newlines, stream.buffer.mode)
    print(stream.buffer.name, stream.buffer.raw.mode, stream.buffer.raw.closefd, repr(stream), repr(stream.buffer))
    print(stream.buffer.seekable(), stream.buffer.raw.seekable())
stream = sys.stdin
print(type(stream), type(stream.buffer), type(stream.buffer.raw), stream.name, stream.mode, stream.encoding)
print(stream.errors, stream.fileno(), stream.isatty(), stream.readable(), stream.writable(), stream.newlines)
print(stream.line_buffering, stream.write_through, stream.closed, stream.buffer.name, stream.buffer.raw.mode)
print(stream is sys.__stdin__, stream.buffer.raw.closefd, repr(stream), repr(stream.buffer))
""",
    "seeking a pipe": """
import io, sys
for deed in (sys.stdout.tell, sys.stdout.buffer.tell, lambda: sys.stdout.seek(0), sys.stdout.truncate):
    try:
        print(deed())
    except (OSError, io.UnsupportedOperation) as error:
        print(type(error).__name__)
""",
    "results of write": """
import sys
n = [sys.stdout.write('ä\\n'), sys.stdout.buffer.write(b'abc\\n'), sys.stdout.buffer.raw.write(b'raw\\n')]
print(n)
""",
    "writes that are refused": """
import sys
for thing in (1, b'bytes', None, chr(0xD800) * 2):
    try:
        sys.stdout.write(thing)
        sys.stdout.buffer.write(thing)
    except (TypeError, ValueError) as error:
        print(type(error).__name__, error)
""",
    "all kinds of buffers": """
import array, sys
sys.stdout.buffer.write(bytearray(b'bytearray\\n'))
sys.stdout.buffer.write(memoryview(b'view\\n'))
sys.stdout.buffer.write(array.array('H', [0x6161, 0x0A61]))
sys.stdout.buffer.writelines([b'one\\n', b'two\\n'])
sys.stdout.writelines(['three\\n', 'four\\n'])
""",
    "very much at once": """
import sys
print('x' * 300_000)
sys.stdout.buffer.write(b'y' * 100_000)
print('z' * 9000, 'ä' * 9000)
""",
    "much in small pieces": "for i in range(30_000):\n    print(i, 'ä', sep='|', end=';')",
    "from several threads": """
import threading
def work(number):
    for i in range(300):
        print(f'{number}' * 40 + '\\n', end='')
threads = [threading.Thread(target=work, args=(number,)) for number in range(1)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
""",
    "closed output": "import sys\nprint('before')\nsys.stdout.close()",
    "closed output that is printed to": "import sys\nprint('before')\nsys.stdout.close()\nprint('after')",
    "a closed descriptor": "import os\nos.close(1)\nprint('nobody reads it')",
    "a closed descriptor, and an exit": "import os, sys\nprint('x')\nos.close(1)\nsys.exit(3)",
    "output without flush": """
import sys
class Out:
    def write(self, text):
        pass
sys.stdout = Out()
print('x')
""",
    "output whose flush fails": """
import sys
class Out:
    def write(self, text):
        sys.__stdout__.write(text)
    def flush(self):
        raise RuntimeError('no')
sys.stdout = Out()
print('x')
""",
    "errors whose flush fails": """
import sys
class Out:
    def write(self, text):
        pass
    def flush(self):
        raise RuntimeError('no')
sys.stderr = Out()
print('x')
""",
    "no output at all": "import sys\nprint('x')\nsys.stdout = None\nprint('y')",
    "output that is deleted": "import sys\nprint('x')\ndel sys.stdout",
}


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_the_streams_of_a_script_are_those_of_cpython(same_as_cpython: SameAsCPython, source: str) -> None:
    """Standard output, exit status and files are those of plain CPython."""
    same_as_cpython(source, "1\n2\r\n3\n", "restricted")


FUNCTIONS = {
    "reconfigure": ("sys.stdout.reconfigure(encoding='utf-8')\n    print('✓')", "✓\n"),
    "wrapped": ("sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\n    print('✓')", "✓\n"),
    "wrapped, kept": ("KEPT.append(io.TextIOWrapper(sys.stdout.buffer))\n    KEPT[0].write('kept')", "kept"),
    "wrapped, in a cycle": (
        "a = [io.TextIOWrapper(sys.stdout.buffer)]\n    a.append(a)\n    a[0].write('cycle')",
        "cycle",
    ),
    "wrapped by a class of its own": (
        "KEPT.append(Own(sys.stdout.buffer))\n    KEPT[0].write('own')",
        "own",
    ),
    "a stream on the descriptor": ("KEPT.append(open(1, 'w', closefd=False))\n    KEPT[0].write('kept')", "kept"),
    "bytes on the descriptor": ("KEPT.append(open(1, 'wb', closefd=False))\n    KEPT[0].write(b'kept')", "kept"),
    "a copy of the descriptor": ("KEPT.append(os.fdopen(os.dup(1), 'w'))\n    KEPT[0].write('kept')", "kept"),
    "replaced": ("print('before')\n    sys.stdout = io.StringIO()\n    print('swallowed')", "before\n"),
    "taken away": ("print('before')\n    del sys.stdout", "before\n"),
    "a flush that fails": ("print('before')\n    sys.stdout = Bad()", "before\n"),
    "the C library": ("ctypes.CDLL(None).puts(b'from C')", "from C\n"),
}
_HEAD = """
import ctypes, io, os, sys
KEPT = []
class Own(io.TextIOWrapper):
    pass
class Bad:
    def flush(self):
        raise ValueError('closed')
def f():
    {body}
    return 1
"""


@pytest.mark.parametrize(("body", "stdout"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_streams_of_a_function_lose_nothing(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy, body: str, stdout: str
) -> None:
    """What a function printed, into whatever stream that ends in its standard output, is there with its value."""
    outcome = open_engine(any_code_policy("restricted", "")).run(_HEAD.format(body=body), "f")
    assert (outcome.value, outcome.stdout) == (1, stdout)


def test_a_kept_process_prints_each_call_once(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """With `fresh = "none"` each outcome has what its own call printed."""
    engine = open_engine(any_code_policy("lab", "") + '[isolation]\nfresh = "none"\n')
    source = "def f(n):\n    print('call', n, end='')\n    return n"
    outcomes = [engine.run(source, "f", number) for number in range(4)]
    assert [outcome.stdout for outcome in outcomes] == [f"call {number}" for number in range(4)]
