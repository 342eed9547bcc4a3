import ast
import asyncio
import dataclasses
import inspect
import types

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from poet_engine.domains import Declined, FunctionInfo, FunctionKind, Parameter, Written, choose, describe

REFERENCE = [float(value) for value in range(50)]
CURRENT = [value + 30.0 for value in REFERENCE]


def written(function: object) -> Written:
    info = function if isinstance(function, FunctionInfo) else describe(function)
    answer = choose("ml_monitoring").write(info)
    assert isinstance(answer, Written), answer
    return answer


def declined(function: object) -> str:
    info = function if isinstance(function, FunctionInfo) else describe(function)
    answer = choose("ml_monitoring").write(info)
    assert isinstance(answer, Declined)
    return answer.reason


def loaded(version: Written) -> types.FunctionType:
    namespace: dict[str, object] = {"__name__": "generated"}
    exec(compile(version.source, "<generated>", "exec"), namespace)  # noqa: S102 - what we wrote ourselves
    entry = namespace[version.entry]
    assert isinstance(entry, types.FunctionType)
    return entry


def called(function: types.FunctionType, *args: object, **kwargs: object) -> object:
    value = function(*args, **kwargs)
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def mapping(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value


WRITABLE = [
    "detect_drift",
    "reordered",
    "keyword_only",
    "positional_only_drift",
    "drift_later",
    "drift_with_label",
    "drift_with_mean",
    "drift_built_up",
    "drift_that_checks",
    "drift_with_option",
    "drift_with_two_keys",
]


@pytest.mark.parametrize("name", WRITABLE)
def test_the_signature_survives_and_the_examples_of_the_trial_hold(naive: types.ModuleType, name: str) -> None:
    original = getattr(naive, name)
    version = written(original)
    function = loaded(version)
    assert version.entry == name
    assert inspect.iscoroutinefunction(function) == inspect.iscoroutinefunction(original)
    mine, theirs = inspect.signature(function).parameters.values(), inspect.signature(original).parameters.values()
    assert [(p.name, p.kind, p.default) for p in mine] == [(p.name, p.kind, p.default) for p in theirs]
    assert len(version.examples) >= 2
    for example in version.examples:
        value = called(function, *example.args, **example.kwargs)
        got = value if isinstance(value, dict) else {"": value}
        assert {key: got[key] for key in example.expect} == example.expect


def test_the_answer_is_scipys_whichever_way_round_the_parameters_stand(naive: types.ModuleType) -> None:
    expected = stats.ks_2samp(REFERENCE, CURRENT)
    for function, value in (
        (naive.detect_drift, loaded(written(naive.detect_drift))(CURRENT, REFERENCE)),
        (naive.reordered, loaded(written(naive.reordered))(REFERENCE, CURRENT[:40])),
    ):
        report = mapping(value)
        assert report["n_reference"] == 50
        assert report["drift_detected"] is True, function
    report = mapping(loaded(written(naive.detect_drift))(CURRENT, REFERENCE))
    assert report["statistic"] == pytest.approx(expected.statistic, abs=1e-9)
    assert report["p_value"] == pytest.approx(expected.pvalue, abs=1e-9)
    assert mapping(loaded(written(naive.reordered))(REFERENCE, CURRENT[:40]))["n_current"] == 40


def test_every_key_of_the_user_stays_under_the_users_name(naive: types.ModuleType) -> None:
    function = loaded(written(naive.keyword_only))
    report = mapping(function(new_batch=CURRENT, old_batch=REFERENCE))
    assert list(report)[:4] == ["is_drift", "pvalue", "note", "limits"]
    assert report["is_drift"] is True
    assert report["pvalue"] == report["p_value"]
    assert (report["note"], report["limits"]) == ("naive", [1, 2])
    assert report["threshold"] == 0.01
    assert mapping(function(new_batch=CURRENT, old_batch=REFERENCE, alpha=0.2))["threshold"] == 0.2


def test_what_the_user_computes_is_still_computed_by_the_user(naive: types.ModuleType) -> None:
    report = mapping(loaded(written(naive.drift_with_mean))(CURRENT, REFERENCE))
    assert (report["gap"], report["scale"], report["drift"]) == (54.5, 2.0, True)
    assert mapping(loaded(written(naive.drift_built_up))(CURRENT, REFERENCE))["spread"] == float(np.std(CURRENT))
    labelled = loaded(written(naive.drift_with_label))
    assert mapping(labelled(CURRENT, REFERENCE, "age"))["feature"] == "age"
    assert mapping(loaded(written(naive.drift_with_two_keys))([], REFERENCE))["reason"] == "empty"


def test_the_users_own_checks_still_refuse(naive: types.ModuleType) -> None:
    function = loaded(written(naive.drift_that_checks))
    assert mapping(function(CURRENT, REFERENCE))["drift"] is True
    with pytest.raises(ValueError, match="differ in size"):
        function(CURRENT[:10], REFERENCE)


def test_an_option_that_the_code_does_not_know_is_not_ignored(naive: types.ModuleType) -> None:
    function = loaded(written(naive.drift_with_option))
    assert function(CURRENT, REFERENCE) is True
    with pytest.raises(ValueError, match="supports only bins=10"):
        function(CURRENT, REFERENCE, bins=20)


def test_a_truth_value_cannot_say_unknown_so_the_code_raises(naive: types.ModuleType) -> None:
    function = loaded(written(naive.positional_only_drift))
    assert function(REFERENCE, CURRENT) is True
    assert function(REFERENCE, REFERENCE) is False
    assert function(REFERENCE, []) is False
    with pytest.raises(ValueError, match="cannot be judged"):
        function([1, 2, 3], [4, 5])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("drift_of_two", ("'a', 'b'", "call them `current` and `reference`")),
        ("drift_above_a_distance", ("'threshold'", "2.5", "no significance level")),
        ("drift_with_state", ("'LIMIT'", "pass it as a parameter")),
        ("drift_as_a_number", ("returns something other", "return a mapping")),
        ("drift_in_a_tuple", ("returns something other", "return a mapping")),
        ("drift_told_to_a_file", ("open()", "reaches outside")),
        ("drift_sorted_in_place", ("changes its argument 'current'", "work on a copy")),
        ("drift_with_anything", ("'rest'", "does not understand")),
        ("accuracy", ("looks for drift", "put 'drift' into its name")),
    ],
)
def test_what_is_not_understood_is_declined_with_a_remedy(
    naive: types.ModuleType, name: str, words: tuple[str, ...]
) -> None:
    reason = declined(getattr(naive, name))
    for word in (name, *words):
        assert word in reason or word == name
    assert reason.endswith(".")
    assert "\n" not in reason


def test_methods_and_closures_are_declined(naive: types.ModuleType) -> None:
    assert "is a method" in declined(naive.Monitor.detect_drift)
    assert "'limit'" in declined(naive.make())


def test_the_same_function_gets_the_same_text(naive: types.ModuleType) -> None:
    assert written(naive.detect_drift) == written(naive.detect_drift)


def test_the_generated_module_imports_only_what_the_data_policy_lists(naive: types.ModuleType) -> None:
    allowed = {"math", "collections", "dataclasses", "decimal", "numbers", "numpy", "scipy", "statistics"}
    for name in WRITABLE:
        tree = ast.parse(written(getattr(naive, name)).source)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {alias.name.partition(".")[0] for alias in node.names} <= allowed
            elif isinstance(node, ast.ImportFrom):
                assert node.module in allowed
            elif isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_")


def info_for(source: str, **changes: object) -> FunctionInfo:
    """What `describe` would say of a function that stands alone in a file."""
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    plain = FunctionInfo(
        name=node.name,
        qualname=node.name,
        module="m",
        file="m.py",
        line=1,
        source=source,
        source_digest="",
        parameters=tuple(Parameter(argument.arg) for argument in node.args.args),
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]  # the tests give fields that exist


HOSTILE = [
    '"""',
    '"""\nimport os\n"""',
    "'''; import os #",
    "\\",
    'ends with "',
    "\u202e right to left",
    "\x00 null",
    "{evil}",
    "%s",
    "line\r\nline",
    "\N{LINE SEPARATOR}import os",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    """Docstrings, keys and literals enter the module as data, whatever they hold."""
    info = info_for(f"def drift(current, reference):\n    return {{{text!r}: {text!r}, 'drift': False}}\n", doc=text)
    version = written(info)
    function = loaded(version)
    assert mapping(function(CURRENT, REFERENCE))[text] == text
    lines = {line.strip() for line in (function.__doc__ or "").splitlines()}
    assert lines == {line.strip() for line in text.splitlines()}
    names = {
        alias.name
        for node in ast.walk(ast.parse(version.source))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert names == {"math", "numpy"}
    assert version.source.isascii()


@pytest.mark.parametrize(
    "parameter",
    [
        Parameter("reference", has_default=True, default="__import__('os')"),
        Parameter("reference", has_default=True, default="1)\nimport os\ndef g("),
        Parameter("reference=print('x'), y"),
        Parameter("reference", has_default=True, default=None),
        Parameter("class"),
    ],
)
def test_names_and_defaults_that_are_not_what_they_claim_are_declined(parameter: Parameter) -> None:
    source = "def drift(current, reference):\n    return False\n"
    assert declined(info_for(source, parameters=(Parameter("current"), parameter)))


def test_a_default_brings_nothing_but_its_value() -> None:
    info = info_for(
        "def drift(current, reference, alpha=0.1):\n    return False\n",
        parameters=(
            Parameter("current", annotation="list[print('x')]"),
            Parameter("reference", annotation="np.ndarray"),
            Parameter("alpha", has_default=True, default="0.1 # \\"),
        ),
    )
    version = written(info)
    assert "def drift(current, reference, alpha=0.1) -> bool:" in version.source


@pytest.mark.parametrize("name", ["_judge", "_answer", "np", "stats", "math", "_own_answer", "float"])
def test_a_function_named_like_what_the_code_needs_is_declined(name: str) -> None:
    source = f"def {name}(current, reference):\n    return {{'drift': False}}\n"
    assert repr(name) in declined(info_for(source))


def test_a_local_name_that_would_hide_an_import_is_declined_when_the_body_comes_along() -> None:
    body = "    stats = len(current)\n    return {'drift': False, 'rows': stats}\n"
    assert "'stats'" in declined(info_for(f"def drift(current, reference):\n{body}"))


IDENTIFIER = st.from_regex(r"[a-z][a-z0-9_]{0,11}", fullmatch=True)
CURRENT_NAMES = st.sampled_from(["current", "new", "live", "production", "recent", "after", "actual", "observed"])
REFERENCE_NAMES = st.sampled_from(["reference", "baseline", "ref", "historical", "train", "old", "before", "expected"])
SUFFIXES = st.sampled_from(["", "_data", "_values", "_df", "_sample"])


@settings(max_examples=60, deadline=None)
@given(CURRENT_NAMES, REFERENCE_NAMES, SUFFIXES, st.booleans(), IDENTIFIER)
def test_any_renaming_of_function_and_parameters_works(
    current: str,
    reference: str,
    suffix: str,
    swapped: bool,  # noqa: FBT001 - drawn by hypothesis
    name: str,
) -> None:
    """The function's name is free as long as its result says that it is about drift."""
    assume(not Parameter(name).name.startswith("_"))
    names = [current + suffix, reference + suffix]
    if swapped:
        names.reverse()
    try:
        source = f"def {name}({names[0]}, {names[1]}):\n    return {{'drift_detected': False}}\n"
        info = info_for(source)
    except SyntaxError:
        assume(False)
        raise
    answer = choose("ml_monitoring").write(info)
    if isinstance(answer, Declined):
        assert f"the name {name!r}" in answer.reason
        return
    assert answer.params["current"] == current + suffix
    assert answer.params["reference"] == reference + suffix
    assert loaded(answer).__name__ == name


KINDS = st.sampled_from([FunctionKind.POSITIONAL_ONLY, FunctionKind.POSITIONAL_OR_KEYWORD, FunctionKind.KEYWORD_ONLY])
LITERALS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.tuples(inner) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def _text_of(value: object) -> str:
    return repr(value).replace("inf", "1e999")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(IDENTIFIER, KINDS, LITERALS), max_size=5), st.tuples(KINDS, KINDS))
def test_the_module_compiles_with_the_same_signature_whatever_that_is(
    extra: list[tuple[str, FunctionKind, object]], kinds: tuple[FunctionKind, FunctionKind]
) -> None:
    samples = [Parameter("current", kinds[0]), Parameter("reference", kinds[1])]
    options = [
        Parameter(f"{name}_{index}", kind, has_default=True, default=_text_of(value))
        for index, (name, kind, value) in enumerate(extra)
    ]
    order = [FunctionKind.POSITIONAL_ONLY, FunctionKind.POSITIONAL_OR_KEYWORD, FunctionKind.KEYWORD_ONLY]
    required = sorted(samples, key=lambda parameter: order.index(parameter.kind))
    late = [
        dataclasses.replace(entry, kind=FunctionKind.KEYWORD_ONLY)
        if order.index(entry.kind) < order.index(required[-1].kind) or entry.kind is FunctionKind.KEYWORD_ONLY
        else entry
        for entry in options
    ]
    parameters = tuple(sorted([*required, *late], key=lambda parameter: order.index(parameter.kind)))
    info = info_for("def drift(current, reference):\n    return False\n", parameters=parameters)
    answer = choose("ml_monitoring").write(info)
    assume(isinstance(answer, Written))
    assert isinstance(answer, Written)
    signature = inspect.signature(loaded(answer))
    assert [(entry.name, entry.kind.name.lower()) for entry in signature.parameters.values()] == [
        (entry.name, entry.kind.value) for entry in parameters
    ]
    for entry, (_, _, value) in zip(options, extra, strict=True):
        assert signature.parameters[entry.name].default == value


def test_the_params_tell_what_the_code_decides_by(naive: types.ModuleType) -> None:
    params = written(naive.keyword_only).params
    assert params == {
        "method": "two_sample",
        "current": "new_batch",
        "reference": "old_batch",
        "level": "alpha",
        "returns": "mapping",
        "runs_own_code": False,
    }
    assert written(naive.detect_drift).params["level"] == 0.05
