"""A guest that speaks the protocol badly: whatever it writes, the host says what came of it and goes on."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from poet_engine.guest.frames import FrameKind, pack
from poet_engine.job import Job
from poet_engine.outcome import Blame, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.sandbox

_SOURCE = """
import os, stat, time

def speak(parts, then):
    request = next(fd for fd in range(3, 64) if _is_socket(fd))
    for part in parts:
        try:
            os.write(request, part)
        except OSError:
            break
    if then == "close":
        os.close(request)
    if then == "exit":
        os._exit(0)
    if then == "wait":
        time.sleep(60)
    return "a proper answer"

def _is_socket(fd):
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False
"""
# What a guest can bring about by writing; `infra` is not among it, whatever it says.
_POSSIBLE = {Status.OK, Status.REFUSED, Status.ERROR, Status.LIMIT, Status.NO_RESULT}

_kinds = st.sampled_from(list(FrameKind))
_frames = st.builds(pack, _kinds, st.binary(max_size=64) | st.just(b'"x"') | st.just(b"{}"))
_lying = st.builds(
    lambda kind, length, content: bytes([kind]) + length.to_bytes(4, "big") + content,
    st.integers(0, 255),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=64),
)
_parts = st.lists(st.binary(max_size=64) | _frames | _lying, max_size=4)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(Policy.parse('[limits]\nwall = "2s"\n')) as opened:
        yield opened


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=_parts, then=st.sampled_from(["return", "close", "exit", "wait"]))
@example(parts=[pack(FrameKind.RESULT, b"1") * 2], then="return")  # doubled
@example(parts=[pack(FrameKind.RESULT, b"1"), b"\0"], then="exit")  # a byte too many
@example(parts=[b"\x02\xff\xff\xff\xff"], then="wait")  # announces four gigabytes
@example(parts=[b"\x02\x00\x00\x10\x00", b"x"], then="wait")  # never ends
@example(parts=[pack(FrameKind.SETUP_FAILED, b"the host did it")], then="exit")  # blames us
@example(parts=[pack(FrameKind.READY)], then="exit")  # says that it is ready, again
@example(parts=[pack(FrameKind.EXCEPTION, b'{"kind": "setup", "type": 1}')], then="exit")
@example(parts=[pack(FrameKind.REFUSED, b"[]")], then="close")
@example(parts=[pack(FrameKind.RESULT, b"[" * 60)], then="return")
def test_nothing_that_a_guest_writes_is_our_fault(sandbox: ProcessSandbox, parts: list[bytes], then: str) -> None:
    job = Job(source=_SOURCE, entry="speak", args=(parts, then), wall=0.3)
    outcome = sandbox.run(job)
    assert outcome.status in _POSSIBLE, outcome.describe()
    assert outcome.blame is not Blame.ENGINE
    assert sandbox.run(Job(source="def f():\n    return 7\n", entry="f")).value == 7


def test_control_a_guest_that_writes_nothing_is_heard(sandbox: ProcessSandbox) -> None:
    outcome = sandbox.run(Job(source=_SOURCE, entry="speak", args=([], "return")))
    assert outcome.value == "a proper answer"
