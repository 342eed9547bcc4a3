"""Code that is called as the outermost: no frame lies below it, and afterwards all is as it was."""

import functools
import inspect
import sys
from collections.abc import Callable

import pytest

from poet_engine.guest import outermost_frame

SOURCE = "import sys, inspect\nbelow = sys._getframe().f_back\ndepth = len(inspect.stack())\n"
KNOWN = (3, 11) <= sys.version_info[:2] <= (3, 13)


def _ran(source: str) -> dict[str, object]:
    names: dict[str, object] = {}
    outermost_frame.call(functools.partial(exec, compile(source, "<code>", "exec"), names))
    return names


@pytest.mark.skipif(not KNOWN, reason="where this version has its current frame is not known")
def test_nothing_lies_below_it() -> None:
    names = _ran(SOURCE)
    assert (names["below"], names["depth"]) == (None, 1)


def test_the_stack_is_whole_again_afterwards() -> None:
    before = len(inspect.stack())
    _ran(SOURCE)
    with pytest.raises(KeyError):
        _ran("raise KeyError(1)")
    assert len(inspect.stack()) == before


@pytest.mark.skipif(not KNOWN, reason="where this version has its current frame is not known")
def test_it_may_be_called_within_such_code() -> None:
    inner = functools.partial(_ran, SOURCE)
    names: dict[str, object] = {"inner": inner}
    source = "import sys\nfound = inner()\nbelow = sys._getframe().f_back\n"
    outermost_frame.call(functools.partial(exec, source, names))
    found = names["found"]
    assert isinstance(found, dict)
    assert (found["below"], found["depth"], names["below"]) == (None, 1, None)


def test_what_it_returns_is_returned() -> None:
    assert outermost_frame.call(functools.partial(int, "3")) == 3


@pytest.mark.parametrize("places", [list, lambda: [id(SOURCE)]], ids=["unknown", "wrong"])
def test_where_the_place_is_not_found_code_is_called_as_it_is(
    monkeypatch: pytest.MonkeyPatch, places: Callable[[], list[int]]
) -> None:
    monkeypatch.setattr(outermost_frame, "_places", places)
    names = _ran(SOURCE)
    assert names["below"] is not None
