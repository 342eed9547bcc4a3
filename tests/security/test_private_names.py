"""The list of the private attributes of libraries, held against the Python and the libraries that are installed.

`tests/security/private_names.py` looks; it can be run with any interpreter that has the libraries.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from poet_engine.gate import library_names
from poet_engine.policy import Policy

PROGRAM = Path(__file__).with_name("private_names.py")
LIST = Path(library_names.__file__).with_name("private_names.txt")
COMMAND = f"python tests/security/{PROGRAM.name} {LIST.name}"
PRESETS = ("restricted", "data", "api", "baseline", "lab")


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the standard library of other versions has other names")
@pytest.mark.skipif(importlib.util.find_spec("pandas") is None, reason="the extra 'data' is not installed")
def test_the_list_has_every_private_attribute_that_is_installed() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAM), str(LIST)], capture_output=True, text=True, check=True
    )
    new = set(done.stdout.split()) - set(LIST.read_text("ascii").split())
    assert new == set(), f"they can be added with: {COMMAND}"


@pytest.mark.parametrize("preset", PRESETS)
def test_what_a_preset_lists_is_known(preset: str) -> None:
    """Otherwise any private attribute could be a library's, and each would be refused on what is not plainly own."""
    listed = Policy.load(preset).static.imports
    standard = [module for module in listed if library_names.is_standard(module)]
    assert library_names.private_names(listed, standard) is not None
    assert [module for module in standard if f"needs {module}" not in LIST.read_text("ascii")] == []


def test_what_a_source_imports_decides_which_attributes_others_may_have() -> None:
    plain = library_names.private_names(["typing", "threading"], [])
    typed = library_names.private_names(["typing", "threading"], ["typing"])
    assert plain is not None
    assert typed is not None
    assert "_mgr" in plain
    assert "_evaluate" in typed - plain
    assert "_target" not in typed
    everything = library_names.private_names(["typing", "subprocess"], ["subprocess"])
    assert everything is not None
    assert {"_evaluate", "_target", "_communicate"} <= everything


def test_of_a_library_that_nobody_looked_at_any_attribute_may_be() -> None:
    assert library_names.private_names(["math", "requests"], ["math"]) is None
    with_tables = library_names.private_names(["pandas"], [])
    assert with_tables is not None
    assert "_selected_obj" in with_tables


def test_what_a_class_of_the_standard_library_brings_is_read_from_its_code() -> None:
    names = library_names.class_names("threading.Semaphore")
    assert names is not None
    assert {"_value", "_cond", "acquire"} <= names
    assert library_names.class_names("builtins.Exception") is not None
    assert library_names.class_names("pandas.DataFrame") is None
    assert library_names.class_names("math.sqrt") is None
    assert library_names.is_virtual("abc.ABC") is True
    assert library_names.is_virtual("builtins.Exception") is False
    assert library_names.is_virtual("typing.Protocol") is None
