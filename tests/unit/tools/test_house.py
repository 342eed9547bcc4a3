"""The table of the house counts what it says, on a small tree with known figures."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "tools" / "house.py"
ONE = '''
class Kind:
    """What there is."""

    queue_wait: float

def entry():
    """A docstring does not count."""
    return _short()

def _short():
    return 1
'''
TWO = "class Kind:\n    pass\n\ndef _unused():\n    pass\n"


@pytest.fixture(scope="module")
def house() -> ModuleType:
    spec = importlib.util.spec_from_file_location("house", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_rows_of_a_small_tree(house: ModuleType, tmp_path: Path) -> None:
    package = tmp_path / "engine" / "poet_engine"
    (package / "gate").mkdir(parents=True)
    for path, text in {"__init__.py": "", "one.py": ONE, "_private.py": TWO, "gate/__init__.py": ""}.items():
        (package / path).write_text(text, encoding="utf-8")

    rows = {row.key: row.value for row in house.table(tmp_path, runs=False)}

    assert rows == {
        "top_level_names": "2",
        "repeated_class_names": "1",
        "queue_wait_fields": "1",
        "pointing_docstrings": "1",
        "modules": "4",
        "function_length_p90": "2",
        "private_functions": "67%",
        "called_once": "1",
        "short_called_once": "1",
    }


def test_a_commit_that_does_not_exist_is_wrong_use(
    house: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["house.py", "--against", "no-such-commit", "--skip-runs"])

    with pytest.raises(SystemExit) as ended:
        house.main()

    assert ended.value.code == 2
    assert "git has no files of no-such-commit" in capsys.readouterr().err
