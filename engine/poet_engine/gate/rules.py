"""The rules of the allow-list in one table. Their ids are stable: reports, waivers and documents use them."""

import dataclasses
from collections.abc import Mapping

from poet_engine.outcome import Severity

TOO_LARGE = "too_large"
SYNTAX = "syntax"
SCAN_AST = "scan_ast"
SCAN_BANDIT = "scan_bandit"

# The causes in the order of the scan: a report names the first.
CAUSES = (TOO_LARGE, SYNTAX, SCAN_AST, SCAN_BANDIT)


@dataclasses.dataclass(frozen=True, slots=True)
class GateRule:
    """One rule of the gate.

    Attributes:
        id: `POET1xx`.
        severity: The severity of its findings.
        title: Its name in lists.
        why: The reason for the rule, for people.
        how: The remedy, for people.
        cause: The cause in the report.
        cwe: The number of the weakness in the Common Weakness Enumeration, where there is one.
    """

    id: str
    severity: Severity
    title: str
    why: str
    how: str
    cause: str = SCAN_AST
    cwe: int | None = None


_LOW, _MEDIUM, _HIGH = Severity.LOW, Severity.MEDIUM, Severity.HIGH

_TABLE = (
    GateRule(
        "POET100",
        _HIGH,
        "the scan did not finish",
        "A source that the scanner cannot judge is not run.",
        "Make it shorter and flatter.",
        TOO_LARGE,
        400,
    ),
    GateRule(
        "POET101",
        _HIGH,
        "source over a size cap",
        "Scanning and compiling take time and memory that grow with the source.",
        "Make it shorter or flatter, or raise the cap in [static] of the policy.",
        TOO_LARGE,
        400,
    ),
    GateRule(
        "POET102",
        _HIGH,
        "source does not parse",
        "What cannot be parsed cannot be judged.",
        "Correct the syntax for this version of Python.",
        SYNTAX,
    ),
    GateRule(
        "POET103",
        _HIGH,
        "hidden character or encoding cookie",
        "It makes the text that is read differ from the code that runs.",
        "Remove it; inside a text write an escape such as \\u202e.",
        SCAN_AST,
        1007,
    ),
    GateRule(
        "POET104",
        _HIGH,
        "look-alike name",
        "A name that looks like another one hides what the code does.",
        "Write the name in one script and in its normal form.",
        SCAN_AST,
        1007,
    ),
    GateRule(
        "POET105",
        _MEDIUM,
        "syntax outside the allow-list",
        "The gate lets only the syntax through that it knows how to judge.",
        "Write it in plainer syntax.",
    ),
    GateRule(
        "POET110",
        _HIGH,
        "module not allowed",
        "Only the modules that the policy lists can be imported.",
        "Do without it, or list the module in [static.imports] of the policy.",
        SCAN_AST,
        829,
    ),
    GateRule(
        "POET111",
        _HIGH,
        "name of a module not allowed",
        "Of each module only the names that the policy lists can be used.",
        "Use a listed name, or list this one in [static.imports] of the policy.",
        SCAN_AST,
        829,
    ),
    GateRule(
        "POET112",
        _MEDIUM,
        "star or relative import",
        "It does not say which names come in.",
        "Import the names one by one from a listed module.",
    ),
    GateRule(
        "POET113",
        _HIGH,
        "module used as a value",
        "A module that is passed around gives access to everything in it.",
        "Use the full dotted path of a listed name where it is needed, such as np.mean(values).",
        SCAN_AST,
        829,
    ),
    GateRule(
        "POET114",
        _MEDIUM,
        "imported name bound again",
        "A name that means two things hides what is called; a changed module changes for everybody.",
        "Give the other value a name of its own.",
    ),
    GateRule(
        "POET115",
        _MEDIUM,
        "import in a class body",
        "It makes the module an attribute, which can be passed around.",
        "Move the import to the top of the source.",
    ),
    GateRule(
        "POET116",
        _HIGH,
        "argument not allowed",
        "With it an allowed function opens a file, or follows names that the gate cannot see.",
        "Call the function with its ordinary arguments, written out.",
        SCAN_AST,
        470,
    ),
    GateRule(
        "POET120",
        _HIGH,
        "builtin not allowed",
        "It reads or writes files, runs text as code, or shows what other code holds.",
        "Take what it would fetch as an argument, or use an allowed builtin.",
        SCAN_AST,
        94,
    ),
    GateRule(
        "POET121",
        _HIGH,
        "attribute name made at run time",
        "The gate cannot see which attribute is meant.",
        "Write the attribute out, or use a dictionary.",
        SCAN_AST,
        470,
    ),
    GateRule(
        "POET122",
        _HIGH,
        "annotation that is run as code",
        "A generic function runs the annotations of what is registered when they are texts.",
        "Name the type in the decorator, as in @show.register(int), or annotate with plain types.",
        SCAN_AST,
        95,
    ),
    GateRule(
        "POET130",
        _HIGH,
        "special attribute",
        "It leads from any value to the insides of the interpreter.",
        "Use ordinary attributes and functions.",
        SCAN_AST,
        693,
    ),
    GateRule(
        "POET131",
        _HIGH,
        "introspection of frames, code or tracebacks",
        "It leads to the variables of other code.",
        "Pass what is needed as an argument.",
        SCAN_AST,
        693,
    ),
    GateRule(
        "POET132",
        _HIGH,
        "attribute access inside a format text",
        "str.format follows attributes that the gate cannot see.",
        "Use an f-string, or a literal text whose fields are plain names or numbers.",
        SCAN_AST,
        134,
    ),
    GateRule(
        "POET133",
        _MEDIUM,
        "method not allowed",
        "On an array or a table it reads or writes files, runs text as code, or gives out memory addresses. The gate "
        "knows the types of your own classes only, so the name is refused on every other value.",
        "Return the data instead; a method of your own needs another name, or a value that is plainly of your own "
        "class.",
        SCAN_AST,
        73,
    ),
    GateRule(
        "POET134",
        _MEDIUM,
        "special name",
        "It changes how the interpreter treats the class or module.",
        "Define only the usual operators and protocol methods.",
    ),
    GateRule(
        "POET135",
        _HIGH,
        "special attribute name in a text",
        "It is of use only to reach the insides of the interpreter by a name made at run time.",
        "Use another text.",
        SCAN_AST,
        470,
    ),
    GateRule(
        "POET136",
        _MEDIUM,
        "private attribute of other code",
        "What a library keeps private leads to its modules and its state.",
        "Use the public attribute. A private one of your own is set in the same source, and asked for on self, or on "
        "what isinstance says is of your class.",
        SCAN_AST,
        767,
    ),
    GateRule(
        "POET140",
        _MEDIUM,
        "loop without an end",
        "It would use its whole budget of time and answer nothing.",
        "Give the loop a condition, or a break, return or raise.",
        SCAN_AST,
        835,
    ),
    GateRule(
        "POET141",
        _MEDIUM,
        "value larger than the memory budget",
        "It could never be made under this policy.",
        "Work in smaller pieces, or raise limits.memory of the policy.",
        SCAN_AST,
        789,
    ),
    GateRule(
        "POET150",
        _HIGH,
        "bandit did not finish",
        "A source that one of the scanners cannot judge is not run.",
        "Make it plainer; please report the source that does this.",
        SCAN_BANDIT,
    ),
)

RULES: Mapping[str, GateRule] = {rule.id: rule for rule in _TABLE}
