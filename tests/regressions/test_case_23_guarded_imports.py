"""Imports whose failure a source expects are absent where the policy does not list them: they raise, always."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from poet_engine import Engine

OpenEngine = Callable[[str], "Engine"]

ENFORCED = 'name = "strict"\nextends = "restricted"\n'
WARNED = 'name = "warned"\nextends = "restricted"\n[static]\nmode = "warn"\n'

PASSING = {
    "a type checker's import": (
        (
            "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
            "    import pandas as pd\ndef f() -> pd.DataFrame:\n    return 1"
        ),
        1,
    ),
    "another module instead": (
        "try:\n    import posix as json\nexcept ImportError:\n    import json\ndef f():\n    return json.dumps([1])",
        "[1]",
    ),
    "a name that is not there": (
        (
            "try:\n    from os import system\nexcept ImportError as error:\n    system = str(error)\n"
            "def f():\n    return system"
        ),
        "No module named 'os'",
    ),
    "a name of a listed module": (
        (
            "def f():\n    try:\n        from json import JSONEncoder, detect_encoding\n"
            "    except ImportError as error:\n"
            "        return str(error), JSONEncoder is not None, error.name"
        ),
        ("cannot import name 'detect_encoding' from 'json'", True, "json"),
    ),
    "inside a function": (
        (
            "def f():\n    try:\n        import math, subprocess\n    except ModuleNotFoundError as error:\n"
            "        return math.floor(1.5), error.name"
        ),
        (1, "subprocess"),
    ),
    "a spoilt guard": (
        (
            "TYPE_CHECKING = True\ntry:\n    if TYPE_CHECKING:\n        import os\n"
            "except ImportError:\n    os = 'absent'\n"
            "def f():\n    return os"
        ),
        "absent",
    ),
    "in every branch": (
        (
            "def f(found=0):\n    for once in [1]:\n        with open_nothing():\n            try:\n"
            "                import os\n"
            "            except* ImportError as group:\n"
            "                found = len(group.exceptions)\n    return found\n"
            "import contextlib\nopen_nothing = contextlib.nullcontext"
        ),
        1,
    ),
    "beside a long sum": (
        "try:\n    import os\nexcept ImportError:\n    os = 1\ndef f():\n    return os" + " + 1" * 1400,
        1401,
    ),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_guarded_import_raises_and_never_imports(open_engine: OpenEngine, name: str) -> None:
    source, value = PASSING[name]
    outcome = open_engine(ENFORCED).run(source, "f")
    assert (outcome.value, outcome.findings) == (value, ()), outcome


def test_a_script_gets_the_same(open_engine: OpenEngine) -> None:
    source = "try:\n    import subprocess as s\nexcept ImportError as error:\n    s = error\nprint(repr(s))\n"
    outcome = open_engine(ENFORCED).run_script(source)
    assert outcome.stdout == "ModuleNotFoundError(\"No module named 'subprocess'\")\n", outcome


def test_a_spoilt_guard_that_catches_nothing_imports_nothing(open_engine: OpenEngine) -> None:
    """The gate believes the guard; what makes it safe is the `raise` in the import's place."""
    source = "TYPE_CHECKING = 1\nif TYPE_CHECKING:\n    import os\ndef f():\n    return os.getpid()"
    outcome = open_engine(ENFORCED).run(source, "f")
    assert (str(outcome.status), outcome.error and outcome.error.type) == ("error", "ModuleNotFoundError")


def test_a_source_that_was_compiled_ahead_is_compiled_again(open_engine: OpenEngine) -> None:
    """A payload compiles the source of the last call before it knows the next one."""
    source = "try:\n    import os\nexcept ImportError:\n    os = None\ndef f():\n    return os is None"
    assert [open_engine(ENFORCED).run(source, "f").value for _ in range(6)] == [True] * 6


def test_where_findings_do_not_reject_it_is_told_and_imports(open_engine: OpenEngine) -> None:
    source = "try:\n    import os\nexcept ImportError:\n    os = None\ndef f():\n    return os is None"
    outcome = open_engine(WARNED).run(source, "f")
    assert outcome.value is False
    assert "POET110" in {finding.rule for finding in outcome.findings}
    assert open_engine(ENFORCED).run(source, "f").value is True


def test_a_waiver_gives_the_module_back(open_engine: OpenEngine) -> None:
    waived = (
        f'{ENFORCED}[[waivers]]\nrule = "POET110"\nscope = "f"\nowner = "a@example.org"\nreason = "reads the clock"\n'
        "expires = 2999-01-01\n"
    )
    source = (
        "try:\n    import time as t\n    import os\nexcept ImportError:\n    os = None\ndef f():\n    return os is None"
    )
    assert open_engine(waived).run(source, "f").value is False
