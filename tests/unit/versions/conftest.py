"""The store that the tests of this folder write to."""

from pathlib import Path

import pytest

from poet_engine.versions import FunctionStore, VersionStore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "state" / ".poet"


@pytest.fixture
def function(root: Path) -> FunctionStore:
    return VersionStore(root, clock=lambda: 1000.0).function("f")
