"""`poet policy`: what the policies say, where each value is from, and what is wrong with a file."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from poet_engine import _wiring
from poet_engine._env import Settings
from poet_engine._text import suggest
from poet_engine.cli.console import Screen
from poet_engine.cli.options import JsonOption, PolicyOption, examples, new_app
from poet_engine.errors import PolicyError, UsageError
from poet_engine.policy import Policy, documents, layers, schema, values
from poet_engine.policy.keys import IMPORTS, KEYS, Key, key_of, written
from poet_engine.policy.layers import Resolution, Step
from poet_engine.policy.values import SourcedValue

Clock = Callable[[], float]

app = new_app("Show, explain, check and compare policies.", "poet policy show", "poet policy check policy.toml")


@app.command(epilog=examples("poet policy show", "poet policy show data --json"))
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME|FILE", help="The name or file that a function names; or nothing.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Print what holds for a call from here, and who set each value."""
    screen = Screen.standard(as_json=as_json)
    found = _resolve(name)
    policy = found.policy(Policy)
    shown = {key: held for key, held in sorted(found.values.items(), key=_in_order) if held.value or not _module(key)}
    screen.document(
        {
            "name": policy.name,
            "extends": policy.extends,
            "digest": policy.digest,
            "values": {key: {"value": written(key, held.value), "origin": held.origin} for key, held in shown.items()},
        }
    )
    extends = "" if policy.extends is None else f", extends {policy.extends}"
    screen.line(f"# {policy.name}{extends}, digest {policy.digest[:12]}", style="bold")
    for key, held in shown.items():
        screen.line(f"{_toml(key)} = {written(key, held.value)}  # {held.origin}")
    return 0


@app.command(
    epilog=examples("poet policy explain limits.memory", "poet policy explain static.imports.numpy --policy data")
)
def explain(
    name: Annotated[str, typer.Argument(metavar="KEY", help="Such as limits.memory or static.imports.numpy.")],
    *,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
) -> int:
    """Print what a key says, and how its value came about.

    What may stand there, what holds here, and what each layer did to it.
    """
    screen = Screen.standard(as_json=as_json)
    found = _resolve(policy)
    key = _known(name, found)
    held = found.values.get(name, SourcedValue((), "nobody"))
    steps = found.steps.get(name, ())
    screen.document(
        {
            "key": name,
            "meaning": key.meaning,
            "range": key.kind.range,
            "tighter": key.kind.tighter,
            "value": written(name, held.value),
            "origin": held.origin,
            "steps": [_step(name, step) for step in steps],
        }
    )
    screen.line(f"{name}: {key.meaning}", style="bold")
    screen.line(f"  may be: {key.kind.range}; tighter is: {key.kind.tighter}")
    screen.line(f"  here: {written(name, held.value)}, set by {held.origin}")
    for step in steps:
        screen.line(f"  {step.place}: {_say(name, step)}")
    return 0


@app.command(epilog=examples("poet policy check policy.toml pyproject.toml"))
def check(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Policy files, or a pyproject.toml.")],
    *,
    as_json: JsonOption = False,
) -> int:
    """Check policy files, and whether their waivers still hold.

    Exits with 1 when a file is wrong, or has a waiver whose day is over.
    """
    return check_files(Screen.standard(as_json=as_json), files)


def check_files(screen: Screen, files: Sequence[str], *, clock: Clock = _wiring.wall_clock) -> int:
    """Load each file by itself, print what is wrong, and return the exit code."""
    results = [_checked(name, clock()) for name in files]
    screen.document({"files": results})
    for result in results:
        screen.line(f"{result['path']}: {'fine' if not result['problems'] else 'wrong'}", style="bold")
        for problem in _list(result["problems"]):
            screen.line(f"  {problem}")
    return int(any(result["problems"] for result in results))


@app.command(epilog=examples("poet policy diff restricted data", "poet policy diff old.toml new.toml --no-looser"))
def diff(
    one: Annotated[str, typer.Argument(metavar="ONE", help="A preset or a file.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The same.")],
    *,
    no_looser: Annotated[
        bool, typer.Option("--no-looser", help="Exit with 1 when OTHER lets more through than ONE.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Compare two policies, value by value."""
    screen = Screen.standard(as_json=as_json)
    first, second = Policy.load(one), Policy.load(other)
    a, b = values.of(first), values.of(second)
    looser, tighter = set(values.looser(second, first)), set(values.looser(first, second))
    changed = sorted(looser | tighter, key=lambda key: _in_order((key, None)))
    rows = [(key, _or_nothing(key, a), _or_nothing(key, b), _way(key in looser, key in tighter)) for key in changed]
    screen.document(
        {
            "one": {"name": first.name, "digest": first.digest},
            "other": {"name": second.name, "digest": second.digest},
            "differences": [dict(zip(("key", "one", "other", "other_is"), row, strict=True)) for row in rows],
        }
    )
    if not rows:
        screen.line(f"{first.name} and {second.name} say the same")
    for key, mine, theirs, way in rows:
        screen.line(f"{key}: {mine} -> {theirs} ({way})")
    return int(no_looser and bool(looser))


@app.command("list", epilog=examples("poet policy list"))
def presets(*, as_json: JsonOption = False) -> int:
    """List the policies that ship."""
    screen = Screen.standard(as_json=as_json)
    found = [Policy.load(name) for name in documents.presets()]
    screen.document({"presets": [{"name": one.name, "extends": one.extends, "digest": one.digest} for one in found]})
    rows = [(one.name, one.extends or "-", one.digest[:12]) for one in found]
    screen.table(("name", "extends", "digest"), rows)
    return 0


@app.command("schema", epilog=examples("poet policy schema"))
def print_schema(*, as_json: JsonOption = False) -> int:
    """Print the JSON Schema of policy files, for editors.

    It is JSON with and without --json.
    """
    screen = Screen.standard(as_json=as_json)
    screen.document(schema.schema())
    screen.line(schema.text().rstrip("\n"))
    return 0


def _resolve(name: str | None) -> Resolution:
    return _wiring.resolve(name, Settings.read())


def _known(name: str, found: Resolution) -> Key:
    if name in found.values or (name in KEYS and name != IMPORTS) or name.startswith(f"{IMPORTS}."):
        return key_of(name)
    known = [key for key in (*KEYS, *found.values) if key != IMPORTS]
    raise UsageError(f"there is no key {name!r}{suggest(name, known)}; poet policy show lists them")


def _module(key: str) -> bool:
    return key.startswith(f"{IMPORTS}.")


def _in_order(item: tuple[str, object]) -> tuple[int, str]:
    """Return what sorts keys as in their table, and modules by name."""
    key = item[0]
    return list(KEYS).index(IMPORTS if _module(key) else key), key


def _toml(key: str) -> str:
    module = key.removeprefix(f"{IMPORTS}.")
    return f'{IMPORTS}."{module}"' if _module(key) and "." in module else key


def _step(key: str, step: Step) -> dict[str, object]:
    return {
        "layer": step.place,
        "value": written(key, step.held.value),
        "origin": step.held.origin,
        "asked": None if step.tightened is None else written(key, step.tightened.value),
        "asked_by": None if step.tightened is None else step.tightened.origin,
    }


def _say(key: str, step: Step) -> str:
    value = written(key, step.held.value)
    if step.tightened is None:
        return f"{value} ({step.held.origin})"
    return (
        f"{value}: {step.tightened.origin} has {written(key, step.tightened.value)}, "
        f"and {step.held.origin} allows no more"
    )


def _checked(name: str, now: float) -> dict[str, object]:
    problems: list[object] = []
    try:
        policy = _policy_of(name)
    except PolicyError as error:
        return {"path": name, "problems": [str(error)], "line": error.line, "key": error.key}
    problems += [
        f"the waiver of {waiver.owner} for {waiver.rule} in {waiver.scope} expired on {waiver.expires}"
        for waiver in policy.waivers
        if waiver.expired(now)
    ]
    return {"path": name, "problems": problems, "digest": policy.digest}


def _policy_of(name: str) -> Policy:
    """Load a policy file by itself, or the table of a pyproject.toml."""
    if Path(name).name == "pyproject.toml":
        return layers.alone(Path(name)).policy(Policy)
    return Policy.load(name)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _or_nothing(key: str, found: dict[str, SourcedValue]) -> str:
    return written(key, found[key].value) if key in found else "nothing"


def _way(looser: bool, tighter: bool) -> str:  # noqa: FBT001 - two sides of one question
    return "neither looser nor tighter" if looser and tighter else "looser" if looser else "tighter"
