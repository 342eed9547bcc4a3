"""An error for want of memory shows the code's own lines and nothing of ours, and is `limit/memory`."""

from collections.abc import Callable

import pytest

from poet_engine import Engine

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]

BODIES = {
    "many small ones": "numbers = []\nfor number in range(10**8):\n    numbers.append(number)",
    "one large one": "hold = bytearray(1 << 40)",
    "texts in a dict": "found = {}\nfor number in range(10**8):\n    found[number] = 'x' * 50",
    "in an exception's own handler": """
held = []
try:
    1 / 0
except ZeroDivisionError:
    while True:
        held.append(object())
""",
}
_OURS = ("poet_engine", "payload", "guest", "another exception", "_serve")


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_script(open_engine: OpenEngine, any_code_policy: AnyCodePolicy, body: str) -> None:
    """Standard error has what CPython prints, and the process ends with 1; small objects may take the last byte."""
    outcome = open_engine(any_code_policy("restricted", "")).run_script(body)
    assert (outcome.status, outcome.cause) == ("limit", "memory"), outcome
    if outcome.exit_code is None:  # the kernel was quicker
        return
    assert outcome.exit_code == 1
    assert outcome.error is not None
    for text in (outcome.error.traceback, outcome.stderr):
        assert 'script.py", line ' in text
        assert text.endswith("MemoryError\n")
        if "except" not in body:
            assert not [word for word in _OURS if word in text], text


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_function(open_engine: OpenEngine, any_code_policy: AnyCodePolicy, body: str) -> None:
    """The same in a function, whose error has its lines."""
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    outcome = open_engine(any_code_policy("restricted", "")).run(f"def f():\n{lines}", "f")
    assert (outcome.status, outcome.cause) == ("limit", "memory"), outcome
    if outcome.error is not None:
        assert outcome.error.type == "MemoryError"
        assert not [word for word in _OURS[:3] if word in outcome.error.traceback]
