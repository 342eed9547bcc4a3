"""Validate jobs and scripts: callers without a type checker pass values of every type."""

import inspect
import math
from collections.abc import Mapping, Sequence

from poet_engine._repr import short
from poet_engine.errors import UsageError
from poet_engine.job import Job, Script


def validate_job(job: Job | Script) -> None:
    """Check the types of a job's or script's fields, before anything is made of them.

    Raises:
        UsageError: It names the field, its type, and what to pass instead.
    """
    given: object = job
    if not isinstance(given, Job | Script):
        kind = type(given).__name__
        raise UsageError(f"a job was expected, not a value of type {kind}; pass Job(source=…, entry=…) or Script(…)")
    validate_source(job.source)
    if isinstance(job, Job):
        validate_entry(job.entry)
        if not job.entry.isidentifier():
            raise UsageError(f"{job.entry!r} is no function name; name a function at the top level of the source")
    wall: object = job.wall
    if wall is not None and (isinstance(wall, bool) or not isinstance(wall, int | float) or math.isnan(wall)):
        raise UsageError(f"wall is {short(wall)}, and limits one run; pass seconds such as 2.5, or None")
    for name in ("filename", "id"):
        text: object = getattr(job, name)
        if not isinstance(text, str):
            raise UsageError(f"{name} is of type {type(text).__name__}, and is only shown and recorded; pass a text")
    validate_callback(job.on_output)
    if isinstance(job, Job):
        _refuse_other_arguments(job.args, job.kwargs)


def validate_source(source: object) -> None:
    """Check that a source is text.

    Raises:
        UsageError: It says how to make one of it.
    """
    if isinstance(source, str):
        return
    if isinstance(source, bytes | bytearray):
        mend = "decode it first: source.decode()"
    elif hasattr(source, "read_text"):
        mend = "read it first: source.read_text()"
    elif callable(source):
        mend = "pass its text: inspect.getsource(function)"
    else:
        mend = "pass the whole text of a module"
    raise UsageError(f"source is of type {type(source).__name__}, and only text can be scanned before it runs; {mend}")


def validate_entry(entry: object) -> None:
    """Check that the name of an entry is text.

    Raises:
        UsageError: It says what to pass instead.
    """
    if isinstance(entry, str):
        return
    name = getattr(entry, "__name__", None)
    mend = f"pass its name, {name!r}" if isinstance(name, str) else "pass a function's name"
    raise UsageError(f"entry is of type {type(entry).__name__}, and is looked up in the source by its name; {mend}")


def validate_callback(on_output: object) -> None:
    """Check that output can be given to a callback.

    Raises:
        UsageError: It cannot be called, or would have to be awaited.
    """
    if on_output is not None and not callable(on_output):
        kind = type(on_output).__name__
        raise UsageError(f"on_output is of type {kind}, and is called with each piece of output; pass a function")
    if inspect.iscoroutinefunction(on_output):
        raise UsageError("on_output is a coroutine function, and nobody would await it; pass a plain function")


def _refuse_other_arguments(args: object, kwargs: object) -> None:
    if isinstance(args, str | bytes) or not isinstance(args, Sequence):
        raise UsageError(
            f"args is of type {type(args).__name__}, and holds the positional arguments; pass a tuple or a list"
        )
    if not isinstance(kwargs, Mapping) or not all(isinstance(name, str) for name in kwargs):
        raise UsageError("kwargs holds the keyword arguments by name; pass a mapping whose keys are text")
