"""Which dotted paths a policy's import lists let through."""

import pytest

from poet_engine.gate.ruleset import Allowance


def test_only_complete_listed_paths_pass() -> None:
    allowance = Allowance({"numpy": ["mean", "linalg.norm"], "math": ["*"], "package": ["sub.*"]})
    passed = ["numpy.mean", "numpy.linalg.norm", "math.sqrt", "math.pi", "package.sub.anything"]
    refused = [
        *("numpy", "numpy.linalg", "numpy.linalg.inv", "numpy.load", "numpy.mean.x", "mean"),
        *("math", "math._x", "math.__loader__", "math.sqrt.x", "mathx.sqrt", "package.sub", "package.other"),
    ]
    assert [path for path in passed if not allowance.allows(path)] == []
    assert [path for path in refused if allowance.allows(path)] == []


def test_namespaces_are_what_stands_in_front_of_a_listed_name() -> None:
    allowance = Allowance({"numpy": ["linalg.norm"], "scipy.stats": ["*"]})
    assert allowance.namespaces == {"numpy", "numpy.linalg", "scipy", "scipy.stats"}
    assert allowance.uses("scipy")
    assert not allowance.uses("pandas")


@pytest.mark.parametrize(
    ("module", "inside", "outside"),
    [
        ("datetime", ["datetime", "timedelta", "timezone"], ["sys", "_datetime"]),
        ("operator", ["add", "attrgetter", "itemgetter"], ["sys", "_abs"]),
        ("typing", ["Any", "TypeVar"], ["get_type_hints", "ForwardRef", "sys", "collections"]),
        ("enum", ["Enum", "auto"], ["sys", "bltns"]),
        ("statistics", ["mean"], ["math", "sys", "random"]),
        ("random", ["Random", "choice"], ["_os", "os"]),
        ("uuid", ["uuid4"], ["os", "sys"]),
        ("collections", ["Counter"], ["abc", "_sys"]),
    ],
)
def test_a_star_in_the_standard_library_covers_its_public_names(
    module: str, inside: list[str], outside: list[str]
) -> None:
    allowance = Allowance({module: ["*"]})
    assert [name for name in inside if not allowance.allows(f"{module}.{name}")] == []
    assert [name for name in outside if allowance.allows(f"{module}.{name}")] == []


def test_a_star_elsewhere_covers_no_submodule_and_no_file_access() -> None:
    """Nothing of the library is imported to find out."""
    allowance = Allowance({"numpy": ["*"], "scipy.stats": ["*"]})
    assert allowance.allows("numpy.mean")
    assert allowance.allows("scipy.stats.norm")
    refused = ["numpy.linalg", "numpy.ctypeslib", "numpy.load", "numpy.os", "numpy.test", "scipy.stats.qmc", "scipy.io"]
    assert [path for path in refused if allowance.allows(path)] == []


def test_an_explicit_entry_wins_over_what_a_star_refuses() -> None:
    assert Allowance({"typing": ["*", "get_type_hints"]}).allows("typing.get_type_hints")


def test_a_module_that_does_not_exist_lets_nothing_wrong_through() -> None:
    allowance = Allowance({"no_such_package": ["*"], "msilib": ["*"]})
    assert not allowance.allows("no_such_package.os")
    assert not allowance.allows("msilib.os")


def test_a_name_with_a_question_mark_is_allowed_where_the_star_would_cover_it() -> None:
    """So that the meet of two policies lets nothing through that one of them keeps out."""
    allowance = Allowance({"math": ["sqrt?"], "operator": ["add?"], "typing": ["ForwardRef?"], "string": ["nothing?"]})
    assert allowance.allows("math.sqrt")
    assert allowance.allows("operator.add")
    assert not allowance.allows("math.floor")
    assert not allowance.allows("typing.ForwardRef")
    assert not allowance.allows("string.nothing")
    assert Allowance({"typing": ["ForwardRef"]}).allows("typing.ForwardRef")
