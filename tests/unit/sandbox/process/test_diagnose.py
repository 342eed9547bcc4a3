"""Why the sandbox did not start, from what failed and from the settings of the machine."""

import pytest

from poet_engine.sandbox.process import diagnose

FORBIDDING = {file: value for file, value, _remedy in diagnose._SWITCHES}


@pytest.mark.parametrize(("file", "value", "remedy"), diagnose._SWITCHES)
def test_a_switch_that_forbids_is_named_with_its_remedy(file: str, value: str, remedy: str) -> None:
    said = diagnose.explain("unshare: EPERM", rootless=True, values={file: value})
    assert said.startswith(remedy)
    assert said.endswith("unshare: EPERM")


def test_a_switch_that_allows_is_not_blamed() -> None:
    allowing = dict.fromkeys(FORBIDDING, "7777")
    said = diagnose.explain("unshare: EPERM", rootless=True, values=allowing)
    assert "sysctl" not in said
    assert "user namespaces" in said
    assert said.endswith("unshare: EPERM")


def test_root_is_not_sent_to_the_switches_of_ordinary_users() -> None:
    said = diagnose.explain("mount: EPERM", rootless=False, values=FORBIDDING)
    assert "sysctl" not in said
    assert "CAP_SYS_ADMIN" in said


def test_a_module_that_cannot_be_imported_is_no_matter_of_walls() -> None:
    said = diagnose.explain("ModuleNotFoundError: No module named 'x'", rootless=True, values=FORBIDDING)
    assert "preloads" in said
    assert "namespaces" not in said


def test_settings_are_those_that_this_machine_has() -> None:
    assert set(diagnose.settings()) <= set(FORBIDDING)
