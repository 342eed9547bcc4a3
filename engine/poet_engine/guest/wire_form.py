"""Say what encoding and decoding of values agree on: tags, factories, and the prices of what a message holds."""

from collections.abc import Iterator

from . import decoding_budget, json_shape
from .errors import UndecodableError

TAG, VALUE = "~", "v"
MAX_DEPTH = json_shape.MAX_DEPTH
# The greatest common divisor, which a fraction is reduced by, takes time by the square of their length.
MAX_FRACTION_BITS = 1 << 12
# Collections of hashes up to here are built unseen: the worst that can be made of them takes under a millisecond.
HARMLESS_HASHES = 1000
# Steps of probing that an item may take on average; the worst honest set that was tried, floats in steps of 1/1024,
# takes 11.
_MAX_MEAN_STEPS = 16
_WORD = (1 << 64) - 1
# Their hashes are keyed with a secret of the process, so they cannot be chosen to collide.
SECRET_HASHES = frozenset((str, bytes))
_NUMBERS = frozenset((int, float, bool, type(None)))
# The factories of a `defaultdict` that travel, by their fixed names.
FACTORIES: dict[object, object] = {None: None, **{kind.__name__: kind for kind in (bool, bytes, complex, dict, float)}}
FACTORIES |= {kind.__name__: kind for kind in (frozenset, int, list, set, str, tuple)}
FACTORY_NAMES = {factory: name for name, factory in FACTORIES.items()}


def path_price(text: str) -> int:
    """Return the price of the parts of a path."""
    return decoding_budget.PATH_PART * text.count("/")


def member_price(members: list[object]) -> int:
    """Return the price of looking at members of a set, or at keys, whose hashes can be chosen."""
    numbers = set(map(type, members)) <= _NUMBERS
    return len(members) * (decoding_budget.MEMBER if numbers else decoding_budget.OBJECT_MEMBER)


def extra_steps(hashes: list[int]) -> Iterator[int]:
    """Count the probing steps of the hashes in tables of every size that a set or dict of them grows through.

    Hashes of numbers are no secret, so different ones can be chosen to follow each other's probing; hashes of text are.
    The walk is that of CPython's Objects/dictobject.c, in tables filled to two thirds.

    Yields:
        For each size, the steps of probing beyond those that a member has for nothing.

    Raises:
        UndecodableError: They collide so often that somebody chose them for it.
    """
    size = 1 << HARMLESS_HASHES.bit_length()
    while size < 8 * len(hashes):
        tried = hashes[: size * 2 // 3]
        yield max(0, _steps(tried, size) - decoding_budget.FREE_STEPS * len(tried))
        size *= 2


def _steps(hashes: list[int], size: int) -> int:
    mask, taken = size - 1, bytearray(size)
    steps, most = 0, _MAX_MEAN_STEPS * len(hashes)
    for number in hashes:
        perturb = number & _WORD
        slot = number & mask
        while taken[slot]:
            perturb >>= 5
            slot = (slot * 5 + perturb + 1) & mask
            steps += 1
            if steps > most:
                raise UndecodableError("too many keys whose hashes collide")
        taken[slot] = 1
    return steps
