"""The ids that were seen, in 24 bytes each, so that millions of them fit into memory."""

import array
import bisect
import hashlib
from collections.abc import Iterator

_BUCKETS = 256  # what is sorted or compared at once is so much less than the whole
_KEY_BYTES = 8


class Ledger:
    """Ids with a number and the line they stand on. Fill it, `sort` it, then ask.

    An id is kept as a salted hash of 64 bits: with ten million ids, two share one with a probability below 1e-5, and
    nobody can choose ids that do.

    Args:
        salt: Unpredictable bytes, at most 64.
    """

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._keys = [array.array("Q") for _ in range(_BUCKETS)]
        self._marks = [array.array("Q") for _ in range(_BUCKETS)]
        self._lines = [array.array("Q") for _ in range(_BUCKETS)]

    def __repr__(self) -> str:
        return f"<Ledger entries={len(self)}>"

    def __len__(self) -> int:
        return sum(map(len, self._keys))

    def add(self, name: str, mark: int, line: int) -> None:
        """Keep an id with a number of 64 bits and its line."""
        key = self._key(name)
        bucket = key % _BUCKETS
        self._keys[bucket].append(key)
        self._marks[bucket].append(mark)
        self._lines[bucket].append(line)

    def sort(self) -> None:
        """Make it ready for questions."""
        for columns in zip(self._keys, self._marks, self._lines, strict=True):
            order = sorted(zip(*columns, strict=True))
            for column, values in zip(columns, zip(*order, strict=True), strict=False):
                column[:] = array.array("Q", values)

    def find(self, name: str) -> tuple[int, int] | None:
        """Return mark and line of an id; None when it was never added."""
        key = self._key(name)
        bucket = key % _BUCKETS
        keys = self._keys[bucket]
        place = bisect.bisect_left(keys, key)
        if place == len(keys) or keys[place] != key:
            return None
        return self._marks[bucket][place], self._lines[bucket][place]

    def doubles(self) -> Iterator[tuple[int, int]]:
        """Return pairs of lines that hold the same id."""
        for keys, lines in zip(self._keys, self._lines, strict=True):
            for place in range(1, len(keys)):
                if keys[place] == keys[place - 1]:
                    pair = sorted(lines[place - 1 : place + 1])
                    yield pair[0], pair[1]

    def _key(self, name: str) -> int:
        return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=_KEY_BYTES, key=self._salt).digest())
