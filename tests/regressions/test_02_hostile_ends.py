"""A program that works against its own end gets the verdict that it has earned, and no more than it could return."""

from collections.abc import Callable

import pytest

from poet_engine import Engine

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]

_HEAD = "import atexit, gc, io, os, sys, threading, time\nprint('printed', flush=True)\n"
_LIMITS = 'wall = "2s"\ncpu = "1s"'
# what the program does → the verdicts that are right; its end may be good, but never ours to answer for
DEEDS: dict[str, tuple[str, set[str]]] = {
    "a flush that never returns": (
        "class Out:\n    def write(self, text): pass\n    def flush(self): time.sleep(600)\nsys.stdout = Out()",
        {"limit/wall"},
    ),
    "a flush that recurses": (
        "class Out:\n    def write(self, text): pass\n    def flush(self): self.flush()\nsys.stdout = Out()",
        {"error/nonzero_exit"},
    ),
    "a flush that leaves": (
        "class Out:\n    def write(self, text): pass\n    def flush(self): os._exit(0)\nsys.stdout = Out()",
        {"no_result/early_exit"},
    ),
    "descriptors that are closed": ("os.closerange(0, 100)", {"no_result/early_exit", "error/nonzero_exit"}),
    "the descriptor of the answer is closed": ("os.close(3)", {"no_result/early_exit"}),
    "the descriptor of the answer is a file": (
        "os.close(3)\nfile = open('other.txt', 'w')\nfile.write('own')",
        {"no_result/early_exit"},
    ),
    "the descriptor of the answer is standard output": ("os.dup2(1, 3)", {"no_result/early_exit"}),
    "modules that are gone": ("sys.modules.clear()", {"ok", "error/exception"}),
    "modules that are replaced": (
        "for name in list(sys.modules):\n    sys.modules[name] = None",
        {"ok", "error/exception"},
    ),
    "modules that are odd": ("sys.modules.update({1: 2, 'json': object(), '': print})", {"ok"}),
    "names of sys that are gone": ("vars(sys).clear()", {"no_result/early_exit", "error/nonzero_exit", "ok"}),
    "names of builtins that are gone": (
        "import builtins\nvars(builtins).clear()",
        {"ok", "no_result/early_exit", "error/nonzero_exit", "error/exception"},
    ),
    "threading without its end": ("del threading._shutdown", {"ok"}),
    "threading that never ends": ("threading._shutdown = lambda: time.sleep(600)", {"limit/wall"}),
    "threading that raises": ("def bad(): raise SystemExit(7)\nthreading._shutdown = bad", {"ok"}),
    "atexit without its functions": ("atexit._clear()\natexit._run_exitfuncs = None", {"ok"}),
    "exit functions without end": (
        "def again():\n    atexit.register(again)\n    atexit._run_exitfuncs()\natexit.register(again)",
        {"ok", "limit/cpu", "limit/wall", "crash/signal:SIGSEGV", "limit/memory"},
    ),
    "a finalizer that never ends": (
        "class Endless:\n    def __del__(self):\n        while True: pass\nkept = Endless()",
        {"limit/cpu", "limit/wall"},
    ),
    "a finalizer that raises": ("class Bad:\n    def __del__(self): raise SystemExit(5)\nkept = Bad()", {"ok"}),
    "finalizers without end": (
        "class Again:\n    def __del__(self): Again()\nkept = Again()",
        {"ok", "limit/cpu", "limit/wall", "crash/signal:SIGSEGV", "limit/memory"},
    ),
    "a finalizer that revives itself": (
        "class Again:\n    def __del__(self): sys.kept = self\nkept = Again()",
        {"ok"},
    ),
    "a finalizer that prints without end": (
        "class Loud:\n    def __del__(self):\n        while True: os.write(1, b'x' * 4096)\nkept = Loud()",
        {"limit/output"},
    ),
    "a finalizer that says it is done, and leaves with an error": (
        (
            "class Says:\n    def __del__(self, os=os):\n        os.write(3, b'\\2\\0\\0\\0\\4null')\n"
            "        os._exit(9)\nkept = Says()"
        ),
        {"error/nonzero_exit"},
    ),
    "a finalizer that says it twice": (
        "class Says:\n    def __del__(self, os=os):\n        os.write(3, b'\\2\\0\\0\\0\\4null')\nkept = Says()",
        {"no_result/result_undecodable"},
    ),
    "a finalizer that says something else": (
        "class Says:\n    def __del__(self, os=os):\n        os.write(3, b'\\xff' * 100)\nkept = Says()",
        {"no_result/result_undecodable"},
    ),
    "a value and a refusal from a script": (
        "os.write(3, b'\\4\\0\\0\\0\\2{}')\nos._exit(0)",
        {"no_result/result_undecodable"},
    ),
    "a thread that goes on for ever": (
        "threading.Thread(target=lambda: time.sleep(600)).start()",
        {"limit/wall"},
    ),
    "a daemon that prints for ever": (
        "def work():\n    while True: print('x', file=sys.stderr)\nthreading.Thread(target=work, daemon=True).start()",
        {"ok", "limit/output", "limit/cpu", "limit/wall", "crash/signal:SIGABRT"},
    ),
    "our last object is taken": (
        (
            "def take():\n"
            "    sys.taken = [v for k, v in vars(sys).items() if k.startswith('poet')]\n"
            "    gc.kept = sys.taken\natexit.register(take)"
        ),
        {"ok", "no_result/early_exit"},
    ),
    "our last object is replaced": (
        "atexit.register(lambda: vars(sys).update(poet_last=None))",
        {"ok", "no_result/early_exit", "error/nonzero_exit"},
    ),
    "a hundred thousand objects": (
        "class Thing:\n    def __del__(self): pass\nkept = [Thing() for _ in range(100_000)]",
        {"ok"},
    ),
    "objects that hang in a long chain": (
        "chain = None\nfor _ in range(300_000):\n    chain = [chain]",
        {"ok"},
    ),
    "too many open files": (
        (
            "files = []\ntry:\n"
            "    while True: files.append(open(f'{len(files)}', 'w')); files[-1].write('x')\n"
            "except OSError: pass"
        ),
        {"ok"},
    ),
    "a full disk": (
        (
            "file = open('full', 'w')\nfile.write('x')\nbig = open('big', 'wb', 0)\ntry:\n"
            "    while True: big.write(bytes(1 << 20))\nexcept OSError: pass"
        ),
        {"ok", "limit/file_size", "limit/memory"},
    ),
    "signals while it ends": (
        (
            "import signal\nsignal.signal(signal.SIGALRM, lambda *_: 1 / 0)\n"
            "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)"
        ),
        {"ok", "error/exception", "error/nonzero_exit", "crash/signal:SIGALRM"},
    ),
    "a trace function": ("sys.settrace(lambda *_: 1 / 0)", {"ok", "error/exception", "error/nonzero_exit"}),
    "a recursion limit of almost nothing": (
        "sys.setrecursionlimit(30)",
        {"ok", "error/exception", "error/nonzero_exit", "limit/recursion", "no_result/early_exit"},
    ),
    "a hook for what cannot be raised": (
        (
            "sys.unraisablehook = lambda *_: os._exit(0)\nclass Bad:\n"
            "    def __del__(self): raise ValueError\nkept = Bad()"
        ),
        {"ok", "no_result/early_exit"},
    ),
    "an end that a finalizer begins again": (
        "import ctypes\nclass Again:\n    def __del__(self, end=ctypes.pythonapi.Py_Exit): end(0)\nkept = Again()",
        {"ok", "no_result/early_exit", "crash/signal:SIGSEGV", "crash/signal:SIGABRT", "limit/wall", "limit/cpu"},
    ),
}


@pytest.mark.parametrize(("deed", "verdicts"), DEEDS.values(), ids=DEEDS)
def test_a_hostile_end_gets_its_verdict(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy, deed: str, verdicts: set[str]
) -> None:
    """Whatever a program does to its own end, the verdict tells of the code, and what it had written is there."""
    outcome = open_engine(any_code_policy("restricted", _LIMITS)).run_script(_HEAD + deed, files_out=["other.txt"])
    said = "/".join(filter(None, (outcome.status, outcome.cause)))
    assert said in verdicts, outcome
    assert outcome.stdout.startswith("printed\n")
    assert outcome.files.get("other.txt") in (None, b"own")


def test_a_fork_that_outlives_the_end_is_ended(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """A child that an exit function leaves behind answers for nobody, and is gone with the call."""
    source = _HEAD + "atexit.register(lambda: os.fork() or time.sleep(600))"
    outcome = open_engine(any_code_policy("lab", "")).run_script(source)
    assert (outcome.status, outcome.stdout, outcome.leftovers) == ("ok", "printed\n", 1)
