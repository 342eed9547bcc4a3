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
