"""Two hundred calls and more, while containers are killed at random and the daemon is started anew once."""

import collections
import contextlib
import gc
import random  # noqa: TID251 - seeded: what is killed is the same each time
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.integration.waiting import until

from poet_engine.errors import DockerError
from poet_engine.job import Job
from poet_engine.outcome import Blame, Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.docker import DockerSandbox
from poet_engine.sandbox.docker.client import ContainerClient
from poet_engine.sandbox.docker.scheduling import ContainerPoolSize

if TYPE_CHECKING:
    from tests.integration.conftest import OwnDaemon

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(600)]

CALLS, THREADS, VERSIONS, RESTART_AT = 200, 4, 3, 100
# Calls go on until so many containers were killed, in batches: a fast machine is done with the calls before that.
KILLS, BATCH, MOST_CALLS = 6, 50, 2000
WALL = 10.0
# A daemon that hangs, or a machine that is busy with something else, costs this much more.
GRACE = 20.0
POLICY = Policy.parse(
    f'version = 1\nname = "chaos"\nextends = "restricted"\n[limits]\nwall = "{WALL:.0f}s"\ncpu = "5s"\n'
)
OURS = {"lane_lost", "docker_daemon", "queue_timeout", "queue_stalled", "setup"}


class Answer(NamedTuple):
    """What a caller got, from the sandbox or else from the original."""

    value: object
    expected: int
    outcome: Outcome
    seconds: float


def original(version: int, number: int) -> int:
    return version * 1000 + number


def call(sandbox: DockerSandbox, number: int) -> Answer:
    version = number % VERSIONS
    source = f"import time\ndef f(number):\n    time.sleep(0.05)\n    return {version} * 1000 + number\n"
    began = time.monotonic()
    outcome = sandbox.run(Job(source=source, entry="f", args=(number,), wall=WALL))
    value = outcome.value if outcome.ok else original(version, number)
    return Answer(value, original(version, number), outcome, time.monotonic() - began)


def batch_after(answers: list[Answer]) -> range:
    return range(len(answers), len(answers) + BATCH)


class Killer:
    """Kills or removes a container of the daemon now and then, until it is told to stop.

    Args:
        host: The daemon's address.
    """

    def __init__(self, host: str) -> None:
        self._host, self._stopped = host, threading.Event()
        self.killed = 0
        self._thread = threading.Thread(target=self._kill)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _kill(self) -> None:
        chance = random.Random(5)  # noqa: S311 - it needs no secret
        while not self._stopped.wait(chance.uniform(0.3, 0.9)):
            with contextlib.suppress(DockerError), ContainerClient(self._host) as engine:  # it may be away
                found = [container.id for container in engine.owned() if container.running]
                if found:
                    how = chance.choice([ContainerClient.kill, ContainerClient.remove])
                    how(engine, chance.choice(found))
                    self.killed += 1


def test_every_call_is_answered_and_nothing_leaks(own_daemon: "OwnDaemon") -> None:
    gc.collect()
    descriptors, threads = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    with DockerSandbox(POLICY, host=own_daemon.host, size=ContainerPoolSize(spare=1, most=6)) as sandbox:
        answers: list[Answer] = []
        killer = Killer(own_daemon.host)
        try:
            with ThreadPoolExecutor(THREADS) as callers:
                while len(answers) < CALLS or (killer.killed < KILLS and len(answers) < MOST_CALLS):
                    for answer in callers.map(lambda number: call(sandbox, number), batch_after(answers)):
                        answers.append(answer)
                        if len(answers) == RESTART_AT:
                            own_daemon.stop()
                            own_daemon.start()
        finally:
            killer.stop()
        assert until(lambda: sandbox.run(Job(source="def f():\n    return 7\n", entry="f")).ok), "it has recovered"

        causes = collections.Counter(answer.outcome.cause for answer in answers)
        assert [answer.value for answer in answers] == [answer.expected for answer in answers]
        assert {answer.outcome.status for answer in answers} <= {Status.OK, Status.INFRA}, causes
        lost = [answer.outcome for answer in answers if not answer.outcome.ok]
        assert {outcome.cause for outcome in lost} <= OURS, causes
        assert all(outcome.blame is Blame.ENGINE for outcome in lost)
        assert max(answer.seconds for answer in answers) < WALL + GRACE
        assert killer.killed >= KILLS
        assert causes[None] > len(answers) / 4, "most of the calls are answered by the sandbox"

        assert until(lambda: sandbox.statistics().ready == sandbox.statistics().lanes)
        found = sandbox.statistics()
        assert (found.busy, found.waiting) == (0, 0)
        assert found.calls > len(answers)
        assert found.lanes == found.lanes_made - found.lanes_destroyed
        with ContainerClient(own_daemon.host) as engine:
            assert until(lambda: len(engine.owned()) == found.lanes)
    with ContainerClient(own_daemon.host) as engine:
        assert until(lambda: not engine.owned())
    gc.collect()
    assert threading.active_count() == threads
    assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors
