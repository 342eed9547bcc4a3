"""What an engine makes of modes, waivers and levels of its policy, with a sandbox that answers from a script."""

import dataclasses
import hashlib
from collections.abc import Sequence

import pytest
from tests.unit.engine.bench import CLEAN, FORBIDDEN, NOW, Bench, bench

from poet_engine.engine import Engine
from poet_engine.gate import Gate
from poet_engine.journal import Journal
from poet_engine.outcome import Effect, Finding, Status, Usage
from poet_engine.policy import Policy
from poet_engine.sandbox.fake import ScriptedSandbox, ok


def marked(findings: Sequence[Finding]) -> list[tuple[str, Effect]]:
    return [(finding.rule, finding.effect) for finding in findings]


def noted(made: Bench) -> list[tuple[str, str]]:
    """What the event of the only run says of findings."""
    return [(note.rule, note.effect) for note in made.event().payload.findings or ()]


WAIVED = """
[[waivers]]
rule = "POET110"
scope = "{scope}"
owner = "platform team"
reason = "reads its own process id"
expires = {day}
"""


def waiving(scope: str, day: str = "2023-11-14") -> Policy:
    """`restricted` with a waiver; `NOW` is in the evening of that day, in UTC."""
    return Policy.parse(WAIVED.format(scope=scope, day=day))


class TestWaivers:
    """What is waived runs, and is reported as waived."""

    @pytest.mark.parametrize(
        "scope", ["double", "dou*", "<generated>", f"sha256:{hashlib.sha256(FORBIDDEN.encode()).hexdigest()}"]
    )
    def test_a_waived_finding_does_not_reject_and_is_reported_with_its_reason(
        self, gate: Gate, journal: Journal, scope: str
    ) -> None:
        made = bench(gate, journal, policy=waiving(scope))
        outcome = made.engine.run(FORBIDDEN, "double", 1)
        assert outcome.ok
        assert {finding.effect for finding in outcome.findings} == {Effect.WAIVED}
        assert outcome.findings[0].note == "until 2023-11-14 by platform team: reads its own process id"
        assert noted(made) == [("POET110", "waived")] * len(outcome.findings)
        assert made.engine.scan(FORBIDDEN, "double", "<generated>").cause is None

    @pytest.mark.parametrize(
        ("policy", "note"),
        [
            (waiving("triple"), ""),
            (waiving(f"sha256:{'0' * 64}"), ""),
            (waiving("double", "2023-11-13"), "the waiver of platform team expired on 2023-11-13"),
        ],
    )
    def test_out_of_its_scope_and_after_its_day_it_waives_nothing(
        self, gate: Gate, journal: Journal, policy: Policy, note: str
    ) -> None:
        made = bench(gate, journal, policy=policy)
        outcome = made.engine.run(FORBIDDEN, "double", 1)
        assert (outcome.status, outcome.cause) == (Status.REJECTED, "scan_ast")
        assert made.sandbox.jobs == []
        assert outcome.findings[0].note == note

    def test_what_it_does_not_name_still_rejects(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal, policy=waiving("double"))
        outcome = made.engine.run(f"{FORBIDDEN}    eval('1')\n", "double", 1)
        assert outcome.status is Status.REJECTED
        assert outcome.evidence is not None
        assert outcome.evidence.counter != "POET110"
        assert "POET110" not in outcome.describe()

    def test_a_source_with_more_findings_than_are_shown_is_waived_nothing(self, gate: Gate, journal: Journal) -> None:
        """Else a hostile source could hide what nobody waived behind many findings that somebody did."""
        many = "".join(f"import os{number}\n" for number in range(250)) + "def double(x):\n    return eval(x)\n"
        outcome = bench(gate, journal, policy=waiving("double")).engine.run(many, "double", 1)
        assert outcome.status is Status.REJECTED
        assert Effect.WAIVED not in {finding.effect for finding in outcome.findings}

    def test_the_day_is_looked_at_each_time(self, gate: Gate) -> None:
        """A version that a waiver let through stops at midnight, though nothing else has changed."""
        policy = waiving("double")
        now = [NOW]
        engine = Engine(
            policy=policy,
            sandbox=ScriptedSandbox([ok(1)]),
            gate=gate,
            recorder=None,
            new_id=lambda: "run",
            clock=lambda: now[0],
        )
        assert engine.run(FORBIDDEN, "double").ok
        now[0] += 86_400
        assert engine.run(FORBIDDEN, "double").status is Status.REJECTED


class TestLevels:
    """Other policies that a source and a run are held against, as well as the one that is enforced."""

    POLICY = """
[static]
warn = ["restricted"]
audit = ["data", "restricted"]
[static.imports]
os = ["getpid"]
[limits]
warn = ["restricted"]
audit = ["data"]
wall = "60s"
memory = "2GiB"
"""

    def test_what_a_stricter_policy_would_reject_runs_and_is_told_once(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal, policy=Policy.parse(self.POLICY))
        outcome = made.engine.run(FORBIDDEN, "double", 1)
        assert outcome.ok
        assert marked(outcome.findings) == [("POET110", Effect.WARN)] * len(outcome.findings)
        assert {finding.note for finding in outcome.findings} == {"under 'restricted'"}
        assert outcome.findings
        assert outcome.audited == ()

    def test_what_is_enforced_rejects_all_the_same(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal, policy=Policy.parse('[static]\nwarn = ["lab"]'))
        assert made.engine.run(FORBIDDEN, "double").status is Status.REJECTED

    def test_what_a_run_used_beyond_other_limits_is_told_and_recorded(self, gate: Gate, journal: Journal) -> None:
        usage = Usage(wall_ms=9_000, cpu_ms=1.0, memory_peak_bytes=600 * 2**20, bytes_out=5)
        made = bench(gate, journal, dataclasses.replace(ok(1), usage=usage), policy=Policy.parse(self.POLICY))
        outcome = made.engine.run(CLEAN, "double")
        assert outcome.ok
        assert marked(outcome.findings) == [("limits.wall", Effect.WARN), ("limits.memory", Effect.WARN)]
        assert outcome.findings[1].message == "600MiB used, and the policy 'restricted' gives 256MiB"
        assert marked(outcome.audited) == [("limits.wall", Effect.AUDIT), ("limits.memory", Effect.AUDIT)]
        assert noted(made) == [
            ("limits.wall", "audit"),
            ("limits.memory", "audit"),
            ("limits.wall", "warn"),
            ("limits.memory", "warn"),
        ]

    def test_a_run_within_them_has_nothing_to_tell(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal, policy=Policy.parse(self.POLICY))
        outcome = made.engine.run(CLEAN, "double")
        assert (outcome.findings, outcome.audited) == ((), ())
        assert made.event().payload.findings is None
