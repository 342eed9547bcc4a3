"""The TOML documents behind a policy: find and parse them, check and locate their keys, but not their values."""

import dataclasses
import functools
import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NoReturn, TypeGuard

from poet_engine import _files, _ownership, _resources
from poet_engine._text import suggest
from poet_engine.errors import PolicyError
from poet_engine.policy import read_files, waivers
from poet_engine.policy.keys import IMPORTS, KEYS, SECTIONS, WAIVERS
from poet_engine.policy.toml_positions import locate

_MAX_FILE = 2**20
PROJECT_FILE = "pyproject.toml"

HEAD = ("version", "name", "extends", "may_loosen")
_SECTIONS: Mapping[str, frozenset[str]] = {
    section: frozenset([name.partition(".")[2] for name in KEYS if name.startswith(f"{section}.")])
    for section in SECTIONS
}
_TOP = frozenset({*HEAD, WAIVERS, *_SECTIONS})


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """A raw value and its place in a document."""

    value: object
    file: str
    line: int | None
    preset: bool

    @property
    def origin(self) -> str:
        """The origin of the value in `Policy.origin`: a preset's name, or the file and line."""
        return self.file if self.preset or self.line is None else f"{self.file}:{self.line}"


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """A TOML document with known and flattened keys and unchecked values.

    Attributes:
        label: The document's name in errors and origins.
        folder: The folder that relative paths in it start from; None where there is no file.
        preset: Whether it ships with the package: its origins then carry no line.
        head: The settings outside of sections: version, name, parent, and the keys that may be loosened below it.
        settings: Dotted key → setting; a module's entry is `static.imports.<module>`, the rule of
            the second waiver `waivers.1.rule`.
        owners: The uids whose files it may name; None where the user named the document, and it may name any.
    """

    label: str
    folder: Path | None
    preset: bool
    head: Mapping[str, Setting]
    settings: Mapping[str, Setting]
    owners: Collection[int] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """The content of a file, and whether others may have written it.

    Attributes:
        text: Its content.
        foreign: Why somebody who is not trusted may have written it; None where nobody else may have.
        found: The status of the file that was read.
    """

    text: str
    foreign: str | None
    found: os.stat_result


def find(name: str | Path, child: Document | None) -> Document:
    """Return the document of a preset's name or of a path; relative paths start from the folder of `child`.

    Raises:
        PolicyError: There is no such document, it cannot be read, or a key in it is unknown.
    """
    if names_preset(name):
        return preset(name)
    path = Path(name)
    if child is not None and not path.is_absolute():
        if child.folder is None:
            raise PolicyError(
                f"{name} is relative, but this policy is no file; name a preset or an absolute path", file=child.label
            )
        path = child.folder / path
    if path.name == PROJECT_FILE:
        return _named_project(path)
    return file(path, path.name, owners=None if child is None else child.owners)


def names_preset(name: object) -> TypeGuard[str]:
    """Whether a name is that of a preset, rather than a path."""
    return isinstance(name, str) and "/" not in name and not name.endswith(".toml")


def _named_project(path: Path) -> Document:
    """Return the policy in a project's file that the user has named, whoever owns the file."""
    document = project(path, text_of(path).text)
    if document is None:
        raise PolicyError("has no [tool.poet]; write one, or name a policy file", file=str(path))
    return document


def file(path: Path, label: str, *, owners: Collection[int] | None = None) -> Document:
    """Return the document in a file.

    Args:
        path: The file.
        label: The document's name in errors and origins.
        owners: The uids that may own it, and whose files it may name; None for all.

    Raises:
        PolicyError: The file cannot be read, others than the owners may have written it, or a key in it is unknown.
    """
    found = text_of(path, owners)
    if found.foreign is not None:
        raise foreign(
            path, found.foreign, "" if owners != {_ownership.ROOT} else "give it to root (chown root, chmod go-w)"
        )
    return read(found.text, label, folder=path.resolve().parent, preset=False, owners=owners)


def foreign(path: Path, why: str, remedy: str = "") -> PolicyError:
    """Return the error for a file that others may have written.

    Args:
        path: The file.
        why: The reason to think so.
        remedy: The remedy for the user; a default where it is empty.
    """
    own = "make it yours (chown, chmod go-w), or name it in POET_POLICY if you trust who wrote it"
    return PolicyError(
        f"{why}, so others may have written it, and it is not obeyed. To have it obeyed, {remedy or own}",
        file=str(path.absolute()),
    )


def text_of(path: Path, owners: Collection[int] | None = None) -> Text:
    """Read the text of a policy file.

    Args:
        path: The file: a regular one, or a link to one.
        owners: The uids that are trusted; None for all.

    Raises:
        PolicyError: The file cannot be read, is not UTF-8, or is far too long.
    """
    read_files.note(path)
    try:
        with _files.open_regular(path) as stream:
            found = os.fstat(stream.fileno())
            why = None
            if owners is not None:
                for folder in (path.absolute().parent, path.resolve().parent):
                    read_files.note(folder)
                why = _ownership.why_foreign(path, found, owners)
            return Text(_files.content(stream, _MAX_FILE).decode("utf-8"), why, found)
    except OSError as error:
        raise PolicyError(f"cannot be read: {error.strerror}; give a preset or a .toml file", file=str(path)) from None
    except _files.IrregularFileError as error:
        text = f"cannot be read: it is {error}; give a preset or a .toml file"
        raise PolicyError(text, file=str(path)) from None
    except UnicodeDecodeError as error:
        raise PolicyError(f"is not UTF-8: {error.reason} at byte {error.start}", file=str(path)) from None
    except _files.LargeFileError:
        raise PolicyError(f"is longer than {_MAX_FILE} bytes, which no policy is", file=str(path)) from None


@functools.cache
def preset(name: str) -> Document:
    """Return the shipped policy of this name.

    Raises:
        PolicyError: There is none of this name.
    """
    known = presets()
    if name not in known:
        raise PolicyError(
            f"there is no policy called {name!r}{suggest(name, known)}; presets: {', '.join(known)}; "
            "a file needs a slash or the ending .toml",
            file=name or "<policy>",
        )
    folder = _resources.folder("policies")
    text = (folder / f"{name}.toml").read_text("utf-8")
    return read(text, name, folder=folder, preset=True)


def presets() -> tuple[str, ...]:
    """Return the names of the shipped policies, sorted."""
    return tuple(sorted(path.stem for path in _resources.folder("policies").glob("*.toml")))


def read(
    text: str, label: str, *, folder: Path | None, preset: bool, owners: Collection[int] | None = None
) -> Document:
    """Parse a TOML text into a `Document`, whose fields the arguments are.

    Raises:
        PolicyError: The text is not TOML, or a key is unknown.
    """
    # What a preset says is told by its name alone, and is found right by the tests of this project.
    places = _KeyPositions(label, {} if preset else locate(text))
    document = flat(parsed(text, label), places, folder=folder, preset=preset)
    return dataclasses.replace(document, owners=owners)


def parsed(text: str, label: str) -> dict[str, object]:
    """Return the parsed TOML.

    Raises:
        PolicyError: The text is not TOML.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1  # else it says "at end of document"
        raise PolicyError(f"is not TOML: {error}", file=label, line=line) from None


def flat(data: Mapping[str, object], places: "_KeyPositions", *, folder: Path | None, preset: bool) -> Document:
    """Return a parsed table as a document, its keys flattened.

    Raises:
        PolicyError: A key is unknown.
    """
    head: dict[str, Setting] = {}
    settings: dict[str, Setting] = {}
    for path, value in _flatten(data, places):
        setting = Setting(value, places.label, None if preset else places.line(*path), preset)
        if path[0] in HEAD:
            head[path[0]] = setting
        else:
            settings[".".join(path)] = setting
    return Document(places.label, folder, preset, head, settings)


def project(path: Path, text: str, owners: Collection[int] | None = None) -> Document | None:
    """Return the policy in a pyproject.toml: `policy = "name"` or the table `[tool.poet.policy]`; None without either.

    It is read below `[tool.poet]`.

    Args:
        path: The file.
        text: Its content.
        owners: The uids whose policy files it may name; None for all.

    Raises:
        PolicyError: The file is not TOML, or the table is wrong.
    """
    label = path.name
    tool = parsed(text, label).get("tool")
    table = tool.get("poet") if isinstance(tool, dict) else None
    if table is None:
        return None
    places = _KeyPositions(label, locate(text), ("tool", "poet"))
    unknown = next((name for name in places.table(table) if name != "policy"), None)
    if unknown is not None:
        places.refuse_unknown(unknown, frozenset({"policy"}))
    value: object = table.get("policy", {})
    inner = _KeyPositions(label, places.lines, ("tool", "poet", "policy"))
    if isinstance(value, str):
        setting = Setting(value, label, places.line("policy"), preset=False)
        return Document(label, path.resolve().parent, False, {"name": setting, "extends": setting}, {}, owners)
    document = flat(inner.table(value), inner, folder=path.resolve().parent, preset=False)
    return dataclasses.replace(document, owners=owners)


def says_nothing(text: str, label: str) -> bool:
    """Whether a pyproject.toml has no policy: it is TOML, and has no `[tool.poet]`."""
    try:
        tool = parsed(text, label).get("tool")
    except PolicyError:
        return False
    return not (isinstance(tool, dict) and "poet" in tool)


def _flatten(data: Mapping[str, object], places: "_KeyPositions") -> list[tuple[tuple[str, ...], object]]:
    """Return every value with its path: the tables of the format are flattened, unknown keys refused."""
    found: list[tuple[tuple[str, ...], object]] = []
    for name, value in data.items():
        if name not in _TOP:
            places.refuse_unknown(name, _TOP)
        if name == WAIVERS:
            found += _flatten_waivers(value, places)
            continue
        if name not in _SECTIONS:
            found.append(((name,), value))
            continue
        for key, inner in places.table(value, name).items():
            if key not in _SECTIONS[name]:
                places.refuse_unknown(key, _SECTIONS[name], name)
            if f"{name}.{key}" == IMPORTS:
                found += [((name, key, module), names) for module, names in places.table(inner, name, key).items()]
            else:
                found.append(((name, key), inner))
    return found


def _flatten_waivers(value: object, places: "_KeyPositions") -> Iterable[tuple[tuple[str, ...], object]]:
    """Yield the fields of each waiver under its number, keys known and complete, after the list itself."""
    if not isinstance(value, list):
        places.refuse("expected tables, each written [[waivers]]", WAIVERS)
    yield (WAIVERS,), value
    for number, table in enumerate(value):
        path = (WAIVERS, str(number))
        given = places.table(table, *path)
        unknown = next((key for key in given if key not in waivers.FIELDS), None)
        if unknown is not None:
            places.refuse_unknown(unknown, frozenset(waivers.FIELDS), *path)
        missing = [name for name in waivers.FIELDS if name not in given]
        if missing:
            places.refuse(f"a waiver needs {', '.join(waivers.FIELDS)}; {', '.join(missing)} is missing", *path)
        yield from (((*path, key), inner) for key, inner in given.items())


@dataclasses.dataclass(frozen=True, slots=True)
class _KeyPositions:
    """The lines of the keys of one text, and the errors that name them; `around` is the table that the keys are in."""

    label: str
    lines: Mapping[tuple[str, ...], int]
    around: tuple[str, ...] = ()

    def line(self, *path: str) -> int | None:
        """Return the line of a key, or of the nearest table around it."""
        path = (*self.around, *path)
        below = [line for key, line in self.lines.items() if key[: len(path)] == path]  # an unquoted dotted key
        if below:
            return min(below)
        return next((self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), None)

    def refuse_unknown(self, name: str, among: frozenset[str], *table: str) -> NoReturn:
        self.refuse(f"unknown key{suggest(name, among)}; known here: {', '.join(sorted(among))}", *table, name)

    def table(self, value: object, *path: str) -> dict[str, object]:
        if isinstance(value, dict):
            return value
        return self.refuse(f"expected a table, written [{'.'.join((*self.around, *path))}]", *path)

    def refuse(self, why: str, *path: str) -> NoReturn:
        raise PolicyError(why, file=self.label, line=self.line(*path), key=".".join((*self.around, *path)))
