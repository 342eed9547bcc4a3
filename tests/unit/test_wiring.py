"""What `Engine.open` and `@poet` are put together from, here with sandboxes that answer from a script."""

import stat
import warnings
from pathlib import Path

import pytest

from poet_engine import _wiring, poet
from poet_engine.decorator import wiring
from poet_engine.engine import Engine
from poet_engine.errors import ClosedError, PolicyError, SandboxUnavailableError, UsageError
from poet_engine.events import BreakerEvent
from poet_engine.journal import Journal, JournalError
from poet_engine.outcome import Status
from poet_engine.policy import Policy
from poet_engine.resilience.breaker import BackendKey, State, VersionKey
from poet_engine.sandbox.base import Sandbox
from poet_engine.sandbox.fake import ScriptedSandbox, ok


def double(value: int) -> int:
    return 2 * value


SOURCE = "def one():\n    return 1\n"


class Sandboxes:
    """Two kinds of scripted sandbox; which walls are down in the first one is up to the test."""

    def __init__(self) -> None:
        self.down: frozenset[str] = frozenset()
        self.opened: list[ScriptedSandbox] = []

    def first(self, _policy: Policy, _wish: _wiring.SandboxChoice) -> Sandbox:
        return self._open(self.down)

    def second(self, _policy: Policy, _wish: _wiring.SandboxChoice) -> Sandbox:
        return self._open(frozenset())

    def unavailable(self, _policy: Policy, _wish: _wiring.SandboxChoice) -> Sandbox:
        raise SandboxUnavailableError("unavailable: this kernel has no namespaces; use another one")

    def _open(self, down: frozenset[str]) -> Sandbox:
        self.opened.append(ScriptedSandbox([ok(1)], down=down))
        return self.opened[-1]

    def closed(self) -> list[bool]:
        """Which of those that were opened are closed."""
        return [sandbox._closed for sandbox in self.opened]


@pytest.fixture
def sandboxes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sandboxes:
    """The only sandboxes that there are, and a state folder of the test's own."""
    found = Sandboxes()
    monkeypatch.setattr(_wiring, "_SANDBOXES", {"first": found.first, "second": found.second})
    monkeypatch.setenv("POET_HOME", str(tmp_path / "home"))
    return found


class TestOpen:
    def test_the_first_sandbox_whose_walls_stand_is_taken(self, sandboxes: Sandboxes, tmp_path: Path) -> None:
        """Its runs leave events in the state folder."""
        with Engine.open() as engine:
            assert engine.run(SOURCE, "one").value == 1
        assert len(sandboxes.opened) == 1
        assert sandboxes.closed() == [True]
        assert (tmp_path / "home" / "events" / "journal.db").exists()

    def test_a_sandbox_with_a_missing_wall_is_passed_over_and_closed(self, sandboxes: Sandboxes) -> None:
        sandboxes.down = frozenset({"network"})
        with Engine.open():
            assert sandboxes.closed() == [True, False]

    def test_one_that_was_asked_for_by_name_is_not_replaced_by_another(self, sandboxes: Sandboxes) -> None:
        """The refusal names the wall; nothing stays open."""
        sandboxes.down = frozenset({"network"})
        with pytest.raises(SandboxUnavailableError, match="isolation check 'network' does not hold"):
            Engine.open(sandbox="first")
        assert sandboxes.closed() == [True]

    def test_a_wall_that_the_policy_does_not_require_may_be_down(self, sandboxes: Sandboxes) -> None:
        sandboxes.down = frozenset({"network", "memory"})
        policy = Policy.parse('[isolation]\nrequire = ["filesystem"]\n')
        with Engine.open(policy, "first") as engine:
            assert engine.run(SOURCE, "one").ok

    def test_a_sandbox_that_cannot_be_opened_is_told_with_its_remedy(
        self, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """When none is left, the refusal has the reason of each."""
        sandboxes.down = frozenset({"tasks"})
        monkeypatch.setattr(_wiring, "_SANDBOXES", {"third": sandboxes.unavailable, "first": sandboxes.first})
        with pytest.raises(SandboxUnavailableError) as caught:
            Engine.open()
        assert "'restricted' cannot be carried out here" in str(caught.value)
        assert "no namespaces; use another one" in str(caught.value)
        assert "first: isolation check 'tasks'" in str(caught.value)

    def test_without_waiting_a_call_is_answered_when_the_walls_were_tried(self, sandboxes: Sandboxes) -> None:
        with Engine.open(wait=False) as engine:
            assert engine.run(SOURCE, "one").value == 1
            assert engine.sandbox_name == "scripted"
        assert sandboxes.closed() == [True]

    def test_without_waiting_a_wall_that_is_down_refuses_each_call(self, sandboxes: Sandboxes) -> None:
        sandboxes.down = frozenset({"network"})
        with Engine.open(sandbox="first", wait=False) as engine:
            for _ in range(2):
                outcome = engine.run(SOURCE, "one")
                assert (outcome.status, outcome.cause) == (Status.INFRA, "setup")
                assert "isolation check 'network'" in outcome.describe()
        assert sandboxes.opened[0].statistics().calls == 0

    def test_without_waiting_wrong_use_is_told_at_once(self, sandboxes: Sandboxes) -> None:
        with pytest.raises(UsageError, match="third"):
            Engine.open(sandbox="third", wait=False)
        assert sandboxes.opened == []

    @pytest.mark.usefixtures("sandboxes")
    def test_an_unknown_sandbox_is_wrong_use(self) -> None:
        with pytest.raises(UsageError, match="choose one of auto, first, second"):
            Engine.open(sandbox="third")

    def test_an_unknown_policy_opens_nothing(self, sandboxes: Sandboxes) -> None:
        with pytest.raises(PolicyError):
            Engine.open("nowhere")
        assert sandboxes.opened == []

    @pytest.mark.usefixtures("sandboxes")
    def test_the_policy_of_the_environment_is_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And one that is named wins."""
        monkeypatch.setenv("POET_POLICY", "data")
        with Engine.open() as default, Engine.open("lab") as named:
            assert (default.policy.name, named.policy.name) == ("data", "lab")

    def test_a_journal_that_was_asked_for_must_open(self, sandboxes: Sandboxes, tmp_path: Path) -> None:
        """Nothing else is left open: a warning about a forgotten sandbox would be an error here."""
        broken = tmp_path / "journal.db"
        broken.write_text("not a database, and long enough to be told from an empty one" * 20)
        with pytest.raises(JournalError, match="database"):
            Engine.open(journal=broken)
        assert all(sandboxes.closed())

    def test_a_default_journal_that_cannot_open_is_a_warning(self, sandboxes: Sandboxes, tmp_path: Path) -> None:
        """Runs go on without events, and say so."""
        (tmp_path / "home").write_text("a file where a folder is needed")
        with pytest.warns(RuntimeWarning, match="calls leave no events"):
            engine = Engine.open()
        with engine:
            assert engine.run(SOURCE, "one").ok
        assert sandboxes.closed() == [True]

    def test_a_refused_sandbox_leaves_no_journal_open(self, sandboxes: Sandboxes, tmp_path: Path) -> None:
        """The journal's own finalizer would complain of one that was forgotten."""
        sandboxes.down = frozenset({"memory"})
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            with pytest.raises(SandboxUnavailableError):
                Engine.open(sandbox="first", journal=tmp_path / "journal.db")
        assert [str(warning.message) for warning in said] == []
        assert not (tmp_path / "journal.db-wal").exists()


class TestShared:
    def test_functions_of_one_policy_share_an_engine(self, sandboxes: Sandboxes) -> None:
        """By what the policy says, whatever object it is."""
        shared = _wiring.Shared()
        first, second = (shared.engine(Policy.load("data")) for _ in range(2))
        other = shared.engine(Policy.load("restricted"))
        shared.close()
        assert first is second
        assert other is not first
        assert sandboxes.closed() == [True, True]

    def test_a_closed_engine_is_opened_anew(self, sandboxes: Sandboxes) -> None:
        shared = _wiring.Shared()
        first = shared.engine(Policy.load("data"))
        first.close()
        second = shared.engine(Policy.load("data"))
        shared.close()
        assert second is not first
        assert sandboxes.closed() == [True, True]

    @pytest.mark.usefixtures("sandboxes")
    def test_one_journal_is_opened_once(self, tmp_path: Path) -> None:
        shared = _wiring.Shared()
        first, second = (shared.recorder(tmp_path / "journal.db") for _ in range(2))
        assert repr(shared) == "<Shared engines=0 journals=1>"
        shared.close()
        assert first is second

    def test_nothing_is_opened_once_the_program_is_ending(self, sandboxes: Sandboxes, tmp_path: Path) -> None:
        """What other exit functions still call is answered by the originals: nobody would close what opens now."""
        shared = _wiring.Shared()
        shared.close()
        with pytest.raises(ClosedError, match="the program is ending"):
            shared.engine(Policy.load("data"))
        with pytest.raises(ClosedError, match="the program is ending"):
            shared.recorder(tmp_path / "journal.db")
        assert sandboxes.opened == []

    def test_what_cannot_be_closed_does_not_keep_the_rest_open(
        self, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shared = _wiring.Shared()
        engines = [shared.engine(Policy.load(name)) for name in ("data", "restricted")]

        def fail() -> None:
            raise OSError("it would not go away")

        for sandbox in sandboxes.opened[1:]:
            monkeypatch.setattr(sandbox, "close", fail)
        with pytest.raises(OSError, match="go away"):
            shared.close()
        assert sandboxes.closed()[0] is True
        assert [engine.closed for engine in engines] == [True, True]

    def test_a_wrong_setting_costs_no_call_its_answer(
        self, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The function answers, and the log names the variable and what it may be."""
        monkeypatch.setenv("POET_MODE", "sideways")
        monkeypatch.setattr(wiring, "_installed", [_wiring.Shared()])
        assert poet(domain="base")(double)(2) == 4
        assert "POET_MODE" in caplog.text
        assert sandboxes.opened == []

    @pytest.mark.usefixtures("sandboxes")
    def test_ids_time_and_home(self, tmp_path: Path) -> None:
        """Ids are fresh and sort by time; the state folder is for its owner only."""
        shared = _wiring.Shared()
        ids = [shared.new_id() for _ in range(3)]
        assert len(set(ids)) == 3
        assert shared.now() > 1_700_000_000
        assert shared.home() == tmp_path / "home"
        assert stat.S_IMODE(shared.home().stat().st_mode) == 0o700


class TestBreakerEvents:
    def test_a_transition_is_an_event_beside_the_version(self, tmp_path: Path) -> None:
        """And only there; a backend's goes to every journal that is open."""
        shared = _wiring.Shared()
        mine, other = (tmp_path / name / ".poet" / "events" / "journal.db" for name in ("mine", "other"))
        for journal in (mine, other):
            shared.recorder(journal)
        folder = tmp_path / "mine" / ".poet" / "detect_drift"
        shared.breakers.get(VersionKey(str(folder), "v1", "process")).force_open("looks odd")
        shared.breakers.get(BackendKey("docker")).force_open("it is down")
        shared.close()
        told = {journal: _transitions(journal) for journal in (mine, other)}
        backend = ("backend docker", None, "docker", "closed", "forced_open", "it is down")
        assert told[other] == [backend]
        assert told[mine] == [backend, ("detect_drift", "v1", "process", "closed", "forced_open", "looks odd")]

    def test_no_journal_is_opened_for_one(self, tmp_path: Path) -> None:
        """A breaker may open in the middle of a call: what is not open is not waited for."""
        shared = _wiring.Shared()
        folder = tmp_path / ".poet" / "detect_drift"
        breaker = shared.breakers.get(VersionKey(str(folder), "v1", "process"))
        breaker.force_open("looks odd")
        assert breaker.state is State.FORCED_OPEN
        assert not (tmp_path / ".poet" / "events").exists()
        shared.close()


def _transitions(path: Path) -> list[tuple[object, ...]]:
    """The newest first."""
    with Journal.open(path) as journal:
        found = journal.find(type="breaker.transition")
    payloads = [event.payload for event in found if isinstance(event, BreakerEvent)]
    return [(one.function_name, one.version, one.sandbox, one.old_state, one.new_state, one.reason) for one in payloads]
