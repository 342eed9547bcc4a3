"""A module that is installed on the host and that the policy does not list is named with the key that would list it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine.cli import main

if TYPE_CHECKING:
    from poet_engine import Engine

OpenEngine = Callable[[str], "Engine"]

SOURCE = "def f():\n    import pydantic\n    return pydantic.VERSION\n"
FROM = "def f():\n    from pydantic.fields import Field\n    return Field\n"
UNKNOWN = "def f():\n    import no_such_module_anywhere\n"
FORGED = "def f():\n    raise ModuleNotFoundError(\"No module named '../../etc'\")\n"
LISTED = "def f():\n    import pydantic.no_such_part\n"


@pytest.mark.parametrize("source", [SOURCE, FROM])
def test_a_run_names_the_module_and_the_key(
    open_engine: OpenEngine, any_code_policy: Callable[[str, str], str], source: str
) -> None:
    outcome = open_engine(any_code_policy("restricted", "")).run(source, "f")
    assert outcome.error is not None, outcome
    assert outcome.error.message == "No module named 'pydantic'", "the guest's own words stay"
    assert outcome.error.hint == (
        "pydantic is installed here, and policy 'any-code' does not list it: "
        'add pydantic = ["*"] to [static.imports] of a policy of your own'
    )
    assert outcome.error.hint in outcome.describe()


@pytest.mark.parametrize("source", [UNKNOWN, FORGED])
def test_what_is_not_installed_has_no_hint(
    open_engine: OpenEngine, any_code_policy: Callable[[str, str], str], source: str
) -> None:
    outcome = open_engine(any_code_policy("restricted", "")).run(source, "f")
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.hint) == ("ModuleNotFoundError", "")


def test_a_module_that_is_listed_is_not_to_be_listed_again(open_engine: OpenEngine, sandbox_kind: str) -> None:
    if sandbox_kind != "process":
        pytest.skip("a policy that lists a module asks for an image that has it")
    policy = 'name = "x"\nextends = "restricted"\n[static]\nmode = "audit"\n[static.imports]\npydantic = ["*"]\n'
    outcome = open_engine(policy).run(LISTED, "f")
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.hint) == ("ModuleNotFoundError", "")


def test_a_scan_names_the_module_and_the_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.py"
    path.write_text(SOURCE)
    assert main(["scan", str(path), "--policy", "restricted"]) == 1
    assert 'pydantic is installed here; add pydantic = ["*"] to [static.imports]' in capsys.readouterr().out
    path.write_text(UNKNOWN)
    assert main(["scan", str(path), "--policy", "restricted"]) == 1
    assert "is installed here" not in capsys.readouterr().out
