"""What is run again of a recorded call, under what, and how the answers are compared."""

import dataclasses
import re
from pathlib import Path

import pytest

from poet_engine import _replay
from poet_engine._replay import RecordedCall
from poet_engine.errors import UsageError
from poet_engine.events import ExecutionError, ExecutionPayload, RecordingPayload
from poet_engine.journal.recorder import payload
from poet_engine.outcome import Blame, Outcome, Status
from poet_engine.policy import Policy
from poet_engine.resilience.call_report import CallReport
from poet_engine.sandbox.fake import failed, ok
from poet_engine.versions import Metadata, StoreError, VersionStore

POLICY = Policy.load("data")
RECORDING = RecordingPayload(
    function_name="Shop.total", version="v1", execution_id="the-call", folder="shop.Shop.total", policy="data",
    policy_digest=POLICY.digest, served_by="generated", arguments='{"args":[1],"kwargs":{"b":2}}', answer="3",
)  # fmt: skip
CALL = payload(
    CallReport(
        function_name="total", version="v1", execution_id="the-call", start=1.0, end=2.0, outcome=ok(3),
        served_by="generated", attempts=1, policy=POLICY,
    )
)  # fmt: skip
METADATA = Metadata(
    created=1.0, domain="ml_monitoring", policy="data", policy_digest="0", original_digest="1", python="3.11",
    poet_version="0", origin="built_in",
)  # fmt: skip


def recorded(**changes: object) -> RecordingPayload:
    return dataclasses.replace(RECORDING, **changes)  # type: ignore[arg-type]  # fields by name


@pytest.fixture
def store(tmp_path: Path) -> VersionStore:
    """Two versions; the second one serves."""
    made = VersionStore(tmp_path / ".poet", clock=lambda: 1000.0)
    function = made.function("shop.Shop.total")
    for number in (1, 2):
        function.add(code=f"def total(a, b):\n    return {number}\n", params={}, metadata=METADATA)
    function.promote("v2", actor="tests", reason="newer")
    return made


class TestRecording:
    def test_it_is_the_calls_own(self) -> None:
        assert _replay.recording_of(RecordedCall(CALL, RECORDING)) == RECORDING

    @pytest.mark.parametrize(
        ("call", "why"),
        [
            (CALL, r"not recorded.*@poet\(record=True\) or POET_RECORD=1"),
            (dataclasses.replace(CALL, version="original", asked="v1"), "not recorded"),
            (dataclasses.replace(CALL, version="0a1b2c3d4e5f"), "run of a bare source.*`poet run`"),
            (
                dataclasses.replace(CALL, version="original", fallback_reason="it is a method"),
                r"no version was asked for that call \(it is a method\)",
            ),
            (None, "not recorded"),
        ],
    )
    def test_where_there_is_none_the_reason_is_said(self, call: ExecutionPayload | None, why: str) -> None:
        with pytest.raises(UsageError, match=why):
            _replay.recording_of(RecordedCall(call, None))


class TestVersion:
    @pytest.mark.parametrize(("wanted", "name"), [(None, "v1"), ("v2", "v2"), ("v1", "v1"), ("current", "v2")])
    def test_which_one(self, store: VersionStore, wanted: str | None, name: str) -> None:
        assert _replay.version_of(store, RECORDING, wanted).name == name

    def test_one_that_was_removed(self, store: VersionStore) -> None:
        store.function(RECORDING.folder).remove("v1", actor="tests", reason="old")
        with pytest.raises(UsageError, match=r"there is no version v1; there is v2: .* with --version"):
            _replay.version_of(store, RECORDING, None)

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="there is none yet"):
            _replay.version_of(VersionStore(tmp_path / "elsewhere", clock=lambda: 1000.0), RECORDING, None)
        with pytest.raises(UsageError, match="no version serves"):
            _replay.version_of(VersionStore(tmp_path / "elsewhere", clock=lambda: 1000.0), RECORDING, "current")

    def test_one_that_was_edited_does_not_run(self, store: VersionStore) -> None:
        code = store.root / RECORDING.folder / "v1" / "code.py"
        code.write_text("def total(a, b):\n    return 4\n", encoding="utf-8")
        with pytest.raises(UsageError, match=r"was edited after it was stored.*\.poet\.adopt\(code\)"):
            _replay.version_of(store, RECORDING, None)

    def test_one_that_is_damaged_is_told_as_such(self, store: VersionStore) -> None:
        (store.root / RECORDING.folder / "v1" / "metadata.json").unlink()
        with pytest.raises(StoreError, match=r"metadata\.json"):
            _replay.version_of(store, RECORDING, None)

    @pytest.mark.parametrize("folder", ["../shop.Shop.total", "/etc", "", ".", "events", "a/b", "a\0b", "~"])
    def test_a_folder_that_a_journal_names_leads_nowhere_else(self, store: VersionStore, folder: str) -> None:
        with pytest.raises(UsageError, match="cannot be the name of a function"):
            _replay.version_of(store, recorded(folder=folder), None)

    @pytest.mark.parametrize("name", ["../v1", "v0", "V1", "", "v1/../v2", "v1\n"])
    def test_nor_does_a_version(self, store: VersionStore, name: str) -> None:
        with pytest.raises(UsageError, match="is not the name of a version"):
            _replay.version_of(store, recorded(version=name), None)

    def test_a_link_in_its_place_is_not_followed(self, store: VersionStore, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (store.root / RECORDING.folder).rename(tmp_path / "elsewhere" / "real")
        (store.root / RECORDING.folder).symlink_to(tmp_path / "elsewhere" / "real")
        with pytest.raises(StoreError, match="symbolic link"):
            _replay.version_of(store, RECORDING, None)


class TestJob:
    def test_it_is_the_call_of_then(self, store: VersionStore) -> None:
        job = _replay.job_of(RECORDING, _replay.version_of(store, RECORDING, "v2"))
        assert (job.entry, job.args, job.kwargs) == ("total", (1,), {"b": 2})
        assert job.source == "def total(a, b):\n    return 2\n"
        assert job.filename == "shop.Shop.total/v2/code.py"

    def test_arguments_that_were_left_out(self, store: VersionStore) -> None:
        version = _replay.version_of(store, RECORDING, None)
        with pytest.raises(UsageError, match="were not kept: call takes 900,000 bytes"):
            _replay.job_of(recorded(arguments=None, left_out="call takes 900,000 bytes"), version)


class TestPolicy:
    def test_a_preset_is_looked_up_by_its_name(self) -> None:
        assert _replay.policy_of(RECORDING, Policy.load) == POLICY

    @pytest.mark.parametrize("name", ["mine", "/etc/passwd", "../policy.toml", "data.toml", ""])
    def test_a_journal_names_no_file(self, name: str) -> None:
        """Nothing is looked up for it, not even whether it is there."""

        def resolve(one: str) -> Policy:
            pytest.fail(f"{one!r} was looked up")

        with pytest.raises(UsageError, match=r"is no preset.*--policy"):
            _replay.policy_of(recorded(policy=name), resolve)

    @pytest.mark.parametrize("name", ["lab", "baseline"])
    def test_nor_a_policy_that_does_without_a_wall(self, name: str) -> None:
        with pytest.raises(UsageError, match=r"does not require .*memory.*--policy"):
            _replay.policy_of(recorded(policy=name), Policy.load)


FAILED = failed(Status.ERROR, "exception", Blame.CODE)
RAISED = recorded(answer=None, error=ExecutionError(type="ValueError", message="no"))


@pytest.mark.parametrize(
    ("recording", "now", "same", "said"),
    [
        (RECORDING, ok(3), True, "the value is the same"),
        (RECORDING, ok(4), False, "the value is another"),
        (recorded(answer='{"~":"float","v":"nan"}'), ok(float("nan")), True, "the value is the same"),
        (recorded(answer='{"~":"tuple","v":[1]}'), ok([1]), False, "the value is another"),
        (RECORDING, FAILED, False, "it failed now: error/exception"),
        (RAISED, ok(3), False, "it has a value now; then it raised ValueError"),
        (RAISED, FAILED, False, "it failed now: error/exception"),
        (recorded(answer=None, left_out="too large"), ok(3), None, r"was not kept \(too large\)"),
        (recorded(answer="{"), ok(3), None, "cannot be read"),
    ],
)
def test_the_answers_are_compared(recording: RecordingPayload, now: Outcome, *, same: bool | None, said: str) -> None:
    compared = _replay.compare(recording, now)
    assert compared.same is same
    assert re.search(said, compared.said)
