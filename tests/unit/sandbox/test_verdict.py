"""The verdict as a pure function: every row of its table, what comes before what, and what no guest can bring about."""

import dataclasses
import signal
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.outcome import Blame, ErrorInfo, Evidence, Status
from poet_engine.sandbox.verdict import (
    TABLE,
    Answer,
    Budgets,
    Denial,
    Exit,
    Garbled,
    InputRefusal,
    KernelCounts,
    Kill,
    Observation,
    Raised,
    Returned,
    VerdictRow,
    blame_for,
    decide,
    signal_name,
)

FUZZ = settings(deadline=None, max_examples=300)  # a shared machine is slow at times, which says nothing
BUDGETS = Budgets(wall=5.0, cpu=4.0, memory=1000)
CLEAN = Exit(code=0)
PROOF = Evidence("counter", 2, 1)


def seen(
    answer: Answer | None = None,
    *,
    exit_: Exit | None = CLEAN,
    kill: Kill | None = None,
    counts: KernelCounts | None = None,
    touched: tuple[str, ...] = (),
) -> Observation:
    return Observation(
        BUDGETS, kill=kill, exit=exit_, answer=answer, counts=counts or KernelCounts(cpu_ms=1.0), touched=touched
    )


def raised(kind: str, *, by_statement: bool = False) -> Raised:
    return Raised(ErrorInfo("SomeError", "text", "trace"), kind, by_statement)


def killed(status: Status, cause: str) -> Observation:
    return seen(exit_=Exit(signal=signal.SIGKILL), kill=Kill(status, cause, PROOF))


# What is seen → (status, cause). Where a row has several ways, each is here.
RUNS: list[tuple[Observation, Status, str]] = [
    (Observation(BUDGETS, setup_failure="no tmpfs"), Status.INFRA, "setup"),
    (seen(exit_=None), Status.INFRA, "lane_lost"),
    (seen(exit_=None, counts=KernelCounts(oom_kills=1)), Status.LIMIT, "memory"),
    (Observation(BUDGETS, lost=Evidence("docker_daemon", "gone", source="host")), Status.INFRA, "docker_daemon"),
    (
        Observation(
            BUDGETS, kill=Kill(Status.LIMIT, "wall", PROOF), lost=Evidence("docker_daemon", "silent", source="host")
        ),
        Status.INFRA,
        "docker_daemon",
    ),
    (
        Observation(
            BUDGETS, kill=Kill(Status.LIMIT, "output", PROOF), lost=Evidence("docker_daemon", "silent", source="host")
        ),
        Status.LIMIT,
        "output",
    ),
    (killed(Status.LIMIT, "cpu"), Status.LIMIT, "cpu"),
    (killed(Status.LIMIT, "wall"), Status.LIMIT, "wall"),
    (killed(Status.LIMIT, "output"), Status.LIMIT, "output"),
    (killed(Status.LIMIT, "result_size"), Status.LIMIT, "result_size"),
    (killed(Status.NO_RESULT, "result_undecodable"), Status.NO_RESULT, "result_undecodable"),
    (killed(Status.VIOLATION, "network"), Status.VIOLATION, "network"),
    (killed(Status.VIOLATION, "priv"), Status.VIOLATION, "priv"),
    (killed(Status.VIOLATION, "seccomp:ptrace"), Status.VIOLATION, "seccomp:ptrace"),
    (killed(Status.CANCELLED, "caller"), Status.CANCELLED, "caller"),
    (killed(Status.CANCELLED, "shutdown"), Status.CANCELLED, "shutdown"),
    (seen(exit_=Exit(signal=signal.SIGSYS)), Status.VIOLATION, "seccomp:unknown"),
    (seen(exit_=Exit(signal=signal.SIGXCPU), counts=KernelCounts(cpu_ms=3800.0)), Status.LIMIT, "cpu"),
    (seen(exit_=Exit(signal=signal.SIGXCPU)), Status.CRASH, "signal:SIGXCPU"),
    (seen(exit_=Exit(signal=signal.SIGKILL), counts=KernelCounts(cpu_ms=3800.0)), Status.LIMIT, "cpu"),
    (seen(exit_=Exit(signal=signal.SIGKILL), counts=KernelCounts(oom_kills=1)), Status.LIMIT, "memory"),
    (seen(exit_=Exit(signal=signal.SIGKILL)), Status.CRASH, "signal:SIGKILL"),
    (seen(exit_=Exit(signal=signal.SIGSEGV)), Status.CRASH, "signal:SIGSEGV"),
    (seen(exit_=Exit(signal=40)), Status.CRASH, "signal:SIG40"),
    (seen(), Status.NO_RESULT, "early_exit"),
    (seen(exit_=Exit(code=3)), Status.ERROR, "nonzero_exit"),
    (seen(Returned(1), exit_=Exit(code=3)), Status.ERROR, "nonzero_exit"),
    (seen(InputRefusal("a", "must be positive")), Status.REFUSED, "input"),
    (seen(Garbled("two frames")), Status.NO_RESULT, "result_undecodable"),
    (seen(raised("untravellable")), Status.NO_RESULT, "result_undecodable"),
    (seen(raised("exception")), Status.ERROR, "exception"),
    (seen(raised("memory")), Status.LIMIT, "memory"),
    (seen(raised("tasks")), Status.LIMIT, "tasks"),
    (seen(raised("file_size")), Status.LIMIT, "file_size"),
    (seen(raised("disk")), Status.LIMIT, "disk"),
    (seen(raised("inodes")), Status.LIMIT, "inodes"),
    (seen(raised("fds")), Status.LIMIT, "fds"),
    (seen(raised("recursion")), Status.LIMIT, "recursion"),
]
# Said by the gate and the pool, which do not come through here.
SAID_ELSEWHERE = {
    *((Status.REJECTED, cause) for cause in ("scan_ast", "scan_bandit", "policy", "syntax", "too_large")),
    (Status.INFRA, "queue_timeout"),
    (Status.INFRA, "queue_stalled"),
    (Status.INFRA, "queue_full"),
}


def in_table(status: Status, cause: str | None) -> bool:
    return any(
        row.status is status and (row.cause == cause or (":" in row.cause and (cause or "").startswith(prefix(row))))
        for row in TABLE
    )


def prefix(row: VerdictRow) -> str:
    return row.cause.rstrip(string.ascii_uppercase)


@pytest.mark.parametrize(("observation", "status", "cause"), RUNS)
def test_what_is_seen_decides(observation: Observation, status: Status, cause: str) -> None:
    verdict = decide(observation)
    assert (verdict.status, verdict.cause) == (status, cause)
    assert verdict.evidence is not None
    assert verdict.blame is blame_for(status, cause)
    assert in_table(status, cause)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.status}/{row.cause}")
def test_every_row_of_the_table_is_reached(row: VerdictRow) -> None:
    reached = {(status, cause) for _seen, status, cause in RUNS} | SAID_ELSEWHERE
    assert any(
        status is row.status and (cause == row.cause or (":" in row.cause and cause.startswith(prefix(row))))
        for status, cause in reached
    )


def test_no_row_stands_twice() -> None:
    assert len({(row.status, row.cause) for row in TABLE}) == len(TABLE)


def test_a_value_is_ok_and_needs_no_explanation() -> None:
    verdict = decide(seen(Returned({"a": 1})))
    assert (verdict.status, verdict.value) == (Status.OK, {"a": 1})
    assert (verdict.cause, verdict.blame, verdict.evidence, verdict.limits_hit) == (None, None, None, ())


class TestOrder:
    """A failure of ours, then our kill, then the wait status, then the frame."""

    EVERYTHING = Observation(
        BUDGETS,
        setup_failure="no tmpfs",
        kill=Kill(Status.LIMIT, "output", PROOF),
        exit=Exit(signal=signal.SIGSEGV),
        answer=Returned(1),
    )

    def test_a_failure_of_ours_before_release_comes_first(self) -> None:
        assert decide(self.EVERYTHING).cause == "setup"

    def test_then_the_first_reason_to_kill(self) -> None:
        without = dataclasses.replace(self.EVERYTHING, setup_failure=None)
        assert decide(without).cause == "output"
        assert decide(dataclasses.replace(without, exit=None)).cause == "output"

    def test_then_the_wait_status(self) -> None:
        without = dataclasses.replace(self.EVERYTHING, setup_failure=None, kill=None)
        assert decide(without).cause == "signal:SIGSEGV"
        assert decide(dataclasses.replace(without, exit=Exit(code=7))).cause == "nonzero_exit"
        assert decide(dataclasses.replace(without, exit=None)).cause == "lane_lost"

    def test_then_the_frame(self) -> None:
        last = dataclasses.replace(self.EVERYTHING, setup_failure=None, kill=None, exit=CLEAN)
        assert decide(last).status is Status.OK

    def test_an_exit_code_keeps_the_exception_that_came_before_it(self) -> None:
        verdict = decide(seen(raised("exception"), exit_=Exit(code=1)))
        assert verdict.cause == "nonzero_exit"
        assert verdict.error == ErrorInfo("SomeError", "text", "trace")

    def test_a_script_that_ends_as_it_announced_is_judged_by_its_exception(self) -> None:
        """CPython ends with 1 after an uncaught exception, and by SIGINT after an interruption."""
        error = ErrorInfo("SomeError", "text", "trace")
        for exits, ended in ((1, Exit(code=1)), (-signal.SIGINT, Exit(signal=signal.SIGINT))):
            verdict = decide(seen(Raised(error, exits=exits), exit_=ended))
            assert (verdict.status, verdict.cause, verdict.error) == (Status.ERROR, "exception", error)

    @pytest.mark.parametrize(
        ("exits", "ended", "cause"),
        [
            (1, Exit(code=3), "nonzero_exit"),
            (1, Exit(signal=signal.SIGINT), "signal:SIGINT"),
            (3, Exit(code=3), "nonzero_exit"),
            (-signal.SIGINT, Exit(code=1), "nonzero_exit"),
            (-signal.SIGSYS, Exit(signal=signal.SIGSYS), "seccomp:unknown"),
            (-signal.SIGSEGV, Exit(signal=signal.SIGSEGV), "signal:SIGSEGV"),
        ],
    )
    def test_no_other_end_is_excused_by_what_was_announced(self, exits: int, ended: Exit, cause: str) -> None:
        assert decide(seen(Raised(ErrorInfo("E", "", ""), exits=exits), exit_=ended)).cause == cause


class TestCpuOrWall:
    @pytest.mark.parametrize(("cpu_ms", "cause"), [(0.0, "wall"), (3799.9, "wall"), (3800.0, "cpu"), (9999.0, "cpu")])
    def test_a_busy_loop_is_cpu_and_a_sleeper_is_wall(self, cpu_ms: float, cause: str) -> None:
        kill = Kill(Status.LIMIT, "wall", PROOF)
        verdict = decide(seen(exit_=Exit(signal=signal.SIGKILL), kill=kill, counts=KernelCounts(cpu_ms=cpu_ms)))
        assert verdict.cause == cause
        assert verdict.evidence == (Evidence("cpu_ms", cpu_ms, 4000.0, "kernel") if cause == "cpu" else PROOF)

    def test_no_other_reason_to_kill_is_turned_into_cpu(self) -> None:
        kill = Kill(Status.VIOLATION, "network", PROOF)
        assert decide(seen(kill=kill, counts=KernelCounts(cpu_ms=9e9))).cause == "network"


class TestBudgetsOfExceptions:
    @pytest.mark.parametrize(
        ("kind", "counts", "counter"),
        [
            ("memory", KernelCounts(oom_kills=1), "memory.oom_kill"),
            ("memory", KernelCounts(memory_peak=950), "memory_peak_bytes"),
            ("tasks", KernelCounts(tasks_refused=1), "pids.events"),
            ("tasks", KernelCounts(processes_refused=1), "processes_refused"),
        ],
    )
    def test_a_counter_that_agrees_is_enough(self, kind: str, counts: KernelCounts, counter: str) -> None:
        for by_statement in (True, False):
            verdict = decide(seen(raised(kind, by_statement=by_statement), counts=counts))
            assert (verdict.status, verdict.cause) == (Status.LIMIT, kind)
            assert verdict.evidence is not None
            assert verdict.evidence.counter == counter
            assert verdict.evidence.source in ("cgroup", "supervisor")

    @pytest.mark.parametrize("kind", ["memory", "tasks", "recursion", "disk", "inodes", "fds", "file_size"])
    def test_without_one_a_raise_statement_is_an_error(self, kind: str) -> None:
        """`raise MemoryError` says nothing of memory."""
        verdict = decide(seen(raised(kind, by_statement=True), counts=KernelCounts(memory_peak=949)))
        assert (verdict.status, verdict.cause) == (Status.ERROR, "exception")

    def test_a_counter_that_speaks_against_it_has_the_word(self) -> None:
        """Where tasks are counted, none was refused unless the counter says so."""
        verdict = decide(seen(raised("tasks"), counts=KernelCounts(tasks_peak=2)))
        assert (verdict.status, verdict.cause) == (Status.ERROR, "exception")
        assert decide(seen(raised("tasks"))).cause == "tasks"

    def test_what_the_guest_says_is_marked_as_its_word(self) -> None:
        verdict = decide(seen(raised("recursion")))
        assert verdict.evidence is not None
        assert verdict.evidence.source == "guest"

    @pytest.mark.parametrize("kind", ["wall", "cpu", "infra", "setup", "network_bytes", "", "x" * 70_000])
    def test_a_word_that_names_no_such_budget_is_an_exception(self, kind: str) -> None:
        """The word comes out of the guest's frame: it must not become a cause, nor shift the blame."""
        verdict = decide(seen(raised(kind)))
        assert (verdict.status, verdict.cause, verdict.blame) == (Status.ERROR, "exception", Blame.CODE)


class TestLimitsHit:
    def test_a_value_is_ok_whatever_budget_it_touched(self) -> None:
        counts = KernelCounts(oom_kills=1, tasks_refused=2, processes_refused=3)
        verdict = decide(seen(Returned(1), counts=counts, touched=("output", "tasks")))
        assert verdict.status is Status.OK
        assert verdict.limits_hit == ("output", "tasks", "memory")

    def test_what_was_seen_keeps_its_order_and_counters_come_after(self) -> None:
        kill = Kill(Status.LIMIT, "wall", PROOF)
        verdict = decide(seen(kill=kill, counts=KernelCounts(oom_kills=1), touched=("wall", "output", "wall")))
        assert verdict.limits_hit == ("wall", "output", "memory")

    def test_an_error_that_is_no_limit_adds_none(self) -> None:
        assert decide(seen(raised("exception"))).limits_hit == ()


SOCKET = Kill(Status.VIOLATION, "network", PROOF)


class TestDenials:
    @pytest.mark.parametrize("caught", [True, False])
    def test_an_uncaught_error_after_one_is_the_violation(self, *, caught: bool) -> None:
        run = dataclasses.replace(seen(raised("exception", by_statement=True)), denial=Denial(SOCKET, caught=caught))
        verdict = decide(run)
        assert (verdict.status, verdict.cause, verdict.evidence) == (Status.VIOLATION, "network", PROOF)
        assert (verdict.blame, verdict.error) == (Blame.CODE, ErrorInfo("SomeError", "text", "trace"))

    @pytest.mark.parametrize("answer", [Returned(1), InputRefusal("a", "be it"), None])
    def test_caught_it_counts_where_the_policy_says_so(self, answer: Answer | None) -> None:
        plain = decide(dataclasses.replace(seen(answer), denial=Denial(SOCKET, caught=False)))
        assert plain == decide(seen(answer))
        strict = decide(dataclasses.replace(seen(answer), denial=Denial(SOCKET, caught=True)))
        assert (strict.status, strict.cause, strict.value) == (Status.VIOLATION, "network", None)

    def test_a_limit_and_our_own_reason_to_kill_come_first(self) -> None:
        for run in (seen(raised("memory")), killed(Status.LIMIT, "cpu")):
            assert decide(dataclasses.replace(run, denial=Denial(SOCKET, caught=True))) == decide(run)


def test_signals_have_names_and_real_time_ones_numbers() -> None:
    assert [signal_name(number) for number in (9, 11, 31, 50, 0)] == ["SIGKILL", "SIGSEGV", "SIGSYS", "SIG50", "SIG0"]


def test_nobody_is_to_blame_for_ok() -> None:
    assert blame_for(Status.OK, None) is None


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.status}/{row.cause}")
def test_blame_is_as_the_table_says(row: VerdictRow) -> None:
    cause = row.cause.replace("NAME", "SIGILL").replace("SYSCALL", "bpf")
    assert blame_for(row.status, cause) is row.blame


evidences = st.builds(Evidence, st.text(max_size=5), st.none() | st.text(max_size=5) | st.floats())
infos = st.builds(ErrorInfo, st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))
kinds = st.text(max_size=8) | st.sampled_from([row.cause for row in TABLE]) | st.just("untravellable")
# everything that a guest can put on its descriptor
answers: st.SearchStrategy[Answer] = st.one_of(
    st.builds(Returned, st.none() | st.integers() | st.text(max_size=5)),
    st.builds(InputRefusal, st.text(max_size=5), st.text(max_size=5)),
    st.builds(Raised, infos, kinds, st.booleans()),
    st.builds(Garbled, st.text(max_size=5)),
)
counts = st.builds(
    KernelCounts,
    cpu_ms=st.floats(0, 1e9),
    memory_peak=st.none() | st.integers(0, 10_000),
    oom_kills=st.integers(0, 3),
    tasks_refused=st.integers(0, 3),
    processes_refused=st.integers(0, 3),
)
exits = st.builds(Exit, code=st.integers(0, 255)) | st.builds(Exit, signal=st.integers(1, 64))
# every reason for which the supervisor ends a run
kills = st.builds(
    Kill,
    status=st.sampled_from([Status.LIMIT, Status.VIOLATION, Status.NO_RESULT, Status.CANCELLED]),
    cause=st.text(max_size=8) | st.sampled_from(["wall", "cpu", "network", "caller"]),
    evidence=evidences,
)
observations = st.builds(
    Observation,
    budgets=st.builds(Budgets, st.floats(0, 100), st.floats(0, 100), st.integers(0, 10**9)),
    setup_failure=st.none() | st.text(max_size=5),
    kill=st.none() | kills,
    exit=st.none() | exits,
    answer=st.none() | answers,
    counts=counts,
    touched=st.lists(st.sampled_from(["wall", "cpu", "output"]), max_size=4).map(tuple),
)


@FUZZ
@given(observations)
def test_every_observation_has_a_verdict_and_always_the_same(observation: Observation) -> None:
    verdict = decide(observation)
    assert decide(observation) == verdict
    assert (verdict.status is Status.OK) == (verdict.cause is None) == (verdict.evidence is None)
    assert len(set(verdict.limits_hit)) == len(verdict.limits_hit)
    assert set(observation.touched) <= set(verdict.limits_hit)


@FUZZ
@given(observations)
def test_ok_needs_a_value_a_clean_end_and_no_kill(observation: Observation) -> None:
    ended_well = (
        observation.setup_failure is None
        and observation.kill is None
        and observation.exit == CLEAN
        and isinstance(observation.answer, Returned)
    )
    verdict = decide(observation)
    assert (verdict.status is Status.OK) == ended_well
    if not ended_well:
        assert verdict.value is None


@FUZZ
@given(answers, exits, counts, st.lists(st.sampled_from(["wall", "cpu"]), max_size=3).map(tuple))
def test_nothing_that_a_guest_does_becomes_a_fault_of_ours(
    answer: Answer, exit_: Exit, counted: KernelCounts, touched: tuple[str, ...]
) -> None:
    """Else code could trip our breaker and earn retries: neither its frame nor its end can say `infra`."""
    verdict = decide(seen(answer, exit_=exit_, counts=counted, touched=touched))
    assert verdict.status not in (Status.INFRA, Status.CANCELLED, Status.REJECTED)
    assert verdict.blame is not Blame.ENGINE
    assert verdict.blame is not Blame.POLICY
    if verdict.cause is not None:
        assert in_table(verdict.status, verdict.cause)
