import pytest

from poet_engine import errors
from poet_engine.domains import Declined, FunctionInfo, ImportedName, Parameter, choose, suggestion


def info(*parameters: str, imports: tuple[str, ...] = (), local: tuple[str, ...] = ()) -> FunctionInfo:
    return FunctionInfo(
        name="f",
        qualname="f",
        module="m",
        file="m.py",
        line=1,
        source="def f(): pass\n",
        source_digest="",
        parameters=tuple(Parameter(name) for name in parameters),
        imports=tuple(ImportedName(name.partition(".")[0], name) for name in imports),
        local_imports=tuple(ImportedName(name.partition(".")[0], name) for name in local),
    )


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("ml_monitoring", "ml_monitoring"),
        ("ML-Monitoring", "ml_monitoring"),
        ("api_operations", "api"),
        ("credit_approval", "financial"),
        ("financial_risk", "financial"),
        ("llm_optimization", "prompt_optimization"),
        ("computation", "base"),
        ("base_reliability", "base"),
        ("customer_service", "customer_service"),
    ],
)
def test_a_domain_is_found_by_its_name_and_its_aliases(given: str, name: str) -> None:
    assert choose(given).name == name


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (info("data", imports=("requests",)), "api"),
        (info("data", local=("urllib.request", "numpy")), "api"),
        (info("customer", imports=("scipy.stats",)), "ml_monitoring"),
        (info("data", local=("pandas",)), "ml_monitoring"),
        (info("query", "price"), "customer_service"),
        (info("customerId"), "customer_service"),
        (info("credit_score"), "financial"),
        (info("a", "b"), None),
        (info("pricey", imports=("json",)), None),
    ],
)
def test_imports_suggest_first_and_parameter_words_second(function: FunctionInfo, name: str | None) -> None:
    """A suggestion only: without a domain the function's own body answers."""
    assert suggestion(function) == name


def test_an_unknown_domain_is_wrong_use_and_the_nearest_one_is_named() -> None:
    with pytest.raises(errors.UsageError, match="did you mean 'ml_monitoring'"):
        choose("ml_monitorin")
    with pytest.raises(errors.UsageError, match="The domains are ml_monitoring, api"):
        choose("zzz")
    with pytest.raises(errors.UsageError, match="int"):
        choose(3)  # type: ignore[arg-type]  # wrong on purpose: users without a type checker do this


def test_only_presets_that_exist_are_asked_for() -> None:
    assert choose("ml_monitoring").policy == "data"
    assert choose("api").policy == "restricted"


@pytest.mark.parametrize("name", ["api", "customer_service", "financial", "prompt_optimization", "base"])
def test_domains_without_built_in_code_say_so(name: str) -> None:
    answer = choose(name).write(info())
    assert isinstance(answer, Declined)
    assert f"{name!r} has no built-in code yet" in answer.reason
