"""Check the message of a commit: an imperative subject of at most 72 characters, and a body apart from it.

    python tools/check_commit_message.py FILE

Git calls it by way of `.pre-commit-config.yaml` (CONTRIBUTING.md). Exit status 0, or 1 with the reasons on stderr.
"""

import sys
from pathlib import Path

LONGEST_SUBJECT = 72  # what `git log --oneline` and code hosts show in full
# Endings of words that tell what was done, or what somebody does, instead of what to do. A word that ends so and is an
# imperative all the same is listed beside them.
_NOT_IMPERATIVE = ("ed", "ing")
_IMPERATIVE = frozenset({"Bring", "Embed", "Feed", "Need", "Ping", "Proceed", "Seed", "Shed", "Speed", "String", "Wed"})
_MADE_BY_GIT = ("Merge ", "Revert ", "fixup! ", "squash! ")


def problems(message: str) -> list[str]:
    """Everything that is wrong with a message, in sentences; comments and what follows the scissors do not count."""
    text = message.partition("# ------------------------ >8")[0]
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).rstrip().split("\n")
    subject = lines[0]
    if not subject.strip():
        return ["The subject is empty. Say in the first line what the commit does."]
    if subject.startswith(_MADE_BY_GIT):
        return []
    found = _problems_of_subject(subject)
    if len(lines) > 1 and lines[1].strip():
        found.append("The second line is not empty. Leave an empty line between subject and body.")
    return found


def _problems_of_subject(subject: str) -> list[str]:
    first = subject.split(maxsplit=1)[0]
    found = []
    if len(subject) > LONGEST_SUBJECT:
        found.append(f"The subject has {len(subject)} characters. Keep it to {LONGEST_SUBJECT}; the body says why.")
    if subject.endswith("."):
        found.append("The subject ends with a full stop. Leave it out: a subject is a title.")
    if not first[0].isupper():
        found.append(f"The subject begins with {first!r}. Begin with a capital letter.")
    if first not in _IMPERATIVE and first.endswith(_NOT_IMPERATIVE):
        found.append(f"The subject begins with {first!r}. Begin with what to do, such as Fix, Add, Keep or Say.")
    return found


def main(arguments: list[str]) -> int:
    """The command line."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    found = problems(Path(arguments[0]).read_text(encoding="utf-8"))
    for problem in found:
        print(f"commit message: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
