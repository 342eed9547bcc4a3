"""The texts of sums, as bandit's checks are given them: the same as its own, and in time that grows with the sum."""

import ast
import importlib.util
import itertools
import time
import warnings
from types import ModuleType

import pytest

from poet_engine.gate import bandit_sums

SUMS = [
    "'select ' + 'a ' + 'from ' + 't'",
    "'select ' + ('a ' + name + 'from ') + 't'",
    "('select %s ' % name) + call('update ' + 'text') + 'from t'",
    "'a' + ('b' + ('update ' + 'c' * 3) + 'set ')",
    "1 + 'insert ' + x",
    "'DELETE ' + f'{x} from ' + b'bytes' + 'from t'",
]


@pytest.fixture(scope="module")
def bandits_own() -> ModuleType:
    """The module of bandit as it ships; the one that is loaded has our function in it, once a scan was made."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what bandit imports
        spec = importlib.util.find_spec("bandit.core.utils")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def _strings(source: str) -> list[tuple[ast.Constant, ast.BinOp]]:
    tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child._bandit_parent = node  # type: ignore[attr-defined] # bandit's own mark
            if isinstance(node, ast.BinOp) and isinstance(child, ast.Constant) and isinstance(child.value, str):
                found.append((child, node))
    return found


@pytest.mark.parametrize("source", SUMS)
def test_a_text_is_the_one_that_bandit_makes(bandits_own: ModuleType, source: str) -> None:
    strings = _strings(source)
    assert strings
    for node, parent in strings:
        assert bandit_sums.concat_string(node, parent) == bandits_own.concat_string(node, parent)


def test_a_sum_without_a_word_of_a_statement_has_no_text(bandits_own: ModuleType) -> None:
    ((node, parent), _other) = _strings("'sel' + 'ect from t'")
    root, text = bandits_own.concat_string(node, parent)
    assert "select" not in text
    assert bandit_sums.concat_string(node, parent) == (root, "")


@pytest.mark.parametrize("text", ["'a'", "'select '"])
def test_a_long_sum_is_put_together_soon(text: str) -> None:
    chain: ast.expr = ast.parse(text, mode="eval").body
    strings = []
    for _ in itertools.repeat(None, 3000):
        last = ast.Constant("b")
        chain = ast.BinOp(chain, ast.Add(), last)
        strings.append((last, chain))
    for (_last, inner), (_next, outer) in itertools.pairwise(strings):
        inner._bandit_parent = outer  # type: ignore[attr-defined] # bandit's own mark
    started = time.thread_time()
    for node, parent in strings:
        bandit_sums.concat_string(node, parent)
    assert time.thread_time() - started < 2  # bandit's own takes some ten
