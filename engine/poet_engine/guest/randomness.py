"""Reseed each payload: they are forked from one parent, and would all draw the same numbers."""

import ctypes
import os
import random  # noqa: TID251 - not to draw from: every payload must reseed it
import sys
import tempfile

# MT19937 keeps 624 words and the place of the next one (numpy/random/src/mt19937/mt19937.h)
_WORDS = 624
_BYTES = 4 * _WORDS

# The core of `random.seed`. Its Python around that touches ten pages, each of which is then copied for the payload.
_reseed = super(random.Random, random.seed.__self__).seed  # type: ignore[attr-defined] # it is a bound method

# Where `multiprocessing` keeps the key by which its processes know each other; empty where it is not loaded.
_keys: list[dict[str, object]] = []
_KEY, _KEY_BYTES = "authkey", 32
_numpy_state: list[int] = []  # where numpy's global generator keeps its words; empty where there is none


def find() -> None:
    """In the zygote: find the state that payloads renew, and clear what was drawn already."""
    # a sequence of names that an import has begun would be shared; there is no public way to forget it
    vars(tempfile)["_name_sequence"] = None
    random.seed()  # forgets the second number of a pair that `random.gauss` may have drawn
    _numpy_state.clear()
    _keys.clear()
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None:
        _keys.append(vars(processes.current_process())["_config"])
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        generator = numpy_random.mtrand._rand._bit_generator  # noqa: SLF001 - no other way leads to the global one
        _numpy_state.append(generator.ctypes.state_address)
        renew()
        state = generator.state["state"]
        _check(bytes(state["key"]), state["pos"])


def _check(key: bytes, position: int) -> None:
    """Check that this numpy keeps the words where `renew` writes them."""
    words = (ctypes.c_uint32 * _WORDS).from_address(_numpy_state[0])
    if position != _WORDS or key != bytes(words):
        raise RuntimeError("numpy keeps the state of its global generator in another form than this engine knows")


def renew() -> None:
    """Seed the random generators of this payload anew.

    The words of numpy's generator are replaced as they lie. Its own `seed()` runs through so much of numpy that the
    pages it touches cost more than all the other preparations together.
    """
    _reseed()
    for config in _keys:
        config[_KEY] = type(config[_KEY])(os.urandom(_KEY_BYTES))  # type: ignore[call-arg] # it is a class of bytes
    for address in _numpy_state:
        ctypes.memmove(address, os.urandom(_BYTES), _BYTES)
        ctypes.c_int.from_address(address + _BYTES).value = _WORDS
