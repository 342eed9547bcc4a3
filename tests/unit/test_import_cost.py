"""`import poet_engine` is what every program with `@poet` in it pays for, used or not."""

import json
import subprocess
import sys

import pytest

# What a program pays only when it uses it.
_RARE = frozenset({"bandit", "docker", "numpy", "openai", "pandas", "rich", "scipy", "typer"})
_HEAVY = _RARE | {"psutil", "pydantic", "pydantic_settings", "tenacity"}


def _modules(statement: str) -> set[str]:
    """The modules in a fresh interpreter after `statement`."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


def _loaded_by(statement: str) -> set[str]:
    """The top-level modules in a fresh interpreter after `statement`."""
    return {name.partition(".")[0] for name in _modules(statement)}


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import poet_engine", _HEAVY),
        ("from poet_engine import Outcome, PoetError, Policy", _HEAVY),
        ("import poet_engine._env", _HEAVY),
        ("from poet_engine import poet", _HEAVY | {"asyncio", "logging", "sqlite3"}),
        ("from poet_engine import poet\npoet(timeout='5s')(lambda: 1)", _HEAVY | {"asyncio", "logging", "sqlite3"}),
        ("from poet_engine import Engine, poet", _RARE),
    ],
)
def test_importing_loads_nothing_heavy(statement: str, unwanted: frozenset[str]) -> None:
    assert _loaded_by(statement) & unwanted == set()


def test_an_engine_by_itself_loads_nothing_of_decorated_functions() -> None:
    """`poet run` opens one, and is over in the time that the rest would take to load."""
    rest = {"contracts", "decorator.handle", "domains", "resilience.breaker", "resilience.pipeline", "versions"}
    loaded = _modules("from poet_engine import Engine\nEngine.open")
    assert loaded & {f"poet_engine.{name}" for name in rest} == set()
    assert "asyncio" not in loaded
    assert "poet_engine.engine" in loaded


def test_the_check_would_notice() -> None:
    """The modules of a statement that does load one are seen."""
    assert "pydantic" in _loaded_by("import pydantic")
