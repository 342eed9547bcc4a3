"""What a payload writes to is copied page by page: most of what a call costs, and exact where times are noise."""

import sys
from pathlib import Path

import psutil
import pytest

from poet_engine.job import Job
from poet_engine.outcome import Status
from poet_engine.policy import Policy
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.process import ProcessSandbox

_SOURCE = """
def answers(values):
    return {"total": sum(values), "count": len(values)}

def fails(values):
    raise ValueError("on purpose")
"""
_CALLS = 10
_FORK_SERVERS = 4
# Page faults of a whole life, as CPython 3.11 lays its objects: some five in a hundred above what was counted.
_MOST = {"answers": 540, "fails": 660}

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.root,  # an ordinary user's payloads take other steps
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="counted with CPython 3.11"),
]


def _lanes() -> set[int]:
    """The first processes of all lanes; sandboxes of other tests may be open."""
    return {child.pid for child in psutil.Process().children(recursive=True) if child.name() == "poet-lane"}


def _faults_of_ended_payloads(lanes: set[int]) -> int:
    """Return the page faults of all children that the lanes' first processes have waited for."""
    states = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in lanes]
    return sum(int(fields[8]) for fields in states)


def _faults_of_a_call(entry: str, status: Status) -> float:
    """Return the page faults of a payload's whole life, the mean of some, in a sandbox of its own."""
    job = Job(source=_SOURCE, entry=entry, args=([1.0, 2.0, 3.0],))
    others = _lanes()
    with ProcessSandbox(Policy.parse('version = 1\nname = "plain"\n'), size=PoolSize(least=1, most=1)) as sandbox:
        for _ in range(5):  # what is compiled ahead, and what the first calls of a lane fault in
            assert sandbox.run(job).status is status
        lanes = _lanes() - others
        before = _faults_of_ended_payloads(lanes)
        for _ in range(_CALLS):
            assert sandbox.run(job).status is status
        return (_faults_of_ended_payloads(lanes) - before) / _CALLS  # the last one may not have been waited for yet


@pytest.mark.parametrize(("entry", "status"), [("answers", Status.OK), ("fails", Status.ERROR)])
def test_a_payload_touches_few_pages(entry: str, status: Status) -> None:
    """How many these are depends a little on where a fork server's memory lies, so several are asked."""
    counted: list[float] = []
    while len(counted) < _FORK_SERVERS and (not counted or counted[-1] > _MOST[entry]):
        counted.append(_faults_of_a_call(entry, status))

    assert 0 < min(counted) <= _MOST[entry], counted
