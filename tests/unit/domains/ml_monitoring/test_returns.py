import ast
import textwrap

import pytest

from poet_engine.domains import Declined
from poet_engine.domains.ml_monitoring.returns import ReturnShape, analyse


def shape(body: str, returns: str = "") -> ReturnShape | Declined:
    source = f"def f(current, reference){returns}:\n{textwrap.indent(textwrap.dedent(body), '    ')}"
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    return analyse(node)


@pytest.mark.parametrize(
    "body",
    [
        "return True",
        "return len(current) > 3",
        "return not current",
        "return bool(current)",
        "return len(current) > 3 and not reference",
        "if current:\n    return False\nreturn any(reference)",
        "answer = current == reference\nreturn answer",
        "return True if current else False",
    ],
)
def test_truth_values_are_recognised(body: str) -> None:
    assert shape(body) == ReturnShape(is_bool=True)


def test_an_annotation_settles_what_the_expression_does_not() -> None:
    assert shape("return check(current)", " -> bool") == ReturnShape(is_bool=True)
    assert isinstance(shape("return check(current)"), Declined)


def test_keys_are_sorted_into_known_literal_and_computed() -> None:
    found = shape("return {'is_drift': f(), 'P_Value': 1, 'note': ('a', -1), 'rows': len(current)}")
    assert isinstance(found, ReturnShape)
    assert [(item.key, item.meaning, item.literal) for item in found.items] == [
        ("is_drift", "drift_detected", None),
        ("P_Value", "p_value", "1"),
        ("note", None, "('a', -1)"),
        ("rows", None, None),
    ]
    assert found.computed


@pytest.mark.parametrize(
    "body",
    [
        "return dict(drift=False, note='x')",
        "result = {'drift': False}\nresult['note'] = 'x'\nreturn result",
        "result: dict = dict(drift=False)\nresult['note'] = 'x'\nreturn result",
        "if current:\n    return {'drift': True, 'note': 'x'}\nreturn {'drift': False, 'note': 'x'}",
    ],
)
def test_mappings_are_read_in_every_plain_form(body: str) -> None:
    found = shape(body)
    assert isinstance(found, ReturnShape)
    assert [(item.key, item.literal) for item in found.items if item.meaning is None] == [("note", "'x'")]
    assert [item.key for item in found.items] == ["drift", "note"]
    assert not found.computed


@pytest.mark.parametrize(
    "body",
    [
        "if current:\n    return {'drift': True, 'note': 'x'}\nreturn {'drift': False, 'note': 'y'}",
        "if current:\n    return {'drift': True, 'note': 'x'}\nreturn {'drift': False}",
        "result = {'drift': False, 'note': 'x'}\nif current:\n    result['note'] = 'y'\nreturn result",
    ],
)
def test_a_value_that_depends_on_the_path_is_computed(body: str) -> None:
    found = shape(body)
    assert isinstance(found, ReturnShape)
    assert found.computed


@pytest.mark.parametrize(
    "body",
    [
        "return 1.0",
        "return True, 0.5",
        "return current",
        "return {**current}",
        "return {1: 2}",
        "return dict(current)",
        "return dict(**current)",
        "if current:\n    return None\nreturn {'drift': True}",
        "if current:\n    return True\nreturn {'drift': True}",
        "result = {'drift': False}\nresult.update(current)\nreturn result",
        "result = {'drift': False}\nresult = {'other': 1}\nreturn result",
        "result = {'drift': False}\nresult[current] = 1\nreturn result",
        "for result in current:\n    return result",
        "result = other = {'drift': False}\nreturn result",
    ],
)
def test_anything_else_is_declined_with_a_remedy(body: str) -> None:
    found = shape(body)
    assert isinstance(found, Declined)
    assert "return a mapping such as" in found.reason


def test_returns_of_functions_inside_do_not_count() -> None:
    assert shape("def inner():\n    return 3\nreturn True") == ReturnShape(is_bool=True)


@pytest.mark.parametrize("body", ["pass", "return", "return None", "def inner():\n    return True", "print('to do')"])
def test_a_body_that_is_yet_to_come_returns_what_its_annotation_says(body: str) -> None:
    """A truth value, or else a mapping; what else is promised cannot be kept."""
    assert shape(body) == ReturnShape(is_bool=False, unwritten=True)
    for annotation in ("dict[str, object]", "Mapping[str, float]", "typing.Any"):
        assert shape(body, f" -> {annotation}") == ReturnShape(is_bool=False, unwritten=True)
    assert shape(body, " -> bool") == ReturnShape(is_bool=True, unwritten=True)
    found = shape(body, " -> DriftReport")
    assert isinstance(found, Declined)
    assert "speaks of DriftReport" in found.reason
