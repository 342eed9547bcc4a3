"""Which rights a rule set names for each version of Landlock: one that the kernel does not know would be refused."""

import struct

import pytest

from poet_engine.guest import landlock

# ABI → rights to files, words of the attribute (Documentation/userspace-api/landlock.rst)
EXPECTED = {
    0: (0, 1),
    1: ((1 << 13) - 1, 1),
    2: ((1 << 14) - 1, 1),
    3: ((1 << 15) - 1, 1),
    4: ((1 << 15) - 1, 2),
    5: ((1 << 16) - 1, 2),
    6: ((1 << 16) - 1, 3),
    99: ((1 << 16) - 1, 3),
}


@pytest.mark.parametrize(("version", "expected"), EXPECTED.items())
def test_a_rule_set_handles_all_that_its_version_knows_and_no_more(version: int, expected: tuple[int, int]) -> None:
    files, attribute = landlock.handled(version)
    words = struct.unpack(f"={len(attribute) // 8}Q", attribute)
    assert (files, len(words)) == expected
    assert words == (files, 3, 3)[: len(words)]
