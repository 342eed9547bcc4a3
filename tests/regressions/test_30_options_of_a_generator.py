"""30: the retries of a generator were ignored in silence. What does nothing is said when the function is decorated."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from poet_engine import poet

OPTIONS: list[tuple[dict[str, object], str]] = [
    ({"retries": 2}, "retries= do"),
    ({"retries": None}, "retries= do"),
    ({"retry_on": (OSError,)}, "retry_on= do"),
    ({"idempotent": True}, "idempotent= do"),
    ({"timeout": 2.5}, "timeout= do"),
    ({"retries": 2, "retry_on": OSError}, "retries=, retry_on= do"),
]


def rows() -> Iterator[int]:
    yield 1


async def pages() -> AsyncIterator[int]:
    yield 1


def plain() -> list[int]:
    return [1]


@pytest.mark.parametrize(("options", "named"), OPTIONS, ids=str)
@pytest.mark.parametrize("function", [rows, pages], ids=["generator", "async-generator"])
def test_an_option_that_does_nothing_is_named_with_the_function(
    caplog: pytest.LogCaptureFixture, function: object, options: dict[str, object], named: str
) -> None:
    poet(**options)(function)  # type: ignore[call-overload]  # options and functions of several kinds

    (record,) = [one for one in caplog.records if one.name == "poet_engine"]
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(f"{function.__name__} is a generator, so {named} nothing")  # type: ignore[attr-defined]  # both are functions


@pytest.mark.parametrize("options", [{}, {"retries": 0}, {"record": False}], ids=str)
def test_nothing_is_said_where_nothing_was_asked_for(
    caplog: pytest.LogCaptureFixture, options: dict[str, object]
) -> None:
    poet(**options)(rows)  # type: ignore[call-overload]  # options of several kinds
    poet(retries=2, retry_on=OSError, timeout=1)(plain)

    assert not caplog.records
