"""A script ends as an interpreter ends: what it has not closed is written, what it left is finalized."""

from collections.abc import Callable

import pytest

from poet_engine import Engine, Outcome

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]
SameAsCPython = Callable[[str, str, str], Outcome]

SCRIPTS = {
    "a csv writer": """
import csv
out = csv.writer(open('scores.csv', 'w', newline=''))
out.writerow(['name', 'score'])
print('saved')
""",
    "text, bytes and both": """
a = open('a.txt', 'w'); a.write('ä' * 10_000)
b = open('b.bin', 'wb'); b.write(b'b' * 5000)
c = open('c.bin', 'w+b'); c.write(b'c' * 9000)
""",
    "gzip, bz2, lzma": """
import bz2, gzip, lzma
class Fixed(gzip.GzipFile):
    pass
a = gzip.GzipFile('a.gz', 'wb', mtime=0); a.write(b'abc' * 1000)
b = bz2.open('b.bz2', 'wt'); b.write('abc' * 1000)
c = lzma.open('c.xz', 'wb'); c.write(b'abc' * 1000)
""",
    "a zip archive": """
import zipfile
archive = zipfile.ZipFile('a.zip', 'w')
archive.writestr(zipfile.ZipInfo('inside.txt'), 'content')
""",
    "a tar archive": """
import io, tarfile
archive = tarfile.open('a.tar', 'w')
entry = tarfile.TarInfo('inside.txt'); entry.size = 3
archive.addfile(entry, io.BytesIO(b'abc'))
""",
    "a shelf": "import dbm.dumb, shelve\nshelf = shelve.Shelf(dbm.dumb.open('shelf', 'n'))\nshelf['key'] = [1, 2]",
    "a shelf that writes back": """
import dbm.dumb, shelve
shelf = shelve.Shelf(dbm.dumb.open('shelf', 'n'), writeback=True)
shelf['key'] = [1]
shelf['key'].append(2)
""",
    "a temporary file": """
import os, tempfile
file = tempfile.NamedTemporaryFile('w', dir='.', delete=False, prefix='kept', suffix='.txt')
os.rename(file.name, 'kept.txt')
file.write('kept')
gone = tempfile.NamedTemporaryFile('w', dir='.')
gone.write('gone')
folder = tempfile.TemporaryDirectory(dir='.')
""",
    "logging": """
import logging
logging.basicConfig(filename='log.txt', level='INFO', format='%(message)s')
logging.info('logged')
import logging.handlers
memory = logging.handlers.MemoryHandler(100, target=logging.FileHandler('late.txt'))
logging.getLogger('other').addHandler(memory)
logging.getLogger('other').warning('flushed at the end')
""",
    "a file in a cycle": """
class Node:
    def __init__(self):
        self.me = self
        self.file = open('cycle.txt', 'w')
    def __del__(self):
        self.file.write('finalized')
        self.file.close()
        print('node is gone')
Node()
""",
    "files held by other modules": """
import builtins, json, string, sys
builtins.kept = open('builtins.txt', 'w'); kept.write('builtins')
json.kept = open('json.txt', 'w'); json.kept.write('json')
json.JSONDecoder.kept = open('class.txt', 'w'); json.JSONDecoder.kept.write('class')
string.kept = open('string.txt', 'w'); string.kept.write('string')
sys.kept = open('sys.txt', 'w'); sys.kept.write('sys')
sys.path_hooks.append(open('list.txt', 'w')); sys.path_hooks[-1].write('list')
""",
    "archives held by other modules": """
import builtins, json, zipfile
json.kept = zipfile.ZipFile('json.zip', 'w')
json.kept.writestr(zipfile.ZipInfo('a'), 'a')
builtins.kept = zipfile.ZipFile('builtins.zip', 'w')
kept.writestr(zipfile.ZipInfo('b'), 'b')
""",
    "a class attribute, a closure, a default": """
class Log:
    file = open('attribute.txt', 'w')
    file.write('attribute')
def closure():
    file = open('closure.txt', 'w')
    def write(text):
        file.write(text)
    return write
closure_write = closure(); closure_write('closure')
def default(text, file=open('default.txt', 'w')):
    file.write(text)
default('default')
""",
    "a thread-local": """
import threading
local = threading.local()
local.file = open('local.txt', 'w'); local.file.write('local')
""",
    "a suspended generator": """
def lines():
    with open('generator.txt', 'w') as file:
        while True:
            file.write((yield))
writing = lines()
next(writing)
writing.send('sent')
""",
    "a generator with a finally": """
def steps():
    try:
        yield 1
    finally:
        print('generator closed')
running = steps()
next(running)
""",
    "threads are waited for": """
import threading, time
def work():
    time.sleep(0.1)
    open('late.txt', 'w').write('late')
    print('thread done')
threading.Thread(target=work).start()
print('main done')
""",
    "an executor is waited for": """
import time
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(2)
for number in range(2):
    pool.submit(lambda n=number: (time.sleep(0.1 + n / 10), print('job', n)))
print('main done')
""",
    "a daemon thread stands still": """
import threading, time
def work():
    while True:
        time.sleep(0.001)
threading.Thread(target=work, daemon=True).start()
open('a.txt', 'w').write('a')
print('main done')
""",
    "exit functions in their order": """
import atexit
atexit.register(print, 'one')
atexit.register(lambda: atexit.register(print, 'registered late'))
atexit.register(print, 'two')
kept = open('kept.txt', 'w')
atexit.register(kept.write, 'written at the end')
""",
    "weakref.finalize": """
import weakref
class Thing:
    pass
thing = Thing()
weakref.finalize(thing, print, 'thing is gone')
""",
    "finalizers see their module": """
import os
name = 'of the module'
class Thing:
    def __del__(self):
        print(name, os.getcwd() != '', helper())
def helper():
    return 'helped'
_hidden, shown = Thing(), Thing()
""",
    "finalizers in an order": """
class Thing:
    def __init__(self, name):
        self.name = name
    def __del__(self):
        print('gone', self.name)
b, _a, c = Thing('b'), Thing('_a'), Thing('c')
both = [Thing('x')]
both.append(both)
""",
    "names are taken away": """
import sys
class Last:
    def __init__(self, kept):
        self.kept = kept
    def __del__(self, print=print):
        print([name for name in ('_private', 'public') if self.kept.get(name) is not None])
_private, public = 1, 2
sys.kept = Last(globals())
""",
    "an error in a finalizer": """
class Thing:
    def __del__(self):
        print('about to fail')
        raise ValueError('seen on standard error')
thing = Thing()
""",
    "finalizers that import": """
class Thing:
    def __init__(self):
        self.me = self
    def __del__(self):
        import json
        print(json.dumps({'a': 1}))
Thing()
""",
    "finalizers that make others": """
class Chain:
    def __init__(self, left):
        self.left = left
    def __del__(self):
        print('link', self.left)
        if self.left:
            Chain(self.left - 1)
chain = Chain(3)
""",
    "an uncaught exception keeps what it holds": """
class Thing:
    def __del__(self):
        print('thing is gone')
import atexit, sys
atexit.register(lambda: print(type(sys.last_value).__name__, sys.last_traceback.tb_frame.f_code.co_name))
def f():
    thing, file = Thing(), open('f.txt', 'w')
    file.write('in f')
    raise ValueError
f()
""",
    "exit functions that are called by hand": """
import atexit
atexit.register(print, 'once')
atexit._run_exitfuncs()
kept = open('a', 'w')
kept.write('a')
""",
    "exit functions that are cleared": """
import atexit
atexit.register(print, 'never')
atexit._clear()
kept = open('a', 'w')
kept.write('a')
""",
    "what the C library printed": """
import ctypes
ctypes.CDLL(None).puts(b'from the C library')
""",
    "a module of its own": """
open('part.py', 'w').write("file = open('part.txt', 'w')\\nfile.write('part')\\n")
import part
""",
    "many open files": """
files = [open(f'{n}.txt', 'w') for n in range(40)]
for n, file in enumerate(files):
    file.write(str(n))
""",
    "asyncio": """
import asyncio
async def main():
    asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    print('main done')
asyncio.run(main())
""",
}


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_ends_as_in_cpython(same_as_cpython: SameAsCPython, source: str) -> None:
    """Standard output, exit status and files are those of plain CPython."""
    same_as_cpython(source, "", "restricted")


FORKS = {
    "a child in an exit function": """
import atexit, os
def fork():
    pid = os.fork()
    if pid:
        print('waited', os.waitpid(pid, 0)[1])
atexit.register(print, 'in both')
atexit.register(fork)
print('body', flush=True)
""",
    "text that waits is printed by both": """
import os
print('before')
pid = os.fork()
if pid == 0:
    print('child')
else:
    os.waitpid(pid, 0)
    print('parent')
""",
    "a child that exits": """
import os, sys
pid = os.fork()
if pid == 0:
    print('child')
    sys.exit(3)
print('status', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
    "a child that writes files": """
import os
file = open('both.txt', 'w')
file.write('x')
pid = os.fork()
if pid == 0:
    file.write('child')
else:
    os.waitpid(pid, 0)
    file.write('parent')
""",
}


@pytest.mark.parametrize("source", FORKS.values(), ids=FORKS)
def test_processes_end_as_in_cpython(same_as_cpython: SameAsCPython, source: str) -> None:
    """A child that the script forked ends as a process of its own, and answers for nobody."""
    same_as_cpython(source, "", "lab")


@pytest.mark.parametrize(
    ("source", "causes"),
    [
        (
            "class Endless:\n    def __del__(self):\n        while True:\n            pass\nthing = Endless()",
            ("cpu", "wall"),
        ),
        ("import atexit, time\natexit.register(time.sleep, 600)", ("wall",)),
        ("import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()", ("wall",)),
    ],
    ids=["finalizer", "exit function", "thread"],
)
def test_ending_is_on_the_budget(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy, source: str, causes: tuple[str, ...]
) -> None:
    """A script that never comes to its end is ended, and what it printed is there."""
    policy = any_code_policy("restricted", 'wall = "1s"\ncpu = "0.8s"')
    outcome = open_engine(policy).run_script(f"print('printed')\n{source}")
    assert (outcome.status, outcome.stdout) == ("limit", "printed\n")
    assert outcome.cause in causes
