"""Show what a change did to the tests beyond the renames of tools/renames.toml.

    python tools/check_renames.py REV

The table is applied to the tests of REV, and the difference to the tests of this checkout is printed: each hunk that is
left expects something else than before, and wants a reason in its commit. Tests that are new are not shown. Exit status
0 when nothing is left, 1 when something is.
"""

import argparse
import contextlib
import difflib
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from rename import apply

ROOT = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def renamed(revision: str) -> Iterator[Path]:
    """A work tree of a commit, to which the table was applied."""
    tables = tomllib.loads((ROOT / "tools/renames.toml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        subprocess.run(["git", "worktree", "add", "-q", "--detach", str(tree), revision], cwd=ROOT, check=True)
        try:
            apply(tree, tables)
            ruff = [sys.executable, "-m", "ruff"]
            subprocess.run([*ruff, "check", "--quiet", "--select", "I", "--fix", "."], cwd=tree, check=False)
            subprocess.run([*ruff, "format", "--quiet", "."], cwd=tree, check=True)
            yield tree
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)


def differences(before: Path, after: Path) -> Iterator[str]:
    """Unified differences of the tests that were there before."""
    for old in sorted((before / "tests").rglob("*.py")):
        path = old.relative_to(before)
        new = after / path
        lines = new.read_text(encoding="utf-8").splitlines() if new.exists() else []
        name = str(path)
        yield from difflib.unified_diff(old.read_text(encoding="utf-8").splitlines(), lines, name, name, lineterm="")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Show what a change did to the tests beyond the table of renames.")
    parser.add_argument("revision", metavar="REV", help="the commit before the renames")
    asked = parser.parse_args()
    with renamed(asked.revision) as tree:
        left = list(differences(tree, ROOT))
    print("\n".join(left) if left else "nothing but renames")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
