import importlib.util
import types
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def naive() -> types.ModuleType:
    """The module of functions as users write them; test folders are no packages, so it is loaded by its path."""
    spec = importlib.util.spec_from_file_location("naive", Path(__file__).parent / "naive.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
