"""CPython's own tests come to the same in the sandbox as outside; six modules here, the others by make test-cpython."""

import importlib.util
import tomllib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.scripts import script

from poet_engine.sandbox.base import Sandbox

if TYPE_CHECKING:
    from tests.conftest import Require

suite = script("cpython_suite")


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with suite.opened() as sandbox:
        yield sandbox


@pytest.mark.sandbox
@pytest.mark.parametrize("module", suite.suite().sample)
def test_a_module_of_its_tests_comes_to_the_same(box: Sandbox, module: str, require: "Require") -> None:
    found = importlib.util.find_spec("test.test_json") is not None
    require("testsuite", found, "this Python lacks its own tests (Debian: apt install libpython3.11-testsuite)")

    compared = suite.compare(module, box)

    assert compared.unexplained == {}
    assert compared.same > 10, "the tests were left out"


def test_every_reason_has_its_meaning() -> None:
    data = suite.suite()
    observed = {"programs", "network", "more"}
    written = tomllib.loads((suite.HERE / "cpython_suite.toml").read_text(encoding="utf-8"))
    used = {reason for table in (written["expected"], *written["only"].values()) for reason in table}
    assert used | observed == set(data.reasons)
    assert len(data.modules) >= 110
    assert set(data.sample) <= set(data.modules)
