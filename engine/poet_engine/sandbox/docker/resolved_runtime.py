"""Resolve what serves a policy at a Docker daemon: the image, the runtime, and the guest's configuration."""

import dataclasses
import functools
import importlib.metadata
import os
import platform
from collections.abc import Callable

import psutil

from poet_engine.dockerd import DEFAULT_HOST, faults
from poet_engine.errors import SandboxUnavailableError
from poet_engine.guest.config import Config
from poet_engine.images import ImageClient, guest_digest, modules_needed, seccomp
from poet_engine.images import choose as choose_image
from poet_engine.images.recipe import minor
from poet_engine.policy import Policy, Wall
from poet_engine.sandbox import isolation_checks
from poet_engine.sandbox.docker import container_spec, direct_socket, ownership
from poet_engine.sandbox.docker.builder import ContainerBuilder, ContainerTemplate
from poet_engine.sandbox.docker.client import ContainerClient, EngineInfo
from poet_engine.sandbox.guest_config import Visible, guest_config

__all__ = ["DAEMON_FAULTS", "DEFAULT_HOST", "ResolvedRuntime", "choose"]

# Faults of the daemon itself, rather than of what was requested.
DAEMON_FAULTS = frozenset((faults.NO_DAEMON, faults.PERMISSION, faults.TIMEOUT, faults.OLD_API))
_HOW_GVISOR = (
    'install it (Debian: apt install runsc), put {"runtimes": {"runsc": {"path": "/usr/bin/runsc", "runtimeArgs": '
    '["--network=none"]}}} into /etc/docker/daemon.json, and restart the Docker daemon'
)
_users: dict[range, ownership.Users] = {}  # of this process, whichever sandbox its containers belong to


@dataclasses.dataclass(frozen=True, slots=True)
class ResolvedRuntime:
    """The image, runtime and configuration that serve a policy.

    Attributes:
        builder: Makes the containers.
        probing: Returns the configuration of a container for our own probes, by its user.
        runtime: The runtime's name.
        info: The daemon's properties.
        sweep: Removes what other processes left at the daemon.
    """

    builder: ContainerBuilder
    probing: Callable[[int], Config]
    runtime: str
    info: EngineInfo
    sweep: Callable[[], object]


def choose(
    engine: ContainerClient, policy: Policy, runtime: str | None, *, without: frozenset[str] = frozenset()
) -> ResolvedRuntime:
    """Choose the image that fits the policy's modules, and the runtime that was requested.

    Args:
        engine: The client of the daemon.
        policy: The policy of the calls.
        runtime: The requested runtime; None for the policy's, or else the daemon's default.
        without: Measures left out inside; only the control runs of security tests do that.

    Raises:
        DockerError: The daemon did not answer.
        ImageError: It has no image that fits; the message names the command that builds it.
        SandboxUnavailableError: It has no such runtime or cannot limit containers, or the policy asks for what they do
            not offer.
    """
    _refuse_network(policy)
    info = engine.info()
    chosen = runtime or policy.isolation.runtime or info.default_runtime
    _refuse_unknown_runtime(chosen, info)
    _refuse_unlimited(policy, info)
    gvisor = container_spec.is_gvisor(chosen)
    needed = modules_needed((*policy.static.imports, *policy.isolation.preload))
    with ImageClient(engine.host) as images:
        image = choose_image(images.images(), needed, guest=guest_digest(), python=platform.python_version())
    config = _configuration(policy, minor(image.contents.python), separate=gvisor, without=without)
    here = ownership.current(importlib.metadata.version("poet-engine"))
    users = ownership.uids(info, here)
    named = config.names_sockets
    kind = ContainerTemplate(
        image=image.id,
        runtime=chosen,
        profile=None if gvisor else "unconfined" if "seccomp" in without else seccomp.told_text(named=named),
        labels=here.labels(),
        line=direct_socket.usable(engine.host, desktop=info.desktop, gvisor=gvisor),
        names=lambda: ownership.name(os.urandom),
        users=_users.setdefault(users, ownership.Users(users)),
    )
    builder = ContainerBuilder(engine, policy, lambda uid: dataclasses.replace(config, uid=uid), kind)
    probing = functools.partial(_lenient, config)
    return ResolvedRuntime(builder, probing, chosen, info, functools.partial(_sweep, engine, here))


def _sweep(engine: ContainerClient, here: ownership.Owner) -> None:
    """Remove what other processes have left, at the daemon and in the folder of temporary files."""
    direct_socket.sweep(psutil.pid_exists)
    ownership.sweep(engine, here)


def _lenient(config: Config, uid: int) -> Config:
    """Return the configuration for our own probes: each has a payload that ends with it, whatever calls have."""
    cpu_seconds = config.cpu_seconds + isolation_checks.PROBE_CPU
    return dataclasses.replace(config, uid=uid, lenient=True, keep=False, cpu_seconds=cpu_seconds)


def _refuse_network(policy: Policy) -> None:
    if policy.network.allow or policy.network.allow_private:
        raise SandboxUnavailableError(
            f"policy {policy.name!r} allows network destinations, and the docker sandbox has no network; "
            "leave [network] allow and allow_private empty",
        )


def remarks(chosen: ResolvedRuntime, host: str) -> tuple[str, ...]:
    """Return facts about the daemon and the runtime, a sentence each."""
    info = chosen.info
    said = [
        f"Docker {info.version} at {host}, runtime {chosen.runtime}; registered: {', '.join(sorted(info.runtimes))}"
    ]
    if container_spec.is_gvisor(chosen.runtime):
        said.append(
            "gVisor: the kernel that the code meets is its own; no Landlock, no names of forbidden calls, and memory "
            "and tasks are bounded by limits of the process"
        )
    elif not any(container_spec.is_gvisor(name) for name in info.runtimes):
        said.append(f"gVisor is not registered, which puts a kernel of its own before this machine's; {_HOW_GVISOR}")
    return tuple(said)


def _refuse_unknown_runtime(runtime: str, info: EngineInfo) -> None:
    if runtime in info.runtimes:
        return
    elsewhere = "register it in /etc/docker/daemon.json and restart the Docker daemon"
    how = _HOW_GVISOR if container_spec.is_gvisor(runtime) else elsewhere
    raise SandboxUnavailableError(
        f"the Docker daemon has no runtime {runtime!r}, only {', '.join(sorted(info.runtimes))}; {how}"
    )


def _refuse_unlimited(policy: Policy, info: EngineInfo) -> None:
    """Refuse a daemon that cannot set a required limit: it starts containers all the same, and only warns."""
    needed = {Wall.MEMORY: "memory", Wall.TASKS: "pids"}
    lacking = [limit for wall, limit in needed.items() if wall in policy.isolation.require and limit not in info.limits]
    if not lacking:
        return
    whose = (
        "it runs rootless, where that takes cgroup v2, systemd, and the controllers delegated to the user (a drop-in "
        "for user@.service with Delegate=cpu memory pids)"
        if info.rootless
        else "the controllers have to be enabled for this machine's kernel"
    )
    raise SandboxUnavailableError(
        f"the Docker daemon cannot limit {' and '.join(lacking)}: {whose}; docker info warns of it. Mend that, use "
        "another daemon (DOCKER_HOST), or sandbox='process'"
    )


def _configuration(policy: Policy, python: str, *, separate: bool, without: frozenset[str]) -> Config:
    """Build the configuration of a container's first process.

    Args:
        policy: The policy of the calls.
        python: The minor version of the image's interpreter.
        separate: Whether payloads run as another user than the first process.
        without: Measures left out.
    """
    seen = Visible((f"/usr/local/lib/python{python}/site-packages",), ("/usr", "/lib", "/lib64"))
    config = guest_config(policy, seen, rootless=not separate, cgroup=True, without=without)
    return dataclasses.replace(config, contained=True)  # the version of Landlock is found out inside
