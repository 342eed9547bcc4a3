"""The checks of bandit that are about a library, with the library: where a source cannot have it, the issue is idle.

bandit looks at names only: a function of one's own that is called `extra` is Django's to it. Checks that are not listed
here are about the language itself (`eval`, a bare `except`, a password in the source) and are never idle.
"""

import dataclasses
import sys
from collections.abc import Iterable, Mapping

from poet_engine.gate.ruleset import Allowance

# Libraries that were looked through: they have nothing of what `by_others` is about, but for the names in the table.
_KNOWN = sys.stdlib_module_names | {"numpy", "pandas", "scipy", "sklearn"}


@dataclasses.dataclass(frozen=True, slots=True)
class LibraryCheck:
    """The libraries that a check of bandit is about.

    Attributes:
        paths: Modules and names of modules; without any of them there is nothing that the issue could be about.
        why: What the check looks at, so that the list can be judged.
        by_others: Whether a library that nobody has looked through may be meant as well. It is not where the check
            asks for the name of the library itself.
    """

    paths: tuple[str, ...]
    why: str
    by_others: bool = False

    def is_idle(self, allowance: Allowance, imported: Iterable[str]) -> bool:
        """Whether neither the policy lists nor the source imports anything that the check could be about."""
        if any(allowance.uses(path) or allowance.allows(path) for path in self.paths):
            return False
        if any(_within(module, path) or _within(path, module) for module in imported for path in self.paths):
            return False
        tops = {path.partition(".")[0] for path in (*allowance.modules, *imported)}
        return not (self.by_others and tops - _KNOWN)


def _within(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}.")


_PROCESSES = ("asyncio", "multiprocessing", "os", "pty", "subprocess")
_XML = ("xml",)
_CRYPTO = ("Crypto", "Cryptodome", "cryptography")
_TLS = ("OpenSSL", "asyncio", "http.client", "ssl", "urllib.request")

CHECKS: Mapping[str, LibraryCheck] = {
    "B103": LibraryCheck(("os", "pathlib"), "any function whose name holds `chmod`", by_others=True),
    "B104": LibraryCheck(
        ("asyncio", "http", "socket", "socketserver"), "the text of an address on which something listens"
    ),
    "B108": LibraryCheck(
        ("io.open", "os", "pathlib", "shutil", "sqlite3", "tempfile"), "the text of a path that something writes to"
    ),
    "B113": LibraryCheck(("httpx", "requests"), "calls of a name that begins with the library's"),
    "B201": LibraryCheck(("flask",), "`run` of an application; bandit asks whether flask is imported"),
    "B202": LibraryCheck(("tarfile",), "`extractall`; bandit asks whether tarfile is imported"),
    "B301": LibraryCheck(("dill", "jsonpickle", "pandas.read_pickle", "pickle", "shelve"), "names of these libraries"),
    "B302": LibraryCheck(("marshal",), "names of the library"),
    "B303": LibraryCheck(_CRYPTO, "names of these libraries"),
    "B304": LibraryCheck(_CRYPTO, "names of these libraries"),
    "B305": LibraryCheck(_CRYPTO, "names of these libraries"),
    "B306": LibraryCheck(("tempfile",), "one name of the library"),
    "B308": LibraryCheck(("django",), "one name of the library"),
    "B310": LibraryCheck(("six", "urllib.request"), "names of these libraries"),
    "B311": LibraryCheck(("random",), "names of the library"),
    "B312": LibraryCheck(("telnetlib",), "one name of the library"),
    "B313": LibraryCheck(_XML, "names of the library"),
    "B314": LibraryCheck(_XML, "names of the library"),
    "B315": LibraryCheck(_XML, "names of the library"),
    "B316": LibraryCheck(_XML, "names of the library"),
    "B317": LibraryCheck(_XML, "names of the library"),
    "B318": LibraryCheck(_XML, "names of the library"),
    "B319": LibraryCheck(_XML, "names of the library"),
    "B321": LibraryCheck(("ftplib",), "one name of the library"),
    "B323": LibraryCheck(("ssl",), "one name of the library"),
    "B324": LibraryCheck(("crypt", "hashlib"), "names of these libraries"),
    "B501": LibraryCheck(("httpx", "requests"), "calls of a name that begins with the library's"),
    "B502": LibraryCheck(_TLS, "any call with a keyword that names an old protocol", by_others=True),
    "B503": LibraryCheck(_TLS, "a default that names an old protocol", by_others=True),
    "B504": LibraryCheck(("ssl",), "one name of the library"),
    "B505": LibraryCheck(_CRYPTO, "names of these libraries"),
    "B506": LibraryCheck(("yaml",), "`load`; bandit asks whether yaml is imported"),
    "B507": LibraryCheck(("paramiko",), "one method; bandit asks whether paramiko is imported"),
    "B508": LibraryCheck(("pysnmp",), "one name of the library"),
    "B509": LibraryCheck(("pysnmp",), "one name of the library"),
    "B601": LibraryCheck(("paramiko",), "one method; bandit asks whether paramiko is imported"),
    "B602": LibraryCheck(("subprocess",), "names of the library"),
    "B603": LibraryCheck(("subprocess",), "names of the library"),
    "B604": LibraryCheck(_PROCESSES, "any function with `shell=True`", by_others=True),
    "B605": LibraryCheck(("commands", "os", "popen2", "subprocess"), "names of these libraries"),
    "B606": LibraryCheck(("os",), "names of the library"),
    "B607": LibraryCheck(("os", "subprocess"), "names of these libraries"),
    # pandas takes a connection from another library, or makes one with sqlalchemy
    "B608": LibraryCheck(
        ("pandas.read_sql", "pandas.read_sql_query", "sqlite3"),
        "a text that reads like SQL and is put together; it harms where something sends it to a database",
        by_others=True,
    ),
    "B609": LibraryCheck(("commands", "os", "popen2", "subprocess"), "names of these libraries"),
    "B610": LibraryCheck(("django",), "any function that is called `extra`", by_others=True),
    "B611": LibraryCheck(("django",), "any function that is called `RawSQL`", by_others=True),
    "B612": LibraryCheck(("logging.config",), "one name of the library"),
    "B614": LibraryCheck(("torch",), "`load`; bandit asks whether torch is imported"),
    "B615": LibraryCheck(
        ("datasets", "huggingface_hub", "transformers"), "a few methods; bandit asks for an import", by_others=True
    ),
    "B701": LibraryCheck(("jinja2",), "one name of the library"),
    "B702": LibraryCheck(("mako",), "one name of the library"),
    "B703": LibraryCheck(("django",), "one name of the library"),
    "B704": LibraryCheck(("flask", "markupsafe"), "names of these libraries"),
}  # fmt: skip
