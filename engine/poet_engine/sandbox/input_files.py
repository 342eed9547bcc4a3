"""Check and read the input of a script: files, standard input, arguments. Wrong use is refused before anything runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from poet_engine import _files
from poet_engine.errors import SerializationError, UsageError
from poet_engine.guest import names
from poet_engine.guest.script import as_file
from poet_engine.job import Script
from poet_engine.policy import Limits

_PAGE = 4096  # bytes; a file takes whole pages
_MOST_ARGUMENTS = 128 * 1024  # bytes
_MOST_PATTERNS = 1000
_MOST_AT_ALL = 1 << 30  # a request is one frame
_COPIES = 3  # for a moment the input is in memory as received, as split, and as written


def read(files: Mapping[str, bytes | Path], limits: Limits) -> dict[str, bytes]:
    """Return the contents of files that are given as bytes or as paths of this machine.

    Raises:
        SerializationError: One is neither.
        UsageError: One cannot be read, is no regular file, or together they are more than the sandbox has room for.
    """
    given: object = files
    if not isinstance(given, Mapping):
        raise UsageError(f"files_in is of type {type(given).__name__}, and names each file; pass {{name: content}}")
    contents: dict[str, bytes] = {}
    room = limits.disk
    for name, value in files.items():
        contents[name] = _read(value, name, max(0, room))
        room -= len(contents[name])
    return contents


def _read(value: object, name: str, most: int) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, Path):
        why = "a file is given as bytes, or as a Path that is read here"
        raise SerializationError(f"files_in[{name!r}]", type(value).__name__, why)
    try:
        return _files.read(value, most=most)
    except OSError as error:
        raise UsageError(f"files_in[{name!r}]: {value} cannot be read: {error.strerror}") from None
    except _files.IrregularFileError as error:
        raise UsageError(f"files_in[{name!r}]: {value} is {error}, no regular file; name one") from None
    except _files.LargeFileError:
        text = f"files_in[{name!r}]: {value} has more than the {most:,} bytes that limits.disk leaves it"
        raise UsageError(text) from None


def encode(stdin: bytes | str) -> bytes:
    """Return standard input as bytes; text becomes UTF-8.

    Raises:
        SerializationError: It is neither bytes nor text.
        UsageError: The text is none that UTF-8 can carry.
    """
    if isinstance(stdin, bytes):
        return stdin
    if not isinstance(stdin, str):
        raise SerializationError("stdin", type(stdin).__name__, "it is bytes or text")
    try:
        return stdin.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"stdin holds half a character at index {error.start}; pass bytes instead") from None


def check(script: Script) -> None:
    """Refuse names, patterns and arguments that could mean something else on the other side.

    Raises:
        UsageError: The message names the one that is wrong.
    """
    for name in script.files_in:
        _refuse_odd(name, f"files_in[{name!r}]")
    if not script.cells and script.files_in.get(script.filename, as_file(script.source)) != as_file(script.source):
        raise UsageError(f"files_in[{script.filename!r}] is the name of the script's own file; give it another one")
    _refuse_files_that_are_folders(script.files_in)
    _refuse_one_text(script.files_out, "files_out")
    _refuse_one_text(script.argv, "argv")
    if len(script.files_out) > _MOST_PATTERNS:
        raise UsageError(f"files_out has {len(script.files_out)} entries; at most {_MOST_PATTERNS}, so use patterns")
    for pattern in script.files_out:
        _refuse_odd(pattern, f"files_out: {pattern!r}")
    _check_arguments(script.argv)


def _refuse_odd(name: object, where: str) -> None:
    if not isinstance(name, str):
        raise UsageError(f"{where}: a name is text, such as 'folder/data.csv'")
    why = names.why_odd(name)
    if why is not None:
        raise UsageError(f"{where}: {why}; use a relative name such as 'folder/data.csv'")


def _refuse_files_that_are_folders(files: Mapping[str, bytes]) -> None:
    for name in files:
        parts = name.split("/")
        for end in range(1, len(parts)):
            if (folder := "/".join(parts[:end])) in files:
                raise UsageError(f"files_in[{folder!r}] is a file, and files_in[{name!r}] needs it to be a folder")


def _refuse_one_text(value: Sequence[str], where: str) -> None:
    if isinstance(value, str | bytes):
        raise UsageError(f"{where} is a sequence of texts, and {value!r} is one text; write [{value!r}]")
    given: object = value
    if not isinstance(given, Sequence):
        raise UsageError(f"{where} is a sequence of texts, not of type {type(given).__name__}; pass a list of texts")


def _check_arguments(argv: Sequence[object]) -> None:
    size = 0
    for index, argument in enumerate(argv):
        if not isinstance(argument, str) or "\0" in argument:
            raise UsageError(f"argv[{index}] is no text without null characters; convert it")
        try:
            size += len(argument.encode())
        except UnicodeEncodeError:
            raise UsageError(f"argv[{index}] holds half a character; only whole text can be passed") from None
    if size > _MOST_ARGUMENTS:
        raise UsageError(f"argv has {size:,} bytes, and at most {_MOST_ARGUMENTS:,} fit; pass a file instead")


def refuse_too_much(script: Script, limits: Limits) -> None:
    """Refuse input that the temporary files of a run have no room for, before the run.

    Raises:
        UsageError: The message names the limit to raise.
    """
    modules = [content.encode() if isinstance(content, str) else content for content in script.modules.values()]
    contents = [*script.files_in.values(), *([script.stdin] if script.stdin else []), *modules]
    taken = sum(-(-len(content) // _PAGE) * _PAGE for content in contents)
    rooms = (
        (limits.disk, "limits.disk"),
        (limits.memory // _COPIES, "a third of limits.memory, which sending them takes"),
        (_MOST_AT_ALL, "what can be sent at once"),
    )
    for room, what in rooms:
        if taken > room:
            text = f"files_in, modules and stdin need {taken:,} bytes in the sandbox, which has {room:,} ({what})"
            raise UsageError(f"{text}; pass less, or use a policy that allows more")
    folders = {name.rpartition("/")[0] for name in script.files_in}
    project = {name.rpartition("/")[0] for name in script.modules}
    count = len(contents) + len(_with_parents(folders)) + len(_with_parents(project)) + 1 + bool(project)
    if count > limits.inodes:
        text = f"files_in, modules and their folders are {count:,} in all, and limits.inodes allows {limits.inodes:,}"
        raise UsageError(f"{text}; pass fewer, or use a policy that allows more")


def _with_parents(folders: set[str]) -> set[str]:
    found: set[str] = set()
    for folder in folders:
        rest = folder
        while rest and rest not in found:
            found.add(rest)
            rest = rest.rpartition("/")[0]
    return found
