"""Every value that a policy can have is written as TOML that reads back as the same value."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine import _units
from poet_engine.policy import Policy
from poet_engine.policy.keys import KEYS, key_of
from poet_engine.policy.values import of


@pytest.mark.parametrize("name", ["restricted", "data", "api", "baseline", "lab"])
def test_what_a_preset_has_reads_back(name: str) -> None:
    for key, held in of(Policy.load(name)).items():
        kind = key_of(key).kind
        raw: object = tomllib.loads(f"x = {kind.write(held.value)}")["x"]
        if key != "waivers":
            assert kind.read(raw) == held.value, key


@given(st.integers(0, 2**40))
def test_sizes_read_back(value: int) -> None:
    assert _units.size(tomllib.loads(f"x = {_units.write_size(value)}")["x"]) == value


@given(st.floats(0.001, 86_400))
def test_durations_read_back(value: float) -> None:
    assert _units.seconds(tomllib.loads(f"x = {_units.write_seconds(value)}")["x"]) == value


@pytest.mark.parametrize(("value", "text"), [(2**28, '"256MiB"'), (1000, "1000"), (0, "0"), (3 * 2**30, '"3GiB"')])
def test_sizes_are_written_as_people_do(value: int, text: str) -> None:
    assert _units.write_size(value) == text


@pytest.mark.parametrize(("value", "text"), [(5.0, '"5s"'), (0.25, '"250ms"'), (90.5, '"90.5s"')])
def test_durations_are_written_as_people_do(value: float, text: str) -> None:
    assert _units.write_seconds(value) == text


@pytest.mark.parametrize("text", ["٣s", "3 weeks", "-1s", "1e3s", ""])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Digits are those of the published schema: a number in another script would pass here and fail there."""
    with pytest.raises(ValueError, match=r"a duration such as|unknown unit"):
        _units.seconds(text)


def test_every_key_says_what_it_means() -> None:
    assert all(key.meaning and key.kind.range and key.kind.tighter for key in KEYS.values())
