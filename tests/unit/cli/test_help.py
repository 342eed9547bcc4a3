"""Every help page is whole on 80 columns and ends with examples that can be typed as they stand."""

import shlex
import subprocess
import sys
from typing import cast

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from poet_engine.cli import main
from poet_engine.cli.app import grammar
from poet_engine.cli.commands.completion import nodes

_PLACES = [node.place.split()[1:] for node in nodes(grammar(), "poet")]
_WIDTH = 80


def _examples(page: str) -> list[str]:
    """The lines below the heading of the examples."""
    _, found, rest = page.partition("Example")
    assert found, page
    return [line.strip() for line in rest.splitlines()[1:]]


@pytest.fixture(params=_PLACES, ids=" ".join)
def place(request: pytest.FixtureRequest) -> list[str]:
    words: list[str] = request.param
    return words


@pytest.fixture
def page(place: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("COLUMNS", str(_WIDTH))
    assert main([*place, "--help"]) == 0
    return capsys.readouterr().out


def test_a_page_is_whole_on_80_columns(page: str) -> None:
    lines = page.splitlines()
    assert max(map(len, lines)) <= _WIDTH
    assert [line for line in lines if line.rstrip().endswith("...") and not line.startswith("Usage:")] == []
    assert "[[" not in page
    assert "{FILE...}" not in page


def test_a_group_says_each_of_its_commands_on_one_line(page: str, place: list[str]) -> None:
    command: TyperCommand | TyperGroup = grammar()
    for word in place:
        command = cast("TyperCommand | TyperGroup", cast("TyperGroup", command).commands[word])
    if isinstance(command, TyperGroup):
        names = page.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
        assert [line.split()[0] for line in names] == list(command.commands)


def test_both_spellings_of_help_say_the_same(page: str, place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*place, "-h"]) == 0
    assert capsys.readouterr().out == page


def test_an_example_is_a_command_line_that_parses(page: str, place: list[str]) -> None:
    examples = _examples(page)
    assert examples
    for line in examples:
        name, *words = shlex.split(line.partition(" > ")[0])
        assert name == "poet"
        assert words[: len(place)] == place
        _parse(words)


def _parse(words: list[str]) -> None:
    """Parse a command line down to its command, without running it."""
    command: TyperCommand | TyperGroup = grammar()
    context, rest = None, words
    while isinstance(command, TyperGroup):
        context = command.make_context("poet", rest, parent=context)
        _name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        command = cast("TyperCommand | TyperGroup", found)
    try:
        command.make_context("poet", rest, parent=context)
    except typer.Exit:
        assert "--help" in words


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "poet_engine", "nope"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "poet: error: No such command 'nope'; see 'poet --help'\n"
