"""Arguments are strict JSON, and every wrong text gets one sentence."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine.cli.json_arguments import parse_duration, parse_json, read_arguments
from poet_engine.errors import UsageError


def _read(text: str | None, stdin: bytes = b"") -> tuple[tuple[object, ...], dict[str, object]]:
    return read_arguments(text, stdin=lambda most: stdin[:most])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ((), {})),
        ("[]", ((), {})),
        ('[1, "two", null]', ((1, "two", None), {})),
        ('{"left": 1.5, "right": [true]}', ((), {"left": 1.5, "right": [True]})),
        ("[[1, 2]]", (([1, 2],), {})),
        ("[1e308, -0.0]", ((1e308, -0.0), {})),
    ],
)
def test_an_array_is_positional_and_an_object_is_keyword(text: str | None, expected: tuple[object, object]) -> None:
    assert _read(text) == expected


def test_a_file_and_standard_input_hold_the_same_json(tmp_path: Path) -> None:
    path = tmp_path / "args.json"
    path.write_text("[1, 2]")
    assert _read(f"@{path}") == _read("-", stdin=b"[1, 2]") == ((1, 2), {})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "--args is not JSON: Expecting value on line 1, column 1"),
        ("[1,", "--args is not JSON: Expecting value on line 1"),
        ("[1] [2]", "--args is not JSON: Extra data on line 1, column 5"),
        ("3", "--args is a number, but a JSON array gives positional arguments, an object keyword arguments: "),
        ('"x"', 'for one argument write ["x"]'),
        ("null", "--args is null, but"),
        ('{"a": 1, "a": 2}', "--args has the key 'a' twice in one object"),
        ('[{"a": {"b": 1, "b": 2}}]', "--args has the key 'b' twice in one object"),
        ("[NaN]", "--args has NaN, which is not JSON"),
        ("[-Infinity]", "--args has -Infinity, which is not JSON"),
        ("[1e999]", "--args has the number 1e999, which is more than a float can hold"),
        ("[" * 100_000, "--args is nested too deeply"),
        ("[" + "9" * 5000 + "]", "--args has a whole number of 5000 digits"),
        (r'["\ud800"]', "--args has half of a surrogate pair"),
        ('{"not a name": 1}', "'not a name' cannot be the name of a keyword argument"),
        ('{"class": 1}', "'class' cannot be the name of a keyword argument"),
        ("@/nowhere/args.json", "cannot read /nowhere/args.json: No such file or directory"),
    ],
)
def test_wrong_arguments_are_named(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        _read(text)
    assert complaint in str(caught.value)


def test_standard_input_that_never_ends_is_not_read_to_the_end() -> None:
    asked: list[int] = []

    def endless(most: int) -> bytes:
        asked.append(most)
        return b" " * most

    with pytest.raises(UsageError, match="standard input is longer than"):
        read_arguments("-", stdin=endless)
    assert len(asked) == 1


def test_standard_input_that_is_no_text_is_named() -> None:
    with pytest.raises(UsageError, match="standard input is not UTF-8"):
        _read("-", stdin=b"\xff\xfe")


@given(st.text())
def test_any_text_is_json_or_wrong_use(text: str) -> None:
    """No text makes it fail in any other way."""
    try:
        ending: object = parse_json(text, "--args")
    except UsageError as error:
        ending = str(error)
    assert ending is None or isinstance(ending, (bool, int, float, str, list, dict))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5s", 5.0), ("250ms", 0.25), ("1.5", 1.5), ("2 m", 120.0), ("1h", 3600.0), (" 3s ", 3.0), ("3MIN", 180.0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text, "--timeout") == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "0", "0s", "-1s", "five", "5 seconds", "inf", "nan", "1e3", "٣s", "9" * 400])
def test_what_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(UsageError, match=r"--timeout .* is not a duration above 0: write 5s"):
        parse_duration(text, "--timeout")
