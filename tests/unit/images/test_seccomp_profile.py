"""Docker's form of the system-call wall says what the guest's lists say."""

import fcntl
from pathlib import Path

import pytest

from poet_engine import _resources
from poet_engine.guest import seccomp, seccomp_notify
from poet_engine.images import seccomp as profile

_FILE = Path(_resources.folder("sandbox_images")) / "seccomp.json"


def rules(name: str) -> list[dict[str, object]]:
    found = profile.profile()["syscalls"]
    assert isinstance(found, list)
    return [rule for rule in found if name in rule["names"]]


def test_the_file_is_what_the_lists_make() -> None:
    """Mend it with: python -m poet_engine.images.seccomp > sandbox_images/seccomp.json."""
    assert _FILE.read_text(encoding="utf-8") == profile.text()


def test_every_call_is_in_one_rule_or_in_rules_with_arguments() -> None:
    for name in (*seccomp.names_used(), "clone", "clone3", "socket", "ioctl", "io_uring_setup"):
        found = rules(name)
        assert found, name
        assert len(found) == 1 or all("args" in rule for rule in found), name


@pytest.mark.parametrize(
    "name", ["ptrace", "mount", "bpf", "unshare", "setns", "keyctl", "execveat", "socket", "setuid"]
)
def test_what_only_attacks_ask_for_is_refused(name: str) -> None:
    (rule,) = rules(name)
    assert (rule["action"], rule["errnoRet"]) == ("SCMP_ACT_ERRNO", 1)


@pytest.mark.parametrize("name", ["clone3", "io_uring_setup", "memfd_secret"])
def test_what_libraries_do_without_is_not_there(name: str) -> None:
    (rule,) = rules(name)
    assert (rule["action"], rule["errnoRet"]) == ("SCMP_ACT_ERRNO", 38)


@pytest.mark.parametrize(("name", "number"), [("listxattr", 95), ("setpriority", 1), ("setsockopt", None), ("sync", 0)])
def test_what_honest_code_tries_fails_as_in_a_lane(name: str, number: int | None) -> None:
    (rule,) = rules(name)
    assert rule.get("errnoRet") == number, "a container's first process sets options, so that one is allowed"


@pytest.mark.parametrize("name", ["read", "mmap", "execve", "seccomp", "memfd_create", "landlock_restrict_self"])
def test_what_the_guest_needs_is_allowed(name: str) -> None:
    (rule,) = rules(name)
    assert rule["action"] == "SCMP_ACT_ALLOW"
    assert "args" not in rule


def test_arguments_of_32_bits_are_compared_as_such() -> None:
    """A comparison of all 64 bits is walked around by setting a high one, which the kernel drops."""
    for name, index, values in (
        ("ioctl", 1, (*seccomp.IOCTLS, *seccomp_notify.REQUESTS)),
        ("fcntl", 1, (*seccomp.FCNTLS, *seccomp.LOCKS, fcntl.F_ADD_SEALS)),
    ):
        expected = [
            [{"index": index, "value": 0xFFFFFFFF, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}] for value in values
        ]
        assert [rule["args"] for rule in rules(name)] == expected
    (clone,) = rules("clone")
    assert clone["args"] == [{"index": 0, "value": seccomp.NAMESPACE_FLAGS, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]


def test_names_of_sockets_are_left_to_the_filter_inside_only_where_it_allows_them() -> None:
    def allowed(*, named: bool) -> set[str]:
        found = profile.profile(told=True, named=named)["syscalls"]
        assert isinstance(found, list)
        return {name for rule in found if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}

    assert allowed(named=True) - allowed(named=False) == {"bind", "listen", "accept", "accept4"}
    assert allowed(named=True) >= allowed(named=False) | {"connect", "socket"}
    assert profile.told_text(named=False) != profile.told_text(named=True)


def test_the_sandbox_s_own_containers_leave_the_refusing_to_the_filter_that_tells_of_it() -> None:
    """Of two filters the kernel takes the harsher answer: what this one refused, a verdict could not name."""
    told = profile.profile(told=True)["syscalls"]
    assert isinstance(told, list)
    plainly_allowed = {
        name for rule in told if rule["action"] == "SCMP_ACT_ALLOW" and "args" not in rule for name in rule["names"]
    }
    refused = {name for rule in told if rule["action"] != "SCMP_ACT_ALLOW" for name in rule["names"]}
    named = {name for name in seccomp.names_used() if seccomp.is_forbidden(name)} | {"socket"}
    assert named <= plainly_allowed
    assert refused.isdisjoint(named)
    assert {"clone3", "io_uring_setup", "memfd_secret"} <= refused
