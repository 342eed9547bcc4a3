"""How far it has come, from times that the test chooses."""

import io

import pytest

from poet_engine.cli.console import Screen
from poet_engine.cli.jobs.progress import Pace, Ticker, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.4, "59s"), (60, "1m00s"), (200, "3m20s"), (7500, "2h05m"), (360_000, "100h00m")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_rate_and_rest_are_those_of_the_last_half_minute() -> None:
    pace = Pace(1000, 0.0)
    assert pace.at(0.0, 0) == "no job has ended yet"
    assert pace.at(10.0, 50) == "5.0 jobs/s, 3m10s left"
    assert pace.at(40.0, 350) == "10 jobs/s, 1m05s left"
    told = [pace.at(float(now), 350) for now in range(50, 100, 10)]
    assert told[-1] == "no job has ended lately"


def test_without_a_terminal_there_is_a_line_now_and_then() -> None:
    out, err, times = io.StringIO(), io.StringIO(), iter(range(100))
    with Ticker(Screen(out, err, as_json=False), 30, lambda: float(next(times))) as ticker:
        for number in range(25):
            ticker.tick(ok=number % 2 == 0)
    lines = err.getvalue().splitlines()
    assert lines[0].startswith("10 of 30, 5 not ok, ")
    assert len(lines) == 2
    assert out.getvalue() == ""


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_there_is_a_bar_that_ends_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out, err, times = io.StringIO(), _Terminal(), iter(range(100))
    with Ticker(Screen(out, err, as_json=False), 5, lambda: float(next(times))) as ticker:
        for _ in range(5):
            ticker.tick(ok=True)
    assert "5 of 5, " in err.getvalue()
    assert out.getvalue() == ""
