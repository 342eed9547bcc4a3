"""A decorated function under policies that change, and under the layers around its module."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine.errors import UsageError

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Detector, Workshop

MODULE = """\
from poet_engine.decorator import poet


@poet(domain="ml_monitoring"{option})
def detect_drift(current, reference):
    return {{"drift_detected": False}}
"""
LISTS_OS = 'extends = "data"\n[static.imports]\nos = ["getpid"]\n'
USES_OS = "import os\n\n\ndef detect_drift(current, reference):\n    return os.getpid()\n"


def _load(workshop: "Workshop", policy: Path | None = None) -> "Detector":
    return workshop.load(MODULE.format(option="" if policy is None else f', policy="{policy}"'))


class TestChangedPolicy:
    """A version is scanned under the policy that holds now, before it may run."""

    @pytest.fixture
    def policy(self, workshop: "Workshop", tmp_path: Path) -> Path:
        """The file of a policy that lists `os`, under which v1 was stored, which uses it."""
        file = tmp_path / "mine.toml"
        file.write_text(LISTS_OS)
        adopted = _load(workshop, file).poet.adopt(USES_OS)
        assert _load(workshop, file).poet.current is not None
        assert adopted.metadata.policy_digest == workshop.engines[0].policy.digest
        return file

    def test_a_version_that_it_rejects_does_not_run_and_the_reason_says_why(
        self, workshop: "Workshop", policy: Path
    ) -> None:
        policy.write_text('extends = "data"\n')
        detect = _load(workshop, policy)
        execution = detect.poet.call([1.0], [2.0])
        assert (execution.served_by, execution.version, workshop.jobs) == ("original", "original", [])
        assert "was stored under another policy" in str(execution.fallback_reason)
        assert "POET110 on line 1" in str(execution.fallback_reason)
        with pytest.raises(UsageError, match="POET110"):
            detect.poet.rollback("v2")

    def test_a_version_that_it_lets_through_serves(self, workshop: "Workshop", policy: Path) -> None:
        """What changed had nothing to do with it; the event has the digest that holds now."""
        policy.write_text(f'{LISTS_OS}[limits]\nwall = "1s"\n')
        detect = _load(workshop, policy)
        execution = detect.poet.call([1.0], [2.0])
        assert (execution.served_by, execution.version) == ("generated", "v2")
        event = workshop.events()[-1]
        assert event.payload.policy_digest == workshop.engines[-1].policy.digest
        version = detect.poet.current
        assert version is not None
        assert event.payload.policy_digest != version.metadata.policy_digest

    def test_under_the_same_policy_it_serves(self, workshop: "Workshop", policy: Path) -> None:
        """The control: it was the change that kept it from running."""
        assert _load(workshop, policy).poet.call([1.0], [2.0]).version == "v2"


class TestLayers:
    def test_the_project_around_the_module_sets_what_it_says(self, workshop: "Workshop", tmp_path: Path) -> None:
        """And the rest is what the domain needs."""
        (tmp_path / "pyproject.toml").write_text('[tool.poet.policy.limits]\nwall = "3s"\n')
        _load(workshop).poet.prepare()
        policy = workshop.engines[0].policy
        assert policy.limits.wall == 3.0
        assert "numpy" in policy.static.imports

    def test_the_ceiling_of_the_machine_holds(self, workshop: "Workshop", tmp_path: Path) -> None:
        (tmp_path / "machine.toml").write_text('[limits]\nmemory = "300MiB"\n')
        _load(workshop).poet.prepare()
        assert workshop.engines[0].policy.limits.memory == 300 * 2**20

    def test_a_function_that_asks_for_more_is_served_by_its_original_and_says_so(
        self, workshop: "Workshop", tmp_path: Path
    ) -> None:
        (tmp_path / "machine.toml").write_text('[limits]\nmemory = "300MiB"\n')
        mine = tmp_path / "mine.toml"
        mine.write_text('extends = "data"\n[limits]\nmemory = "1GiB"\n')
        execution = _load(workshop, mine).poet.call([1.0], [2.0])
        assert execution.served_by == "original"
        assert 'mine.toml:3: limits.memory: "1GiB" is more than' in str(execution.fallback_reason)
        assert workshop.engines == []


def test_what_the_policy_warns_of_is_said_once(
    workshop: "Workshop", tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('extends = "data"\n[static]\nwarn = ["data"]\n[static.imports]\nos = ["getpid"]\n')
    detect = _load(workshop, mine)
    detect.poet.adopt(USES_OS)
    for _ in range(3):
        assert detect.poet.call([1.0], [2.0]).served_by == "generated"
    assert caplog.text.count("has a warning about v2: POET110 on line 1") == 1
    assert "under 'data'" in caplog.text
