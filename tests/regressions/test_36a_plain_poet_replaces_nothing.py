"""Without a domain nothing is replaced and no version is written (case 36a: own rules under plain `@poet`)."""

import dataclasses
import logging
from pathlib import Path

import pytest
from tests.unit.decorator.conftest import Workshop

from poet_engine.errors import UsageError

HEAD = "import numpy as np\nimport requests\nfrom poet_engine.decorator import poet\n\n\n"
OWN_RULE = (
    "    moved = abs(np.mean(current) - np.mean(reference)) / abs(np.mean(reference))\n"
    "    return {'drift_detected': bool(moved > 0.05), 'score': float(moved)}\n"
)
STUB = "    return {'drift_detected': False}\n"
PLAIN = ["@poet", "@poet()", "@poet(retries=0)", "@poet(timeout='5s')"]


def function(decorator: str, body: str = OWN_RULE) -> str:
    return f"{HEAD}{decorator}\ndef detect_drift(current, reference):\n{body}"


@pytest.mark.parametrize("decorator", PLAIN)
@pytest.mark.parametrize("body", [OWN_RULE, STUB], ids=["own rule", "stub"])
def test_the_body_answers_and_nothing_is_written(
    workshop: Workshop, tmp_path: Path, caplog: pytest.LogCaptureFixture, decorator: str, body: str
) -> None:
    """Whatever it looks like: no sandbox is opened, nothing is stored, and there is nothing to warn of."""
    detect = workshop.load(function(decorator, body))
    given = [[100.05] * 40, [100.0] * 40]
    with caplog.at_level(logging.INFO, logger="poet_engine"):
        execution = detect.poet.call(*given)
        assert execution.value == detect.original(*given)
    assert (execution.served_by, execution.version, execution.outcome.sandbox) == ("original", "original", "host")
    assert (detect.poet.current, detect.poet.versions()) == (None, [])
    assert not list((tmp_path / ".poet").glob("detect_drift/v*"))
    assert [record.levelname for record in caplog.records if record.levelno >= logging.WARNING] == []
    said = [record.getMessage() for record in caplog.records if "names no domain" in record.getMessage()]
    assert len(said) == 1
    hinted = body is OWN_RULE  # it uses numpy
    assert ("domain='ml_monitoring' may fit it" in said[0]) is hinted
    why = str(workshop.events()[0].payload.fallback_reason)  # `poet show` has it from there
    assert ("may fit it" in why) is hinted
    assert "names no domain" in why


def test_no_sandbox_is_opened(workshop: Workshop) -> None:
    workshop.load(function("@poet"))([1.0], [2.0])
    assert workshop.engines == []


def test_reliability_stays(workshop: Workshop) -> None:
    """Rules of arguments, retries, the breaker and events are around the body all the same."""
    text = function("@poet(idempotent=True)", "    requests.append(1)\n    raise ConnectionError\n")
    detect = workshop.load(text.replace("import requests\n", "requests = []\n"))
    with pytest.raises(ConnectionError):
        detect([1.0], [2.0])
    assert workshop.events()[0].payload.attempts == 4


def test_a_version_that_an_older_release_wrote_by_a_guess_does_not_serve(workshop: Workshop) -> None:
    """It stays where it is, and serves once the domain is named; rolling back to it says so."""
    stub = function("@poet(domain='ml_monitoring')", STUB)
    named = workshop.load(stub)
    first = named.poet.current
    assert first is not None
    store = named.poet._context().versions
    plain = workshop.load(function("@poet", STUB))
    digest = plain.poet._context().info.source_digest
    old = store.add(code=first.code, params={}, metadata=dataclasses.replace(first.metadata, original_digest=digest))
    store.promote(old.name, actor="tests", reason="as an older release did")
    assert plain([1.0], [2.0]) == {"drift_detected": False}
    assert [version.name for version in plain.poet.versions()] == ["v1", "v2"]
    with pytest.raises(UsageError, match=r"v2 was written to replace the body for the domain ml_monitoring"):
        plain.poet.rollback("v2")


@pytest.mark.parametrize("decorator", ["@poet(optimize_for='accuracy')", "@poet(optimize_for='speed', retries=0)"])
def test_an_objective_alone_is_said_once_at_decoration(
    workshop: Workshop, caplog: pytest.LogCaptureFixture, decorator: str
) -> None:
    """It means the base domain, which has no code yet; the body answers."""
    detect = workshop.load(function(decorator))
    [said] = [record.getMessage() for record in caplog.records]
    assert "domain='base'" in said
    assert "@poet(domain=" in said
    assert detect([100.05] * 40, [100.0] * 40) == detect.original([100.05] * 40, [100.0] * 40)
    assert len(caplog.records) == 1


def test_a_policy_that_cannot_be_used_is_still_said(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    """Although nothing needs it: whoever wrote it expects it to hold."""
    detect = workshop.load(function("@poet(policy='nowhere')", STUB))
    assert detect([1.0], [2.0]) == {"drift_detected": False}
    assert "nowhere" in caplog.text
