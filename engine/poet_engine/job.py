"""What to run."""

import dataclasses
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One call of one function in one piece of source.

    Attributes:
        source: The whole text of the module.
        entry: The name of a function at its top level.
        args: Positional arguments; each must be able to travel (docs/values.md).
        kwargs: Keyword arguments; the same.
        filename: What tracebacks call the source.
        wall: Seconds this attempt may take, when that is less than the policy's limit.
        id: Whatever the caller tells jobs apart by; the outcome carries it as `job_id`, and nothing else reads it.
    """

    source: str
    entry: str
    args: Sequence[object] = ()
    kwargs: Mapping[str, object] = dataclasses.field(default_factory=dict)
    filename: str = "<generated>"
    wall: float | None = None
    id: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One run of a whole script.

    Attributes:
        source: Its whole text; it runs as `__main__`.
        stdin: What it may read from standard input.
        argv: What follows its name in `sys.argv`.
        files_in: Relative name → content of what lies in its working folder at the start.
        files_out: Relative names and patterns of the files that are brought back.
        filename: What tracebacks and `sys.argv[0]` call it.
        wall: Seconds this attempt may take, when that is less than the policy's limit.
        id: As that of a job.
    """

    source: str
    stdin: bytes = b""
    argv: Sequence[str] = ()
    files_in: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    files_out: Sequence[str] = ()
    filename: str = "script.py"
    wall: float | None = None
    id: str = ""
