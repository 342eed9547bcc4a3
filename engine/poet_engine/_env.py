"""The only reader of the environment: a plain frozen value, in which each setting is declared once.

pydantic checks the values. It takes long to import, so it is loaded by the first `read()` that finds a variable set.
"""

import dataclasses
import functools
import os
import stat
import tempfile
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Never, Self, TypeVar, cast

from poet_engine.errors import UsageError
from poet_engine.resilience.call_limits import EXECUTIONS

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

T = TypeVar("T")

ServeMode = Literal["off", "shadow", "canary", "on"]

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_MOST_AT_ONCE, _MOST_PER_MINUTE = 10_000, 10**9  # each call at once may need a thread
_LONGEST_NAME = 200  # characters of what events repeat each time


def _variable(name: str, default: T, **bounds: int) -> T:
    """A setting: the variable that it is read from, what it is where that is not set, and its bounds for pydantic."""
    return dataclasses.field(default=default, metadata={"variable": name, "bounds": bounds})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings that the environment holds.

    Attributes:
        home: The folder for state that belongs to no module: the journal, versions of functions in unwritable places.
            The first that can be used of `POET_HOME`, `$XDG_STATE_HOME/poet`, `~/.local/state/poet` and
            `poet-<uid>` under the folder for temporary files. Nothing is created before `make_home()`.
        model: Which model may see source; None: no source leaves the machine.
        mode: Whether versions serve.
        policy: The policy of calls that name none, by name or path; None for the project's or the default one.
        organisation_policy: The organisation's layer of every policy, by name or path.
        environment: The environment that events name.
        service: The service that events name.
        sandbox: What `auto` stands for: `process`, `docker`, or the first of them that will do.
        docker_host: The address of the Docker daemon; None: where it usually is.
        executions_at_once: How many calls of decorated functions run at once under one policy.
        executions_per_minute: How many of them begin in a minute; None: as many as come.
        record: Whether calls of versions are kept with their arguments, where a function says nothing.
    """

    home: Path
    model: str | None = _variable("POET_MODEL", None)
    mode: ServeMode = _variable("POET_MODE", "on")  # noqa: RUF009 - it makes a field
    policy: str | None = _variable("POET_POLICY", None)
    organisation_policy: str | None = _variable("POET_ORGANISATION_POLICY", None)
    environment: str = _variable("POET_ENVIRONMENT", "development", max_length=_LONGEST_NAME)
    service: str = _variable("POET_SERVICE", "poet", max_length=_LONGEST_NAME)
    sandbox: Literal["auto", "process", "docker"] = _variable("POET_SANDBOX", "auto")
    docker_host: str | None = _variable("DOCKER_HOST", None)
    executions_at_once: int = _variable("POET_EXECUTIONS_AT_ONCE", EXECUTIONS.running, ge=1, le=_MOST_AT_ONCE)
    executions_per_minute: int | None = _variable("POET_EXECUTIONS_PER_MINUTE", None, ge=1, le=_MOST_PER_MINUTE)
    record: bool = _variable("POET_RECORD", default=False)

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The settings in `environ`, which defaults to this process's environment.

        A variable that is set to nothing counts as not set.

        Raises:
            UsageError: A variable has a value that it may not have.
        """
        values = os.environ if environ is None else environ  # noqa: TID251 - this is the one reader
        return cls(home=_home(values), **_parse(values))

    def make_home(self) -> Path:
        """Create `home`, for its owner only, and return it.

        Raises:
            UsageError: It cannot be created, or somebody else owns it or may write to it: a folder with a guessable
                name under a shared one may have been laid there by another user.
        """
        remedy = "Set POET_HOME to a folder that belongs to you alone."
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.home.lstat()
        except OSError as error:
            raise UsageError(f"the state folder {self.home} cannot be made: {error.strerror}. {remedy}") from error
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & _WRITABLE_BY_OTHERS:
            raise UsageError(
                f"the state folder {self.home} is not a folder of your own: it is a link, belongs to another user, or "
                f"others may write to it. {remedy}",
            )
        return self.home


def _parse(environ: Mapping[str, str]) -> dict[str, Never]:
    """The settings whose variables are set, each of its own type, which no type of the whole can say.

    Raises:
        UsageError: A variable has a value that it may not have.
    """
    variables = [field.metadata["variable"] for field in dataclasses.fields(Settings) if field.metadata]
    given = {name: environ[name] for name in variables if environ.get(name)}
    if not given:
        return {}
    from pydantic import ValidationError  # noqa: PLC0415 - see the module's docstring

    try:
        found = _model().model_validate(given)
    except ValidationError as error:
        raise UsageError(_complaint(error)) from error
    return cast("dict[str, Never]", found.model_dump(exclude_unset=True))


@functools.cache
def _model() -> "type[BaseModel]":
    """Return the model that checks the variables, made from their declarations."""
    from pydantic import Field, create_model  # noqa: PLC0415 - see the module's docstring

    types = typing.get_type_hints(Settings)
    declared = {
        field.name: (
            types[field.name],
            Field(field.default, alias=field.metadata["variable"], **field.metadata["bounds"]),
        )
        for field in dataclasses.fields(Settings)
        if field.metadata
    }
    return create_model("Environment", **cast("dict[str, Never]", declared))


def _complaint(error: "ValidationError") -> str:
    """Return one sentence about the first variable that cannot be used."""
    first = error.errors(include_url=False, include_context=False)[0]
    return f"the variable {first['loc'][0]} is {first['input']!r}: {first['msg']}; mend it or unset it"


def _home(environ: Mapping[str, str]) -> Path:
    """Return the folder that `Settings.home` describes."""
    chosen = environ.get("POET_HOME")
    if chosen:
        if not Path(chosen).is_absolute():
            raise UsageError(f"the variable POET_HOME is {chosen!r}: give an absolute path, or unset it")
        return Path(chosen)
    state, home = environ.get("XDG_STATE_HOME", ""), environ.get("HOME", "")
    # Both must be absolute to count: so says the XDG Base Directory Specification, and an empty HOME is none.
    candidates = [Path(state, "poet")] if Path(state).is_absolute() else []
    candidates += [Path(home, ".local", "state", "poet")] if Path(home).is_absolute() else []
    for candidate in candidates:
        if _can_be_made(candidate):
            return candidate
    return Path(environ.get("TMPDIR") or tempfile.gettempdir(), f"poet-{os.geteuid()}")


def _can_be_made(folder: Path) -> bool:
    """Whether the nearest part of the path that exists is a folder that we may write to.

    Service users have a HOME such as /nonexistent or /, and containers one that belongs to somebody else.
    """
    nearest = next((part for part in (folder, *folder.parents) if part.exists()), None)
    return nearest is not None and nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def drawing_is_forced(environ: Mapping[str, str] | None = None) -> bool:
    """Whether `FORCE_COLOR` or `TTY_COMPATIBLE` may make rich take a pipe for a terminal; rich itself decides."""
    values = os.environ if environ is None else environ  # noqa: TID251 - this is the one reader
    return bool(values.get("FORCE_COLOR") or values.get("TTY_COMPATIBLE"))
