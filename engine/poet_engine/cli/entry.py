"""The entry point of `poet`: its arguments in, an exit code out."""

import sys

TYPE_CHECKING = False  # type checkers read it as true; `typing` would take as long as `poet --version` may
if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130  # 128 + SIGINT, as shells count


def main(arguments: "Sequence[str] | None" = None) -> int:
    """Run one command and return its exit code: 0 fine, 1 findings or a failed outcome, 2 wrong use or our own fault.

    Args:
        arguments: What follows the command's name; this process's own arguments by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given == ["--version"] and _print_version():
            return 0
        from poet_engine.cli.app import run_command  # noqa: PLC0415 - the version does not wait for the grammar to load

        return run_command(given)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _print_version() -> bool:
    """Print the version; False where standard output does not take it, which the grammar's own way will report."""
    from poet_engine._version import VERSION  # noqa: PLC0415 - other commands do not need it

    try:
        print(f"poet {VERSION}", flush=True)  # noqa: T201 - `Screen` loads what only other commands need
    except OSError:
        return False
    return True
