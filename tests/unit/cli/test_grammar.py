"""The grammar is whole when it is asked for as a whole, and loads no more than a command needs."""

import json
import subprocess
import sys

import pytest

from poet_engine.cli.app import SUMMARIES, grammar, named


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_summary_of_a_command_is_how_its_own_help_begins(name: str) -> None:
    assert (grammar().commands[name].help or "").splitlines()[0] == SUMMARIES[name]


@pytest.mark.parametrize(
    ("given", "used"),
    [([], ()), (["--help"], ()), (["run", "a.py:f", "scan"], ("run",)), (["--version", "scan"], ("scan",))],
)
def test_the_command_that_is_loaded_is_the_first_word(given: list[str], used: tuple[str, ...]) -> None:
    assert tuple(named(given)) == used


def _loaded_by(*arguments: str) -> set[str]:
    """The modules in a fresh interpreter that has run `poet`."""
    program = "import sys\nfrom poet_engine.cli import main\nmain(sys.argv[1:])\n"
    program += "loaded = list(sys.modules)\nimport json\nprint(json.dumps(loaded), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--version"], {"dataclasses", "importlib.metadata", "pathlib", "re", "rich", "typer", "typing"}),
        (["--help"], {"poet_engine.cli.commands", "poet_engine.policy", "rich"}),
        (["run", "--help"], {"poet_engine._wiring", "poet_engine.gate", "poet_engine.policy", "rich"}),
        (["run", "nowhere.py:f"], {"poet_engine._wiring", "poet_engine.gate", "poet_engine.policy", "rich"}),
        (["policy", "list"], {"poet_engine.cli.commands.run", "poet_engine.cli.jobs", "rich"}),
    ],
)
def test_a_command_loads_only_what_it_needs(arguments: list[str], unwanted: set[str]) -> None:
    assert _loaded_by(*arguments) & unwanted == set()


def test_the_check_would_notice() -> None:
    assert {"typer", "poet_engine.cli.commands.scan"} <= _loaded_by("scan", "--help")
