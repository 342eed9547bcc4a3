"""The versions of a decorated function: which one serves, and how that changes."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine.decorator import PoetHandle
from poet_engine.decorator.options import Options
from poet_engine.errors import UsageError
from poet_engine.outcome import Status
from poet_engine.sandbox.fake import failed
from poet_engine.versions import StoreError

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Detector, Workshop

OTHER = "def detect_drift(current, reference):\n    return {'drift_detected': True, 'by': 'hand'}\n"
FORBIDDEN = "import os\n\n\ndef detect_drift(current, reference):\n    return os.getcwd()\n"

WITH_POLICY = """\
from poet_engine import Policy
from poet_engine.decorator import poet

POLICY = Policy.parse(\'\'\'
name = "taking notes"
extends = "data"
[static]
mode = "{mode}"
\'\'\')


@poet(domain="ml_monitoring", policy=POLICY, optimize_for="accuracy")
def detect_drift(current, reference):
    return {{"drift_detected": False}}
"""


def names(detect: "Detector") -> list[str]:
    return [version.name for version in detect.poet.versions()]


class TestFirstCall:
    def test_a_version_is_written_scanned_tried_stored_and_promoted(self, workshop: "Workshop", tmp_path: Path) -> None:
        """What is on the disk says where it came from and how its trial went."""
        detect = workshop.load()
        version = detect.poet.current
        assert version is not None
        folder = tmp_path / ".poet" / "detect_drift"
        assert (version.name, version.path, (folder / "current").readlink()) == ("v1", folder / "v1", Path("v1"))
        metadata = version.metadata
        assert (metadata.domain, metadata.policy, metadata.origin) == ("ml_monitoring", "data", "built_in")
        assert (metadata.poet_version, metadata.gate) == (workshop.poet_version, ())
        assert metadata.trial is not None
        assert (metadata.trial.examples, metadata.trial.passed) == (3, 3)
        assert [job.source for job in workshop.trials] == [version.code] * 3
        assert workshop.jobs == []

    def test_nothing_is_made_before_it(self, workshop: "Workshop", tmp_path: Path) -> None:
        """Decorating, and looking at the handle, reads and writes nothing."""
        assert repr(workshop.load().poet) == "<PoetHandle detect_drift not called yet>"
        assert [entry.name for entry in tmp_path.iterdir()] == ["monitoring.py"]
        assert workshop.engines == []

    def test_what_is_asked_for_is_kept_with_the_version(self, workshop: "Workshop") -> None:
        version = workshop.load(WITH_POLICY.format(mode="enforce")).poet.current
        assert version is not None
        assert version.params["optimize_for"] == "accuracy"
        assert version.metadata.policy == "taking notes"

    def test_a_second_program_uses_what_the_first_one_stored(self, workshop: "Workshop") -> None:
        """No second trial."""
        workshop.load()([1.0], [2.0])
        trials = len(workshop.trials)
        again = workshop.load()
        assert again.poet.call([1.0], [2.0]).version == "v1"
        assert (names(again), len(workshop.trials)) == (["v1"], trials)

    def test_a_version_that_was_stored_and_not_promoted_is_not_stored_twice(
        self, workshop: "Workshop", tmp_path: Path
    ) -> None:
        """As after a process that was killed in between."""
        workshop.load().poet.prepare()
        (tmp_path / ".poet" / "detect_drift" / "current").unlink()
        again = workshop.load()
        assert again.poet.call([1.0], [2.0]).version == "v1"
        assert names(again) == ["v1"]

    def test_a_trial_that_fails_stores_nothing(self, workshop: "Workshop", monkeypatch: pytest.MonkeyPatch) -> None:
        """The original serves, and the reason names the example and what came of it."""
        outcome = failed(Status.LIMIT, "memory")
        monkeypatch.setattr(workshop, "_answer", lambda _job: outcome)
        detect = workshop.load()
        assert detect.poet.current is None
        assert "example 1 of its trial: limit/memory" in str(detect.poet.reason)
        assert names(detect) == []


class TestStaleness:
    def test_a_changed_source_gets_a_version_of_its_own(self, workshop: "Workshop") -> None:
        """The stored one does not serve a function that it was not made for; the file keeps both."""
        workshop.load().poet.prepare()
        changed = workshop.load(CHANGED)
        execution = changed.poet.call([1.0], [2.0])
        assert (execution.version, names(changed)) == ("v2", ["v1", "v2"])
        before, after = changed.poet.versions()
        assert before.metadata.original_digest != after.metadata.original_digest

    def test_a_source_that_is_changed_back_gets_its_old_version_back(self, workshop: "Workshop") -> None:
        workshop.load().poet.prepare()
        workshop.load(CHANGED).poet.prepare()
        back = workshop.load()
        assert back.poet.call([1.0], [2.0]).version == "v1"
        assert names(back) == ["v1", "v2"]

    def test_a_version_for_another_source_is_not_rolled_back_to(self, workshop: "Workshop") -> None:
        workshop.load().poet.prepare()
        changed = workshop.load(CHANGED)
        with pytest.raises(UsageError, match=r"v1 was made for another source .*adopt"):
            changed.poet.rollback("v1")
        assert changed.poet.call([1.0], [2.0]).version == "v2"


CHANGED = """\
from poet_engine.decorator import poet


@poet(domain="ml_monitoring")
def detect_drift(current, reference):
    return {"drift_detected": False, "pvalue": 1.0}
"""


class TestEditedCode:
    def test_it_does_not_run_and_says_so(
        self, workshop: "Workshop", tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The original answers, and the message has three ways out, which the tests below take."""
        edit(workshop, tmp_path)
        detect = workshop.load()
        execution = detect.poet.call([1.0], [2.0])
        assert (execution.served_by, execution.version, workshop.jobs) == ("original", "original", [])
        assert "was edited after it was stored" in caplog.text
        assert all(way in str(execution.fallback_reason) for way in (".poet.adopt(", ".poet.rollback(", "restore"))
        [event] = workshop.events()
        assert (event.payload.served_by, event.payload.version) == ("original", "original")

    def test_its_edit_can_be_adopted(self, workshop: "Workshop", tmp_path: Path) -> None:
        code = edit(workshop, tmp_path)
        detect = workshop.load()
        assert detect.poet.adopt(code.read_text()).name == "v2"
        assert detect.poet.call([1.0], [2.0]).version == "v2"

    def test_it_can_be_restored(self, workshop: "Workshop", tmp_path: Path) -> None:
        before = workshop.load().poet.current
        assert before is not None
        edit(workshop, tmp_path).write_text(before.code)
        assert workshop.load().poet.call([1.0], [2.0]).version == "v1"

    def test_an_earlier_version_can_serve_again(self, workshop: "Workshop", tmp_path: Path) -> None:
        """And the edited one cannot be rolled back to."""
        first = workshop.load()
        first.poet.adopt(OTHER)
        code = tmp_path / ".poet" / "detect_drift" / "v2" / "code.py"
        code.write_text(code.read_text() + "# edited\n")
        detect = workshop.load()
        assert detect.poet.current is None
        with pytest.raises(StoreError, match="edited"):
            detect.poet.rollback("v2")
        detect.poet.rollback("v1")
        assert detect.poet.call([1.0], [2.0]).version == "v1"

    def test_damaged_metadata_is_said_and_costs_no_answer(self, workshop: "Workshop", tmp_path: Path) -> None:
        """A stored version is a file that anybody may have changed."""
        workshop.load().poet.prepare()
        (tmp_path / ".poet" / "detect_drift" / "v1" / "metadata.json").write_text(json.dumps({"version": "v1"}))
        execution = workshop.load().poet.call([1.0], [2.0])
        assert execution.served_by == "original"
        assert "metadata.json" in str(execution.fallback_reason)


def edit(workshop: "Workshop", folder: Path) -> Path:
    """Change the code of v1, as a person with an editor would."""
    workshop.load().poet.prepare()
    code = folder / ".poet" / "detect_drift" / "v1" / "code.py"
    code.write_text(code.read_text() + "\n# a small improvement\n")
    return code


class TestAdopt:
    def test_code_of_ones_own_serves(self, workshop: "Workshop") -> None:
        """It is scanned and stored as the next version; the audit trail has the reason."""
        detect = workshop.load()
        version = detect.poet.adopt(OTHER, reason="knows better")
        assert (version.name, version.metadata.origin, version.code) == ("v2", "adopted", OTHER)
        assert detect.poet.call([1.0], [2.0]).version == "v2"
        assert workshop.jobs[-1].source == OTHER
        trail = version.path.parent / "audit.jsonl"
        assert "knows better" in trail.read_text()

    def test_what_the_gate_rejects_is_not_stored(self, workshop: "Workshop") -> None:
        """The error names the rule and the line; what served before serves on."""
        detect = workshop.load()
        with pytest.raises(UsageError, match="POET110 on line 1"):
            detect.poet.adopt(FORBIDDEN)
        assert names(detect) == ["v1"]
        assert detect.poet.call([1.0], [2.0]).version == "v1"

    def test_a_policy_that_only_takes_notes_lets_it_in(self, workshop: "Workshop") -> None:
        """The version keeps the rules that it broke."""
        version = workshop.load(WITH_POLICY.format(mode="audit")).poet.adopt(FORBIDDEN)
        assert version.name == "v2"
        assert "POET110" in version.metadata.gate

    def test_the_same_code_twice_is_two_versions(self, workshop: "Workshop") -> None:
        """Somebody asked for it twice, and each has its own reason."""
        detect = workshop.load()
        assert [detect.poet.adopt(OTHER).name for _ in range(2)] == ["v2", "v3"]

    def test_a_function_that_poet_cannot_write_takes_code_by_hand(self, workshop: "Workshop") -> None:
        """What is served by the original for want of built-in code can have versions all the same."""
        text = "from poet_engine.decorator import poet\n@poet(domain='base')\ndef detect_drift(current, reference):\n"
        detect = workshop.load(text + "    return 0\n")
        before = detect.poet.reason
        detect.poet.adopt(OTHER)
        assert ("no built-in code" in str(before), detect.poet.reason) == (True, None)
        assert detect.poet.call([1.0], [2.0]).version == "v1"

    def test_a_function_without_a_place_for_versions_says_why(self, workshop: "Workshop") -> None:
        handle: PoetHandle[[object]] = PoetHandle(lambda value: value, Options())
        with pytest.raises(UsageError, match="no versions: the lambda"):
            handle.adopt(OTHER)
        with pytest.raises(UsageError, match="no versions"):
            handle.versions()
        assert (handle.doctor(), workshop.engines) == ((), [])


class TestRollback:
    def test_an_earlier_version_serves_again(self, workshop: "Workshop") -> None:
        """Here at once, and in the next program too."""
        detect = workshop.load()
        detect.poet.adopt(OTHER)
        detect.poet.rollback("v1", reason="too many alarms")
        assert detect.poet.call([1.0], [2.0]).version == "v1"
        assert workshop.load().poet.call([1.0], [2.0]).version == "v1"

    @pytest.mark.parametrize(("name", "error"), [("v9", StoreError), ("../v1", UsageError)])
    def test_a_version_that_is_not_there(self, workshop: "Workshop", name: str, error: type[Exception]) -> None:
        detect = workshop.load()
        with pytest.raises(error):
            detect.poet.rollback(name)
        assert detect.poet.call([1.0], [2.0]).version == "v1"

    def test_versions_that_vanish_while_the_program_runs_serve_on(self, workshop: "Workshop", tmp_path: Path) -> None:
        """A version is read once: a checkout of another branch under a running program costs no answer."""
        detect = workshop.load()
        detect([1.0], [2.0])
        shutil.rmtree(tmp_path / ".poet" / "detect_drift")
        assert detect.poet.call([1.0], [2.0]).served_by == "generated"
