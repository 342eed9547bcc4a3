"""Rules for arguments from the sentences of a docstring: "both must be positive", "b must not be zero".

Only sentences of one form are understood: a subject, a verb of duty (must, has to, cannot …), and a requirement.
A sentence with a condition is ignored, since a rule that was never meant would refuse good input.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator

from poet_engine.contracts import rules
from poet_engine.contracts.rules import InputRule, Relation

_SOURCE = "the docstring"
_BOTH = 2
_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
_THING = r"(?:arguments?|parameters?|numbers?|values?|inputs?|operands?)"
_THINGS = r"(?:arguments|parameters|numbers|values|inputs|operands|of them)"
_NOUN = r"(?: (?:numbers?|integers?|ints?|floats?|values?|lists?|strings?|texts?))?"
_DUTY = r"(?:must(?: both| all| always)?|has to|have to|needs? to)"
_PLAIN_VERB = rf"(?:{_DUTY}(?: not| never)? be|(?:cannot|can't|can not|may not|mustn't) be)"
_VERB = rf"(?P<verb>{_DUTY}(?P<no> not| never)? be|(?P<cannot>cannot|can't|can not|may not|mustn't) be)"
_CONDITION = re.compile(
    r"\b(?:if|unless|when|whenever|except|otherwise|while|either|or|usually|normally|sometimes|should|until|after)\b",
    re.IGNORECASE,
)
_OR_EQUAL = re.compile(r"\bor equal\b", re.IGNORECASE)
_SENTENCES = re.compile(r"(?<=[.;!])\s+|\n\s*\n|\n\s*[-*•]\s+")
_ENTRY = re.compile(r"^\s*(?::param(?: [^:]*?)? )?(?P<name>\*{0,2}\w+)(?:\s*\([^)]*\))?(?P<numpy> ?):\s*(?P<text>.*)$")

Holds = Callable[[object], bool]

# requirement → its phrase and test, and those of its negation
_BARE: tuple[tuple[str, tuple[str, Holds], tuple[str, Holds] | None], ...] = (
    (
        rf"(?:an? )?(?:strictly )?positive{_NOUN}",
        ("must be positive", rules.compared(">", 0)),
        ("must not be positive", rules.compared("<=", 0)),
    ),
    (
        rf"(?:an? )?non-?negative{_NOUN}",
        ("must not be negative", rules.compared(">=", 0)),
        None,
    ),
    (
        rf"(?:an? )?negative{_NOUN}",
        ("must be negative", rules.compared("<", 0)),
        ("must not be negative", rules.compared(">=", 0)),
    ),
    (rf"(?:an? )?non-?zero{_NOUN}|different from (?:zero|0)", ("must not be zero", rules.nonzero), None),
    (rf"(?:an? )?non-?empty{_NOUN}", ("must not be empty", rules.nonempty), None),
    (rf"(?:an? )?finite{_NOUN}", ("must be finite", rules.finite), None),
)
_BANNED: tuple[tuple[str, tuple[str, Holds]], ...] = (
    (r"zero|0|0\.0|equal to (?:zero|0)", ("must not be zero", rules.nonzero)),
    (r"(?:an )?empty(?: list| string| sequence)?", ("must not be empty", rules.nonempty)),
    (r"`{0,2}none`{0,2}|null|missing", ("must not be None", rules.not_none)),
    (r"nan|infinite|infinity|inf", ("must be finite", rules.finite)),
)
_RELATIONS: tuple[tuple[str, str, Relation, str, Relation], ...] = (
    (
        r"(?:at least|>=|≥|greater than or equal to|no less than)",
        *("at least", ">="),
        *("less than", "<"),
    ),
    (
        r"(?:at most|<=|≤|less than or equal to|no (?:more|greater) than)",
        *("at most", "<="),
        *("greater than", ">"),
    ),
    (
        r"(?:(?:greater|more|larger|bigger|higher) than|above|>)",
        *("greater than", ">"),
        *("at most", "<="),
    ),
    (r"(?:(?:less|smaller|lower|fewer) than|below|<)", *("less than", "<"), *("at least", ">=")),
)
_BETWEEN = re.compile(rf"(?:between|in) \[?({_NUMBER})(?:,| and) ({_NUMBER})\]?(?: \(?inclusive\)?)?", re.IGNORECASE)


def from_docstring(doc: str, parameters: tuple[str, ...]) -> list[InputRule]:
    """Return the rules that a docstring states about these parameters."""
    if not parameters:
        return []
    found = [rule for sentence in _SENTENCES.split(doc) for rule in _sentence(" ".join(sentence.split()), parameters)]
    for name, text in _entries(doc, parameters):
        for sentence in _SENTENCES.split(text):
            if not _conditional(sentence):
                found += [rule for clause in re.split(r"[,;.()]\s*", sentence) for rule in _of_entry(name, clause)]
    return list({(rule.parameter, rule.phrase): rule for rule in found}.values())


def _conditional(sentence: str) -> bool:
    return _CONDITION.search(_OR_EQUAL.sub("", sentence)) is not None


def _sentence(sentence: str, parameters: tuple[str, ...]) -> Iterator[InputRule]:
    """Yield the rules of one sentence's clauses; text before a clause must not read as the start of its subject."""
    text = sentence.strip().rstrip(".;!").strip()
    if not text or _conditional(text):
        return
    subject = _subject(parameters)
    begins = re.compile(rf"(?:[,:(;]|\band\b|\bwhere\b) ?(?={subject} {_PLAIN_VERB})", re.IGNORECASE)
    clause = re.compile(rf"(?:(?:and|where) )?(?P<subject>{subject}) {_VERB} (?P<what>.+)", re.IGNORECASE)
    whole = clause.fullmatch(text)
    if whole is not None and (found := _of_clause(whole, parameters)):
        yield from found
        return
    before, start = "", 0
    ends = [(gap.start(), gap.end()) for gap in begins.finditer(text)]
    for end, following in [*ends, (len(text), len(text))]:
        piece = text[start:end].strip().strip(",;()").strip()
        part = clause.fullmatch(piece)
        if part is not None and not _open_list(before, _named(part["subject"], parameters), parameters):
            yield from _of_clause(part, parameters)
        before, start = piece, following


def _of_clause(clause: re.Match[str], parameters: tuple[str, ...]) -> list[InputRule]:
    names = _named(clause["subject"], parameters)
    found = list(_rules(names, clause["what"], negated=bool(clause["no"] or clause["cannot"])))
    if _by_name(clause["subject"], parameters) or clause["subject"].casefold().startswith("both"):
        return found
    return [dataclasses.replace(rule, holds=_of_numbers(rule.holds)) for rule in found]


def _of_numbers(holds: Holds) -> Holds:
    """Restrict a test to numbers: a sentence about all parameters does not mean those that are texts."""
    return lambda value: isinstance(value, str | bytes | None) or holds(value)


def _subject(parameters: tuple[str, ...]) -> str:
    name = rf"`{{0,2}}(?:{'|'.join(map(re.escape, parameters))})`{{0,2}}"
    several = rf"(?:both |all |the )?(?:{_THING} )?{name}(?:, {name})*(?:,? and {name})?"
    return rf"(?:{several}|(?:both|all)(?: of)?(?: the)?(?: {_THINGS})?|(?:the )?{_THINGS})"


def _named(subject: str, parameters: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parameters that a subject means; none where it counts them wrongly."""
    named = _by_name(subject, parameters)
    both = subject.casefold().startswith("both")
    return named or (parameters if not both or len(parameters) == _BOTH else ())


def _by_name(subject: str, parameters: tuple[str, ...]) -> tuple[str, ...]:
    words = re.findall(r"\w+", subject)
    exact = tuple(name for name in parameters if name in words)
    # The first word of a sentence begins with a capital, also where the name does not.
    return exact or tuple(name for name in parameters if name.casefold() in map(str.casefold, words))


def _open_list(before: str, names: tuple[str, ...], parameters: tuple[str, ...]) -> bool:
    """Whether the text before a clause ends with a name that may belong to it: "the product of a, b must …"."""
    last = re.findall(r"\w+", before)[-1:]
    return bool(last) and last[0] in parameters and last[0] not in names and not re.search(_PLAIN_VERB, before)


def _rules(names: tuple[str, ...], what: str, *, negated: bool) -> Iterator[InputRule]:
    for phrase, holds in _demands(what.strip(), negated=negated):
        for name in names:
            yield InputRule(name, phrase, _SOURCE, holds, divides=holds is rules.nonzero)


def _of_entry(name: str, clause: str) -> Iterator[InputRule]:
    """Yield the rules of a clause in the description of one parameter, which is its subject."""
    found = re.fullmatch(rf"(?:(?:it|this|which|and|but|that) )?{_VERB} (?P<what>.+)", clause.strip(), re.IGNORECASE)
    if found is not None:
        yield from _rules((name,), found["what"], negated=bool(found["no"] or found["cannot"]))


def _demands(what: str, *, negated: bool) -> list[tuple[str, Holds]]:
    """Return the phrases and tests of a requirement; none where a part of it is not understood."""
    between = _BETWEEN.fullmatch(what)
    if between is not None and not negated:
        low, high = float(between[1]), float(between[2])
        at_least, at_most = rules.compared(">=", low), rules.compared("<=", high)
        return [(f"must be between {between[1]} and {between[2]}", lambda value: at_least(value) and at_most(value))]
    demands: list[tuple[str, Holds]] = []
    for part in re.split(r",? (?:and|but)(?: must be)? ", what):
        demand = _banned(part) if negated else _wanted(part)
        if demand is None:
            return []
        demands.append(demand)
    return demands


def _wanted(part: str) -> tuple[str, Holds] | None:
    for pattern, wanted, _ in _BARE:
        if re.fullmatch(pattern, part, re.IGNORECASE):
            return wanted
    return _related(part, negated=False)


def _banned(part: str) -> tuple[str, Holds] | None:
    for pattern, _, banned in _BARE:
        if banned is not None and re.fullmatch(pattern, part, re.IGNORECASE):
            return banned
    for pattern, demand in _BANNED:
        if re.fullmatch(pattern, part, re.IGNORECASE):
            return demand
    return _related(part, negated=True)


def _related(part: str, *, negated: bool) -> tuple[str, Holds] | None:
    for pattern, words, relation, opposite, reverse in _RELATIONS:
        found = re.fullmatch(rf"{pattern} ?({_NUMBER}|zero|one)", part, re.IGNORECASE)
        if found is not None:
            bound = {"zero": "0", "one": "1"}.get(found[1].casefold(), found[1])
            said, test = (opposite, reverse) if negated else (words, relation)
            return f"must be {said} {bound}", rules.compared(test, float(bound))
    return None


def _entries(doc: str, parameters: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the descriptions of single parameters, in the styles of Google, numpy and Sphinx."""
    name, indent, text = "", 0, ""
    for line in [*doc.splitlines(), ""]:
        depth = len(line) - len(line.lstrip())
        if name and line.strip() and depth > indent:
            text += f" {line.strip()}"
            continue
        if name:
            yield name, text
        found = _ENTRY.match(line)
        name = found["name"].lstrip("*") if found is not None and found["name"].lstrip("*") in parameters else ""
        if found is not None:
            indent = depth
            text = "" if found["numpy"] else found["text"]  # numpy writes the type there
