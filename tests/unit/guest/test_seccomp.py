"""The filter, run call by call through an interpreter of the program's own instructions."""

import errno
import struct

import pytest

from poet_engine.guest import seccomp, syscalls

# include/uapi/linux/seccomp.h and include/uapi/linux/bpf_common.h, written down a second time on purpose
KILL, NOTIFY, ALLOW, ERRNO = 0x80000000, 0x7FC00000, 0x7FFF0000, 0x00050000
LOAD, JEQ, JSET, JGE, AND, RETURN = 0x20, 0x15, 0x45, 0x35, 0x54, 0x06
MOST_INSTRUCTIONS = 4096  # BPF_MAXINSNS
THREAD = 0x3D0F00  # what the C library passes for a thread: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, …
SIGCHLD = 17
BY_ARGUMENT = [
    *("futex", "flock", "clone", "fork", "vfork", "socket", "socketpair", "getsockopt", "ioctl", "fcntl", "prctl"),
    *("prlimit64", "mknod", "mknodat"),
]
DEVICE = (2, 0o20600, 0o20600)  # denied in any place: as a family of sockets, and as the kind of a file
HIGH = 1 << 32  # a bit that the kernel does not look at in 32-bit arguments

ARCH = syscalls.AUDIT_ARCHES.get(syscalls.MACHINE, 0)
pytestmark = pytest.mark.skipif(not ARCH, reason=f"no filter is made for {syscalls.MACHINE}")

WITHOUT, WITH = (seccomp.program(processes=processes) if ARCH else b"" for processes in (False, True))


def instructions(program: bytes) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack("=HBBI", program))


def answer(program: bytes, data: bytes) -> int:
    """What the kernel would answer: the return value of the program on a `struct seccomp_data`."""
    code = instructions(program)
    accumulator = position = 0
    while True:
        operation, yes, no, k = code[position]
        position += 1
        if operation == RETURN:
            return k
        if operation == LOAD:
            assert k % 4 == 0
            accumulator = struct.unpack_from("=I", data, k)[0]
            continue
        if operation == AND:
            accumulator &= k
            continue
        taken = {JEQ: accumulator == k, JSET: bool(accumulator & k), JGE: accumulator >= k}[operation]
        position += yes if taken else no


def ask(name: str | int, *arguments: int, arch: int = ARCH, program: bytes = WITHOUT) -> int:
    number = syscalls.NUMBERS[name] if isinstance(name, str) else name
    filled = [argument & 0xFFFFFFFFFFFFFFFF for argument in (*arguments, 0, 0, 0, 0, 0, 0)][:6]
    return answer(program, struct.pack("=IIQ6Q", number & 0xFFFFFFFF, arch, 0x400000, *filled))


def refused(number: int) -> int:
    return ERRNO | number


def present(names: str) -> list[str]:
    return [name for name in names.split() if name in syscalls.NUMBERS]


NAMED = seccomp.program(processes=True, named=True) if ARCH else b""
KEPT = seccomp.program(processes=True, keep=True) if ARCH else b""
SIGCONT = 18
either = pytest.mark.parametrize("program", [WITHOUT, WITH], ids=["without processes", "with processes"])
each = pytest.mark.parametrize(
    "program", [WITHOUT, WITH, NAMED], ids=["without processes", "with processes", "with named sockets"]
)


class TestForm:
    @each
    def test_the_kernel_would_take_the_program(self, program: bytes) -> None:
        code = instructions(program)
        assert 200 < len(code) <= MOST_INSTRUCTIONS
        for position, (operation, yes, no, k) in enumerate(code):
            assert operation in (LOAD, JEQ, JSET, JGE, AND, RETURN)
            assert position + 1 + max(yes, no) < len(code) or operation == RETURN
            if operation == LOAD:
                assert k % 4 == 0
                assert k < 64  # sizeof(struct seccomp_data)
            if operation == RETURN:
                assert k in (KILL, NOTIFY, ALLOW) or k & 0xFFFF0000 == ERRNO

    @each
    def test_no_instruction_is_out_of_reach(self, program: bytes) -> None:
        code = instructions(program)
        reached, waiting = set(), [0]
        while waiting:
            position = waiting.pop()
            if position in reached:
                continue
            reached.add(position)
            operation, yes, no, _k = code[position]
            if operation in (LOAD, AND):
                waiting.append(position + 1)
            elif operation != RETURN:
                waiting += [position + 1 + yes, position + 1 + no]
        assert reached == set(range(len(code)))


class TestLists:
    @each
    def test_what_libraries_need_is_allowed(self, program: bytes) -> None:
        answers = {name: ask(name, program=program) for name in present(seccomp._ALLOWED)}
        assert answers == dict.fromkeys(answers, ALLOW)
        assert len(answers) > 100

    @each
    def test_what_only_attacks_need_is_told(self, program: bytes) -> None:
        answers = {name: ask(name, program=program) for name in present(seccomp._NOTIFIED)}
        assert answers == dict.fromkeys(answers, NOTIFY)
        assert len(answers) > 50

    @each
    def test_what_honest_code_tries_is_told(self, program: bytes) -> None:
        answers = {name: ask(name, *DEVICE, program=program) for name in present(" ".join(seccomp.DENIALS))}
        assert answers == dict.fromkeys(answers, NOTIFY)
        assert {"socket", "listxattr", "setpriority"} <= set(answers)

    def test_where_nobody_is_told_it_fails_with_an_error_that_it_knows(self) -> None:
        unheard = seccomp.program(processes=False, told=False)
        answers = {name: ask(name, *DEVICE, program=unheard) for name in present(" ".join(seccomp.DENIALS))}
        assert answers == {name: refused(seccomp.DENIALS[name]) for name in answers}
        assert answers["listxattr"] == refused(errno.EOPNOTSUPP)
        assert ask("ptrace", program=unheard) == KILL

    def test_where_nobody_is_told_a_strict_policy_ends_the_process(self) -> None:
        strict = seccomp.program(processes=False, told=False, strict=True)
        assert {ask(name, *DEVICE, program=strict) for name in present(" ".join(seccomp.DENIALS))} == {KILL}

    @either
    def test_what_is_answered_quietly(self, program: bytes) -> None:
        assert {name: ask(name, program=program) for name in seccomp.QUIET} == {
            "setsockopt": refused(errno.ENOPROTOOPT),
            "sync": refused(0),
            "syncfs": refused(0),
        }

    def test_no_call_is_on_two_lists(self) -> None:
        denied = {*seccomp.DENIALS} - {*BY_ARGUMENT}
        lists = [*seccomp._ALLOWED.split(), *seccomp._NOTIFIED.split(), *denied, *seccomp.QUIET]
        assert len({*lists, *BY_ARGUMENT}) == len(lists) + len(BY_ARGUMENT)

    @either
    def test_everything_else_looks_as_if_this_kernel_did_not_have_it(self, program: bytes) -> None:
        """Also what is newer than our table: libraries then take another way."""
        listed = (seccomp._ALLOWED, seccomp._NOTIFIED, *seccomp.DENIALS, *seccomp.QUIET)
        named = {syscalls.NUMBERS[name] for name in present(" ".join(listed))}
        by_argument = {syscalls.NUMBERS[name] for name in BY_ARGUMENT if name in syscalls.NUMBERS}
        for number in set(range(1024)) - named - by_argument:
            assert ask(number, program=program) == refused(errno.ENOSYS)

    @pytest.mark.parametrize("name", ["clone3", "seccomp", "landlock_restrict_self"])
    def test_some_that_we_know_stay_away_all_the_same(self, name: str) -> None:
        """`clone3` hides its flags in memory, where a filter cannot look; ENOSYS makes the C library use `clone`."""
        assert ask(name) == refused(errno.ENOSYS)

    def test_privilege_calls_are_told(self) -> None:
        assert set(seccomp._NOTIFIED.split()) >= seccomp.PRIVILEGE_CALLS


class TestArchitecture:
    @pytest.mark.parametrize("arch", [0x40000003, 0x40000028, 0xC00000F3, 0, *syscalls.AUDIT_ARCHES.values()])
    def test_calls_of_a_foreign_architecture_kill(self, arch: int) -> None:
        """i386 calls on x86_64 have other numbers: an allowed one here may be a forbidden one there."""
        if arch == ARCH:
            assert ask("read", arch=arch) == ALLOW
        else:
            assert {ask(number, arch=arch) for number in range(500)} == {KILL}

    @pytest.mark.skipif(syscalls.MACHINE != "x86_64", reason="only x86_64 has a second table of calls under a bit")
    def test_calls_of_the_x32_table_kill(self) -> None:
        for number in (*range(600), 0x3FFFFFFF):
            assert ask(0x40000000 | number) == KILL
        assert ask(-1) == KILL


class TestProcesses:
    @either
    def test_threads_are_allowed(self, program: bytes) -> None:
        assert ask("clone", THREAD, program=program) == ALLOW

    def test_processes_are_told_unless_the_policy_has_some(self) -> None:
        for name, flags in [("clone", SIGCHLD), ("clone", 0x4111), *((name, 0) for name in present("fork vfork"))]:
            assert ask(name, flags) == NOTIFY
            assert ask(name, flags, program=WITH) == ALLOW
            assert seccomp.asks_for_process(name, (flags, 0, 0, 0, 0, 0))

    @pytest.mark.parametrize(
        "flag", [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80]
    )
    @either
    def test_no_namespace_comes_with_a_process_or_a_thread(self, flag: int, program: bytes) -> None:
        assert flag & seccomp.NAMESPACE_FLAGS
        for flags in (flag | SIGCHLD, flag | THREAD, flag | HIGH):
            assert ask("clone", flags, program=program) == NOTIFY
            assert not seccomp.asks_for_process("clone", (flags, 0, 0, 0, 0, 0))

    def test_other_calls_ask_for_no_process(self) -> None:
        assert not seccomp.asks_for_process("ptrace", (0, 0, 0, 0, 0, 0))


class TestArguments:
    def test_a_unix_socket_is_refused_quietly_and_any_other_is_told(self) -> None:
        assert ask("socket", 1, 1) == refused(errno.EACCES)
        assert ask("socket", 1 | HIGH, 1) == refused(errno.EACCES)
        for family in [0, *range(2, 50)]:
            assert ask("socket", family, 1) == NOTIFY
            assert ask("socket", family | HIGH, 1) == NOTIFY

    @pytest.mark.parametrize(
        ("family", "internet"), [(2, True), (10, True), (16, False), (17, False), (2 | HIGH, True)]
    )
    def test_internet_sockets_are_known_as_such(self, family: int, internet: bool) -> None:  # noqa: FBT001 - a table
        assert seccomp.is_internet_socket("socket", (family, 1, 0, 0, 0, 0)) is internet
        assert not seccomp.is_internet_socket("socketpair", (family, 1, 0, 0, 0, 0))

    def test_socket_pairs_are_unix_streams(self) -> None:
        """A datagram socket of a pair could send to any address all the same; type 3 is another name of it."""
        for flags in (0, 0o4000, 0o2000000, 0o2004000, HIGH):
            assert ask("socketpair", 1, 1 | flags) == ALLOW
            assert ask("socketpair", 1 | HIGH, 1 | flags) == ALLOW
            for family, kind in [(2, 1), (0, 1), (16, 1), (1, 0), *((1, kind) for kind in range(2, 16))]:
                assert ask("socketpair", family, kind | flags) == refused(errno.EAFNOSUPPORT)

    def test_futexes_of_this_process_alone_pass(self) -> None:
        """One that is not private is named by the inode of its page: lanes share those of the C library."""
        for command in range(14):
            for flags in (0, 0x100, 0xFFFFFF00, HIGH):
                assert ask("futex", 0, command | 0x80 | flags) == ALLOW
                expected = errno.EAGAIN if command in (0, 9) else errno.EINVAL
                assert ask("futex", 0, command | flags) == refused(expected)

    @pytest.mark.parametrize("limit", [0x7FFF0000, HIGH])
    def test_a_wait_with_a_time_limit_is_over_at_once(self, limit: int) -> None:
        """The C library would ask again and again: it takes the kernel's word that the time is over."""
        for command in (0, 9, 0x109):
            assert ask("futex", 0, command, 0, limit) == refused(errno.ETIMEDOUT)

    def test_where_there_are_processes_they_wait_for_each_other(self) -> None:
        for command in range(14):
            expected = ALLOW if command in (0, 1, 9, 10) else refused(errno.EINVAL)
            assert ask("futex", 0, command, program=WITH) == expected
            assert ask("futex", 0, command | 0x80, program=WITH) == ALLOW

    @pytest.mark.parametrize("request_", [0x5412, 0x541C, 0x5402, 0x8933, 0x401C5820])
    def test_a_high_bit_does_not_carry_an_ioctl_past_the_list(self, request_: int) -> None:
        """TIOCSTI and its kin: the kernel drops the high half, which a comparison of all 64 bits would not."""
        for form in (request_, request_ | HIGH, request_ | 0xFFFFFFFF00000000):
            assert ask("ioctl", 0, form) == refused(errno.ENOTTY)

    @pytest.mark.parametrize(
        ("name", "index", "values", "otherwise"),
        [
            ("ioctl", 1, seccomp.IOCTLS, errno.ENOTTY),
            ("prctl", 0, seccomp._PRCTLS, errno.EPERM),
            ("getsockopt", 2, seccomp.SOCKET_OPTIONS, errno.ENOPROTOOPT),
        ],
    )
    def test_only_listed_requests_pass(self, name: str, index: int, values: tuple[int, ...], otherwise: int) -> None:
        for value in {*range(100), *range(1024, 1050), *values}:
            expected = ALLOW if value in values else refused(otherwise)
            assert ask(name, *[0] * index, value) == expected
            assert ask(name, *[0] * index, value | HIGH) == expected

    @either
    def test_only_listed_commands_of_descriptors_pass(self, program: bytes) -> None:
        """No lease, seal, owner or signal."""
        for command in set(range(1100)) - {*seccomp.LOCKS}:
            for form in (command, command | HIGH):
                expected = ALLOW if command in seccomp.FCNTLS else refused(errno.EINVAL)
                assert ask("fcntl", 0, form, program=program) == expected

    @each
    @pytest.mark.parametrize(("name", "before"), [("mknod", (0,)), ("mknodat", (0, 0))])
    def test_device_files_are_denied_and_what_anybody_may_make_is_not(
        self, name: str, before: tuple[int, ...], program: bytes
    ) -> None:
        """The kernel takes 16 bits of the mode."""
        if name not in syscalls.NUMBERS:
            pytest.skip("this architecture has one of them")
        for kind in range(16):
            for high in (0, 1 << 16, HIGH, 0xFFFFFFFFFFFF0000):
                expected = ALLOW if kind in (0, 1, 8) else NOTIFY
                assert ask(name, *before, kind << 12 | 0o644 | high, program=program) == expected

    def test_a_lock_is_promised_and_not_taken_unless_the_policy_has_processes(self) -> None:
        """A lock on a shared read-only file would carry messages from lane to lane."""
        for command in (6, 7, 37, 38, 6 | HIGH):
            assert ask("fcntl", 0, command) == refused(0)
            assert ask("fcntl", 0, command, program=WITH) == ALLOW
        assert ask("flock") == refused(0)
        assert ask("flock", program=WITH) == ALLOW

    @pytest.mark.parametrize("option", [1, 4, 22, 24, 28, 36, 38, 47, 59])
    def test_confinement_cannot_be_undone_through_prctl(self, option: int) -> None:
        assert ask("prctl", option) == refused(errno.EPERM)

    @pytest.mark.parametrize("new", [0x7FFF1000, 1, HIGH, 0x7FFF << 32, 0xFFFFFFFFFFFFFFFF])
    def test_only_ones_own_limits_are_set(self, new: int) -> None:
        """The kernel takes 32 bits of the process's number: 0 in those is oneself, whatever stands above."""
        assert ask("prlimit64", 0, 7, new, 0) == ask("prlimit64", HIGH, 7, new, 0) == ALLOW
        for other in (1, 7, HIGH | 1, 0xFFFFFFFF):
            assert ask("prlimit64", other, 7, 0, 0x7FFF0000) == ALLOW
            assert ask("prlimit64", other, 7, new, 0) == refused(errno.EPERM)
        assert "setrlimit" not in syscalls.NUMBERS


class TestNamedSockets:
    """Each call that a server of `multiprocessing` and its clients need, and nothing more."""

    def test_they_are_there_where_they_are_asked_for(self) -> None:
        names = present(" ".join(seccomp.NAMED_SOCKETS))
        assert {"bind", "listen", "connect", "accept4"} <= set(names)
        for name in names:
            assert ask(name, program=NAMED) == ALLOW
            for program in (WITHOUT, WITH, KEPT):
                assert ask(name, program=program) == refused(errno.ENOSYS)

    def test_nothing_else_is_answered_in_another_way(self) -> None:
        changed = {
            syscalls.NUMBERS[name] for name in present(" ".join((*seccomp.NAMED_SOCKETS, "socket", "setsockopt")))
        }
        for number in set(range(1024)) - changed:
            for arguments in ((), (1, 1, 2), (2, 1)):
                assert ask(number, *arguments, program=NAMED) == ask(number, *arguments, program=WITH)

    def test_only_unix_streams_are_made(self) -> None:
        for flags in (0, 0o4000, 0o2000000, 0o2004000, HIGH):
            for family in (1, 1 | HIGH):
                assert ask("socket", family, 1 | flags, program=NAMED) == ALLOW
                for kind in (0, *range(2, 16)):
                    assert ask("socket", family, kind | flags, program=NAMED) == refused(errno.EACCES)
            for family in (0, *range(2, 50)):
                assert ask("socket", family, 1 | flags, program=NAMED) == NOTIFY

    def test_the_one_option_of_servers_is_promised_and_no_option_is_set(self) -> None:
        for option in range(100):
            expected = refused(0 if option == 2 else errno.ENOPROTOOPT)
            assert ask("setsockopt", 3, 1, option, program=NAMED) == expected
            assert ask("setsockopt", 3, 6, option, program=NAMED) == refused(errno.ENOPROTOOPT)
            assert ask("setsockopt", 3, 1, option, program=WITH) == refused(errno.ENOPROTOOPT)


class TestStoppedBetweenCalls:
    @pytest.mark.parametrize("bit", [0, HIGH], ids=["plain", "with a high bit"])
    @pytest.mark.parametrize(("name", "before"), [("kill", 1), ("tkill", 1), ("tgkill", 2)])
    def test_a_kept_payload_cannot_have_a_process_go_on(self, name: str, before: int, bit: int) -> None:
        assert ask(name, *[7] * before, SIGCONT | bit, program=KEPT) == refused(errno.EPERM)
        assert ask(name, *[7] * before, SIGCONT | bit, program=WITH) == ALLOW

    @pytest.mark.parametrize("number", [number for number in range(65) if number != SIGCONT])
    def test_other_signals_are_its_own_affair(self, number: int) -> None:
        assert ask("kill", SIGCONT, number, program=KEPT) == ALLOW
        assert ask("tkill", SIGCONT, number, program=KEPT) == ALLOW
        assert ask("tgkill", SIGCONT, SIGCONT, number, program=KEPT) == ALLOW

    def test_it_has_no_timers_that_send_a_signal_of_choice(self) -> None:
        assert ask("timer_create", program=KEPT) == refused(errno.ENOSYS)
        assert ask("timer_create", program=WITH) == ALLOW

    @pytest.mark.parametrize(
        "name", ["rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal", "mq_notify", "setsid", "setpgid"]
    )
    def test_what_else_could_send_one_or_leave_the_group_is_on_no_list(self, name: str) -> None:
        assert name not in seccomp.names_used()

    def test_no_descriptor_can_be_told_which_signal_to_send(self) -> None:
        set_signal = 10  # F_SETSIG
        assert ask("fcntl", 3, set_signal, SIGCONT, program=KEPT) & 0xFFFF0000 == ERRNO
