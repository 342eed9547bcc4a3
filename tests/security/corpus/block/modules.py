# case: os
# ruleid: POET110
import os
os.system("id")
# case: os under another name
# ruleid: POET110
import os as data
# case: from os
# ruleid: POET110
from os import system as compute
# case: os.path
# ruleid: POET110
from os.path import join
# case: subprocess
# ruleid: POET110
import subprocess
# case: socket
# ruleid: POET110
import socket
# case: shutil
# ruleid: POET110
import shutil
# case: ctypes
# ruleid: POET110
import ctypes
# case: importlib
# ruleid: POET110
import importlib
# case: builtins
# ruleid: POET110
import builtins
# case: pickle
# ruleid: POET110
import pickle
# case: marshal
# ruleid: POET110
import marshal
# case: threads
import threading
# ruleid: POET111
threading.Thread(target=print).start()
# case: processes
# ruleid: POET110
import multiprocessing
# case: asyncio
# ruleid: POET110
import asyncio
# case: temporary files
# ruleid: POET110
import tempfile
# case: paths
# ruleid: POET110
from pathlib import Path
# case: requests
# ruleid: POET110
import requests
# case: urllib.request
# ruleid: POET110
from urllib.request import urlopen
# case: urllib.request as an attribute
import urllib.parse
# ruleid: POET111
urllib.request.urlopen("http://x")
# case: http
# ruleid: POET110
import http.client
# case: signal
# ruleid: POET110
import signal
# case: codecs
# ruleid: POET110
import codecs
# case: an import inside a function
def f():
    # ruleid: POET110
    import os
    return os
# case: an import inside a condition
if True:
    # ruleid: POET110
    import os
# case: an import inside a handler
try:
    x = 1
except ValueError:
    # ruleid: POET110
    import os
# case: the private twin of a module
# ruleid: POET110
import _io
# case: posix
# ruleid: POET110
import posix
# case: ast for compiling
import ast
# ruleid: POET111
t = ast.parse("1")
# case: io for opening
import io
# ruleid: POET111
f = io.open("/etc/passwd")
# case: io for raw files
# ruleid: POET111
from io import FileIO
# case: a scanner inside json
import json
# ruleid: POET111
json.decoder.scanner
# case: a module inside json
import json
# ruleid: POET111
json.codecs.open("/etc/passwd")
# case: a module inside random
import random
# ruleid: POET111
random._os.system("id")
# case: a module inside random, imported
# ruleid: POET111
from random import _os
# case: a module inside statistics
import statistics
# ruleid: POET111
statistics.sys
# case: a module inside collections
import collections
# ruleid: POET111
collections._sys.modules
# case: a module inside enum
import enum
# ruleid: POET111
enum.sys
# case: logging into a file
import logging
# ruleid: POET111
logging.FileHandler("/tmp/x")
# case: logging into a file by its configuration
import logging
# ruleid: POET116
logging.basicConfig(filename="x.log")
# case: logging with a format that follows attributes
import logging
# ruleid: POET116
logging.basicConfig(format="{msg.__class__}", style="{")
# case: time that is set
import time
# ruleid: POET111
time.clock_settime(0, 0)
# case: hashes of files
import hashlib
# ruleid: POET111
hashlib.file_digest
# case: dataclasses out of data
# ruleid: POET111
from dataclasses import make_dataclass
# case: a star
# ruleid: POET112
from math import *
# case: a relative import
# ruleid: POET112
from . import settings
# case: a module by another name
import math
# ruleid: POET113
m = math
# case: a module in a list
import math
# ruleid: POET113
m = [math][0]
# case: a module as an argument
import math
# ruleid: POET113
print(math)
# case: a module as a default
import math
# ruleid: POET113
def f(m=math):
    return m
# case: a module returned
import math
def f():
    # ruleid: POET113
    return math
# case: a module in getattr
import math
# ruleid: POET113
f = getattr(math, "sqrt")
# case: a module in a lambda
import random
# ruleid: POET113
f = lambda: random
# case: a module in a walrus
import random
# ruleid: POET113
(r := random)
# case: a module in an f-string
import random
# ruleid: POET113
x = f"{random}"
# case: a module in a pattern
import random
# ruleid: POET113
match random:
    case _:
        pass
# case: a module bound again
import math
# ruleid: POET114
math = 3
# case: a function of a module replaced
import math
# ruleid: POET114
math.sqrt = abs
# case: a function of a module deleted
import math
# ruleid: POET114
del math.sqrt
# case: a module in a loop
import math
# ruleid: POET114
for math in []:
    pass
# case: a module by global
import math
def f():
    global math
    # ruleid: POET114
    math = None
# case: a module as the name of an exception
import math
try:
    pass
# ruleid: POET114
except ValueError as math:
    pass
# case: an import in a class body
class A:
    # ruleid: POET115
    import math
# case: the standard stream's file
import sys
# ruleid: POET133
f = type(sys.stdin.buffer.raw)("/etc/passwd")
# case: the standard stream taken apart
import sys
# ruleid: POET133
b = sys.stdout.detach()
# case: the standard stream replaced
import sys
# ruleid: POET114
sys.stdout = None
# case: the modules of others
import sys
# ruleid: POET111
sys.modules.clear()
# case: finalisers of others
# ruleid: POET111
from weakref import finalize
# case: tests that run documentation
# ruleid: POET110
import doctest
# case: sqlite
# ruleid: POET110
import sqlite3
# case: platform
# ruleid: POET110
import platform

# case: a raw stream by way of a logger
import logging
logging.basicConfig()
# ruleid: POET133
r = logging.getLogger().handlers[0].stream.buffer.raw
# case: a raw stream beside a class of one's own
import sys
class Line:
    raw = ""
# ruleid: POET133
r = sys.stdin.buffer.raw
# case: a raw stream by names
import sys
# ruleid: POET133
r = getattr(getattr(sys.stdin, "buffer"), "raw")
# case: the buffer of a stream by a name made at run time
import sys
def f(kind):
    # ruleid: POET121
    return getattr(sys.stdin, "buf" + kind)
# case: a raw stream by one path of names
import sys
from operator import attrgetter
# ruleid: POET116
r = attrgetter("buffer.raw")(sys.stdin)
# case: a guarded import, and the same one without its guard
try:
    import os
except ImportError:
    os = None
# ruleid: POET110
import os
os.system("id")
# case: a guarded import whose place a listed module takes
try:
    import os as tools
except ImportError:
    import json as tools
# ruleid: POET111
open_file = tools.codecs
# case: a guarded import whose place another unlisted module takes
try:
    import ujson as json
except ImportError:
    # ruleid: POET110
    import subprocess as json
# case: a handler that catches something else
try:
    # ruleid: POET110
    import os
except ValueError:
    os = None
# case: an import behind the guard and not inside it
try:
    import os
except ImportError:
    # ruleid: POET110
    import posix as os
# case: an import where no type checker looks
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    pass
else:
    # ruleid: POET110
    import os
# case: a guarded star, of which nobody knows what it binds
try:
    # ruleid: POET110
    from os import *
except ImportError:
    pass
# case: a guarded import that a function of its own escapes
try:
    def load():
        # ruleid: POET110
        import os
        return os
except ImportError:
    pass
# case: the name of a guarded import as a module that is passed around
try:
    import os as tools
except ImportError:
    import math as tools
# ruleid: POET113
holder = [tools]
# case: a guarded name of a module, and the module by another way
try:
    from sys import modules
except ImportError:
    modules = {}
import sys
# ruleid: POET111
found = sys.modules
