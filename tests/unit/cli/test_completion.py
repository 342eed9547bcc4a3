"""Completion knows the whole grammar, and runs nothing that stands on the command line or in a folder."""

import contextlib
import os
import pty
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperCommand

from poet_engine._wake import readable
from poet_engine.cli import main
from poet_engine.cli.app import SUMMARIES, grammar
from poet_engine.cli.commands.completion import SCRIPTS, nodes

_HOSTILE = ("$(touch taken)", "`touch taken`", "a;touch taken", "*", "$HOME", "'", '"', "$((1", "a\nb")
_needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")


def _script(shell: str) -> str:
    return SCRIPTS[shell](list(nodes(grammar(), "poet")))


def _complete(folder: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words, behind `poet`."""
    program = (
        _script("bash")
        + """
COMP_WORDS=(poet "$@")
COMP_CWORD=$#
_poet
printf '%s\\0' "${COMPREPLY[@]}"
"""
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", program, "bash", *words], capture_output=True, cwd=folder, check=True, timeout=60
    )
    assert done.stderr == b""
    return [word.decode() for word in done.stdout.split(b"\0") if word]


@_needs_bash
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ex"], ["explain"]),
        (["policy", "s"], ["show", "schema"]),
        (["--version", "policy", "e"], ["explain"]),
        (["run", "--sandbox", ""], ["auto", "process", "docker"]),
        (["breaker", "force", "a.py:f", "--sandbox", "d"], ["docker"]),
        (["scan", "--s"], ["--sarif"]),
        (["scan", "-"], ["--policy", "--json", "--sarif", "--help", "-h"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["scan", ""], []),
        (["run", "--policy", "policy", "s"], []),
    ],
)
def test_bash_offers_what_may_follow(words: list[str], offered: list[str], tmp_path: Path) -> None:
    """Nothing is offered where a file may stand: bash then completes file names itself."""
    assert _complete(tmp_path, *words) == offered


@_needs_bash
def test_bash_offers_every_command(tmp_path: Path) -> None:
    assert _complete(tmp_path, "") == list(SUMMARIES)


@_needs_bash
@pytest.mark.parametrize("word", _HOSTILE)
def test_no_word_and_no_file_is_run(word: str, tmp_path: Path) -> None:
    (tmp_path / word).touch()
    for words in ([word], [word, ""], ["scan", word], ["run", "--sandbox", word], ["policy", word, ""]):
        _complete(tmp_path, *words)
    assert [path.name for path in tmp_path.iterdir()] == [word]


@contextlib.contextmanager
def _interactive_bash(folder: Path) -> Iterator[int]:
    """A bash on a terminal of its own, with the script; yields the terminal's other end."""
    (folder / "script").write_text(_script("bash"))
    ours, its = pty.openpty()
    environment = {"PATH": os.defpath, "HOME": str(folder), "INPUTRC": "/dev/null", "TERM": "dumb", "PS1": "ready> "}
    shell = subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-i"],
        stdin=its,
        stdout=its,
        stderr=its,
        cwd=folder / "files",
        env=environment,
        start_new_session=True,
    )
    os.close(its)
    try:
        yield ours
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)


def _read_until(terminal: int, wanted: bytes) -> bytes:
    """What the shell has printed once it has printed that; an error after half a minute."""
    read = b""
    while wanted not in read:
        assert readable(terminal, 30.0), read
        read += os.read(terminal, 4096)
    return read


@_needs_bash
def test_the_name_of_a_file_is_quoted_and_not_run(tmp_path: Path) -> None:
    """Typed as a user types it: bash itself completes the name, and Enter passes it on as one word."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "$(touch taken).py").touch()
    with _interactive_bash(tmp_path) as terminal:
        _read_until(terminal, b"ready> ")
        os.write(terminal, b"source ../script; poet() { printf '<%s>' \"$@\" end; }\n")
        _read_until(terminal, b"\nready> ")
        os.write(terminal, b"poet sc\t\t\n")
        printed = _read_until(terminal, b"<end>")
    assert b"<scan><$(touch taken).py><end>" in printed
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["$(touch taken).py"]


@pytest.mark.parametrize("shell", SCRIPTS)
def test_each_shell_has_every_word(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert script == _script(shell)
    for node in nodes(grammar(), "poet"):
        for word in (*node.words, *(option.lstrip("-") for option in node.options)):
            assert word in script
    if (found := shutil.which(shell)) is not None:
        subprocess.run(
            [found, "-n", "-c" if shell == "bash" else "/dev/stdin", *([script] if shell == "bash" else [])],
            input=script,
            text=True,
            check=True,
            timeout=60,
        )


def test_an_unknown_shell_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "'tcsh'" in capsys.readouterr().err


@pytest.mark.parametrize("word", [*_HOSTILE, "a b", "é"])
def test_a_grammar_with_words_of_the_shell_makes_no_script(word: str) -> None:
    root = grammar(())
    root.add_command(TyperCommand("x"), word)
    with pytest.raises(ValueError, match="cannot stand in a script"):
        list(nodes(root, "poet"))
