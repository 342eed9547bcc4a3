"""`poet doctor`: each isolation check, tried from inside the sandbox."""

import dataclasses

import poet_engine
from poet_engine.cli.console import Screen
from poet_engine.cli.options import JsonOption, RuntimeOption, SandboxOption, Where, examples, new_app
from poet_engine.cli.policies import resolve_policy
from poet_engine.errors import SandboxUnavailableError
from poet_engine.policy import Policy
from poet_engine.sandbox.base import Diagnosis, Grade, Means

# Requires no wall: under it the doctor can look at a machine on which the walls of the usual policy do not stand.
_WITHOUT_WALLS = "lab"

app = new_app()


@app.command(epilog=examples("poet doctor", "poet doctor --sandbox docker --runtime runsc --json"))
def doctor(*, sandbox: SandboxOption = "auto", runtime: RuntimeOption = None, as_json: JsonOption = False) -> int:
    """Try each isolation check from inside the sandbox.

    Says what held, what isolates, and what to change on the machine for a better grade. Exits with 1 when
    a check did not hold.
    """
    screen, where = Screen.standard(as_json=as_json), (sandbox, runtime)
    try:
        found = _diagnose(resolve_policy(None), where)
    except SandboxUnavailableError:
        try:
            found = _diagnose(Policy.load(_WITHOUT_WALLS), where)
        except SandboxUnavailableError as error:
            screen.fail(error, exit_code=1)
            return 1
    print_diagnosis(screen, found)
    return int(found.grade is Grade.WEAK)


def _diagnose(policy: Policy, where: Where) -> Diagnosis:
    with poet_engine.Engine.open(policy=policy, sandbox=where[0], runtime=where[1]) as engine:
        return engine.diagnose()


def diagnosis_document(found: Diagnosis) -> dict[str, object]:
    """Return a diagnosis as one JSON object."""
    return {
        "sandbox": found.sandbox,
        "grade": str(found.grade),
        "all_held": all(wall.held for wall in found.walls),
        "walls": [dataclasses.asdict(wall) for wall in found.walls],
        "means": None if found.means is None else dataclasses.asdict(found.means),
        "remedies": list(found.remedies),
        "remarks": list(found.remarks),
    }


def print_diagnosis(screen: Screen, found: Diagnosis) -> None:
    """Print which walls held, what was tried at each, what to change where one did not, and the grade."""
    screen.document(diagnosis_document(found))
    screen.line(f"sandbox: {found.sandbox}, grade: {found.grade}", style="bold")
    walls = found.walls
    columns = ("check", "held", "tried", "stopped by")
    screen.table(columns, [(wall.wall, "yes" if wall.held else "NO", wall.tried, wall.stopped_by) for wall in walls])
    if found.means is not None:
        screen.line(_means_text(found.means))
    for sentence in (*found.remedies, *found.remarks):
        screen.line(sentence)


def _means_text(means: Means) -> str:
    uid = "the code runs as a user of its own" if means.own_uid else "the code runs as the user who called"
    landlock = f"Landlock ABI {means.landlock}" if means.landlock else "no Landlock"
    built = "inside user namespaces" if means.user_namespace else "by root"
    return f"memory and tasks are bounded by {means.counted_by}; {uid}; {landlock}; isolation set up {built}"
