"""Strict JSON: what the standard library lets pass is refused by name."""

import json

import pytest

from poet_engine import _json


@pytest.mark.parametrize("text", ["null", '{"a": [1, 2.5, "x", true]}', '{"a": {"b": 1}, "b": {"b": 2}}', "1e308"])
def test_what_is_json_is_read_as_the_standard_library_reads_it(text: str) -> None:
    assert _json.decode(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"b": 0, "a": 1, "a": 2}', "has the key 'a' twice in one object"),
        ('[{"a": {"b": 1, "b": 2}}]', "has the key 'b' twice in one object"),
        ('{"\\u001b": 1, "\\u001b": 2}', "has the key '\\x1b' twice in one object"),
        ("[NaN]", "has NaN, which is not JSON"),
        ("-Infinity", "has -Infinity, which is not JSON"),
        ("[-1e999]", "has the number -1e999, which is more than a float can hold"),
        ("9" * 5000, "has a whole number of 5000 digits, which is more than Python reads"),
    ],
)
def test_what_is_lax_is_refused_by_name(text: str, why: str) -> None:
    with pytest.raises(_json.LaxJsonError) as caught:
        _json.decode(text)
    assert str(caught.value) == why


def test_what_is_no_json_is_refused_with_its_place() -> None:
    with pytest.raises(json.JSONDecodeError, match="line 1 column 4"):
        _json.decode("[1,")
    with pytest.raises(RecursionError):
        _json.decode("[" * 100_000)
