"""The budgets of one run, judged by a clock that the test holds."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.guest import seccomp
from poet_engine.outcome import Evidence, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.monitor import BudgetMonitor, Output
from poet_engine.sandbox.verdict import Kill

FUZZ = settings(deadline=None, max_examples=200)  # a shared machine is slow at times, which says nothing
LIMITS = dataclasses.replace(Policy.load("restricted").limits, wall=5.0, cpu=4.0, cores=1.0, output=100)
START = 1000.0


@pytest.fixture
def watch() -> BudgetMonitor:
    return BudgetMonitor(LIMITS, START, 5.0)


class TestTime:
    def test_just_before_the_end_nothing_happens(self, watch: BudgetMonitor) -> None:
        watch.saw_time(START + 4.999)
        assert watch.kill is None
        assert watch.touched == []

    def test_at_the_end_it_is_over(self, watch: BudgetMonitor) -> None:
        watch.saw_time(START + 5.0)
        assert watch.kill == Kill(Status.LIMIT, "wall", Evidence("wall_ms", 5000.0, 5000.0))
        assert watch.touched == ["wall"]

    def test_a_shorter_deadline_than_the_policys_counts(self) -> None:
        watch = BudgetMonitor(LIMITS, START, 0.25)
        assert watch.timeout(START) == 0.25
        watch.saw_time(START + 0.3)
        assert watch.kill is not None
        assert watch.kill.evidence == Evidence("wall_ms", 300.0, 250.0)

    def test_waiting_ends_with_the_deadline(self, watch: BudgetMonitor) -> None:
        watch.saw_cpu(START + 4.5, 0.0)
        assert watch.timeout(START + 4.5) == 0.5
        assert watch.timeout(START + 99) == 0.0


class TestCpu:
    def test_it_is_first_read_when_it_could_be_used_up(self, watch: BudgetMonitor) -> None:
        assert not watch.wants_cpu(START + 3.99)
        assert watch.wants_cpu(START + 4.0)
        assert watch.timeout(START) == 4.0

    def test_more_cores_use_it_up_sooner(self) -> None:
        watch = BudgetMonitor(dataclasses.replace(LIMITS, cores=4.0), START, 5.0)
        assert watch.wants_cpu(START + 1.0)

    def test_after_a_reading_it_waits_for_what_is_left(self, watch: BudgetMonitor) -> None:
        watch.saw_cpu(START + 4.0, 3000.0)
        assert watch.kill is None
        assert not watch.wants_cpu(START + 4.9)
        assert watch.wants_cpu(START + 5.0)

    def test_close_to_the_end_it_does_not_ask_without_pause(self, watch: BudgetMonitor) -> None:
        watch.saw_cpu(START + 4.0, 3999.999)
        assert watch.timeout(START + 4.0) == pytest.approx(0.002)

    def test_a_budget_that_is_used_up_ends_the_run(self, watch: BudgetMonitor) -> None:
        watch.saw_cpu(START + 4.0, 4000.0)
        assert watch.kill == Kill(Status.LIMIT, "cpu", Evidence("cpu_ms", 4000.0, 4000.0, "kernel"))

    @FUZZ
    @given(st.floats(0.05, 64), st.floats(0.01, 60), st.floats(0, 1))
    def test_a_run_overdraws_by_no_more_than_one_pause(self, cores: float, cpu: float, pace: float) -> None:
        """However fast it burns, up to all of its cores, its end is seen within 2 ms of the budget's."""
        watch = BudgetMonitor(dataclasses.replace(LIMITS, cores=cores, cpu=cpu), START, 1e9)
        now, rate = START, max(pace * cores, 1e-3)
        for _ in range(5000):
            now += watch.timeout(now)
            used = (now - START) * rate
            watch.saw_cpu(now, used * 1e3)
            if watch.kill is not None or used > cpu:
                break
            if now - START > cpu / rate - 0.002:
                now += 0.002
        assert (now - START) * rate <= cpu + 0.005 * cores


class TestOutputBudget:
    def test_all_of_it_may_be_used(self, watch: BudgetMonitor) -> None:
        watch.saw_output(100)
        assert watch.kill is None

    def test_a_byte_more_ends_the_run(self, watch: BudgetMonitor) -> None:
        watch.saw_output(101)
        assert watch.kill == Kill(Status.LIMIT, "output", Evidence("bytes_out", 101, 100))


class TestCalls:
    @pytest.mark.parametrize(
        ("name", "argument", "cause"),
        [
            ("ptrace", 0, "seccomp:ptrace"),
            ("socket", 2, "network"),
            ("socket", 10, "network"),
            ("socket", 16, "seccomp:socket"),
            ("number_999", 0, "seccomp:number_999"),
            *((name, 0, "priv") for name in sorted(seccomp.PRIVILEGE_CALLS)),
        ],
    )
    def test_a_forbidden_call_is_named_by_what_it_is_after(
        self, watch: BudgetMonitor, name: str, argument: int, cause: str
    ) -> None:
        watch.saw_call(name, (argument, 0, 0, 0, 0, 0))
        assert watch.kill == Kill(Status.VIOLATION, cause, Evidence("seccomp_notification", name, source="kernel"))
        assert watch.touched == []


class TestFirstReason:
    def test_it_stands_whatever_comes_after(self, watch: BudgetMonitor) -> None:
        watch.saw_output(101)
        watch.saw_time(START + 9)
        watch.saw_cpu(START + 9, 9000.0)
        watch.saw_call("ptrace", (0,) * 6)
        assert watch.kill is not None
        assert watch.kill.cause == "output"

    def test_every_budget_that_was_touched_is_remembered_in_order(self, watch: BudgetMonitor) -> None:
        watch.saw_cpu(START + 4, 4000.0)
        watch.saw_output(101)
        watch.saw_time(START + 9)
        assert watch.touched == ["cpu", "output", "wall"]


class TestOutput:
    def test_both_streams_share_the_cap(self) -> None:
        output = Output(10)
        output.add(1, b"123456")
        output.add(2, b"abcdef")
        output.add(1, b"7")
        assert (output.text(1), output.text(2)) == ("123456", "abcd")
        assert (output.cut(1), output.cut(2)) == (True, True)
        assert output.total == 13

    def test_what_fits_is_not_called_cut(self) -> None:
        output = Output(6)
        output.add(1, b"123456")
        output.add(2, b"")
        assert (output.text(1), output.cut(1), output.cut(2)) == ("123456", False, False)

    def test_bytes_that_are_no_text_do_not_break_it(self) -> None:
        output = Output(10)
        output.add(1, b"a\xff\xfeb")
        output.add(2, "é".encode()[:1])
        assert output.text(1) == "a\ufffd\ufffdb"
        assert output.text(2) == "\ufffd"

    @FUZZ
    @given(st.integers(0, 50), st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=20)), max_size=10))
    def test_it_keeps_no_more_than_its_cap_and_counts_everything(
        self, cap: int, pieces: list[tuple[int, bytes]]
    ) -> None:
        output = Output(cap)
        for stream, data in pieces:
            output.add(stream, data)
        kept = sum(len(output._kept[stream]) for stream in (1, 2))
        assert output.total == sum(len(data) for _stream, data in pieces)
        assert kept == min(cap, output.total)
        assert (output.cut(1) or output.cut(2)) == (kept < output.total)
        for stream in (1, 2):
            came = b"".join(data for source, data in pieces if source == stream)
            assert output.cut(stream) or bytes(output._kept[stream]) == came
