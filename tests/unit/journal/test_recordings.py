"""The forms in which arguments and answers are kept, and what is not accepted as one."""

import datetime as dt
import importlib
import math

import numpy as np
import pytest

from poet_engine._equality import same
from poet_engine.errors import UsageError
from poet_engine.journal.recordings import kept, kept_arguments, read, read_arguments


@pytest.mark.parametrize(
    "value",
    [None, 0, "ünïcode", [1, (2, {3})], {"~": 1, 2: b"x"}, math.nan, dt.date(2020, 1, 1), np.arange(9_000.0)],
)
def test_what_is_kept_comes_back(value: object) -> None:
    found = kept(value, "the answer")
    assert found.left_out is None
    assert found.text is not None
    assert same(read(found.text), value) is True


def test_arguments_come_back_as_they_were_given() -> None:
    found = kept_arguments(([1], "two"), {"three": 3.0})
    assert found.text is not None
    assert read_arguments(found.text) == (([1], "two"), {"three": 3.0})


class _Unreadable:
    """The user's own class, with a slip in it."""

    __module__ = 5  # type: ignore[assignment]  # what reads it fails


def test_a_value_that_fails_when_it_is_read_is_left_out() -> None:
    importlib.import_module("pandas")  # where it is loaded, the module of a value's class is asked for
    assert kept([_Unreadable()], "the answer").left_out == "the answer cannot be read: AttributeError"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "{}",
        '{"args":[],"kwargs":[]}',
        '{"args":{},"kwargs":{}}',
        '{"args":[],"kwargs":{},"more":1}',
        '{"args":[],"kwargs":{"~":"dict","v":[[1,2]]}}',
        '{"args":[],"args":[],"kwargs":{}}',
        '{"args":[{"~":"object","v":"os.system"}],"kwargs":{}}',
        '{"args":[{"~":"bytes","v":[0,70000]}],"kwargs":{}}',
        "[" * 5_000,
        "\ud800",
    ],
)
def test_what_a_foreign_journal_holds_instead_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="the journal was changed, or is damaged"):
        read_arguments(text)
