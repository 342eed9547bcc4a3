"""The user of a sandbox has a name, a group and a home, as every user of a machine."""

from collections.abc import Callable

import pytest

from poet_engine import Engine

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]

QUESTIONS = {
    "getuser": "import getpass\nprint(getpass.getuser())",
    "pwd by number": """
import os, pwd
user = pwd.getpwuid(os.getuid())
assert user.pw_uid == os.getuid()
print(user.pw_name)
""",
    "pwd by name": """
import os, pwd
assert pwd.getpwnam('poet').pw_uid == os.getuid()
print(pwd.getpwnam('poet').pw_name)
""",
    "grp": """
import grp, os
assert grp.getgrnam('poet').gr_gid == os.getgid()
print(grp.getgrgid(os.getgid()).gr_name)
""",
    "owner": """
from pathlib import Path
Path('x').write_text('x')
assert Path('x').group()
print(Path('x').owner())
""",
}


@pytest.mark.parametrize("source", QUESTIONS.values(), ids=QUESTIONS)
def test_it_has_a_name(open_engine: OpenEngine, any_code_policy: AnyCodePolicy, source: str) -> None:
    """The same one by every way in which programs ask."""
    outcome = open_engine(any_code_policy("restricted", "")).run_script(source)
    assert (outcome.status, outcome.stdout) == ("ok", "poet\n"), outcome


def test_it_has_a_home(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """It is the folder that a call may write to."""
    source = "import os, pathlib\nprint(os.path.expanduser('~'), os.path.expanduser('~poet'), pathlib.Path.home())"
    assert open_engine(any_code_policy("restricted", "")).run_script(source).stdout == "/tmp /tmp /tmp\n"  # noqa: S108 - the sandbox's own


def test_root_has_one(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """The user and the group 0 are on every machine; `tarfile` and installers ask for them."""
    source = """
import grp, pwd
print(pwd.getpwuid(0).pw_name, pwd.getpwnam('root').pw_uid, grp.getgrgid(0).gr_name, grp.getgrnam('root').gr_gid)
"""
    assert open_engine(any_code_policy("restricted", "")).run_script(source).stdout == "root 0 root 0\n"


def test_nobody_else_has_one(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """A user who is not there stays unknown, with the interpreter's own error."""
    source = """
import grp, pwd
for ask in (lambda: pwd.getpwuid(987654), lambda: grp.getgrnam('nobody-here')):
    try:
        ask()
    except KeyError as error:
        print(error)
"""
    said = open_engine(any_code_policy("restricted", "")).run_script(source).stdout
    assert said == "'getpwuid(): uid not found: 987654'\n\"getgrnam(): name not found: 'nobody-here'\"\n"
