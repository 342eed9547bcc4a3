"""An engine whose sandbox answers from a script, and what stands around it."""

import dataclasses
import itertools
import os

from poet_engine.engine import Engine
from poet_engine.events import EventFactory, ExecutionEvent
from poet_engine.gate import Gate
from poet_engine.journal import Journal
from poet_engine.journal.recorder import Recorder
from poet_engine.outcome import Outcome
from poet_engine.policy import Policy
from poet_engine.sandbox.fake import Answer, ScriptedSandbox, ok

POLICY = Policy.load("restricted")
CLEAN = "def double(x):\n    return 2 * x\n"
FORBIDDEN = "import os\n\ndef double(x):\n    return os.getpid()\n"
NOW = 1_700_000_000.0


@dataclasses.dataclass
class Bench:
    """An engine and what stands around it."""

    engine: Engine
    sandbox: ScriptedSandbox
    journal: Journal

    def event(self) -> ExecutionEvent:
        """The only one there is."""
        (event,) = self.journal.find()
        assert isinstance(event, ExecutionEvent)
        return event


def bench(
    gate: Gate, journal: Journal, *answers: Answer, policy: Policy = POLICY, for_script: Outcome | None = None
) -> Bench:
    """An engine that gets these answers, one each second."""
    sandbox = ScriptedSandbox(answers or [ok(42)], for_script=for_script)
    numbers = itertools.count(1)
    clock = itertools.count()
    factory = EventFactory(lambda: NOW, os.urandom, "test", "tests", "1")
    engine = Engine(
        policy=policy,
        sandbox=sandbox,
        gate=gate,
        recorder=Recorder(journal, factory),
        new_id=lambda: f"run-{next(numbers)}",
        clock=lambda: NOW + next(clock),
    )
    return Bench(engine, sandbox, journal)
