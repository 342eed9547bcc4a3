"""Call the program's code so that its first frame is the outermost one, as in CPython.

A program can walk its stack: `traceback.print_stack`, `inspect.stack`, `f_back`, the callers that `warnings` and
`logging` name. Below its module there is nothing in CPython; here there would be our own frames, which run it. A frame
gets its `f_back` from what the interpreter takes for the current frame when C code calls it. So that is taken away for
the length of one call from C, as extensions that switch stacks do, and put back when the call has ended.

The place is a field of CPython's own, which differs between versions. It is used where it is known, and only when what
stands there is the frame that it has to be; elsewhere the code is called as it is, and our frames are seen.
"""

import ctypes
import functools
import operator
import sys
from collections.abc import Callable, Sequence

_WORD = ctypes.sizeof(ctypes.c_void_p)
_FRAME = object.__basicsize__ + _WORD  # of the interpreter's own frame in a frame object, behind `f_back`
_THREAD_WORDS = 32  # of a thread's state, in which its current frame is looked for
_CFRAME = 56  # where the state of a thread in 3.11 and 3.12 has the frame of C that holds the current one
_IN_CFRAME = {(3, 11): _WORD, (3, 12): 0}
_IN_THREAD = {(3, 13)}
_version = sys.version_info[:2]
_call: "Callable[[Callable[[], object]], object]" = operator.call
_word = ctypes.c_void_p.from_address
_thread = ctypes.pythonapi.PyThreadState_Get
_thread.argtypes, _thread.restype = (), ctypes.c_void_p


def call(function: Callable[[], object]) -> object:
    """Call a function written in C, such as a partial `exec`; the frames that it makes have none of ours below them.

    Raises:
        BaseException: What it raises.
    """
    current = _word(id(sys._getframe()) + _FRAME).value  # noqa: SLF001 - there is no other name for it
    for place in map(_word, _places()):
        if place.value == current:
            break
    else:
        return function()
    hide = functools.partial(setattr, place, "value", None)
    show = functools.partial(setattr, place, "value", current)
    steps: list[Callable[[], object]] = [hide, function, show]
    try:
        # one call from here, in C: nothing of ours runs while there is no current frame
        return list(map(_call, steps))[1]
    except BaseException:
        show()
        raise


def _places() -> Sequence[int]:
    """Return the addresses of words one of which holds the current frame, where they are known."""
    state: int = _thread()
    if _version in _IN_CFRAME:
        cframe = _word(state + _CFRAME).value
        return [cframe + _IN_CFRAME[_version]] if cframe else []
    return range(state, state + _THREAD_WORDS * _WORD, _WORD) if _version in _IN_THREAD else []
