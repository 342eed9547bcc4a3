"""One scanner for all tests of this folder: what the worker runs, here without its process."""

import warnings
from collections.abc import Callable

import pytest

from poet_engine.gate.ruleset import Allowance, Caps, Ruleset
from poet_engine.gate.scan import scan
from poet_engine.outcome import Finding
from poet_engine.policy import Policy

Scan = Callable[[str, str], tuple[tuple[Finding, ...], str | None]]


def _ruleset(policy: Policy) -> Ruleset:
    static = policy.static
    return Ruleset(
        Allowance(static.imports),
        Caps(static.max_bytes, static.max_lines, static.max_nodes, static.max_depth),
        static.bandit_severity,
        static.bandit_confidence,
        policy.limits.memory,
    )


@pytest.fixture(scope="session")
def scan_with() -> Scan:
    """`scan_with(source, preset)` gives the findings and the cause."""
    rulesets = {name: _ruleset(Policy.load(name)) for name in ("restricted", "data")}
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # bandit's own use of stevedore
        from poet_engine.gate.bandit_scan import BanditScan  # noqa: PLC0415 - loading it is what warns

        bandit = BanditScan()
    return lambda source, preset: scan(source, rulesets[preset], bandit.check)
