"""The names that `site` adds are there, in scripts and in functions."""

from collections.abc import Callable

import pytest

from poet_engine import Engine, Outcome

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]
SameAsCPython = Callable[[str, str, str], Outcome]

SCRIPTS = {
    "exit": "print('even')\nexit()\nprint('odd')",
    "quit with a number": "print('before')\nquit(3)",
    "exit with a text": "print('before')\nexit('why')",
    "exit closes standard input": """
import sys
try:
    exit(2)
except SystemExit:
    print(sys.stdin.closed)
""",
    "their texts": "print(exit, quit, credits, copyright)",
    "license": "print(repr(license))",
    "help": "def f(x):\n    'What f does.'\nhelp(f)\nprint(repr(help))",
    "where they are": """
import builtins, sys
print(type(exit).__module__, builtins.quit.name, 'site' in sys.modules)
""",
}


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_has_the_names_of_site(same_as_cpython: SameAsCPython, source: str) -> None:
    """Output and exit status are those of plain CPython."""
    same_as_cpython(source, "", "restricted")


def test_a_function_has_them_too(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """`exit` ends a function's program as `sys.exit` does."""
    outcome = open_engine(any_code_policy("restricted", "")).run("def f():\n    print('kept')\n    exit(4)", "f")
    assert (outcome.status, outcome.cause, outcome.exit_code, outcome.stdout) == ("error", "nonzero_exit", 4, "kept\n")
