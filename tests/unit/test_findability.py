"""A reader who has seen only the names of the files finds most of what he looks for at his first guess.

`findability.json` has the list of names that he was given, and for each of 26 behaviours his guess, the file that has
it, and a piece of text from that file. Whoever renames a file asks somebody again who has not seen the code.
"""

import json
from pathlib import Path
from typing import TypedDict

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "engine" / "poet_engine"
LEAST = 18  # first guesses that were right, of 26; before the files were named for what they hold it were 9


class Answer(TypedDict):
    """One behaviour: where it was looked for, where it is, and a piece of text that shows it."""

    guess: str
    file: str
    contains: str


class Asked(TypedDict):
    """What was shown, and what was answered."""

    names: list[str]
    answers: dict[str, Answer]


ASKED: Asked = json.loads(Path(__file__).with_name("findability.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("behaviour", ASKED["answers"])
def test_each_behaviour_is_where_the_answer_says(behaviour: str) -> None:
    answer = ASKED["answers"][behaviour]
    assert answer["contains"] in (PACKAGE / answer["file"]).read_text(encoding="utf-8")


def test_most_first_guesses_were_right() -> None:
    right = [name for name, answer in ASKED["answers"].items() if answer["guess"] == answer["file"]]
    assert len(ASKED["answers"]) == 26
    assert len(right) >= LEAST


def test_the_reader_was_shown_the_files_that_he_had_to_find() -> None:
    assert {answer["file"] for answer in ASKED["answers"].values()} <= set(ASKED["names"])
