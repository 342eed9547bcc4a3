"""The published table of values is the one in the code."""

import re
from pathlib import Path

from poet_engine.guest import arrays, attachments, codec, decoding_budget, json_shape

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "values.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## What travels")[2].partition("\n## ")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines() if line.startswith("| ")][
    1:
]
# Types that the code tells apart without the table of encoders.
WITHOUT_ENCODER = {
    *("None", "bool", "str", "numpy.ndarray", "pandas.Series", "pandas.Index", "pandas.DataFrame"),
    *("pandas.Timestamp", "pandas.Timedelta", "pandas.Period", "pandas.NaT", "pandas.NA"),
    *("pandas.MultiIndex", "pandas.Categorical"),
}


def named(kind: type) -> str:
    module = kind.__module__.removesuffix("._local")  # where Python 3.13 keeps the paths of pathlib
    return kind.__name__ if module == "builtins" else f"{module}.{kind.__name__}"


def test_the_page_lists_the_types_that_travel_and_no_others() -> None:
    listed = {name for row in ROWS for name in re.findall(r"`([\w.]+)`", row[0])}
    assert listed == {named(kind) for kind in codec.ENCODERS} | WITHOUT_ENCODER


def test_the_page_lists_the_tags_that_are_read_and_no_others() -> None:
    listed = {tag for row in ROWS for tag in re.findall(r"`(\w+)`", row[2])}
    assert listed == {*codec.DECODERS}


def test_the_page_states_the_limits_of_the_code() -> None:
    assert f"| nesting | {codec.MAX_DEPTH} levels |" in PAGE
    assert f"| dimensions of an array | {arrays._MAX_DIMENSIONS} |" in PAGE
    assert f"| keys or members with the same hash | {codec.MAX_EQUAL_HASHES} in one collection |" in PAGE
    assert f"`int` above {codec.PLAIN_INTEGER_BITS:,} bits" in PAGE
    assert f"from {attachments.THRESHOLD >> 10} KiB on" in PAGE
    assert f"more than\n{json_shape.MAX_DIGITS} digits, floats of more than {json_shape.MAX_FLOAT_DIGITS}" in PAGE
    assert f"up to {codec.MAX_FRACTION_BITS:,} bits above and below the line" in PAGE


def test_the_page_states_the_prices_of_the_code() -> None:
    prices = PAGE.partition("| what | price in bytes |")[2].partition("\n\n")[0]
    stated = set(re.findall(r"[0-9,]*[0-9]", prices)) | {"0"}  # `none` of a tuple
    for tag in codec.DECODERS:
        assert f"{decoding_budget.price(tag):,}" in stated, tag
    for name in (
        *(
            "LIST",
            "MAPPING",
            "FLOAT",
            "NODE",
            "PAIR",
            "ORDERED_PAIR",
            "MEMBER",
            "OBJECT_MEMBER",
            "PROBE",
            "PATH_PART",
            "CELL",
        ),
        *("BLOCK", "COLUMN", "FREQUENCY", "TICK", "STEP", "FOLD", "ZONE", "OWN_COLUMN"),
    ):
        assert f"{getattr(decoding_budget, name):,}" in stated, name
    assert f"more than its bytes and {decoding_budget.FREE >> 10} KiB" in PAGE.replace("\n", " ")


def test_the_page_lists_the_units_of_time_that_arrays_travel_in() -> None:
    units = re.findall(r"<M8\[(\w+)\]", " ".join(sorted(arrays.DTYPES)))
    stated = re.search(r"in the units ([\w, ]+?)\.", PAGE.replace("\n", " "))
    assert stated is not None
    assert set(re.split(r", | and ", stated[1])) == set(units)
