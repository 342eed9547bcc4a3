"""Whose a container is, whom nobody misses, and users and names that are one's own."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.errors import DockerError
from poet_engine.sandbox import proc
from poet_engine.sandbox.docker import ownership
from poet_engine.sandbox.docker.client import LABEL_OWNER, ContainerClient, EngineInfo, read_info
from poet_engine.sandbox.docker.ownership import Owner

if TYPE_CHECKING:
    from tests.unit.conftest import ScriptedEngine

HERE = Owner(pid=10, started="500", boot="b", namespace="4026531836", version="1")
DEAD = dataclasses.replace(HERE, pid=11)
SLOW = settings(deadline=None)  # a shared machine is slow at times, which says nothing
ROOTFUL = read_info({"SecurityOptions": ["name=seccomp,profile=default"]}, "1.41")


def living(pid: int, started: str) -> bool:
    return (pid, started) == (HERE.pid, HERE.started)


class TestAbandoned:
    @pytest.mark.parametrize(
        ("owner", "expected"),
        [
            (HERE, False),
            (DEAD, True),
            (dataclasses.replace(HERE, started="501"), True),  # the id is another process's by now
            (dataclasses.replace(DEAD, boot="another"), False),
            (dataclasses.replace(DEAD, namespace="4026532000"), False),
            (dataclasses.replace(DEAD, version="0"), True),
        ],
        ids=["living", "gone", "its id used again", "another boot or machine", "another namespace", "older version"],
    )
    def test_only_when_its_owner_is_known_to_be_gone(self, owner: Owner, *, expected: bool) -> None:
        assert ownership.abandoned(owner.labels(), HERE, living) is expected

    @pytest.mark.parametrize(
        "changed",
        [{}, {LABEL_OWNER: "x"}, {LABEL_OWNER: ""}, {LABEL_OWNER: "²"}, {LABEL_OWNER: "-1"}, {LABEL_OWNER: "1" * 999}],
        ids=["none", "a word", "nothing", "a superscript", "a sign", "very long"],
    )
    def test_labels_that_name_nobody_are_left_alone(self, changed: dict[str, str]) -> None:
        labels = {**DEAD.labels(), **changed} if changed else {}
        assert ownership.read_labels(labels) is None
        assert not ownership.abandoned(labels, HERE, lambda _pid, _started: False)

    @pytest.mark.parametrize("missing", [*HERE.labels()][:-1])
    def test_labels_that_are_not_whole_are_left_alone(self, missing: str) -> None:
        labels = {name: value for name, value in DEAD.labels().items() if name != missing}
        assert not ownership.abandoned(labels, HERE, living)

    def test_labels_are_read_as_they_are_written(self) -> None:
        assert ownership.read_labels(HERE.labels()) == HERE


class TestLives:
    def test_this_process_does(self) -> None:
        here = ownership.current("1")
        assert here.pid == os.getpid()
        assert here.boot
        assert ownership.lives(here.pid, here.started)
        assert not ownership.abandoned(here.labels(), here, ownership.lives)

    def test_it_under_another_start_time_does_not(self) -> None:
        assert not ownership.lives(os.getpid(), "1")

    def test_one_that_ended_does_not_even_before_its_parent_asks(self) -> None:
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        started = proc.start_time(process.pid)
        assert ownership.lives(process.pid, started)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
        assert not ownership.lives(process.pid, started)
        process.communicate()
        assert not ownership.lives(process.pid, started)

    def test_a_pid_that_cannot_be_does_not(self) -> None:
        assert not ownership.lives(10**18, "1")


class TestSweep:
    def test_it_removes_what_the_dead_left_and_says_what_it_could_not(self, scripted_engine: "ScriptedEngine") -> None:
        owners = {"a": HERE, "b": DEAD, "c": DEAD, "d": dataclasses.replace(DEAD, boot="far")}
        listed = [
            {"Id": key, "Names": [f"/poet-{key}"], "Labels": owner.labels(), "State": state}
            for (key, owner), state in zip(owners.items(), ["running", "running", "created", "exited"], strict=True)
        ]

        def says(asked: str) -> bytes:
            method, url = asked.split()
            parts = urlsplit(url)
            if method == "GET":
                assert parse_qs(parts.query) == {"all": ["1"], "filters": [f'{{"label": ["{LABEL_OWNER}"]}}']}
                return scripted_engine.answer("200 OK", listed)
            if parts.path.endswith("/c"):
                return scripted_engine.answer("500 Internal Server Error", {"message": "boom"})
            return scripted_engine.answer("204 No Content")

        scripted_engine.says = says
        with ContainerClient(scripted_engine.host, timeout=30) as engine:
            swept = ownership.sweep(engine, HERE, living=living)
        assert swept.removed == ("poet-b",)
        assert "boom" in swept.failed["poet-c"]
        removed = [asked for asked in scripted_engine.asked if asked.startswith("DELETE")]
        assert removed == [f"DELETE /v1.41/containers/{key}?force=1&v=1" for key in "bc"]


def _info(*, rootless: bool = False, userns: bool = False, desktop: bool = False) -> EngineInfo:
    return dataclasses.replace(ROOTFUL, rootless=rootless, userns=userns, desktop=desktop)


class TestUids:
    @SLOW
    @given(pid=st.integers(1, 1 << 22), started=st.integers(1).map(str), boot=st.uuids().map(str))
    def test_they_are_above_everybody_else_and_below_the_sign(self, pid: int, started: str, boot: str) -> None:
        owner = Owner(pid=pid, started=started, boot=boot, namespace="4026531836", version="1")
        found = ownership.uids(_info(), owner)
        assert len(found) == 128
        assert found[0] >= 0x60000000
        assert found[-1] < 1 << 31

    @SLOW
    @given(pid=st.integers(1, 1 << 22), rootless=st.booleans(), userns=st.booleans())
    def test_where_users_are_mapped_they_are_among_those_that_exist(
        self, *, pid: int, rootless: bool, userns: bool
    ) -> None:
        owner = dataclasses.replace(HERE, pid=pid)
        found = ownership.uids(_info(rootless=rootless, userns=userns, desktop=not (rootless or userns)), owner)
        assert len(found) == 128
        assert found[0] > 1000
        assert found[-1] < 65_534

    def test_owners_that_differ_in_anything_but_their_version_have_different_ones(self) -> None:
        others = [
            dataclasses.replace(HERE, pid=11),
            dataclasses.replace(HERE, started="501"),
            dataclasses.replace(HERE, boot="c"),
            dataclasses.replace(HERE, namespace="1"),
        ]
        found = [ownership.uids(_info(), owner) for owner in [HERE, *others]]
        assert len({uid for block in found for uid in block}) == 128 * 5
        assert ownership.uids(_info(), dataclasses.replace(HERE, version="2")) == found[0]


def test_names_are_drawn_from_the_source_that_is_given() -> None:
    assert ownership.name(lambda count: bytes(range(count))) == "poet-000102030405060708090a0b0c0d0e0f"
    assert len({ownership.name(os.urandom) for _ in range(100)}) == 100


def test_the_boot_and_the_namespace_are_the_kernels(request: pytest.FixtureRequest) -> None:
    if sys.platform != "linux":
        pytest.skip(f"{request.node.name} reads /proc")
    here = ownership.current("1")
    assert here.boot == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert here.namespace == str(Path("/proc/self/ns/pid").stat().st_ino)


def test_no_two_containers_have_one_user_and_the_last_to_be_free_is_the_last_to_be_given() -> None:
    users = ownership.Users(range(7, 9))
    assert [users.take(), users.take()] == [7, 8]
    with pytest.raises(DockerError, match="in use"):
        users.take()
    users.give_back(8)
    users.give_back(7)
    assert users.take() == 8
