"""The table of system calls agrees with itself, with the filter, and with the kernel's own headers."""

import collections
import platform
import re
from pathlib import Path

import pytest

from poet_engine.guest import seccomp, syscalls

X86_HEADERS = [Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm/unistd_64.h")]
GENERIC_HEADER = Path("/usr/include/asm-generic/unistd.h")  # what aarch64 uses
# renamed in the generic table, where one number serves both word sizes
RENAMED = {"fstatat": "newfstatat", "fadvise64_64": "fadvise64"}

numbers_of = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])


def rows() -> list[list[str]]:
    return [line.split() for line in syscalls._TABLE.split("\n") if line]


def test_every_row_is_a_name_and_a_number_for_each_machine() -> None:
    assert len(rows()) > 200
    for row in rows():
        assert re.fullmatch(r"[a-z][a-z0-9_]+ (\d+|-) (\d+|-)", " ".join(row))
        assert row[1:] != ["-", "-"]


def test_the_table_is_sorted_and_no_name_stands_twice() -> None:
    names = [row[0] for row in rows()]
    assert names == sorted(set(names))


@numbers_of
def test_no_number_stands_for_two_calls(machine: str) -> None:
    counted = collections.Counter(syscalls.numbers(machine).values())
    assert [number for number, times in counted.items() if times > 1] == []


@numbers_of
def test_every_call_that_the_filter_names_is_in_the_table(machine: str) -> None:
    known = {row[0] for row in rows()}
    assert {*seccomp.names_used(), *seccomp.DENIALS, *seccomp.QUIET} - known == set()
    assert {"read", "write", "exit_group", "clone", "ptrace"} <= set(syscalls.numbers(machine))


@numbers_of
def test_every_machine_has_an_architecture_to_be_recognised_by(machine: str) -> None:
    assert machine in syscalls.AUDIT_ARCHES


def test_an_unsupported_machine_has_no_numbers() -> None:
    assert syscalls.numbers("vax") == {}


def test_names_and_numbers_of_this_machine_are_each_others_inverse() -> None:
    assert syscalls.numbers(platform.machine()) == syscalls.NUMBERS
    assert {name: number for number, name in syscalls.NAMES.items()} == syscalls.NUMBERS


def defined(header: Path) -> dict[str, int]:
    """Name → number, as a header of the kernel defines them."""
    found = re.findall(r"^#define\s+__NR(?:3264)?_(\w+)\s+(\d+)$", header.read_text(encoding="ascii"), re.MULTILINE)
    return {RENAMED.get(name, name): int(number) for name, number in found}


def disagreements(machine: str, header: Path) -> list[str]:
    """Calls whose number the header gives otherwise; calls newer than the header are not its business."""
    known = defined(header)
    newest = max(known.values())
    return [
        f"{name}: {number}, but the header says {known.get(name)}"
        for name, number in syscalls.numbers(machine).items()
        if known.get(name) != number and not (name not in known and number > newest - 20)
    ]


def test_the_numbers_of_x86_64_agree_with_the_kernels_header() -> None:
    header = next((path for path in X86_HEADERS if path.exists()), None)
    if header is None:
        pytest.skip("no asm/unistd_64.h here; it comes with the kernel's headers for user space (linux-libc-dev)")
    assert len(defined(header)) > 300
    assert disagreements("x86_64", header) == []


def test_the_numbers_of_aarch64_agree_with_the_kernels_header() -> None:
    if not GENERIC_HEADER.exists():
        pytest.skip("no asm-generic/unistd.h here; it comes with the kernel's headers for user space (linux-libc-dev)")
    assert len(defined(GENERIC_HEADER)) > 280
    assert disagreements("aarch64", GENERIC_HEADER) == []
