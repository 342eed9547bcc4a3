"""Code that turns on the run loop around it: patched modules, hooks, odd exceptions and values, frames of its own.

The loop and the code share one interpreter, so nothing here is kept from happening; a forged answer is as good as a
returned one. What must hold is the verdict: exact, blamed on the code, never on us, and without effect on the next
call. What the bytes of a frame may do to the host is in conformance/test_hostile_results.py.
"""

from typing import TYPE_CHECKING

import pytest

from poet_engine.outcome import Blame, Status

if TYPE_CHECKING:
    from tests.security.conftest import Everywhere

OK, ERROR, LIMIT, NO_RESULT, REFUSED = Status.OK, Status.ERROR, Status.LIMIT, Status.NO_RESULT, Status.REFUSED
_GUEST = "guest = {name.partition('.')[2]: one for name, one in sys.modules.items() if name.startswith('poet_guest')}\n"
_PACK = _GUEST + "loop = guest['payload']; pack = loop.pack\nloop.pack = lambda kind, body=b'': "
FRAME = "b'\\x02\\0\\0\\0\\x011'"

# What ends the run: status, cause.
PATCHES: dict[str, tuple[str, Status, str | None]] = {
    "the codec lies": (_GUEST + "guest['codec'].dumps = lambda *_: b'\"forged\"'\nreturn 1", OK, None),
    "the codec stutters": (
        _GUEST + "guest['codec'].dumps = lambda *_: b'{'\nreturn 1",
        NO_RESULT,
        "result_undecodable",
    ),
    "the codec raises": (_GUEST + "guest['codec'].dumps = lambda *_: 1 / 0\nreturn 1", ERROR, "exception"),
    "frames say that we failed": (_PACK + "b'\\6' + pack(kind, body)[1:]\nreturn 1", NO_RESULT, "result_undecodable"),
    "frames come twice": (_PACK + "pack(kind, body) * 2\nreturn 1", NO_RESULT, "result_undecodable"),
    "frames have a tail": (_PACK + "pack(kind, body) + b'x'\nreturn 1", NO_RESULT, "result_undecodable"),
    "an exception claims to be ours": (
        _GUEST + "guest['payload']._body = lambda *_a, **_k: b'{\"kind\": \"infra\"}'\nraise ValueError",
        ERROR,
        "exception",
    ),
    "an exception claims a limit that there is not": (
        _GUEST + 'guest[\'payload\']._body = lambda *_a, **_k: b\'{"kind": "cpu", "raised": false}\'\nraise ValueError',
        ERROR,
        "exception",
    ),
    "every exit is 0": (
        _GUEST + "guest['payload']._exit_status = lambda _error: 0\nsys.exit(3)",
        NO_RESULT,
        "early_exit",
    ),
    "the encoder is patched": (
        "sys.modules['poet_guest.encoding'].encode = lambda *_a, **_k: '[' * 100\nreturn {}",
        NO_RESULT,
        "result_undecodable",
    ),
    "len is patched": ("import builtins\nbuiltins.len = lambda _: 1 << 31\nreturn 'x'", LIMIT, "result_size"),
    "isinstance is patched": (
        "import builtins\nbuiltins.isinstance = lambda *_: True\nreturn 1",
        ERROR,
        "nonzero_exit",
    ),
    "print is gone": ("import builtins\nbuiltins.print = None\nreturn 1", OK, None),
    "BaseException is another": (
        "import builtins\nbuiltins.BaseException = ValueError\nraise KeyError",
        ERROR,
        "nonzero_exit",
    ),
    "os._exit does nothing": ("os._exit = lambda _code: None\nreturn 1", OK, None),
    "no module is left": ("sys.modules.clear()\nreturn 1", OK, None),
    "the socket is closed": (
        "import gc, socket\n[one.close() for one in gc.get_objects() if isinstance(one, socket.socket)]\nreturn 1",
        ERROR,
        "exception",
    ),
    "the socket is found in a frame": (
        (
            "frame = sys._getframe()\nwhile frame.f_code.co_name != 'serve': frame = frame.f_back\n"
            f"frame.f_locals['sock'].sendall({FRAME})\nos._exit(0)"
        ),
        OK,
        None,
    ),
    "stdout exits when it is flushed": (
        "class Out:\n    def flush(self): raise SystemExit(0)\nsys.stdout = Out()\nreturn 1",
        ERROR,
        "nonzero_exit",
    ),
    "stdout burns when it is flushed": (
        "class Out:\n    def flush(self):\n        while True: pass\nsys.stdout = Out()\nreturn 1",
        LIMIT,
        "cpu",
    ),
    "there is no stdout": ("sys.stdout = sys.stderr = None\nreturn 1", OK, None),
    "a trace raises": (
        (
            "def trace(frame, event, arg):\n    if frame.f_code.co_name == 'pack': 1 / 0\n    return trace\n"
            "sys.settrace(trace)\nreturn 1"
        ),
        ERROR,
        "exception",
    ),
    "a profile exits": (
        (
            "def profile(frame, event, arg):\n    if frame.f_code.co_name == 'dumps': raise SystemExit(0)\n"
            "sys.setprofile(profile)\nreturn 1"
        ),
        NO_RESULT,
        "early_exit",
    ),
    "an audit hook exits": (
        "sys.addaudithook(lambda event, _args: os._exit(0) if event == 'compile' else None)\neval('1')",
        NO_RESULT,
        "early_exit",
    ),
    "the collector of garbage exits": (
        "import gc\ngc.callbacks.append(lambda *_: os._exit(0))\ngc.collect()",
        NO_RESULT,
        "early_exit",
    ),
    "a finalizer exits before the answer": (
        "class Last:\n    def __del__(self): os._exit(9)\nlast = Last()\nreturn 1",
        ERROR,
        "nonzero_exit",
    ),
    "a finalizer that would exit at the end": (
        (
            "class Last:\n    def __del__(self): os._exit(9)\nsys.last = Last()\n"
            "import atexit; atexit.register(os._exit, 9)\nreturn 1"
        ),
        OK,
        None,
    ),
    "faulthandler ends the process": (
        "import faulthandler\nfaulthandler.dump_traceback_later(0.05, exit=True)\ntime.sleep(60)",
        ERROR,
        "nonzero_exit",
    ),
}

EXCEPTIONS: dict[str, tuple[str, Status, str | None]] = {
    "an interrupt": ("raise KeyboardInterrupt", ERROR, "exception"),
    "GeneratorExit": ("raise GeneratorExit", ERROR, "exception"),
    "a group with an exit in it": ("raise BaseExceptionGroup('group', [SystemExit(0)])", ERROR, "exception"),
    "an exit code of many bits": ("raise SystemExit(1 << 70)", NO_RESULT, "early_exit"),
    "an exit code below 0": ("raise SystemExit(-1)", ERROR, "nonzero_exit"),
    "an exit code that counts for itself": (
        "class Code(int):\n    def __and__(self, _other): return 0\nraise SystemExit(Code(5))",
        NO_RESULT,
        "early_exit",
    ),
    "an exit without a readable code": (
        "class Exit(SystemExit):\n    @property\n    def code(self): 1 / 0\nraise Exit",
        ERROR,
        "nonzero_exit",
    ),
    "a text that exits": ("class E(Exception):\n    def __str__(self): os._exit(0)\nraise E", NO_RESULT, "early_exit"),
    "a text that raises an exit": (
        "class E(Exception):\n    def __str__(self): sys.exit()\nraise E",
        NO_RESULT,
        "early_exit",
    ),
    "a text that raises an interrupt": (
        "class E(Exception):\n    def __str__(self): raise KeyboardInterrupt\nraise E",
        ERROR,
        "nonzero_exit",
    ),
    "a text that is none": ("class E(Exception):\n    def __str__(self): return 5\nraise E", ERROR, "exception"),
    "a text of 10 MB": ("raise ValueError('x' * 10**7)", ERROR, "exception"),
    "a name of 1 MB": ("raise type('E' * 10**6, (Exception,), {})", ERROR, "exception"),
    "a text with half a character": ("raise ValueError('\\ud800')", ERROR, "exception"),
    "a traceback that exits": (
        "class E(Exception):\n    @property\n    def __traceback__(self): os._exit(0)\nraise E",
        NO_RESULT,
        "early_exit",
    ),
    "a circle of causes": (
        "one, two = ValueError(), KeyError()\none.__cause__, two.__cause__ = two, one\nraise one",
        ERROR,
        "exception",
    ),
    "ten thousand causes": (
        "last = None\nfor n in range(10_000): one = ValueError(n); one.__cause__ = last; last = one\nraise last",
        ERROR,
        "exception",
    ),
    "a class that says it is MemoryError": (
        "class E(Exception):\n    __class__ = property(lambda _: MemoryError)\nraise E",
        ERROR,
        "exception",
    ),
    "a MemoryError of its own": ("raise MemoryError", ERROR, "exception"),
    "a refusal that cannot be read": (
        (
            "from poet_generated import InputRefused\nclass R(InputRefused):\n"
            "    argument = property(lambda _: 1 / 0, lambda *_: None)\n"
            "raise R('a', 'b')"
        ),
        ERROR,
        "nonzero_exit",
    ),
    "a refusal": ("from poet_generated import InputRefused\nraise InputRefused('a', 'b')", REFUSED, "input"),
}

VALUES: dict[str, tuple[str, Status, str | None]] = {
    "an int that exits": (
        "class I(int):\n    def __repr__(self): os._exit(0)\n    __index__ = __repr__\nreturn I(3)",
        NO_RESULT,
        "result_undecodable",
    ),
    "a list without end": (
        "class L(list):\n    def __iter__(self):\n        while True: yield 1\nreturn L()",
        NO_RESULT,
        "result_undecodable",
    ),
    "a dict of its own": ("class D(dict): pass\nreturn D()", NO_RESULT, "result_undecodable"),
    "a list in itself": ("loop = []; loop.append(loop)\nreturn loop", NO_RESULT, "result_undecodable"),
    "a list 100,000 deep": (
        "deep = []\nfor _ in range(10**5): deep = [deep]\nreturn deep",
        NO_RESULT,
        "result_undecodable",
    ),
    "an object": ("return object()", NO_RESULT, "result_undecodable"),
    "a generator": ("return (n for n in range(3))", NO_RESULT, "result_undecodable"),
    "a function": ("return lambda: 1", NO_RESULT, "result_undecodable"),
    "a module": ("return sys", NO_RESULT, "result_undecodable"),
    "half a character": ("return '\\ud800'", NO_RESULT, "result_undecodable"),
    "a dict that looks like a tag": ("return {'~': 'pickle', 'v': 'x'}", OK, None),
    "more than a result may weigh": ("return 'x' * (9 << 20)", LIMIT, "result_size"),
    "a coroutine that exits": ("async def f(): os._exit(0)\nreturn f()", NO_RESULT, "early_exit"),
}
ALL = {**PATCHES, **EXCEPTIONS, **VALUES}


@pytest.mark.parametrize(("body", "status", "cause"), ALL.values(), ids=ALL)
def test_the_verdict_is_exact_and_the_next_call_is_served(
    everywhere: "Everywhere", body: str, status: Status, cause: str | None
) -> None:
    outcome = everywhere(body, lanes=1, cpu='"1s"')

    assert (outcome.stdout, outcome.status, outcome.cause) == ("reached\n", status, cause), outcome.describe()
    assert outcome.blame is {OK: None, REFUSED: Blame.CALLER}.get(status, Blame.CODE)
    assert everywhere("import json\nreturn json.dumps([len('next')])", lanes=1, cpu='"1s"').value == "[4]"


def test_control_without_any_of_it_the_loop_answers(everywhere: "Everywhere") -> None:
    assert everywhere("return {'value': (1, 2.5)}", lanes=1).value == {"value": (1, 2.5)}


AFTER = f"def speak():\n    while True:\n        try: os.write(3, {FRAME})\n        except OSError: os._exit(0)\n"
SPEAKERS: dict[str, str] = {
    "a thread": f"import threading\n{AFTER}threading.Thread(target=speak, daemon=True).start()\nreturn 1",
    "a child": f"{AFTER}if not os.fork(): speak()\nreturn 1",
    "a child after its parent": f"{AFTER}if not os.fork():\n    while os.getppid() > 1: pass\n    speak()\nos._exit(0)",
    "both of a fork": "os.fork()\nreturn 1",
}


@pytest.mark.parametrize("body", SPEAKERS.values(), ids=SPEAKERS)
def test_whoever_else_speaks_speaks_for_the_code(everywhere: "Everywhere", body: str) -> None:
    """Which frame comes first is a race; the value, an undecodable answer and an early exit are all true of it."""
    outcome = everywhere(body, processes="2", lanes=1)

    assert outcome.stdout.startswith("reached\n")
    assert (outcome.status, outcome.cause) in (
        (OK, None),
        (NO_RESULT, "result_undecodable"),
        (NO_RESULT, "early_exit"),
    ), outcome.describe()
    assert outcome.status is not OK or outcome.value == 1
    assert everywhere("return 'next'", processes="2", lanes=1).value == "next"
