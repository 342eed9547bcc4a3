"""Write the table in docs/sandboxes.md anew: what a call may notice of the sandbox that it runs in.

    python tools/sandbox_differences.py

Everything else is the same, and one contract suite holds it against all of them; what that suite excuses has a line
here.
"""

from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).resolve().parents[1] / "docs" / "sandboxes.md"
COMMAND = "python tools/sandbox_differences.py"
BEGIN, END = f"<!-- table: `{COMMAND}` writes it anew -->\n", "<!-- end of table -->\n"


class Difference(NamedTuple):
    """One line of the table.

    Attributes:
        name: The name that tests use.
        process: The behaviour of the process sandbox.
        runc: The behaviour of containers that runc runs; None where it is the same.
        runsc: The behaviour of containers that gVisor runs; None where it is that of runc's.
        why: The reason why it must remain.
        test: The test that shows it, below `tests/`.
    """

    name: str
    process: str
    runc: str | None
    runsc: str | None
    why: str
    test: str

    def applies_to(self, runtime: str) -> bool:
        """Return whether containers of this runtime differ from the process sandbox."""
        return self.runc is not None or (runtime == "runsc" and self.runsc is not None)


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "named system calls",
        "a forbidden system call is named: `seccomp:ptrace`, `priv`",
        None,
        "always `seccomp:unknown`; in a child of the code's it ends that child, and the run goes on",
        "gVisor has no notifications of seccomp; a wait status says SIGSYS and no number",
        "conformance/test_calls.py::test_each_status_and_cause_is_reached_with_evidence_and_blame",
    ),
    Difference(
        "denied calls",
        "a call that honest code tries is told in `denied`; an uncaught error after a denied socket is a violation",
        None,
        '`denied` is empty, and the error an `error`; `on_denied = "kill"` or `fail_on_denied` has it end the process',
        "gVisor has no notifications of seccomp, so nobody is told",
        "regressions/test_case_19.py::test_a_probe_that_is_caught_is_told_beside_the_value",
    ),
    Difference(
        "output by name",
        "`/dev/stdout` and `/dev/stderr` can be opened to write",
        None,
        "PermissionError",
        "gVisor keeps no mode of a pipe, and a pipe is its maker's, who is not the user of the code",
        "regressions/test_case_21.py::test_a_script_opens_them",
    ),
    Difference(
        "refused tasks",
        "a process or thread that was refused is told in `limits_hit`, also when the code went on",
        None,
        "only when the code ended with the interpreter's own error of it; `usage.tasks_peak` is None",
        "nobody counts them: there is no notification and no counter of a cgroup",
        "conformance/test_calls.py::test_a_budget_that_was_touched_and_survived_is_told_beside_the_value",
    ),
    Difference(
        "inodes",
        "`limits.inodes` bounds the files",
        None,
        "not bounded; what they take is bounded by the memory of the container",
        "gVisor ignores `nr_inodes` of a tmpfs",
        "conformance/test_calls.py::test_each_status_and_cause_is_reached_with_evidence_and_blame",
    ),
    Difference(
        "memory",
        "a cgroup counts private and shared memory and temporary files together, and tells the call's peak",
        None,
        "each process has its address space bounded, files count as `disk`, and what lies in pipes is bounded by "
        "their number; a cgroup is around gVisor and all of it; `usage.memory_peak_bytes` is None",
        "gVisor shows no counters inside, and what it says of a process's own size is too low",
        "conformance/test_calls.py::test_the_peak_of_one_call_is_not_the_next_ones",
    ),
    Difference(
        "timers and queued signals",
        "at most 256",
        None,
        "not bounded; they are memory of the container",
        "gVisor takes no limit on them",
        "security/test_processes.py::test_timers_are_limited",
    ),
    Difference(
        "calls of the kernel",
        "those of Linux that the filter lets through",
        None,
        "without `copy_file_range` and `O_TMPFILE`, which fail as on an old kernel",
        "gVisor is another kernel, and this release does not have them",
        "security/test_disk.py::test_every_way_to_fill_the_disk_ends_in_its_limit",
    ),
    Difference(
        "processor time of children",
        "counted while they run",
        None,
        "counted when they have ended; the quota of `limits.cores` holds",
        "gVisor shows no counters inside, and only the clock of one process can be read",
        "security/test_processes.py::test_work_of_children_is_on_the_budget_of_the_call",
    ),
    Difference(
        "large arguments",
        "from 64 KiB on they lie in a file that is charged to the host, and count in full when they are copied",
        "the file is charged to the call: an array that is written to counts twice; bytes count once",
        None,
        "a container cannot be given a file of the host's",
        "conformance/test_calls.py::test_arguments_that_leave_no_room_to_work_are_a_limit_of_memory",
    ),
    Difference(
        "open files",
        "the lower of `limits.open_files` and what the machine lets its user have",
        "a policy whose `open_files` is above the engine's own limit, less 512, does not open",
        "as the policy says",
        "runc cannot raise a limit above the engine's, and does not start a container that asks for it",
        "conformance/test_corners_of_limits.py::test_as_many_open_files_as_there_may_be_open_or_are_refused_by_name",
    ),
    Difference(
        "between calls",
        'with `fresh = "none"` what a call has started is stopped before its counters are read',
        "it is stopped by an order that follows the answer; the millisecond until then is on nobody's budget",
        None,
        "only the container's first process can signal the code",
        "regressions/test_f2_kept_payloads_are_frozen.py::test_what_a_call_has_started_does_nothing_while_nobody_calls",
    ),
    Difference(
        "shared memory folder",
        "`/tmp` and `/dev/shm` together have `limits.disk` and `limits.inodes`",
        "`/tmp` has them; `/dev/shm` has 1/32 on top, or a quarter where the policy allows processes",
        None,
        "Docker cannot make one file system of two folders",
        "unit/sandbox/docker/test_container_spec.py::test_no_budget_is_ever_larger_than_the_policy_says",
    ),
    Difference(
        "one version",
        "a lane serves one version after the other",
        "a container serves one version and is then of no use to others: the first call of a version may wait for one "
        "to start",
        None,
        "without capabilities nothing can be mounted anew between two calls, so what one leaves is removed, not gone",
        "security/test_docker_leftovers.py::test_a_container_serves_one_version_only",
    ),
    Difference(
        "what is visible",
        "no `/proc`, no `/sys`",
        "a `/proc` and a `/sys` of the container's own, masked and read-only",
        None,
        "the engine mounts them, and the counters are read there",
        "security/test_docker.py::test_what_proc_and_sys_show_is_the_containers_own",
    ),
)


def of(name: str) -> Difference:
    """Return the line of that name.

    Raises:
        KeyError: The table has no such line.
    """
    return {each.name: each for each in DIFFERENCES}[name]


def table() -> str:
    """The table in Markdown."""
    rows = [
        f"| {row.name} | {row.process} | {row.runc or 'the same'} "
        f"| {row.runsc or ('the same' if row.runc is None else 'as with runc')} | {row.why} |"
        for row in DIFFERENCES
    ]
    return "\n".join(["| what | process | docker (runc) | docker (runsc) | why |", "|---|---|---|---|---|", *rows, ""])


def with_table(page: str) -> str:
    """The page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
