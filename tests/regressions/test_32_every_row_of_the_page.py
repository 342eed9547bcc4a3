"""32: the page of values said what travels, and nothing tried it. Each of its lines is run, both ways.

A value of a row that travels arrives as it was, as an argument and as a result. One of a row that does not is refused
by name on both sides, with the expression of its row, and that expression travels.
"""

import math
from collections.abc import Callable
from typing import Protocol, cast

import pytest
from tests.scripts import script

from poet_engine import Engine
from poet_engine.errors import SerializationError
from poet_engine.outcome import Blame, Status

HEAD = """\
version = 1
name = "page"
extends = "data"
[static]
mode = "warn"
[limits]
wall = "60s"
cpu = "60s"
"""
values_page = script("values_page")
TRAVELLING = [(row.kinds, sample) for row in values_page.TRAVELLING for sample in row.samples]
REFUSED = [(row.kinds, *sample) for row in values_page.REFUSED for sample in row.samples]
ECHO = "def f(value):\n    return value\n"


class Shaped(Protocol):
    """The attributes of arrays and columns that comparing them needs."""

    dtype: object
    shape: tuple[int, ...]
    index: object
    columns: object
    name: object
    attrs: object
    freq: object

    def tolist(self) -> object:
        """Return the content as lists."""


def made(expression: str, **names: object) -> object:
    space: dict[str, object] = {"__name__": "samples", **names}
    exec(values_page.PREAMBLE, space)  # noqa: S102 - the page's own samples
    space.update(names)
    found: object = eval(expression, space)  # noqa: S307 - the same
    return found


def told(value: object) -> object:
    """Return all of a value in a form whose equality is that of types and contents; nan is nan, 0.0 is not -0.0."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(value, dict):
        return name, getattr(value, "default_factory", None), [(told(key), told(item)) for key, item in value.items()]
    if isinstance(value, set | frozenset):
        return name, {repr(told(item)) for item in value}
    if isinstance(value, list | tuple):
        return name, [told(item) for item in value]
    if kind.__module__.startswith("pandas"):
        return name, _labelled(cast("Shaped", value))
    if kind.__module__ == "numpy":
        array = cast("Shaped", value)
        return name, str(array.dtype), array.shape, repr(array.tolist())
    if kind is int:
        return name, hex(cast("int", value))
    if isinstance(value, float) and not math.isnan(value):
        return name, value.hex()
    return name, repr(value), getattr(value, "fold", None)


def _labelled(value: Shaped) -> object:
    parts = [told(getattr(value, part, None)) for part in ("name", "attrs")]
    parts += [[told(name) for name in getattr(value, "names", ())], str(getattr(value, "levels", ""))]
    if not hasattr(value, "dtype") and not hasattr(value, "columns"):  # a single value
        return parts, repr(value), getattr(value, "unit", None), repr(getattr(value, "tzinfo", None))
    if hasattr(value, "columns"):
        frame = cast("dict[object, object]", value)
        kinds = [str(kind) for kind in cast("list[object]", getattr(value, "dtypes"))]  # noqa: B009 - frames have it alone
        cells = getattr(frame, "to_numpy")().tolist()  # noqa: B009 - the same
        return parts, kinds, repr(cells), told(value.columns), told(value.index)
    index = told(value.index) if hasattr(value, "index") else str(getattr(value, "freq", None))
    return parts, str(value.dtype), repr(value.tolist()), index


@pytest.mark.parametrize(("kinds", "sample"), TRAVELLING, ids=lambda text: text[:40])
def test_what_travels_arrives_as_it_was(open_engine: Callable[[str], Engine], kinds: str, sample: str) -> None:
    expected = made(sample)
    engine = open_engine(HEAD)

    assert told(engine.run(ECHO, "f", expected).unwrap()) == told(expected), kinds
    source = f"{values_page.PREAMBLE}\ndef f():\n    return [{sample}]\n"
    assert told(engine.run(source, "f").unwrap()) == told([expected]), kinds


@pytest.mark.parametrize(("kinds", "sample", "instead"), REFUSED, ids=lambda text: text[:40])
def test_what_does_not_travel_is_refused_with_what_does(
    open_engine: Callable[[str], Engine], kinds: str, sample: str, instead: str
) -> None:
    value = made(sample)
    engine = open_engine(HEAD)

    with pytest.raises(SerializationError) as caught:
        engine.run(ECHO, "f", value)
    assert instead in str(caught.value), kinds
    outcome = engine.run(f"{values_page.PREAMBLE}\ndef f():\n    return {sample}\n", "f")
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.NO_RESULT, "result_undecodable", Blame.CODE)
    assert instead in outcome.describe(), kinds

    named = "value" in instead or instead == "None"
    replaced = made(instead if named else f"value.{instead}", value=value)
    assert told(engine.run(ECHO, "f", replaced).unwrap()) == told(replaced), kinds


def test_identity_does_not_travel_and_cycles_are_refused(open_engine: Callable[[str], Engine]) -> None:
    engine = open_engine(HEAD)
    shared = [1]
    came = engine.run(ECHO, "f", [shared, shared]).unwrap()
    assert came == [[1], [1]]
    assert isinstance(came, list)
    assert came[0] is not came[1]

    shared.append(cast("int", shared))
    with pytest.raises(SerializationError, match="contains itself"):
        engine.run(ECHO, "f", shared)
    outcome = engine.run("def f():\n    found = []\n    found.append(found)\n    return found\n", "f")
    assert (outcome.status, outcome.cause) == (Status.NO_RESULT, "result_undecodable")
    assert "contains itself" in outcome.describe()
