"""The work that an engine runs: a call of a function, or a script."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

OutputCallback = Callable[[Literal["stdout", "stderr"], str], object]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A call of one function in one source.

    Attributes:
        source: The whole text of the module.
        entry: The name of a function at its top level.
        args: Positional arguments; each must have a wire form (docs/values.md).
        kwargs: Keyword arguments; the same.
        filename: The name of the source in tracebacks.
        wall: Seconds that this attempt may take, if less than the policy's limit.
        id: The caller's own name for the job; the outcome carries it as `job_id`, and nothing else reads it.
        absent: Guarded imports that raise instead, each with the part that is missing; the gate's report sets them.
        modules: Modules that the source may import, and files beside them: dotted name of a module, or relative path
            with a slash → content. They are scanned like the source, and are in a folder of the call's own.
        module: The dotted name of the source itself among them; relative imports and other modules go by it.
        on_output: Called with the name of the stream and the next piece of its text while the code runs.
        returns: The annotation of what it returns: the dataclasses, named tuples, enums and pydantic models that it
            names are rebuilt from the fields that arrive. None where no such value may come.
    """

    source: str
    entry: str
    args: Sequence[object] = ()
    kwargs: Mapping[str, object] = dataclasses.field(default_factory=dict)
    filename: str = "<generated>"
    wall: float | None = None
    id: str = ""
    absent: Sequence[tuple[str, str]] = ()
    modules: Mapping[str, str | bytes] = dataclasses.field(default_factory=dict)
    module: str = ""
    on_output: OutputCallback | None = dataclasses.field(default=None, repr=False, compare=False)
    returns: object = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A run of a whole script.

    Attributes:
        source: Its whole text; it runs as `__main__`.
        stdin: The content of its standard input.
        argv: The arguments after its name in `sys.argv`.
        files_in: Relative name → content of the files in its working folder at the start.
        files_out: Relative names and patterns of the files to return.
        filename: Its name in tracebacks and `sys.argv[0]`.
        wall: Seconds that this attempt may take, if less than the policy's limit.
        id: As that of a job.
        absent: As those of a job.
        modules: As those of a job.
        cells: Of a notebook, the number of each code cell and the line before it in the source.
        on_output: As that of a job.
    """

    source: str
    stdin: bytes = b""
    argv: Sequence[str] = ()
    files_in: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    files_out: Sequence[str] = ()
    filename: str = "script.py"
    wall: float | None = None
    id: str = ""
    absent: Sequence[tuple[str, str]] = ()
    modules: Mapping[str, str | bytes] = dataclasses.field(default_factory=dict)
    cells: Sequence[tuple[int, int]] = ()
    on_output: OutputCallback | None = dataclasses.field(default=None, repr=False, compare=False)
