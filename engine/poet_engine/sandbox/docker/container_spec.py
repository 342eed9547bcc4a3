"""Build the body of Docker's `POST /containers/create` that carries out a policy. Pure.

Nothing that isolation depends on is left to the daemon's defaults: they differ between versions and between daemons.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from poet_engine.policy import Policy
from poet_engine.sandbox import environment
from poet_engine.sandbox.docker import direct_socket

_MIB = 1 << 20
_PAGE = 4096
# Bytes that an interpreter with a scientific stack holds before any call; a caller that has measured it gives `memory`.
_INTERPRETER = 256 * _MIB
# gVisor's kernel is a process of the container, counted with it: its heap and its threads are no budget of the code's.
# It dies with all that is in it when it gets no more threads (below 256 it may not even start), and takes six or seven
# for each process of the code; what stops the code there is `nproc`, which gVisor counts itself.
_GVISOR_MEMORY = 512 * _MIB
_GVISOR_TASKS, _GVISOR_TASKS_EACH = 256, 8
# Users and capabilities of gVisor's are its own affair and mean nothing to the machine. Inside, a first process that is
# somebody else than the payloads is the only thing that keeps them from signalling it and from opening its streams:
# there is no Landlock, and its first process has none of the kernel's protection. SETPCAP empties the bounding set.
_GVISOR_CAPABILITIES = ("SETUID", "SETGID", "KILL", "DAC_OVERRIDE", "FOWNER", "SETPCAP")
# Our own first process holds the streams, pipes to payloads and folders that it empties while a payload holds its own.
_SUPERVISOR_FILES = 512
_SUPERVISOR_TASKS = 1
# The period of a quota, not a NanoCpus: the daemon refuses more of those than it has processors.
_PERIOD_US, _LEAST_QUOTA_US = 100_000, 1000
# Docker cannot make one file system of both folders. What `/dev/shm` has is a part of the budget again, on top: taken
# off, what a policy allows would not fit into `/tmp`. Code that starts no process has nobody to share memory with:
# enough for semaphores.
_SHARE_ALONE, _SHARE_WITH_CHILDREN = 32, 4

# Paths that reveal the machine, beyond those that the oldest daemon hides; missing ones are skipped. The counters
# of the container below /sys/fs/cgroup stay, and /sys/devices/system, by which libraries count processors.
_MASKED = (
    *("/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug"),
    *("/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/proc/interrupts", "/sys/firmware"),
    *("/proc/cmdline", "/proc/config.gz", "/proc/diskstats", "/proc/key-users", "/proc/locks", "/proc/modules"),
    *("/proc/partitions", "/proc/schedstat", "/proc/softirqs", "/proc/swaps"),
    *("/sys/block", "/sys/bus", "/sys/class", "/sys/dev", "/sys/devices/virtual", "/sys/hypervisor", "/sys/kernel"),
    *("/sys/module", "/sys/power"),
)
_STREAMS = ("AttachStdin", "AttachStdout", "AttachStderr", "OpenStdin", "StdinOnce")
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """The properties of a container beside its policy.

    Attributes:
        image: The image's id, `sha256:…`; never a tag, which may be moved.
        command: Arguments for the image's interpreter.
        uid: The user and group of everything in it, with gVisor of the payloads; nobody else's on the machine.
        memory: Bytes for the whole container: the baseline that the caller measured, and the policy's budget. None: a
            generous baseline is assumed.
        labels: The labels that name its owner.
        runtime: Its runtime, such as `runc` or `runsc`.
        profile: The seccomp profile as JSON; None for a runtime that takes none.
        line: A folder of the host with a socket that takes the place of the streams; None for the streams.
    """

    image: str
    command: Sequence[str]
    uid: int
    memory: int | None
    labels: Mapping[str, str]
    runtime: str
    profile: str | None
    line: str | None = None


def is_gvisor(runtime: str) -> bool:
    """Return whether this runtime is gVisor's, under the names that it is registered by."""
    return "runsc" in runtime


def body(policy: Policy, spec: ContainerSpec) -> dict[str, object]:
    """Return the container's configuration, as Docker's API takes it.

    Raises:
        ValueError: The container would run as root, or from an image that is not named by its digest.
    """
    if spec.uid < 1:
        raise ValueError(f"a container cannot run as the user {spec.uid}: 0 is root")
    if not spec.image.startswith("sha256:"):
        raise ValueError(f"an image is named by its id, which begins with sha256:, not by {spec.image!r}")
    return {
        "Image": spec.image,
        "Cmd": list(spec.command),
        "User": "0:0" if is_gvisor(spec.runtime) else f"{spec.uid}:{spec.uid}",
        "Hostname": "poet",
        "WorkingDir": "/tmp",  # noqa: S108 - inside the container
        # a name alone takes away what the daemon would set by itself
        "Env": [*(f"{name}={value}" for name, value in environment.GUEST.items()), "HOSTNAME"],
        "Labels": dict(spec.labels),
        # the streams are the call's: they end with their first client, and are no terminal, which has commands
        **dict.fromkeys(_STREAMS, spec.line is None),
        "Tty": False,
        # without it the daemon prepares names and addresses that nobody uses, and shows the host's resolver
        "NetworkDisabled": True,
        "Healthcheck": {"Test": ["NONE"]},
        "StopSignal": "SIGKILL",
        "StopTimeout": 0,
        "HostConfig": _host(policy, spec),
    }


def _host(policy: Policy, spec: ContainerSpec) -> dict[str, object]:
    limits, gvisor = policy.limits, is_gvisor(spec.runtime)
    memory = spec.memory
    if memory is None:
        memory = limits.memory + _INTERPRETER + (_GVISOR_MEMORY if gvisor else 0)
    own = tasks(policy)
    return {
        "Runtime": spec.runtime,
        # privileges
        "Privileged": False,
        "CapAdd": list(_GVISOR_CAPABILITIES) if gvisor else [],
        "CapDrop": ["ALL"],
        "SecurityOpt": _security(None if gvisor else spec.profile),
        "Devices": [],
        # the files and namespaces that it sees
        "NetworkMode": "none",
        "IpcMode": "none",  # with its own, but without the daemon's /dev/shm
        "PidMode": "",
        "UTSMode": "",
        "UsernsMode": "",  # the daemon's own remapping stays, where it has one
        "CgroupnsMode": "private",
        "ReadonlyRootfs": True,
        "Binds": [],
        # not a bind by the older form, for which the daemon makes the folders that it does not find
        "Mounts": [] if spec.line is None else [_read_only(spec.line, direct_socket.INSIDE)],
        "VolumesFrom": [],
        "Tmpfs": _scratch(policy),
        "MaskedPaths": list(_MASKED),
        "ReadonlyPaths": list(_READ_ONLY),
        # limits on resources
        "Memory": memory,
        "MemorySwap": memory,  # of both together: otherwise as much again may be swapped
        "CpuPeriod": _PERIOD_US,
        "CpuQuota": max(_LEAST_QUOTA_US, int(limits.cores * _PERIOD_US)),
        "PidsLimit": own + _of_gvisor(policy) if gvisor else own,
        # a refusal of the cgroup is counted, one of this limit is not: there it comes second
        "Ulimits": _ulimits(policy, own if gvisor else own + 1),
        "OomKillDisable": False,
        "OomScoreAdj": 500,
        # its start and end
        "Init": False,  # the guest's own supervisor is the first process
        "AutoRemove": False,  # the state of a dead one is evidence
        "RestartPolicy": {"Name": ""},
        "LogConfig": {"Type": "none", "Config": {}},
    }


def _read_only(source: str, target: str) -> dict[str, object]:
    return {"Type": "bind", "Source": source, "Target": target, "ReadOnly": True}


def tasks(policy: Policy) -> int:
    """Return the tasks of a container under this policy: its first process, the payload, and what that may start."""
    return _SUPERVISOR_TASKS + 1 + policy.limits.processes + policy.limits.threads


def _of_gvisor(policy: Policy) -> int:
    """Return the tasks that gVisor's kernel may have beside the code's."""
    return _GVISOR_TASKS + _GVISOR_TASKS_EACH * (_SUPERVISOR_TASKS + 1 + policy.limits.processes)


def _security(profile: str | None) -> list[str]:
    return ["no-new-privileges", *([] if profile is None else [f"seccomp={profile}"])]


def _scratch(policy: Policy) -> dict[str, str]:
    """Return the mount options of the writable folders.

    gVisor limits the bytes and ignores the number of inodes (seen with the release of December 2022).
    """
    limits = policy.limits
    share = _SHARE_WITH_CHILDREN if limits.processes else _SHARE_ALONE
    shared = max(_PAGE, limits.disk // share // _PAGE * _PAGE)
    return {
        "/dev/shm": _mount(shared, limits.inodes // share),  # noqa: S108 - inside the container
        "/tmp": _mount(limits.disk // _PAGE * _PAGE, limits.inodes),  # noqa: S108 - too
    }


def _mount(size: int, inodes: int) -> str:
    # one inode more, which its root takes; of both numbers, 0 would mean no limit
    return f"size={max(_PAGE, size)},nr_inodes={inodes + 1},mode=1777,nosuid,nodev,noexec"


def _ulimits(policy: Policy, tasks_of_user: int) -> list[dict[str, object]]:
    """Return the limits of the container's first process, above which no payload can raise its own.

    The guest gives a payload the limits that it alone should have (processor time, data, stack, and fewer descriptors).
    """
    wanted = {
        "nofile": policy.limits.open_files + _SUPERVISOR_FILES,
        "nproc": tasks_of_user,  # of this uid on the whole machine, which is why no other container has it
        "core": 0,
        "memlock": 0,
        "msgqueue": 0,
        "rtprio": 0,
    }
    return [{"Name": name, "Soft": value, "Hard": value} for name, value in wanted.items()]
