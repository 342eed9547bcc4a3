"""The locale that the environment names can be set: its data is in the root."""

from collections.abc import Callable

import pytest

from poet_engine import Engine, Outcome

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]
SameAsCPython = Callable[[str, str, str], Outcome]

SCRIPTS = {
    "all that it names": "import locale\nprint(locale.setlocale(locale.LC_ALL, ''))",
    "one category": "import locale\nprint(locale.setlocale(locale.LC_TIME, ''), locale.getlocale(locale.LC_TIME))",
    "what it says": """
import locale
locale.setlocale(locale.LC_ALL, '')
print(locale.localeconv()['decimal_point'], locale.getencoding(), locale.format_string('%d', 1234567, grouping=True))
print(sorted(['b', 'A', 'a', 'ä'], key=locale.strxfrm))
""",
    "one that is not there": """
import locale
try:
    locale.setlocale(locale.LC_ALL, 'xx_XX.UTF-8')
except locale.Error as error:
    print(error)
""",
    "calendar": """
import calendar, locale
locale.setlocale(locale.LC_ALL, '')
print(calendar.LocaleTextCalendar().formatmonth(2024, 2))
""",
}


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_sets_its_locale(same_as_cpython: SameAsCPython, source: str) -> None:
    """As plain CPython does where `LANG` names the same one."""
    same_as_cpython(source, "", "restricted")


def test_a_function_too(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """The environment is the same."""
    source = "import locale\ndef f():\n    return locale.setlocale(locale.LC_ALL, '')"
    assert open_engine(any_code_policy("restricted", "")).run(source, "f").value == "C.UTF-8"
