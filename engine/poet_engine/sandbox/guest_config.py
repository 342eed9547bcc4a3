"""Build the guest's configuration from a policy, whatever the sandbox."""

import dataclasses
import sys
from collections.abc import Iterable

from poet_engine.guest.config import Config
from poet_engine.policy import Fresh, OnDenied, Policy


@dataclasses.dataclass(frozen=True, slots=True)
class Visible:
    """Paths of the host or the image that exist inside.

    Attributes:
        import_paths: Folders put on `sys.path`.
        binds: Paths that exist read-only inside, at the same place.
        covers: Folders below `binds` that are hidden.
        links: Symbolic links of the root, path → target.
    """

    import_paths: tuple[str, ...]
    binds: tuple[str, ...]
    covers: tuple[str, ...] = ()
    links: dict[str, str] = dataclasses.field(default_factory=dict)


def guest_config(
    policy: Policy,
    seen: Visible,
    *,
    rootless: bool,
    cgroup: bool,
    without: Iterable[str],
) -> Config:
    """Build the configuration of the confinement; fields that only some sandboxes use keep their plainest value.

    Args:
        policy: The policy of the calls.
        seen: The paths that exist inside.
        rootless: Whether the isolation is built inside user namespaces.
        cgroup: Whether a cgroup counts tasks and memory.
        without: Measures left out, by the names of `confine.MEASURES`.
    """
    limits, isolation = policy.limits, policy.isolation
    standard = [name for name in policy.static.imports if name.partition(".")[0] in sys.stdlib_module_names]
    return Config(
        rootless=rootless,
        subids=False,
        import_paths=list(seen.import_paths),
        preload=[*standard, *isolation.preload],
        binds=list(seen.binds),
        covers=list(seen.covers),
        links=seen.links,
        memory=limits.memory,
        cpu_seconds=int(limits.cpu) + 2,  # of its whole life: what preparing it took must not come off the budget
        processes=limits.processes,
        threads=limits.threads,
        open_files=limits.open_files,
        disk=limits.disk,
        inodes=limits.inodes,
        result=limits.result,
        stack=limits.stack,
        keep=isolation.fresh is Fresh.NONE,
        landlock=0,
        audit=False,
        cgroup=cgroup,
        without=sorted(without),
        contained=False,
        strict=isolation.on_denied is OnDenied.KILL or isolation.fail_on_denied,
    )
