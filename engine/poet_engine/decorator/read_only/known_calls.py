"""Calls that are known only to read, and their results: builtins, the pure standard library, libraries for HTTP.

`print`, logging and random numbers are left out on purpose: people see the first, and the others leave a state behind.
"""

import ast
import builtins
import inspect
import re
from collections.abc import Mapping, Sequence

from poet_engine.decorator.read_only.values import (
    BOX,
    DATA,
    PATH,
    RESPONSE,
    ROWS,
    STANDARD,
    UNKNOWN,
    Home,
    Value,
    ValueKind,
    home,
    is_client,
    of_library_for_http,
)
from poet_engine.domains.identifier_words import word_set

_GIVES_DATA = word_set(
    "all any ascii bin bool bytes callable chr complex float format hasattr hash hex id int isinstance issubclass len "
    "oct ord range repr round str sum",
)
_GIVES_BOX = word_set("bytearray dict enumerate filter frozenset iter list map reversed set slice sorted tuple zip")
_GIVES_ANYTHING = word_set("abs divmod getattr max min next object pow type")
# Position of an argument that the call calls, in addition to the keywords below.
_CALLS_ARGUMENT: Mapping[str, int] = {"map": 0, "filter": 0, "defaultdict": 0, "sub": 1, "subn": 1}
_ONLY_COMPARES = word_set("isinstance issubclass")
CALLED_KEYWORDS = word_set(
    "key object_hook object_pairs_hook parse_float parse_int parse_constant cls default_factory repl default"
)

_EVERYTHING = "*"
# Module → its names that only compute or read.
_STANDARD: Mapping[str, frozenset[str]] = {
    name: word_set(names)
    for name, names in {
        **dict.fromkeys(
            word_set(
                "math cmath statistics string textwrap unicodedata fractions decimal datetime zoneinfo calendar struct "
                "base64 binascii hashlib html urllib.parse ipaddress time os.path numbers colorsys",
            ),
            _EVERYTHING,
        ),
        "json": "loads dumps load JSONDecodeError decoder.JSONDecodeError",
        "re": "match search fullmatch findall finditer split compile escape sub subn Match Pattern error",
        "hmac": "new digest compare_digest",
        "bisect": "bisect bisect_left bisect_right",
        "csv": "reader DictReader",
        "io": "StringIO BytesIO",
        "zlib": "compress decompress crc32 adler32",
        "gzip": "compress decompress",
        "os": "getenv getcwd listdir stat scandir walk getpid cpu_count fspath",
        "uuid": "UUID",
        "contextlib": "suppress nullcontext",
        "xml.etree.ElementTree": "fromstring XML",
    }.items()
}
_CONTAINERS: Mapping[str, frozenset[str]] = {
    "collections": word_set("Counter OrderedDict deque defaultdict ChainMap namedtuple"),
    "itertools": word_set(
        "chain chain.from_iterable count cycle repeat islice zip_longest product permutations combinations compress "
        "pairwise batched combinations_with_replacement",
    ),
    "heapq": word_set("nlargest nsmallest"),
    "asyncio.tasks": word_set("gather sleep wait_for"),
    "dataclasses": word_set("asdict astuple replace"),
}
# Methods that run a database query; the text of the query decides.
QUERIES = word_set("execute fetch fetchrow fetchval")
CURSORS = word_set("cursor fetchone fetchall fetchmany close keys scalar scalars first all mappings one one_or_none")
_DATABASES = word_set("sqlite3 psycopg psycopg2 asyncpg pymysql MySQLdb mysql duckdb oracledb pyodbc aiosqlite")
_PATH_READS = word_set(
    "read_text read_bytes exists is_file is_dir is_symlink is_absolute stat lstat iterdir glob rglob resolve absolute "
    "joinpath with_suffix with_name with_stem as_posix as_uri relative_to is_relative_to match expanduser home cwd",
)
CHANGES = word_set(
    "append extend insert remove pop clear sort reverse update setdefault add discard popitem popleft appendleft "
    "extendleft rotate subtract move_to_end difference_update intersection_update symmetric_difference_update",
)
_RESPONSE_READS = word_set(
    "json raise_for_status read aread close aclose getheader getheaders info geturl getcode iter_lines iter_content "
    "iter_text iter_bytes aiter_lines aiter_text aiter_bytes text readline readlines release",
)
_READING_REQUESTS = word_set("get head options")
_REQUEST_KEYWORDS = word_set(
    "params headers timeout cookies allow_redirects follow_redirects verify proxies proxy stream cert url retries "
    "preload_content redirect fields ssl",
)
_SAFE_METHODS = word_set("GET HEAD OPTIONS")
_WRITES = re.compile(
    r";\s*\S|\binto\b|\bfor\s+(no\s+key\s+)?(update|share|key\s+share)\b|\b(nextval|setval|pg_\w+|dblink\w*|lo_\w+|load_file"
    r"|get_lock|release_lock|sleep|benchmark)\s*\(",
    re.IGNORECASE,
)
_SQL_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def of_call(function: object, node: ast.Call, given: Sequence[Value]) -> Value | None:  # noqa: PLR0911 - one rule a line
    """Return the result of calling a live function or class; None where the call is not known only to read.

    Args:
        function: The object that is called.
        node: The call.
        given: The values of its positional arguments.
    """
    found = home(function)
    if found is None:
        return None
    if found == Home("io", "open"):  # the builtin
        return STANDARD if _opens_to_read(node) else None
    if found.module == "builtins":
        return _of_builtin(found.name, function, node, given)
    request = of_library_for_http(function)
    if request is not None:
        return _of_request(request, function, node)
    if found.module in {"urllib.request", "pathlib", "pathlib.local"}:
        return _of_request_or_path(found.name, node, given)
    if found.package in _DATABASES and found.name.rpartition(".")[2] == "connect":
        return ROWS
    if isinstance(function, type) and issubclass(function, BaseException):
        return STANDARD
    names = _STANDARD.get(found.module, frozenset())
    if _EVERYTHING in names or found.name in names or found.name.partition(".")[0] in names:
        return STANDARD if found.module != "json" else DATA
    return BOX if found.name in _CONTAINERS.get(found.module, frozenset()) else None


def handed_over(name: str, node: ast.Call, *, method: bool) -> list[ast.expr]:
    """Return the arguments of a known call that are functions for it to call.

    Args:
        name: The name of the called function.
        node: The call.
        method: Whether it is a method, as `sub` of a pattern.
    """
    place = _CALLS_ARGUMENT.get(name)
    place = None if place is None else place - method
    if name == "iter" and len(node.args) > 1:
        place = 0
    by_place = [] if place is None or len(node.args) <= place else [node.args[place]]
    return by_place + [word.value for word in node.keywords if word.arg in CALLED_KEYWORDS]


def only_compares(name: str) -> bool:
    """Whether a call takes classes only to compare with them."""
    return name in _ONLY_COMPARES


def _of_builtin(name: str, function: object, node: ast.Call, given: Sequence[Value]) -> Value | None:
    if getattr(builtins, name, None) is not function:
        return None
    if isinstance(function, type) and issubclass(function, BaseException):
        return STANDARD
    if name == "next" and not (given and given[0].fresh):
        return None  # others that have the iterator would miss the item
    if name == "type" and len(node.args) != 1:
        return None
    if name in _GIVES_DATA:
        return DATA
    if name in _GIVES_BOX:
        return DATA if given and all(value.kind is ValueKind.DATA for value in given) and name != "iter" else BOX
    if name not in _GIVES_ANYTHING:
        return None
    plain = bool(given) and all(value.kind is ValueKind.DATA and value.fresh for value in given)
    return DATA if plain else UNKNOWN


def _opens_to_read(node: ast.Call) -> bool:
    words = {word.arg: word.value for word in node.keywords}
    mode = node.args[1] if len(node.args) > 1 else words.get("mode", ast.Constant("r"))
    if not words.keys() <= {"mode", "encoding", "errors", "newline", "file"}:
        return False
    return isinstance(mode, ast.Constant) and mode.value in {"r", "rb", "rt", "br", "tr"}


def _of_request(name: str, function: object, node: ast.Call) -> Value | None:
    if isinstance(function, type) and issubclass(function, BaseException):
        return STANDARD
    if isinstance(function, type):
        plain = is_client(function) and not node.args and _plain_words(node)
        return Value(ValueKind.CLIENT, fresh=True, node=function) if plain else None
    return RESPONSE if requests_only(name, node) else None


def requests_only(name: str, node: ast.Call) -> bool:
    """Whether a call of a library for HTTP only reads: `get`, `head`, `options`, or `request` with such a method."""
    if not _plain_words(node):
        return False
    if name in _READING_REQUESTS:
        return True
    method = node.args[0] if node.args else None
    return name == "request" and isinstance(method, ast.Constant) and method.value in _SAFE_METHODS


def _plain_words(node: ast.Call) -> bool:
    """Whether a call has only known keywords: no hooks, no body, and no `*` or `**`."""
    return all(word.arg in _REQUEST_KEYWORDS for word in node.keywords) and not any(
        isinstance(one, ast.Starred) for one in node.args
    )


def _of_request_or_path(name: str, node: ast.Call, given: Sequence[Value]) -> Value | None:
    if name in {"Path", "PurePath", "PosixPath", "PurePosixPath"}:
        return PATH
    if name in {"Path.home", "Path.cwd"}:
        return PATH
    words = {word.arg for word in node.keywords}
    if name == "urlopen":
        address = given[0] if given else UNKNOWN
        plain = (
            len(node.args) == 1
            and words <= {"timeout", "context"}
            and address.kind in {ValueKind.DATA, ValueKind.STANDARD}
        )
        return RESPONSE if plain else None
    if name == "Request":
        method = next((word.value for word in node.keywords if word.arg == "method"), ast.Constant("GET"))
        asks = isinstance(method, ast.Constant) and method.value in _SAFE_METHODS
        return STANDARD if asks and len(node.args) == 1 and words <= {"headers", "method"} else None
    return None


def of_method(receiver: Value, name: str, node: ast.Call, query: Value) -> Value | None:  # noqa: PLR0911 - one case for each kind
    """Return the result of a method; None where the call is not known only to read.

    Args:
        receiver: The value that has the method.
        name: The method.
        node: The call.
        query: The value of the first argument.
    """
    if name in QUERIES and receiver.kind in {ValueKind.UNKNOWN, ValueKind.ROWS}:
        return ROWS if isinstance(query.live, str) and selects(query.live) else None
    match receiver.kind:
        case ValueKind.DATA | ValueKind.BOX:
            if name in CHANGES and not receiver.fresh:
                return None
            return Value(ValueKind.DATA, fresh=receiver.fresh) if receiver.kind is ValueKind.DATA else _of_box(name)
        case ValueKind.STANDARD:
            return STANDARD
        case ValueKind.PATH:
            return _of_path(name, node)
        case ValueKind.RESPONSE:
            return DATA if name in _RESPONSE_READS else None
        case ValueKind.CLIENT:
            return _of_client(receiver, name, node)
        case ValueKind.ROWS:
            return ROWS if name in CURSORS else None
        case _:
            return ROWS if name == "cursor" and not node.args and not node.keywords else None


def _of_box(name: str) -> Value:
    return BOX if name in {"keys", "values", "items", "copy", "split", "most_common", "elements"} else UNKNOWN


def _of_path(name: str, node: ast.Call) -> Value | None:
    if name == "open":
        shifted = ast.Call(func=node.func, args=[ast.Constant(""), *node.args], keywords=node.keywords)
        return STANDARD if _opens_to_read(shifted) else None
    if name not in _PATH_READS:
        return None
    return DATA if name in {"read_text", "read_bytes", "as_posix", "as_uri"} else PATH


def _of_client(receiver: Value, name: str, node: ast.Call) -> Value | None:
    if name in {"close", "aclose"}:
        return STANDARD
    session = type(receiver.live) if receiver.node is None else receiver.node
    if not isinstance(session, type) or name in getattr(receiver.live, "__dict__", {}):
        return None  # the method was replaced on the session object
    # It may be replaced on the class, too.
    method = inspect.getattr_static(session, name, None)
    return RESPONSE if of_library_for_http(method) == name and requests_only(name, node) else None


def selects(text: str) -> bool:
    """Whether a query only reads, judging by its text: it begins with SELECT, and no other statement follows."""
    plain = _SQL_COMMENT.sub(" ", text).strip().rstrip(";").lstrip("( \n\t")
    return re.match(r"select\b", plain, re.IGNORECASE) is not None and _WRITES.search(plain) is None
