"""Value types of the domains: what is known of a function, and the version that a domain writes for it."""

import dataclasses
import enum
from collections.abc import Callable, Mapping


class FunctionKind(enum.StrEnum):
    """The kind of a parameter; the same five kinds as in `inspect`."""

    POSITIONAL_ONLY = "positional_only"
    POSITIONAL_OR_KEYWORD = "positional_or_keyword"
    VAR_POSITIONAL = "var_positional"
    KEYWORD_ONLY = "keyword_only"
    VAR_KEYWORD = "var_keyword"


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the user's function.

    Attributes:
        name: The identifier.
        kind: The way in which it takes its argument: by position, by keyword, or both.
        has_default: Whether the caller may leave it out because of a default.
        default: The default's text when it is a literal; None where there is no default or it must be computed.
        annotation: The annotation's text, when there is one.
    """

    name: str
    kind: FunctionKind = FunctionKind.POSITIONAL_OR_KEYWORD
    has_default: bool = False
    default: str | None = None
    annotation: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ImportedName:
    """A name that an import statement binds.

    Attributes:
        name: The name in the code, such as `np`.
        module: The module that is imported, such as `numpy`; leading dots for a relative import.
        attribute: The name that is imported from the module by `from … import …`; None for a plain import.
        aliased: Whether the statement says `as`; `import a.b` binds `a`, `import a.b as a` binds the submodule.
    """

    name: str
    module: str
    attribute: str | None = None
    aliased: bool = False

    @property
    def statement(self) -> str:
        """The import statement, on its own, that binds the same name to the same object."""
        alias = f" as {self.name}" if self.aliased else ""
        if self.attribute is None:
            return f"import {self.module}{alias}"
        return f"from {self.module} import {self.attribute}{alias}"

    @property
    def paths(self) -> tuple[str, ...]:
        """The dotted names that the import may load: the module, and the submodule that `from` may mean."""
        return (self.module,) if self.attribute is None else (self.module, f"{self.module}.{self.attribute}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FunctionInfo:
    """Everything that is known of a function without running it.

    Attributes:
        name: Its name.
        qualname: Its dotted path in the module.
        module: The module's `__name__`.
        file: The path of the file it was read from.
        line: The 1-based line on which it starts, its decorators included.
        source: Its own text, dedented, decorators kept.
        source_digest: SHA-256 of `source` in hexadecimal.
        parameters: In the order of the signature.
        returns: The return annotation's text, when there is one.
        doc: Its cleaned docstring; empty without one.
        is_async: Whether it is an `async def`.
        is_method: Whether it is in a class and gets its object, or its class.
        free_names: The global and closure names in its body that are neither builtins nor imports at module level.
        imports: The module-level imports that its body uses.
        local_imports: The imports inside its body.
        in_notebook: Whether it is in a notebook cell: its text is in memory, not in a file.
        loggers: The free names that hold a logger.
    """

    name: str
    qualname: str
    module: str
    file: str
    line: int
    source: str
    source_digest: str
    parameters: tuple[Parameter, ...]
    returns: str | None = None
    doc: str = ""
    is_async: bool = False
    is_method: bool = False
    free_names: tuple[str, ...] = ()
    imports: tuple[ImportedName, ...] = ()
    local_imports: tuple[ImportedName, ...] = ()
    in_notebook: bool = False
    loggers: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class TrialExample:
    """A call for the trial of a version: it must end `ok` and return at least the expected items.

    Attributes:
        args: Positional arguments.
        kwargs: Keyword arguments.
        expect: Items that the returned mapping must contain; a value that is no mapping stands under the key "".
    """

    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = dataclasses.field(default_factory=dict)
    expect: Mapping[str, object] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """A version that a domain wrote with its built-in code.

    Attributes:
        source: The whole text of the module.
        entry: The function in it that answers the calls.
        examples: Calls for the trial.
        params: The parameters of the code, in plain JSON types.
        summary: One sentence for people.
        ignored: The required input that the function's own body ignores, the reason why the body may be replaced.
    """

    source: str
    entry: str
    examples: tuple[TrialExample, ...]
    params: Mapping[str, object]
    summary: str
    ignored: str


@dataclasses.dataclass(frozen=True, slots=True)
class Declined:
    """The answer of a domain that has no code for a function; the original serves.

    Attributes:
        reason: One sentence: what, why, and how to correct it.
    """

    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Domain:
    """A kind of function, the policy that its code needs, and the writer of that code.

    Attributes:
        name: The name under which it is known and stored.
        policy: The policy preset that its code needs.
        writer: Writes a version for a function, or declines with the reason. Pure: same function, same text.
        aliases: Other names that users may write.
        has_code: Whether there is any function that it writes a version for.
    """

    name: str
    policy: str
    writer: Callable[[FunctionInfo], Written | Declined]
    aliases: tuple[str, ...] = ()
    has_code: bool = True

    def write(self, info: FunctionInfo) -> Written | Declined:
        """Write a version of the function with built-in code, or decline with the reason; never raises for `info`."""
        return self.writer(info)
