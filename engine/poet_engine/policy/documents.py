"""The TOML texts behind a policy: found, parsed, their keys known and placed; their values are not checked here."""

import dataclasses
import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from poet_engine import _resources
from poet_engine.errors import PolicyError
from poet_engine.policy.lines import locate
from poet_engine.policy.model import Isolation, Limits, Network, Static

_MAX_FILE = 2**20

_SECTIONS: Mapping[str, frozenset[str]] = {
    name: frozenset(field.name for field in dataclasses.fields(kind))
    for name, kind in (("static", Static), ("limits", Limits), ("network", Network), ("isolation", Isolation))
}
_TOP = frozenset({"version", "name", "extends", *_SECTIONS})


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """A raw value and where it stands."""

    value: object
    file: str
    line: int | None
    preset: bool

    @property
    def origin(self) -> str:
        """What `Policy.origin` says of it: a preset's name, or the file and line."""
        return self.file if self.preset or self.line is None else f"{self.file}:{self.line}"


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """One TOML text, its keys known and flattened, its values not checked yet."""

    label: str
    folder: Path | None
    preset: bool
    head: Mapping[str, Setting]
    settings: Mapping[str, Setting]


def find(name: str | Path, child: Document | None) -> Document:
    """The document that a name or a path stands for, a path relative to the folder of `child`.

    Raises:
        PolicyError: There is none, it cannot be read, or a key in it is unknown.
    """
    if isinstance(name, str) and "/" not in name and not name.endswith(".toml"):
        return preset(name)
    path = Path(name)
    if child is not None and not path.is_absolute():
        if child.folder is None:
            raise PolicyError(
                f"{name} is relative, but this policy is no file; name a preset or an absolute path", file=child.label
            )
        path = child.folder / path
    return _file(path)


def _file(path: Path) -> Document:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_FILE + 1)
        text = data.decode("utf-8")
    except OSError as error:
        raise PolicyError(f"cannot be read: {error.strerror}; give a preset or a .toml file", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise PolicyError(f"is not UTF-8: {error.reason} at byte {error.start}", file=str(path)) from None
    if len(data) > _MAX_FILE:
        raise PolicyError(f"is longer than {_MAX_FILE} bytes, which no policy is", file=str(path))
    return read(text, path.name, folder=path.resolve().parent, preset=False)


@functools.cache
def preset(name: str) -> Document:
    """The shipped policy of that name.

    Raises:
        PolicyError: There is none.
    """
    known = presets()
    if name not in known:
        raise PolicyError(
            f"there is no policy called {name!r}{_similar(name, known)}; presets: {', '.join(known)}; "
            "a file needs a slash or the ending .toml",
            file=name or "<policy>",
        )
    folder = _resources.folder("policies")
    text = (folder / f"{name}.toml").read_text("utf-8")
    return read(text, name, folder=folder, preset=True)


def presets() -> tuple[str, ...]:
    """The names of the shipped policies."""
    return tuple(sorted(path.stem for path in _resources.folder("policies").glob("*.toml")))


def read(text: str, label: str, *, folder: Path | None, preset: bool) -> Document:
    """Parse a text and flatten it to dotted keys.

    Args:
        text: The TOML.
        label: What errors and origins call it.
        folder: What relative paths in it start from; None where there is no file.
        preset: Whether it ships with the package: its origins then carry no line.

    Raises:
        PolicyError: Not TOML, or a key is unknown.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1  # else it says "at end of document"
        raise PolicyError(f"is not TOML: {error}", file=label, line=line) from None
    places = _Places(label, locate(text))
    head: dict[str, Setting] = {}
    settings: dict[str, Setting] = {}
    for path, value in _flatten(data, places):
        setting = Setting(value, label, places.line(*path), preset)
        if len(path) == 1:
            head[path[0]] = setting
        else:
            settings[".".join(path)] = setting
    return Document(label, folder, preset, head, settings)


def _flatten(data: Mapping[str, object], places: "_Places") -> Iterable[tuple[tuple[str, ...], object]]:
    """Every value with its path; the tables of the format are opened, unknown keys refused."""
    for name, value in data.items():
        places.known(name, _TOP)
        if name not in _SECTIONS:
            yield (name,), value
            continue
        for key, inner in places.table(value, name).items():
            places.known(key, _SECTIONS[name], name)
            if (name, key) == ("static", "imports"):
                for module, names in places.table(inner, name, key).items():
                    yield (name, key, module), names
            else:
                yield (name, key), inner


@dataclasses.dataclass(frozen=True, slots=True)
class _Places:
    """Where the keys of one text stand, and the complaints that need to say so."""

    label: str
    lines: Mapping[tuple[str, ...], int]

    def line(self, *path: str) -> int | None:
        """The line of the key, or of the nearest table around it."""
        below = [line for key, line in self.lines.items() if key[: len(path)] == path]  # an unquoted dotted key
        if below:
            return min(below)
        return next((self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), None)

    def known(self, name: str, among: frozenset[str], *table: str) -> None:
        if name not in among:
            raise PolicyError(
                f"unknown key{_similar(name, among)}; known here: {', '.join(sorted(among))}",
                file=self.label,
                line=self.line(*table, name),
                key=".".join((*table, name)),
            )

    def table(self, value: object, *path: str) -> dict[str, object]:
        if isinstance(value, dict):
            return value
        key = ".".join(path)
        raise PolicyError(f"expected a table, written [{key}]", file=self.label, line=self.line(*path), key=key)


def _similar(name: str, known: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415 - only a mistake needs it

    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""
