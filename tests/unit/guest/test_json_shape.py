"""What is counted of a message before it is parsed agrees with what the parser finds in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine.guest import decoding_budget, json_shape
from poet_engine.guest.decoding_budget import DecodingBudget
from poet_engine.guest.errors import UndecodableError

texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ['":', '\\"', "[{", "}]", "a:b", "\\", "1.5e9"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


def counted(value: object) -> tuple[int, int, int, int, int]:
    """Lists, mappings, pairs, floats and levels of a value."""
    if isinstance(value, float):
        return 0, 0, 0, 1, 0
    if not isinstance(value, list | dict):
        return 0, 0, 0, 0, 0
    parts = [counted(part) for part in (value.values() if isinstance(value, dict) else value)]
    lists, mappings, pairs, floats = (sum(part[number] for part in parts) for number in range(4))
    levels = 1 + max((part[4] for part in parts), default=0)
    if isinstance(value, dict):
        return lists, mappings + 1, pairs + len(value), floats, levels
    return lists + 1, mappings, pairs, floats, levels


@given(values, st.sampled_from(["ascii", "utf-8"]))
def test_lists_mappings_pairs_and_floats_are_counted_whatever_texts_hold(value: object, form: str) -> None:
    data = json.dumps(value, ensure_ascii=form == "ascii").encode()
    lists, mappings, pairs, floats, _levels = counted(value)

    assert json_shape.pairs(data) == pairs
    bare = json_shape.outline(data)
    assert (bare.count(b"["), bare.count(b"{")) == (lists, mappings)
    least = lists * decoding_budget.LIST + mappings * decoding_budget.MAPPING + floats * decoding_budget.FLOAT
    assert least <= json_shape.price(data) <= least + floats * decoding_budget.FLOAT  # `1.5e9` has two signs of a float


@pytest.mark.parametrize("levels", [99, 100, 101, 102, 150, 311, 5000])
@pytest.mark.parametrize("opener", ["[", '{"a":', '["x",', '["]]]]",'])
def test_the_depth_is_found_whatever_texts_hold(opener: str, levels: int) -> None:
    closer = "}" if opener[0] == "{" else "]"
    data = (opener * levels + "1" + closer * levels).encode()
    if levels <= json_shape.MAX_DEPTH + 1:
        assert not json_shape.check(data, DecodingBudget()).deep
        return
    with pytest.raises(UndecodableError, match="nested deeper than 100"):
        json_shape.check(data, DecodingBudget())


def test_json_with_tags_may_be_deeper_than_its_value() -> None:
    data = ('{"~":"tuple","v":[' * 100 + "]}" * 100).encode()
    assert json_shape.check(data, DecodingBudget()).deep


@pytest.mark.parametrize(
    "text",
    ["1" * 400, "-" + "1" * 400, "1.5", "1" * 40 + ".5", "[" + "9" * 300 + ",1.5]", '"' + "1" * 999 + '.5"', "-1e+40"],
)
def test_numbers_of_a_length_that_somebody_may_write_are_let_through(text: str) -> None:
    json_shape.check(text.encode(), DecodingBudget())


@pytest.mark.parametrize(
    "text",
    [
        "1" * 401,
        "-" + "1" * 401,
        "0." + "1" * 41,
        "1" * 41 + "e5",
        "1e" + "1" * 41,
        "1e-" + "1" * 41,
        '["1",' + "1" * 41 + ".0]",
    ],
)
def test_longer_ones_are_refused(text: str) -> None:
    with pytest.raises(UndecodableError, match="digits"):
        json_shape.check(text.encode(), DecodingBudget())


@pytest.mark.parametrize(
    "text", [r"\ud83d\ude00", r"\\ud800", r"\u00e9\n\"", r"\uD83D\uDE00 \u2028", r"\\\ud83d\ude00"]
)
def test_whole_characters_are_let_through(text: str) -> None:
    json_shape.check_characters(f'["{text}"]'.encode())


@pytest.mark.parametrize(
    "text", [r"\ud800", r"\udc00", r"\ude00\ud83d", r"\ud83d\n\ude00", r"\\\ud800", r"\ud83d\ud83d\ude00"]
)
def test_halves_of_characters_are_refused(text: str) -> None:
    with pytest.raises(UndecodableError, match="a lone surrogate in text"):
        json_shape.check_characters(f'["{text}"]'.encode())
