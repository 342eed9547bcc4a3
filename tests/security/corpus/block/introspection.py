# case: frame of a generator
def gen():
    yield 1
# ruleid: POET131
frame = gen().gi_frame
# case: the frame before
def gen():
    # ruleid: POET131
    yield g.gi_frame.f_back
g = gen()
# case: frame of a generator expression
# ruleid: POET131
frame = (x for x in ()).gi_frame
# case: code of a generator
# ruleid: POET131
code = (x for x in ()).gi_code
# case: frame of a coroutine
async def f():
    return 1
# ruleid: POET131
frame = f().cr_frame
# case: frame of an asynchronous generator
async def f():
    yield 1
# ruleid: POET131
frame = f().ag_frame
# case: what a generator waits for
def f(g):
    # ruleid: POET131
    return g.gi_yieldfrom
# case: traceback of an exception
try:
    1 / 0
except ZeroDivisionError as e:
    # ruleid: POET130
    frame = e.__traceback__
# case: frame of a traceback in a context manager
class Spy:
    def __enter__(self):
        return self
    def __exit__(self, kind, error, traceback):
        # ruleid: POET131
        self.frame = traceback.tb_frame
# case: the object of the exception before
try:
    1 / 0
except ZeroDivisionError as e:
    # ruleid: POET131
    c = e.__context__.obj
# case: the object of an attribute error
try:
    x.y
except AttributeError as e:
    # ruleid: POET131
    o = e.obj
# case: locals of a frame
def f(frame):
    # ruleid: POET131
    return frame.f_locals
# case: globals of a frame
def f(frame):
    # ruleid: POET131
    return frame.f_globals["os"]
# case: builtins of a frame
def f(frame):
    # ruleid: POET131
    return frame.f_builtins
# case: constants of code
def f(code):
    # ruleid: POET131
    return code.co_consts
# case: code that is changed
def f(code):
    # ruleid: POET131
    return code.co_code
# case: what the exceptions of a group are about
try:
    len.missing
except* AttributeError as group:
    # ruleid: POET131
    e = group.exceptions[0].obj
# case: the tracebacks of the exceptions of a group
try:
    pass
except* ValueError as group:
    # ruleid: POET130
    e = group.exceptions[0].__traceback__
# case: a group taken for an instance of the class that is caught
class Mine(Exception):
    def __init__(self, value):
        self._mgr = value
try:
    pass
except* Mine as group:
    # ruleid: POET136
    e = group._mgr
# case: sys for frames
import sys
# ruleid: POET111
f = sys._getframe()
# case: sys for the current exception
import sys
# ruleid: POET111
t = sys.exc_info()[2]
# case: sys for modules
import sys
# ruleid: POET111
os = sys.modules["os"]
# case: sys for hooks
import sys
# ruleid: POET114
sys.excepthook = print
# case: tracing
import sys
# ruleid: POET111
sys.settrace(print)
# case: the stack by the traceback module
import traceback
# ruleid: POET111
traceback.extract_stack()
# case: inspect
# ruleid: POET110
import inspect
inspect.currentframe().f_back
# case: the garbage collector
# ruleid: POET110
import gc
everything = gc.get_objects()
# case: disassembly
# ruleid: POET110
import dis
# case: a generator in getattr
def f(g):
    # ruleid: POET131
    return getattr(g, "gi_frame")
# case: a traceback put on another exception
def f(e, t):
    # ruleid: POET131
    raise e.with_traceback(t)
# case: a module as an enumeration
import enum
# ruleid: POET131
E = enum.Enum._convert_("E", "os", lambda n: n == "system")
# case: names of the interpreter's own module
import enum
# ruleid: POET111
enum.global_enum(print)
# case: private parts of a library class
from collections import Counter
# ruleid: POET136
Counter("a")._keep_positive()
# case: a private attribute of an argument
def f(connection):
    # ruleid: POET136
    return connection._sock
# case: a private attribute by getattr
def f(connection):
    # ruleid: POET136
    return getattr(connection, "_loop", None)
# case: private attribute in a pattern
def f(x):
    match x:
        # ruleid: POET136
        case object(_sock=s):
            return s
# case: types that make code
# ruleid: POET111
from types import CodeType
# case: function types
import types
# ruleid: POET111
f = types.FunctionType
# case: module types
import types
# ruleid: POET111
m = types.ModuleType("m")
