"""Containment, as two ordered lists of steps: what a lane takes away once, and each payload from itself.

The order is not free. Mounts need capabilities, so they come first; `setresuid` needs them too, so the capability sets
are emptied after it; the parent-death signal is cleared by every change of credentials, so it follows them; seccomp is
last, because it forbids what the steps before it do. Whatever a payload can inherit is done in the lane: each page that
a payload touches is copied for it, at a few microseconds. The steps are in one piece, so that their order can be read.
"""

import contextlib
import ctypes
import dataclasses
import functools
import os
import resource
import signal
from collections.abc import Callable

from . import kernel, landlock, seccomp
from .config import Config
from .prepared_calls import PreparedCall, library_call, python_call

# Measures that the control run of a security test may leave out, one at a time or together.
MEASURES = ("mounts", "netns", "ids", "capabilities", "rlimits", "landlock", "seccomp", "cgroup")

_PAYLOAD_MOUNT = kernel.NOSUID | kernel.NODEV
_REMOUNT_READ_ONLY = kernel.REMOUNT | kernel.BIND | kernel.RDONLY | _PAYLOAD_MOUNT
_ROOT_OPTIONS = "size=4m,nr_inodes=4096,mode=755"  # folders and mount points only; read-only when code runs
# A folder of the host that a new mount namespace covers: nothing is written to it, and nothing bound lies in it.
_STAGING = "/sys"
_ORDINARY = 1000  # what root of a container is called inside its lanes, which have no root
_DEVICES = ("null", "zero", "full", "urandom")
# Where a payload finds its descriptors by name, and where the lane has /proc for that, which every payload covers.
_DESCRIPTORS = "/dev/fd"
_COVERED = "/dev/shm"
_STANDARD = (("stdin", 0), ("stdout", 1), ("stderr", 2))
_QUEUED_SIGNALS = 256  # and timers: memory of the kernel, which only a cgroup counts
_PAGE = resource.getpagesize()


def own_user_namespace(config: Config, _uid: int) -> None:
    """Unshare a user namespace for this lane alone, so that its tasks are counted apart from other lanes'."""
    if not config.rootless or config.subids:
        return  # each lane has a user of its own, by whom they are counted
    uid, gid = os.getuid(), os.getgid()
    kernel.set_dumpable(dumpable=True)  # the files below belong to root while we are not
    kernel.unshare(kernel.NEWUSER)
    map_one_id(uid, gid)
    kernel.set_dumpable(dumpable=False)


def map_one_id(uid: int, gid: int) -> None:
    """Map one id into a new user namespace: our own, or an ordinary one in place of root; no other id exists in it."""
    inside, group = uid or _ORDINARY, gid or _ORDINARY
    for name, text in (("setgroups", "deny"), ("uid_map", f"{inside} {uid} 1"), ("gid_map", f"{group} {gid} 1")):
        write(f"/proc/self/{name}", text)


def own_namespaces(config: Config, _uid: int) -> None:
    """Unshare mounts, network, IPC and host name; the pid namespace was made by the zygote."""
    network = 0 if "netns" in config.without else kernel.NEWNET
    kernel.unshare(kernel.NEWNS | kernel.NEWIPC | kernel.NEWUTS | network)
    kernel.set_hostname(b"poet")


def no_further_user_namespaces(config: Config, _uid: int) -> None:
    """Forbid further user namespaces, in one of ours only: as root the limit would change the whole machine."""
    if config.rootless:
        try:
            write("/proc/sys/user/max_user_namespaces", "0")
        except OSError:
            return  # a container may mount /proc/sys read-only; seccomp refuses the calls as well


def no_sight_of_the_files(config: Config, _uid: int) -> None:
    """Replace the root by the interpreter and the libraries, read-only, with four devices and nothing else."""
    kernel.mount(None, "/", None, kernel.REC | kernel.PRIVATE)
    if "mounts" in config.without:
        return
    build_root(config)
    kernel.pivot_root(_STAGING)
    kernel.mount(None, "/", None, _REMOUNT_READ_ONLY)


def build_root(config: Config) -> None:
    """Mount everything that will be visible below the staging folder."""
    kernel.mount("tmpfs", _STAGING, "tmpfs", _PAYLOAD_MOUNT, _ROOT_OPTIONS)
    _bind_all([path for path in config.binds if not _is_covered(path, config.covers)])
    for path in config.covers:
        kernel.mount("tmpfs", _STAGING + path, "tmpfs", _PAYLOAD_MOUNT, _ROOT_OPTIONS)
        _bind_all([inside for inside in config.binds if _is_covered(inside, [path])])
        kernel.mount(None, _STAGING + path, None, _REMOUNT_READ_ONLY)
    _link_all(config.links)
    for path in config.sockets:
        with contextlib.suppress(FileNotFoundError):  # it has gone since it was found
            kernel.bind_read_only("/dev/null", _STAGING + path)
    for folder in ("/tmp", "/dev/shm"):
        os.makedirs(_STAGING + folder, exist_ok=True)
    for name in _DEVICES:
        # bound one by one, because mknod is denied in a user namespace; NODEV would make them useless
        _touch(f"{_STAGING}/dev/{name}")
        kernel.bind_read_only(f"/dev/{name}", f"{_STAGING}/dev/{name}", device=True)
    os.makedirs(_STAGING + _DESCRIPTORS)
    for name, number in _STANDARD:
        os.symlink(f"fd/{number}", f"{_STAGING}/dev/{name}")
    _processes_for_descriptors(_STAGING + _COVERED)


def _processes_for_descriptors(where: str) -> None:
    """Mount /proc where every payload covers it: of this lane's processes, or else, as an ordinary user, as it is here.

    What is covered can be reached by nobody who may not unmount, and to unmount it for each payload would take ten
    milliseconds of the kernel. Where neither can be mounted, the names of descriptors lead nowhere.
    """
    options = kernel.NOSUID | kernel.NODEV | kernel.RDONLY
    try:
        kernel.mount("proc", where, "proc", options, "subset=pid,hidepid=ptraceable")
    except OSError:
        with contextlib.suppress(OSError):
            kernel.bind_read_only("/proc", where)


def _is_covered(path: str, covers: list[str]) -> bool:
    return any(path.startswith(cover + "/") for cover in covers)


def _bind_all(paths: list[str]) -> None:
    for path in paths:
        _mount_point(path, _STAGING + path)
        kernel.bind_read_only(path, _STAGING + path)


def _mount_point(path: str, target: str) -> None:
    """Create a folder or an empty file at `target`, as `path` is one."""
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _touch(target)


def _link_all(links: dict[str, str]) -> None:
    """Create the links of a merged /usr, where nothing stands already."""
    for path, target in links.items():
        if not os.path.lexists(_STAGING + path):
            os.makedirs(os.path.dirname(_STAGING + path), exist_ok=True)
            os.symlink(target, _STAGING + path)


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def write(path: str, text: str) -> None:
    """Write a text into a file of the kernel's, such as `/proc/self/uid_map`."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def no_capabilities_to_regain(config: Config, _uid: int) -> None:
    """Empty the bounding and ambient sets; nothing executed later can bring a capability back."""
    if "capabilities" not in config.without:
        kernel.drop_bounding_and_ambient_capabilities()


def no_new_privileges(_config: Config, _uid: int) -> None:
    """Forbid new privileges: no setuid file works, and an unprivileged seccomp filter may be installed."""
    kernel.forbid_new_privileges()


def no_groups(config: Config, uid: int) -> None:
    """Leave every supplementary group."""
    if _identity(config, uid) is not None:
        os.setgroups([])


def lasting_budgets(config: Config, _uid: int) -> None:
    """Set the resource limits that the lane's first process can live with as well."""
    if "rlimits" in config.without:
        return
    for what, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, _QUEUED_SIGNALS),
        (resource.RLIMIT_FSIZE, max(config.disk, config.result)),
        (resource.RLIMIT_STACK, config.stack),
    ):
        try:
            resource.setrlimit(what, _lowered(what, value, value))
        except ValueError:
            if not config.contained or what not in _KERNEL_MEMORY:
                raise


# gVisor does not take these: its kernel is a process of the container, and its memory is counted with it.
_KERNEL_MEMORY = frozenset((resource.RLIMIT_MSGQUEUE, resource.RLIMIT_SIGPENDING))

LANE_STEPS: tuple[Callable[[Config, int], None], ...] = (
    own_user_namespace,
    own_namespaces,
    no_further_user_namespaces,
    no_sight_of_the_files,
    no_capabilities_to_regain,
    no_new_privileges,
    no_groups,
    lasting_budgets,
)


@dataclasses.dataclass(frozen=True)
class ConfinementPlan:
    """Everything that the payloads of a lane need to confine themselves, worked out once.

    Attributes:
        config: The host's configuration of the lane.
        identity: The user and group to become; None where there is no other to become.
        scratch: Mount options of the scratch space; None where mounts are left out.
        below: Bound paths under the host's `/tmp`, which the scratch space hides.
        limits: Resource limits as (resource, soft, hard).
        landlock: The Landlock restriction of files; None where the kernel has none, or it is left out.
        system_calls: The seccomp filter; None where it is left out.
        calls: What the payload does to itself, in order.
    """

    config: Config
    identity: int | None
    scratch: str | None
    below: list[str]
    limits: list[tuple[int, int, int]]
    landlock: landlock.Restriction | None
    system_calls: kernel.SeccompFilter | None
    calls: tuple[PreparedCall, ...] = ()

    @property
    def descriptors(self) -> set[int]:
        """Descriptors that the steps need and the code must not have."""
        return set() if self.landlock is None else self.landlock.descriptors


def plan(
    config: Config,
    uid: int,
    program: bytes,
    steps: "tuple[Callable[[ConfinementPlan], list[PreparedCall]], ...] | None" = None,
) -> ConfinementPlan:
    """Work out the confinement of this lane's payloads. The lane's root must stand already.

    Args:
        config: The host's configuration of the lane.
        uid: The user to become.
        program: The seccomp filter, as an array of `struct sock_filter`.
        steps: The payload's own steps, in order; by default those of a lane.
    """
    below = _outermost([path for path in config.binds if path.startswith("/tmp/")])
    inodes = config.inodes + 3 + sum(path.count("/") for path in below)  # its root, two folders, and mount points
    worked_out = ConfinementPlan(
        config=config,
        identity=_identity(config, uid),
        scratch=None if "mounts" in config.without else f"size={config.disk},nr_inodes={inodes},mode=755",
        below=below,
        limits=[] if "rlimits" in config.without else _limits(config),
        landlock=_restriction(config),
        system_calls=None if "seccomp" in config.without else kernel.SeccompFilter(program),
    )
    own = PAYLOAD_STEPS if steps is None else steps
    return dataclasses.replace(worked_out, calls=tuple(call for step in own for call in step(worked_out)))


def _identity(config: Config, uid: int) -> int | None:
    """Return the id to become; None in a user namespace of one id, which has no other."""
    return None if (config.rootless and not config.subids) or "ids" in config.without else uid


def _limits(config: Config) -> list[tuple[int, int, int]]:
    """Return the payload's resource limits: a second line behind the cgroup, and the first one where there is none."""
    wanted = [(resource.RLIMIT_NOFILE, config.open_files, config.open_files)]
    if not config.cgroup:
        # counted per uid and user namespace: as root the payload has a uid of its own, rootless it shares it with init
        tasks = (2 if config.rootless and not config.subids else 1) + config.processes + config.threads
        if config.contained and not config.rootless:
            tasks -= 1  # gVisor counts a task for the user who made it, and the payload was made by the first process
        wanted.append((resource.RLIMIT_NPROC, tasks, tasks))
    if not config.keep:  # the kernel counts a process's whole life; for one that is kept the supervisor must do
        wanted.append((resource.RLIMIT_CPU, config.cpu_seconds, config.cpu_seconds + 1))
    return [(what, *_lowered(what, soft, hard)) for what, soft, hard in wanted]


def _restriction(config: Config) -> landlock.Restriction | None:
    if config.landlock == 0 or "landlock" in config.without:
        return None
    devices = [f"/dev/{name}" for name in _DEVICES]
    # a late import lists the folder that its package lies in
    return landlock.Restriction(config.landlock, config.import_paths, [*config.binds, *config.links], devices)


def own_mounts_and_ipc(_plan: ConfinementPlan) -> list[PreparedCall]:
    """Unshare mounts and IPC, so that the next payload sees nothing that this one mounts or shares."""
    return [kernel.unshare_call(kernel.NEWNS | kernel.NEWIPC)]


def own_descriptors(plan: ConfinementPlan) -> list[PreparedCall]:
    """Show this process its own descriptors in `/dev/fd`, read-only. What they come from is covered after this.

    It is one folder of /proc and nothing above it: the kernel lets this process alone look into it, not even its
    children, and what is opened through it is what this process has open already.
    """
    if plan.scratch is None or not os.path.isdir(f"{_COVERED}/self"):
        return []
    return kernel.bind_read_only_calls(f"{_COVERED}/self/fd", _DESCRIPTORS)


def empty_scratch_space(plan: ConfinementPlan) -> list[PreparedCall]:
    """Mount one tmpfs, limited in bytes and inodes, as `/tmp` and `/dev/shm`; its pages count as the call's memory."""
    if plan.scratch is None:
        return []
    return [
        kernel.mount_call("tmpfs", "/dev/shm", "tmpfs", _PAYLOAD_MOUNT, plan.scratch),
        library_call("umask", 0),
        *(library_call("mkdir", f"/dev/shm/{name}".encode(), 0o1777) for name in ("shm", "tmp")),  # as every /tmp
        # the folders on the way to what is bound are root's, and the code must get through them
        library_call("umask", 0o022),
        *([python_call(functools.partial(_bind_below, plan.below))] if plan.below else []),
        library_call("umask", 0o077),
        kernel.mount_call("/dev/shm/tmp", "/tmp", None, kernel.BIND | kernel.REC),
        kernel.mount_call("/dev/shm/shm", "/dev/shm", None, kernel.BIND),  # last: it covers the tmpfs's own root
        library_call("chdir", b"/tmp"),
    ]


def _bind_below(paths: list[str]) -> None:
    """Bind what lies under the host's `/tmp`, such as an environment, into ours, which would hide it."""
    for path in paths:
        _mount_point(path, f"/dev/shm{path}")
        kernel.mount(path, f"/dev/shm{path}", None, kernel.BIND | kernel.REC)


def own_standard_input(_plan: ConfinementPlan) -> list[PreparedCall]:
    """Reopen standard input: the inherited one is shared by all payloads, and its flags would carry messages.

    A file that is opened gets the lowest number that is free.
    """
    return [library_call("close", 0), library_call("open", b"/dev/null", os.O_RDONLY)]


def _outermost(paths: list[str]) -> list[str]:
    return [path for path in paths if not any(path.startswith(other + "/") for other in paths)]


def own_process_group(plan: ConfinementPlan) -> list[PreparedCall]:
    """Move a kept payload into a process group of its own: it is stopped between calls, the lane's init is not.

    The group is stopped with all that the payload starts. The filter has no call by which anything could leave it.
    """
    return [library_call("setpgid", 0, 0)] if plan.config.keep else []


def budgets(plan: ConfinementPlan) -> list[PreparedCall]:
    """Set the resource limits that only a payload can have."""
    return [kernel.resource_limit_call(*limit) for limit in plan.limits]


def memory_budget(config: Config, sizes: tuple[int, int]) -> None:
    """Limit what the payload may map to its present size plus the budget, so that honest code sees MemoryError.

    Args:
        config: Has the budget, `memory`, in bytes.
        sizes: Bytes mapped in all and bytes of private data, as they are now.
    """
    if "rlimits" in config.without:
        return
    mapped, data = sizes
    _bound(resource.RLIMIT_DATA, data + config.memory)
    if not config.cgroup:
        # shared anonymous mappings escape RLIMIT_DATA; without a cgroup the address space is the last line
        _bound(resource.RLIMIT_AS, mapped + config.memory)


def _bound(what: int, value: int) -> None:
    resource.setrlimit(what, _lowered(what, value, value))


def _lowered(what: int, soft: int, hard: int) -> tuple[int, int]:
    """Return a limit capped by the present hard limit: raising it needs a capability that we may not have."""
    _soft, ceiling = resource.getrlimit(what)
    if ceiling == resource.RLIM_INFINITY:
        return soft, hard
    return min(soft, ceiling), min(hard, ceiling)


def own_identity(plan: ConfinementPlan) -> list[PreparedCall]:
    """Become the user and group that nobody else has."""
    if plan.identity is None:
        return []
    same = (ctypes.c_uint32(plan.identity),) * 3
    return [library_call("setresgid", *same), library_call("setresuid", *same)]


def no_capabilities(plan: ConfinementPlan) -> list[PreparedCall]:
    """Drop the capabilities that are left, after the change of identity, which needs them."""
    return [] if "capabilities" in plan.config.without else [kernel.drop_all_capabilities_call()]


def die_with_the_lane(_plan: ConfinementPlan) -> list[PreparedCall]:
    """Ask for SIGKILL when the lane's init ends. A backstop: killing the init takes the payload with it anyway."""
    return [kernel.die_with_parent_call(signal.SIGKILL)]


def no_look_from_outside(_plan: ConfinementPlan) -> list[PreparedCall]:
    """Make this process non-dumpable: no process of the same user may look into it, and no crash is piped to the host.

    Only the pipe to the host's collector of core dumps is not covered otherwise: a limit of 0 does not prevent it. It
    follows the change of identity, where the kernel sets the flag anew to what `fs.suid_dumpable` says.
    """
    return [kernel.set_dumpable_call(dumpable=False)]


def no_other_files(plan: ConfinementPlan) -> list[PreparedCall]:
    """Restrict files once more by Landlock, which also forbids TCP and signals to others where it can."""
    return [] if plan.landlock is None else plan.landlock.calls(["/tmp", "/dev/shm"], [_DESCRIPTORS])


PAYLOAD_STEPS: tuple[Callable[[ConfinementPlan], list[PreparedCall]], ...] = (
    own_mounts_and_ipc,
    own_descriptors,
    empty_scratch_space,
    own_standard_input,
    own_process_group,
    budgets,
    own_identity,
    no_capabilities,
    die_with_the_lane,
    no_look_from_outside,
    no_other_files,
)


def system_calls(plan: ConfinementPlan) -> int | None:
    """Install the seccomp filter, as the last step; return its listener's descriptor, or None when there is none."""
    return None if plan.system_calls is None else plan.system_calls.install(told=plan.config.told)


def seccomp_program(config: Config) -> bytes:
    """Build the seccomp filter, once in the zygote; the payloads only install it."""
    return seccomp.program(
        processes=config.processes > 0,
        named=config.names_sockets,
        keep=config.keep,
        audit=config.audit,
        told=config.told,
        lenient=config.lenient,
        strict=config.strict,
    )


def mapped_sizes(statm: int) -> tuple[int, int]:
    """Read bytes mapped and bytes of private data from an open `/proc/self/statm` (there is no /proc inside)."""
    fields = os.pread(statm, 128, 0).split()
    return int(fields[0]) * _PAGE, int(fields[5]) * _PAGE
