"""Build the zygote's configuration from a policy, or refuse a policy that this machine cannot carry out."""

import dataclasses
import sys

from poet_engine import _distributions
from poet_engine.errors import PolicyError, SandboxUnavailableError
from poet_engine.guest import confine, landlock, syscalls
from poet_engine.guest.config import Config
from poet_engine.policy import Fresh, Policy
from poet_engine.sandbox.cgroup import Driver
from poet_engine.sandbox.guest_config import guest_config
from poet_engine.sandbox.process import mounts
from poet_engine.sandbox.process.fork_servers import RETIRE_AFTER_LANES


def refuse_other_machines(policy: Policy) -> None:
    """Raise SandboxUnavailableError where lanes cannot be made, or for what they do not offer."""
    if syscalls.MACHINE not in syscalls.AUDIT_ARCHES:
        raise SandboxUnavailableError(
            f"the process sandbox supports x86_64 and aarch64, and this machine is {syscalls.MACHINE}",
        )
    if policy.isolation.runtime is not None:
        raise SandboxUnavailableError(
            f"policy {policy.name!r} asks for the runtime {policy.isolation.runtime!r} of the Docker daemon; "
            "use sandbox='docker', or leave [isolation] runtime out",
        )
    if policy.network.allow or policy.network.allow_private:
        raise SandboxUnavailableError(
            f"policy {policy.name!r} allows network destinations, and the process sandbox has no network; "
            "leave [network] allow and allow_private empty",
        )


def refuse_missing_modules(policy: Policy) -> None:
    """Raise for a preload that is not installed: a PolicyError when the user's file has it."""
    missing = [name for name in policy.isolation.preload if not _distributions.installed(name)]
    file, _, line = policy.origin.get("isolation.preload", "").rpartition(":")
    if missing and line.isdecimal():
        text = f"{', '.join(missing)} is not installed for {sys.executable}; install it, or do not preload it"
        raise PolicyError(text, file=file, line=int(line), key="isolation.preload")
    if missing:
        raise SandboxUnavailableError(
            f"policy {policy.name!r} preloads {', '.join(missing)}, which is not installed for {sys.executable}; "
            "install it (numpy, scipy and pandas come with: pip install 'poet-engine[data]')",
        )


def lanes_of_a_zygote(policy: Policy) -> int:
    """Return how many lanes a zygote makes: with `fresh = "exec"` one, so that each call has a new interpreter."""
    return 1 if policy.isolation.fresh is Fresh.EXEC else RETIRE_AFTER_LANES


def configuration(
    policy: Policy,
    driver: Driver | None,
    without: frozenset[str],
    *,
    rootless: bool,
    subids: bool,
    audit: bool,
) -> Config:
    """Build the configuration that the zygote is sent."""
    seen = mounts.visible((*policy.static.imports, *policy.isolation.preload))
    measures = without & set(confine.MEASURES)
    config = guest_config(policy, seen, rootless=rootless, cgroup=driver is not None, without=measures)
    return dataclasses.replace(config, subids=subids, landlock=landlock.abi(), audit=audit)
