"""Explain why the process sandbox did not start, naming the setting to change."""

from collections.abc import Mapping
from pathlib import Path

# Settings that forbid an ordinary user's namespaces: file, the value that forbids, how an administrator allows them.
_SWITCHES = (
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "user namespaces are switched off: sysctl -w user.max_user_namespaces=10000",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "ordinary users may not make user namespaces: sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        (
            "AppArmor restricts user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, "
            "or a profile for this Python that has 'userns,'"
        ),
    ),
)
_MISSING_MODULE = "ModuleNotFoundError"
_MISSING_LIBRARY = "error while loading shared libraries"  # the dynamic linker's words


def explain(failure: str, *, rootless: bool, values: Mapping[str, str]) -> str:
    """Return what failed, why, and what to change.

    Args:
        failure: The error text of the zygote or a lane.
        rootless: Whether the isolation had to be built inside user namespaces.
        values: The settings of this machine, file → content; see `settings`.
    """
    if _MISSING_MODULE in failure:
        return f"a module that the policy preloads cannot be imported: {failure}"
    if _MISSING_LIBRARY in failure:
        return (
            "this Python finds its libraries by LD_LIBRARY_PATH only, and the sandbox starts it without the caller's "
            f"environment; make them known to ldconfig, or use a Python with a run path. What failed: {failure}"
        )
    if rootless:
        for file, forbids, remedy in _SWITCHES:
            if values.get(file) == forbids:
                return f"{remedy} (as root); or run the engine as root. What failed: {failure}"
        return (
            "isolation needs user namespaces, and this machine or container refuses them; allow them "
            f"(in a container: its seccomp or AppArmor profile), or run the engine as root. What failed: {failure}"
        )
    return (
        "root here may not isolate processes, as in a container without CAP_SYS_ADMIN; add that capability, run the "
        f"engine as an ordinary user where user namespaces are allowed, or use another sandbox. What failed: {failure}"
    )


def settings() -> dict[str, str]:
    """Read the settings that exist on this machine, file → content."""
    found: dict[str, str] = {}
    for file, _forbids, _remedy in _SWITCHES:
        try:
            found[file] = Path(file).read_text(encoding="ascii").strip()
        except OSError:
            continue  # this kernel does not have the switch
    return found
