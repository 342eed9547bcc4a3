"""Whether the user's function changes its arguments, as a trial of its own body in the sandbox shows.

A version could not do the same: what it changes in its sandbox stays there.
"""

import ast
from collections.abc import Sequence

from poet_engine._equality import same
from poet_engine.domains import FunctionInfo, FunctionKind, TrialExample
from poet_engine.domains.parsing import parse
from poet_engine.engine import Engine
from poet_engine.job import Job

FILENAME = "<original>"

_WALL_S = 1.0  # the examples are small, and a caller waits
_POSITIONAL = frozenset((FunctionKind.POSITIONAL_ONLY, FunctionKind.POSITIONAL_OR_KEYWORD))


def changed_argument(info: FunctionInfo, engine: Engine, examples: Sequence[TrialExample]) -> str | None:
    """The first parameter whose value is another one after a call; None where none is, or where it cannot be seen.

    It cannot be seen where the gate rejects the body, or the body needs what the sandbox has not. An exception of the
    body hides nothing. Where the policy lets calls out to the network, the body is not tried: nobody asked it to send
    anything.
    """
    if engine.policy.network.allow or engine.policy.network.allow_private:
        return None
    source, entry = _observer(info), _entry(info)
    for example in examples:
        job = Job(source=source, entry=entry, args=example.args, kwargs=example.kwargs, filename=FILENAME, wall=_WALL_S)
        outcome = engine.attempt(job)
        if not outcome.ok:
            return None
        changed = _changed(info, example, outcome.value)
        if changed is not None:
            return changed
    return None


def _entry(info: FunctionInfo) -> str:
    return f"observed_{info.name}"


def _observer(info: FunctionInfo) -> str:
    """A module with the user's body, and a function that calls it and returns the arguments."""
    tree = parse(info.source)
    for node in ast.walk(tree):
        # Decorators and annotations may name what only the user's module has.
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.decorator_list, node.returns = [], None
        elif isinstance(node, ast.arg):
            node.annotation = None
    keyword, wait = ("async def", "await ") if info.is_async else ("def", "")
    return (
        "".join(f"{entry.statement}\n" for entry in info.imports)
        + ast.unparse(tree)
        + f"\n\n\n{keyword} {_entry(info)}(*args, **kwargs):\n    raised = False\n    try:\n"
        f"        {wait}{info.name}(*args, **kwargs)\n    except Exception:\n        raised = True\n"
        "    return [list(args), kwargs, raised]\n"
    )


def _changed(info: FunctionInfo, example: TrialExample, told: object) -> str | None:
    if not isinstance(told, list) or len(told) < len(("args", "kwargs")):
        return None
    args, kwargs = told[0], told[1]
    if not isinstance(args, list) or not isinstance(kwargs, dict) or len(args) != len(example.args):
        return None
    names = [parameter.name for parameter in info.parameters if parameter.kind in _POSITIONAL]
    for number, (before, after) in enumerate(zip(example.args, args, strict=True)):
        if same(before, after) is False:
            return names[number] if number < len(names) else f"number {number + 1}"
    return next((name for name, before in example.kwargs.items() if same(before, kwargs.get(name)) is False), None)
