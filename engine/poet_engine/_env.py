"""The only reader of the environment.

What it holds is a plain frozen value; pydantic-settings, which does the reading, takes a fifth of a second to import
and is therefore loaded by the first `read()`, never by importing this module.
"""

import dataclasses
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, TypedDict, cast

from poet_engine.errors import UsageError
from poet_engine.resilience.call_limits import EXECUTIONS

if TYPE_CHECKING:
    from pydantic import ValidationError

ServeMode = Literal["off", "shadow", "canary", "on"]

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_MOST_AT_ONCE, _MOST_PER_MINUTE = 10_000, 10**9  # each call at once may need a thread
_LONGEST_NAME = 200  # characters of what events repeat each time


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says.

    Attributes:
        home: The folder for state that belongs to no module: the journal, versions of functions in unwritable places.
            The first that can be used of `POET_HOME`, `$XDG_STATE_HOME/poet`, `~/.local/state/poet` and
            `poet-<uid>` under the folder for temporary files. Nothing is created before `make_home()`.
        model: Which model may see source (`POET_MODEL`); None: no source leaves the machine.
        mode: Whether versions serve (`POET_MODE`).
        policy: The policy of calls that name none (`POET_POLICY`), by name or path; None for the project's or the
            default one.
        organisation_policy: The organisation's layer of every policy (`POET_ORGANISATION_POLICY`), by name or path.
        environment: The environment that events name (`POET_ENVIRONMENT`).
        service: The service that events name (`POET_SERVICE`).
        sandbox: What `auto` stands for (`POET_SANDBOX`): `process`, `docker`, or the first of them that will do.
        docker_host: The address of the Docker engine (`DOCKER_HOST`); None: where it usually is.
        executions_at_once: How many calls of decorated functions run at once under one policy
            (`POET_EXECUTIONS_AT_ONCE`).
        executions_per_minute: How many of them begin in a minute (`POET_EXECUTIONS_PER_MINUTE`); None: as many as come.
        record: Whether calls of versions are kept with their arguments (`POET_RECORD`), where a function says nothing.
    """

    home: Path
    model: str | None
    mode: ServeMode
    policy: str | None
    environment: str
    service: str
    docker_host: str | None = None
    organisation_policy: str | None = None
    sandbox: Literal["auto", "process", "docker"] = "auto"
    executions_at_once: int = EXECUTIONS.running
    executions_per_minute: int | None = None
    record: bool = False

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


class _Plain(TypedDict):
    model: str | None
    mode: ServeMode
    policy: str | None
    environment: str
    service: str
    docker_host: str | None
    organisation_policy: str | None
    sandbox: Literal["auto", "process", "docker"]
    executions_at_once: int
    executions_per_minute: int | None
    record: bool


def _parse(environ: Mapping[str, str]) -> _Plain:
    """The variables that are plain values, checked."""
    # Loaded by the first read: see the module's docstring.
    from pydantic import Field, ValidationError  # noqa: PLC0415 - as said above
    from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource  # noqa: PLC0415 - the same

    class Environment(BaseSettings):
        model: str | None = Field(default=None, validation_alias="POET_MODEL")
        mode: ServeMode = Field(default="on", validation_alias="POET_MODE")
        policy: str | None = Field(default=None, validation_alias="POET_POLICY")
        organisation_policy: str | None = Field(default=None, validation_alias="POET_ORGANISATION_POLICY")
        environment: str = Field(default="development", validation_alias="POET_ENVIRONMENT", max_length=_LONGEST_NAME)
        service: str = Field(default="poet", validation_alias="POET_SERVICE", max_length=_LONGEST_NAME)
        docker_host: str | None = Field(default=None, validation_alias="DOCKER_HOST")
        sandbox: Literal["auto", "process", "docker"] = Field(default="auto", validation_alias="POET_SANDBOX")
        executions_at_once: int = Field(
            default=EXECUTIONS.running, validation_alias="POET_EXECUTIONS_AT_ONCE", ge=1, le=_MOST_AT_ONCE
        )
        executions_per_minute: int | None = Field(
            default=None, validation_alias="POET_EXECUTIONS_PER_MINUTE", ge=1, le=_MOST_PER_MINUTE
        )
        record: bool = Field(default=False, validation_alias="POET_RECORD")

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            # `environ` alone: no `.env` of whatever folder this happens to run in, and no folder of secrets.
            del init_settings, env_settings, dotenv_settings, file_secret_settings
            source = EnvSettingsSource(settings_cls, case_sensitive=True)
            source.env_vars = {name: value for name, value in environ.items() if value}
            return (source,)

    try:
        found = Environment()
    except ValidationError as error:
        raise UsageError(_complaint(error)) from error
    return cast("_Plain", found.model_dump())  # its fields have the same names and types


def _complaint(error: "ValidationError") -> str:
    """One sentence about the first variable that cannot be used."""
    first = error.errors(include_url=False, include_context=False)[0]
    return f"the variable {first['loc'][0]} is {first['input']!r}: {first['msg']}; mend it or unset it"


def _home(environ: Mapping[str, str]) -> Path:
    """The folder that `Settings.home` describes."""
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
