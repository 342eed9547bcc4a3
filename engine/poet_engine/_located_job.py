"""Names and files of sources, by which waivers of a policy refer to them."""

import dataclasses
from collections.abc import Iterable

from poet_engine.job import Job, Script

_SCRIPT = Script(source="").filename  # the name of a script that comes from no file


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LocatedJob(Job):
    """A job whose source was read from a file of this machine.

    Attributes:
        path: The file, which waivers of the policy may name. The code does not get to know it.
    """

    path: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LocatedScript(Script):
    """A script or notebook that was read from a file of this machine.

    Attributes:
        path: As that of `LocatedJob`.
    """

    path: str


def names_and_file(names: Iterable[str]) -> tuple[list[str], str | None]:
    """Split names into those of functions (or placeholders such as `<generated>`) and the path of a file, if any."""
    given = list(names)
    plain = [name for name in given if name.isidentifier() or name.startswith("<")]
    return plain, next((name for name in given if name not in plain), None)


def origin(job: Job | Script) -> tuple[list[str], str | None]:
    """Return the names of a source for waivers, and the file that it was read from, if its caller names one."""
    if isinstance(job, LocatedScript):
        return [], job.path
    if isinstance(job, Script):
        return [], None if job.filename == _SCRIPT or job.cells else job.filename
    if isinstance(job, LocatedJob):
        return [job.entry], job.path
    return ([job.entry, job.filename], None) if job.filename.startswith("<") else ([job.entry], job.filename)
