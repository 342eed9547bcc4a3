"""Where a source comes from, by which waivers of a policy know it."""

import dataclasses
from collections.abc import Iterable

from poet_engine.job import Job, Script

_SCRIPT = Script(source="").filename  # what one is called that comes from no file


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LocatedJob(Job):
    """A job whose source was read from a file of this machine.

    Attributes:
        path: The file, which waivers of the policy may name. The code is not told where it lies.
    """

    path: str


def names_and_file(names: Iterable[str]) -> tuple[list[str], str | None]:
    """Names of functions, and those such as `<generated>` that stand in the place of a file; the path of a file."""
    given = list(names)
    plain = [name for name in given if name.isidentifier() or name.startswith("<")]
    return plain, next((name for name in given if name not in plain), None)


def origin(job: Job | Script) -> tuple[list[str], str | None]:
    """What waivers may call a source, and the file that it was read from, where its caller names one."""
    if isinstance(job, Script):
        return [], None if job.filename == _SCRIPT else job.filename
    if isinstance(job, LocatedJob):
        return [job.entry], job.path
    return ([job.entry, job.filename], None) if job.filename.startswith("<") else ([job.entry], job.filename)
