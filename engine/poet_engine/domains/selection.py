"""Choose a function's domain: the one that the user names. A guess by fixed rules is only a suggestion."""

from collections.abc import Mapping

from poet_engine import errors
from poet_engine._text import close_names
from poet_engine.domains import ml_monitoring
from poet_engine.domains.identifier_words import words_of
from poet_engine.domains.model import Declined, Domain, FunctionInfo


def _without_code(domain: str) -> Domain:
    """Return a domain that is known by name and has no built-in code."""

    def decline(info: FunctionInfo) -> Declined:
        return Declined(
            f"the domain {domain!r} has no built-in code yet, so {info.name!r} serves as it is; "
            "use domain='ml_monitoring' if it detects drift.",
        )

    return Domain(domain, "restricted", decline, _ALIASES[domain], has_code=False)


_ALIASES: Mapping[str, tuple[str, ...]] = {
    "api": ("api_operations",),
    "customer_service": (),
    "financial": ("financial_risk", "credit_approval"),
    "prompt_optimization": ("llm_optimization",),
    "base": ("computation", "base_reliability"),
}
_DOMAINS: Mapping[str, Domain] = {
    "ml_monitoring": Domain("ml_monitoring", "data", ml_monitoring.write),
    **{name: _without_code(name) for name in _ALIASES},
}
_BY_ANY_NAME: Mapping[str, Domain] = {
    name: domain for domain in _DOMAINS.values() for name in (domain.name, *domain.aliases)
}

# Tried in this order; the first that fits wins.
_IMPORTS: tuple[tuple[str, frozenset[str]], ...] = (
    ("api", frozenset({"requests", "httpx", "urllib"})),
    ("ml_monitoring", frozenset({"numpy", "pandas", "sklearn", "scipy"})),
)
_WORDS: tuple[tuple[str, frozenset[str]], ...] = (
    ("customer_service", frozenset({"customer", "query", "message", "messages", "ticket", "inquiry"})),
    ("financial", frozenset({"risk", "portfolio", "price", "prices", "credit", "loan", "income"})),
)


def choose(domain: str) -> Domain:
    """Return the domain of this name or alias.

    Raises:
        UsageError: There is no such domain.
    """
    if not isinstance(domain, str):
        # Callers without a type checker reach this, against the annotation.
        raise errors.UsageError(
            f"domain={domain!r} is a {type(domain).__name__}; give the domain's name as text, such as 'ml_monitoring'.",
        )
    key = domain.strip().lower().replace("-", "_").replace(" ", "_")
    if key in _BY_ANY_NAME:
        return _BY_ANY_NAME[key]
    near = close_names(key, _BY_ANY_NAME)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise errors.UsageError(f"there is no domain {domain!r}; {meant}The domains are {', '.join(_DOMAINS)}.")


def suggestion(info: FunctionInfo) -> str | None:
    """Return the name of the domain that a function without one may belong to; None where nothing indicates one.

    The imports that the function uses decide first, then the words in its parameter names.
    """
    roots = {entry.module.partition(".")[0] for entry in (*info.imports, *info.local_imports)}
    words = {word for parameter in info.parameters for word in words_of(parameter.name)}
    for signs, seen in ((_IMPORTS, roots), (_WORDS, words)):
        for name, wanted in signs:
            if wanted & seen:
                return name
    return None
