"""A function bound to its source and an engine, to be called many times."""

from collections.abc import Mapping
from typing import Protocol

from poet_engine.job import Job
from poet_engine.outcome import Outcome


class Runs(Protocol):
    """The part of an engine that `BoundFunction` needs."""

    def run_job(self, job: Job, /) -> Outcome:
        """Scan, run and record one call; return its outcome."""
        ...


class BoundFunction:
    """A function of one source, ready to be called many times.

    Args:
        engine: The engine that runs it.
        source: The whole text of its module.
        entry: The name of the function.
        modules: As those of `Job`.
    """

    def __init__(self, engine: Runs, source: str, entry: str, modules: Mapping[str, str | bytes] | None = None) -> None:
        self._engine, self._source, self._entry, self._modules = engine, source, entry, modules or {}

    def __repr__(self) -> str:
        return f"<BoundFunction {self._entry} on {self._engine!r}>"

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Return the value of a call; raise the `PoetError` of any other outcome."""
        return self.call(*args, **kwargs).unwrap()

    def call(self, *args: object, **kwargs: object) -> Outcome:
        """Return the outcome of one call."""
        job = Job(source=self._source, entry=self._entry, args=args, kwargs=kwargs, modules=self._modules)
        return self._engine.run_job(job)
