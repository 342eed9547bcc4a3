"""Write the seccomp filter in Docker's form, from the same lists as the filter of a lane.

Two filters hold in a container. This one is Docker's, around everything in it, the interpreter's start and the guest's
own preparations included; the guest's own is around each payload, is stricter, and makes the verdict. So this one
refuses instead of killing: it is there for the moment before the other one is installed, and in case that one fails.

Run as a program it prints the profile, which is the content of `sandbox_images/seccomp.json`.
"""

import errno
import fcntl
import functools
import json
import sys
from collections.abc import Sequence

from poet_engine.guest import seccomp, seccomp_notify, syscalls

_ALLOW, _REFUSE = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
_LOW_HALF = 0xFFFFFFFF  # the kernel takes 32 bits of these arguments; setting a higher one must gain nothing
# The filter is loaded before the container's program is executed, which therefore must be allowed; a payload may not.
_START = ("execve",)
# Forking payloads, confining them, and limiting them: the guest's own filter, made with these, then refuses them.
_PREPARE = (
    *("clone", "fork", "vfork", "prctl", "seccomp", "prlimit64", "futex", "setsockopt", "setsid", "memfd_create"),
    "flock",
    *("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"),
)
# Known to no other list of ours; named, because libraries take "not there" for an answer, and EPERM for a fault.
_ABSENT = ("io_uring_setup", "io_uring_enter", "io_uring_register", "memfd_secret", "set_mempolicy", "get_mempolicy")
_AF_UNIX, _SOCK_STREAM, _SOCK_SEQPACKET, _SOCK_TYPE = 1, 1, 5, 0xF

Rule = dict[str, object]


def profile(*, told: bool = False, named: bool = False) -> dict[str, object]:
    """Return the profile, as Docker reads it with `--security-opt seccomp=`.

    Args:
        told: Leave calls that only an attack makes to the filter inside, which notifies of them and refuses them. Of
            two filters the kernel takes the harsher answer, and to it an error is harsher than a notification: where
            this one refuses, a verdict cannot say which system call it was.
        named: Allow names of Unix sockets, which the filter inside allows under a policy with processes.
    """
    plain = {name for name in seccomp.names_used() if told or not seccomp.is_forbidden(name)}
    plain |= {"connect", *seccomp.DENIALS} if told else set()  # the first process may call its host
    plain |= {*seccomp.NAMED_SOCKETS} if named else set()
    allowed = sorted((plain | {*_START, *_PREPARE}) - {"clone"})
    forbidden = sorted((seccomp.names_used() - plain - {*_START}) | ({"socket"} - plain))
    refused = {name: number for name, number in {**seccomp.DENIALS, **seccomp.QUIET}.items() if name not in allowed}
    refused.pop("socket", None)  # with what is forbidden: nothing in an image that is run by hand needs one
    listed = {*allowed, *forbidden, *refused, *_BY_ARGUMENT, "clone", "socketpair"}
    absent = sorted({*syscalls.NUMBERS, *_ABSENT} - listed)
    return {
        "defaultAction": _REFUSE,
        "defaultErrnoRet": errno.ENOSYS,
        "archMap": [{"architecture": f"SCMP_ARCH_{name}", "subArchitectures": []} for name in ("X86_64", "AARCH64")],
        "syscalls": [
            _rule(allowed, _ALLOW),
            _rule(["clone"], _ALLOW, [] if told else [_masked(0, seccomp.NAMESPACE_FLAGS, 0)]),
            *(
                _rule([name], _ALLOW, [_masked(index, _LOW_HALF, value)])
                for name, (index, values) in _BY_ARGUMENT.items()
                for value in values
            ),
            *(
                _rule(["socketpair"], _ALLOW, [_masked(0, _LOW_HALF, _AF_UNIX), _masked(1, _SOCK_TYPE, kind)])
                for kind in (_SOCK_STREAM, _SOCK_SEQPACKET)
            ),
            _rule(forbidden, _REFUSE, number=errno.EPERM),
            *(
                _rule(sorted(name for name in refused if refused[name] == number), _REFUSE, number=number)
                for number in sorted(set(refused.values()))
            ),
            # Docker 20.10 knows no error for the rest, and gives EPERM: threads need ENOSYS of clone3
            _rule(absent, _REFUSE, number=errno.ENOSYS),
        ],
    }


_BY_ARGUMENT = {
    "getsockopt": (2, seccomp.SOCKET_OPTIONS),
    "ioctl": (1, (*seccomp.IOCTLS, *seccomp_notify.REQUESTS)),
    # the file for results can neither grow nor shrink; where a policy allows no processes, the filter inside answers
    # locks without taking any
    "fcntl": (1, (*seccomp.FCNTLS, *seccomp.LOCKS, fcntl.F_ADD_SEALS)),
}


def _rule(names: Sequence[str], action: str, arguments: Sequence[Rule] = (), number: int | None = None) -> Rule:
    made: Rule = {"names": list(names), "action": action}
    if arguments:
        made["args"] = list(arguments)
    if number is not None:
        made["errnoRet"] = number
    return made


def _masked(index: int, mask: int, value: int) -> Rule:
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}


def text() -> str:
    """Return the profile as the file has it, for starting an image by hand, without the filter inside."""
    return json.dumps(profile(), indent=1) + "\n"


@functools.cache
def told_text(*, named: bool) -> str:
    """Return the profile of the sandbox's own containers, as JSON; `named` as for `profile`."""
    return json.dumps(profile(told=True, named=named))


if __name__ == "__main__":
    sys.stdout.write(text())
