import pytest

from poet_engine.sandbox.process.identity import Identity, decide

_ALL = (1 << 41) - 1
_WHOLE = "         0          0 4294967295\n"


def test_root_of_the_machine_takes_uids_that_nobody_has() -> None:
    me = decide(0, _ALL, _WHOLE, pid=77)
    assert me == Identity(rootless=False, first_uid=0x40000000 + (77 << 8))
    assert len({me.uid(number) for number in range(256)}) == 256
    assert me.uid(256) == me.uid(0)


def test_two_processes_never_share_a_uid_on_a_machine() -> None:
    first, second = (decide(0, _ALL, _WHOLE, pid=pid) for pid in (77, 78))
    assert {first.uid(number) for number in range(256)}.isdisjoint(second.uid(number) for number in range(256))


@pytest.mark.parametrize("euid", [1, 1000, 65534])
def test_an_ordinary_user_needs_user_namespaces(euid: int) -> None:
    assert decide(euid, _ALL, _WHOLE, pid=77).rootless


def test_root_without_the_capabilities_does_too() -> None:
    without_admin = _ALL & ~(1 << 21)
    assert decide(0, without_admin, _WHOLE, pid=77).rootless
    assert decide(0, 0, _WHOLE, pid=77).rootless


def test_root_of_a_container_takes_uids_that_the_container_has() -> None:
    me = decide(0, _ALL, "0 1000 1\n1 100000 65536\n", pid=12345)
    assert not me.rootless
    assert me.first_uid >= 1
    assert me.uid(255) <= 65536


def test_root_of_a_container_with_one_user_is_nobody_special() -> None:
    assert decide(0, _ALL, "0 1000 1\n", pid=77).rootless
    assert decide(0, _ALL, "", pid=77).rootless
