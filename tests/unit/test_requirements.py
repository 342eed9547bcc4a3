"""A test whose need is not met is skipped with the reason, or fails where POET_REQUIRE names the need."""

from collections.abc import Callable

import pytest

Require = Callable[[str, bool, str], None]


def _ending(require: Require, *, available: bool) -> str:
    try:
        require("probe", available, "no such thing here")
    except (pytest.skip.Exception, pytest.fail.Exception) as ending:
        return f"{type(ending).__name__}: {ending.msg}"
    return "goes on"


def test_what_is_there_is_used(require: Require, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POET_REQUIRE", "probe")
    assert _ending(require, available=True) == "goes on"


def test_what_is_missing_is_skipped_with_the_reason(require: Require, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POET_REQUIRE", "another")
    assert _ending(require, available=False) == "Skipped: no such thing here"


def test_what_is_missing_fails_where_it_is_required(require: Require, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POET_REQUIRE", "another, probe")
    assert _ending(require, available=False) == "Failed: POET_REQUIRE names 'probe', but no such thing here"
