"""Render the text of a generated module: the shipped comparison, the user's own body, and the function itself.

Whatever comes from the user's function enters the text as an identifier that was checked, as a literal that was parsed,
or through `repr` and `ast.unparse`.
"""

import ast
import builtins
import dataclasses
import functools
from importlib import resources

from poet_engine.domains.identifier_words import word_set
from poet_engine.domains.ml_monitoring.body import Own
from poet_engine.domains.ml_monitoring.returns import ReturnShape
from poet_engine.domains.ml_monitoring.roles import Roles
from poet_engine.domains.model import FunctionInfo, FunctionKind, Parameter
from poet_engine.domains.parsing import parse, parse_expression

DEFAULT_LEVEL = 0.05

OWN_ANSWER = "_own_answer"
_JUDGE, _ANSWER, _ONLY = "_judge", "_answer", "_only"
_TEMPLATE = "two_sample.py"
# Annotations made of these need no import; others are left out, since nothing at run time depends on them.
_KNOWN_TYPES = word_set(
    "bool int float complex str bytes object list tuple dict set frozenset None",
)
_TYPE_SYNTAX = (ast.Name, ast.Subscript, ast.Tuple, ast.BinOp, ast.BitOr, ast.Load)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModulePlan:
    """The decisions about a version that is to be written.

    Attributes:
        info: The user's function.
        roles: The roles of its parameters.
        shape: The shape of its return value.
        options: Parameters that must keep their defaults.
        own: The user's body, when it has to run as well.
    """

    info: FunctionInfo
    roles: Roles
    shape: ReturnShape
    options: tuple[Parameter, ...]
    own: Own | None


@functools.cache
def _template() -> tuple[str, frozenset[str]]:
    """Return the shipped code without its docstring, and its module-level names with the builtins that it uses."""
    text = resources.files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8")
    tree = parse(text)
    code = "\n".join(text.split("\n")[tree.body[1].lineno - 1 :])
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and hasattr(builtins, node.id)}
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]):
                names.add(name)
            case ast.Import() | ast.ImportFrom():
                names |= {alias.asname or alias.name for alias in node.names}
            case _:
                pass
    return code.strip() + "\n", frozenset(names)


def present_imports() -> frozenset[str]:
    """Return the import statements of every generated module."""
    code, _ = _template()
    return frozenset(ast.unparse(node) for node in parse(code).body if isinstance(node, ast.Import | ast.ImportFrom))


def clashes(plan: ModulePlan) -> list[str]:
    """Return the user's names that collide with names of the generated code, sorted."""
    _, taken = _template()
    module_level = {name for name in taken if not hasattr(builtins, name)} | {_ANSWER, OWN_ANSWER}
    users = {parameter.name for parameter in plan.info.parameters}
    if plan.own is not None:
        users |= plan.own.bound
    return sorted(users & module_level | {plan.info.name} & (taken | {_ANSWER, OWN_ANSWER, *users}))


def module_text(plan: ModulePlan) -> str:
    """Return the text of the whole module, ready for the gate."""
    code, _ = _template()
    if not plan.options:
        code = code.partition(f"\n\ndef {_ONLY}(")[0]
    info, own = plan.info, plan.own
    needed = () if own is None else own.imports
    extra = [entry.statement for entry in needed if entry.statement not in present_imports()]
    opening = f'"""Tells whether {plan.roles.current} has drifted away from {plan.roles.reference}, for {info.name}."""'
    blocks = ["\n".join([*extra, code]).strip(), _answer(plan), _entry(plan)]
    if own is not None:
        note = f"# What {info.name} did before: it checks its input and fills in the rest of the result."
        blocks.insert(1, f"{note}\n{own.source}")
    return f"{opening}\n\n" + "\n\n\n".join(block.strip() for block in blocks) + "\n"


def _answer(plan: ModulePlan) -> str:
    if plan.shape.is_bool:
        return (
            f"def {_ANSWER}(report: dict[str, object]) -> bool:\n"
            f'    """Return what {plan.info.name} returns; without a judgement there is no answer to give."""\n'
            '    drift = report["drift_detected"]\n'
            "    if not isinstance(drift, bool):\n"
            "        raise ValueError(f\"drift cannot be judged: {report['warnings']}\")\n"
            "    return drift\n"
        )
    own = _own_items(plan)
    lines = [
        f"def {_ANSWER}({'own: dict[str, object], ' if own else ''}report: dict[str, object]) -> dict[str, object]:",
        f'    """Return what {plan.info.name} returns, and the rest of the report with it."""',
        "    return {",
        *(["        **own,"] if own else []),
    ]
    for item in plan.shape.items:
        if item.meaning is not None and item.meaning != item.key:
            lines.append(f'        {_quoted(item.key)}: report["{item.meaning}"],')
        elif item.meaning is None and item.literal is not None and not own:
            lines.append(f"        {_quoted(item.key)}: {item.literal},")
    return "\n".join([*lines, "        **report,", "    }", ""])


def _own_items(plan: ModulePlan) -> bool:
    """Whether the user's body computes a part of the mapping, and does not only check its input."""
    return plan.own is not None and not plan.shape.is_bool and not plan.shape.unwritten


def _entry(plan: ModulePlan) -> str:
    info, own = plan.info, plan.own
    prefix = "async def" if info.is_async else "def"
    level = "" if plan.roles.level is None else f", {plan.roles.level}"
    judged = f"{_JUDGE}({plan.roles.current}, {plan.roles.reference}{level})"
    lines = [f"{prefix} {info.name}({_signature(info)}) -> {'bool' if plan.shape.is_bool else 'dict[str, object]'}:"]
    lines += [f"    {_docstring(plan)}"]
    lines += [f"    {_ONLY}({_quoted(entry.name)}, {entry.name}, {default_text(entry)})" for entry in plan.options]
    if own is None:
        return "\n".join([*lines, f"    return {_ANSWER}({judged})", ""])
    call = f"{'await ' if info.is_async else ''}{OWN_ANSWER}({_forwarded(info)})"
    if not _own_items(plan):
        return "\n".join([*lines, f"    {call}", f"    return {_ANSWER}({judged})", ""])
    return "\n".join([*lines, f"    return {_ANSWER}({call}, {judged})", ""])


def _quoted(text: str) -> str:
    shown = repr(text)
    return f'"{text}"' if shown == f"'{text}'" and '"' not in text else shown


def default_text(parameter: Parameter) -> str:
    """Return a default's text, parsed and written anew, so that nothing around the literal gets into the module."""
    return "None" if parameter.default is None else ast.unparse(parse_expression(parameter.default))


def _signature(info: FunctionInfo) -> str:
    pieces: list[str] = []
    kinds = [parameter.kind for parameter in info.parameters]
    for index, parameter in enumerate(info.parameters):
        earlier = kinds[:index]
        if (
            parameter.kind is not FunctionKind.POSITIONAL_ONLY
            and earlier
            and earlier[-1] is FunctionKind.POSITIONAL_ONLY
        ):
            pieces.append("/")
        if parameter.kind is FunctionKind.KEYWORD_ONLY and not {
            FunctionKind.KEYWORD_ONLY,
            FunctionKind.VAR_POSITIONAL,
        } & set(earlier):
            pieces.append("*")
        pieces.append(_declared(parameter))
    if kinds and kinds[-1] is FunctionKind.POSITIONAL_ONLY:
        pieces.append("/")
    return ", ".join(pieces)


_STARS = {FunctionKind.VAR_POSITIONAL: "*", FunctionKind.VAR_KEYWORD: "**"}


def _declared(parameter: Parameter) -> str:
    annotation = _annotation(parameter.annotation)
    text = _STARS.get(parameter.kind, "") + parameter.name + (f": {annotation}" if annotation else "")
    if not parameter.has_default:
        return text
    return f"{text} = {default_text(parameter)}" if annotation else f"{text}={default_text(parameter)}"


def _annotation(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        tree = parse_expression(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node in ast.walk(tree):
        known = node.id in _KNOWN_TYPES if isinstance(node, ast.Name) else isinstance(node, _TYPE_SYNTAX)
        if not known and not (isinstance(node, ast.Constant) and node.value is None):
            return None
    return ast.unparse(tree)


def _forwarded(info: FunctionInfo) -> str:
    pieces = []
    for parameter in info.parameters:
        name = parameter.name
        pieces.append(
            f"{name}={name}" if parameter.kind is FunctionKind.KEYWORD_ONLY else _STARS.get(parameter.kind, "") + name
        )
    return ", ".join(pieces)


def _docstring(plan: ModulePlan) -> str:
    doc = plan.info.doc or f"Tell whether {plan.roles.current} has drifted away from {plan.roles.reference}."
    lines = doc.split("\n")
    # Anything that a triple-quoted string could be ended or disguised with goes through `repr`.
    plain = doc.isascii() and doc.strip() == doc and all(line.isprintable() for line in lines)
    if not plain or "\\" in doc or '"""' in doc or doc.endswith('"'):
        return repr(doc)
    if len(lines) == 1:
        return f'"""{doc}"""'
    indented = "\n".join(f"    {line}".rstrip() for line in lines[1:])
    return f'"""{lines[0]}\n{indented}\n    """'
