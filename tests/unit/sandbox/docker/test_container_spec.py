"""What a container is asked to be, field by field, and never more than its policy says."""

import dataclasses
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.policy import Policy
from poet_engine.sandbox import environment
from poet_engine.sandbox.docker import container_spec
from poet_engine.sandbox.docker.container_spec import ContainerSpec

IMAGE = "sha256:" + "a" * 64
PROFILE = '{"defaultAction": "SCMP_ACT_ERRNO"}'
MIB = 1 << 20


def asked(
    runtime: str = "runc", memory: int | None = 300 * MIB, uid: int = 0x40000001, image: str = IMAGE
) -> ContainerSpec:
    return ContainerSpec(
        image=image,
        command=["-c", "0"],
        uid=uid,
        memory=memory,
        labels={"owner": "us"},
        runtime=runtime,
        profile=PROFILE,
    )


def host(policy: Policy, runtime: str = "runc", memory: int | None = 300 * MIB) -> dict[str, object]:
    found = container_spec.body(policy, asked(runtime, memory))["HostConfig"]
    assert isinstance(found, dict)
    return found


def ulimits(config: dict[str, object]) -> dict[str, int]:
    found = config["Ulimits"]
    assert isinstance(found, list)
    assert all(limit["Soft"] == limit["Hard"] for limit in found)
    return {limit["Name"]: limit["Hard"] for limit in found}


def numbers(options: str) -> tuple[int, int]:
    """Bytes and inodes of a tmpfs."""
    found = re.fullmatch(r"size=(\d+),nr_inodes=(\d+),mode=1777,nosuid,nodev,noexec", options)
    assert found is not None, options
    return int(found[1]), int(found[2])


RESTRICTED = Policy.load("restricted")

HOST = {
    "Runtime": "runc",
    "Privileged": False,
    "CapAdd": [],
    "CapDrop": ["ALL"],
    "SecurityOpt": ["no-new-privileges", f"seccomp={PROFILE}"],
    "Devices": [],
    "NetworkMode": "none",
    "IpcMode": "none",
    "PidMode": "",
    "UTSMode": "",
    "UsernsMode": "",
    "CgroupnsMode": "private",
    "ReadonlyRootfs": True,
    "Binds": [],
    "Mounts": [],
    "VolumesFrom": [],
    "Tmpfs": {
        "/tmp": f"size={16 * MIB},nr_inodes=1025,mode=1777,nosuid,nodev,noexec",  # noqa: S108 - inside the container
        "/dev/shm": f"size={MIB // 2},nr_inodes=33,mode=1777,nosuid,nodev,noexec",  # noqa: S108 - the same
    },
    "Memory": 300 * MIB,
    "MemorySwap": 300 * MIB,
    "CpuPeriod": 100_000,
    "CpuQuota": 100_000,
    "PidsLimit": 10,
    "OomKillDisable": False,
    "OomScoreAdj": 500,
    "Init": False,
    "AutoRemove": False,
    "RestartPolicy": {"Name": ""},
    "LogConfig": {"Type": "none", "Config": {}},
}
BODY = {
    "Image": IMAGE,
    "Cmd": ["-c", "0"],
    "User": "1073741825:1073741825",
    "Hostname": "poet",
    "WorkingDir": "/tmp",  # noqa: S108 - inside the container
    "Labels": {"owner": "us"},
    "AttachStdin": True,
    "AttachStdout": True,
    "AttachStderr": True,
    "OpenStdin": True,
    "StdinOnce": True,
    "Tty": False,
    "NetworkDisabled": True,
    "Healthcheck": {"Test": ["NONE"]},
    "StopSignal": "SIGKILL",
    "StopTimeout": 0,
}


@pytest.mark.parametrize("field", HOST)
def test_the_host_part_says(field: str) -> None:
    assert host(RESTRICTED)[field] == HOST[field]


@pytest.mark.parametrize("field", BODY)
def test_the_container_part_says(field: str) -> None:
    assert container_spec.body(RESTRICTED, asked())[field] == BODY[field]


def test_nothing_is_asked_that_this_file_does_not_look_at() -> None:
    assert {*host(RESTRICTED)} == {*HOST, "Ulimits", "MaskedPaths", "ReadonlyPaths"}
    assert {*container_spec.body(RESTRICTED, asked())} == {*BODY, "Env", "HostConfig"}


def test_resource_limits_leave_the_first_process_its_own_descriptors() -> None:
    assert ulimits(host(RESTRICTED)) == {
        "nofile": 64 + 512,
        "nproc": 10 + 1,  # the cgroup comes first, which counts what it refuses
        "core": 0,
        "memlock": 0,
        "msgqueue": 0,
        "rtprio": 0,
    }


def test_the_environment_is_the_one_of_every_sandbox() -> None:
    found = container_spec.body(RESTRICTED, asked())["Env"]
    assert isinstance(found, list)
    assert [entry for entry in found if "=" not in entry] == ["HOSTNAME"]  # which the engine would set otherwise
    assert dict(entry.split("=", 1) for entry in found if "=" in entry) == dict(environment.GUEST)
    assert environment.GUEST["HOME"] == "/tmp"  # noqa: S108 - inside the container


def test_what_docker_hides_stays_hidden_and_the_counters_do_not() -> None:
    config = host(RESTRICTED)
    masked, read_only = config["MaskedPaths"], config["ReadonlyPaths"]
    assert isinstance(masked, list)
    assert isinstance(read_only, list)
    # giving a list replaces the engine's own: these are the ones of 20.10 to 28
    assert {"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware"} <= {*masked}
    assert {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"} == {*read_only}
    assert not [path for path in masked if "/sys/fs/cgroup".startswith(path)]


def test_gvisor_takes_no_profile_and_needs_threads_of_its_own() -> None:
    config = host(RESTRICTED, runtime="runsc")
    assert config["SecurityOpt"] == ["no-new-privileges"]
    assert config["PidsLimit"] == 10 + 256 + 2 * 8
    assert ulimits(config)["nproc"] == 10  # what stops the code


def test_gvisors_own_root_may_only_change_users_and_tend_their_files() -> None:
    """The supervisor is somebody else than the payloads there; with runc nobody has any capability."""
    made = container_spec.body(RESTRICTED, asked("runsc"))
    assert made["User"] == "0:0"
    config = host(RESTRICTED, runtime="runsc")
    assert config["CapDrop"] == ["ALL"]
    assert config["CapAdd"] == ["SETUID", "SETGID", "KILL", "DAC_OVERRIDE", "FOWNER", "SETPCAP"]


def test_a_baseline_is_assumed_where_none_was_measured() -> None:
    runc, runsc = host(RESTRICTED, memory=None), host(RESTRICTED, "runsc", memory=None)
    assert runc["Memory"] == runc["MemorySwap"] == 512 * MIB
    assert runsc["Memory"] == runsc["MemorySwap"] == 1024 * MIB


@pytest.mark.parametrize("uid", [0, -1])
def test_root_is_refused(uid: int) -> None:
    with pytest.raises(ValueError, match="cannot run as the user"):
        container_spec.body(RESTRICTED, asked(uid=uid))


def test_a_tag_is_refused_because_it_may_be_moved() -> None:
    with pytest.raises(ValueError, match="named by its id"):
        container_spec.body(RESTRICTED, asked(image="poet-engine/base:3.11"))


def test_it_is_plain_json() -> None:
    made = container_spec.body(RESTRICTED, asked())
    assert json.loads(json.dumps(made)) == made


@settings(deadline=None)  # a shared machine is slow at times, which says nothing
@given(
    cores=st.floats(0.1, 1024),
    processes=st.integers(0, 4096),
    threads=st.integers(0, 4096),
    open_files=st.integers(16, 65_536),
    disk=st.integers(64 << 10, 1 << 40),
    inodes=st.integers(16, 10_000_000),
    memory=st.integers(16 * MIB, 1 << 40),
    runtime=st.sampled_from(["runc", "runsc", "crun"]),
)
def test_no_budget_is_ever_larger_than_the_policy_says(
    *, cores: float, processes: int, threads: int, open_files: int, disk: int, inodes: int, memory: int, runtime: str
) -> None:
    policy = Policy.parse(
        f'version = 1\nname = "mine"\nextends = "restricted"\n[limits]\ncores = {cores!r}\nprocesses = {processes}\n'
        f"threads = {threads}\nopen_files = {open_files}\ndisk = {disk}\ninodes = {inodes}\nmemory = {memory}\n"
    )
    config = host(policy, runtime)
    quota, period, pids = config["CpuQuota"], config["CpuPeriod"], config["PidsLimit"]
    assert isinstance(quota, int)
    assert isinstance(period, int)
    assert isinstance(pids, int)
    assert 0 < quota / period <= cores or quota == 1000  # the kernel takes no less than a hundredth
    assert pids <= 2 + processes + threads + (256 + 8 * (2 + processes) if runtime == "runsc" else 0)
    limits = ulimits(config)
    assert limits["nproc"] == 2 + processes + threads + (runtime != "runsc")
    assert limits["nofile"] <= open_files + 512
    mounts = config["Tmpfs"]
    assert isinstance(mounts, dict)
    temporary, shared = numbers(mounts["/tmp"]), numbers(mounts["/dev/shm"])  # noqa: S108 - inside the container
    assert temporary == (disk // 4096 * 4096, inodes + 1)  # its root
    share = 4 if processes else 32
    assert 0 < shared[0] <= max(4096, disk // share)  # 0 would be no limit
    assert 0 < shared[1] <= inodes // share + 1


def test_a_line_takes_the_place_of_the_streams_and_is_the_only_thing_of_the_host_that_is_seen() -> None:
    """Read-only, and as a mount, for which the engine makes no folder that it does not find."""
    body = container_spec.body(RESTRICTED, dataclasses.replace(asked(), line="/somewhere/shown"))
    found = body["HostConfig"]
    assert isinstance(found, dict)
    assert found["Mounts"] == [{"Type": "bind", "Source": "/somewhere/shown", "Target": "/run/poet", "ReadOnly": True}]
    assert found["Binds"] == []
    assert [body[name] for name in ("AttachStdin", "AttachStdout", "AttachStderr", "OpenStdin")] == [False] * 4
